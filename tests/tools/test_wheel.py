"""`pip install` gives the same larix: what the wheel holds, and that it starts on its own."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import larix

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("larix-*.whl"))


def files_under(folder: Path) -> set[str]:
    """Every file of a source folder that is not made by running it, by its name in the wheel."""
    return {
        str(file.relative_to(folder.parent))
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


@pytest.mark.slow
def test_wheel_holds_every_file_of_larix_and_of_the_distribution(wheel: Path) -> None:
    """Tables, patches and the schema too, which no import would miss before they are needed."""
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    wanted = files_under(CHECKOUT / "src" / "larix") | files_under(CHECKOUT / "distro" / "larixpkgs")
    assert wanted - packed == set()


@pytest.mark.slow
def test_wheel_brings_manual_pages_and_completion(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shared = {name.partition("/data/")[2] for name in archive.namelist() if ".data/data/" in name}
    assert {"share/man/man1/larix.1", "share/man/man1/larix-build.1"} <= shared
    assert {
        "share/bash-completion/completions/larix",
        "share/zsh/site-functions/_larix",
        "share/fish/vendor_completions.d/larix.fish",
    } <= shared


@pytest.mark.slow
def test_wheel_starts_by_its_entry_point(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    points = next(tmp_path.glob("*.dist-info")) / "entry_points.txt"
    assert "larix = larix.cli.main:main" in points.read_text()
    code = "import sys; sys.path.insert(0, sys.argv.pop()); from larix.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-I", "-S", "-c", code, "--version", tmp_path]  # -S: not the checkout's files
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"larix {larix.__version__}")
