"""Folders of servers as they show them: the names in a web page's links, in an answer of FTP, or on disk.

From the address of one release, the addresses of others follow: the last part of it that holds the version,
or the beginning of it, is what varies. `.../1.8/foo-1.8.2.tar.gz` is looked for in all folders beside `1.8`.
"""

from __future__ import annotations

import ftplib
import os
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from larix.builder.builtins.transfer import TransferError
from larix.errors import LarixError
from larix.packages.versions import version_key
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.upstream.web import Web

__all__ = ["ENDINGS", "folder_names", "links_in_page", "names_in_page", "releases_beside"]

ENDINGS = r"\.(?:tar\.(?:gz|xz|bz2|lz|zst|Z)|tgz|tbz2?|txz|zip)"
_VERSION = r"[0-9][0-9A-Za-z.+_~]*?"
_FOLDERS_TRIED = 3
_FTP_SECONDS = 30.0


def releases_beside(uri: str, version: str, web: Web) -> dict[str, str]:
    """The versions that the server of `uri`, the address of `version`, has; each with its address.

    Of several folders that may hold releases, those that cannot be listed are passed over unless all are so.
    """
    head, _, file = uri.rpartition("/")
    if version not in file:
        return {}
    before, _, after = file.partition(version)
    ending = re.search(ENDINGS + "$", after)
    middle = after[: ending.start()] if ending else after
    # `4.9-doc` is something else, unless versions of this package have hyphens.
    kind = _VERSION.replace("]*", "-]*") if "-" in version else _VERSION
    pattern = re.compile(
        re.escape(before) + f"(?P<version>{kind})" + re.escape(middle) + (ENDINGS if ending else "")
    )
    found: dict[str, str] = {}
    failure: LarixError | None = None
    is_listed = False
    for folder in _folders(head, version, web):
        try:
            names = web.folder(folder + "/")
        except LarixError as error:
            failure = error
            continue
        is_listed = True
        for name in names:
            match = pattern.fullmatch(name)
            if match is not None:
                known = found.get(match["version"])
                # Of several compressions, that of the release we know is preferred.
                if known is None or (ending and not known.endswith(ending[0]) and name.endswith(ending[0])):
                    found[match["version"]] = f"{folder}/{name}"
    if failure is not None and not is_listed:
        raise failure
    return found


def _folders(head: str, version: str, web: Web) -> Iterator[str]:
    """The folder of a release, or the newest of those like it when its name follows the version."""
    scheme, _, path = head.partition("://")
    parts = path.split("/")
    beginnings = {version, version.rpartition(".")[0], _two_numbers(version)} - {""}
    varying = next(
        (number for number, part in enumerate(parts) if number > 0 and _stem(part) in beginnings), None
    )
    if varying is None:
        yield head
        return
    above, rest = "/".join(parts[:varying]), parts[varying + 1 :]
    prefix = parts[varying].removesuffix(_stem(parts[varying]))
    pattern = re.compile(re.escape(prefix) + r"([0-9][0-9A-Za-z.+_~-]*)/?")
    matches = [pattern.fullmatch(name) for name in web.folder(f"{scheme}://{above}/")]
    names = [match for match in matches if match is not None]
    names.sort(key=lambda match: version_key(match[1]), reverse=True)
    # The folder below may be called after the version, too: then it is that of the folder above.
    for match in names[:_FOLDERS_TRIED]:
        below = [part.replace(_stem(parts[varying]), match[1]) for part in rest]
        yield "/".join([f"{scheme}://{above}", match[0].rstrip("/"), *below])


def _stem(part: str) -> str:
    """`1.8` of `v1.8`, `foo-1.8` and `1.8`."""
    return re.sub(r"^.*?(?=[0-9])", "", part) if part[:1].isalpha() else part


def _two_numbers(version: str) -> str:
    match = re.match(r"[0-9]+\.[0-9]+(?=\.)", version)
    return match[0] if match else ""


def folder_names(url: str, web: Web) -> list[str]:
    """What is in the folder at `url`, folders with a slash at their end. Raises TransferError."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return _names_on_disk(unquote(parts.path))
    if parts.scheme == "ftp":
        return _names_by_ftp(parts.hostname or "", parts.port or ftplib.FTP_PORT, unquote(parts.path))
    page = web.fetcher.page(url, accept="text/html")
    if page.media_type not in {"", "text/html", "application/xhtml+xml"}:
        raise TransferError(tr("it lists no files"))
    return names_in_page(page.url, page.data.decode("utf-8", "replace"))


def names_in_page(url: str, text: str) -> list[str]:
    """The names that links of a page lead to directly below its own address."""
    above = urlsplit(url)._replace(query="", fragment="").geturl().rpartition("/")[0] + "/"
    found: dict[str, None] = {}
    for target in links_in_page(url, text):
        name = unquote(target.removeprefix(above)) if target.startswith(above) else ""
        if name and "/" not in name.rstrip("/") and name not in {".", "..", "./", "../"}:
            found[name] = None
    return list(found)


def links_in_page(url: str, text: str) -> list[str]:
    """Where the links of a page lead to, each once."""
    reader = _Links()
    reader.feed(text)
    reader.close()
    base = urljoin(url, reader.base)
    found: dict[str, None] = {}
    for link in reader.links:
        try:
            found[urlsplit(urljoin(base, link))._replace(query="", fragment="").geturl()] = None
        except ValueError:
            continue
    return list(found)


def _names_on_disk(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name + ("/" if entry.is_dir() else "") for entry in entries)
    except OSError as error:
        raise TransferError(error.strerror or str(error)) from error


def _names_by_ftp(host: str, port: int, folder: str) -> list[str]:
    if any(each in folder for each in "\r\n\0"):
        raise TransferError(tr("it is not a valid URL"))
    lines: list[str] = []
    try:
        with ftplib.FTP(timeout=_FTP_SECONDS) as server:  # noqa: S321 - the hash tells, not the channel
            server.connect(host, port)
            server.login()
            server.cwd(folder)
            server.retrlines("LIST", lines.append)
    except (OSError, EOFError, ftplib.Error) as error:
        raise TransferError(f"FTP: {error}") from error
    return list(_names_in_ls(lines))


def _names_in_ls(lines: Iterable[str]) -> Iterator[str]:
    """The names in lines such as `ls -l` writes; links are shown as `NAME -> TARGET`."""
    for line in lines:
        columns = line.split(None, 8)
        if len(columns) == 9 and columns[0][0] in "-dl":
            name = columns[8].partition(" -> ")[0] if columns[0][0] == "l" else columns[8]
            yield name + ("/" if columns[0][0] == "d" else "")


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href")
        if target and tag == "a":
            self.links.append(target.strip())
        elif target and tag == "base" and not self.base:
            self.base = target
