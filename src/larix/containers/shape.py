"""What a container is: all that will be visible in it, decided before anything is done."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Container", "Identity", "Shown"]


class Shown(NamedTuple):
    """A file or folder of the host that is seen at `place`, mounts below it included.

    `source` holds no links.
    """

    source: str
    place: str
    writable: bool = False


class Identity(NamedTuple):
    """Who the user is inside; outside it is the caller and nobody else. `home` is an empty folder."""

    name: str
    uid: int
    gid: int
    home: str

    def files(self) -> dict[str, bytes]:
        """The files of /etc that tell it."""
        users = {"root": "root:x:0:0::/:/bin/sh", "nobody": "nobody:x:65534:65534::/:/bin/sh"}
        users[self.name] = f"{self.name}:x:{self.uid}:{self.gid}::{self.home}:/bin/sh"
        groups = {0: "root:x:0:", 65534: "nogroup:x:65534:"}
        groups.setdefault(self.gid, f"users:x:{self.gid}:")
        if self.uid != 0 and self.name != "root":
            del users["root"]
        return {
            "/etc/passwd": "".join(f"{line}\n" for line in users.values()).encode(),
            "/etc/group": "".join(f"{line}\n" for line in groups.values()).encode(),
            "/etc/hosts": b"127.0.0.1 localhost\n::1 localhost\n",
        }


class Container(NamedTuple):
    """`items` are store items, by their full names; `files` and `links` are names inside with their contents.

    `directory` is where the program starts, by its name inside; `home` when it cannot be entered. A file
    that begins as a script can be run.
    """

    store_dir: str
    items: tuple[str, ...]
    identity: Identity
    directory: str
    shown: tuple[Shown, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    network: bool = False
    writable_root: bool = False
