"""Changing what a profile holds: everything a command line asks for becomes one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.cli import diagnostics, plan
from larix.cli.building import Work, build_options, realise, tell_work, work_for
from larix.cli.listing import entry_data, unset_variables
from larix.cli.options import CommandLine, compile_expression
from larix.cli.profiles import Profile
from larix.cli.tables import print_json
from larix.cli.transformations import chosen_transformations
from larix.cli.wanted import KINDS, Wanted
from larix.packages.platform import host_system
from larix.packages.specification import Specification, parse_specification
from larix.packages.versions import version_key
from larix.profiles import generation
from larix.profiles.manifest import Entry, Manifest
from larix.profiles.profile import empty_profile, profile_derivation
from larix.profiles.transaction import Effects, Removal, check_collisions, transact
from larix.protocol import BuildTarget
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.cli.grafting import Grafts
    from larix.cli.session import Session
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildOptions

__all__ = ["change_packages", "instantiate_profile"]


def change_packages(profile: Profile, line: CommandLine, *, default_verbosity: int) -> int:
    """The transaction that the command line asks for; the caller holds the profile's lock."""
    options = build_options(line, default_verbosity=default_verbosity)
    dry_run = line.has("dry-run")
    session = profile.session
    wanted = Wanted(session, line.values("load-path"), chosen_transformations(line))
    effects, grafts = _effects(profile.current(), line, wanted, options)
    pending = grafts.pending if grafts is not None else ()
    if effects.nothing:
        if dry_run and line.has("json"):
            _print_plan(effects, Work((), ()), pending)
        else:
            diagnostics.say(tr("nothing to be done"))
        return 0
    if not line.has("allow-collisions"):
        check_collisions(effects.manifest)
    item, targets = instantiate_profile(session, effects.manifest, wanted)
    work = work_for(session, [*targets, *(grafts.needed if grafts is not None else ())])
    if dry_run and line.has("json"):
        _print_plan(effects, work, pending)
        return 0
    if dry_run or options.verbosity >= 1:
        for text in plan.effect_lines(effects, dry_run=dry_run):
            diagnostics.say(text)
        tell_work(work, dry_run=dry_run, verbosity=options.verbosity)
    if dry_run:
        if pending:
            from larix.cli.grafting import tell_pending

            tell_pending(pending)
        return 0
    realise(session, targets, options, work)
    profile.switch(item, generation.current_generation(profile.file) + 1)
    _hint_settings(profile)
    _offer_newer(effects, wanted)
    return 0


def _offer_newer(effects: Effects, wanted: Wanted) -> None:
    """A word on newer releases of what was installed as the catalogue has it."""
    from larix.cli.offers import is_wanted, offer_newer

    if not is_wanted():
        return
    entries = [*effects.installed, *(new for _, new in effects.upgraded)]
    found = [wanted.evaluation.newest(entry.name) for entry in entries]
    same = [
        package
        for package, entry in zip(found, entries, strict=True)
        if package is not None and package.version == entry.version
    ]
    offer_newer(same)


def _effects(
    before: Manifest, line: CommandLine, wanted: Wanted, options: BuildOptions
) -> tuple[Effects, Grafts | None]:
    """What the command line makes of the manifest `before`, and what grafts did to its entries."""
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
        upgrades = _upgrades(before, removals, line, wanted)
        # What another package has taken the place of goes.
        removals += [
            Removal(Specification(old.name, output=old.output))
            for old, new in upgrades
            if old.name != new.name
        ]
        install = [new for _, new in upgrades] + install
    wanted.check()
    grafts = None
    if not line.has("no-grafts"):
        install, grafts = wanted.grafted(install, options, dry_run=line.has("dry-run"))
    return transact(before, remove=removals, install=install), grafts


def _upgrades(
    manifest: Manifest, removals: Sequence[Removal], line: CommandLine, wanted: Wanted
) -> list[tuple[Entry, Entry]]:
    """The entries of the profile, each with one that is newer, built otherwise, or supersedes it."""
    chosen = [compile_expression(text) for text in line.values("upgrade")]
    spared = [compile_expression(text) for text in line.values("do-not-upgrade")]
    for text in line.values("upgrade"):
        if text.startswith("-"):
            diagnostics.warning(tr("upgrade regexp '{text}' looks like a command-line option", text=text))
    newer: list[tuple[Entry, Entry]] = []
    for entry in manifest.entries:
        if chosen and not any(expression.search(entry.name) for expression in chosen):
            continue
        if any(expression.search(entry.name) for expression in spared):
            continue
        if any(removal.means(entry) for removal in removals):
            continue
        candidate = wanted.newest(entry)
        if candidate is None:
            diagnostics.warning(tr("package '{entry}' no longer exists", entry=entry.name))
            continue
        is_superseded = candidate.name != entry.name
        if is_superseded or version_key(entry.version) <= version_key(candidate.version):
            newer.append((entry, candidate))
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


def _print_plan(effects: Effects, work: Work, pending: Sequence[tuple[str, str]]) -> None:
    print_json(
        installed=[entry_data(entry) for entry in effects.installed],
        removed=[entry_data(entry) for entry in effects.removed],
        upgraded=[{"from": entry_data(old), "to": entry_data(new)} for old, new in effects.upgraded],
        downgraded=[{"from": entry_data(old), "to": entry_data(new)} for old, new in effects.downgraded],
        derivations=list(work.builds),
        downloads=list(work.downloads),
        grafts=list(work.grafts),
        replacements=[{"from": old, "to": new} for old, new in pending],
    )


def _hint_settings(profile: Profile) -> None:
    """After a change: how to make the profile's variables count, unless they do already."""
    if unset_variables(profile):
        diagnostics.show_hint(
            tr(
                "To use what is installed, set this shell's variables:\n  "
                'LARIX_PROFILE="{profile}"\n  . "$LARIX_PROFILE/etc/profile"',
                profile=profile.file if profile.shown.startswith(".") else profile.shown,
            )
        )
