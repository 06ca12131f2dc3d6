import pytest

from larix.buildside.names import (
    HASH_LENGTH,
    is_store_file_name,
    split_package_name,
    store_directory,
    strip_store_file_name,
)

HASH = "0123456789abcdfghijklmnpqrsvwxyz"
ITEM = f"/larix/store/{HASH}-hello-2.10"


def test_store_is_that_of_the_build(monkeypatch):
    assert store_directory({"LARIX_STORE": "/a", "NIX_STORE": "/b"}) == "/a"
    assert store_directory({"NIX_STORE": "/b"}) == "/b"
    assert store_directory({}) == "/larix/store"
    monkeypatch.setenv("LARIX_STORE", "/other/store")
    assert not is_store_file_name(ITEM)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (ITEM, "hello-2.10"),
        (f"{ITEM}/bin/hello", "hello-2.10/bin/hello"),
        ("/larix/store", None),
        (f"/larix/store/{HASH}", None),
        (f"/larix/store/{HASH[:-1]}e-hello", None),
        ("/larix/store/short-hello", None),
        (f"/nix/store/{HASH}-hello", None),
        ("hello", None),
    ],
)
def test_store_file_names_are_known_and_stripped(monkeypatch, name, expected):
    monkeypatch.delenv("LARIX_STORE", raising=False)
    monkeypatch.delenv("NIX_STORE", raising=False)
    assert is_store_file_name(name) == (expected is not None)
    assert strip_store_file_name(name) == (expected or name)


def test_length_of_hashes_is_that_of_every_item():
    """Other scripts cut names at it."""
    name = ITEM.rpartition("/")[2]
    assert name[:HASH_LENGTH] == HASH
    assert name[HASH_LENGTH + 1 :] == strip_store_file_name(ITEM)


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [
        ("hello-2.10", "hello", "2.10"),
        ("gtk+-3.24.1", "gtk+", "3.24.1"),
        ("font-adobe-100dpi-1.0", "font-adobe", "100dpi-1.0"),
        ("hello", "hello", None),
        ("hello-world", "hello-world", None),
        ("-1", "-1", None),
    ],
)
def test_package_names_are_split_before_the_version(text, name, version):
    assert split_package_name(text) == (name, version)
