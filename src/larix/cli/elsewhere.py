"""What cannot be seen here of a store that is elsewhere: its roots, profiles, processes and free space."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, NamedTuple

from larix.client.transport import way_to
from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.session import Session
    from larix.client.store import DaemonStore
    from larix.formats.storepath import StorePath

__all__ = [
    "NotFromHere",
    "NotThroughDaemon",
    "Roots",
    "not_through_daemon",
    "refuse_elsewhere",
    "refuse_remote",
    "roots_told",
]

_HIDDEN = "{censored}"
_OF_PROCESSES = ("{temp", "{lsof", "/proc/")


class NotThroughDaemon(LarixError):
    """What only who owns the store can do."""


class NotFromHere(LarixError):
    """What only a machine that sees the files beside the store can do."""


class Roots(NamedTuple):
    """What a daemon tells of roots: links, what processes use, and how many have names that it hides."""

    links: tuple[str, ...]
    busy: tuple[StorePath, ...]
    hidden: int


def roots_told(store: DaemonStore) -> Roots:
    found = store.find_roots()
    known = [root for root in found if root[0] != _HIDDEN]
    links = {name for name, _ in known if not name.startswith(_OF_PROCESSES)}
    busy = {path for name, path in known if name.startswith(_OF_PROCESSES)}
    return Roots(tuple(sorted(links)), tuple(sorted(busy)), len(found) - len(known))


def refuse_remote(session: Session) -> None:
    """Raise NotFromHere where the store is on another machine."""
    if session.is_remote:
        raise NotFromHere(
            tr("the store is on another machine, and what is beside it there cannot be seen from here"),
            hint=_run_there(session),
        )


def refuse_elsewhere(session: Session) -> None:
    """Raise NotFromHere where the store's roots, profiles and processes cannot be seen by this process."""
    refuse_remote(session)
    if not session.has_state:
        raise NotFromHere(
            tr(
                "where roots and profiles of `{store_dir}` are is not known",
                store_dir=session.layout.store_dir,
            ),
            hint=tr("set LARIX_STATE_DIRECTORY to the folder that holds its `gcroots` and `profiles`"),
        )


def not_through_daemon(session: Session) -> NotThroughDaemon:
    """The refusal of what the daemon in use does not do, with what to do instead."""
    if session.is_remote:
        hint = _run_there(session)
    elif os.geteuid() == 0 and not session.layout.is_of_another():
        hint = tr("unset LARIX_DAEMON_SOCKET: root works on the store itself")
    else:
        command = f"{session.layout.command_as_owner()} {_arguments()}"
        hint = tr("run the command as the user who runs the daemon: `{command}`", command=command)
    text = tr("the store is kept by a daemon, which does not do that for its clients")
    return NotThroughDaemon(text, hint=hint)


def _arguments() -> str:
    return shlex.join(sys.argv[1:])


def _run_there(session: Session) -> str:
    command = shlex.join([*way_to(session.daemon or ""), "larix", *sys.argv[1:]])
    return tr("run it on that machine: `{command}`", command=command)
