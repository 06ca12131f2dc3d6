"""Which updater knows a package, and which release it is told of."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.servers import HttpServer, files
from larix.builder.builtins.transfer import Limits
from larix.buildsystems.trivial import trivial
from larix.packages import Origin, Package, licenses
from larix.upstream.updating import NoRelease, all_updaters, newest_release, updaters_of
from larix.upstream.web import DownloadFailed, Web

HTML = ["Content-Type: text/html"]
QUICK = Limits(connect=5, stall=5, tries=3, connection_tries=1, first_delay=0.001)


def package(*uris: str, version: str = "1.0", **properties: object) -> Package:
    return Package(
        name="thing",
        version=version,
        source=Origin(uri=uris, sha256="0" * 52) if uris else None,
        build_system=trivial,
        synopsis="",
        description="",
        home_page=None,
        license=licenses.expat,
        properties=properties,
    )


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("uris", "names"),
    [
        (["pypi://Some.Thing/some_thing-1.0.tar.gz"], ["pypi"]),
        (["mirror://gnu/thing/thing-1.0.tar.gz"], ["gnu"]),
        (
            ["https://a.example/thing-1.0.tgz", "debian://pool/main/t/thing/thing_1.0.orig.tar.gz"],
            ["generic-html", "debian"],
        ),
        (["https://github.com/a/thing/releases/download/v1.0/thing-1.0.tgz"], ["github"]),
        (["https://gitlab.com/a/thing/-/archive/v1.0/thing-1.0.tgz"], []),
        (["https://a.example/thing-latest.tgz"], []),
        (["debian://pool/main/t/thing/thing_1.0+dfsg.orig.tar.gz"], ["debian"]),
        (["debian://pool/main/t/thing/thing_1.0+ds1.orig.tar.gz"], ["debian"]),
        (["debian://pool/main/t/thing/thing_1.0+1.orig.tar.gz"], ["debian"]),
        (["debian://pool/main/t/thing/thing_1.01.orig.tar.gz"], []),
        ([], []),
    ],
)
def test_updaters_go_by_the_addresses_alone(uris: list[str], names: list[str]) -> None:
    assert [each.name for each in updaters_of(package(*uris))] == names


def test_updaters_are_the_modules_of_the_folder_in_the_order_of_asking() -> None:
    names = [each.name for each in all_updaters()]
    assert names.index("pypi") < names.index("gnu") < names.index("generic-html") < names.index("debian")
    assert [each.name for each in all_updaters() if not each.is_cheap] == ["github", "debian"]


SIMPLE = b"""
<a href="Some_Thing-1.0.tar.gz">x</a> <a href="some_thing-1.9.zip">x</a>
<a href="some_thing-1.10.tar.gz">x</a>
<a href="some_thing-1.11-py3-none-any.whl">x</a> <a href="some_thing-1.12.tar.gz" data-yanked="">x</a>
<a href="some_thing-2.0rc1.tar.gz">x</a> <a href="some-thing-else-3.0.tar.gz">x</a>
"""


@pytest.fixture
def index() -> Iterator[Web]:
    with HttpServer(files({"/some-thing/": SIMPLE}, headers=HTML)) as server:
        yield Web({"LARIX_PYPI_INDEX": server.url}, limits=QUICK)


def test_index_of_python_packages_gives_the_newest_source_that_was_not_taken_back(index: Web) -> None:
    found = newest_release(package("pypi://Some.Thing/some_thing-1.0.tar.gz"), index)
    assert found == ("pypi", ("1.10", "pypi://Some.Thing/some_thing-1.10.tar.gz"), True)


def test_package_of_the_newest_release_is_up_to_date(index: Web) -> None:
    found = newest_release(package("pypi://Some.Thing/some_thing-1.10.tar.gz", version="1.10"), index)
    assert found is not None
    assert not found.is_newer


def test_early_releases_are_for_those_who_want_them(index: Web) -> None:
    wanting = package("pypi://Some.Thing/some_thing-1.0.tar.gz", accept_pre_releases=True)
    being = package("pypi://Some.Thing/some_thing-2.0rc0.tar.gz", version="2.0rc0")
    for each in (wanting, being):
        found = newest_release(each, index)
        assert found is not None
        assert found.release.version == "2.0rc1"


def test_version_or_its_beginning_can_be_asked_for(index: Web) -> None:
    mine = package("pypi://Some.Thing/some_thing-1.0.tar.gz")
    exact, prefix = newest_release(mine, index, version="1.9"), newest_release(mine, index, prefix="1")
    assert exact is not None
    assert prefix is not None
    assert exact.release == ("1.9", "pypi://Some.Thing/some_thing-1.9.zip")
    assert prefix.release.version == "1.10"
    with pytest.raises(NoRelease) as caught:
        newest_release(mine, index, version="1.8")
    assert caught.value.message == "`pypi' finds no release 1.8 of thing"
    assert caught.value.hint == "there is 2.0rc1, 1.10, 1.9, 1.0"
    with pytest.raises(NoRelease, match="no release 7 of thing"):
        newest_release(mine, index, prefix="7")


def test_next_updater_is_asked_when_one_gets_no_answer(cache: Path) -> None:
    names = ("thing_1.0.orig.tar.gz", "thing_1.1.orig.tar.xz", "thing_1.2+ds.orig.tar.xz")
    page = "".join(f'<a href="{name}">x</a>' for name in names).encode()
    with HttpServer(files({"/pool/main/t/thing/": page}, headers=HTML)) as server:
        web = Web({"LARIX_DEBIAN_MIRROR": server.url}, limits=QUICK)
        mine = package(
            "http://127.0.0.1:9/thing-1.0.tar.gz", "debian://pool/main/t/thing/thing_1.0.orig.tar.gz"
        )
        found = newest_release(mine, web)
    assert found is not None
    assert found.updater == "debian"
    assert found.release == ("1.1", "debian://pool/main/t/thing/thing_1.1.orig.tar.xz")


def test_releases_that_debian_has_repacked_are_followed_by_what_it_marks_alike(cache: Path) -> None:
    names = ("thing_1.0+ds.orig.tar.gz", "thing_1.1+ds.orig.tar.xz", "thing_1.2+ds2.orig.tar.xz")
    page = "".join(f'<a href="{name}">x</a>' for name in (*names, "thing_1.3.orig.tar.xz")).encode()
    packed = lzma.compress(SOURCES.replace("1.3.orig", "1.3+ds.orig").format("ab" * 32).encode())
    mine = package("debian://pool/main/t/thing/thing_1.0+ds.orig.tar.gz")
    for pages, version in (
        ({"/pool/main/t/thing/": page}, "1.1"),
        ({"/dists/trixie/main/source/Sources.xz": packed}, "1.3"),
    ):
        with HttpServer(files(pages, headers=HTML)) as server:
            found = newest_release(mine, Web({"LARIX_DEBIAN_MIRROR": server.url}, limits=QUICK))
        assert found is not None
        assert found.release == (version, f"debian://pool/main/t/thing/thing_{version}+ds.orig.tar.xz")


def test_failure_of_all_tells_the_causes_of_all() -> None:
    with HttpServer(files({})) as server:
        web = Web({"LARIX_DEBIAN_MIRROR": "http://127.0.0.1:9"}, limits=QUICK)
        mine = package(f"{server.url}/thing-1.0.tar.gz", "debian://pool/main/t/thing/thing_1.0.orig.tar.gz")
        with pytest.raises(DownloadFailed) as caught:
            newest_release(mine, web)
    assert f"{server.url}/: HTTP 404 Not Found" in caught.value.message
    assert "127.0.0.1:9" in caught.value.message


SOURCES = """\
Package: other
Version: 9-1

Package: thing
Binary: libthing1, libthing-dev
Version: 1.3-2
Directory: pool/main/t/thing
Checksums-Sha256:
 {0} 10 thing_1.3-2.dsc
 {0} 10 thing_1.3.orig.tar.xz
 {0} 10 thing_1.3-2.debian.tar.xz
"""


def test_indexes_of_debian_serve_where_mirrors_show_no_folders(cache: Path) -> None:
    """The second time, the copy in the cache does."""
    packed = lzma.compress(SOURCES.format("ab" * 32).encode())
    with HttpServer(files({"/dists/trixie/main/source/Sources.xz": packed})) as server:
        environment = {"LARIX_DEBIAN_MIRROR": server.url}
        mine = package("debian://pool/main/t/thing/thing_1.0.orig.tar.gz")
        for _ in range(2):
            found = newest_release(mine, Web(environment, limits=QUICK))
            assert found is not None
            assert found.release == ("1.3", "debian://pool/main/t/thing/thing_1.3.orig.tar.xz")
        asked = [request.target for request in server.requests]
    assert asked.count("/dists/trixie/main/source/Sources.xz") == 1
