"""What is damaged in the store is made again, for clients who are trusted; they are told in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from larix.builder.repairing import repair
from larix.store.verify import Verified, verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from larix.daemon.session import Session
    from larix.errors import LarixError
    from larix.formats.storepath import StorePath
    from larix.protocol import BuildTarget

__all__ = ["repair_found", "repair_targets"]


def repair_found(session: Session, found: Verified, *, check_contents: bool) -> Verified:
    """Repair what a verification found, each item as far as it can be; what is still wrong."""
    damaged = [*found.missing, *(each.path for each in found.mismatches)]
    damaged += [each.path for each in found.altered]
    if not damaged:
        return found
    for path in found.forgotten:
        session.teller.line(f"path `{path}' disappeared; it is no longer registered")

    def give_up(path: StorePath, error: LarixError) -> None:
        session.teller.line(f"cannot repair `{path}': {error}")

    for path in repair(
        session.store, damaged, session.options, session.teller, policy=session.policy, give_up=give_up
    ):
        session.teller.line(f"repaired `{path}'")
    return verify(session.store, paths=damaged, check_contents=check_contents, **session.settings.kept)


def repair_targets(session: Session, targets: Sequence[BuildTarget]) -> None:
    """Repair what is there of the targets and of what it refers to. Raises what keeps it from being done."""
    store = session.store
    there = store.closure(store.valid_paths(_paths(session, targets)))

    def tell(path: StorePath) -> None:
        session.teller.line(f"`{path}' is damaged or gone")

    policy = session.policy
    for path in repair(store, there, session.options, session.teller, policy=policy, tell=tell):
        session.teller.line(f"repaired `{path}'")


def _paths(session: Session, targets: Sequence[BuildTarget]) -> Iterable[StorePath]:
    for target in targets:
        if target.outputs == ("",):
            yield target.drv
            continue
        for name, path in session.store.derivation_outputs(target.drv).items():
            if not target.outputs or name in target.outputs:
                yield path
