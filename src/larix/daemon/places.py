"""The folders of a user: those of nobody else, and made by nobody else.

Their parent is for the daemon alone to write, so that nobody plants a folder for who has never been here.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from larix.daemon.access import Peer
    from larix.store.layout import Layout

__all__ = ["make_places"]


def make_places(layout: Layout, peer: Peer) -> None:
    """Make the user's folders for profiles and roots; nothing for who comes over the network."""
    if peer.uid is None or os.geteuid() != 0 or "/" in peer.name or peer.name in {"", ".", ".."}:
        return
    for parent in (f"{layout.profiles_dir}/per-user", f"{layout.gc_roots_dir}/per-user"):
        with suppress(FileExistsError):
            os.mkdir(f"{parent}/{peer.name}", 0o755)
            os.chown(f"{parent}/{peer.name}", peer.uid, peer.gid or 0, follow_symlinks=False)
