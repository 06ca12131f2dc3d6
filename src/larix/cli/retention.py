"""Deleting generations: which ones a pattern means, and which of them a policy spares.

The current generation always stays. One with a tag goes only if it was named itself, and that is told; a
pattern that merely covers it leaves it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.cli import diagnostics
from larix.cli.options import CommandLine, UsageError, whole_number
from larix.cli.profiles import NoSuchGeneration, Profile
from larix.profiles import generation
from larix.profiles.notes import Note, forget, read_notes
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["POLICIES", "check_policies", "delete_generations", "meant_generations"]

POLICIES = ("keep-last", "keep-tagged", "older-than")


class _Choice(NamedTuple):
    """What is to go, and why others stay."""

    deleted: list[int]
    kept: list[tuple[int, str]]


def check_policies(line: CommandLine) -> None:
    for name in POLICIES:
        if line.has(name) and not line.has("delete-generations"):
            raise UsageError(
                tr("'--{name}' says what '--delete-generations' spares, which is not given", name=name),
                hint=tr("add it: larix package -d --{name}...", name=name),
            )


def delete_generations(profile: Profile, line: CommandLine) -> dict[str, Any]:
    """Delete what is meant, or tell it in a dry run; what that is for JSON, where no words are said."""
    profile.require()
    dry_run = line.has("dry-run")
    notes = read_notes(profile.file)
    choice = _choose(profile, line, notes)
    if not line.has("json"):
        _tell(profile, choice, notes, dry_run=dry_run)
    if not dry_run:
        for number in choice.deleted:
            generation.delete_generation(profile.file, number)
        forget(profile.file, choice.deleted)
    kept = [{"number": number, "reason": reason} for number, reason in choice.kept]
    return {"deleted": choice.deleted, "kept": kept}


def _tell(profile: Profile, choice: _Choice, notes: Mapping[int, Note], *, dry_run: bool) -> None:
    for number in choice.deleted:
        file = generation.generation_link(profile.file, number)
        tags = notes.get(number, Note()).tags
        gaps = {"file": f"{file} {tr('(tagged {tags})', tags=', '.join(tags))}" if tags else file}
        diagnostics.say(tr("would delete {file}", **gaps) if dry_run else tr("deleting {file}", **gaps))
    for number, reason in choice.kept:
        if reason:
            text = tr("not removing generation {number}, which is {reason}", number=number, reason=reason)
            diagnostics.warning(text)
    if not choice.deleted and not any(reason for _, reason in choice.kept):
        diagnostics.say(tr("nothing to be done"))


def _choose(profile: Profile, line: CommandLine, notes: Mapping[int, Note]) -> _Choice:
    """Reasons are empty where the policy itself asked for what stays: no warning is due."""
    current = generation.current_generation(profile.file)
    patterns = [each for each in line.values("delete-generations") if each]
    everything = generation.generations(profile.file)
    numbers = meant_generations(profile, patterns, notes, older=True) if patterns else everything
    if patterns and not numbers:
        raise NoSuchGeneration(tr("no matching generation"))
    named = {number for pattern in patterns for number in _named(pattern, notes)}
    spared = set(everything[-count:]) if (count := whole_number(line, "keep-last", 0)) else set[int]()
    spared |= _younger(profile, line, everything)
    deleted: list[int] = []
    kept: list[tuple[int, str]] = []
    for number in numbers:
        tags = notes.get(number, Note()).tags
        if number == current:
            kept.append((number, tr("current") if patterns else ""))
        elif number in spared or (tags and line.has("keep-tagged")):
            kept.append((number, ""))
        elif tags and number not in named:
            kept.append((number, tr("tagged {tags}", tags=", ".join(tags))))
        else:
            deleted.append(number)
    return _Choice(deleted, kept)


def _younger(profile: Profile, line: CommandLine, numbers: Sequence[int]) -> set[int]:
    duration = line.last("older-than")
    if duration is None:
        return set()
    limit = time.time() - generation.parse_duration(duration)
    return {number for number in numbers if generation.generation_time(profile.file, number) >= limit}


def _named(pattern: str, notes: Mapping[int, Note]) -> list[int]:
    """The generations that a pattern names one by one, by number or by tag; none if it is of another kind."""
    numbers: list[int] = []
    tags = {tag: number for number, note in notes.items() for tag in note.tags}
    for part in pattern.split(","):
        if part in tags:
            numbers.append(tags[part])
        elif part.isascii() and part.isdigit():
            numbers += generation.parse_pattern(part).numbers
        else:
            return []
    return numbers


def meant_generations(
    profile: Profile, patterns: Sequence[str], notes: Mapping[int, Note], *, older: bool
) -> list[int]:
    """The generations there are that any of the patterns means; see `generation.matching_generations`."""
    meant: set[int] = set()
    for pattern in patterns:
        named = _named(pattern, notes)
        if named:
            meant.update(named)
            continue
        parsed = generation.parse_pattern(pattern)
        meant.update(generation.matching_generations(profile.file, parsed, now=time.time(), older=older))
    return [number for number in generation.generations(profile.file) if number in meant]
