"""`larix gc --report`, `larix size --roots`: what keeps how much of the store alive, from one pass."""

from __future__ import annotations

import os
import pwd
from functools import partial
from typing import TYPE_CHECKING, Any

from larix.cli.elsewhere import refuse_elsewhere
from larix.cli.profiles import profile_of_link, shown_name
from larix.graphs.holders import Holder, Holding, inventory
from larix.store import gc, roots
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from larix.cli.session import Session
    from larix.formats.storepath import StorePath
    from larix.protocol import PathInfo

__all__ = ["Held", "print_holdings"]

MEBIBYTE = 1 << 20


class Held:
    """What a store's roots hold: `unheld` are the bytes that nothing keeps, `total` those of all items."""

    def __init__(self, session: Session, *, with_items: bool) -> None:
        refuse_elsewhere(session)
        infos = session.store.path_infos(session.store.all_valid_paths())
        sizes: dict[str, int] = {path: info.nar_size for path, info in infos.items()}
        keeps = {str(path): kept for path, kept in _kept_alive(session, infos).items()}
        self.inventory = inventory(_holders(session), keeps, sizes, with_items=with_items)
        self.shown = partial(shown_name, session)  # of a profile's file
        self.total = sum(sizes.values())
        self.count = len(sizes)
        self.unheld = self.total - self.inventory.held


def _kept_alive(session: Session, infos: Mapping[StorePath, PathInfo]) -> dict[StorePath, list[str]]:
    """For every valid path what it keeps alive by itself, among `infos`."""
    settings = session.settings
    if session.daemon is None:
        keeps = gc.kept_alive(session.local_store, **settings.kept)
        return {path: [str(each) for each in keeps.get(path, ()) if each in infos] for path in infos}
    found: dict[StorePath, list[str]] = {}
    outputs = _outputs(session, infos) if settings.keep_outputs else {}
    for path, info in infos.items():
        kept = [*info.references, *outputs.get(path, ())]
        if info.deriver is not None and settings.keep_derivations:
            kept.append(info.deriver)
        found[path] = [each for each in kept if each in infos and each != path]
    return found


def _outputs(session: Session, infos: Mapping[StorePath, PathInfo]) -> dict[StorePath, Sequence[StorePath]]:
    """What derivations make."""
    drvs = [path for path in infos if path.endswith(".drv")]
    return {drv: tuple(outputs.values()) for drv, outputs in session.store.outputs_of(drvs).items()}


def _holders(session: Session) -> Iterator[Holder]:
    """Users with their profiles and other roots, by the owners of the links; then running processes."""
    by_user: dict[str, dict[str, dict[str, list[str]]]] = {}
    links = roots.find_roots(session.layout)
    found = [(root.path, link) for root in links for link in _links(session, root.reason)]
    for path, file in found:
        profile = profile_of_link(file)
        generation = file[len(profile) + 1 :].partition("-")[0] if profile is not None else ""
        place = by_user.setdefault(_owner(file), {}).setdefault(profile or file, {})
        place.setdefault(generation, []).append(path)
    for user, places in sorted(by_user.items()):
        yield Holder((user,), "user")
        for file, generations in sorted(places.items()):
            yield Holder(
                (user, file), "profile" if "" not in generations else "root", tuple(generations.get("", ()))
            )
            for number, paths in sorted(generations.items(), key=lambda pair: (len(pair[0]), pair[0])):
                if number:
                    yield Holder((user, file, number), "generation", tuple(paths))
    busy = _busy(session, {root.path for root in links})
    if busy:
        yield Holder((tr("running processes"),), "processes", tuple(dict.fromkeys(busy)))


def _links(session: Session, root: str) -> list[str]:
    """The names, as the user's shell has them, of the links by which a root came to be."""
    return session.facade.links_of(session.on_host(root))


def _busy(session: Session, linked: set[StorePath]) -> list[StorePath]:
    """What running processes use; a daemon does not tell its clients which of others' roots are that."""
    from larix.client.store import DaemonStore

    if isinstance(session.store, DaemonStore):
        return [path for _, path in session.store.find_roots() if path not in linked]
    return [
        *(root.path for root in roots.read_temp_roots(session.layout)),
        *(root.path for root in roots.process_roots(session.store.store_dir)),
    ]


def _owner(file: str) -> str:
    try:
        number = os.lstat(file).st_uid
    except OSError:
        return "?"
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def print_holdings(held: Held, *, as_json: bool, only: str = "") -> None:
    """All holders in each other; `only` the users, or only the `roots`, the weightiest first."""
    holdings = _selected(held.inventory.holdings, only)
    if as_json:
        from larix.cli.tables import print_json

        print_json(
            total=held.total,
            unheld=held.unheld,
            holders=[_data(each, is_flat=bool(only)) for each in holdings],
        )
        return
    print(f"{tr('total'):>8}  {tr('alone'):>8}  {tr('MiB held by')}")
    for holding in holdings:
        for line in _lines(holding, "", held.shown):
            print(line)
    print(tr("held by nothing: {size:.1f} MiB; `larix gc' frees them", size=held.unheld / MEBIBYTE))
    print(
        plural(
            "total: {size:.1f} MiB in {number} item",
            "total: {size:.1f} MiB in {number} items",
            held.count,
            size=held.total / MEBIBYTE,
        )
    )


def _selected(holdings: Sequence[Holding], only: str) -> Sequence[Holding]:
    if only == "users":
        return [each._replace(parts=()) for each in holdings]
    if only == "roots":
        leaves = [leaf for each in holdings for leaf in _leaves(each, "")]
        return sorted(leaves, key=lambda leaf: (-leaf.alone, -leaf.total, leaf.name))
    return holdings


def _leaves(holding: Holding, profile: str) -> Iterator[Holding]:
    """What can be deleted by itself, under the name of its link."""
    if not holding.parts:
        is_generation = holding.kind == "generation"
        yield (
            holding._replace(name=f"{profile}-{holding.name}-link", kind="link") if is_generation else holding
        )
    for each in holding.parts:
        yield from _leaves(each, holding.name)


def _lines(holding: Holding, lead: str, shown: Callable[[str], str]) -> Iterator[str]:
    name = shown(holding.name) if holding.kind == "profile" else holding.name
    if holding.kind == "generation":
        name = tr("generation {number}", number=name)
    yield f"{holding.total / MEBIBYTE:8.1f}  {holding.alone / MEBIBYTE:8.1f}  {lead}{name}"
    for each in holding.parts:
        yield from _lines(each, f"{lead}  ", shown)


def _data(holding: Holding, *, is_flat: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "kind": holding.kind,
        "name": holding.name,
        "total": holding.total,
        "alone": holding.alone,
        "shared": holding.total - holding.alone,
    }
    if not is_flat:
        data["parts"] = [_data(each, is_flat=False) for each in holding.parts]
    return data
