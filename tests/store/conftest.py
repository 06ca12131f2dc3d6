"""Each test its own store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from larix.formats.storepath import StoreDir
from larix.store import Layout, LocalStore, open_local_store
from larix.store.atomic import remove_tree


@pytest.fixture
def public_dir() -> Iterator[Path]:
    """A directory that other users can reach: pytest takes that right from its own whenever it starts."""
    directory = tempfile.mkdtemp(prefix="larix-test-")
    os.chmod(directory, 0o755)
    yield Path(directory)
    remove_tree(directory)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    base = tmp_path / "larix"
    return Layout(StoreDir(f"{base}/store"), f"{base}/var", f"{base}/var/log")


@pytest.fixture
def store(layout: Layout) -> Iterator[LocalStore]:
    with open_local_store(layout) as opened:
        yield opened
