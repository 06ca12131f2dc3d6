"""Where a store and its state live, and the directories they need.

The names below the state directory are Nix's, so that its tools find what they expect: `db/` (database,
schema number, locks, reserve), `temproots/PID`, `gcroots/` (with `auto/` for indirect roots), `profiles/`,
`gc.lock`, `gc-socket/socket`. `journal/` and `root-notes/` are ours (see `journal`, `root_notes`).
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Mapping
from typing import NamedTuple

from larix.formats.storepath import DEFAULT_STORE_DIR, StoreDir
from larix.store.errors import StoreUnusable, os_failure
from larix.words import tr

__all__ = ["Layout"]

_DEFAULT_STATE_DIR = "/larix/var"


class Layout(NamedTuple):
    """The three directories of a store; absolute, without a trailing slash.

    `host_store_dir` is where others see the store directory, if this process alone sees it at its place.
    """

    store_dir: StoreDir = DEFAULT_STORE_DIR
    state_dir: str = _DEFAULT_STATE_DIR
    log_dir: str = _DEFAULT_STATE_DIR + "/log"
    host_store_dir: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Layout:
        """LARIX_STORE_DIR, LARIX_STATE_DIRECTORY and LARIX_LOG_DIRECTORY, or the defaults."""
        variables = os.environ if environ is None else environ
        state = _absolute(variables, "LARIX_STATE_DIRECTORY", _DEFAULT_STATE_DIR)
        return cls(
            StoreDir(_absolute(variables, "LARIX_STORE_DIR", DEFAULT_STORE_DIR)),
            state,
            _absolute(variables, "LARIX_LOG_DIRECTORY", state + "/log"),
        )

    def on_host(self, path: str) -> str:
        """What others call a file of the store."""
        inside = path.removeprefix(self.store_dir + "/")
        return f"{self.host_store_dir}/{inside}" if self.host_store_dir and inside != path else path

    def from_host(self, file: str) -> str:
        """What this process calls a file of the store that may be named as others see it."""
        inside = file.removeprefix(self.host_store_dir + "/")
        return f"{self.store_dir}/{inside}" if self.host_store_dir and inside != file else file

    @property
    def database_file(self) -> str:
        return self.state_dir + "/db/db.sqlite"

    @property
    def schema_file(self) -> str:
        return self.state_dir + "/db/schema"

    @property
    def reserve_file(self) -> str:
        """Space that garbage collection gives back to the disk before it starts."""
        return self.state_dir + "/db/reserved"

    @property
    def big_lock_file(self) -> str:
        """Held shared by every user of the database, exclusively while its schema changes."""
        return self.state_dir + "/db/big-lock"

    @property
    def gc_lock_file(self) -> str:
        return self.state_dir + "/gc.lock"

    @property
    def gc_socket_file(self) -> str:
        return self.state_dir + "/gc-socket/socket"

    @property
    def temp_roots_dir(self) -> str:
        return self.state_dir + "/temproots"

    @property
    def gc_roots_dir(self) -> str:
        return self.state_dir + "/gcroots"

    @property
    def root_notes_dir(self) -> str:
        """What indirect roots point to, for when that cannot be seen (see `root_notes`)."""
        return self.state_dir + "/root-notes"

    @property
    def profiles_dir(self) -> str:
        return self.state_dir + "/profiles"

    @property
    def journal_dir(self) -> str:
        return self.state_dir + "/journal"

    def directories(self, *, is_root: bool) -> list[tuple[str, int]]:
        """Those that are needed, with their modes; others above them have the usual one."""
        return [
            (self.store_dir, 0o1775 if is_root else 0o755),
            (f"{self.store_dir}/.links", 0o755),
            (f"{self.state_dir}/db", 0o755),
            (self.temp_roots_dir, 0o755),
            (self.journal_dir, 0o755),
            (f"{self.profiles_dir}/per-user", 0o755),
            (f"{self.gc_roots_dir}/per-user", 0o755),
            (f"{self.gc_roots_dir}/auto", 0o755),
        ]

    @property
    def builds_dir(self) -> str:
        """Where builds take place, each in a folder that is locked."""
        return self.state_dir + "/builds"

    def create_directories(self) -> None:
        """Make what is missing; idempotent, safe beside other processes doing the same.

        Raises `StoreUnusable` naming the directory that cannot be made, or that is not one.
        """
        for name, mode in self.directories(is_root=os.geteuid() == 0):
            _make_directory(name, mode=mode)
        _make_link(self.profiles_dir, self.gc_roots_dir + "/profiles")

    def is_complete(self) -> bool:
        """True when `create_directories` and the making of the database have been done before."""
        try:
            os.stat(self.schema_file)
            os.stat(self.journal_dir)
            os.stat(self.gc_roots_dir + "/auto")
            os.stat(self.temp_roots_dir)
        except OSError:
            return False
        return os.path.isdir(self.store_dir)

    def is_of_another(self) -> bool:
        """Whether this is root, and the store that of an ordinary user, as daemons without rights have it."""
        if os.geteuid() != 0:
            return False
        try:
            return os.stat(self.store_dir).st_uid != 0
        except OSError:
            return False

    def command_as_owner(self) -> str:
        """What to type to run larix on this very store as who owns it."""
        try:
            owner = os.stat(self.store_dir).st_uid
        except OSError:
            owner = 0
        if owner == 0:
            return "sudo larix"
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = f"'#{owner}'"
        places = [f"LARIX_STATE_DIRECTORY={self.state_dir}"]  # else it would be taken for one's own store
        if self.store_dir != DEFAULT_STORE_DIR:
            places.insert(0, f"LARIX_STORE_DIR={self.store_dir}")
        return " ".join(("sudo", "-u", name, *places, "larix"))


def _absolute(variables: Mapping[str, str], variable: str, default: str) -> str:
    """The value of `variable`, checked: a relative store would mean another store in each directory."""
    value = variables.get(variable) or default
    if not value.startswith("/") or "\0" in value or value.strip("/") == "":
        raise StoreUnusable(
            tr(
                "`{variable}` must be an absolute directory name below `/`, not `{value}`",
                variable=variable,
                value=value,
            ),
            hint=tr(
                "set {variable} to a full path, or unset it for {default}", variable=variable, default=default
            ),
        )
    return os.path.normpath("/" + value.lstrip("/"))


def _make_directory(name: str, *, mode: int = 0o755) -> None:
    """Make `name` and its parents; the mode of an existing directory is left alone."""
    try:
        os.mkdir(name, mode)
    except FileExistsError:
        if not os.path.isdir(name):
            raise StoreUnusable(
                tr("`{name}` is not a directory", name=name), hint=tr("move it away")
            ) from None
        return
    except FileNotFoundError:
        parent = os.path.dirname(name)
        if parent == name:
            raise
        _make_directory(parent)
        _make_directory(name, mode=mode)
        return
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS} and os.path.isdir(name):
            return
        raise os_failure(tr("create the directory"), name, error) from error
    if stat.S_IMODE(os.stat(name).st_mode) != mode:
        os.chmod(name, mode)  # the umask took something away


def _make_link(target: str, name: str) -> None:
    try:
        os.symlink(target, name)
    except FileExistsError:
        pass
    except OSError as error:
        raise os_failure(tr("create the link"), name, error) from error
