"""Every check of the project, in one command; `./check` starts it in the development environment.

    ./check                     everything: lint, format, types, all tests
    ./check --fast              the same without tests marked slow or build
    ./check tests/formats -k x  what is not an option of ours goes to pytest, whose closing line comes last

As root, test helpers that Debian packages (real Nix, a static shell, gcc) are installed through apt-get when
absent; otherwise, and where that fails, the tests that need them are skipped with the reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CODE = ["src", "distro", "tests", "tools", "bench"]
HELPERS = {
    "nix-store": ["nix-bin"],
    "bash-static": ["bash-static"],
    "busybox": ["busybox-static"],
    "git": ["git"],
    "gcc": ["gcc", "libc6-dev"],
    "skopeo": ["skopeo"],
    "umoci": ["umoci"],
    "unsquashfs": ["squashfs-tools"],
    "zstd": ["zstd"],
    "rpm": ["rpm", "cpio"],
    "lzip": ["lzip"],
    "sshd": ["openssh-server"],
    "zsh": ["zsh"],
    "fish": ["fish"],
    "man": ["man-db", "groff-base"],
    "mandoc": ["mandoc"],
    "update-mime-database": ["shared-mime-info"],
    "gtk-update-icon-cache": ["gtk-update-icon-cache"],
    "mkfontscale": ["xfonts-utils", "fonts-dejavu-core"],
}
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


class Step(NamedTuple):
    name: str
    command: list[str]


class Outcome(NamedTuple):
    step: Step
    status: int
    output: str
    seconds: float


def static_steps() -> list[Step]:
    code = [name for name in CODE if os.path.isdir(os.path.join(CHECKOUT, name))]
    module = [sys.executable, "-I", "-m"]
    return [
        Step("ruff check", [*module, "ruff", "check", "--quiet", "--output-format=concise", *code]),
        Step("ruff format", [*module, "ruff", "format", "--check", "--quiet", *code]),
        Step("mypy --strict", [*module, "mypy", "--strict", "--no-error-summary"]),
        Step("pyright strict", [*module, "pyright"]),
    ]


def environment() -> dict[str, str]:
    """Ours, without what would change which code is checked or have a checker advertise its updates."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTEST_ADDOPTS"}}
    kept["PYRIGHT_PYTHON_IGNORE_WARNINGS"] = "1"
    if os.path.exists(CERTIFICATES):
        kept.setdefault(
            "NODE_EXTRA_CA_CERTS", CERTIFICATES
        )  # pyright fetches itself, through a Node of its own
    return kept


def run_quietly(step: Step) -> Outcome:
    started = time.monotonic()
    done = subprocess.run(
        step.command,
        cwd=CHECKOUT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    return Outcome(step, done.returncode, done.stdout, time.monotonic() - started)


def install_helpers() -> None:
    absent = [name for program, names in HELPERS.items() if shutil.which(program) is None for name in names]
    if not absent:
        return
    names = " ".join(absent)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"helpers         absent: {names}; tests that need them are skipped", flush=True)
        return
    install = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", *absent]
    script_environment = environment() | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (install, ["apt-get", "--quiet", "update"], install):
        done = subprocess.run(command, env=script_environment, capture_output=True, text=True, check=False)
        if command is install and done.returncode == 0:
            print(f"helpers         installed: {names}", flush=True)
            return
    print(
        f"helpers         cannot be installed: {names}; tests that need them are skipped\n{done.stderr}",
        flush=True,
    )


def run_static() -> list[str]:
    """Run the checks that only read, two at a time; give back the names of those that failed."""
    failed: list[str] = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for outcome in pool.map(run_quietly, static_steps()):
            verdict = "ok" if outcome.status == 0 else "FAILED"
            print(f"{outcome.step.name:15} {verdict:6} {outcome.seconds:6.1f} s", flush=True)
            if outcome.status:
                failed.append(outcome.step.name)
                print(outcome.output, flush=True)
    return failed


def pytest_command(fast: bool, arguments: Sequence[str]) -> list[str]:
    workers = min(os.cpu_count() or 1, 4)
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers)]
    if fast:
        command += ["-m", "not slow and not build"]
    return [*command, *arguments]


def main(arguments: Sequence[str]) -> int:
    fast = "--fast" in arguments
    rest = [argument for argument in arguments if argument != "--fast"]
    if "-h" in rest or "--help" in rest:
        print(__doc__)
        return 0
    install_helpers()
    failed = run_static()
    if failed:
        print(f"failed before the tests: {', '.join(failed)}", flush=True)
    tests = subprocess.run(pytest_command(fast, rest), cwd=CHECKOUT, env=environment(), check=False)
    return tests.returncode or (1 if failed else 0)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
