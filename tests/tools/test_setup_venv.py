"""The launcher and its set-up, run as a user runs them: a small checkout, a real pip, a wheel in a folder."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
MAIN = """
import sys
def main():
    import leaf
    print(leaf.VERSION, *sys.argv)
    return 7
"""


def load_setup_venv():
    spec = importlib.util.spec_from_file_location("setup_venv", CHECKOUT / "tools" / "setup_venv.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SETUP = load_setup_venv()


def make_wheel(folder: Path, version: str) -> str:
    """A one-module wheel, and the line that locks it."""
    file = folder / f"leaf-{version}-py3-none-any.whl"
    info = f"leaf-{version}.dist-info"
    contents = {
        "leaf.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: leaf\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    with zipfile.ZipFile(file, "w") as wheel:
        for name, text in contents.items():
            wheel.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{name},sha256={digest},{len(text)}\n"
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return f"leaf=={version} --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


class SmallCheckout:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "checkout"
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self.folder.mkdir()
        shutil.copy(CHECKOUT / "larix", self.folder)
        shutil.copytree(
            CHECKOUT / "tools", self.folder / "tools", ignore=shutil.ignore_patterns("__pycache__")
        )
        (self.folder / "distro").mkdir()
        package = self.folder / "src" / "larix" / "cli"
        package.mkdir(parents=True)
        for file in (package.parent / "__init__.py", package / "__init__.py"):
            file.touch()
        (package / "main.py").write_text(MAIN)
        self.lock("1.0")
        programs = folder / "bin"
        programs.mkdir()
        (programs / "python3").symlink_to(sys._base_executable)
        self.environment = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "HOME": str(folder),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "PIP_CONFIG_FILE": "/dev/null",
        }

    def lock(self, version: str) -> None:
        (self.folder / "requirements.lock").write_text(make_wheel(self.wheels, version))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.folder / "larix", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        output, diagnostics = process.communicate()
        return process.returncode, output, diagnostics


@pytest.fixture
def checkout(tmp_path: Path) -> SmallCheckout:
    host_pip = subprocess.run(
        [sys._base_executable, "-I", "-m", "pip", "--version"], capture_output=True, check=False
    )
    if host_pip.returncode and SETUP.installed_wheel() is None:
        pytest.skip("no pip on this machine without the network")
    return SmallCheckout(tmp_path)


@pytest.mark.slow
def test_first_run_sets_up_and_later_ones_only_run(checkout: SmallCheckout) -> None:
    status, output, diagnostics = checkout.run("a", "b c")
    assert (status, output) == (7, "1.0 larix a b c\n")
    assert "setting up" in diagnostics
    assert checkout.run() == (7, "1.0 larix\n", "")


@pytest.mark.slow
def test_launcher_works_through_a_link_and_from_elsewhere(checkout: SmallCheckout, tmp_path: Path) -> None:
    checkout.run()
    link = tmp_path / "bin" / "larix"
    link.symlink_to(checkout.folder / "larix")
    done = subprocess.run(
        [link], env=checkout.environment, cwd="/", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "1.0 larix\n", "")


@pytest.mark.slow
def test_changed_lock_is_installed_and_a_touched_one_is_not(checkout: SmallCheckout) -> None:
    checkout.run()
    os.utime(checkout.folder / "requirements.lock")
    assert checkout.run() == (7, "1.0 larix\n", "")
    checkout.lock("2.0")
    status, output, diagnostics = checkout.run()
    assert (status, output) == (7, "2.0 larix\n")
    assert "setting up" in diagnostics


@pytest.mark.slow
def test_moved_checkout_sets_itself_up_again(checkout: SmallCheckout) -> None:
    checkout.run()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))
    assert "setting up" in checkout.run()[2]
    assert checkout.run() == (7, "1.0 larix\n", "")


@pytest.mark.slow
def test_set_up_killed_while_installing_starts_anew(checkout: SmallCheckout) -> None:
    """What pip left half-way cannot be trusted, nor mended by pip: its record of files comes last."""
    checkout.run()
    (checkout.folder / ".venv" / "ready").unlink()
    (checkout.folder / ".venv" / "installing").touch()
    debris = checkout.folder / ".venv" / "debris"
    debris.touch()
    assert checkout.run()[:2] == (7, "1.0 larix\n")
    assert not debris.exists()


@pytest.mark.slow
def test_first_runs_at_once_set_up_one_time(checkout: SmallCheckout) -> None:
    processes = [checkout.start() for _ in range(3)]
    results = [(*process.communicate(), process.returncode) for process in processes]
    assert [(output, status) for output, _, status in results] == [("1.0 larix\n", 7)] * 3
    assert sum("setting up" in diagnostics for _, diagnostics, _ in results) == 1


@pytest.mark.slow
def test_dependency_that_cannot_be_had_is_one_line_and_no_traceback(checkout: SmallCheckout) -> None:
    for wheel in checkout.wheels.iterdir():
        wheel.unlink()
    status, output, diagnostics = checkout.run()
    assert (status, output) == (1, "")
    errors = [line for line in diagnostics.splitlines() if "error" in line]
    assert len(errors) == 1
    assert errors[0].startswith("larix: error: cannot install the locked dependencies: ")


@pytest.mark.slow
def test_wheel_with_other_bytes_than_locked_is_refused(checkout: SmallCheckout) -> None:
    next(checkout.wheels.iterdir()).unlink()
    make_wheel(checkout.wheels, "1.0")
    lock = checkout.folder / "requirements.lock"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:0")[:-2] + "\n")
    status, _, diagnostics = checkout.run()
    assert status == 1
    assert "larix: error: cannot install" in diagnostics


def test_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    program = tmp_path / "python3"
    program.write_text('#!/bin/sh\ncase $2 in *exit*) exit 1 ;; *) echo "3.9 at /old/python3" ;; esac\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", CHECKOUT / "tools" / "setup-venv"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "larix: Python 3.11 or newer is needed; python3 is 3.9 at /old/python3\n"


def test_network_failure_is_told_as_such() -> None:
    output = "WARNING: Retrying after NewConnectionError\nERROR: No matching distribution found for leaf\n"
    assert SETUP.reason_in(output, "ERROR:") == ": no network"


def test_newest_wheel_of_pip_is_taken(tmp_path: Path) -> None:
    for version in ("9.0.1", "23.0.1", "100.1"):
        (tmp_path / f"pip-{version}-py3-none-any.whl").touch()
    assert SETUP.wheel_in(None, str(tmp_path / "absent"), str(tmp_path)) == str(
        tmp_path / "pip-100.1-py3-none-any.whl"
    )


@pytest.mark.parametrize("kind", ["", "-dev"])
def test_lock_files_name_no_index_and_hash_everything(kind: str) -> None:
    lines = (CHECKOUT / f"requirements{kind}.lock").read_text(encoding="ascii").splitlines()
    assert not [line for line in lines if "//" in line or line.startswith("-")]
    pinned = [number for number, line in enumerate(lines) if "==" in line]
    assert pinned
    assert all(lines[number + 1].strip().startswith("--hash=sha256:") for number in pinned)


@pytest.mark.slow
def test_launcher_gives_python_folders_that_outlive_a_change_of_directory(checkout: SmallCheckout) -> None:
    """Commands import what they need late, and may stand in another folder by then."""
    main = checkout.folder / "src" / "larix" / "cli" / "main.py"
    main.write_text("import sys\ndef main():\n    print(*sys.path, sep='\\n')\n")
    done = subprocess.run(
        ["./larix"], env=checkout.environment, cwd=checkout.folder, capture_output=True, text=True, check=True
    )
    entries = done.stdout.splitlines()
    assert all(entry.startswith("/") for entry in entries)
    wanted = {checkout.folder / "src", checkout.folder / "distro", checkout.folder / ".venv" / "lib"}
    found = {Path(entry).resolve() for entry in entries}
    assert all(any(path == part or path in part.parents for part in found) for path in wanted)
