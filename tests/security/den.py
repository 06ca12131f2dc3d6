"""A daemon that hostile clients, builders and bystanders have a go at, all of them real.

C, the client, is a user who is trusted with nothing. B, the builder, is whatever a derivation of C's says: a
script for a static busybox, or a static C program. H, the bystander, is a process of another unprivileged
user on the same machine.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from daemons import Daemon
from larix.builder.environment import build_directory_name
from larix.client.store import DaemonStore
from larix.derivation import FixedOutput, Lowered, derivation
from larix.derivation.source import FileContent, Source, tree_source
from larix.errors import LarixError
from larix.formats.hashes import Hash, hash_bytes
from larix.formats.nar import Directory, File, encode_tree
from larix.formats.storepath import StoreDir, make_fixed_path
from larix.protocol import BuildLog, BuildOptions, BuildTarget, Event

SYSTEM = f"{os.uname().machine}-linux"
CLIENT, BYSTANDER = 12345, 23456
ROUNDS = int(os.environ.get("LARIX_TEST_ROUNDS", "0"))
HERE = Path(__file__).parent


def rounds(few: int) -> int:
    """How often a race is run: a few times, or as often as LARIX_TEST_ROUNDS says."""
    return ROUNDS or few


def needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be several users")


@functools.cache
def busybox() -> str:
    for candidate in (shutil.which("busybox"), "/bin/busybox", "/usr/bin/busybox"):
        if candidate and os.path.exists(candidate) and b"/ld-linux" not in _head(candidate):
            return candidate
    pytest.skip("no static busybox (Debian: busybox-static)")


def _head(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read(4096)


@functools.cache
def compiled(name: str) -> str:
    """The static program of `NAME.c` beside this file, where every user can reach it."""
    if os.uname().machine != "x86_64":
        pytest.skip("the programs call the kernel by numbers of x86_64")
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc")
    program = f"{_folder_of_programs()}/{name}"
    made = f"{program}.{os.getpid()}"
    done = subprocess.run(
        [compiler, "-static", "-O1", "-w", "-o", made, str(HERE / f"{name}.c")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "cannot find -l" in done.stderr:
        pytest.skip("no static libc (Debian: libc6-dev)")
    assert done.returncode == 0, done.stderr
    os.rename(made, program)
    return program


@functools.cache
def _folder_of_programs() -> str:
    import atexit

    folder = tempfile.mkdtemp(prefix="larix-test-")
    os.chmod(folder, 0o755)
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    return folder


class Told(NamedTuple):
    """What became of a build: the error, if it failed, what it printed, what it made."""

    error: str
    kind: str
    hint: str
    lines: list[str]
    outputs: dict[str, str]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def program_source(store_dir: StoreDir, name: str, file: str) -> Source:
    contents = Path(file).read_bytes()
    digest = hash_bytes(encode_tree(File(contents, executable=os.access(file, os.X_OK))))
    return Source(make_fixed_path(store_dir, name, digest, recursive=True), (), FileContent(file))


@functools.cache
def _shell(store_dir: StoreDir) -> Source:
    program = File(Path(busybox()).read_bytes(), executable=True)
    return tree_source(store_dir, "shell", Directory({b"busybox": program}))


def script(
    store_dir: StoreDir,
    name: str,
    text: str,
    *,
    programs: Iterable[str] = (),
    env: Mapping[str, str] | None = None,
    inputs: Iterable[Lowered] = (),
    outputs: tuple[str, ...] = ("out",),
    fixed: FixedOutput | None = None,
) -> Lowered:
    """A derivation whose script busybox runs; each of `programs`, in C, is a variable of that name."""
    shell = _shell(store_dir)
    tools = {each: program_source(store_dir, each, compiled(each)) for each in programs}
    variables = {**(env or {}), **{each: tool.path for each, tool in tools.items()}}
    return derivation(
        name,
        store_dir=store_dir,
        system=SYSTEM,
        builder=f"{shell.path}/busybox",
        args=["sh", "-ec", text],
        env=variables,
        inputs=[(each, each.output_names) for each in inputs],
        sources=[shell, *tools.values()],
        outputs=outputs,
        fixed=fixed,
    )


def flat(content: bytes) -> FixedOutput:
    """The promise to make a file of this content."""
    return FixedOutput(hash_bytes(content))


def recursive(digest: Hash) -> FixedOutput:
    return FixedOutput(digest, recursive=True)


def as_user(uid: int, action: Callable[[], Any]) -> Any:
    """What `action` gives, as JSON, when another user does it. It must not raise."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_user(uid, action, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, data.decode()
    return json.loads(data)


def _be_user(uid: int, action: Callable[[], Any], writing: int) -> None:
    status = 1
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os.environ["HOME"] = "/nonexistent"
        data = json.dumps(action()).encode()
        status = 0
    except BaseException:  # noqa: BLE001 - told to the parent
        data = traceback.format_exc().encode()
    finally:
        with os.fdopen(writing, "wb") as stream:
            stream.write(data)
        os._exit(status)


def make_deep(top: Path, depth: int) -> None:
    """Folders in one another below `top`, as deep as one likes."""
    current = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=current)
        below = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=current)
        os.close(current)
        current = below
    os.close(current)


def error_of(action: Callable[[], object]) -> str:
    """The class of what `action` raises, or nothing."""
    try:
        action()
    except (OSError, LarixError) as error:
        return type(error).__name__
    return ""


class Building:
    """A build in another process, which tells what it prints as it comes."""

    def __init__(self, reading: int, child: int) -> None:
        self._stream = os.fdopen(reading, "rb")
        self._child = child
        self._told: Told | None = None

    def wait_for(self, word: str) -> None:
        """Until the builder has printed a line that is just this."""
        for line in self._stream:
            if line.rstrip(b"\n") == b"> " + word.encode():
                return
        raise AssertionError(f"the builder never said {word}")

    def told(self) -> Told:
        if self._told is None:
            with self._stream:
                last = b""
                for line in self._stream:
                    last = line
            _, status = os.waitpid(self._child, 0)
            assert status == 0, last
            self._told = Told(*json.loads(last))
        return self._told


class Den:
    """Client, builder and bystander around one daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.store_dir = daemon.layout.store_dir
        self.folder = daemon.folder

    @property
    def builds(self) -> Path:
        return Path(self.daemon.layout.state_dir) / "builds"

    def script(self, name: str, text: str, **how: Any) -> Lowered:
        return script(self.store_dir, name, text, **how)

    def build(
        self,
        *wanted: Lowered,
        uid: int = CLIENT,
        on_line: Callable[[str], object] | None = None,
        **options: Any,
    ) -> Told:
        """Have the untrusted client build something."""
        return Told(*as_user(uid, lambda: _build(self.daemon, wanted, BuildOptions(**options), on_line)))

    @contextmanager
    def building(self, *wanted: Lowered, uid: int = CLIENT, **options: Any) -> Iterator[Building]:
        """A build of the untrusted client's that goes on meanwhile; it is over when this is left."""
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _be_user(
                uid, lambda: _build(self.daemon, wanted, BuildOptions(**options), None, writing), writing
            )
        os.close(writing)
        running = Building(reading, child)
        try:
            yield running
        except BaseException:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise
        running.told()

    def build_folder(self, lowered: Lowered) -> Path:
        """Where the host has the folder of a build that runs."""
        [folder] = self.builds.glob(f"*/scratch/{build_directory_name(lowered.name)}")
        return folder

    def client(self, action: Callable[[DaemonStore], Any], uid: int = CLIENT) -> Any:
        """Have the untrusted client do something with its connection."""

        def connect() -> Any:
            with self.daemon.store() as store:
                return action(store)

        return as_user(uid, connect)

    def canary(self, name: str = "canary", text: str = "precious") -> Path:
        """A file of root's that nobody else may read or change."""
        folder = self.folder / "vault"
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / name
        file.write_text(text)
        file.chmod(0o600)
        return file


def _build(
    daemon: Daemon,
    wanted: Iterable[Lowered],
    options: BuildOptions,
    on_line: Callable[[str], object] | None,
    live: int | None = None,
) -> tuple[str, str, str, list[str], dict[str, str]]:
    lines: list[str] = []
    errors = ["", "", ""]
    outputs: dict[str, str] = {}

    def sink(event: Event) -> None:
        if isinstance(event, BuildLog):
            line = event.line.decode("utf-8", "replace")
            lines.append(line)
            if on_line is not None:
                on_line(line)
            if live is not None:
                os.write(live, b"> " + event.line + b"\n")

    wanted = list(wanted)
    with daemon.store() as store:
        try:
            store.instantiate(wanted)
            made = store.realise([BuildTarget(each.path) for each in wanted], options, sink)
            for paths in made.values():
                outputs.update(paths)
        except LarixError as error:
            errors = [str(error), getattr(error, "kind", type(error).__name__), error.hint or ""]
    return (errors[0], errors[1], errors[2], lines, outputs)
