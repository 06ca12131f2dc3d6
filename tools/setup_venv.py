"""Makes the virtual environment of a checkout: `.venv`, with the locked dependencies and larix importable.

Standard library only, since it runs before anything is installed, and quiet about itself: a few short lines
on standard error, the whole of pip's output in `.venv/setup.log`.

What stands in `.venv` when it is usable, in the order written:

    bin/python, lib/...         from the standard `venv` module, without pip
    installing                  only while pip is at work; found later, it tells of an interrupted run
    site-packages/larix.pth     the folders `src` and `distro`, relative to itself
    checkout                    a link to the checkout, so that a moved or copied one is noticed
    interpreter                 a link to the Python program used, so that an upgraded one is noticed
    ready, ready-dev            the hash of the lock file that was installed; newer than that file

Several first runs at once are safe: one works, under a lock on the checkout's folder, and the others wait.
"""

from __future__ import annotations

import compileall
import contextlib
import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence

PIP_WITH_OTHER_PYTHON = (22, 3)  # the first pip that knows --python
NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|Failed to establish a new connection|Network is unreachable"
    r"|Temporary failure (in name resolution|resolving)|Connection refused|ConnectTimeout|Could not resolve"
)
BAD_CERTIFICATE = re.compile(
    r"CERTIFICATE_VERIFY_FAILED|invalid path: .*(\.pem|\.crt)|TLS CA certificate bundle"
)
SYSTEM_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


class SetupError(Exception):
    """Why the checkout cannot be set up, in one line."""


def say(text: str) -> None:
    print(f"larix: {text}", file=sys.stderr, flush=True)


class Environment:
    """The `.venv` of one checkout, and what is known of its state."""

    def __init__(self, checkout: str) -> None:
        self.checkout = checkout
        self.folder = os.path.join(checkout, ".venv")
        self.python = os.path.join(self.folder, "bin", "python")
        self.log = os.path.join(self.folder, "setup.log")
        self.installing = os.path.join(self.folder, "installing")

    def lock_file(self, kind: str) -> str:
        return os.path.join(self.checkout, f"requirements{kind}.lock")

    def digest(self, kind: str) -> str:
        with open(self.lock_file(kind), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    def stamp(self, kind: str) -> str:
        return os.path.join(self.folder, f"ready{kind}")

    def is_sound(self) -> bool:
        """Whether what is there can be built upon: made by this Python, and not left half-way."""
        config = os.path.join(self.folder, "pyvenv.cfg")
        if os.path.lexists(self.installing) or not os.path.exists(config) or not os.path.exists(self.python):
            return False
        return os.path.isdir(self.site_packages())

    def is_ready(self, kind: str) -> bool:
        try:
            with open(self.stamp(kind), encoding="ascii") as file:
                installed = file.read().strip()
        except OSError:
            return False
        return (
            installed == self.digest(kind)
            and self.is_sound()
            and same_file(os.path.join(self.folder, "checkout"), self.checkout)
            and same_file(os.path.join(self.folder, "interpreter"), self.python)
        )

    def site_packages(self) -> str:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return os.path.join(self.folder, "lib", version, "site-packages")

    def create(self) -> None:
        if os.path.lexists(self.folder):
            say("starting .venv anew")
            shutil.rmtree(self.folder)
        venv.EnvBuilder(with_pip=False, symlinks=True).create(self.folder)

    def finish(self, kind: str) -> None:
        """Mark as usable what stands there. The stamp comes last: without it nothing else counts."""
        site = self.site_packages()
        lines = [os.path.relpath(os.path.join(self.checkout, name), site) for name in ("src", "distro")]
        replace_text(os.path.join(site, "larix.pth"), "".join(f"{line}\n" for line in lines))
        replace_link(os.path.join(self.folder, "checkout"), self.checkout)
        replace_link(os.path.join(self.folder, "interpreter"), os.path.realpath(self.python))
        replace_text(self.stamp(kind), self.digest(kind) + "\n")

    def refresh(self, kind: str) -> None:
        """The lock file was touched but not changed: make the stamp newer again, if it is ours to touch."""
        with contextlib.suppress(OSError):
            os.utime(self.stamp(kind))


def same_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def replace_text(file: str, text: str) -> None:
    with open(f"{file}.new", "w", encoding="utf-8") as stream:
        stream.write(text)
    os.replace(f"{file}.new", file)


def replace_link(link: str, target: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{link}.new")
    os.symlink(target, f"{link}.new")
    os.replace(f"{link}.new", link)


@contextlib.contextmanager
def only_one(checkout: str) -> Iterator[None]:
    """Hold the lock on the checkout's folder itself, so that no lock file stays behind."""
    descriptor = os.open(checkout, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def pip_environment(certificates: str | None) -> dict[str, str]:
    """The machine's own pip settings stay in force; only those that would install elsewhere are undone."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT"}
    }
    environment |= {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    environment.pop("PYTHONPATH", None)
    if certificates is not None:
        environment["REQUESTS_CA_BUNDLE"] = certificates
    return environment


def host_pip() -> list[str] | None:
    """The pip of the Python that runs us, when it can install into another environment."""
    asked = subprocess.run(
        [sys.executable, "-I", "-m", "pip", "--version"], capture_output=True, text=True, check=False
    )
    found = re.match(r"pip (\d+)\.(\d+)", asked.stdout)
    if asked.returncode or not found or (int(found[1]), int(found[2])) < PIP_WITH_OTHER_PYTHON:
        return None
    return [sys.executable, "-I", "-m", "pip"]


def wheel_in(*folders: str | None) -> str | None:
    """The newest pip wheel in the first folder that has one; such a wheel runs as it is."""
    for folder in folders:
        if folder and (wheels := glob.glob(os.path.join(glob.escape(folder), "pip-*.whl"))):
            return max(
                wheels, key=lambda wheel: [int(n) for n in re.findall(r"\d+", os.path.basename(wheel))]
            )
    return None


def installed_wheel() -> str | None:
    bundled = os.path.join(sysconfig.get_path("stdlib"), "ensurepip", "_bundled")
    return wheel_in(bundled, sysconfig.get_config_var("WHEEL_PKG_DIR"), "/usr/share/python-wheels")


def fetch_debian_package(name: str, scratch: str) -> str:
    """Download a package with the machine's own apt and unpack it; needs no root, installs nothing.

    Where the machine has no package lists yet, lists of our own are fetched into `scratch`.
    """
    target = os.path.join(scratch, name)
    os.makedirs(os.path.join(target, "lists", "partial"))
    own_lists = [
        "-o", f"Dir::State::lists={target}/lists", "-o", f"Dir::Cache={target}", "-o", "APT::Sandbox::User="
    ]  # fmt: skip
    steps = [
        [["apt-get", "-o", "APT::Sandbox::User=", "download", name]],
        [["apt-get", *own_lists, "update"], ["apt-get", *own_lists, "download", name]],
    ]
    output = ""
    for commands in steps:
        for command in commands:
            done = subprocess.run(command, cwd=target, capture_output=True, text=True, check=False)
            output += done.stdout + done.stderr
        if archives := glob.glob(os.path.join(glob.escape(target), f"{name}_*.deb")):
            subprocess.run(["dpkg-deb", "-x", archives[0], target], check=True)
            return target
        if NO_NETWORK.search(output):
            break
    raise SetupError(f"cannot download Debian's package `{name}`{reason_in(output, 'E:')}")


def reason_in(output: str, prefix: str) -> str:
    """What to append to a message: why the program that printed this failed, as well as can be told."""
    if NO_NETWORK.search(output):
        return ": no network"
    if BAD_CERTIFICATE.search(output):
        return ": the package index's certificate is not trusted here (PIP_CERT can name its authority)"
    reasons = [line.strip() for line in output.splitlines() if line.startswith(prefix)]
    return f": {reasons[0].removeprefix(prefix).strip()}" if reasons else ""


def find_pip(environment: Environment, scratch: str) -> list[str]:
    """A command that is pip, for the environment: the host's, a wheel that is on the machine, or Debian's."""
    if command := host_pip():
        return [*command, "--python", environment.python]
    wheel = installed_wheel()
    if wheel is None:
        if not shutil.which("apt-get"):
            raise SetupError(
                "this Python has no pip; install it (python3-pip, or python3-venv) and try again"
            )
        say("this Python has no pip: fetching Debian's for this set-up only")
        unpacked = fetch_debian_package("python3-pip-whl", scratch)
        wheel = wheel_in(os.path.join(unpacked, "usr/share/python-wheels"))
        if wheel is None:
            raise SetupError("Debian's package `python3-pip-whl` holds no wheel of pip")
    return [environment.python, "-I", os.path.join(wheel, "pip")]


def certificates_of_machine(scratch: str) -> str | None:
    """The certificate authorities the machine trusts, or those Debian ships where there are none yet."""
    if os.path.exists(SYSTEM_CERTIFICATES):
        return SYSTEM_CERTIFICATES
    if not shutil.which("apt-get"):
        return None
    say("this machine has no certificates: fetching Debian's for this set-up only")
    unpacked = fetch_debian_package("ca-certificates", scratch)
    bundle = os.path.join(scratch, "certificates")
    with open(bundle, "wb") as target:
        for name in sorted(glob.glob(os.path.join(unpacked, "usr/share/ca-certificates/mozilla/*.crt"))):
            with open(name, "rb") as source:
                shutil.copyfileobj(source, target)
    return bundle


def run_logged(command: list[str], environment: dict[str, str], log_file: str) -> tuple[int, str]:
    """Run, appending what is printed to the log; give back the exit code and the text."""
    with open(log_file, "a+", encoding="utf-8", errors="replace") as log:
        start = log.seek(0, os.SEEK_END)
        done = subprocess.run(command, env=environment, stdout=log, stderr=log, check=False)
        log.seek(start)
        return done.returncode, log.read()


def install(environment: Environment, kinds: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="larix-setup-") as scratch:
        pip = find_pip(environment, scratch)
        say("installing the locked dependencies" + (" and the tools of ./check" if "-dev" in kinds else ""))
        command = [*pip, "install", "--quiet", "--retries", "2", "--require-hashes", "--only-binary", ":all:"]
        for kind in kinds:
            command += ["--requirement", environment.lock_file(kind)]
        status, output = run_logged(command, pip_environment(None), environment.log)
        if status and BAD_CERTIFICATE.search(output) and (bundle := certificates_of_machine(scratch)):
            # Older pips trust only the authorities they came with, and Debian's come with none.
            status, output = run_logged(command, pip_environment(bundle), environment.log)
    if status:
        raise SetupError(
            f"cannot install the locked dependencies{reason_in(output, 'ERROR:')} (see {environment.log})"
        )


def set_up(checkout: str, kinds: Sequence[str]) -> None:
    environment = Environment(checkout)
    with only_one(checkout):
        if all(environment.is_ready(kind) for kind in kinds):
            for kind in kinds:
                environment.refresh(kind)
            return
        if not os.access(checkout, os.W_OK) or (
            os.path.isdir(environment.folder) and not os.access(environment.folder, os.W_OK)
        ):
            raise SetupError(
                f"{checkout} is not set up, and not yours to write to: its owner must run ./larix once"
            )
        started = time.monotonic()
        say("setting up this checkout in .venv")
        if not environment.is_sound():
            environment.create()
        with open(environment.installing, "w", encoding="ascii"):
            pass
        install(environment, kinds)
        os.unlink(environment.installing)
        for kind in kinds:
            environment.finish(kind)
        for name in ("src", "distro"):
            compileall.compile_dir(os.path.join(checkout, name), quiet=2)
        say(f"set up in {time.monotonic() - started:.0f} s")


def main(arguments: Sequence[str]) -> int:
    if list(arguments) not in ([], ["--dev"]):
        say("usage: setup-venv [--dev]")
        return 1
    checkout = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    try:
        set_up(checkout, ["", "-dev"] if arguments else [""])
    except SetupError as error:
        say(f"error: {error}")
    except OSError as error:
        say(f"error: cannot set up {checkout}: {error}")
    except KeyboardInterrupt:
        return 130
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
