"""What can go wrong in making items valid; each class is a decision somebody can make.

Exit codes are Nix's: 100 a build failed, 101 it ran out of time, 102 its content is not what was promised,
104 two builds of it differ. When several failures are reported together, their codes are or-ed.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from larix.errors import LarixError
from larix.formats.storepath import name_part
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.formats.hashes import Hash
    from larix.formats.storepath import StorePath

__all__ = [
    "BuildError",
    "BuildTimedOut",
    "BuilderFailed",
    "BuildsFailed",
    "BuiltinFailed",
    "CannotBuild",
    "FailedBefore",
    "HashMismatch",
    "LogTooLong",
    "NotDeterministic",
    "OutputRejected",
]


class BuildError(LarixError):
    """The root of what can befall a derivation; `log_file` is None when there is no log."""

    exit_code = 100

    def __init__(
        self,
        drv: StorePath,
        problem: str,
        *,
        log_file: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(problem, hint=hint)
        self.drv = drv
        self.problem = problem
        self.log_file = log_file


class CannotBuild(BuildError):
    """The derivation asks for what this machine or this session does not offer."""


class BuilderFailed(BuildError):
    """The builder ended otherwise than with status 0. `last_lines` are the end of its output."""

    def __init__(
        self,
        drv: StorePath,
        *,
        status: int,
        log_file: str | None,
        last_lines: Sequence[bytes] = (),
        hint: str | None = None,
    ) -> None:
        ended = describe_status(status)
        where = tr("; see the log in `{log_file}`", log_file=log_file) if log_file else ""
        super().__init__(
            drv,
            tr("builder of `{drv}` {ended}{where}", drv=drv, ended=ended, where=where),
            log_file=log_file,
            hint=hint,
        )
        self.status = status
        self.last_lines = tuple(last_lines)


class FailedBefore(BuildError):
    """A build of it failed, which the operator has remembered (`cache-failures`)."""

    def __init__(self, drv: StorePath, output: StorePath, *, when: int, log_file: str | None) -> None:
        date = time.strftime("%Y-%m-%d %H:%M", time.localtime(when))
        super().__init__(
            drv,
            tr("`{drv}` failed to build at {date}, and is not tried again", drv=drv, date=date),
            log_file=log_file,
            hint=tr("have it tried again with `larix gc --clear-failures {output}`", output=output),
        )


def describe_status(status: int) -> str:
    """A wait status in words."""
    if os.WIFSIGNALED(status):
        import signal  # makes enumerations of all of them, for this name alone

        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = tr("signal {number}", number=number)
        return tr("was killed by {name}", name=name)
    return tr("failed with exit code {status}", status=os.waitstatus_to_exitcode(status))


class BuildTimedOut(BuildError):
    """The builder ran, or was silent, for longer than allowed; it was killed."""

    exit_code = 101

    def __init__(self, drv: StorePath, *, seconds: int, silent: bool, log_file: str | None) -> None:
        option = "--max-silent-time" if silent else "--timeout"
        super().__init__(
            drv,
            tr(
                "timed out after {seconds} seconds of silence from the builder of `{drv}`",
                seconds=seconds,
                drv=drv,
            )
            if silent
            else tr("timed out after {seconds} seconds building `{drv}`", seconds=seconds, drv=drv),
            log_file=log_file,
            hint=tr("give it longer with `{option}`", option=option),
        )
        self.seconds = seconds
        self.silent = silent


class LogTooLong(BuildError):
    """The builder wrote more than the operator allows; it was killed."""

    def __init__(self, drv: StorePath, *, limit: int, log_file: str | None) -> None:
        super().__init__(
            drv,
            tr(
                "builder of `{drv}` wrote more than {limit} bytes of log, and was killed",
                drv=drv,
                limit=limit,
            ),
            log_file=log_file,
            hint=tr("have it say less, or raise `max-build-log-size` in daemon.toml"),
        )
        self.limit = limit


class BuiltinFailed(BuildError):
    """A download or another builtin did not succeed; the text says why."""


class HashMismatch(BuildError):
    """A fixed output came out with other bytes than its hash promises."""

    exit_code = 102

    def __init__(
        self,
        drv: StorePath,
        *,
        output: StorePath,
        expected: Hash,
        actual: Hash,
        details: Sequence[str] = (),
        kept: str | None = None,
        log_file: str | None = None,
    ) -> None:
        lines = [
            tr("{algo} hash mismatch for `{output}`:", algo=expected.algo, output=output),
            tr("  expected: {hash}", hash=expected.sri()),
            tr("  actual:   {hash}", hash=actual.sri()),
            tr("  expected hash: {hash}", hash=expected.nix32()),
            tr("  actual hash:   {hash}", hash=actual.nix32()),
            *(f"  {detail}" for detail in details),
        ]
        if kept is not None:
            lines.append(tr("  what came is kept as `{kept}`", kept=kept))
        super().__init__(drv, "\n".join(lines), log_file=log_file)
        self.output = output
        self.expected = expected
        self.actual = actual
        self.kept = kept


class NotDeterministic(BuildError):
    """Building the same derivation again gave other bytes; `differing` are file names inside the outputs."""

    exit_code = 104

    def __init__(
        self,
        drv: StorePath,
        *,
        output: StorePath,
        differing: Sequence[str],
        kept: str | None = None,
        log_file: str | None = None,
    ) -> None:
        first = (
            tr("`{drv}` may not be deterministic: `{output}` differs", drv=drv, output=output)
            if kept is None
            else tr(
                "`{drv}` may not be deterministic: `{output}` differs from `{kept}`",
                drv=drv,
                output=output,
                kept=kept,
            )
        )
        lines = [first]
        lines += [f"  {name}" for name in differing]
        hint = None if kept else tr("run again with `--keep-failed` to keep both")
        super().__init__(drv, "\n".join(lines), log_file=log_file, hint=hint)
        self.output = output
        self.differing = tuple(differing)
        self.kept = kept


class OutputRejected(BuildError):
    """The builder ended well, but what it left cannot become a store item."""


class BuildsFailed(LarixError):
    """Several things failed under `keep_going`; `exit_code` is theirs or-ed."""

    exit_code = 100

    def __init__(self, errors: Sequence[BuildError]) -> None:
        names = ", ".join(f"`{name_part(error.drv)}`" for error in errors)
        super().__init__(
            plural(
                "{number} build failed: {names}", "{number} builds failed: {names}", len(errors), names=names
            )
        )
        self.errors = tuple(errors)
        code = 0
        for error in errors:
            code |= error.exit_code
        vars(self)["exit_code"] = code  # the class attribute is the default of one kind of error
