"""Indexes of Python packages, in every form in which they come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.servers import Behaviour, HttpServer, answer, files
from larix.builder.builtins.mirrors import UnknownUri
from larix.builder.builtins.simple_index import (
    IndexFile,
    find_file,
    normal_name,
    project_files,
    split_pypi_uri,
)
from larix.builder.builtins.transfer import Fetcher, TransferError

DIGEST = "ab" * 32


@pytest.fixture
def fetcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fetcher]:
    (tmp_path / "scratch").mkdir()
    monkeypatch.chdir(tmp_path / "scratch")
    yield Fetcher()
    assert list((tmp_path / "scratch").iterdir()) == []  # pages are never written to files


def html(body: str, media_type: str = "text/html") -> Behaviour:
    return answer(body.encode(), headers=[f"Content-Type: {media_type}; charset=utf-8"])


def in_json(page: object) -> Behaviour:
    return answer(json.dumps(page).encode(), headers=["Content-Type: application/vnd.pypi.simple.v1+json"])


def test_html_page_gives_names_places_hashes_and_marks(fetcher: Fetcher) -> None:
    page = f"""<!DOCTYPE html><html><body><h1>Links for some-thing</h1>
    <a href="../../files/some_thing-1.0.tar.gz#sha256={DIGEST}" data-requires-python="&gt;=3.8">a</a><br/>
    <a href="http://files.example/some_thing-1.0-py3-none-any.whl#md5=00" data-core-metadata="true">b</a>
    <a href="some_thing-0.9.tar.gz" data-yanked="broken">c</a><a name="no-place">d</a></body></html>"""
    with HttpServer(html(page)) as server:
        found = project_files(f"{server.url}/simple", "Some.Thing", fetcher)
        request = server.requests[0]
    assert request.target == "/simple/some-thing/"
    assert "application/vnd.pypi.simple.v1+json" in request.headers["accept"]
    wheel = "http://files.example/some_thing-1.0-py3-none-any.whl"
    assert found == [
        IndexFile(
            "some_thing-1.0.tar.gz",
            f"{server.url}/files/some_thing-1.0.tar.gz",
            sha256=DIGEST,
            requires_python=">=3.8",
        ),
        IndexFile("some_thing-1.0-py3-none-any.whl", wheel, metadata_url=f"{wheel}.metadata"),
        IndexFile(
            "some_thing-0.9.tar.gz", f"{server.url}/simple/some-thing/some_thing-0.9.tar.gz", yanked=True
        ),
    ]


def test_base_of_a_page_counts(fetcher: Fetcher) -> None:
    page = '<head><base href="/elsewhere/"></head><a href="x-1.tar.gz">x-1.tar.gz</a>'
    with HttpServer(html(page)) as server:
        (found,) = project_files(f"{server.url}/simple/", "x", fetcher)
    assert found.url == f"{server.url}/elsewhere/x-1.tar.gz"


def test_json_page_says_the_same(fetcher: Fetcher) -> None:
    page = {
        "meta": {"api-version": "1.1"},
        "files": [
            {
                "filename": "x-1.tar.gz",
                "url": "../../files/x-1.tar.gz",
                "hashes": {"sha256": DIGEST},
                "requires-python": ">=3.8",
                "yanked": "broken",
                "core-metadata": {"sha256": DIGEST},
            },
            "nonsense",
        ],
    }
    with HttpServer(in_json(page)) as server:
        found = project_files(f"{server.url}/simple", "x", fetcher)
    place = f"{server.url}/files/x-1.tar.gz"
    assert found == [IndexFile("x-1.tar.gz", place, DIGEST, f"{place}.metadata", ">=3.8", yanked=True)]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"files": 3}', b"\xff"])
def test_damaged_json_is_one_error(fetcher: Fetcher, body: bytes) -> None:
    headers = ["Content-Type: application/vnd.pypi.simple.v1+json"]
    with HttpServer(answer(body, headers=headers)) as server, pytest.raises(TransferError, match="damaged"):
        project_files(server.url, "x", fetcher)


def test_places_are_relative_to_where_a_redirection_ends(fetcher: Fetcher) -> None:
    with HttpServer(html('<a href="x-1.tar.gz">x</a>')) as last:
        moved = answer(b"", status="301 Moved", headers=[f"Location: {last.url}/new/x/"])
        with HttpServer(moved) as first:
            (found,) = project_files(f"{first.url}/simple", "x", fetcher)
    assert found.url == f"{last.url}/new/x/x-1.tar.gz"


def test_folder_with_pages_is_an_index(fetcher: Fetcher, tmp_path: Path) -> None:
    page = tmp_path / "simple" / "x" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text('<a href="../../files/x%2B-1.tar.gz">x</a>')
    (found,) = project_files(f"file://{tmp_path}/simple", "X", fetcher)
    assert found == IndexFile("x+-1.tar.gz", f"file://{tmp_path}/files/x%2B-1.tar.gz")


def test_folder_of_files_names_those_of_the_project(fetcher: Fetcher, tmp_path: Path) -> None:
    for name in ("My_Tool-1.tar.gz", "my_toolbox-1.tar.gz", "other-1.tar.gz"):
        (tmp_path / name).write_bytes(b"")
    found = project_files(f"links+file://{tmp_path}", "my-tool", fetcher)
    assert [file.name for file in found] == ["My_Tool-1.tar.gz"]


def test_web_page_that_names_files_will_do(fetcher: Fetcher) -> None:
    with HttpServer(html('<a href="x-1.tar.gz">x</a> <a href="y-1.tar.gz">y</a>')) as server:
        (found,) = project_files(f"links+{server.url}/downloads.html", "x", fetcher)
    assert found.url == f"{server.url}/x-1.tar.gz"


def test_every_index_is_asked_and_each_failure_told(fetcher: Fetcher) -> None:
    told: list[tuple[str, str]] = []
    with (
        HttpServer(files({})) as without,
        HttpServer(html('<a href="x-2.tar.gz">x</a>')) as other,
        HttpServer(html('<a href="x-1.tar.gz">x</a>')) as good,
    ):
        indexes = [without.url, other.url, good.url]
        found = list(
            find_file("pypi://X/x-1.tar.gz", indexes, fetcher, lambda i, e: told.append((i, e.cause)))
        )
    assert found == [f"{good.url}/x/x-1.tar.gz"]
    assert told == [(without.url, "HTTP 404 Not Found"), (other.url, "it lists no `x-1.tar.gz` of `X`")]


def test_index_on_no_scheme_is_one_error(fetcher: Fetcher) -> None:
    with pytest.raises(TransferError, match="not a valid URL"):
        project_files("gopher://index.example/simple", "x", fetcher)


@pytest.mark.parametrize(
    "uri", ["pypi://", "pypi://x", "pypi:///x", "pypi://x/", "pypi://x/y/z", "pypi://../x"]
)
def test_malformed_uris_are_refused(uri: str) -> None:
    with pytest.raises(UnknownUri, match="pypi://NAME/FILE"):
        split_pypi_uri(uri)


def test_names_have_one_spelling() -> None:
    assert {normal_name(name) for name in ("Foo.Bar", "foo--bar", "FOO_.bar")} == {"foo-bar"}
