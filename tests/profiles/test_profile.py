from __future__ import annotations

import json

import pytest

from larix.derivation import Lowered, derivation
from larix.formats.storepath import DEFAULT_STORE_DIR, BadStorePath
from larix.packages.search_paths import SearchPath
from larix.profiles import profile as module
from larix.profiles.manifest import EMPTY, Entry, Manifest, parse_manifest, print_manifest
from larix.profiles.profile import empty_profile, profile_derivation
from larix.staging import Item

SYSTEM = "x86_64-linux"
PATHS = SearchPath("PYTHONPATH", ("lib/python3.11/site-packages",))


def made(name) -> Lowered:
    return derivation(name, store_dir=DEFAULT_STORE_DIR, system=SYSTEM, builder="/bin/sh")


ALPHA, BETA = made("alpha-1"), made("beta-1")
LEAF = Entry("alpha", "1", "out", ALPHA.output_path(), search_paths=(PATHS,))
TREE = Entry("beta", "1", "out", BETA.output_path(), propagated_inputs=(LEAF,))
ITEMS = {each.output_path(): Item(each.output_path(), each, "out") for each in (ALPHA, BETA)}


def lower(manifest, items=ITEMS):
    return profile_derivation(manifest, items, store_dir=DEFAULT_STORE_DIR, system=SYSTEM)


def test_what_is_to_be_built_is_an_input_and_what_is_there_a_source():
    lowered = lower(Manifest((TREE,)), {TREE.path: ITEMS[TREE.path]})
    assert [each.path for each, _ in lowered.inputs] == [BETA.path]
    assert lowered.derivation.input_srcs == (LEAF.path,)
    assert lowered.sources == ()


def test_entries_and_what_they_propagate_stand_in_order():
    variables = lower(Manifest((TREE,))).derivation.env
    assert variables[b"entries"].decode().split() == [TREE.path, LEAF.path]
    assert parse_manifest(variables[b"manifest"], "manifest") == Manifest((TREE,))
    assert json.loads(variables[b"searchPaths"]) == [
        ["PYTHONPATH", ["lib/python3.11/site-packages"], ":", "directory", None]
    ]


def test_the_same_manifest_gives_the_same_profile_and_another_order_another():
    first = lower(Manifest((TREE, LEAF)))
    assert lower(Manifest((TREE, LEAF))).path == first.path
    assert lower(Manifest((LEAF, TREE))).path != first.path


def test_other_code_makes_a_profile_of_another_name(monkeypatch):
    before = lower(Manifest((LEAF,))).output_path()
    monkeypatch.setattr(module, "_code_digest", lambda: "0" * 64)
    assert lower(Manifest((LEAF,))).output_path() != before


def test_nothing_but_store_items_can_be_in_a_profile():
    with pytest.raises(BadStorePath):
        lower(Manifest((LEAF._replace(path="/etc/passwd"),)), {})


def test_the_empty_profile_needs_no_build_and_reads_back():
    source = empty_profile(DEFAULT_STORE_DIR)
    assert source.path == empty_profile(DEFAULT_STORE_DIR).path
    assert source.references == ()
    manifest = source.content.tree.entries[b"manifest"].contents
    assert manifest == print_manifest(EMPTY)
    assert parse_manifest(manifest, "manifest") == EMPTY
