"""A command line of `larix shell` as a manifest, for `larix shell -m` and for a project's `manifest.py`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from larix.cli.options import CommandLine, UsageError
from larix.cli.transformations import chosen_transformations
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.cli.environments import Wish

__all__ = ["print_manifest"]

_HEAD = "# For `larix shell -m FILE`: the same environment, from what the catalogue has then.\n"


def print_manifest(line: CommandLine, wishes: Sequence[Wish]) -> int:
    """The wishes as they were given: versions stay as short as they were."""
    options = [f"--{wish}" for wish in chosen_transformations(line)]
    lines = [_line(wish, options) for wish in wishes]
    names = [name for name in ("inputs_of", "transformed") if any(f"{name}(" in each for each in lines)]
    print(_HEAD)
    if names:
        print(f"from larix.packages import {', '.join(names)}\n")
    print("\n".join(["manifest = [", *lines, "]"]))
    return 0


def _line(wish: Wish, options: Sequence[str]) -> str:
    if wish.kind != "install" or wish.text.startswith("/"):
        raise UsageError(
            tr("'{text}' cannot be written in a manifest, which lists packages by name", text=wish.text),
            hint=tr("a folder with the package's file can be given with `-L'"),
        )
    words = ", ".join(json.dumps(each) for each in (wish.text, *options))
    if wish.development:
        return f"    inputs_of({words}),"
    return f"    transformed({words})," if options else f"    {words},"
