"""Reading the index that Python packages are published by: the simple repository API of PEP 503 and PEP 691.

An index has a page for each project, which names the project's files and where they are. Servers answer with
HTML or JSON, as they like; a folder of files with pages in it is an index too, and so is, without any page, a
folder or web page that merely names files (what pip calls find-links).
"""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit

from larix.builder.builtins.mirrors import PYPI, UnknownUri
from larix.builder.builtins.transfer import TransferError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from larix.builder.builtins.transfer import Fetcher

__all__ = [
    "IndexFile",
    "find_file",
    "normal_name",
    "project_files",
    "read_page",
    "split_pypi_uri",
]

_LINKS = "links+"
_JSON = "application/vnd.pypi.simple.v1+json"
_ACCEPT = f"{_JSON}, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


class IndexFile(NamedTuple):
    """A file as an index lists it; what the index does not say is None."""

    name: str
    url: str
    sha256: str | None = None
    metadata_url: str | None = None
    requires_python: str | None = None
    yanked: bool = False


def normal_name(project: str) -> str:
    """The one spelling under which an index knows a project."""
    return re.sub(r"[-_.]+", "-", project).lower()


def split_pypi_uri(uri: str) -> tuple[str, str]:
    """`pypi://NAME/FILE` is the file of this very name that project NAME has published."""
    name, _, file = uri.removeprefix(PYPI).partition("/")
    name, file = unquote(name), unquote(file)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name) or not file or "/" in file:
        raise UnknownUri(tr("it is not of the form `pypi://NAME/FILE`"))
    return name, file


def find_file(
    uri: str, indexes: Iterable[str], fetcher: Fetcher, tell: Callable[[str, TransferError], None]
) -> Iterator[str]:
    """URLs of the file that `uri` names, from every index that has it; `tell` hears why others give none."""
    project, name = split_pypi_uri(uri)
    found: set[str] = set()
    for index in indexes:
        try:
            files = project_files(index, project, fetcher)
        except TransferError as error:
            tell(index.removeprefix(_LINKS), error)
            continue
        urls = [file.url for file in files if file.name == name]
        if not urls:
            tell(
                index.removeprefix(_LINKS),
                TransferError(tr("it lists no `{name}` of `{project}`", name=name, project=project)),
            )
        for url in urls:
            if url not in found:
                found.add(url)
                yield url


def project_files(index: str, project: str, fetcher: Fetcher) -> list[IndexFile]:
    """What one index, or one `links+` place, lists of a project. Raises TransferError."""
    if not index.startswith(_LINKS):
        return read_page(f"{index.rstrip('/')}/{quote(normal_name(project))}/", fetcher)
    url = index.removeprefix(_LINKS)
    folder = _local_folder(url)
    files = read_page(url, fetcher) if folder is None else _files_in(folder)
    beginning = normal_name(project) + "-"
    return [file for file in files if normal_name(file.name).startswith(beginning)]


def _local_folder(url: str) -> str | None:
    parts = urlsplit(url)
    folder = unquote(parts.path)
    return folder if parts.scheme == "file" and os.path.isdir(folder) else None


def _files_in(folder: str) -> list[IndexFile]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise TransferError(error.strerror or str(error)) from error
    return [IndexFile(name, "file://" + quote(os.path.join(folder, name))) for name in names]


def read_page(url: str, fetcher: Fetcher) -> list[IndexFile]:
    """The files that a page lists, in its order. Raises TransferError."""
    if _local_folder(url) is not None:
        url = url.rstrip("/") + "/index.html"
    answer = fetcher.page(url, accept=_ACCEPT)
    try:
        if answer.media_type.endswith("json"):
            return _from_json(answer.url, json.loads(answer.data))
        return _from_html(answer.url, answer.data.decode("utf-8"))
    except ValueError as error:
        raise TransferError(tr("its index page is damaged")) from error


def _from_json(base: str, page: object) -> list[IndexFile]:
    listed = cast("dict[str, Any]", page).get("files") if isinstance(page, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no list of files")  # noqa: TRY004 - of a foreign document, not of an argument
    return [
        _file_of_json(base, cast("dict[str, Any]", each))
        for each in cast("list[object]", listed)
        if isinstance(each, dict)
    ]


def _file_of_json(base: str, listed: Mapping[str, Any]) -> IndexFile:
    url = urljoin(base, str(listed.get("url", "")))
    hashes: object = listed.get("hashes")
    digest: object = cast("dict[str, Any]", hashes).get("sha256") if isinstance(hashes, dict) else None
    has_metadata = listed.get("core-metadata", listed.get("dist-info-metadata", False))
    requires: object = listed.get("requires-python")
    return IndexFile(
        str(listed.get("filename", "")),
        urldefrag(url).url,
        sha256=digest if isinstance(digest, str) else None,
        metadata_url=urldefrag(url).url + ".metadata" if has_metadata else None,
        requires_python=requires if isinstance(requires, str) else None,
        yanked=bool(listed.get("yanked", False)),
    )


def _from_html(base: str, text: str) -> list[IndexFile]:
    reader = _Anchors()
    reader.feed(text)
    reader.close()
    base = urljoin(base, reader.base)
    return [_file_of_anchor(base, attributes) for attributes in reader.anchors]


def _file_of_anchor(base: str, attributes: Mapping[str, str]) -> IndexFile:
    url, fragment = urldefrag(urljoin(base, attributes["href"].strip()))
    name = unquote(urlsplit(url).path.rpartition("/")[2])
    digest = re.search(r"(?:^|&)sha256=([0-9a-f]{64})(?:&|$)", fragment)
    has_metadata = "data-core-metadata" in attributes or "data-dist-info-metadata" in attributes
    return IndexFile(
        name,
        url,
        sha256=digest[1] if digest else None,
        metadata_url=url + ".metadata" if has_metadata else None,
        requires_python=attributes.get("data-requires-python"),
        yanked="data-yanked" in attributes,
    )


class _Anchors(HTMLParser):
    """The attributes of all links, and the page's own base."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.anchors: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "base" and not self.base:
            self.base = attributes.get("href", "")
        elif tag == "a" and attributes.get("href"):
            self.anchors.append(attributes)
