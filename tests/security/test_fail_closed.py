"""R12: where a build cannot be isolated, there is no build, and the reason is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daemons import SOURCES
from larix.builder import realise
from larix.builder.local import LocalBuilder
from larix.builder.sandbox import syscalls as sys_
from larix.errors import LarixError
from larix.protocol import BuildLog, BuildOptions, BuildTarget, Event
from larix.store import open_local_store
from security.den import Den

pytestmark = pytest.mark.slow


def build_here(den: Den, text: str, before: Callable[[], object] = lambda: None, **how: object) -> str:
    """Build without the daemon in a process of its own, which first does `before`; what became of it."""
    lowered = den.script("here", text, **how)
    den.client(lambda store: store.instantiate([lowered]), uid=0)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        lines: list[str] = []

        def sink(event: Event) -> None:
            if isinstance(event, BuildLog):
                lines.append(event.line.decode())

        try:
            before()
            with open_local_store(den.daemon.layout) as store:
                realise(store, [BuildTarget(lowered.path)], BuildOptions(), sink)
        except LarixError as error:
            lines.append(f"{type(error).__name__}: {error} ({error.hint})")
        except BaseException as error:  # noqa: BLE001 - told to the parent
            lines.append(f"bug: {error!r}")
        finally:
            os.write(writing, "\n".join(lines).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    os.waitpid(child, 0)
    return text


def enter_mapped(ids: str) -> None:
    """Enter a user namespace with the ids `ids`, lines as in `uid_map`; another process has to write them."""
    waiting, ready = os.pipe()
    parent = os.getpid()
    mapper = os.fork()
    if mapper == 0:
        status = 1
        try:
            os.read(waiting, 1)
            for name in ("uid_map", "gid_map"):
                Path(f"/proc/{parent}/{name}").write_text(ids)
            status = 0
        finally:
            os._exit(status)
    sys_.unshare(sys_.CLONE_NEWUSER, "user namespace")
    os.write(ready, b".")
    _, status = os.waitpid(mapper, 0)
    if status:
        raise RuntimeError("cannot map ids")


def without(file: str) -> Callable[[], None]:
    """Forbid a kind of namespace to this process and what it starts: in one whose limits are its own."""

    def forbid() -> None:
        enter_mapped("0 0 4294967295")
        Path(f"/proc/sys/user/{file}").write_text("0")

    return forbid


@pytest.mark.parametrize("kind", ["mnt", "pid", "net", "ipc", "uts"])
def test_without_a_kind_of_namespace_nothing_is_built(den: Den, kind: str) -> None:
    file = f"max_{kind}_namespaces"
    told = build_here(den, "echo it ran; : > $out", without(file))
    assert "SandboxUnavailable" in told
    assert f"`/proc/sys/user/{file}` is 0" in told
    assert f"sysctl user.{file}=" in told
    assert "it ran" not in told


def test_ids_of_build_users_that_are_not_there_are_told(den: Den, monkeypatch: pytest.MonkeyPatch) -> None:
    """The group names users whom this container does not map."""
    monkeypatch.setattr("larix.builder.sandbox.users.build_users", lambda _: [(4_000_000, 4_000_000)])

    told = build_here(den, "echo it ran; : > $out", lambda: enter_mapped("0 0 100000"))
    assert "it ran" not in told
    assert "SandboxUnavailable" in told
    assert "larixbuild" in told


def test_a_machine_without_a_table_of_system_calls_builds_nothing(
    den: Den, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set-id bits, key rings and more would be open to builds."""
    before = LocalBuilder.__init__

    def elsewhere(self: LocalBuilder, **how: object) -> None:
        before(self, **how)  # type: ignore[arg-type]
        self._machine, self._system = "riscv64", "riscv64-linux"

    monkeypatch.setattr(LocalBuilder, "__init__", elsewhere)
    monkeypatch.setattr("security.den.SYSTEM", "riscv64-linux")
    told = build_here(den, "echo it ran; : > $out")
    assert "CannotBuild" in told
    assert "`riscv64`" in told
    assert "it ran" not in told


def test_a_machine_called_otherwise_has_the_filter_all_the_same(
    den: Den, monkeypatch: pytest.MonkeyPatch
) -> None:
    setarch = shutil.which("setarch")
    if setarch is None or os.uname().machine != "x86_64":
        pytest.skip("needs setarch and x86_64")
    monkeypatch.setattr("security.den.SYSTEM", "i686-linux")
    lowered = den.script(
        "called", "grep ^Seccomp: /proc/self/status; : > f; chmod 4755 f || :; ls -l f; : > $out"
    )
    den.client(lambda store: store.instantiate([lowered]), uid=0)
    program = f"""
from larix.builder import realise
from larix.protocol import BuildTarget
from larix.store import Layout, open_local_store
with open_local_store(Layout(*{tuple(den.daemon.layout)!r})) as store:
    realise(store, [BuildTarget({lowered.path!r})], sink=lambda event: print(getattr(event, "line", b"")))
"""
    done = subprocess.run(
        [setarch, "i686", sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert r"Seccomp:\t2" in done.stdout, done.stderr
    assert "-rw-r--r--" in done.stdout
