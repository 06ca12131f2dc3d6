"""Tags and comments on generations, as `--tag` and `--comment` give them: by number or on the current one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from larix.cli import diagnostics
from larix.cli.profiles import Profile
from larix.profiles import generation
from larix.profiles.notes import Note, check_tag, check_untagged, read_notes, write_note
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.options import CommandLine

__all__ = ["check_free", "check_labels", "label_generations"]


def check_labels(line: CommandLine) -> None:
    """Refuse what cannot be a tag before anything is done."""
    for _, tag in _split(line, "tag"):
        if tag:
            check_tag(tag)


def check_free(profile: Profile, line: CommandLine) -> None:
    """Refuse a tag for the generation to be made that another one has, before anything is done."""
    notes = read_notes(profile.file)
    split = _split(line, "tag")
    left = {number: note for number, note in notes.items() if (number, "") not in split}
    for number, tag in split:
        if number is None and tag:
            check_untagged(left, tag)


def label_generations(profile: Profile, line: CommandLine) -> list[dict[str, Any]]:
    """The caller holds the profile's lock. An empty tag removes all of a generation, an empty comment too.

    Gives what is noted of those generations then, for JSON.
    """
    profile.require()
    current = generation.current_generation(profile.file)
    wanted = read_notes(profile.file)
    changed: dict[int, Note] = {}
    for name in ("tag", "comment"):
        for number, text in _split(line, name):
            chosen = current if number is None else number
            if profile.item(chosen) is None or chosen == 0:
                raise profile.lacks(chosen)
            note = changed.get(chosen, wanted.get(chosen, Note()))
            if name == "comment":
                note = note._replace(comment=text)
            else:
                note = note._replace(tags=tuple(dict.fromkeys((*note.tags, text))) if text else ())
            changed[chosen] = note
    for number, note in changed.items():
        if not line.has("dry-run"):
            write_note(profile.file, number, note)
        elif not line.has("json"):
            shown = ", ".join(each for each in (*note.tags, note.comment) if each) or "-"
            diagnostics.say(tr("would note of generation {number}: {shown}", number=number, shown=shown))
    return [{"number": number, **note._asdict()} for number, note in changed.items()]


def _split(line: CommandLine, name: str) -> list[tuple[int | None, str]]:
    """The number, if one stands before an equals sign, and the text."""
    found: list[tuple[int | None, str]] = []
    for value in line.values(name):
        number, equals, text = value.partition("=")
        is_numbered = bool(equals) and number.isascii() and number.isdigit() and len(number) <= 9
        found.append((int(number), text) if is_numbered else (None, value))
    return found
