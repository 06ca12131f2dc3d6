"""Sources whose hash nobody knows: downloaded, taken on trust, told and remembered.

What is remembered of one, in the manifest of a profile, is its address and hash, so that the same command
gives the same package again.
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.cli import diagnostics
from larix.errors import LarixError
from larix.formats.hashes import Hash, parse_hash
from larix.packages.origin import Origin
from larix.upstream.web import DownloadFailed, Web
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from larix.cli.session import Session

__all__ = ["Trust", "Trusted"]


class BadRecord(LarixError):
    """What was remembered of a source cannot be read."""


class Trusted(NamedTuple):
    """A source and the version of what it is the source of, if that was looked up."""

    uris: tuple[str, ...]
    content: Hash
    version: str | None = None

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {"uris": list(self.uris), "hash": str(self.content), "version": self.version}

    @property
    def origin(self) -> Origin:
        return Origin(uri=self.uris, hash=self.content)


class Trust:
    """The sources of one command; `known` are those of earlier ones, by the option that asked for them."""

    def __init__(self, session: Session, known: Mapping[str, Any] | None = None) -> None:
        self._session = session
        self.found: dict[str, Trusted] = {key: _read(key, value) for key, value in (known or {}).items()}
        self.web = Web()

    def source(self, key: str, what: str, uris: Sequence[str], version: str | None = None) -> Trusted:
        """The file at the first of `uris` that answers, put into the store; `key` is where it is remembered.

        Raises DownloadFailed.
        """
        known = self.found.get(key)
        if known is not None and (known.version == version or version is None):
            return known
        causes: dict[str, str] = {}
        for uri in uris:
            try:
                content = self._download(uri)
            except DownloadFailed as error:
                causes |= error.causes
                continue
            made = self.found[key] = Trusted((uri, *(each for each in uris if each != uri)), content, version)
            diagnostics.warning(
                tr("{what}: nothing vouches for {uri}, which is taken on trust", what=what, uri=uri)
            )
            diagnostics.note(tr("its hash is {content}", content=content))
            return made
        raise DownloadFailed(uris[0] if uris else what, causes)

    def _download(self, uri: str) -> Hash:
        with tempfile.TemporaryDirectory(prefix="larix-") as folder:
            file = os.path.join(folder, "file")
            content = Hash("sha256", self.web.download(uri, file).digest)
            name = Origin(uri=uri, hash=content).name
            self._session.store.add_path(name, file, recursive=False)
        return content


def _read(key: str, value: Any) -> Trusted:
    try:
        return Trusted(tuple(value["uris"]), parse_hash(value["hash"]), value.get("version"))
    except (KeyError, TypeError, AttributeError, LarixError) as error:
        raise BadRecord(tr("the record of the source of `{key}` is damaged", key=key)) from error
