from __future__ import annotations

import pytest

from larix.formats.storepath import DEFAULT_STORE_DIR
from larix.packages.search_paths import SearchPath
from larix.packages.toolchain import lowering_for
from larix.profiles.entries import EntryMaker
from larix.profiles.manifest import Manifest
from larix.staging import plain_text
from toolchains import package, using_toolchain

OWN = SearchPath("OWN", ("share/own",))
NATIVE = SearchPath("NATIVE", ("lib/native",))


@pytest.fixture
def maker():
    with using_toolchain("test"):
        yield EntryMaker(lowering_for(DEFAULT_STORE_DIR, "x86_64-linux"))


def test_an_entry_knows_its_store_path_before_anything_is_built(maker):
    entry = maker.entry(package("alpha", version="2", outputs=("out", "doc")), "doc")
    assert (entry.name, entry.version, entry.output) == ("alpha", "2", "doc")
    assert entry.path.startswith("/larix/store/")
    assert entry.path.endswith("-alpha-2-doc")
    assert maker.items[entry.path].output == "doc"


def test_search_paths_of_both_kinds_count_when_installed(maker):
    entry = maker.entry(package(search_paths=[OWN, NATIVE], native_search_paths=[NATIVE]), "out")
    assert entry.search_paths == (NATIVE, OWN)


def test_propagated_inputs_are_entries_with_an_item_each(maker):
    leaf = package("leaf", outputs=("out", "lib"))
    other = package("other", propagated_inputs=[(leaf, "lib")])
    top = package("top", propagated_inputs=[leaf, other, plain_text("note", "text")])
    entry = maker.entry(top, "out")
    assert [(each.name, each.output) for each in entry.propagated_inputs] == [
        ("leaf", "out"),
        ("other", "out"),
        ("note", "out"),
    ]
    assert [each.output for each in entry.propagated_inputs[1].propagated_inputs] == ["lib"]
    assert {each.path for each in Manifest((entry,)).transitive()} == set(maker.items)


def test_a_shared_input_is_one_entry(maker):
    leaf = package("leaf")
    left, right = (package(name, propagated_inputs=[leaf]) for name in ("left", "right"))
    entries = [maker.entry(each, "out") for each in (left, right)]
    assert entries[0].propagated_inputs[0] is entries[1].propagated_inputs[0]
