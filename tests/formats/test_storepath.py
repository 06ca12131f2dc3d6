from __future__ import annotations

from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.formats.hashes import Hash, hash_bytes, parse_hash
from larix.formats.nar import encode_tree
from larix.formats.selfhash import SelfReferenceHasher
from larix.formats.storepath import (
    DEFAULT_STORE_DIR,
    BadStoreName,
    BadStorePath,
    StoreDir,
    StorePath,
    check_name,
    check_output_name,
    hash_part,
    make_fixed_path,
    make_output_path,
    make_store_path,
    make_text_path,
    name_part,
    parse_store_dir,
    parse_store_path,
    store_item_of,
)
from vectors import guix_tree, load, nix_tree

NIX = StoreDir("/nix/store")
GNU = StoreDir("/gnu/store")
HASH = "0mdqa9w1p6cmli6976v4wi0sw9r4p5pr"
ITEM = f"/nix/store/{HASH}-hello-1.0"
ARCHIVES = {vector["name"]: vector for vector in load("nix", "archives")}


@pytest.mark.parametrize("vector", load("nix", "paths")["text"], ids=lambda v: v["name"])
def test_texts_are_called_what_nix_calls_them(vector: dict[str, Any]) -> None:
    digest = sha256(b64decode(vector["contents_b64"])).digest()
    assert make_text_path(NIX, vector["name"], digest, vector["references"]) == vector["store_path"]
    assert (
        make_text_path(NIX, vector["name"], digest, [*reversed(vector["references"])] * 2)
        == vector["store_path"]
    )


@pytest.mark.parametrize("vector", load("guix", "paths")["text"], ids=lambda v: v["name"])
def test_texts_are_called_what_guix_calls_them(vector: dict[str, Any]) -> None:
    digest = sha256(vector["text"].encode()).digest()
    assert make_text_path(GNU, vector["name"], digest, vector["references"]) == vector["store_path"]


@pytest.mark.parametrize(
    "vector", load("nix", "paths")["fixed"], ids=lambda v: f"{v['tree']}-{v['algo']}-{v['recursive']}"
)
def test_fixed_content_is_called_what_nix_calls_it(vector: dict[str, Any]) -> None:
    hash_ = parse_hash(vector["hash_hex"], vector["algo"])
    if vector["tree"] in ARCHIVES:
        tree = nix_tree(ARCHIVES[vector["tree"]]["tree"])
        content = encode_tree(tree) if vector["recursive"] else getattr(tree, "contents", b"")
        assert hash_bytes(content, vector["algo"]) == hash_
    assert make_fixed_path(NIX, vector["name"], hash_, recursive=vector["recursive"]) == vector["store_path"]


@pytest.mark.parametrize(
    "vector", load("guix", "paths")["added"], ids=lambda v: f"{v['name']}-{v['hash_algo']}-{v['recursive']}"
)
def test_fixed_content_is_called_what_guix_calls_it(vector: dict[str, Any]) -> None:
    tree = guix_tree(vector["tree"])
    archive = encode_tree(tree)
    assert archive == b64decode(vector["nar_base64"])
    content = archive if vector["recursive"] else getattr(tree, "contents", b"")
    path = make_fixed_path(
        GNU, vector["name"], hash_bytes(content, vector["hash_algo"]), recursive=vector["recursive"]
    )
    assert path == vector["store_path"]


@pytest.mark.parametrize("name", ["static-bash", "busybox"])
def test_an_interned_program_is_called_what_guix_calls_it(name: str) -> None:
    vector = load("guix", "paths")[name]
    hash_ = parse_hash(vector["nar_sha256_base16"], "sha256")
    assert make_fixed_path(GNU, name, hash_, recursive=True) == vector["store_path"]


def test_self_referential_content_is_called_what_nix_calls_it() -> None:
    (vector,) = load("nix", "paths")["content_addressed"]["paths"]
    new, info = vector["new"], vector["info"]
    archive = b64decode(vector["nar_new_b64"])
    hasher = SelfReferenceHasher(hash_part(new))
    hasher.update(archive)
    hash_ = hasher.finish()
    assert f"fixed:r:{hash_}" == info["ca"]
    others = [reference for reference in info["references"] if reference != new]
    path = make_fixed_path(NIX, name_part(new), hash_, recursive=True, references=others, self_reference=True)
    assert path == new
    assert make_fixed_path(NIX, name_part(new), hash_, recursive=True, references=others) != new


@pytest.mark.parametrize(
    "vector", load("guix", "paths")["arithmetic"], ids=lambda v: v.get("type", v.get("output"))
)
def test_the_general_rules_are_those_of_guix(vector: dict[str, Any]) -> None:
    inner = parse_hash(vector["hash_base16"], "sha256")
    if vector["fn"] == "store-path":
        assert make_store_path(GNU, vector["type"], inner, vector["name"]) == vector["store_path"]
    else:
        assert make_output_path(GNU, inner.digest, vector["output"], vector["name"]) == vector["store_path"]


def test_the_store_directory_is_part_of_the_hash() -> None:
    digest = sha256(b"").digest()
    assert hash_part(make_text_path(NIX, "x", digest)) != hash_part(
        make_text_path(DEFAULT_STORE_DIR, "x", digest)
    )


def test_only_recursive_sha256_content_may_refer() -> None:
    with pytest.raises(BadStorePath, match="no references"):
        make_fixed_path(NIX, "x", hash_bytes(b""), recursive=False, references=[StorePath(ITEM)])
    with pytest.raises(BadStorePath, match="no references"):
        make_fixed_path(NIX, "x", hash_bytes(b"", "sha1"), recursive=True, self_reference=True)


def test_an_output_whose_name_grows_too_long_is_refused() -> None:
    make_output_path(NIX, bytes(32), "out", "n" * 211)
    with pytest.raises(BadStoreName, match="at most 211"):
        make_output_path(NIX, bytes(32), "dev", "n" * 211)


def test_a_path_falls_into_hash_and_name() -> None:
    path = parse_store_path(NIX, ITEM)
    assert path == ITEM
    assert hash_part(path) == HASH
    assert name_part(path) == "hello-1.0"


@pytest.mark.parametrize("below", ["", "/bin/hello", "/", "/a/../b"])
def test_a_file_name_leads_to_its_item(below: str) -> None:
    assert store_item_of(NIX, ITEM + below) == ITEM


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/nix/store",
        "/nix/store/",
        "/nix/store/x",
        "/gnu/store/" + ITEM.rpartition("/")[2],
        "/nix/storex" + ITEM.removeprefix("/nix/store"),
        ITEM.replace("-hello-1.0", ""),
        ITEM.replace("-hello-1.0", "-"),
        ITEM.replace("-hello", "_hello"),
        ITEM.replace(HASH, HASH[1:]),
        ITEM.replace(HASH, "e" + HASH[1:]),
        ITEM.replace(HASH, HASH.upper()),
        ITEM + "/bin",
        ITEM + "/",
        ITEM + "\n",
        ITEM + "\0",
        ITEM + "é",
        ITEM + " ",
        "/nix/store/../store/" + ITEM.rpartition("/")[2],
        "/nix/store//" + ITEM.rpartition("/")[2],
    ],
)
def test_what_is_no_item_of_the_store_is_refused(text: str) -> None:
    with pytest.raises(BadStorePath):
        parse_store_path(NIX, text)


@given(st.text(max_size=60) | st.text(alphabet=f"{HASH}-./\n", max_size=60))
def test_any_text_is_an_item_of_its_own_spelling_or_an_error(text: str) -> None:
    for candidate in (text, f"/nix/store/{text}", f"/nix/store/{HASH}-{text}"):
        try:
            path = parse_store_path(NIX, candidate)
        except BadStorePath:
            continue
        assert path == f"/nix/store/{hash_part(path)}-{name_part(path)}" == candidate


@pytest.mark.parametrize("name", ["a", "a+b-c._?=Z9", "x" * 211, "...", ".hidden", "-"])
def test_names_that_nix_takes_are_taken(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "x" * 212, ".", "..", ".-a", "..-a", "a/b", "a b", "a\n", "é", "a\0", "~", "a:b"]
)
def test_names_that_no_item_may_have_are_refused(name: str) -> None:
    with pytest.raises(BadStoreName):
        check_name(name)


def test_no_output_may_be_called_drv() -> None:
    assert check_output_name("dev") == "dev"
    with pytest.raises(BadStoreName, match="other than `drv`"):
        check_output_name("drv")


def test_store_directories_are_absolute_and_canonical() -> None:
    assert parse_store_dir("/gnu/store") == GNU
    for text in [
        "",
        "gnu/store",
        "/",
        "/gnu/store/",
        "/gnu//store",
        "/gnu/./store",
        "/gnu/../store",
        '/g"nu',
        "/gé",
    ]:
        with pytest.raises(BadStorePath, match="store directory"):
            parse_store_dir(text)


def test_a_refusal_says_where_what_was_expected_and_what_was_found() -> None:
    with pytest.raises(BadStorePath) as caught:
        parse_store_path(NIX, "/nix/store/short-x")
    assert caught.value.offset == 11
    assert caught.value.expected == "32 digits of nix-base32 and a hyphen"
    assert caught.value.found == "'short-x'"
    assert str(caught.value) == (
        "invalid store path at byte 11: expected 32 digits of nix-base32 and a hyphen, found 'short-x'"
    )


def test_hashes_of_other_algorithms_enter_by_their_name() -> None:
    sha1 = Hash("sha1", bytes(20))
    assert make_store_path(NIX, "x", sha1, "n") != make_store_path(NIX, "x", Hash("md5", bytes(16)), "n")
