"""Tags and comments of generations, in `PROFILE.notes` beside the links.

    {"version": 1, "generations": {"41": {"target": TARGET, "tags": [TAG, ...], "comment": TEXT}}}

`target` is what the generation's link holds. A number is used again after a roll-back, and a note must not
pass to another generation: one whose target is no longer that of its link does not count, and goes with the
next change of the file. A tag is on one generation of a profile at a time.

The file is replaced as a whole; after a crash it is the old or the new one. Writers hold the profile's lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, cast

from larix.errors import LarixError, Location
from larix.profiles import generation
from larix.words import tr

__all__ = [
    "BadNotes",
    "BadTag",
    "Note",
    "check_tag",
    "check_untagged",
    "forget",
    "next_number",
    "read_notes",
    "write_note",
]

VERSION = 1
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
_PATTERN = re.compile(r"[0-9]+[shdwm]?|.*\.\..*")


class BadNotes(LarixError):
    """The file of notes is not one that this larix can keep whole."""


class BadTag(LarixError):
    """A name that no tag can have, or that is on another generation already."""


class Note(NamedTuple):
    tags: tuple[str, ...] = ()
    comment: str = ""


def check_tag(tag: str) -> str:
    """`tag` if it can be one: it must not look like a pattern of generations."""
    if _TAG.fullmatch(tag) is None or _PATTERN.fullmatch(tag) is not None:
        raise BadTag(
            tr("'{tag}' cannot be a tag", tag=tag),
            hint=tr("use letters, digits and . _ + -, and nothing that means generations, as 7, 2w or 3..5"),
        )
    return tag


def read_notes(profile: str) -> dict[int, Note]:
    """The notes of the generations that there are."""
    return {
        number: note
        for number, (target, note) in _read(profile).items()
        if generation.generation_target(profile, number) == target
    }


def _read(profile: str) -> Mapping[int, tuple[str, Note]]:
    """All that the file holds: for each number the target that is meant, and the note."""
    file = _file(profile)
    try:
        with open(file, "rb") as stream:
            return _parse(stream.read(), file)
    except FileNotFoundError:
        return {}


def write_note(profile: str, number: int, note: Note) -> None:
    """Give the generation this note in the place of what it had."""
    notes = read_notes(profile)
    others = {other: each for other, each in notes.items() if other != number}
    for tag in note.tags:
        check_untagged(others, tag)
    _write(profile, notes | {number: note})


def check_untagged(notes: Mapping[int, Note], tag: str) -> None:
    """Raise `BadTag` when a generation has the tag."""
    for number, note in notes.items():
        if tag in note.tags:
            raise BadTag(
                tr("tag '{tag}' is on generation {number}", tag=tag, number=number),
                hint=tr("remove it from there with `--tag {number}='", number=number),
            )


def forget(profile: str, numbers: Collection[int]) -> None:
    """Remove the notes of generations that are deleted."""
    if any(number in numbers for number in _read(profile)):
        _write(
            profile, {number: note for number, note in read_notes(profile).items() if number not in numbers}
        )


def next_number(profile: str, current: int) -> int:
    """The number of the generation to be made after `current`: that of no generation with a tag."""
    number = current + 1
    notes = read_notes(profile)
    while notes.get(number, Note()).tags:
        number += 1
    return number


def _file(profile: str) -> str:
    return f"{profile}.notes"


def _parse(text: bytes, file: str) -> Mapping[int, tuple[str, Note]]:
    try:
        document: Any = json.loads(text)
        if document["version"] != VERSION:
            raise BadNotes(
                tr(
                    "bad notes: version {version}, where this larix knows {known}",
                    version=repr(document["version"]),
                    known=VERSION,
                ),
                place=Location(file, 1),
            )
        generations = cast("dict[str, Any]", document["generations"])
        return {
            int(number): (str(each["target"]), Note(tuple(map(str, each["tags"])), str(each["comment"])))
            for number, each in generations.items()
        }
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise BadNotes(
            tr("not the notes of a profile: {error}", error=error),
            place=Location(file, 1),
            hint=tr("mend or remove the file; it holds nothing but tags and comments"),
        ) from error


def _write(profile: str, notes: Mapping[int, Note]) -> None:
    generations = {
        str(number): {
            "target": generation.generation_target(profile, number),
            "tags": list(note.tags),
            "comment": note.comment,
        }
        for number, note in sorted(notes.items())
        if note != Note()
    }
    text = json.dumps({"version": VERSION, "generations": generations}, indent=2) + "\n"
    file = _file(profile)
    temporary = f"{file}.tmp"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    descriptor = os.open(
        temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644
    )
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    os.rename(temporary, file)
    generation.sync_folder(os.path.dirname(file))
