"""The shell at /bin/sh of a container: the environment's own, else one that the distribution brings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from larix.cli.building import build_options, realise, work_for

if TYPE_CHECKING:
    from larix.cli.environments import Environment
    from larix.cli.options import CommandLine
    from larix.cli.session import Session

__all__ = ["Shell", "shell_for"]

PACKAGE = "bash"


class Shell(NamedTuple):
    """`item` is the store item that `file` is in, where the environment does not hold it already."""

    file: str
    item: str | None = None


def shell_for(session: Session, line: CommandLine, environment: Environment) -> Shell:
    """The environment's `sh` or `bash`; without one the package `bash`, or what the toolchain has."""
    for name in ("sh", "bash"):
        file = f"{environment.item}/bin/{name}"
        if os.path.exists(file):
            return Shell(file)
    from larix.cli.environment_cache import cache_entry

    cached = cache_entry(session, line, [])
    cached = cached.beside("sh") if cached is not None else None
    item = cached.find() if cached is not None else None
    if item is None:
        item = _made(session, line)
        if cached is not None:
            cached.keep(session, item)
    return Shell(f"{item}/bin/bash", item)


def _made(session: Session, line: CommandLine) -> str:
    """The item of the shell, built if need be. Transformations are for what was asked for, not for this."""
    from larix.cli.evaluation import Evaluation
    from larix.derivation import Lowered
    from larix.packages.toolchain import toolchain
    from larix.protocol import BuildTarget

    evaluation = Evaluation(line.values("load-path"), session.layout.store_dir, system=line.last("system"))
    lowering = evaluation.lowering
    package = evaluation.newest(PACKAGE)
    item = lowering.lower(package if package is not None else toolchain().shell)
    path = item.path.removesuffix("/bin/bash")
    if isinstance(item.origin, Lowered):
        session.store.instantiate([item.origin])
        targets = [BuildTarget(item.origin.path, (item.output or "out",))]
        work = work_for(session, targets)
        if len(work):
            realise(session, targets, build_options(line, default_verbosity=1), work)
    else:
        session.store.instantiate([], [item.origin])
    return path
