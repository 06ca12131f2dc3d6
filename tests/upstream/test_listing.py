"""Folders as servers show them, and the releases in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.servers import FtpServer, HttpServer, answer, files
from larix.builder.builtins.transfer import Limits
from larix.upstream.listing import names_in_page, releases_beside
from larix.upstream.web import DownloadFailed, Web

QUICK = Limits(connect=5, stall=5, tries=3, connection_tries=1, first_delay=0.001)
HTML = ["Content-Type: text/html;charset=UTF-8"]

APACHE = """<html><head><title>Index of /gnu/hello</title></head><body>
<table><tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=M;O=A">Last modified</a></th></tr>
<tr><td><a href="/gnu/">Parent Directory</a></td></tr>
<tr><td><a href="hello-2.9.tar.gz">hello-2.9.tar.gz</a></td><td align="right">2013-10-10 </td></tr>
<tr><td><a href="hello-2.9.tar.gz.sig">hello-2.9.tar.gz.sig</a></td></tr>
<tr><td><a href="hello-2.12.tar.gz">hello-2.12.tar.gz</a></td></tr>
<tr><td><a href="/gnu/hello/hello-2.12.tar.xz">hello-2.12.tar.xz</a></td></tr>
<tr><td><a href="hello-2.12%2Bx.tar.xz#y">x</a></td></tr>
<tr><td><a href="hello-latest.tar.gz">latest</a> <a href="old/">old/</a> <a href="http://[bad">bad</a></td></tr>
<tr><td><a href="http://b.example/gnu/hello/hello-3.tar.gz">other host</a></td></tr>
</table></body></html>"""


def test_links_of_a_page_that_stay_in_its_folder_are_names() -> None:
    assert names_in_page("http://a.example/gnu/hello/", APACHE) == [
        "hello-2.9.tar.gz",
        "hello-2.9.tar.gz.sig",
        "hello-2.12.tar.gz",
        "hello-2.12.tar.xz",
        "hello-2.12+x.tar.xz",
        "hello-latest.tar.gz",
        "old/",
    ]


def test_releases_of_all_compressions_are_found_and_the_known_one_is_preferred() -> None:
    with HttpServer(files({"/gnu/hello/": APACHE.encode()}, headers=HTML)) as server:
        base = f"{server.url}/gnu/hello"
        found = releases_beside(f"{base}/hello-2.10.tar.gz", "2.10", Web({}, limits=QUICK))
    assert found == {
        "2.9": f"{base}/hello-2.9.tar.gz",
        "2.12": f"{base}/hello-2.12.tar.gz",
        "2.12+x": f"{base}/hello-2.12+x.tar.xz",
    }


def test_names_that_only_begin_alike_are_other_programs() -> None:
    page = (
        b'<a href="sed-4.9.tar.xz">1</a><a href="sedutil-5.0.tar.xz">2</a><a href="sed-4.9-doc.tar.xz">3</a>'
    )
    with HttpServer(files({"/": page}, headers=HTML)) as server:
        found = releases_beside(f"{server.url}/sed-4.8.tar.xz", "4.8", Web({}, limits=QUICK))
    assert found == {"4.9": f"{server.url}/sed-4.9.tar.xz"}


@pytest.mark.parametrize(
    ("uri", "version", "new", "at"),
    [
        ("/x/1.8/x-1.8.2.tar.gz", "1.8.2", "1.10.1", "/x/1.10/x-1.10.1.tar.gz"),
        ("/x/v1.8.2/x-1.8.2.tar.gz", "1.8.2", "1.10.1", "/x/v1.10.1/x-1.10.1.tar.gz"),
        ("/x/x-1.8.2/src/x-1.8.2.tar.gz", "1.8.2", "1.10.1", "/x/x-1.10.1/src/x-1.10.1.tar.gz"),
    ],
)
def test_folders_called_after_the_version_are_followed(uri: str, version: str, new: str, at: str) -> None:
    old_folder, new_folder = uri.rpartition("/")[0], at.rpartition("/")[0]
    first = {folder.split("/")[2] for folder in (old_folder, new_folder)}
    contents = {
        "/x/": "".join(f'<a href="{name}/">x</a>' for name in (*first, "doc")).encode(),
        f"{old_folder}/": b'<a href="x-1.8.2.tar.gz">x</a>',
        f"{new_folder}/": b'<a href="x-1.10.1.tar.gz">x</a>',
    }
    with HttpServer(files(contents, headers=HTML)) as server:
        found = releases_beside(server.url + uri, version, Web({}, limits=QUICK))
        assert found[new] == server.url + at
        assert found[version] == server.url + uri


def test_ftp_is_listed() -> None:
    lines = (
        b"drwxr-xr-x   2 ftp ftp     4096 Jan 01  2020 old\r\n"
        b"-rw-r--r--   1 ftp ftp   725946 Nov 16  2014 x-2.0.tar.gz\r\n"
        b"lrwxrwxrwx   1 ftp ftp       12 Nov 16  2014 x-2.1.tar.gz -> x-2.1-1.tar.gz\r\n"
        b"total 3\r\n"
    )
    with FtpServer({"LIST": lines}) as server:
        uri = f"ftp://127.0.0.1:{server.port}/gnu/x/x-1.0.tar.gz"
        found = releases_beside(uri, "1.0", Web({}, limits=QUICK))
        assert "CWD /gnu/x/" in server.commands
    base = uri.rpartition("/")[0]
    assert found == {"2.0": f"{base}/x-2.0.tar.gz", "2.1": f"{base}/x-2.1.tar.gz"}


def test_folder_on_disk_is_listed(tmp_path: Path) -> None:
    # No number of the path above is the beginning of this one: that would be a folder named by a version.
    for name in ("x-20261.0.tar.gz", "x-20261.1.tar.gz"):
        (tmp_path / name).write_bytes(b"")
    found = releases_beside(f"file://{tmp_path}/x-20261.0.tar.gz", "20261.0", Web({}))
    assert sorted(found) == ["20261.0", "20261.1"]


def test_a_folder_beside_that_cannot_be_listed_is_passed_over(tmp_path: Path) -> None:
    for folder in ("20261.0", "20261.1"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"x-{folder}.tar.gz").write_bytes(b"")
    (tmp_path / "20261.2").symlink_to("nowhere")
    (tmp_path / "20261.3").write_bytes(b"")
    uri = f"file://{tmp_path}/20261.0/x-20261.0.tar.gz"
    assert sorted(releases_beside(uri, "20261.0", Web({}))) == ["20261.1"]
    (tmp_path / "20261.1" / "x-20261.1.tar.gz").unlink()
    (tmp_path / "20261.1").rmdir()
    (tmp_path / "20261.0").rename(tmp_path / "gone")
    with pytest.raises(DownloadFailed):
        releases_beside(uri, "20261.0", Web({}))


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (answer(b"", status="404 Not Found"), "HTTP 404 Not Found"),
        (answer(b"PK", headers=["Content-Type: application/zip"]), "it lists no files"),
    ],
)
def test_what_shows_no_folder_is_told(behaviour, cause: str) -> None:
    with HttpServer(behaviour) as server, pytest.raises(DownloadFailed) as caught:
        releases_beside(f"{server.url}/x-1.0.tar.gz", "1.0", Web({}, limits=QUICK))
    assert caught.value.brief == cause


def test_address_without_the_version_has_no_neighbours() -> None:
    assert releases_beside("http://127.0.0.1:9/latest.tar.gz", "1.0", Web({})) == {}
