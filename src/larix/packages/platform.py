"""For which system packages are looked at: what thunked fields may ask, and lowering sets."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Platform", "current_platform", "current_system", "current_target", "host_system", "platform"]

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "i386": "i686", "i486": "i686", "i586": "i686"}


class Platform(NamedTuple):
    """`system` builds; `target`, when set, is the GNU triplet of the machine that the result is for."""

    system: str
    target: str | None = None


def host_system() -> str:
    """The system of this machine, such as `x86_64-linux`."""
    machine = os.uname().machine.lower()
    return f"{_MACHINES.get(machine, machine)}-linux"


_current: ContextVar[Platform | None] = ContextVar("platform", default=None)


def current_platform() -> Platform:
    return _current.get() or Platform(host_system())


def current_system() -> str:
    """For use in thunked fields: the system that the package is built on."""
    return current_platform().system


def current_target() -> str | None:
    """For use in thunked fields: the triplet that the package is cross-built for, or None."""
    return current_platform().target


@contextmanager
def platform(system: str, target: str | None = None) -> Generator[Platform, None, None]:
    """Look at packages as those of another platform, within a `with` block."""
    chosen = Platform(system, target)
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)
