"""What a plan costs: the time of its builds, by history, and the room of results, by what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.formats.storepath import name_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from larix.cli.session import Session
    from larix.formats.storepath import StorePath

__all__ = ["Cost", "cost_of_builds", "estimate"]


class Cost(NamedTuple):
    """An estimate for a number of `builds`: `seconds` on the clock for all, `size` the bytes of results.

    `unknown` counts builds whose time is not known.
    """

    builds: int
    unknown: int
    seconds: float
    size: int

    def data(self) -> dict[str, float | int]:
        """For programs."""
        return {
            "builds": self.builds,
            "unknown": self.unknown,
            "seconds": round(self.seconds, 1),
            "bytes": self.size,
        }


def cost_of_builds(session: Session, builds: Sequence[StorePath], jobs: int) -> Cost | None:
    """The cost of derivations of the store, inputs before users; None when none of them has a past."""
    if not builds:
        return None
    from larix.cli.history import open_history

    history = open_history()
    times = {drv: history.expected(_name(drv)) for drv in builds}
    if not any(time is not None for time in times.values()):
        return None
    inputs = {path: info.references for path, info in session.store.path_infos(builds).items()}
    sizes = _sizes(session, {_stem(drv) for drv in builds})
    return estimate(builds, inputs, times, jobs, size_of=lambda drv: sizes.get(_stem(drv), 0))


def estimate(
    builds: Sequence[StorePath],
    inputs: Mapping[StorePath, Iterable[StorePath]],
    times: Mapping[StorePath, float | None],
    jobs: int,
    *,
    size_of: Callable[[StorePath], int],
) -> Cost:
    """What the clock shows is the longest chain of inputs, or the sum of all by the number of jobs."""
    ends: dict[StorePath, float] = {}
    for drv in builds:
        start = max([ends[each] for each in inputs.get(drv, ()) if each in ends], default=0.0)
        ends[drv] = start + (times[drv] or 0.0)
    known = [time for time in (times[drv] for drv in builds) if time is not None]
    seconds = max(*ends.values(), sum(known) / jobs)
    return Cost(len(builds), len(builds) - len(known), seconds, sum(map(size_of, builds)))


def _name(drv: StorePath) -> str:
    return name_part(drv).removesuffix(".drv")


def _stem(drv: StorePath) -> str:
    from larix.packages.versions import split_name

    return split_name(_name(drv))[0]


def _sizes(session: Session, wanted: set[str]) -> dict[str, int]:
    """By names without versions: the bytes of all outputs of what was built last of each."""
    newest: dict[str, tuple[int, StorePath]] = {}
    outputs: dict[StorePath, list[StorePath]] = {}
    for path, drv, moment in session.store.made_paths():
        name = _stem(drv)
        if name in wanted:
            outputs.setdefault(drv, []).append(path)
            newest[name] = max(newest.get(name, (moment, drv)), (moment, drv))
    infos = session.store.path_infos(path for _, drv in newest.values() for path in outputs[drv])
    return {name: sum([infos[path].nar_size for path in outputs[drv]]) for name, (_, drv) in newest.items()}
