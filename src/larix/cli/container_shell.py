"""The shell at /bin/sh of a container: the environment's own, else one that the distribution brings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from larix.cli.building import build_options, realise, work_for

if TYPE_CHECKING:
    from larix.cli.environments import Environment
    from larix.cli.options import CommandLine
    from larix.cli.session import Session

__all__ = ["Shell", "shell_for", "toolchain_python"]

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
    item = _item(session, line, "sh")
    return Shell(f"{item}/bin/bash", item)


def toolchain_python(session: Session, line: CommandLine) -> str:
    """The file of the Python that runs builds."""
    item = _item(session, line, "python")
    return f"{item}/bin/python3"


def _item(session: Session, line: CommandLine, name: str) -> str:
    """The item of the `name`d program, from the cache or made."""
    from larix.cli.environment_cache import cache_entry

    cached = cache_entry(session, line, [])
    cached = cached.beside(name) if cached is not None else None
    item = cached.find() if cached is not None else None
    if item is None:
        item = _made(session, line, name)
        if cached is not None:
            cached.keep(session, item)
    return item


def _made(session: Session, line: CommandLine, name: str) -> str:
    """The item, built if need be. Transformations are for what was asked for, not for this."""
    from larix.cli.evaluation import Evaluation
    from larix.derivation import Lowered
    from larix.packages.toolchain import toolchain
    from larix.protocol import BuildTarget

    evaluation = Evaluation(line.values("load-path"), session.layout.store_dir, system=line.last("system"))
    lowering = evaluation.lowering
    value = toolchain().python.package
    if name == "sh":
        value = evaluation.newest(PACKAGE) or toolchain().shell
    item = lowering.lower(value)
    if isinstance(item.origin, Lowered):
        session.store.instantiate([item.origin])
        targets = [BuildTarget(item.origin.path, (item.output or "out",))]
        work = work_for(session, targets)
        if len(work):
            realise(session, targets, build_options(line, default_verbosity=1), work)
    else:
        session.store.instantiate([], [item.origin])
    return item.path.removesuffix("/bin/bash")
