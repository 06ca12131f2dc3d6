import os
from pathlib import Path

import pytest

from larix.buildside.documentation import (
    compress_documentation,
    delete_info_dir,
    install_license_files,
)
from larix.buildside.environment import search_path_entries, set_path_environment
from larix.buildside.gzip_files import compress_file, reset_gzip_timestamp
from larix.packages.search_paths import SearchPath, evaluate_search_paths


@pytest.fixture
def roots(tmp_path: Path):
    for name in ("a/bin", "a/lib/perl5", "b/sbin", "b/lib/python3.11", "b/lib/python3.9"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a" / "etc").mkdir()
    (tmp_path / "a" / "etc" / "certs.pem").write_text("")
    return [tmp_path / "a", tmp_path / "b"]


def test_entries_are_what_exists_in_the_order_of_the_roots(roots):
    a, b = roots
    assert search_path_entries([b, a, b], ("bin", "sbin")) == [f"{b}/sbin", f"{a}/bin"]
    assert search_path_entries(roots, ("etc/certs.pem",), kind="regular") == [f"{a}/etc/certs.pem"]
    assert search_path_entries(roots, ("etc/certs.pem",)) == []
    assert search_path_entries(roots, ("lib",), pattern=r"^python") == [
        f"{b}/lib/python3.11",
        f"{b}/lib/python3.9",
    ]
    assert search_path_entries(roots, (".",)) == [str(a), str(b)]


def test_variable_is_set_or_unset(roots, monkeypatch):
    a, b = roots
    monkeypatch.setenv("SOME_PATH", "before")
    set_path_environment("SOME_PATH", ("bin", "sbin"), roots)
    assert os.environ["SOME_PATH"] == f"{a}/bin:{b}/sbin"
    set_path_environment("SOME_PATH", ("bin", "sbin"), roots, separator=None)
    assert os.environ["SOME_PATH"] == f"{a}/bin"
    set_path_environment("SOME_PATH", ("nothing",), roots)
    assert "SOME_PATH" not in os.environ


def test_specifications_are_evaluated_once_each(roots):
    path = SearchPath("PATH", ("bin", "sbin"))
    certs = SearchPath("CERTS", ("etc/certs.pem",), None, "regular")
    absent = SearchPath("NOTHING", ("nothing",))
    a, b = roots
    assert evaluate_search_paths([path, certs, absent, path], roots) == [
        (path, f"{a}/bin:{b}/sbin"),
        (certs, f"{a}/etc/certs.pem"),
    ]


def test_gzip_header_loses_its_time_and_the_file_keeps_its_own(tmp_path: Path):
    file = tmp_path / "x.gz"
    file.write_bytes(b"\x1f\x8b\x08\x00\x01\x02\x03\x04\x00\x03rest")
    file.chmod(0o444)
    os.utime(file, (5, 5))
    assert reset_gzip_timestamp(file)
    assert file.read_bytes() == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03rest"
    assert (file.stat().st_mtime, file.stat().st_mode & 0o777) == (5, 0o444)
    assert not reset_gzip_timestamp(file)
    for other in (b"", b"\x1f\x8b", b"plain text that is long enough"):
        (tmp_path / "y").write_bytes(other)
        assert not reset_gzip_timestamp(tmp_path / "y")


def test_compressed_file_is_the_same_whenever_and_wherever(tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).write_text("text\n" * 100)
        os.utime(tmp_path / name, (hash(name) % 1000, 5))
        compress_file(tmp_path / name)
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    assert not (tmp_path / "one").exists()


def test_pages_are_compressed_with_their_links_and_others_are_not(tmp_path: Path):
    manual = tmp_path / "share" / "man" / "man1"
    info = tmp_path / "share" / "info"
    manual.mkdir(parents=True)
    info.mkdir()
    for name in ("a.1", "tcl.3tcl", "README"):
        (manual / name).write_text("x")
    (manual / "b.1").symlink_to("a.1")
    (manual / "c.1").symlink_to("/elsewhere/c.1")
    (info / "a.info").write_text("x")
    (info / "a.info-2").write_text("x")
    (info / "dir").write_text("x")
    assert delete_info_dir(tmp_path)
    assert not delete_info_dir(tmp_path)
    assert compress_documentation(tmp_path) == 5
    names = sorted(each.name for each in manual.iterdir())
    assert names == ["README", "a.1.gz", "b.1.gz", "c.1", "tcl.3tcl.gz"]
    assert os.readlink(manual / "b.1.gz") == "a.1.gz"
    assert sorted(each.name for each in info.iterdir()) == ["a.info-2.gz", "a.info.gz"]
    assert compress_documentation(tmp_path) == 0


def test_licence_texts_are_installed_and_look_alikes_are_not(tmp_path: Path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("COPYING", "COPYING.LIB", "LICENSE.txt", "Copyright", "license_test.c", "licenser"):
        (source / name).write_text("")
    (source / "LICENSES").mkdir()
    made = install_license_files(
        source, tmp_path / "out", "hello-1.0", pattern=r"^(COPYING.*|LICENSE.*|Copyright)$"
    )
    assert [each.name for each in made] == ["COPYING", "COPYING.LIB", "Copyright", "LICENSE.txt"]
    assert made[0].parent == tmp_path / "out" / "share" / "doc" / "hello-1.0"
