"""The links that users ask for with `--root`: each is a root of the collector for as long as it is there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.cli.session import Session
    from larix.formats.storepath import StorePath

__all__ = ["RootRefused", "make_root_links"]


class RootRefused(LarixError):
    """The link that was to be a collector root cannot be made."""


def make_root_links(session: Session, file: str | None, paths: Sequence[StorePath]) -> None:
    """FILE for the first of the paths, FILE-1 and so on for the others; nothing if no FILE was given."""
    if file is None:
        return
    first = os.path.join(os.path.realpath(os.path.dirname(os.path.abspath(file))), os.path.basename(file))
    for number, path in enumerate(paths):
        link = first if number == 0 else f"{first}-{number}"
        try:
            session.store.add_permanent_root(path, link)
        except LarixError as error:
            raise _refused(link, error.message, hint=error.hint) from error
        except OSError as error:
            raise _refused(link, error.strerror or str(error)) from error


def _refused(link: str, told: str, *, hint: str | None = None) -> RootRefused:
    return RootRefused(tr("failed to create GC root `{link}': {told}", link=link, told=told), hint=hint)
