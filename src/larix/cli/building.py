"""What every building command shares: the options, the plan, and realising with progress."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.cli import diagnostics
from larix.cli.options import CommandLine, Option, UsageError, whole_number
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.cli.cost import Cost
    from larix.cli.session import Session
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildOptions, BuildTarget

__all__ = [
    "BUILD_OPTIONS",
    "DRY_RUN",
    "EXPLAIN",
    "LOAD_PATH",
    "Work",
    "build_options",
    "realise",
    "tell_work",
    "verbosity",
    "work_for",
]

DOWNLOADER = b"builtin:download"
GRAFT = b"graft"  # a variable that the derivations of grafts have

EXPLAIN = Option("explain", help="tell what changed since what is there, so that things are built")
DRY_RUN = Option("dry-run", "n", help="show what would be done, do nothing")
LOAD_PATH = Option("load-path", "L", "DIR", "put DIR first on the path of package folders")

BUILD_OPTIONS = (
    Option("keep-failed", "K", help="keep the tree of a failed build"),
    Option("keep-going", "k", help="finish every other build when one fails"),
    Option("rounds", argument="N", help="build N times, fail if the results differ"),
    Option("no-grafts", help="do not put replacements into results"),
    Option("max-silent-time", argument="SECONDS", help="fail a build after SECONDS without output"),
    Option("timeout", argument="SECONDS", help="fail a build after SECONDS"),
    Option("cores", "c", "N", "cores for each build; 0: all"),
    Option("max-jobs", "M", "N", "builds at one time"),
    Option(
        "verbosity",
        "v",
        "LEVEL",
        "0 nothing, 1 builds, 2 and downloads, 3 and build logs",
        choices=("0", "1", "2", "3"),
    ),
)


def verbosity(line: CommandLine, default: int) -> int:
    text = line.last("verbosity")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise UsageError(tr("{text}: invalid number", text=text))
    return min(int(text), 9)


def build_options(line: CommandLine, *, default_verbosity: int) -> BuildOptions:
    from larix.protocol import BuildOptions

    return BuildOptions(
        max_jobs=whole_number(line, "max-jobs", default=_usual_jobs(), least=1),
        cores=whole_number(line, "cores", 0),
        keep_going=line.has("keep-going"),
        keep_failed=line.has("keep-failed"),
        timeout=whole_number(line, "timeout", 0),
        max_silent_time=whole_number(line, "max-silent-time", 0),
        check=line.has("check"),
        rounds=whole_number(line, "rounds", 1, least=1),
        verbosity=verbosity(line, default_verbosity),
    )


def _usual_jobs() -> int:
    """Half the cores this process may use, at least one: each build uses several by itself."""
    return max(1, len(os.sched_getaffinity(0)) // 2)


class Work(NamedTuple):
    """What realising some targets takes, inputs before users: what is built, downloaded, and grafted.

    `cost` is an estimate for the builds, where something is known.
    """

    builds: tuple[StorePath, ...]
    downloads: tuple[StorePath, ...]
    grafts: tuple[StorePath, ...] = ()
    cost: Cost | None = None

    def __len__(self) -> int:
        return len(self.builds) + len(self.downloads) + len(self.grafts)

    def data(self) -> dict[str, Any]:
        """For programs: the same fields in every plan."""
        return {
            "derivations": list(self.builds),
            "downloads": list(self.downloads),
            "grafts": list(self.grafts),
            "cost": None if self.cost is None else self.cost.data(),
        }


def work_for(session: Session, targets: Sequence[BuildTarget]) -> Work:
    """What realising the instantiated `targets` would do."""
    store = session.store
    kinds: dict[StorePath, str] = {}
    for drv in session.missing(targets):
        derivation = store.read_derivation(drv)
        is_graft = derivation.env.get(GRAFT) == b"1"
        kinds[drv] = "download" if derivation.builder == DOWNLOADER else "graft" if is_graft else "build"
    builds, downloads, grafts = (
        tuple(drv for drv, kind in kinds.items() if kind == wanted)
        for wanted in ("build", "download", "graft")
    )
    from larix.cli.cost import cost_of_builds

    return Work(builds, downloads, grafts, cost_of_builds(session, builds, _usual_jobs()))


def tell_work(work: Work, *, dry_run: bool, verbosity: int) -> None:
    """The plan of what is to be done; the downloads one by one only when asked for much."""
    from larix.cli import plan
    from larix.cli.progress import short_name

    lines = plan.build_lines(_fitting(work.builds), dry_run=dry_run)
    names = [short_name(drv) for drv in work.downloads]
    lines += plan.download_lines(names, dry_run=dry_run, each=verbosity >= 2)
    lines += plan.graft_lines(_fitting(work.grafts), dry_run=dry_run)
    if work.cost is not None:
        lines += plan.cost_lines(work.cost)
    if dry_run and not work:
        lines.append(tr("nothing to be done"))
    for line in lines:
        diagnostics.say(line)


def _fitting(derivations: Sequence[StorePath]) -> Sequence[str]:
    """Their file names; on a terminal that is too narrow for one, what they build."""
    from larix.cli.progress import short_name

    columns = diagnostics.terminal_columns()
    if columns is None or all(len(each) + 2 <= columns for each in derivations):
        return derivations
    return [short_name(each) for each in derivations]


def realise(session: Session, targets: Sequence[BuildTarget], options: BuildOptions, work: Work) -> None:
    """Make the instantiated `targets` valid, telling the progress; raises what the builder raises."""
    if not targets:
        return
    from larix.cli.progress import watching

    planned = (*work.builds, *work.downloads, *work.grafts)
    with watching(options.verbosity, on_host=session.on_host, planned=planned, jobs=options.max_jobs) as sink:
        session.realise(targets, options, sink)
