"""A daemon for each test, and builds that need nothing but a static shell."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemons import Daemon, running_daemon
from larix.derivation import Lowered, derivation, text_source
from larix.derivation.source import FileContent, Source
from larix.formats.hashes import hash_bytes
from larix.formats.nar import File, encode_tree
from larix.formats.storepath import StoreDir, make_fixed_path
from larix.store.atomic import remove_tree

SHELL = "/bin/bash-static"


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running_daemon() as started:
        yield started


def shell_build(store_dir: StoreDir, name: str, script: str, **how: object) -> Lowered:
    """A derivation whose script a static shell runs."""
    if not os.path.exists(SHELL):
        pytest.skip("no static shell (Debian: bash-static)")
    contents = Path(SHELL).read_bytes()
    path = make_fixed_path(
        store_dir, "sh", hash_bytes(encode_tree(File(contents, executable=True))), recursive=True
    )
    shell = Source(path, (), FileContent(SHELL))
    return derivation(
        name,
        store_dir=store_dir,
        system="x86_64-linux",
        builder=path,
        args=["-c", script],
        sources=[shell, text_source(store_dir, "note", b"note")],
        **how,  # type: ignore[arg-type]
    )


@pytest.fixture
def public_dir() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are for their owner only."""
    folder = tempfile.mkdtemp(prefix="larix-test-")
    os.chmod(folder, 0o755)
    yield Path(folder)
    remove_tree(folder)


@pytest.fixture
def stranger() -> int:
    """A user who is trusted with nothing."""
    if os.geteuid() != 0:
        pytest.skip("only root can act as somebody else")
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv")
    return 12345
