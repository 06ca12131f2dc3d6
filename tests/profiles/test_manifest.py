from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.packages.search_paths import SearchPath
from larix.profiles.manifest import (
    EMPTY,
    BadManifest,
    Entry,
    Manifest,
    parse_manifest,
    print_manifest,
)

PATHS = SearchPath("PYTHONPATH", ("lib/python3.11/site-packages",))
LEAF = Entry("leaf", "1", "out", "/s/leaf", search_paths=(PATHS,))
TREE = Entry("tree", "2", "lib", "/s/tree", propagated_inputs=(LEAF,), properties=(("a", [1, {"b": None}]),))

texts = st.text('ab:"\\\n\0é☃', max_size=4)
search_paths = st.builds(
    SearchPath,
    variable=texts,
    files=st.lists(texts, max_size=3).map(tuple),
    separator=st.none() | st.just(":"),
    kind=st.sampled_from(["directory", "regular"]),
    pattern=st.none() | texts,
)


@st.composite
def entries(draw, depth=2):
    propagated = () if depth == 0 else tuple(draw(st.lists(entries(depth=depth - 1), max_size=2)))
    properties = draw(st.dictionaries(texts, st.integers() | texts | st.lists(st.booleans()), max_size=2))
    # A path determines its entry: content addresses do not lie.
    name, version = draw(texts), draw(texts)
    path = f"/s/{draw(st.integers(0, 2**64))}"
    return Entry(
        name=name,
        version=version,
        output=draw(texts),
        path=path,
        propagated_inputs=propagated,
        search_paths=tuple(draw(st.lists(search_paths, max_size=2))),
        properties=tuple(sorted(properties.items())),
    )


manifests = st.lists(entries(), max_size=3, unique_by=lambda entry: entry.key).map(
    lambda chosen: Manifest(tuple(chosen))
)


@given(manifests)
def test_what_was_written_is_read_back(manifest):
    assert parse_manifest(print_manifest(manifest), "manifest") == manifest


def test_field_names_are_those_of_the_field():
    document = json.loads(print_manifest(Manifest((TREE,))))
    assert document["version"] == 4
    (entry,) = document["packages"]
    assert list(entry) == ["name", "version", "output", "path", "propagated-inputs", "properties"]
    assert entry["propagated-inputs"][0]["search-paths"] == [
        {
            "variable": "PYTHONPATH",
            "files": ["lib/python3.11/site-packages"],
            "separator": ":",
            "type": "directory",
            "pattern": None,
        }
    ]


def test_repeated_entries_keep_a_diamond_small():
    entry = LEAF
    for level in range(60):
        entry = Entry(f"n{level}", "1", "out", f"/s/{level}", propagated_inputs=(entry, entry))
    text = print_manifest(Manifest((entry,)))
    assert text.count(b'"repeated"') == 60
    read = parse_manifest(text, "manifest")
    assert print_manifest(read) == text
    assert len(read.transitive()) == 61


def test_transitive_lists_each_path_once_in_order():
    manifest = Manifest((TREE, LEAF))
    assert [entry.name for entry in manifest.transitive()] == ["tree", "leaf"]
    assert manifest.search_paths() == [PATHS]


def test_find_is_by_name_and_output():
    manifest = Manifest((TREE,))
    assert manifest.find("tree", "lib") == TREE
    assert manifest.find("tree") is None
    assert EMPTY.find("tree") is None


GOOD = json.loads(print_manifest(Manifest((TREE,))))


def changed(**changes):
    return {**GOOD["packages"][0], **changes}


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "not an object"),
        ({"version": 4}, "lacks packages"),
        ({"version": 5, "packages": []}, "version 5"),
        ({"version": 4, "packages": {}}, "`packages|packages is not a list"),
        ({"version": 4, "packages": [], "more": 1}, "unknown field more"),
        ({"version": 4, "packages": [changed(name=3)]}, "`name' of an entry is not a string"),
        ({"version": 4, "packages": [changed(colour="red")]}, "unknown field colour"),
        ({"version": 4, "packages": [changed(), changed()]}, "tree:lib is there twice"),
        ({"version": 4, "packages": [changed(properties=[])]}, "`properties' of tree is not an object"),
        ({"version": 4, "packages": [{"repeated": {**GOOD["packages"][0]}}]}, "unknown field"),
        (
            {
                "version": 4,
                "packages": [{"repeated": {"name": "x", "version": "", "output": "", "path": "/s/x"}}],
            },
            "not met before",
        ),
        ({"version": 4, "packages": [changed(**{"search-paths": [{}]})]}, "a search path lacks"),
    ],
)
def test_what_cannot_be_kept_is_refused(document, told):
    with pytest.raises(BadManifest, match=told) as caught:
        parse_manifest(json.dumps(document).encode(), "/p/manifest")
    assert caught.value.place is not None
    assert caught.value.place.file == "/p/manifest"


@given(st.binary(max_size=60))
def test_any_bytes_give_a_manifest_or_its_own_error(text):
    with contextlib.suppress(BadManifest):
        parse_manifest(text, "manifest")


def test_nesting_bombs_are_refused():
    bomb = b'{"version":4,"packages":' + b"[" * 100_000
    with pytest.raises(BadManifest):
        parse_manifest(bomb, "manifest")
