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
import time
import zlib
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from larix.builder.builtins.mirrors import PYPI, PYPI_INDEX, UnknownUri, debian_mirrors, expand, shown
from larix.builder.builtins.simple_index import find_file
from larix.builder.builtins.sources import find_by_hash
from larix.builder.builtins.transfer import Fetcher, Limits, Progress, Target, TransferError
from larix.buildside.failure import BuildSideError
from larix.buildside.unpack import source_directory, unpack
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["run"]

_LOADED_BY_TARFILE_WHEN_NEEDED = (bz2, gzip, lzma, zlib)  # when larix's own files may be out of reach
_DOWN_SECONDS = 60
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
        self._causes: dict[str, str] = {}
        self._rejected: str | None = None
        self._postponed: list[str] = []
        self._down = _DownHosts(self._cache)
        file, folder = self._host.get("SSL_CERT_FILE"), self._host.get("SSL_CERT_DIR")
        context = ssl.create_default_context(cafile=file, capath=folder) if file or folder else None
        connect, tries = argument["limits"]
        # Other places first; what could not be reached is tried again last.
        limits = Limits(connect=float(connect), tries=tries, connection_tries=1)
        self._fetcher = Fetcher(
            limits=limits, environment=self._host, progress=self._tell_progress, context=context
        )

    def _tell_progress(self, progress: Progress) -> None:
        self._report(("download", *progress))

    def _note(self, place: str, cause: str) -> None:
        """One line for each place that gave nothing."""
        self._causes[place] = cause
        print(f"{place}: {cause}", flush=True)

    def run(self) -> None:
        uris = self._environment.get("url", "").split()
        if not uris:
            self._fail(tr("its derivation names no `url`"))
            return
        if any(self._try(url) for url in self._first_choice(uris)) or any(map(self._try, self._by_content())):
            return
        if self._rejected is not None:
            os.rename(_REJECTED, _ARRIVING)
            self._deliver(self._rejected)
        elif not any(map(self._try, self._second_choice())):
            self._fail(*(f"{place}: {cause}" for place, cause in self._causes.items()))

    def _fail(self, *lines: str) -> None:
        text = "".join(f"\n  {line}" for line in lines)
        hint = None
        uris = self._environment.get("url", "").split()
        if any(uri.startswith("debian://") for uri in uris):
            hint = tr("set LARIX_DEBIAN_MIRROR to the URL of a mirror of Debian that this machine can reach")
        elif any(uri.startswith(PYPI) for uri in uris):
            hint = tr(
                "set {pypi_index} to the URL of an index of Python packages that this machine can reach",
                pypi_index=PYPI_INDEX,
            )
        elif lines:
            hint = tr("check the network, or add another URI to the origin")
        self._report(
            ("builtin-failed", tr("cannot download `{name}`:{text}", name=self._name, text=text), hint)
        )

    def _first_choice(self, uris: Iterable[str]) -> Iterator[str]:
        """The places of all URIs in order; those on hosts that lately were out of reach wait for the end."""
        debian = debian_mirrors(self._host)
        for uri in uris:
            try:
                places = self._of_indexes(uri) if uri.startswith(PYPI) else expand(uri, debian)
                for url in places:
                    if self._down.is_marked(url):
                        self._postponed.append(url)
                    else:
                        yield url
            except UnknownUri as error:
                self._note(shown(uri), str(error))

    def _second_choice(self) -> Iterator[str]:
        for place in tuple(self._postponed):
            yield from self._of_indexes(place) if place.startswith(PYPI) else (place,)

    def _of_indexes(self, uri: str) -> Iterator[str]:
        """Where the indexes of Python packages have the file; what is out of reach is asked again last."""

        def tell(index: str, error: TransferError) -> None:
            self._note(tr("{uri} in the index {index}", uri=uri, index=shown(index)), error.cause)
            if error.connecting:
                self._postponed.append(uri)

        indexes = self._host.get(PYPI_INDEX, "").split()
        if not indexes:
            self._note(uri, tr("this machine names no index of Python packages"))
        yield from find_file(uri, indexes, self._fetcher, tell)

    def _by_content(self) -> Iterator[str]:
        """Places in Debian's archive, which are looked up only when this is asked for them."""
        if self._is_flat and self._algo == "sha256" and self._digest.strip("0"):
            yield from find_by_hash(
                self._digest,
                debian_mirrors(self._host, with_snapshot=False),
                fetcher=self._fetcher,
                cache=self._cache,
                tell=lambda suite, cause: self._note(
                    tr("Debian's source index of {suite}", suite=suite), cause
                ),
            )

    def _try(self, url: str) -> bool:
        target = Target(_ARRIVING, partial(hashlib.new, self._algo))
        try:
            self._fetcher.fetch(url, target)
        except TransferError as error:
            self._note(shown(url), error.cause)
            if error.connecting:
                self._down.mark(url)
                self._postponed.append(url)
            return False
        finally:
            target.close()
        if self._is_flat and self._digest and target.hexdigest() != self._digest:
            self._note(shown(url), tr("what came has another hash ({size} bytes)", size=target.size))
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


class _DownHosts:
    """Which hosts could not be reached in the last minute, by empty files in the folder that builtins share.

    Each download is a process of its own: without this, every one of them would wait for the same dead
    mirrors.
    """

    def __init__(self, folder: int) -> None:
        self._folder = folder

    def _file(self, url: str) -> str:
        return "down-" + hashlib.sha256(urlsplit(url).netloc.rpartition("@")[2].encode()).hexdigest()[:32]

    def is_marked(self, url: str) -> bool:
        try:
            return time.time() - os.stat(self._file(url), dir_fd=self._folder).st_mtime < _DOWN_SECONDS
        except FileNotFoundError:
            return False

    def mark(self, url: str) -> None:
        """Start the minute anew; a file of another build user can be replaced, but not touched."""
        with suppress(FileNotFoundError):
            os.unlink(self._file(url), dir_fd=self._folder)
        with suppress(FileExistsError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            os.close(os.open(self._file(url), flags, 0o644, dir_fd=self._folder))
