from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.packages.specification import parse_specification
from larix.profiles.manifest import Entry, Manifest
from larix.profiles.transaction import Collision, NotInProfile, Removal, check_collisions, transact


def entry(name, version="1", output="out", *propagated):
    return Entry(name, version, output, f"/s/{name}-{version}-{output}", propagated_inputs=propagated)


def change(manifest, *, remove=(), install=()):
    removals = [Removal(parse_specification(text)) for text in remove]
    return transact(manifest, remove=removals, install=install)


A, B, C = entry("a"), entry("b"), entry("c")


def test_install_and_remove_are_one_change():
    effects = change(Manifest((A, B)), remove=["a"], install=[C])
    assert effects.manifest == Manifest((B, C))
    assert (effects.installed, effects.removed) == ((C,), (A,))


def test_latest_installed_stands_last_and_replaces_its_elder():
    newer = entry("a", "2")
    effects = change(Manifest((A, B)), install=[newer])
    assert effects.manifest == Manifest((B, newer))
    assert effects.upgraded == ((A, newer),)
    assert change(effects.manifest, install=[A]).downgraded == ((newer, A),)


def test_same_version_built_otherwise_is_an_upgrade():
    other = A._replace(path="/s/other")
    assert change(Manifest((A,)), install=[other]).upgraded == ((A, other),)


def test_outputs_are_entries_of_their_own():
    doc = entry("a", "1", "doc")
    assert change(Manifest((A,)), install=[doc]).manifest == Manifest((A, doc))
    assert change(Manifest((A, doc)), remove=["a"]).manifest == Manifest((doc,))


def test_installing_what_is_there_changes_nothing():
    effects = change(Manifest((A, B)), install=[A])
    assert effects.nothing
    assert effects.manifest == Manifest((A, B))


def test_removing_what_is_absent_is_an_error():
    with pytest.raises(NotInProfile, match="package 'x' not found in profile"):
        change(Manifest((A,)), remove=["x"])


def test_removal_with_version_takes_a_prefix_at_a_dot():
    manifest = Manifest((entry("a", "2.10.1"),))

    assert change(manifest, remove=["a@2.10"]).manifest == Manifest()
    with pytest.raises(NotInProfile, match=r"package 'a@2\.1' not found in profile"):
        change(manifest, remove=["a@2.1"])


names = st.sampled_from("abcd")
some_entries = st.lists(st.builds(entry, names, st.sampled_from("12")), max_size=4)


@given(some_entries, some_entries)
def test_whatever_is_installed_is_there_once(before, installed):
    manifest = change(Manifest(), install=before).manifest
    after = change(manifest, install=installed).manifest
    keys = [each.key for each in after.entries]
    assert len(keys) == len(set(keys))
    assert {each.key for each in installed} <= set(keys)
    for wanted in {each.key: each for each in installed}.values():
        assert wanted in after.entries
    assert change(after, install=after.entries).nothing


def test_conflicting_propagated_inputs_are_told_with_their_way():
    old, new = entry("lib", "1"), entry("lib", "2")
    middle = entry("middle", "1", "out", new)
    with pytest.raises(Collision) as caught:
        check_collisions(Manifest((entry("x", "1", "out", old), entry("y", "1", "out", middle))))
    assert caught.value.message.splitlines() == [
        "profile contains conflicting entries for lib",
        "  first entry: lib@1 /s/lib-1-out",
        "   ... propagated from x@1",
        "  second entry: lib@2 /s/lib-2-out",
        "   ... propagated from middle@1",
        "   ... propagated from y@1",
    ]
    assert caught.value.hint is not None
    assert "`x'" in caught.value.hint
    assert "`y'" in caught.value.hint


def test_a_diamond_is_no_conflict_and_no_explosion():
    top = entry("lib")
    for level in range(60):
        top = entry(f"n{level}", "1", "out", top, top)
    check_collisions(Manifest((top,)))
