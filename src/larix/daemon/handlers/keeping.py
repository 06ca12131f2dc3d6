"""What stays and what goes: roots, collections, checks of the store."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from larix.daemon.handlers.refusals import NotOffered, NotPermitted, require_trust
from larix.store.waiting import Holder, shown_holder
from larix.words import tr

if TYPE_CHECKING:
    from larix.daemon.session import Session
    from larix.formats.storepath import StorePath
    from larix.store.roots import Root

__all__ = [
    "add_indirect_root",
    "add_perm_root",
    "add_temp_root",
    "collect_garbage",
    "find_roots",
    "optimise_store",
    "sync_with_gc",
    "verify_store",
]

_LIVE, _DEAD, _DELETE_DEAD, _DELETE_THESE = range(4)
_HIDDEN = "{censored}"


def add_temp_root(session: Session, *, path: StorePath) -> None:
    session.store.add_temp_root(path)


def add_indirect_root(session: Session, *, link: str) -> None:
    if not os.path.isabs(link) or "\0" in link:
        raise NotOffered(tr("a root must be an absolute name, not `{link}`", link=link[:255]))
    uid = session.peer.uid
    session.store.add_indirect_root(link, teller=-1 if uid is None else uid)


def add_perm_root(session: Session, *, path: StorePath, link: str) -> str:
    """The daemon makes the link itself, with its own rights."""
    require_trust(session, "have the daemon make links")
    if not os.path.isabs(link) or "\0" in link:
        raise NotOffered(tr("a root must be an absolute name, not `{link}`", link=link[:255]))
    session.store.add_permanent_root(path, link)
    return link


def sync_with_gc(session: Session) -> None:
    """Every temporary root waits for a collection anyway."""
    del session


def find_roots(session: Session) -> tuple[tuple[str, StorePath], ...]:
    """Names of files in others' homes are for trusted users only."""
    from larix.store.gc import all_roots

    found = {
        (root.reason if session.peer.is_trusted else _HIDDEN, root.path)
        for root in all_roots(session.store, must_know=False)
    }
    valid = session.store.valid_paths([path for _, path in found])
    return tuple(sorted(root for root in found if root[1] in valid))


def collect_garbage(
    session: Session,
    *,
    action: int,
    paths: Sequence[StorePath],
    ignore_liveness: bool,
    max_freed: int,
    **_unused: int,
) -> tuple[tuple[StorePath, ...], int]:
    from larix.store import gc

    if ignore_liveness:
        raise NotPermitted(tr("nobody may delete what is alive through the daemon"))
    kept = session.settings.kept
    if action in {_LIVE, _DEAD}:
        find = gc.live_paths if action == _LIVE else gc.dead_paths
        return tuple(sorted(find(session.store, **kept))), 0
    if session.peer.uid is None:
        raise NotPermitted(tr("nobody may collect garbage over the network"))

    def tell(path: StorePath) -> None:
        session.teller.line(f"deleting '{path}'")

    def wait(holder: Holder) -> None:
        session.teller.line(f"waiting for another collection to end, that of {shown_holder(holder)}...")

    if os.geteuid() != 0:
        session.teller.line(
            tr("note: the daemon is not root: what only programs of other users still use is not kept")
        )
    if action == _DELETE_DEAD:
        done = gc.collect(
            session.store,
            **kept,
            max_freed=None if max_freed >= 1 << 63 else max_freed,
            on_delete=tell,
            on_wait=wait,
        )
    elif action == _DELETE_THESE:
        try:
            done = gc.delete(
                session.store,
                paths,
                **kept,
                on_delete=tell,
                on_wait=wait,
            )
        except gc.PathAlive as error:
            raise error if _may_know(session, error.keeper) else error.without_name() from None
    else:
        raise NotOffered(tr("the number {action} is no way to collect garbage", action=action))
    return tuple(done.paths), done.bytes_freed


def _may_know(session: Session, root: Root | None) -> bool:
    """Whether the client may be told what a root is called: it is the client's own, or all are."""
    if root is None or session.peer.is_trusted:
        return True
    try:
        return os.lstat(root.reason).st_uid == session.peer.uid
    except OSError:
        return False


def optimise_store(session: Session) -> None:
    from larix.store.optimise import optimise

    done = optimise(session.store)
    session.teller.line(f"{done.bytes_freed} bytes freed by hard-linking {done.files} files")


def verify_store(session: Session, *, check_contents: bool, repair: bool) -> bool:
    """True: something was wrong."""
    from larix.store.verify import verify

    if repair:
        require_trust(session, "repair items")
    found = verify(
        session.store,
        check_contents=check_contents,
        **session.settings.kept,
    )
    if repair:
        from larix.daemon.repairs import repair_found

        found = repair_found(session, found, check_contents=check_contents)
    for path in found.forgotten:
        session.teller.line(f"path `{path}' disappeared; it is no longer registered")
    for path in found.missing:
        session.teller.line(f"path `{path}' disappeared, but is needed")
    for mismatch in found.mismatches:
        session.teller.line(f"path `{mismatch.path}' was modified: expected {mismatch.expected}")
    for path, problem in found.altered:
        session.teller.line(f"path `{path}' was modified: {problem}")
    if found.database_problem is not None:
        session.teller.line(f"the database is damaged: {found.database_problem}")
    elif not found.is_sound:
        session.teller.line("hint: have who keeps the store run `larix gc --verify=contents,repair`")
    return bool(found.forgotten) or not found.is_sound
