"""`builtin:download`: a fixed output from the network.

The derivation's environment: `url`, URIs separated by white space and tried in order; `executable`, if not
empty, makes the file executable; `unpack`, if not empty, unpacks an archive and gives the one folder in it,
or all when there is more. What comes with a wrong hash is passed over for the next place; if nothing better
follows, it becomes the output, so that whoever registers it can tell how it differs.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import shutil
import ssl
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

from larix.builder.builtins.mirrors import UnknownUri, debian_mirrors, expand, shown
from larix.builder.builtins.sources import find_by_hash
from larix.builder.builtins.transfer import Fetcher, Progress, Target, TransferError
from larix.buildside.failure import BuildSideError
from larix.buildside.unpack import source_directory, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["run"]

_LOADED_BY_TARFILE_WHEN_NEEDED = (bz2, gzip, lzma, zlib)  # when larix's own files may be out of reach
_ARRIVING = "arriving"
_REJECTED = "rejected"


def run(argument: dict[str, Any], report: Callable[[tuple[Any, ...]], None]) -> None:
    """Entry point in the room; the current folder is the scratch folder."""
    _Download(argument, report).run()


class _Download:
    def __init__(self, argument: dict[str, Any], report: Callable[[tuple[Any, ...]], None]) -> None:
        self._environment: dict[str, str] = argument["environment"]
        self._host: dict[str, str] = argument["host"]
        self._output: str = argument["outputs"]["out"]
        self._name: str = argument["name"]
        self._cache: int = argument["cache"]
        promised: tuple[str, str] = argument["hash"] or ("sha256", "")
        algo, self._digest = promised
        self._is_flat = not algo.startswith("r:")
        self._algo: str = algo.removeprefix("r:")
        self._report = report
        self._lines: list[str] = []
        self._rejected: str | None = None
        file, folder = self._host.get("SSL_CERT_FILE"), self._host.get("SSL_CERT_DIR")
        context = ssl.create_default_context(cafile=file, capath=folder) if file or folder else None
        self._fetcher = Fetcher(environment=self._host, progress=self._tell_progress, context=context)

    def _tell_progress(self, progress: Progress) -> None:
        self._report(("download", *progress))

    def _note(self, line: str) -> None:
        """One line with the cause for each place that gave nothing."""
        self._lines.append(line)
        print(line, flush=True)

    def run(self) -> None:
        uris = self._environment.get("url", "").split()
        if not uris:
            self._fail("its derivation names no `url`")
            return
        for url in self._places(uris):
            if self._try(url):
                return
        if self._rejected is not None:
            os.rename(_REJECTED, _ARRIVING)
            self._deliver(self._rejected)
            return
        self._fail(*self._lines)

    def _fail(self, *lines: str) -> None:
        text = "".join(f"\n  {line}" for line in lines)
        hint = None
        if any("debian://" in uri for uri in self._environment.get("url", "").split()):
            hint = "set LARIX_DEBIAN_MIRROR to the URL of a mirror of Debian that this machine can reach"
        elif lines:
            hint = "check the network, or add another URI to the origin"
        self._report(("builtin-failed", f"cannot download `{self._name}`:{text}", hint))

    def _places(self, uris: Iterable[str]) -> Iterator[str]:
        """All places in order; Debian's archive by content is looked up when nothing before has helped."""
        debian = debian_mirrors(self._host)
        for uri in uris:
            try:
                yield from expand(uri, debian)
            except UnknownUri as error:
                self._note(f"{shown(uri)}: {error}")
        if self._is_flat and self._algo == "sha256" and self._digest.strip("0"):
            bases = debian_mirrors(self._host, with_snapshot=False)
            yield from find_by_hash(
                self._digest,
                bases,
                fetcher=self._fetcher,
                cache=self._cache,
                tell=lambda line: self._note(f"Debian's source index of {line}"),
            )

    def _try(self, url: str) -> bool:
        target = Target(_ARRIVING, partial(hashlib.new, self._algo))
        try:
            self._fetcher.fetch(url, target)
        except TransferError as error:
            self._note(f"{shown(url)}: {error.cause}")
            return False
        finally:
            target.close()
        if self._is_flat and self._digest and target.hexdigest() != self._digest:
            self._note(f"{shown(url)}: what came has another hash ({target.size} bytes)")
            if self._rejected is None:
                self._rejected = url
                os.rename(_ARRIVING, _REJECTED)
            return False
        self._deliver(url)
        return True

    def _deliver(self, url: str) -> None:
        """Make the output of what has arrived from `url`."""
        self._report(("fetched", shown(url)))
        if self._environment.get("unpack"):
            named = os.path.join("unpacking", self._name)
            os.mkdir("unpacking")
            os.rename(_ARRIVING, named)
            try:
                unpack(named, "unpacked")
            except BuildSideError as error:
                self._fail(f"{shown(url)}: {error}")
                return
            shutil.move(source_directory("unpacked"), self._output)
            return
        if self._environment.get("executable"):
            os.chmod(_ARRIVING, 0o755)  # noqa: S103 - as any program is
        os.rename(_ARRIVING, self._output)
