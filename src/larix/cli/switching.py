"""Changing a profile: the lock, and going to other generations; what changes packages is in `changing`.

Going back must be cheap at any time, so nothing here needs the store, the catalogue or a manifest.
"""

from __future__ import annotations

from typing import Any

from larix.cli import diagnostics
from larix.cli.options import CommandLine, UsageError
from larix.cli.profiles import (
    NoSuchGeneration,
    Profile,
    default_profile,
    make_default_profile_places,
    named_profile,
    tell_foreign_link,
)
from larix.cli.session import Session
from larix.profiles import generation
from larix.words import tr

__all__ = ["announce_switch", "change_profile", "generation_named", "go_to", "lock_wait", "tell_switch"]

_MOST_DIGITS = 9
_LABELS = ("tag", "comment")
_TRANSACTION = ("install", "install-from-expression", "install-from-file", "remove", "upgrade", "manifest")


def change_profile(session: Session, line: CommandLine, *, default_verbosity: int) -> int:
    """Do what the command line asks of one profile, in the order: back or switch, delete, transaction."""
    names = line.values("profile")
    dry_run = line.has("dry-run")
    if names:
        profile = named_profile(session, names[-1])
        profile.require_generations()
    else:
        profile = default_profile(session)
        tell_foreign_link(session)
        if not dry_run:
            make_default_profile_places(session)
    if dry_run:
        return _change(profile, line, default_verbosity)
    with profile.lock(lock_wait(line)):
        return _change(profile, line, default_verbosity)


def lock_wait(line: CommandLine) -> float | None:
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
    """A generation to go to is where a transaction starts from: the profile itself moves once, at the end."""
    is_transaction = any(line.has(name) for name in _TRANSACTION)
    is_deletion = line.has("delete-generations")
    dry_run, as_json = line.has("dry-run"), line.has("json")
    start = _start(profile, line)
    is_labelling = not is_transaction and any(line.has(name) for name in _LABELS)
    done: dict[str, Any] = {}
    if start is not None and not is_transaction:
        before = go_to(profile, start, dry_run=dry_run)
        done["generation"] = {"from": before, "to": start}
        if not as_json:
            tell_switch(before, start, dry_run=dry_run)
    if is_deletion:
        from larix.cli.retention import delete_generations

        done |= delete_generations(profile, line)
    if is_labelling:
        from larix.cli.labels import label_generations

        done["notes"] = label_generations(profile, line)
    if is_transaction or not done:
        from larix.cli.changing import change_packages

        return change_packages(profile, line, start, default_verbosity=default_verbosity, also=done)
    if as_json:
        from larix.cli.tables import print_json

        print_json(**done)
    return 0


def _start(profile: Profile, line: CommandLine) -> int | None:
    """The generation to go to, if any: the one before, or one that is named."""
    start = None
    if line.has("roll-back"):
        profile.require()
        current = generation.current_generation(profile.file)
        if current == 0:
            raise NoSuchGeneration(
                tr("profile '{shown}' does not have a previous generation", shown=profile.shown)
            )
        start = generation.previous_generation(profile.file, current)
    wanted = line.last("switch-generation")
    if wanted is not None:
        profile.require()
        number = generation_named(profile, wanted)
        if not number or profile.item(number) is None:
            raise NoSuchGeneration(
                tr("cannot switch to generation '{wanted}'", wanted=wanted), hint=profile.lacks(wanted).hint
            )
        start = number
    return start


def generation_named(profile: Profile, text: str) -> int | None:
    """The number that `N`, `+N`, `-N` or a tag means, of a generation that there is or is not; 0 at most."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if digits.isascii() and digits.isdigit():
        if len(digits) > _MOST_DIGITS:
            return None
        return int(text) if digits == text else generation.relative_generation(profile.file, int(text))
    from larix.profiles.notes import read_notes

    notes = read_notes(profile.file)
    return next((number for number, note in notes.items() if text in note.tags), None)


def announce_switch(before: int, after: int) -> None:
    print(tr("switched from generation {before} to {after}", before=before, after=after))


def tell_switch(before: int, after: int, *, dry_run: bool) -> None:
    if dry_run:
        diagnostics.say(tr("would switch from generation {before} to {after}", before=before, after=after))
    else:
        announce_switch(before, after)


def go_to(profile: Profile, number: int, *, dry_run: bool) -> int:
    """Make generation `number` the current one, 0 being made if need be; returns which was before."""
    current = generation.current_generation(profile.file)
    if dry_run:
        return current
    if number == 0 and profile.item(0) is None:
        session = profile.session
        from larix.profiles.profile import empty_profile

        source = empty_profile(session.store.store_dir)
        session.store.instantiate([], [source])
        profile.switch(source.path, 0)
    else:
        generation.switch_to(profile.file, number)
    return current
