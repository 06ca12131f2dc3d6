"""Making the profile of a manifest: first its entries, then the tree of links to them.

The derivation of the tree refers to the entries as items that are there, and not to what built them. So the
name of a profile follows from its manifest alone: it is the same for who builds all, who builds nothing, and
whose entries came one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.cli.building import Work, work_for
from larix.cli.collisions import tell_collisions
from larix.derivation import Lowered
from larix.formats.storepath import parse_store_path
from larix.packages.platform import host_system
from larix.profiles.profile import empty_profile, profile_derivation
from larix.protocol import BuildTarget

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from larix.cli.session import Session
    from larix.formats.storepath import StorePath
    from larix.profiles.manifest import Manifest
    from larix.protocol import BuildOptions
    from larix.staging import Item

__all__ = ["Making", "make_profile", "plan_profile", "work_of"]


class Making(NamedTuple):
    """`item` is the profile's store path, `lowered` its derivation (None: of the empty one).

    `needed` is what must be built before.
    """

    item: StorePath
    lowered: Lowered | None = None
    needed: tuple[BuildTarget, ...] = ()


def plan_profile(
    session: Session, manifest: Manifest, items: Mapping[str, Item], *, system: str | None = None
) -> Making:
    """`items` tells, by store path, how entries come to be; the others must be there already."""
    store = session.store
    if not manifest.entries:
        source = empty_profile(store.store_dir)
        store.instantiate([], [source])
        return Making(source.path)
    entries = manifest.transitive()
    origins = [items[entry.path] for entry in entries if entry.path in items]
    derivations = [item for item in origins if isinstance(item.origin, Lowered)]
    sources = [item.origin for item in origins if not isinstance(item.origin, Lowered)]
    store.instantiate([item.origin for item in derivations if isinstance(item.origin, Lowered)], sources)
    lowered = profile_derivation(manifest, {}, store_dir=store.store_dir, system=system or host_system())
    paths = [parse_store_path(store.store_dir, entry.path) for entry in entries]
    store.add_temp_root(lowered.output_path(), *paths)
    needed = [
        BuildTarget(item.origin.path, (item.output or "out",))
        for item in derivations
        if isinstance(item.origin, Lowered)
    ]
    return Making(lowered.output_path(), lowered, tuple(needed))


def work_of(session: Session, making: Making, also: Sequence[BuildTarget] = ()) -> Work:
    """What making the profile, and building `also`, would do."""
    work = work_for(session, [*making.needed, *also])
    if making.lowered is None or session.store.is_valid(making.item):
        return work
    return Work((*work.builds, making.lowered.path), work.downloads, work.grafts, work.cost)


def make_profile(session: Session, making: Making, options: BuildOptions, work: Work) -> None:
    """Make the profile valid, and tell what is hidden in it; raises what the builder raises."""
    from larix.cli.progress import watching

    planned = (*work.builds, *work.downloads, *work.grafts)
    with watching(options.verbosity, on_host=session.on_host, planned=planned, jobs=options.max_jobs) as sink:
        if making.needed:
            session.realise(making.needed, options, sink)
        if making.lowered is not None:
            session.store.instantiate([making.lowered])
            session.realise([BuildTarget(making.lowered.path)], options, sink)
    tell_collisions(making.item)
