"""A machine to be set up: which folders, which accounts, and below which root all of it lies."""

from __future__ import annotations

from typing import NamedTuple

from larix.errors import LarixError
from larix.store.layout import Layout

__all__ = ["Site", "SiteError"]


class SiteError(LarixError):
    """The machine could not be set up or cleared; what was done is recorded, and running it again goes on."""


class Site(NamedTuple):
    """`root` is where the machine's `/` is found, empty for this machine's own.

    `layout` and `configuration_dir` are names on that machine. `user` is who the daemon runs as, None: root.
    `prefix` is where units and the like belong, None: in `/etc`, as an administrator's own.
    """

    layout: Layout
    configuration_dir: str
    program: str
    root: str = ""
    prefix: str | None = None
    build_group: str = "larixbuild"
    build_users: int = 32
    user: str | None = None

    @property
    def unit_dir(self) -> str:
        return "/etc/systemd/system" if self.prefix is None else f"{self.prefix}/lib/systemd/system"

    def drop_in_dir(self, kind: str) -> str:
        """Where `sysusers.d` and `tmpfiles.d` are."""
        return f"/etc/{kind}" if self.prefix is None else f"{self.prefix}/lib/{kind}"

    @property
    def record_file(self) -> str:
        """Below a folder of root's alone: whoever may write it says what is removed."""
        return f"{self.configuration_dir}/site.json"

    def here(self, name: str) -> str:
        """The name by which this process finds what that machine calls `name`."""
        return f"{self.root}{name}"

    @property
    def build_user_names(self) -> list[str]:
        return (
            [] if self.user else [f"{self.build_group}{number}" for number in range(1, self.build_users + 1)]
        )
