"""Making outputs valid."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from larix.daemon.handlers.refusals import NotOffered, require_trust
from larix.errors import LarixError
from larix.protocol import BuildTarget
from larix.protocol.store import PathNotValid
from larix.protocol.values import BareDerivation, Outcome, Status
from larix.words import tr

if TYPE_CHECKING:
    from larix.daemon.session import Session
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildOptions

__all__ = ["build_derivation", "build_paths", "build_paths_with_results", "ensure_path"]

_NORMAL, _REPAIR, _CHECK = range(3)


def _options(session: Session, mode: int) -> BuildOptions:
    if mode == _REPAIR:
        require_trust(session, "repair items")
        raise NotOffered(
            tr("repairing through the daemon is not offered"), hint=tr("run `larix build --repair` as root")
        )
    if mode not in {_NORMAL, _CHECK}:
        raise NotOffered(tr("the number {mode} is no way to build", mode=mode))
    return session.options._replace(check=mode == _CHECK)


def ensure_path(session: Session, *, path: StorePath) -> None:
    session.store.add_temp_root(path)
    if not session.store.is_valid(path):
        raise PathNotValid(path)


def build_paths(session: Session, *, targets: Sequence[BuildTarget], mode: int) -> None:
    options = _options(session, mode)
    for target in targets:
        if target.outputs == ("",):
            ensure_path(session, path=target.drv)
    _realise(session, [target for target in targets if target.outputs != ("",)], options)


def _realise(session: Session, targets: Sequence[BuildTarget], options: BuildOptions) -> None:
    from larix import builder

    if targets:
        builder.realise(session.store, targets, options, session.teller, policy=session.settings.policy)


def build_paths_with_results(
    session: Session, *, targets: Sequence[BuildTarget], mode: int
) -> tuple[tuple[BuildTarget, Outcome], ...]:
    """All together, so that they share slots; then each for itself, to tell what became of it."""
    options = _options(session, mode)._replace(keep_going=True)
    started = int(time.time())
    failure: LarixError | None = None
    wanted = [target for target in targets if target.outputs != ("",)]
    valid_before = {target for target in wanted if _is_there(session, target)}
    try:
        _realise(session, wanted, options)
    except LarixError as error:
        failure = error
    return tuple(
        (target, _outcome(session, target, target in valid_before, started, failure)) for target in targets
    )


def _is_there(session: Session, target: BuildTarget) -> bool:
    outputs = session.store.derivation_outputs(target.drv)
    wanted = [path for name, path in outputs.items() if name in (target.outputs or outputs)]
    return bool(wanted) and len(session.store.valid_paths(wanted)) == len(wanted)


def _outcome(
    session: Session, target: BuildTarget, was_valid: bool, started: int, failure: LarixError | None
) -> Outcome:
    ended = int(time.time())
    if target.outputs == ("",):
        if session.store.is_valid(target.drv):
            return Outcome(Status.ALREADY_VALID)
        return Outcome(Status.NO_SUBSTITUTERS, str(PathNotValid(target.drv)))
    if was_valid and failure is None:
        return Outcome(Status.ALREADY_VALID)
    if _is_there(session, target) and not (session.options.check and failure):
        return Outcome(Status.BUILT, times_built=1, started=started, ended=ended)
    errors = {getattr(error, "drv", None): error for error in getattr(failure, "errors", (failure,)) if error}
    own = errors.get(target.drv)
    if own is None:
        return Outcome(Status.DEPENDENCY_FAILED, str(failure or "it was not built"), 0, False, started, ended)
    return Outcome(_status(own), str(own), 1, own.exit_code == 104, started, ended)


def _status(error: LarixError) -> Status:
    return {
        101: Status.TIMED_OUT,
        102: Status.OUTPUT_REJECTED,
        104: Status.NOT_DETERMINISTIC,
    }.get(error.exit_code, Status.PERMANENT_FAILURE)


def build_derivation(session: Session, *, drv: StorePath, derivation: BareDerivation, mode: int) -> Outcome:
    """A derivation that comes by itself. One that is in the store is built as it stands there.

    Any other says itself what its outputs are called, and nothing proves it: that is for fixed outputs only,
    whose content is known, or nobody.
    """
    del derivation
    if session.store.is_valid(drv):
        ((_, outcome),) = build_paths_with_results(session, targets=[BuildTarget(drv)], mode=mode)
        return outcome
    raise NotOffered(
        tr(
            "`{drv}` is not in this store, and a derivation that comes without its inputs proves nothing",
            drv=drv,
        ),
        hint=tr("copy the derivation first: `nix copy --derivation`"),
    )
