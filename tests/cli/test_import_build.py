"""What `larix import` prints, really built: from Debian's indexes and archives to a program that runs."""

from __future__ import annotations

import platform
import subprocess
import tempfile
from pathlib import Path

import pytest

from larix.store.atomic import remove_tree

pytestmark = [
    pytest.mark.build,
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the seed is for x86_64"),
]


@pytest.fixture
def larix(larix_in):
    base = Path(tempfile.mkdtemp(prefix="lx-"))
    base.chmod(0o755)
    try:
        yield larix_in(base, base / "store", base / "var")
    finally:
        remove_tree(str(base))


def test_package_of_debian_is_imported_built_and_run(larix):
    """Its source and the notes on it come from the mirror that this machine's own apt uses."""
    text = larix.succeed("import", "debian", "hello")
    file = larix.folder / "hello.py"
    file.write_text(text)
    assert larix.succeed("style", "-n", "-f", "hello.py") == ""
    assert larix.succeed("lint", "-n", "-f", "hello.py") == ""
    (path,) = larix.succeed("build", "-q", "-f", "hello.py").splitlines()
    version = Path(path).name.rpartition("-")[2]
    assert f'version="{version}"' in text
    done = subprocess.run([f"{path}/bin/hello", "--version"], capture_output=True, check=True, text=True)
    assert done.stdout.startswith(f"hello (GNU Hello) {version}\n")
    done = subprocess.run([f"{path}/bin/hello"], capture_output=True, check=True, text=True)
    assert done.stdout == "Hello, world!\n"
