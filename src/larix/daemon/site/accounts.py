"""Groups and users of a machine, made and removed by its own tools; nobody else may write `/etc/passwd`.

With a root of its own nothing runs there: the tools are those of this machine, told where the files are.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING

from larix.daemon.site.places import SiteError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Accounts", "run"]

_SHELL = "/usr/sbin/nologin"
_TOOLS = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


def run(command: Sequence[str]) -> None:
    """Raises SiteError with what the program said."""
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env={**os.environ, "PATH": _path(), "LC_ALL": "C"},
        )
    except OSError as error:
        raise SiteError(
            tr("cannot run `{command}`: {problem}", command=command[0], problem=error.strerror)
        ) from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
        raise SiteError(
            tr(
                "`{command}` failed with status {status}: {said}",
                command=shlex.join(command),
                status=done.returncode,
                said=said[-1] if said else tr("it says nothing"),
            ),
            hint=tr("mend what it complains about and run this again: what is made is not made twice"),
        )


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:{_TOOLS}"


class Accounts:
    """Those of the machine below `root`."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._where = ("--prefix", root) if root else ()

    @property
    def are_there(self) -> bool:
        """False where only files are put together: accounts are made on the machine that gets them."""
        return os.path.exists(f"{self._root}/etc/passwd") and os.path.exists(f"{self._root}/etc/group")

    def user(self, name: str) -> str | None:
        """The entry of a user, without its password; None when there is none."""
        return self._entry("passwd", name)

    def group(self, name: str) -> str | None:
        """The entry of a group, without its password and members."""
        found = self._entry("group", name)
        return None if found is None else found.rpartition(":")[0]

    def _entry(self, table: str, name: str) -> str | None:
        fields = self._fields(table, name)
        return None if fields is None else ":".join([fields[0], *fields[2:]])

    def _fields(self, table: str, name: str) -> list[str] | None:
        try:
            with open(f"{self._root}/etc/{table}", encoding="utf-8", errors="surrogateescape") as lines:
                for line in lines:
                    fields = line.rstrip("\n").split(":")
                    if fields[0] == name and len(fields) > 3:
                        return fields
        except FileNotFoundError:
            return None
        return None

    def members(self, group: str) -> list[str]:
        fields = self._fields("group", group)
        return [] if fields is None else [name for name in fields[3].split(",") if name]

    def is_primary(self, group: str) -> bool:
        """Whether some user has it as its own group, so that it cannot go."""
        fields = self._fields("group", group)
        if fields is None:
            return False
        with open(f"{self._root}/etc/passwd", encoding="utf-8", errors="surrogateescape") as lines:
            return any(line.split(":")[3:4] == [fields[2]] for line in lines)

    def ids(self, user: str) -> tuple[int, int] | None:
        """The numbers of a user and of its group."""
        fields = self._fields("passwd", user)
        return None if fields is None else (int(fields[2]), int(fields[3]))

    def adding_group(self, name: str) -> list[str]:
        return ["groupadd", "--system", *self._where, name]

    def adding_user(self, name: str, group: str, comment: str, home: str) -> list[str]:
        return [
            *("useradd", "--system", *self._where, "--no-log-init", "--no-create-home"),
            *("--home-dir", home, "--shell", _SHELL, "--gid", group, "--groups", group),
            *("--comment", comment, name),
        ]

    def adding_member(self, name: str, group: str) -> list[str]:
        return ["usermod", *self._where, "--append", "--groups", group, name]

    def removing_user(self, name: str) -> list[str]:
        return ["userdel", *self._where, name]

    def removing_group(self, name: str) -> list[str]:
        return ["groupdel", *self._where, name]

    def require_tools(self, programs: Sequence[str], by_hand: Sequence[Sequence[str]]) -> None:
        """Raises SiteError with what to do by hand where a program is missing."""
        for program in programs:
            if shutil.which(program, path=_path()) is None:
                lines = "; ".join(shlex.join(command) for command in by_hand)
                raise SiteError(
                    tr("there is no `{program}` on this machine to make accounts with", program=program),
                    hint=tr(
                        "install it (Debian: `passwd`, Fedora: `shadow-utils`), or make the accounts as "
                        "these would and run this again: {lines}",
                        lines=lines,
                    ),
                )
