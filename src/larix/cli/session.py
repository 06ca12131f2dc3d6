"""One command's way to the store: which store, entered how, opened when first needed.

daemon       LARIX_DAEMON_SOCKET names one, or its socket is found in the state directory, by an ordinary user
             or by root where the store is not root's; an empty LARIX_DAEMON_SOCKET means none
root         the store of the machine, `/larix/store`, in this process, beside a daemon or without one
directories  LARIX_STORE_DIR or LARIX_STATE_DIRECTORY name places of the user's own
rootless     an ordinary user's own store under the XDG data directory, seen at `/larix/store` in a user and
             mount namespace that this process enters for good, before it has threads or a store

Commands that only read the catalogue never make a session.
"""

from __future__ import annotations

import contextlib
import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from larix.client.store import DaemonStore
    from larix.daemon.settings import Settings
    from larix.formats.storepath import StorePath
    from larix.profiles.front import Facade
    from larix.protocol import BuildOptions, BuildTarget, Sink
    from larix.store.layout import Layout
    from larix.store.local import LocalStore
    from larix.store.waiting import Holder

    AnyStore: TypeAlias = LocalStore | DaemonStore

__all__ = ["Session", "open_session"]


class Session:
    """What a command needs to act: the layout, the store, and how profiles are shown to the user.

    `host_root` is where the host keeps what this process sees at the parent of the store directory; None when
    both see the same. `daemon` is the address of the daemon that keeps the store, None when this process is
    its keeper.
    """

    def __init__(
        self, layout: Layout, mode: str, host_root: str | None = None, daemon: str | None = None
    ) -> None:
        self.layout = layout
        self.mode = mode
        self.host_root = host_root
        self.daemon = daemon
        self.is_to_collect = False  # what is set aside for a full disk may be used
        self.on_line: Callable[[str], object] = diagnostics.say  # what a daemon says in plain words

    @cached_property
    def store(self) -> AnyStore:
        return self._local if self._served is None else self._served

    @cached_property
    def _served(self) -> DaemonStore | None:
        """The daemon's store; for a client nothing of the local one is loaded, nor the database's library."""
        if self.daemon is None:
            return None
        from larix.client.connection import Connection
        from larix.client.store import DaemonStore
        from larix.client.transport import connect

        connection = Connection(connect(self.daemon), self.layout.store_dir, on_line=self._hear)
        return DaemonStore(connection)

    def _hear(self, line: str) -> None:
        self.on_line(line)

    @cached_property
    def _local(self) -> LocalStore:
        from larix.store.opening import open_local_store
        from larix.store.waiting import tell_of_database

        store = open_local_store(
            self.layout,
            on_busy=tell_of_database(self.layout, diagnostics.note),
            to_collect=self.is_to_collect,
        )
        store.keep_space(self.settings.space, diagnostics.note)
        store.deduplicate(on=self.settings.deduplicate)
        store.on_wait = _tell_wait
        return store

    @cached_property
    def settings(self) -> Settings:
        """What holds for the store, as far as a file tells: that of the machine, or the user's own."""
        from larix.daemon.settings import WITHOUT_DAEMON, read_settings

        folder = os.environ.get("LARIX_CONFIGURATION_DIRECTORY")
        if not folder and self.mode in {"root", "daemon"}:
            folder = "/etc/larix"
        if not folder:
            folder = os.path.join(
                os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "larix"
            )
        return read_settings(f"{folder}/daemon.toml", WITHOUT_DAEMON)

    @property
    def local_store(self) -> LocalStore:
        """The store itself, for what no daemon does for others. Raises NotThroughDaemon."""
        if self._served is not None:
            from larix.cli.elsewhere import not_through_daemon

            raise not_through_daemon(self)
        return self._local

    @cached_property
    def is_remote(self) -> bool:
        """Whether a daemon keeps the store on another machine, or on what is as good as one."""
        if self.daemon is None:
            return False
        from larix.client.transport import is_here

        return not is_here(self.daemon)

    def require_this_machine(self) -> None:
        """Raise NotFromHere where a link that is made here keeps nothing, for the store is elsewhere."""
        if self.is_remote:
            from larix.cli.elsewhere import refuse_remote

            refuse_remote(self)

    @property
    def has_state(self) -> bool:
        """Whether the layout's state directory is known to be that of the store."""
        variables = os.environ
        names_other = "LARIX_STORE_DIR" in variables and "LARIX_STATE_DIRECTORY" not in variables
        return not self.is_remote and not (self.daemon is not None and names_other)

    def realise(self, targets: Sequence[BuildTarget], options: BuildOptions, sink: Sink) -> None:
        """Make the instantiated `targets` valid, here or by the daemon."""
        if self._served is None:
            from larix import builder

            options = options._replace(rounds=max(options.rounds, self.settings.rounds))
            builder.realise(self._local, targets, options, sink, policy=self.settings.policy)
        else:
            self._served.realise(targets, options, sink)

    def missing(self, targets: Sequence[BuildTarget]) -> Sequence[StorePath]:
        """The derivations that realising the instantiated `targets` would build, inputs before users."""
        if self._served is None:
            from larix.builder import plan

            return plan(self._local, targets).to_build
        return self._served.in_building_order(self._served.missing(targets).to_build)

    def close(self) -> None:
        if "store" in self.__dict__:
            self.store.close()

    @property
    def mount(self) -> str:
        return os.path.dirname(self.layout.store_dir)

    @cached_property
    def facade(self) -> Facade:
        from larix.profiles.front import Direct, Fronts

        if self.host_root is None:
            return Direct(self.layout.store_dir)
        return Fronts(self.layout.store_dir, self.mount, self.host_root, _enter_command(self.host_root))

    def on_host(self, file: str) -> str:
        """The name under which the user's shell finds a file that this process calls `file`."""
        prefix = f"{self.mount}/"
        if self.host_root is None or not file.startswith(prefix):
            return file
        return f"{self.host_root}/{file.removeprefix(prefix)}"

    @property
    def profiles_dir(self) -> str:
        """Where the users' own profiles are, under the name that shells inside and outside can follow."""
        return self.on_host(self.layout.profiles_dir)

    def protect(self, link: str) -> None:
        """Make `link` an indirect root; what lies in the profiles directory is one without that."""
        self.require_this_machine()
        if not link.startswith(f"{self.layout.profiles_dir}/"):
            self.store.add_indirect_root(link)


def open_session(*, verbosity: int = 1) -> Session:
    """The store this user works with here. In rootless mode this process is in the namespace afterwards."""
    from larix.store.layout import Layout

    layout = Layout.from_environment()
    own_places = "LARIX_STORE_DIR" in os.environ or "LARIX_STATE_DIRECTORY" in os.environ
    daemon = os.environ.get("LARIX_DAEMON_SOCKET")
    if daemon is None and (layout.is_of_another() or (not own_places and os.geteuid() != 0)):
        daemon = _usual_daemon(layout)
    if daemon:
        session = Session(layout, "daemon", daemon=daemon)
    elif own_places:
        session = Session(layout, "directories")
    elif os.geteuid() == 0:
        session = Session(layout, "root")
    else:
        from larix.store.rootless import enter_rootless_store

        host_root = enter_rootless_store()
        name = os.path.basename(layout.store_dir)
        session = Session(layout._replace(host_store_dir=f"{host_root}/{name}"), "rootless", host_root)
        diagnostics.translate(f"{layout.state_dir}/", f"{session.on_host(layout.state_dir)}/")
    if verbosity >= 2 or diagnostics.wants_traceback(sys.argv[1:]):
        diagnostics.note(_described(session))
    return session


def _tell_wait(path: StorePath, holder: Holder) -> None:
    from larix.store.waiting import shown_holder

    diagnostics.note(tr("waiting for {holder}, at {path}...", holder=shown_holder(holder), path=path))


def _described(session: Session) -> str:
    """Which store was chosen, and who writes it."""
    gaps = {"mode": session.mode, "store_dir": session.layout.store_dir}
    if session.daemon is not None:
        return tr("using the store {store_dir} by the daemon at {address}", address=session.daemon, **gaps)
    if session.host_root:
        return tr("using the {mode} store {store_dir}, kept in {folder}", folder=session.host_root, **gaps)
    return tr("using the {mode} store {store_dir}", **gaps)


def _usual_daemon(layout: Layout) -> str | None:
    """The socket of this machine's daemon. One that a dead daemon left is taken for none."""
    from larix.client.transport import NoDaemon, connect

    file = f"{layout.state_dir}/daemon-socket/nix-socket"
    if not os.path.exists(file):
        return None
    try:
        connect(file).close()
    except NoDaemon as error:
        if layout.is_of_another():
            return None
        diagnostics.warning(tr("no daemon answers, so this uses a store of your own: {error}", error=error))
        return None
    return file


def _enter_command(data_directory: str) -> tuple[str, ...]:
    """The command line that runs the rest of itself inside the namespace; it is written into launchers.

    They outlive this process and may outlive this place of larix and its Python, so they name links, which
    any command that looks at profiles sets right. The Python is what a virtual environment was made from.
    """
    from larix.cli import enter
    from larix.profiles.generation import replace_link

    folder = f"{data_directory}/fronts"
    python = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    package = os.path.dirname(os.path.dirname(os.path.abspath(enter.__file__)))
    os.makedirs(folder, exist_ok=True)
    for link, target in ((f"{folder}/.python", python), (f"{folder}/.larix", package)):
        if not os.path.islink(link) or os.readlink(link) != target:
            with contextlib.suppress(FileExistsError, FileNotFoundError):  # another process is at it
                replace_link(target, link)
    return (f"{folder}/.python", "-I", "-S", "-B", f"{folder}/.larix/cli/enter.py", data_directory)
