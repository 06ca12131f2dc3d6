"""What is asked of a build."""

from __future__ import annotations

from typing import NamedTuple

from larix.formats.storepath import StorePath

__all__ = ["BuildOptions", "BuildTarget"]


class BuildTarget(NamedTuple):
    """Outputs of a derivation; none named means all of them."""

    drv: StorePath
    outputs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.drv}!{','.join(self.outputs) or '*'}"


class BuildOptions(NamedTuple):
    """How to build; none of it enters a hash. Times are in seconds, and 0 means without limit."""

    max_jobs: int = 1
    cores: int = 0  # 0: as many as the machine has
    keep_going: bool = False
    keep_failed: bool = False
    timeout: int = 0
    max_silent_time: int = 0
    check: bool = False  # build again what is valid, and compare
    repair: bool = (
        False  # with `check`: what is valid but damaged is replaced by what comes out the same again
    )
    rounds: int = 1  # how many times in all each is built and compared
    verbosity: int = 0
    sandbox: bool = True
