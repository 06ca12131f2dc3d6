"""From the URIs of a derivation to places that can be asked.

`mirror://NAME/rest` stands for `rest` below any of the sites that carry NAME. `debian://pool/...` names a
file of Debian's archive: it is asked of the mirrors that this machine's apt uses, so that no host need be
known here, and then of the archive of all that Debian ever published. `LARIX_DEBIAN_MIRROR` replaces apt's.
`pypi://NAME/FILE` is a file of a Python project, which an index of packages is asked for: see `simple_index`.
"""

from __future__ import annotations

import glob
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from larix.protocol.uris import MIRRORS
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["PYPI", "PYPI_INDEX", "AptSource", "apt_sources", "debian_mirrors", "expand", "shown"]

PYPI = "pypi://"
PYPI_INDEX = "LARIX_PYPI_INDEX"  # a variable: URLs of indexes; `links+URL` is a place that names files

_SNAPSHOT = "http://snapshot.debian.org/archive/debian/{time}/"
_SNAPSHOT_TIME = "20260901T000000Z"
_SUITES = frozenset(
    "oldoldstable oldstable stable testing unstable bullseye bookworm trixie forky duke sid".split()  # noqa: SIM905
)


class AptSource(NamedTuple):
    """A place that apt is told of: a base URI, and the suites it is used for."""

    uri: str
    suites: tuple[str, ...]


class UnknownUri(ValueError):
    """A URI that nothing can be made of."""


def expand(uri: str, debian: Iterable[str]) -> list[str]:
    """The places behind one URI, best first; `debian` are the bases for `debian://`. Raises UnknownUri."""
    scheme, colon, rest = uri.partition("://")
    if not colon:
        raise UnknownUri(tr("it has no scheme"))
    if scheme == "mirror":
        name, _, path = rest.partition("/")
        if name not in MIRRORS:
            known = ", ".join(sorted(MIRRORS))
            raise UnknownUri(tr("there is no mirror list `{name}`, only {known}", name=name, known=known))
        return [base + path for base in MIRRORS[name]]
    if scheme == "debian":
        return [base.rstrip("/") + "/" + rest.lstrip("/") for base in debian]
    if scheme in {"http", "https", "ftp", "file"}:
        return [uri]
    raise UnknownUri(tr("`{scheme}` is no scheme that larix can fetch", scheme=scheme))


def shown(url: str) -> str:
    """A URL fit for a log: without password, and without a query, which may hold a token."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "..." if parts.query else "", ""))
    except ValueError:
        return tr("an invalid URL")


def debian_mirrors(
    host: Mapping[str, str], *, configuration: str = "/etc/apt", with_snapshot: bool = True
) -> list[str]:
    """Bases below which Debian's `pool` and `dists` may be, best first."""
    chosen = host.get("LARIX_DEBIAN_MIRROR")
    found = chosen.split() if chosen else _ranked(apt_sources(configuration))
    if with_snapshot:
        time = host.get("LARIX_DEBIAN_SNAPSHOT", _SNAPSHOT_TIME)
        found.append(_SNAPSHOT.format(time=time))
    return found


def _ranked(sources: Iterable[AptSource]) -> list[str]:
    """Those that serve a suite of Debian, the main archive before others such as that of security updates."""
    main: dict[str, None] = {}
    others: dict[str, None] = {}
    for source in sources:
        suites = [suite.strip("/") for suite in source.suites]
        if any(suite in _SUITES for suite in suites):
            main[source.uri] = None
        elif any(re.split(r"[-/]", suite)[0] in _SUITES for suite in suites):
            others[source.uri] = None
    return [*main, *(uri for uri in others if uri not in main)]


def apt_sources(configuration: str) -> Iterator[AptSource]:
    """What apt's configuration names, in both of its formats; what is unreadable is passed over."""
    files = [f"{configuration}/sources.list", *sorted(glob.glob(f"{configuration}/sources.list.d/*"))]
    for file in files:
        try:
            with open(file, encoding="utf-8", errors="replace") as stream:
                text = stream.read()
        except OSError:
            continue
        if file.endswith(".list"):
            yield from _one_line_sources(text)
        elif file.endswith(".sources"):
            yield from _paragraph_sources(text)


def _one_line_sources(text: str) -> Iterator[AptSource]:
    """Lines such as `deb [options] URI suite component...`."""
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", " ", line.partition("#")[0]).split()
        if len(words) >= 3 and words[0] in {"deb", "deb-src"}:
            for uri in _usable(words[1]):
                yield AptSource(uri, (words[2],))


def _paragraph_sources(text: str) -> Iterator[AptSource]:
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in paragraph.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in {" ", "\t"}:
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            else:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() in {"no", "false", "off", "0"}:
            continue
        for word in fields.get("uris", "").split():
            for uri in _usable(word):
                yield AptSource(uri, tuple(fields.get("suites", "").split()))


def _usable(uri: str) -> list[str]:
    """The URI itself if it can be fetched from; the lines of the file behind `mirror+file:`."""
    if uri.startswith(("http://", "https://", "ftp://")):
        return [uri.rstrip("/")]
    if uri.startswith(("file:/", "mirror+file:/")):
        path = "/" + uri.partition(":")[2].lstrip("/")
        if uri.startswith("file:"):
            return [f"file://{path.rstrip('/')}"]
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                lines = [line.split() for line in stream]
        except OSError:
            return []
        return [each for words in lines if words and ":" in words[0] for each in _usable(words[0])]
    return []
