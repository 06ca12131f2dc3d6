"""A store of its own for each test, and a shell in it that needs nothing else: a static busybox."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from larix.builder import BuildResult, realise
from larix.derivation import FixedOutput, Lowered, derivation
from larix.derivation.source import Source
from larix.formats.storepath import StoreDir, StorePath
from larix.protocol import BuildLog, BuildOptions, BuildTarget, Event
from larix.store import Layout, LocalStore, open_local_store

SYSTEM = f"{os.uname().machine}-linux"


@pytest.fixture(scope="session")
def busybox() -> str:
    """A statically linked busybox whose shell has the other tools built in."""
    for candidate in (shutil.which("busybox"), "/bin/busybox", "/usr/bin/busybox"):
        if candidate and os.path.exists(candidate):
            probe = subprocess.run(
                [candidate, "sh", "-c", "PATH=/none; ls /"], capture_output=True, check=False
            )
            text = Path(candidate).read_bytes()
            if probe.returncode == 0 and b"/ld-linux" not in text[:4096]:
                return candidate
    pytest.skip("no static busybox (Debian: busybox-static)")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    base = tmp_path / "larix"
    return Layout(StoreDir(f"{base}/store"), f"{base}/var", f"{base}/var/log")


@pytest.fixture
def store(layout: Layout) -> Iterator[LocalStore]:
    with open_local_store(layout) as opened:
        yield opened


class Workshop:
    """Makes derivations whose builder is a shell script, and builds them, keeping the events."""

    def __init__(self, store: LocalStore, shell: StorePath) -> None:
        self.store = store
        self.shell = shell
        self.events: list[Event] = []

    def script(
        self,
        name: str,
        text: str,
        *,
        env: Mapping[str, str] | None = None,
        inputs: Iterable[Lowered] = (),
        sources: Iterable[Source | StorePath] = (),
        outputs: tuple[str, ...] = ("out",),
        fixed: FixedOutput | None = None,
    ) -> Lowered:
        return derivation(
            name,
            store_dir=self.store.store_dir,
            system=SYSTEM,
            builder=f"{self.shell}/bin/busybox",
            args=["sh", "-ec", text],
            env=dict(env or {}),
            inputs=[(each, each.output_names) for each in inputs],
            sources=[self.shell, *sources],
            outputs=outputs,
            fixed=fixed,
        )

    def build(self, *wanted: Lowered, options: BuildOptions | None = None) -> list[BuildResult]:
        self.store.instantiate(wanted)
        return realise(self.store, [BuildTarget(each.path) for each in wanted], options, self.events.append)

    def output(self, text: str, name: str = "probe") -> str:
        """What a script printed that could not fail; its output is an empty file."""
        self.build(self.script(name, text + "\n: > $out"))
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        return [event.line.decode() for event in self.events if isinstance(event, BuildLog)]

    def log(self, drv: StorePath) -> str:
        name = os.path.basename(drv)
        file = f"{self.store.layout.log_dir}/drvs/{name[:2]}/{name[2:]}.gz"
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            return stream.read()

    def leftovers(self) -> list[str]:
        """What builds that are over have left: nothing."""
        builds = Path(self.store.layout.state_dir) / "builds"
        strays = [
            name for name in os.listdir(self.store.store_dir) if "incoming" in name or name.endswith(".lock")
        ]
        return strays + (sorted(os.listdir(builds)) if builds.exists() else [])


@pytest.fixture
def workshop(store: LocalStore, busybox: str, tmp_path: Path) -> Workshop:
    folder = tmp_path / "shell"
    (folder / "bin").mkdir(parents=True)
    shutil.copy(busybox, folder / "bin" / "busybox")
    return Workshop(store, store.add_path("shell", str(folder)))
