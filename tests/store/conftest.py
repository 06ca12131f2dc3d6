"""Each test its own store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from larix.formats.storepath import StoreDir
from larix.store import Layout, LocalStore, open_local_store


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    base = tmp_path / "larix"
    return Layout(StoreDir(f"{base}/store"), f"{base}/var", f"{base}/var/log")


@pytest.fixture
def store(layout: Layout) -> Iterator[LocalStore]:
    with open_local_store(layout) as opened:
        yield opened
