"""Sources whose hash nobody knows: downloaded, verified when signed and else taken on trust, and remembered.

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

        Raises DownloadFailed, and BadSignature when it is not what upstream signed.
        """
        known = self.found.get(key)
        if known is not None and (known.version == version or version is None):
            return known
        causes: dict[str, str] = {}
        for uri in uris:
            try:
                content, doubt = self._download(what, uri)
            except DownloadFailed as error:
                causes |= error.causes
                continue
            made = self.found[key] = Trusted((uri, *(each for each in uris if each != uri)), content, version)
            if doubt is not None:
                diagnostics.warning(doubt)
                diagnostics.note(tr("its hash is {content}", content=content))
            return made
        raise DownloadFailed(uris[0] if uris else what, causes)

    def _download(self, what: str, uri: str) -> tuple[Hash, str | None]:
        """The hash, and what there is to doubt, if nobody who is trusted signed it."""
        with tempfile.TemporaryDirectory(prefix="larix-") as folder:
            file = os.path.join(folder, "file")
            content = Hash("sha256", self.web.download(uri, file).digest)
            doubt = self._doubt(what, uri, file)
            name = Origin(uri=uri, hash=content).name
            self._session.store.add_path(name, file, recursive=False)
        return content, doubt

    def _doubt(self, what: str, uri: str, file: str) -> str | None:
        from larix.cli.verifying import tell_signed
        from larix.upstream.signatures import MissingKey, NoVerifier, Verifier

        try:
            signed = Verifier(self.web).verify(uri, file)
        except MissingKey as error:
            return tr(
                "{what}: `{keyring}' lacks the key {key} that signed {uri}, which is taken on trust",
                what=what,
                keyring=error.keyring,
                key=error.key,
                uri=uri,
            )
        except NoVerifier as error:
            return tr(
                "{what}: {problem}, so the signature is not verified, and {uri} is taken on trust",
                what=what,
                problem=error.message,
                uri=uri,
            )
        if signed is None:
            return tr("{what}: nothing vouches for {uri}, which is taken on trust", what=what, uri=uri)
        tell_signed(what, signed)
        return None


def _read(key: str, value: Any) -> Trusted:
    try:
        return Trusted(tuple(value["uris"]), parse_hash(value["hash"]), value.get("version"))
    except (KeyError, TypeError, AttributeError, LarixError) as error:
        raise BadRecord(tr("the record of the source of `{key}` is damaged", key=key)) from error
