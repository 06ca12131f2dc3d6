"""`larix size --roots`: what keeps how much of the store alive, from one pass over its table."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING, Any

from larix.cli.profiles import profile_of_link
from larix.graphs.holders import Holder, Holding, inventory
from larix.store import gc, roots
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larix.cli.session import Session

__all__ = ["Held", "print_holdings"]

MEBIBYTE = 1 << 20


class Held:
    """What a store's roots hold: `unheld` are the bytes that nothing keeps, `total` those of all items."""

    def __init__(self, session: Session, *, with_items: bool) -> None:
        store = session.local_store
        keeps = {str(path): [str(each) for each in some] for path, some in gc.kept_alive(store).items()}
        infos = store.path_infos(store.all_valid_paths())
        sizes: dict[str, int] = {path: info.nar_size for path, info in infos.items()}
        keeps = {
            path: [each for each in some if each in sizes] for path, some in keeps.items() if path in sizes
        }
        self.inventory = inventory(_holders(session), keeps, sizes, with_items=with_items)
        self.total = sum(sizes.values())
        self.count = len(sizes)
        self.unheld = self.total - self.inventory.held


def _holders(session: Session) -> Iterator[Holder]:
    """Users with their profiles and other roots, by the owners of the links; then running processes."""
    by_user: dict[str, dict[str, dict[str, list[str]]]] = {}
    for root in roots.find_roots(session.layout):
        file = session.on_host(root.reason)
        profile = profile_of_link(file)
        generation = file[len(profile) + 1 :].partition("-")[0] if profile is not None else ""
        place = by_user.setdefault(_owner(root.reason), {}).setdefault(profile or file, {})
        place.setdefault(generation, []).append(root.path)
    for user, places in sorted(by_user.items()):
        yield Holder((user,), "user")
        for file, generations in sorted(places.items()):
            yield Holder(
                (user, file), "profile" if "" not in generations else "root", tuple(generations.get("", ()))
            )
            for number, paths in sorted(generations.items(), key=lambda pair: (len(pair[0]), pair[0])):
                if number:
                    yield Holder((user, file, number), "generation", tuple(paths))
    busy = [
        *(root.path for root in roots.read_temp_roots(session.layout)),
        *(root.path for root in roots.process_roots(session.store.store_dir)),
    ]
    if busy:
        yield Holder((tr("running processes"),), "processes", tuple(dict.fromkeys(busy)))


def _owner(file: str) -> str:
    try:
        number = os.lstat(file).st_uid
    except OSError:
        return "?"
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def print_holdings(held: Held, *, as_json: bool) -> None:
    if as_json:
        from larix.cli.tables import print_json

        print_json(
            total=held.total, unheld=held.unheld, holders=[_data(each) for each in held.inventory.holdings]
        )
        return
    print(f"{tr('total'):>8}  {tr('alone'):>8}  {tr('held by')}")
    for holding in held.inventory.holdings:
        for line in _lines(holding, ""):
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


def _lines(holding: Holding, lead: str) -> Iterator[str]:
    name = tr("generation {number}", number=holding.name) if holding.kind == "generation" else holding.name
    yield f"{holding.total / MEBIBYTE:8.1f}  {holding.alone / MEBIBYTE:8.1f}  {lead}{name}"
    for each in holding.parts:
        yield from _lines(each, f"{lead}  ")


def _data(holding: Holding) -> dict[str, Any]:
    return {
        "kind": holding.kind,
        "name": holding.name,
        "total": holding.total,
        "alone": holding.alone,
        "shared": holding.total - holding.alone,
        "parts": [_data(each) for each in holding.parts],
    }
