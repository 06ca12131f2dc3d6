"""Who is at the other end of a socket, and what that allows.

Of a local socket the kernel tells user, group and process; nothing that the client says about itself counts.
Of a network connection nothing is known: it is nobody's, and never trusted.
"""

from __future__ import annotations

import contextlib
import grp
import os
import socket
import struct
from collections.abc import Iterable
from typing import NamedTuple

from larix.daemon.settings import Settings
from larix.store.waiting import user_name

__all__ = ["Peer", "is_allowed", "peer_of"]

_CREDENTIALS = struct.Struct("3i")


class Peer(NamedTuple):
    """`uid` is None of who came over the network; `name` is then the address."""

    name: str
    uid: int | None = None
    gid: int | None = None
    pid: int | None = None
    is_trusted: bool = False


def peer_of(connection: socket.socket, settings: Settings) -> Peer:
    """Ask the kernel who has connected."""
    if connection.family != socket.AF_UNIX:
        return Peer(f"{connection.getpeername()[0]}")
    data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(data)
    peer = Peer(user_name(uid), uid, gid, pid)
    # Who the daemon runs as could do all that it does without it.
    own = uid == os.geteuid() != 0
    return peer._replace(is_trusted=own or _is_among(peer, settings.trusted_users))


def is_allowed(peer: Peer, settings: Settings) -> bool:
    """Over the network comes who does not say who it is: nobody, unless everybody may."""
    if peer.uid is None:
        return "*" in settings.allowed_users
    return peer.is_trusted or _is_among(peer, settings.allowed_users)


def _is_among(peer: Peer, names: Iterable[str]) -> bool:
    wanted = set(names)
    if "*" in wanted or peer.name in wanted or (peer.uid is not None and str(peer.uid) in wanted):
        return True
    groups = [name[1:] for name in wanted if name.startswith("@")]
    return any(_is_in_group(peer, group) for group in groups)


def _is_in_group(peer: Peer, group: str) -> bool:
    with contextlib.suppress(KeyError):
        found = grp.getgrnam(group)
        return found.gr_gid == peer.gid or peer.name in found.gr_mem
    return False
