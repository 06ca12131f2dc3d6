"""Changing what a profile holds: everything a command line asks for becomes one transaction."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.cli import diagnostics, plan
from larix.cli.building import Work, build_options, tell_work
from larix.cli.labels import check_free, label_generations
from larix.cli.listing import entry_data, unset_variables
from larix.cli.making import make_profile, plan_profile, work_of
from larix.cli.options import CommandLine, compile_expression
from larix.cli.profiles import Profile
from larix.cli.switching import announce_switch, go_to, tell_switch
from larix.cli.tables import print_json
from larix.cli.transformations import chosen_transformations
from larix.cli.wanted import KINDS, Wanted
from larix.formats.storepath import parse_store_path
from larix.packages.specification import Specification, parse_specification
from larix.packages.versions import version_key
from larix.profiles import generation
from larix.profiles.manifest import Entry, Manifest
from larix.profiles.notes import next_number
from larix.profiles.transaction import (
    Effects,
    Removal,
    check_collisions,
    effects_between,
    find_collisions,
    transact,
)
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from larix.cli.explaining import Explanation
    from larix.cli.grafting import Grafts
    from larix.cli.session import Session
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildOptions

__all__ = ["change_packages", "closure_size"]


class _Change(NamedTuple):
    """What a transaction is about to do to what is current; `start` is the generation that it starts from.

    `sizes` are those of the closures before and after, where known; `numbers` those of the generations.
    """

    effects: Effects
    work: Work
    pending: Sequence[tuple[str, str]]
    sizes: tuple[int | None, int | None]
    numbers: tuple[int, int]
    start: int
    also: Mapping[str, Any]
    explanations: Sequence[Explanation] | None = None


def change_packages(
    profile: Profile,
    line: CommandLine,
    start: int | None = None,
    *,
    default_verbosity: int,
    also: Mapping[str, Any] = MappingProxyType({}),
) -> int:
    """The transaction that the command line asks for; the caller holds the profile's lock.

    It starts from generation `start`, by default the current one, and is one generation in the end.
    `also` are fields of JSON for what was done before.
    """
    options = build_options(line, default_verbosity=default_verbosity)
    dry_run, as_json = line.has("dry-run"), line.has("json")
    session = profile.session
    wanted = Wanted(session, line.values("load-path"), chosen_transformations(line), with_provenance=True)
    current = generation.current_generation(profile.file)
    start = current if start is None else start
    held = profile.manifest(current)
    before = held if start == current else profile.manifest(start)
    effects, grafts = _effects(before, line, wanted, options)
    pending = grafts.pending if grafts is not None else ()
    is_known = effects.nothing
    if start != current:
        effects = effects_between(held, effects.manifest)
    if is_known:
        sizes = (closure_size(session, held), closure_size(session, before)) if as_json else (None, None)
        change = _Change(effects, Work((), ()), pending, sizes, (current, start), start, also)
        return _go_only(profile, line, change)
    _check_collisions(effects.manifest, allowed=line.has("allow-collisions"))
    making = plan_profile(session, effects.manifest, wanted.items)
    work = work_of(session, making, grafts.needed if grafts is not None else ())
    is_told = dry_run or as_json or options.verbosity >= 1
    sizes = (closure_size(session, held), closure_size(session, effects.manifest)) if is_told else (0, 0)
    change = _Change(effects, work, pending, sizes, (current, next_number(profile.file, start)), start, also)
    if line.has("explain"):
        change = change._replace(explanations=_explained(session, effects, wanted, work))
    check_free(profile, line)
    if dry_run and as_json:
        _print_plan(change)
        return 0
    if is_told:
        _tell(change, dry_run=dry_run, verbosity=options.verbosity)
    if dry_run:
        return 0
    make_profile(session, making, options, work)
    profile.switch(making.item, change.numbers[1])
    if start != current and not as_json:
        announce_switch(current, start)
    label_generations(profile, line)
    if sizes[1] is None:
        change = change._replace(sizes=(sizes[0], closure_size(session, effects.manifest)))
        if options.verbosity >= 1 and change.sizes[1] is not None:
            diagnostics.say(plan.size_line(*change.sizes, dry_run=False))
    if as_json:
        _print_plan(change)
    if effects.installed or effects.upgraded or effects.downgraded:
        _hint_settings(profile, effects.manifest)
    _offer_newer(effects, wanted)
    return 0


def _go_only(profile: Profile, line: CommandLine, change: _Change) -> int:
    """A transaction that changes no package: what is left is going to where it starts, and labels."""
    dry_run = line.has("dry-run")
    current, start = change.numbers
    if start != current:
        go_to(profile, start, dry_run=dry_run)
    if line.has("json"):
        _print_plan(change)
    elif start != current:
        tell_switch(current, start, dry_run=dry_run)
    else:
        diagnostics.say(tr("nothing to be done"))
    if line.has("tag") or line.has("comment"):
        label_generations(profile, line)
    return 0


def _check_collisions(manifest: Manifest, *, allowed: bool) -> None:
    if not allowed:
        check_collisions(manifest)
    for collision in find_collisions(manifest):
        diagnostics.warning(collision.message)


def closure_size(session: Session, manifest: Manifest) -> int | None:
    """The bytes of all that the entries refer to; None while some are not there."""
    store = session.store
    paths = [parse_store_path(store.store_dir, entry.path) for entry in manifest.transitive()]
    if len(store.valid_paths(paths)) < len(set(paths)):
        return None
    return sum(info.nar_size for info in store.path_infos(store.closure(paths)).values())


def _explained(session: Session, effects: Effects, wanted: Wanted, work: Work) -> list[Explanation]:
    """Why entries are built, compared with what the profile holds of them, or with what the store does."""
    if not wanted.items:
        return []
    from larix.cli.explaining import Explainer, original
    from larix.derivation import Lowered

    pairs = [*effects.upgraded, *effects.downgraded]
    before = {new.path: parse_store_path(session.store.store_dir, old.path) for old, new in pairs}
    found: list[Lowered] = []
    instead: dict[StorePath, StorePath] = {}
    for entry in [*effects.installed, *(new for _, new in pairs)]:
        item = wanted.items.get(entry.path)
        if item is not None and isinstance(item.origin, Lowered):
            lowered = original(item.origin)
            found.append(lowered)
            if entry.path in before:
                instead[lowered.path] = before[entry.path]
    return Explainer(session, wanted.evaluation.lowering, work.builds).explain(found, instead)


def _tell(change: _Change, *, dry_run: bool, verbosity: int) -> None:
    """The plan, as it stands before anything is done."""
    if dry_run and change.start != change.numbers[0]:
        tell_switch(change.numbers[0], change.start, dry_run=True)
    for text in plan.effect_lines(change.effects, dry_run=dry_run):
        diagnostics.say(text)
    if change.sizes[1] is None:
        diagnostics.say(plan.unknown_size_line(dry_run=dry_run) + "\n")
    else:
        diagnostics.say(plan.size_line(*change.sizes, dry_run=dry_run) + "\n")
    if change.work:
        tell_work(change.work, dry_run=dry_run, verbosity=verbosity)
    if change.explanations is not None:
        from larix.cli.explanations import tell_explanations

        tell_explanations(change.explanations)
    if dry_run and change.pending:
        from larix.cli.grafting import tell_pending

        tell_pending(change.pending)


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
    wanted.expect(line.values("install"))
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


def _print_plan(change: _Change) -> None:
    from larix.cli.explanations import explanation_fields

    effects, work, pending, sizes, numbers, _, also, explanations = change
    print_json(
        generation={"from": numbers[0], "to": numbers[1]},
        installed=[entry_data(entry) for entry in effects.installed],
        removed=[entry_data(entry) for entry in effects.removed],
        upgraded=[{"from": entry_data(old), "to": entry_data(new)} for old, new in effects.upgraded],
        downgraded=[{"from": entry_data(old), "to": entry_data(new)} for old, new in effects.downgraded],
        **work.data(),
        replacements=[{"from": old, "to": new} for old, new in pending],
        size={"from": sizes[0], "to": sizes[1]},
        **explanation_fields(explanations),
        **also,
    )


def _hint_settings(profile: Profile, manifest: Manifest) -> None:
    """After something was added: how to make the profile's variables count, unless they do already."""
    if unset_variables(profile, manifest):
        diagnostics.show_hint(
            tr(
                "To use what is installed, set this shell's variables:\n  "
                'LARIX_PROFILE="{profile}"\n  . "$LARIX_PROFILE/etc/profile"',
                profile=profile.shown if profile.shown.startswith(("/", "~")) else profile.file,
            )
        )
