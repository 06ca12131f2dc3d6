from __future__ import annotations

import os

import pytest

from larix.profiles import generation
from larix.profiles.notes import (
    BadNotes,
    BadTag,
    Note,
    check_tag,
    forget,
    next_number,
    read_notes,
    write_note,
)


@pytest.fixture
def profile(tmp_path):
    """A profile of three generations; what they point to is not looked at."""
    name = str(tmp_path / "p")
    for number in (1, 2, 3):
        os.symlink(f"/s/{number}-profile", generation.generation_link(name, number))
    generation.switch_to(name, 3)
    return name


def test_a_note_reads_back(profile):
    assert read_notes(profile) == {}
    write_note(profile, 2, Note(("staging", "2026-11-29"), "Größer\nals zuvor"))
    write_note(profile, 3, Note(comment="x"))
    expected = {2: Note(("staging", "2026-11-29"), "Größer\nals zuvor"), 3: Note(comment="x")}
    assert read_notes(profile) == expected
    write_note(profile, 3, Note())
    assert list(read_notes(profile)) == [2]
    assert sorted(os.listdir(os.path.dirname(profile))) == [
        "p",
        "p-1-link",
        "p-2-link",
        "p-3-link",
        "p.notes",
    ]


def test_a_note_does_not_pass_to_another_generation_of_the_number(profile):
    write_note(profile, 3, Note(("old",)))
    generation.replace_link("/s/other-profile", generation.generation_link(profile, 3))
    assert read_notes(profile) == {}
    write_note(profile, 3, Note(("new",)))
    generation.replace_link("/s/3-profile", generation.generation_link(profile, 3))
    assert read_notes(profile) == {}


def test_a_deleted_generation_takes_its_note_along(profile):
    write_note(profile, 1, Note(("x",)))
    generation.delete_generation(profile, 1)
    forget(profile, [1])
    os.symlink("/s/1-profile", generation.generation_link(profile, 1))
    assert read_notes(profile) == {}


def test_a_tag_is_on_one_generation(profile):
    write_note(profile, 1, Note(("x",)))
    with pytest.raises(BadTag, match="tag 'x' is on generation 1"):
        write_note(profile, 2, Note(("x",)))
    write_note(profile, 1, Note(("x", "y")))
    write_note(profile, 1, Note(("y",)))
    write_note(profile, 2, Note(("x",)))


def test_the_number_of_a_tagged_generation_is_not_used_again(profile):
    generation.switch_to(profile, 1)
    assert next_number(profile, 1) == 2
    write_note(profile, 2, Note(("keep",)))
    assert next_number(profile, 1) == 3
    write_note(profile, 3, Note(("too",)))
    assert next_number(profile, 1) == 4


@pytest.mark.parametrize("tag", ["staging", "2026-11-29", "2026-11-29-staging", "v1.2+3", "7x", "a"])
def test_names_that_can_be_tags(tag):
    assert check_tag(tag) == tag


@pytest.mark.parametrize(
    "tag", ["", "7", "20d", "3m", "1..3", "a..b", "a b", "-a", "a,b", "é", "x" * 101, "a\n"]
)
def test_names_that_cannot(tag):
    with pytest.raises(BadTag):
        check_tag(tag)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{",
        '{"version": 1}',
        '{"version": 2, "generations": {}}',
        '{"version": 1, "generations": []}',
    ]
    + [
        f'{{"version": 1, "generations": {{{each}}}}}'
        for each in ('"x": {}', '"1": 7', '"1": {"target": "x"}')
    ],
)
def test_what_is_no_file_of_notes_is_told(profile, text):
    with open(f"{profile}.notes", "w") as file:
        file.write(text)
    with pytest.raises(BadNotes) as caught:
        read_notes(profile)
    assert caught.value.place is not None
    assert caught.value.place.file == f"{profile}.notes"
