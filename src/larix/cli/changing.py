"""Changing a profile: everything a command line asks for becomes one transaction under the profile's lock."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from larix.cli import diagnostics, plan
from larix.cli.building import Work, build_options, realise, tell_work, work_for
from larix.cli.listing import compile_expression, entry_data, unset_variables
from larix.cli.options import CommandLine, UsageError
from larix.cli.profiles import (
    NoSuchGeneration,
    Profile,
    default_profile,
    make_default_profile_places,
    named_profile,
)
from larix.cli.tables import print_json
from larix.cli.wanted import KINDS, Wanted
from larix.packages.platform import host_system
from larix.packages.specification import parse_specification
from larix.packages.versions import version_key
from larix.profiles import generation
from larix.profiles.manifest import Entry, Manifest
from larix.profiles.profile import empty_profile, profile_derivation
from larix.profiles.transaction import Effects, Removal, check_collisions, transact
from larix.protocol import BuildTarget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.cli.session import Session
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildOptions

__all__ = ["change_profile", "instantiate_profile"]


def change_profile(session: Session, line: CommandLine, *, default_verbosity: int) -> int:
    """Do what the command line asks of one profile, in the order: back or switch, delete, transaction."""
    names = line.values("profile")
    if names:
        profile = named_profile(session, names[-1])
    else:
        profile = default_profile(session)
        make_default_profile_places(session)
    options = build_options(line, default_verbosity=default_verbosity)
    if line.has("dry-run"):
        return _change(profile, line, options)
    with profile.lock(_lock_wait(line)):
        return _change(profile, line, options)


def _lock_wait(line: CommandLine) -> float | None:
    text = line.last("lock-wait")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 1e9:
        raise UsageError(f"not a number: 'lock-wait' option argument: {text}")
    return seconds


def _change(profile: Profile, line: CommandLine, options: BuildOptions) -> int:
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
    return _transaction(profile, line, options)


def _announce_switch(before: int, after: int) -> None:
    print(f"switched from generation {before} to {after}")


def _roll_back(profile: Profile, *, dry_run: bool) -> None:
    """To the generation before; from the first to the empty one, made when it is not there."""
    profile.require()
    current = generation.current_generation(profile.file)
    if current == 0:
        raise NoSuchGeneration(f"profile '{profile.shown}' does not have a previous generation")
    previous = generation.previous_generation(profile.file, current)
    if dry_run:
        diagnostics.say(f"would switch from generation {current} to {previous}")
        return
    if previous == 0 and profile.item(0) is None:
        session = profile.session
        source = empty_profile(session.store.store_dir)
        session.store.instantiate([], [source])
        profile.switch(source.path, 0)
    else:
        generation.switch_to(profile.file, previous)
    _announce_switch(current, previous)


def _switch(profile: Profile, wanted: str, *, dry_run: bool) -> None:
    profile.require()
    if re.fullmatch(r"[+-][0-9]{1,9}", wanted):
        number = generation.relative_generation(profile.file, int(wanted))
    else:
        number = int(wanted) if re.fullmatch(r"[0-9]{1,9}", wanted) else None
    if number is None or profile.item(number) is None:
        raise NoSuchGeneration(f"cannot switch to generation '{wanted}'")
    current = generation.current_generation(profile.file)
    if dry_run:
        diagnostics.say(f"would switch from generation {current} to {number}")
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
            raise NoSuchGeneration("no matching generation")
    else:
        numbers = [number for number in generation.generations(profile.file) if number != current]
    for number in numbers:
        if number == current:
            diagnostics.warning(f"not removing generation {number}, which is current")
            continue
        diagnostics.say(f"deleting {generation.generation_link(profile.file, number)}")
        if not dry_run:
            generation.delete_generation(profile.file, number)


def _transaction(profile: Profile, line: CommandLine, options: BuildOptions) -> int:
    dry_run = line.has("dry-run")
    session = profile.session
    wanted = Wanted(session, line.values("load-path"))
    effects = _effects(profile.current(), line, wanted)
    if effects.nothing:
        if dry_run and line.has("json"):
            _print_plan(effects, Work((), ()))
        else:
            diagnostics.say("nothing to be done")
        return 0
    if not line.has("allow-collisions"):
        check_collisions(effects.manifest)
    item, targets = instantiate_profile(session, effects.manifest, wanted)
    work = work_for(session, targets)
    if dry_run and line.has("json"):
        _print_plan(effects, work)
        return 0
    if dry_run or options.verbosity >= 1:
        for text in plan.effect_lines(effects, dry_run=dry_run):
            diagnostics.say(text)
        tell_work(work, dry_run=dry_run, verbosity=options.verbosity)
    if dry_run:
        return 0
    realise(session, targets, options, work)
    profile.switch(item, generation.current_generation(profile.file) + 1)
    _hint_settings(profile)
    return 0


def _effects(before: Manifest, line: CommandLine, wanted: Wanted) -> Effects:
    """What the command line makes of the manifest `before`."""
    removals = [Removal(parse_specification(text)) for text in line.values("remove")]
    install = [
        entry
        for token in line.tokens
        if token.name in KINDS and token.value is not None
        for entry in wanted.entries(token.name, token.value)
    ]
    if line.has("manifest"):
        listed = [entry for file in line.values("manifest") for entry in wanted.manifest_file(file)]
        install = listed + install
        kept = {entry.key for entry in install}
        before = before._replace(entries=tuple(entry for entry in before.entries if entry.key in kept))
    if line.has("upgrade"):
        install = _upgrades(before, removals, line, wanted) + install
    return transact(before, remove=removals, install=install)


def _upgrades(
    manifest: Manifest, removals: Sequence[Removal], line: CommandLine, wanted: Wanted
) -> list[Entry]:
    """The entries that are newer, or built otherwise, in the catalogue than in the profile."""
    chosen = [compile_expression(text) for text in line.values("upgrade")]
    spared = [compile_expression(text) for text in line.values("do-not-upgrade")]
    for text in line.values("upgrade"):
        if text.startswith("-"):
            diagnostics.warning(f"upgrade regexp '{text}' looks like a command-line option")
    newer: list[Entry] = []
    for entry in manifest.entries:
        if chosen and not any(expression.search(entry.name) for expression in chosen):
            continue
        if any(expression.search(entry.name) for expression in spared):
            continue
        if any(removal.means(entry) for removal in removals):
            continue
        candidate = wanted.newest(entry.name, entry.output)
        if candidate is None:
            diagnostics.warning(f"package '{entry.name}' no longer exists")
            continue
        if version_key(entry.version) <= version_key(candidate.version):
            newer.append(candidate)
    return newer


def instantiate_profile(
    session: Session, manifest: Manifest, wanted: Wanted
) -> tuple[StorePath, list[BuildTarget]]:
    """The profile's store item, known before it is built, and what has to be built for it."""
    if not manifest.entries:
        source = empty_profile(session.store.store_dir)
        session.store.instantiate([], [source])
        return source.path, []
    lowered = profile_derivation(
        manifest, wanted.items, store_dir=session.store.store_dir, system=host_system()
    )
    session.store.instantiate([lowered])
    return lowered.output_path(), [BuildTarget(lowered.path)]


def _print_plan(effects: Effects, work: Work) -> None:
    print_json(
        installed=[entry_data(entry) for entry in effects.installed],
        removed=[entry_data(entry) for entry in effects.removed],
        upgraded=[{"from": entry_data(old), "to": entry_data(new)} for old, new in effects.upgraded],
        downgraded=[{"from": entry_data(old), "to": entry_data(new)} for old, new in effects.downgraded],
        derivations=list(work.builds),
        downloads=list(work.downloads),
    )


def _hint_settings(profile: Profile) -> None:
    """After a change: how to make the profile's variables count, unless they do already."""
    if unset_variables(profile):
        diagnostics.show_hint(
            "To use what is installed, set this shell's variables:\n"
            f'  LARIX_PROFILE="{profile.file if profile.shown.startswith(".") else profile.shown}"\n'
            '  . "$LARIX_PROFILE/etc/profile"'
        )
