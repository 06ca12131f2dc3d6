"""The folders of a user: those of nobody else, and made by nobody else.

Their parent is for the daemon alone to write, so that nobody plants a folder for who has never been here. One
that has no right to give a folder away keeps it, and lets the user write there by an access list.
"""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from larix.daemon.access import Peer
    from larix.store.layout import Layout

__all__ = ["make_places"]

_ACCESS_LIST = "system.posix_acl_access"
_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")  # whom it is for, what they may, their number
_OWNER, _USER, _GROUP, _MOST, _OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
_ALL, _LOOK = 7, 5
_NO_NUMBER = 0xFFFFFFFF


def make_places(layout: Layout, peer: Peer) -> None:
    """Make the user's folders for profiles and roots; nothing for who comes over the network.

    Raises OSError, where the file system knows no access lists, for instance; then there is no folder.
    """
    if peer.uid is None or peer.uid == os.geteuid() != 0 or "/" in peer.name or peer.name in {"", ".", ".."}:
        return
    for parent in (f"{layout.profiles_dir}/per-user", f"{layout.gc_roots_dir}/per-user"):
        folder = f"{parent}/{peer.name}"
        with suppress(FileExistsError):
            os.mkdir(folder, 0o755)
            if os.geteuid() == 0:
                os.chown(folder, peer.uid, peer.gid or 0, follow_symlinks=False)
                continue
            try:
                os.setxattr(folder, _ACCESS_LIST, _writable_for(peer.uid), follow_symlinks=False)
            except OSError:
                os.rmdir(folder)
                raise


def _writable_for(uid: int) -> bytes:
    """An access list: owner and user may all, others look."""
    entries = (
        (_OWNER, _ALL, _NO_NUMBER),
        (_USER, _ALL, uid),
        (_GROUP, _LOOK, _NO_NUMBER),
        (_MOST, _ALL, _NO_NUMBER),
        (_OTHERS, _LOOK, _NO_NUMBER),
    )
    return _VERSION + b"".join(_ENTRY.pack(*entry) for entry in entries)
