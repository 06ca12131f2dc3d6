"""A conversation over standard input and output, as `ssh` makes them.

Where a daemon listens, bytes are passed on both ways, and the daemon sees who runs this. Where none does,
this process is the session, with the rights of who runs it and on the store that they would have here.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from larix.daemon.access import Peer
from larix.daemon.session import Session
from larix.errors import LarixError
from larix.protocol.dialect import NIX_VERSION
from larix.store.layout import Layout
from larix.store.opening import open_local_store
from larix.store.rootless import enter_rootless_store
from larix.words import tr

if TYPE_CHECKING:
    from larix.daemon.settings import Settings

__all__ = ["NoDaemonThere", "pass_on", "serve"]

_PIECE = 1 << 16


class NoDaemonThere(LarixError):
    """The daemon whose socket was named does not answer."""


def serve(layout: Layout, settings: Settings, file: str | None) -> None:
    """Talk until the other end is done, by way of the daemon on the socket `file`, which must be there.

    Without `file` the usual socket is tried, and then the store itself is opened: that of the machine, or
    that of the user who runs this.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    usual = f"{layout.state_dir}/daemon-socket/nix-socket"
    try:
        connection.connect(file or usual)
    except OSError as error:
        connection.close()
        if file is not None:
            raise NoDaemonThere(
                tr("no daemon listens on `{file}`: {strerror}", file=file, strerror=error.strerror),
                hint=tr("start it, or name no socket to use the store without it"),
            ) from error
        _serve_store(layout, settings)
    else:
        with connection:
            pass_on(connection, 0, 1)


def _serve_store(layout: Layout, settings: Settings) -> None:
    """Be the session; a process of its own passes bytes on. What keeps the store shut is raised."""
    if os.geteuid() != 0 and layout == Layout() and not os.access(layout.store_dir, os.W_OK):
        enter_rootless_store()
    store = open_local_store(layout)
    ours, theirs = socket.socketpair()
    passing = os.fork()
    if not passing:
        theirs.close()
        with suppress(OSError):  # nobody is left on one side
            pass_on(ours, 0, 1)
        os._exit(0)
    ours.close()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nowhere, descriptor)
    peer = Peer(str(os.geteuid()), os.geteuid(), os.getegid(), os.getppid(), is_trusted=True)
    with theirs:
        Session(theirs, peer=peer, settings=settings, announced=NIX_VERSION, open_store=lambda: store).run()
    os.waitpid(passing, 0)


def pass_on(connection: socket.socket, incoming: int, outgoing: int) -> None:
    """Bytes from `incoming` to the socket and from the socket to `outgoing`, until the socket has no more."""
    poll = select.poll()
    poll.register(incoming, select.POLLIN)
    poll.register(connection, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == incoming:
                data = os.read(incoming, _PIECE)
                if data:
                    connection.sendall(data)
                else:
                    poll.unregister(incoming)
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_WR)
            else:
                data = connection.recv(_PIECE)
                if not data:
                    return
                view = memoryview(data)
                while view:
                    view = view[os.write(outgoing, view) :]
