"""Making outputs valid."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from larix.daemon.handlers.refusals import NotOffered, NotPermitted, require_trust
from larix.daemon.repairs import repair_targets
from larix.derivation import BadDerivation, Derivation, print_derivation
from larix.errors import LarixError
from larix.formats.storepath import make_text_path, name_part, parse_store_path
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
    elif mode not in {_NORMAL, _CHECK}:
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
    if mode == _REPAIR:
        repair_targets(session, targets)
    _realise(session, [target for target in targets if target.outputs != ("",)], options)


def _realise(session: Session, targets: Sequence[BuildTarget], options: BuildOptions) -> None:
    from larix import builder

    if targets:
        builder.realise(session.store, targets, options, session.tell, policy=session.policy)


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
        if mode == _REPAIR:
            repair_targets(session, targets)
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
        return Outcome(Status.ALREADY_VALID, outputs=_realisations(session, target))
    if _is_there(session, target) and not (session.options.check and failure):
        outputs = _realisations(session, target)
        return Outcome(Status.BUILT, times_built=1, started=started, ended=ended, outputs=outputs)
    errors = {getattr(error, "drv", None): error for error in getattr(failure, "errors", (failure,)) if error}
    own = errors.get(target.drv)
    if own is None:
        return Outcome(Status.DEPENDENCY_FAILED, str(failure or "it was not built"), 0, False, started, ended)
    return Outcome(_status(own), str(own), 1, own.exit_code == 104, started, ended)


def _realisations(session: Session, target: BuildTarget) -> dict[str, str]:
    """Where outputs are, as Nix from 1.28 on is told: by the hash of the derivation, in JSON."""
    modulo = session.store.hash_modulo(target.drv)
    if modulo is None or session.dialect.minor < 28:
        return {}
    found: dict[str, str] = {}
    for name, path in session.store.derivation_outputs(target.drv).items():
        if not target.outputs or name in target.outputs:
            key = f"sha256:{modulo.hex()}!{name}"
            item = {"id": key, "outPath": path.rpartition("/")[2]}
            found[key] = json.dumps(item | {"signatures": [], "dependentRealisations": {}})
    return found


def _status(error: LarixError) -> Status:
    from larix.builder.errors import FailedBefore

    if isinstance(error, FailedBefore):
        return Status.CACHED_FAILURE
    return {
        101: Status.TIMED_OUT,
        102: Status.OUTPUT_REJECTED,
        104: Status.NOT_DETERMINISTIC,
    }.get(error.exit_code, Status.PERMANENT_FAILURE)


def build_derivation(session: Session, *, drv: StorePath, derivation: BareDerivation, mode: int) -> Outcome:
    """A derivation that comes by itself. One that is in the store is built as it stands there.

    Any other says itself what its outputs are called. That follows from what is in it when it has fixed
    outputs or no derivations among its inputs; else only a trusted user is believed, as with an archive.
    """
    if not session.store.is_valid(drv):
        drv = _lend(session, drv, derivation)
    ((_, outcome),) = build_paths_with_results(session, targets=[BuildTarget(drv)], mode=mode)
    return outcome


def _lend(session: Session, drv: StorePath, bare: BareDerivation) -> StorePath:
    """Have builds find it; the name under which they do. A stranger does not choose that."""
    store = session.store
    derivation = Derivation(
        name=name_part(drv).removesuffix(".drv"),
        system=bare.system,
        builder=bare.builder,
        args=bare.args,
        env=dict(bare.env),
        outputs=dict(bare.outputs),
        input_drvs={},
        input_srcs=bare.sources,
    )
    for output in derivation.outputs.values():
        if output.path:
            parse_store_path(store.store_dir, output.path)
    store.add_temp_root(*derivation.input_srcs)
    if not session.peer.is_trusted:
        try:
            store.check_outputs(derivation)
        except BadDerivation as error:
            raise NotPermitted(
                tr("nothing proves that the outputs of `{drv}` are called as it says", drv=drv),
                hint=tr("copy it with its inputs first: `nix copy --derivation`"),
            ) from error
        text = print_derivation(derivation)
        drv = make_text_path(
            store.store_dir, f"{derivation.name}.drv", sha256(text).digest(), derivation.input_srcs
        )
    store.lend(drv, derivation)
    return drv
