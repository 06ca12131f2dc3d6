"""Where a derivation is built: the seam between the scheduler and what runs builders.

The local builder is one implementation. Another may hand jobs to machines of a cluster: its `start` submits,
its build's descriptor becomes readable when something has come back, and its `outputs` are fetched by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from larix.derivation import Derivation
    from larix.errors import LarixError
    from larix.formats.storepath import StorePath

__all__ = ["Build", "Builder", "Job"]


class Job(NamedTuple):
    """One derivation, to be built once.

    `inputs` are valid and closed under references. `files` go into the build directory beside those that the
    derivation itself asks for. `round` counts from 1.
    """

    drv: StorePath
    derivation: Derivation
    inputs: Sequence[StorePath]
    files: Mapping[str, bytes]
    round: int = 1


class Build(Protocol):
    """A build under way. Everything is called from one thread."""

    started: float
    job: Job
    source: str | None
    """Where a download came from."""

    @property
    def is_over(self) -> bool:
        """No process of the build is left, and nothing more will come."""
        ...

    @property
    def outputs(self) -> Mapping[str, str]:
        """Once over, and without failure: the file that each output was left as, whether it exists or not."""
        ...

    @property
    def log_file(self) -> str | None: ...

    def descriptors(self) -> tuple[int, ...]:
        """What to watch for reading, until the build is over."""
        ...

    def handle(self, descriptor: int, now: float) -> bool:
        """Take what is readable; False when the descriptor is closed and must be watched no more."""
        ...

    def deadline(self) -> float | None:
        """When `check_time` has to be called at the latest."""
        ...

    def check_time(self, now: float) -> None: ...

    def kill(self) -> None:
        """End all its processes; `is_over` becomes true a little later."""
        ...

    def failure(self) -> LarixError | None:
        """Once over: why it did not succeed."""
        ...

    def keep(self) -> str | None:
        """Once over: move the build directory to where its user can look at it, and tell where that is."""
        ...

    def discard(self) -> None:
        """Once over: let go of everything; idempotent."""
        ...


class Builder(Protocol):
    def prepare(self) -> None:
        """Start what takes time to start; called when it is known that some builder will be run."""
        ...

    def start(self, job: Job, now: float) -> Build | None:
        """Start `job`; None when there is no room just now. Raises when it can never be built here."""
        ...

    def close(self) -> None:
        """End whatever still runs."""
        ...
