"""A conversation over standard input and output, as `ssh` makes them.

Where a daemon listens, bytes are passed on both ways, and the daemon sees who runs this. Where none does,
this process is the session, with the rights of who runs it.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from larix.daemon.access import Peer
from larix.daemon.session import Session
from larix.protocol.dialect import NIX_VERSION
from larix.store.opening import open_local_store

if TYPE_CHECKING:
    from larix.daemon.settings import Settings
    from larix.store.layout import Layout

__all__ = ["pass_on", "serve"]

_PIECE = 1 << 16


def serve(layout: Layout, settings: Settings, file: str) -> None:
    """Talk until the other end is done; `file` is the socket on which a daemon may listen."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(file)
    except OSError:
        connection.close()
        connection = _own_session(layout, settings)
    with connection:
        pass_on(connection, 0, 1)


def _own_session(layout: Layout, settings: Settings) -> socket.socket:
    """One end of a connection whose other end is a session in a process of its own."""
    ours, theirs = socket.socketpair()
    if os.fork():
        theirs.close()
        return ours
    status = 1
    try:
        ours.close()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1):
            os.dup2(nowhere, descriptor)
        session = Session(
            theirs,
            peer=Peer(str(os.geteuid()), os.geteuid(), os.getegid(), os.getppid(), is_trusted=True),
            settings=settings,
            announced=NIX_VERSION,
            open_store=lambda: open_local_store(layout),
        )
        session.run()
        status = 0
    finally:
        os._exit(status)


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
