"""A daemon and its clients that die before a chosen effect, and the look at what they leave.

An effect is what a process does to the world: a file opened for writing, a write, a rename, a lock, a word on
a socket, ... `HOOK` stands where Python looks for it when it starts, and counts them in the process it is in;
before the chosen one, or a moment after it, the victims are killed. The moment reaches what Python does not
see: SQLite writes to its files by itself. So the same seed hits the same points however fast the machine is.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cli.conftest import Larix
from daemons import Daemon
from larix.formats.storepath import StorePath
from larix.protocol.dialect import NIX_VERSION
from larix.store import LocalStore, open_local_store
from larix.store.gc import collect, live_paths
from larix.store.verify import verify

SEED = 20261129
MANY = 1 << 40
CLIENT, DAEMON, BOTH = "client", "daemon", "both"

HOOK = """
import json, mmap, os, signal, sys

FOLDER, ROLE = os.environ["KILL_FOLDER"], os.environ["KILL_ROLE"]
BEGAN_AS = os.getpid()
AUDITED = ("os.", "socket.", "subprocess.", "fcntl.", "shutil.", "sqlite3.")
QUIET = ("os.listdir", "os.scandir", "os.putenv", "os.unsetenv", "os.fwalk", "os.walk", "os.listxattr",
         "os.getxattr")
with open(FOLDER + "/counts", "r+b") as file:
    shared = mmap.mmap(file.fileno(), 4096)
counts = memoryview(shared).cast("Q")
counts[2 if ROLE == "client" else 3] = BEGAN_AS
process = count = last = 0
delay = 0.0
victims = ()


def begin():
    global process, count, last, delay, victims
    process, count = os.getpid(), 0
    with open(FOLDER + "/orders") as file:
        orders = json.load(file)
    last, delay, victims = orders[ROLE], orders["delay"], orders["victims"]


def effect():
    global count
    own = os.getpid()
    if ROLE == "daemon" and own == BEGAN_AS:
        return
    if ROLE == "client" and own != BEGAN_AS:
        return
    if own != process:
        begin()
    count += 1
    slot = 0 if ROLE == "client" else 1
    if count > counts[slot]:
        counts[slot] = count
    if count == last:
        strike()


def strike():
    if ROLE not in victims:
        return
    if ROLE == "daemon":
        os.kill(BEGAN_AS, 9)
    for other in victims:
        if other != ROLE:
            os.kill(counts[2 if other == "client" else 3], 9)
    if delay:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, delay)
    else:
        os.kill(os.getpid(), 9)


def watch(event, arguments):
    if event == "open":
        if isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR):
            effect()
    elif event.startswith(AUDITED) and event not in QUIET:
        effect()


def wrap(name):
    real = getattr(os, name)

    def call(*arguments, **options):
        effect()
        return real(*arguments, **options)

    setattr(os, name, call)


for name in ("write", "fsync", "fdatasync", "close", "pwrite", "sendfile", "posix_fallocate", "utime"):
    wrap(name)
begin()
process = 0
sys.addaudithook(watch)
"""


class Orders(NamedTuple):
    """Who dies, by whose effect, and how long after it."""

    victims: tuple[str, ...] = ()
    client: int = MANY
    daemon: int = MANY
    delay: float = 0.0


class Scene:
    """A store with a daemon and a client, each of which can be told when to die."""

    def __init__(self, larix: Larix) -> None:
        self.larix = larix
        self.layout = larix.layout
        self.folder = larix.folder
        self.daemon: Daemon | None = None
        hook = self.folder / "hook"
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(HOOK, encoding="utf-8")
        (hook / "counts").write_bytes(bytes(4096))
        with (hook / "counts").open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 4096)
        self._hook = hook
        self.order(Orders())
        larix.environment["LARIX_DAEMON_SOCKET"] = f"{self.layout.state_dir}/daemon-socket/nix-socket"

    def order(self, orders: Orders) -> None:
        self._shared[:16] = bytes(16)
        told = {
            "victims": orders.victims,
            CLIENT: orders.client,
            DAEMON: orders.daemon,
            "delay": orders.delay,
        }
        (self._hook / "orders").write_text(json.dumps(told), encoding="utf-8")

    def counts(self) -> tuple[int, int]:
        """The effects of the client, and of its session, since the last orders."""
        return (
            int.from_bytes(self._shared[:8], sys.byteorder),
            int.from_bytes(self._shared[8:16], sys.byteorder),
        )

    def was_struck(self, orders: Orders) -> bool:
        """Whether the effect of the orders has come; those who are to die of it do, or are dead."""
        client, daemon = self.counts()
        return client >= orders.client or daemon >= orders.daemon

    def _environment(self, role: str) -> dict[str, str]:
        return self.larix.environment | {
            "KILL_FOLDER": str(self._hook),
            "KILL_ROLE": role,
            "PYTHONPATH": f"{self._hook}:{self.larix.environment['PYTHONPATH']}",
        }

    def start(self) -> Daemon:
        """The daemon that runs, started if there is none."""
        if self.daemon is not None and self.daemon.process.poll() is None:
            return self.daemon
        self.stop()
        with (self.folder / "daemon.log").open("a", encoding="utf-8") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "larix.cli.main", "daemon"],
                env=self._environment(DAEMON),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.daemon = Daemon(process, self.layout, self.folder)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", self.daemon.log()
        return self.daemon

    def stop(self) -> None:
        if self.daemon is None:
            return
        process, self.daemon = self.daemon.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a client; it or the daemon may die of it."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment(CLIENT),
            capture_output=True,
            text=True,
            check=False,
        )

    def store(self) -> LocalStore:
        return open_local_store(self.layout)

    def processes(self) -> list[int]:
        """All processes that the client and the daemon have left, but the daemon itself."""
        kept = self.daemon.process.pid if self.daemon is not None else 0
        return [process for process in descendants() if process != kept]

    def settle(self) -> float:
        """Wait until nothing runs but the daemon; the seconds that took. Fails after half a minute."""
        begin = time.monotonic()
        while left := self.processes():
            for process in left:
                try:
                    os.waitpid(process, os.WNOHANG)
                except ChildProcessError:
                    continue
            if time.monotonic() > begin + 30:
                raise AssertionError(f"still running: {[_command(process) for process in left]}")
            time.sleep(0.002)
        return time.monotonic() - begin

    def leftovers(self) -> list[str]:
        """What is there after a collection and should not be."""
        with self.store() as store:
            valid = {os.path.basename(path) for path in store.all_valid_paths()}
        found = [name for name in os.listdir(self.layout.store_dir) if name not in valid | {".links"}]
        builds = f"{self.layout.state_dir}/builds"
        if os.path.isdir(builds):
            found += [f"builds/{name}" for name in os.listdir(builds)]
        found += [f"temproots/{name}" for name in os.listdir(self.layout.temp_roots_dir)]
        for folder, _, files in os.walk(self.layout.state_dir):
            found += [f"{folder}/{name}" for name in files if ".tmp" in name and "/builds" not in folder]
        with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
            found += [line for line in mounts if str(self.folder) in line]
        return found


def descendants() -> list[int]:
    """The processes below this one."""
    below: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                text = Path(f"/proc/{name}/stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            below.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(name))
    found, todo = [], [os.getpid()]
    while todo:
        children = below.get(todo.pop(), [])
        found += children
        todo += children
    return found


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
    except OSError:
        return str(process)


@contextmanager
def adopting() -> Iterator[None]:
    """Orphans become children of this process, so that none is missed."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
    try:
        yield
    finally:
        libc.prctl(36, 0, 0, 0, 0)


@contextmanager
def scene(larix: Larix) -> Iterator[Scene]:
    with adopting():
        made = Scene(larix)
        try:
            yield made
        finally:
            made.stop()


def points(name: str, count: int, effects: tuple[int, int]) -> Iterator[Orders]:
    """Random orders, the same for the same name and count."""
    chance = random.Random(f"{SEED} {name}")
    for _ in range(count):
        victims = chance.choice(((CLIENT,), (DAEMON,), (CLIENT, DAEMON)))
        delay = chance.choice((0.0, 0.0, chance.uniform(0.00005, 0.004)))
        leader = victims[0] if len(victims) == 1 else chance.choice(victims)
        number = chance.randint(1, effects[leader == DAEMON])
        yield Orders(victims, delay=delay, **{leader: number})


class Before(NamedTuple):
    valid: set[StorePath]
    live: set[StorePath]


def look(scene: Scene) -> Before:
    with scene.store() as store:
        return Before(store.all_valid_paths(), live_paths(store))


def check(scene: Scene, before: Before, *, is_collecting: bool = False) -> None:
    """Everything valid is whole, and nothing is lost that was valid; opened as anybody would."""
    with scene.store() as store:
        found = verify(store, check_contents=True)
        assert found.database_is_sound
        assert (found.forgotten, found.missing, found.mismatches) == ([], [], [])
        lost = (before.live if is_collecting else before.valid) - store.all_valid_paths()
        assert not lost, lost


def collect_all(scene: Scene) -> None:
    with scene.store() as store:
        collect(store)


def client_program(script: str, *, version: int = NIX_VERSION) -> list[str]:
    """A client as a program, with `store` the daemon's."""
    program = f"""\
import os, sys
from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import connect
from larix.errors import LarixError
from larix.formats.storepath import StoreDir, StorePath

def act(store):
{script}
try:
    socket = connect(os.environ["LARIX_DAEMON_SOCKET"])
    directory = StoreDir(os.environ["LARIX_STORE_DIR"])
    with DaemonStore(Connection(socket, directory, version={version})) as store:
        act(store)
except LarixError as error:
    sys.exit(f"{{error}}")
"""
    return [sys.executable, "-c", program]
