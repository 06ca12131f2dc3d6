"""The web as packagers' tools see it: files and pages by any URI that an origin may name."""

from __future__ import annotations

import hashlib
import os
import ssl
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from larix.builder.builtins.mirrors import PYPI, PYPI_INDEX, UnknownUri, debian_mirrors, expand, shown
from larix.builder.builtins.simple_index import IndexFile, find_file, project_files
from larix.builder.builtins.transfer import Answer, Fetcher, Limits, Target, TransferError
from larix.builder.python_indexes import python_indexes
from larix.errors import LarixError
from larix.upstream.listing import folder_names
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from larix.builder.builtins.transfer import Progress

__all__ = ["HASTY", "DownloadFailed", "Downloaded", "Probe", "Web"]

HASTY = Limits(connect=1.0, stall=1.0, tries=2, connection_tries=1, first_delay=0.01)
_PATIENT = Limits(connection_tries=1)  # of several places, the next may answer at once
_VARIABLES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")


class DownloadFailed(LarixError):
    """No place that a URI stands for gave the file or page; `causes` tells why, place by place."""

    def __init__(self, uri: str, causes: Mapping[str, str]) -> None:
        self.uri = uri
        self.causes = dict(causes)
        lines = "".join(f"\n  {place}: {cause}" for place, cause in self.causes.items())
        super().__init__(
            tr("{uri}: download failed:", uri=shown(uri)) + lines
            if lines
            else tr("{uri}: download failed", uri=shown(uri)),
            hint=_advice(uri),
        )

    @property
    def brief(self) -> str:
        """The causes alone, each once, in one line."""
        return "; ".join(dict.fromkeys(self.causes.values())) or tr("it names no place")


class Downloaded(NamedTuple):
    """A file that has come from `url`."""

    url: str
    size: int
    digest: bytes


class Probe(NamedTuple):
    """The URL under which a page is for good, and why it does not answer, if so."""

    url: str
    problem: str | None = None


class Web:
    """Fetches by the settings of this machine, which `environment` holds."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        *,
        limits: Limits = _PATIENT,
        check_certificates: bool = True,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._environment = environment
        self._limits = limits
        self._check_certificates = check_certificates
        self._progress = progress
        self._pages: dict[str, Answer] = {}

    @cached_property
    def fetcher(self) -> Fetcher:
        proxies = {
            name: value
            for name in _VARIABLES
            if (value := self._environment.get(name) or self._environment.get(name.upper()))
        }
        return Fetcher(
            limits=self._limits, environment=proxies, progress=self._progress, context=self._context()
        )

    def _context(self) -> ssl.SSLContext | None:
        file, folder = self._environment.get("SSL_CERT_FILE"), self._environment.get("SSL_CERT_DIR")
        if not self._check_certificates:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        return ssl.create_default_context(cafile=file, capath=folder) if file or folder else None

    @cached_property
    def github(self) -> str:
        """The address of GitHub's interface for programs, with the user's token, if there is one.

        `LARIX_GITHUB_API` names another that answers as it does.
        """
        base = self._environment.get("LARIX_GITHUB_API") or "https://api.github.com"
        token = self._environment.get("LARIX_GITHUB_TOKEN")
        if not token:
            return base.rstrip("/")
        scheme, _, rest = base.rstrip("/").partition("://")
        return f"{scheme}://x-access-token:{quote(token, safe='')}@{rest}"

    @cached_property
    def indexes(self) -> tuple[str, ...]:
        """The indexes of Python packages that this machine uses."""
        return python_indexes(self._environment)

    @cached_property
    def debian(self) -> tuple[str, ...]:
        """The mirrors of Debian that this machine uses, and the archive of all that was."""
        return tuple(debian_mirrors(self._environment))

    def download(self, uri: str, file: str, algorithm: str = "sha256") -> Downloaded:
        """Have in `file` what `uri` names. Raises DownloadFailed."""
        causes: dict[str, str] = {}
        for url in self._places(uri, causes):
            target = Target(file, partial(hashlib.new, algorithm, usedforsecurity=False))
            try:
                self.fetcher.fetch(url, target)
            except TransferError as error:
                causes[shown(url)] = error.cause
            else:
                return Downloaded(url, target.size, bytes.fromhex(target.hexdigest()))
            finally:
                target.close()
        raise DownloadFailed(uri, causes)

    def page(self, uri: str, *, accept: str = "*/*") -> Answer:
        """What `uri` names, in memory; asked for once. Raises DownloadFailed."""
        if uri in self._pages:
            return self._pages[uri]
        causes: dict[str, str] = {}
        for url in self._places(uri, causes):
            try:
                self._pages[uri] = self.fetcher.page(url, accept=accept)
            except TransferError as error:
                causes[shown(url)] = error.cause
            else:
                return self._pages[uri]
        raise DownloadFailed(uri, causes)

    def folder(self, uri: str) -> list[str]:
        """The names in the folder at the first place of `uri` that shows them. Raises DownloadFailed."""
        causes: dict[str, str] = {}
        for url in self._places(uri, causes):
            try:
                return folder_names(url, self)
            except TransferError as error:
                causes[shown(url)] = error.cause
        raise DownloadFailed(uri, causes)

    def probe(self, url: str) -> Probe:
        """Whether a page answers, and where it has moved to for good."""
        try:
            return Probe(self.fetcher.probe(url))
        except TransferError as error:
            return Probe(url, error.cause)

    def reach(self, uri: str) -> str | None:
        """Why a file cannot be had from any place that `uri` stands for, or None when it can."""
        causes: dict[str, str] = {}
        for url in self._places(uri, causes):
            answer = self.probe(url)
            if answer.problem is None:
                return None
            causes[shown(url)] = answer.problem
        return DownloadFailed(uri, causes).brief

    def python_files(self, project: str) -> list[IndexFile]:
        """All files of a Python project that any index lists, each under its first. Raises DownloadFailed."""
        causes: dict[str, str] = {}
        found: dict[str, IndexFile] = {}
        for index in self.indexes:
            try:
                for each in project_files(index, project, self.fetcher):
                    found.setdefault(each.name, each)
            except TransferError as error:
                causes[shown(index.removeprefix("links+"))] = error.cause
        if not found:
            raise DownloadFailed(f"{PYPI}{project}", causes)
        return list(found.values())

    def _places(self, uri: str, causes: dict[str, str]) -> Iterator[str]:
        def tell(index: str, error: TransferError) -> None:
            causes[tr("the index {index}", index=shown(index))] = error.cause

        try:
            if uri.startswith(PYPI):
                yield from find_file(uri, self.indexes, self.fetcher, tell)
            else:
                yield from expand(uri, self.debian)
        except UnknownUri as error:
            causes[shown(uri)] = str(error)


def _advice(uri: str) -> str | None:
    if uri.startswith("debian://"):
        return tr("set LARIX_DEBIAN_MIRROR to the URL of a mirror of Debian that this machine can reach")
    if uri.startswith(PYPI):
        return tr(
            "set {pypi_index} to the URL of an index of Python packages that this machine can reach",
            pypi_index=PYPI_INDEX,
        )
    return None
