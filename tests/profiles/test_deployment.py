from __future__ import annotations

import json

import pytest

from larix.formats.hashes import hash_bytes
from larix.formats.storepath import DEFAULT_STORE_DIR, StorePath
from larix.profiles.deployment import (
    BadDeployment,
    compare_items,
    parse_deployment,
    print_deployment,
    recorded_catalogues,
    seal_profile,
)
from larix.profiles.manifest import BadManifest, Entry, Manifest
from larix.protocol import PathInfo


def path(letter, name):
    return StorePath(f"{DEFAULT_STORE_DIR}/{letter * 32}-{name}")


def info(where, *references):
    return PathInfo(where, hash_bytes(where.encode()), len(where), references)


SMALL = {"channel": "small", "url": "https://example.org/x.git", "commit": "0" * 40, "hash": "sha256:1"}
WORLD = {"channel": "world", "hash": "sha256:2"}
LEAF, ALPHA, PROFILE = path("a", "leaf-1"), path("b", "alpha-2"), path("c", "profile")
CLOSURE = [info(LEAF), info(ALPHA, LEAF), info(PROFILE, ALPHA, LEAF)]
MANIFEST = Manifest(
    (
        Entry(
            "alpha",
            "2",
            "out",
            ALPHA,
            (Entry("leaf", "1", "out", LEAF),),
            properties=(("provenance", [SMALL, WORLD]), ("transformations", [["without-tests", "alpha"]])),
        ),
        Entry("leaf", "1", "out", LEAF, properties=(("provenance", [WORLD]),)),
    )
)
DEPLOYMENT = seal_profile(PROFILE, MANIFEST, CLOSURE, store_dir=DEFAULT_STORE_DIR, system="x86_64-linux")
DOCUMENT = json.loads(print_deployment(DEPLOYMENT))


def test_a_deployment_reads_back_and_equal_ones_are_equal_bytes():
    text = print_deployment(DEPLOYMENT)
    assert parse_deployment(text.encode(), "d.json") == DEPLOYMENT
    other = seal_profile(
        PROFILE, MANIFEST, reversed(CLOSURE), store_dir=DEFAULT_STORE_DIR, system="x86_64-linux"
    )
    assert print_deployment(other) == text


def test_what_a_deployment_tells_people_and_programs():
    assert (DOCUMENT["format"], DOCUMENT["version"]) == ("larix deployment", 1)
    assert DOCUMENT["catalogues"] == [SMALL, WORLD] == recorded_catalogues(MANIFEST)
    assert DOCUMENT["packages"][0] == {
        "specification": "alpha@2",
        "output": "out",
        "path": ALPHA,
        "transformations": [["without-tests", "alpha"]],
    }
    assert [each["path"] for each in DOCUMENT["items"]] == [LEAF, ALPHA, PROFILE]


def test_items_are_compared_by_their_bytes():
    same = {each.path: each for each in CLOSURE}
    assert compare_items(DEPLOYMENT, same) == ([], [])
    changed = info(LEAF)._replace(nar_hash=hash_bytes(b"other"))
    extra = info(path("d", "extra"))
    differing, beside = compare_items(DEPLOYMENT, {LEAF: changed, ALPHA: same[ALPHA], extra.path: extra})
    assert [(each.path, each.found) for each in differing] == [(LEAF, changed.nar_hash), (PROFILE, None)]
    assert beside == [extra.path]


def damaged(**changes):
    return {name: value for name, value in {**DOCUMENT, **changes}.items() if value is not None}


ITEM = DOCUMENT["items"][0]


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        damaged(format="else"),
        damaged(version=2),
        damaged(store=7),
        damaged(items=None),
        damaged(items={}),
        damaged(items=DOCUMENT["items"][:2]),
        damaged(items=[ITEM | {"narHash": "sha256:x"}]),
        damaged(items=[ITEM | {"narHash": 7}]),
        damaged(items=[ITEM | {"narSize": "many"}]),
        damaged(items=[ITEM | {"path": "/etc/passwd"}]),
        damaged(items=[ITEM | {"references": ["x"]}]),
        damaged(items=[7]),
        damaged(profile="/elsewhere"),
        damaged(manifest=None),
        damaged(system=None),
        damaged(larix={}),
    ],
)
def test_what_is_no_deployment_is_told_with_its_place(document):
    with pytest.raises(BadDeployment) as caught:
        parse_deployment(json.dumps(document).encode(), "d.json")
    assert caught.value.place is not None
    assert caught.value.place.file == "d.json"
    assert "\n" not in caught.value.message


def test_a_bad_manifest_in_it_is_one_of_the_file():
    with pytest.raises(BadManifest) as caught:
        parse_deployment(json.dumps(damaged(manifest={"version": 4})).encode(), "d.json")
    assert caught.value.place is not None
    assert caught.value.place.file == "d.json"


def test_truncated_anywhere_it_is_refused():
    text = print_deployment(DEPLOYMENT).rstrip().encode()
    for size in range(0, len(text), 7):
        with pytest.raises(BadDeployment):
            parse_deployment(text[:size], "d.json")
