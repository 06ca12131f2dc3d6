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
    """Its source and the notes on it come from the mirror that this machine's own apt uses.

    One that needs nothing but the toolchain: what other packages need would be built here first.
    """
    file = larix.folder / "ed.py"
    file.write_text(larix.succeed("import", "debian", "ed"))
    assert larix.succeed("style", "-n", "-f", "ed.py") == ""
    assert larix.succeed("lint", "-n", "-f", "ed.py") == ""
    (path,) = larix.succeed("build", "-q", "-f", "ed.py").splitlines()
    version = Path(path).name.rpartition("-")[2]
    assert f'version="{version}"' in file.read_text()
    text = larix.folder / "text"
    text.write_text("one\ntwo\n")
    done = subprocess.run(
        [f"{path}/bin/ed", "-s", text],
        input="1d\ns/two/three/\nw\nq\n",
        capture_output=True,
        check=True,
        text=True,
    )
    assert (done.stderr, text.read_text()) == ("", "three\n")
