"""A store of its own for real builds, and packages built in it with their logs at hand."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from larix.builder import realise
from larix.formats.storepath import StoreDir
from larix.packages import Package
from larix.packages.toolchain import lowering_for
from larix.protocol import BuildLog, BuildOptions, BuildPhase, BuildTarget, Event
from larix.store import Layout, LocalStore, open_local_store
from larix.store.atomic import remove_tree

__all__ = ["Shop", "open_shop"]


class Shop:
    """`log` and `phases` are those of the last build."""

    def __init__(self, store: LocalStore) -> None:
        self.store = store
        self.log = ""
        self.phases: list[str] = []

    def build(self, package: Package, options: BuildOptions | None = None) -> Path:
        lowering = lowering_for(self.store.store_dir, "x86_64-linux")
        item = lowering.lower(package)
        lowered = item.origin
        self.store.instantiate([lowered])
        lines: list[bytes] = []
        self.phases = []

        def sink(event: Event) -> None:
            if isinstance(event, BuildLog) and event.drv == lowered.path:
                lines.append(event.line)
            if isinstance(event, BuildPhase) and event.drv == lowered.path and event.seconds is None:
                self.phases.append(event.phase)

        try:
            realise(self.store, [BuildTarget(lowered.path)], options or BuildOptions(cores=2), sink)
        finally:
            self.log = b"\n".join(lines).decode(errors="replace")
        return Path(item.path)


@contextmanager
def open_shop() -> Iterator[Shop]:
    """Under a short name, as `#!` lines have a limit, and where build users may look; removed at the end."""
    base = tempfile.mkdtemp(prefix="lxfig")
    os.chmod(base, 0o755)
    layout = Layout(StoreDir(f"{base}/store"), f"{base}/var", f"{base}/var/log")
    try:
        with open_local_store(layout) as store:
            yield Shop(store)
    finally:
        remove_tree(base)
