"""Finding content by its hash in a source index."""

from __future__ import annotations

import lzma
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.servers import HttpServer, answer, files
from larix.builder.builtins.sources import find_by_hash, reduce_index
from larix.builder.builtins.transfer import Fetcher, Limits

ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)
INDEX = f"""\
Package: alpha
Binary: alpha
Directory: pool/main/a/alpha
Files:
 {"0" * 32} 10 alpha_1.orig.tar.gz
Checksums-Sha256:
 {TWO} 10 alpha_1.orig.tar.gz
 {ONE} 11 alpha_1.debian.tar.xz
Homepage: https://alpha.example/

Package: beta
Checksums-Sha256:
 {THREE} 12 beta_1.orig.tar.xz
Directory: pool/main/b/beta
""".encode()


def test_index_is_reduced_to_sorted_lines() -> None:
    assert reduce_index(INDEX.splitlines(keepends=True)).decode().splitlines() == [
        f"{ONE} pool/main/a/alpha/alpha_1.debian.tar.xz",
        f"{TWO} pool/main/a/alpha/alpha_1.orig.tar.gz",
        f"{THREE} pool/main/b/beta/beta_1.orig.tar.xz",
    ]


class Finder:
    def __init__(self, cache: Path) -> None:
        cache.mkdir()
        self.cache = os.open(cache, os.O_RDONLY | os.O_DIRECTORY)
        self.folder = cache
        self.told: list[tuple[str, str]] = []

    def _tell(self, suite: str, cause: str) -> None:
        self.told.append((suite, cause))

    def find(self, digest: str, *bases: str) -> list[str]:
        fetcher = Fetcher(limits=Limits(stall=1, tries=1, connection_tries=1), sleep=lambda _: None)
        return list(find_by_hash(digest, bases, fetcher=fetcher, cache=self.cache, tell=self._tell))


@pytest.fixture
def finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Finder]:
    (tmp_path / "scratch").mkdir()
    monkeypatch.chdir(tmp_path / "scratch")
    new = Finder(tmp_path / "cache")
    yield new
    os.close(new.cache)


def index_at(suite: str) -> dict[str, bytes]:
    return {f"/dists/{suite}/main/source/Sources.xz": lzma.compress(INDEX)}


@pytest.mark.parametrize("digest", [ONE, TWO, THREE])
def test_content_is_found_in_whatever_suite_has_it(finder: Finder, digest: str) -> None:
    with HttpServer(files(index_at("trixie"))) as server:
        [url] = finder.find(digest, server.url)
    assert url.startswith(f"{server.url}/pool/main/")
    assert finder.told == [("bookworm", "HTTP 404 Not Found")]


def test_unknown_content_is_nowhere(finder: Finder) -> None:
    with HttpServer(files({**index_at("bookworm"), **index_at("trixie"), **index_at("sid")})) as server:
        assert finder.find("4" * 64, server.url) == []


def test_index_is_fetched_once_a_day_and_then_only_if_newer(finder: Finder) -> None:
    body = lzma.compress(INDEX)
    first = answer(body, headers=['ETag: "1"'])
    with HttpServer(first, answer(b"", status="304 Not Modified")) as server:
        finder.find(ONE, server.url)
        finder.find(TWO, server.url)
        assert len(server.requests) == 1
        for name in os.listdir(finder.folder):
            os.utime(finder.folder / name, (0, 0))
        assert finder.find(TWO, server.url)
        assert len(server.requests) == 2
        assert server.requests[1].headers["if-none-match"] == '"1"'
        assert finder.find(THREE, server.url)
        assert len(server.requests) == 2


def test_stale_index_serves_when_the_server_is_gone(finder: Finder) -> None:
    with HttpServer(answer(lzma.compress(INDEX))) as server:
        finder.find(ONE, server.url)
    for name in os.listdir(finder.folder):
        os.utime(finder.folder / name, (0, 0))
    assert finder.find(ONE, server.url)


def test_damaged_index_is_told_and_not_kept(finder: Finder) -> None:
    with HttpServer(answer(lzma.compress(INDEX)[:-20])) as server:
        assert finder.find(ONE, server.url) == []
    assert ("bookworm", "its source index is damaged") in finder.told
    assert all(name.endswith(".lock") for name in os.listdir(finder.folder))
