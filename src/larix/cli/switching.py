"""Changing a profile: the lock, and going to other generations; what changes packages is in `changing`.

Going back must be cheap at any time, so nothing here needs the store, the catalogue or a manifest.
"""

from __future__ import annotations

import time

from larix.cli import diagnostics
from larix.cli.options import CommandLine, UsageError
from larix.cli.profiles import (
    NoSuchGeneration,
    Profile,
    default_profile,
    make_default_profile_places,
    named_profile,
)
from larix.cli.session import Session
from larix.profiles import generation
from larix.words import tr

__all__ = ["change_profile"]

_MOST_DIGITS = 9


def change_profile(session: Session, line: CommandLine, *, default_verbosity: int) -> int:
    """Do what the command line asks of one profile, in the order: back or switch, delete, transaction."""
    names = line.values("profile")
    if names:
        profile = named_profile(session, names[-1])
    else:
        profile = default_profile(session)
        make_default_profile_places(session)
    if line.has("dry-run"):
        return _change(profile, line, default_verbosity)
    with profile.lock(_lock_wait(line)):
        return _change(profile, line, default_verbosity)


def _lock_wait(line: CommandLine) -> float | None:
    text = line.last("lock-wait")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 1e9:
        raise UsageError(tr("not a number: 'lock-wait' option argument: {text}", text=text))
    return seconds


def _change(profile: Profile, line: CommandLine, default_verbosity: int) -> int:
    if line.has("roll-back"):
        _roll_back(profile, dry_run=line.has("dry-run"))
    wanted = line.last("switch-generation")
    if wanted is not None:
        _switch(profile, wanted, dry_run=line.has("dry-run"))
    if line.has("delete-generations"):
        _delete(profile, line.last("delete-generations") or "", dry_run=line.has("dry-run"))
    others = ("roll-back", "switch-generation", "delete-generations")
    changing = ("install", "install-from-expression", "install-from-file", "remove", "upgrade", "manifest")
    if any(line.has(name) for name in others) and not any(line.has(name) for name in changing):
        return 0
    from larix.cli.changing import change_packages

    return change_packages(profile, line, default_verbosity=default_verbosity)


def _announce_switch(before: int, after: int) -> None:
    print(tr("switched from generation {before} to {after}", before=before, after=after))


def _roll_back(profile: Profile, *, dry_run: bool) -> None:
    """To the generation before; from the first to the empty one, made when it is not there."""
    profile.require()
    current = generation.current_generation(profile.file)
    if current == 0:
        raise NoSuchGeneration(
            tr("profile '{shown}' does not have a previous generation", shown=profile.shown)
        )
    previous = generation.previous_generation(profile.file, current)
    if dry_run:
        diagnostics.say(
            tr("would switch from generation {current} to {previous}", current=current, previous=previous)
        )
        return
    if previous == 0 and profile.item(0) is None:
        session = profile.session
        from larix.profiles.profile import empty_profile

        source = empty_profile(session.store.store_dir)
        session.store.instantiate([], [source])
        profile.switch(source.path, 0)
    else:
        generation.switch_to(profile.file, previous)
    _announce_switch(current, previous)


def _switch(profile: Profile, wanted: str, *, dry_run: bool) -> None:
    profile.require()
    digits = wanted[1:] if wanted[:1] in ("+", "-") else wanted
    if not (digits.isascii() and digits.isdigit()) or len(digits) > _MOST_DIGITS:
        number = None
    elif digits != wanted:
        number = generation.relative_generation(profile.file, int(wanted))
    else:
        number = int(wanted)
    if number is None or profile.item(number) is None:
        raise NoSuchGeneration(tr("cannot switch to generation '{wanted}'", wanted=wanted))
    current = generation.current_generation(profile.file)
    if dry_run:
        diagnostics.say(
            tr("would switch from generation {current} to {number}", current=current, number=number)
        )
        return
    generation.switch_to(profile.file, number)
    _announce_switch(current, number)


def _delete(profile: Profile, pattern: str, *, dry_run: bool) -> None:
    profile.require()
    current = generation.current_generation(profile.file)
    if pattern:
        parsed = generation.parse_pattern(pattern)
        numbers = generation.matching_generations(profile.file, parsed, now=time.time(), older=True)
        if not numbers:
            raise NoSuchGeneration(tr("no matching generation"))
    else:
        numbers = [number for number in generation.generations(profile.file) if number != current]
    for number in numbers:
        if number == current:
            diagnostics.warning(tr("not removing generation {number}, which is current", number=number))
            continue
        diagnostics.say(tr("deleting {file}", file=generation.generation_link(profile.file, number)))
        if not dry_run:
            generation.delete_generation(profile.file, number)
