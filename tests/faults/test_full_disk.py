"""A file system that gets full of bytes or inodes: one clean error, nothing bad is valid, and work goes on.

`LARIX_TEST_ROUNDS=50` takes so many points of each operation.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.filling import OPERATIONS
from larix.store.atomic import remove_tree

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("LARIX_TEST_ROUNDS", "3"))
TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_full_disk_is_one_clean_error_and_work_goes_on(
    name: str, capsys: pytest.CaptureFixture[str], record_property: Callable[..., None]
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    busybox = shutil.which("busybox", path="/bin:/usr/bin")
    if busybox is None:
        pytest.skip("no busybox (Debian: busybox-static)")
    folder = Path(tempfile.mkdtemp(prefix="lx-"))
    folder.chmod(0o755)
    try:
        (folder / "shell" / "bin").mkdir(parents=True)
        shutil.copy(busybox, folder / "shell" / "bin" / "busybox")
        done = subprocess.run(
            [
                *(sys.executable, TESTS / "faults" / "filling.py"),
                *(folder, folder / "shell", name, str(ROUNDS)),
            ],
            env={**os.environ, "PYTHONPATH": f"{TESTS.parent / 'src'}:{TESTS.parent / 'distro'}:{TESTS}"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        remove_tree(str(folder))
    assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(done.stdout)
    text = (
        f"{name}: {found['refused'] + found['done']}/{ROUNDS} points of a full disk, {found['refused']}"
        f" refused and {found['done']} done; 0 bad valid paths, each collection and second attempt succeeded"
    )
    record_property("full disk", text)
    with capsys.disabled():
        print(f"\n{text}")
