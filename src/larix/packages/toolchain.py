"""The toolchain seam: build systems ask one object for compiler, libc, shell, utilities and Python.

Distributions register toolchains by name; which one is in use is a choice of whoever evaluates, never of this
module. A toolchain is part of the hash of all that is built with it, like any input.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from larix.errors import LarixError
from larix.packages.blame import did_you_mean
from larix.packages.distributions import load_toolchains
from larix.staging.lower import Interpreter, Lowerable, Lowering
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from larix.formats.storepath import StoreDir
    from larix.packages.inputs import Input

__all__ = [
    "DEFAULT_TOOLCHAIN",
    "CrossTools",
    "Toolchain",
    "UnknownTarget",
    "UnknownToolchain",
    "cross_tools",
    "lowering_for",
    "register_toolchain",
    "registered_toolchains",
    "toolchain",
    "using_toolchain",
]

DEFAULT_TOOLCHAIN = "seed"


class UnknownToolchain(LarixError):
    """No distribution on the import path registers a toolchain of that name."""


class UnknownTarget(LarixError):
    """The toolchain has no compiler for a machine."""


class CrossTools(NamedTuple):
    """`inputs` hold `TARGET-gcc` and the like in their bin; `libraries` are for the machine `TARGET`."""

    inputs: tuple[Input, ...]
    libraries: tuple[Input, ...]


class Toolchain(NamedTuple):
    """`inputs` hold bin directories for PATH, in that order; they find their own headers and libraries.

    `python` runs builds. `shell` is the file of a Bash. `shell_link` is where the libc of the toolchain looks
    for `sh`, if that is a place that a build must fill. `cross` gives what compiles for a target, a GNU
    triplet, or None when there is nothing; `targets` are those it knows. `systems` are those it runs on, if
    that is told.
    """

    name: str
    inputs: tuple[Input, ...]
    python: Interpreter
    shell: Lowerable
    shell_link: str | None = None
    cross: Callable[[str], CrossTools | None] | None = None
    targets: tuple[str, ...] = ()
    systems: tuple[str, ...] = ()


_factories: dict[str, Callable[[], Toolchain]] = {}
_made: dict[str, Toolchain] = {}
_current: ContextVar[str] = ContextVar("toolchain", default=DEFAULT_TOOLCHAIN)


def register_toolchain(name: str, factory: Callable[[], Toolchain]) -> None:
    """Offer a toolchain; `factory` is called when it is first used. A later offer replaces it."""
    _factories[name] = factory
    _made.pop(name, None)


def registered_toolchains() -> tuple[str, ...]:
    load_toolchains()
    return tuple(sorted(_factories))


def toolchain(name: str | None = None) -> Toolchain:
    """The toolchain of that name, or the one in use; always the same object, so that lowering shares it."""
    wanted = name or _current.get()
    if wanted not in _made:
        if wanted not in _factories:
            load_toolchains()
        factory = _factories.get(wanted)
        if factory is None:
            known = ", ".join(sorted(_factories)) or tr("none: no distribution was found")
            hint = did_you_mean(wanted, _factories) or tr("there are: {known}", known=known)
            raise UnknownToolchain(tr("no toolchain is called `{wanted}`", wanted=wanted), hint=hint)
        _made[wanted] = factory()
    return _made[wanted]


def cross_tools(tools: Toolchain, target: str) -> CrossTools:
    """What compiles for a target.

    :raises UnknownTarget: the toolchain has nothing for it
    """
    found = tools.cross(target) if tools.cross is not None else None
    if found is None:
        known = ", ".join(tools.targets) or tr("none")
        hint = did_you_mean(target, tools.targets) or tr("it compiles for: {known}", known=known)
        raise UnknownTarget(
            tr("the toolchain `{tools}` has no compiler for `{target}`", tools=tools.name, target=target),
            hint=hint,
        )
    return found


@contextmanager
def using_toolchain(name: str) -> Generator[None, None, None]:
    """Evaluate with another toolchain, within a `with` block."""
    token = _current.set(name)
    try:
        yield
    finally:
        _current.reset(token)


def lowering_for(store_dir: StoreDir, system: str, target: str | None = None) -> Lowering:
    """A lowering whose build expressions are run by the Python of the toolchain in use."""
    return Lowering(store_dir, system=system, target=target, python=toolchain().python)
