import os

import pytest

from larix.buildside.reference_removal import remove_store_references

FIRST, SECOND = "0123456789abcdfghijklmnpqrsvwxyz", "zyxwvsrqpnmlkjihgfdcba9876543210"
TEXT = f"\0/larix/store/{FIRST}-gcc/bin:/larix/store/{SECOND}-glibc\xff /larix/store/ {FIRST}-x".encode(
    "latin-1"
)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("LARIX_STORE", "/larix/store")
    made = tmp_path / "program"
    made.write_bytes(TEXT)
    made.chmod(0o555)
    return made


def without(text: bytes, *hashes: str) -> bytes:
    for each in hashes:
        text = text.replace(f"store/{each}".encode(), b"store/" + b"e" * 32)
    return text


def test_all_references_are_overwritten_in_place(file):
    assert remove_store_references(file) == 2
    assert file.read_bytes() == without(TEXT, FIRST, SECOND)
    assert file.stat().st_mode & 0o777 == 0o555
    assert remove_store_references(file) == 0


def test_only_some_are_when_they_are_named(file):
    assert remove_store_references(file, only=[f"/larix/store/{SECOND}-glibc"]) == 1
    assert file.read_bytes() == without(TEXT, SECOND)


def test_some_are_kept(file):
    assert remove_store_references(file, keep=[f"/larix/store/{SECOND}-glibc"]) == 1
    assert file.read_bytes() == without(TEXT, FIRST)


def test_nothing_is_left_beside_the_file(file):
    remove_store_references(file)
    assert os.listdir(file.parent) == ["program"]
