"""An ordinary user's store and profiles: real namespaces, no set-up, nothing in the machine's own places."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from larix.store.atomic import remove_tree

CHECKOUT = Path(__file__).parents[2]
USER = 54321
STOCK = """
import os, sys
from larix.store import Layout, open_local_store
from larix.store.rootless import enter_rootless_store
enter_rootless_store()
with open_local_store(Layout()) as store:
    for file in sys.argv[1:]:
        path = store.add_path(os.path.basename(file), file)
        store.add_permanent_root(path, file + ".root")
        print(path)
"""


class Citizen:
    """Somebody without rights, with a home and a copy of larix that he may read."""

    def __init__(self, base: Path) -> None:
        self.home = base / "home"
        self.home.mkdir()
        shutil.copytree(CHECKOUT / "src", base / "src", ignore=shutil.ignore_patterns("__pycache__"))
        self.prefix: list[str] = []
        if os.geteuid() == 0:
            os.chown(self.home, USER, USER)
            self.prefix = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        self.environment = {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(base / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
        }
        self.python = next(filter(self.can_use, dict.fromkeys(["/usr/bin/python3", sys.executable])), None)

    def can_use(self, python: str) -> bool:
        if self.prefix and shutil.which("setpriv") is None:
            return False
        probe = "import sys, larix.store.rootless; sys.exit(sys.version_info < (3, 11))"
        done = subprocess.run(
            [*self.prefix, python, "-c", probe],
            env=self.environment,
            capture_output=True,
            check=False,
            cwd=self.home,
        )
        return done.returncode == 0

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.prefix, *command],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )

    def larix(self, *words: str) -> subprocess.CompletedProcess[str]:
        assert self.python is not None
        return self.run(self.python, "-m", "larix.cli.main", *words)

    def succeed(self, *words: str) -> str:
        done = self.larix(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def stock(self, *names: str) -> list[str]:
        """Put small packages into the store, each with a program of its name."""
        assert self.python is not None
        files: list[str] = []
        for name in names:
            program = self.home / f"{name}-1.0" / "bin" / name
            program.parent.mkdir(parents=True)
            program.write_text(f'#!/bin/sh\necho "{name} in" $(ls -d /larix/store) "$@"\n')
            program.chmod(0o755)
            files.append(str(self.home / f"{name}-1.0"))
        done = self.run(self.python, "-c", STOCK, *files)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()


@pytest.fixture
def citizen():
    base = Path(tempfile.mkdtemp(prefix="lx-"))
    base.chmod(0o755)
    try:
        made = Citizen(base)
        if made.python is None:
            pytest.skip("no Python of version 3.11 that an ordinary user may run, or no setpriv")
        probe = made.run("unshare", "--user", "--map-root-user", "--mount", "true")
        if probe.returncode:
            pytest.skip(f"this machine gives an ordinary user no namespaces: {probe.stderr.strip()}")
        yield made
    finally:
        remove_tree(str(base))


def test_an_installed_program_runs_from_the_plain_shell(citizen):
    """The launcher is a file of the host; the program that it becomes sees the store at its place."""
    (alpha,) = citizen.stock("alpha")
    assert alpha.startswith("/larix/store/")
    citizen.succeed("package", "-i", alpha, "-p", "./p")
    done = citizen.run("./p/bin/alpha", "it's", "a b")
    assert (done.returncode, done.stdout, done.stderr) == (0, "alpha in /larix/store it's a b\n", "")
    done = citizen.run(
        "/bin/sh", "-c", ". ./p/etc/profile; alpha; LARIX_PROFILE=./p; . ./p/etc/profile; alpha"
    )
    assert done.stdout == "alpha in /larix/store\n" * 2


def test_everything_is_kept_under_the_data_directory(citizen):
    before = set(os.listdir("/"))
    (alpha,) = citizen.stock("alpha")
    citizen.succeed("package", "-i", alpha)
    data = citizen.home / ".local" / "share" / "larix"
    assert (data / "store" / os.path.basename(alpha)).exists()
    link = os.readlink(citizen.home / ".larix-profile")
    assert link.startswith(f"{data}/var/profiles/per-user/")
    assert citizen.run(str(citizen.home / ".larix-profile/bin/alpha")).stdout == "alpha in /larix/store\n"
    assert set(os.listdir("/")) == before
    owners = {status.st_uid for status in (path.lstat() for path in data.rglob("*"))}
    assert owners == {USER if citizen.prefix else os.geteuid()}


def test_queries_roll_back_and_other_links_of_a_front(citizen):
    alpha, beta = citizen.stock("alpha", "beta")
    citizen.succeed("package", "-i", alpha, "-p", "./p")
    citizen.succeed("package", "-i", beta, "-r", "alpha", "-p", "./p")
    assert citizen.succeed("package", "-p", "./p", "-I") == f"beta\t1.0\tout\t{beta}\n"
    assert citizen.succeed("package", "-p", "./p", "--roll-back") == "switched from generation 2 to 1\n"
    assert citizen.succeed("package", "-p", "./p", "-I") == f"alpha\t1.0\tout\t{alpha}\n"
    assert citizen.run("./p/bin/alpha").returncode == 0
    assert citizen.succeed("package", "-p", "./p", "--roll-back") == "switched from generation 1 to 0\n"
    assert citizen.succeed("package", "-p", "./p", "-I") == ""
    listed = citizen.succeed("package", "--list-profiles")
    assert listed == f"{citizen.home}/p\n"


def test_a_root_leads_where_the_user_sees_the_item(citizen):
    (alpha,) = citizen.stock("alpha")
    (citizen.home / "alpha-1.0.root").unlink()
    citizen.succeed("build", alpha, "-r", "result")
    assert os.readlink(citizen.home / "result").startswith(f"{citizen.home}/.local/share/larix/store/")
    assert citizen.run("ls", "result/bin").stdout == "alpha\n"
    assert citizen.succeed("gc", "--references", "./result") == ""
    assert citizen.larix("gc", "-D", "./result").returncode == 1
    citizen.succeed("gc")
    assert citizen.run("ls", "result/bin").stdout == "alpha\n"
    citizen.succeed("build", alpha, "-r", "result")  # in the place of its like
    (citizen.home / "result").unlink()
    citizen.succeed("gc", "-D", alpha)


def test_what_holds_room_is_told_by_profile_and_generation(citizen):
    """And not by what stands between these and the store."""
    alpha, beta = citizen.stock("alpha", "beta")
    citizen.succeed("package", "-i", alpha)
    citizen.succeed("package", "-i", alpha, "-p", "./p")
    citizen.succeed("package", "-i", beta, "-p", "./p")
    told = citizen.succeed("size", "--roots")
    assert "/fronts/" not in told
    assert f"    {citizen.home}/.larix-profile\n" in told
    assert f"    {citizen.home}/p\n" in told
    assert told.count("      generation 1\n") == 2
    assert "      generation 2\n" in told
    by_root = citizen.succeed("gc", "--report", "--by-root")
    assert f"  {citizen.home}/p-2-link\n" in by_root
    assert "/var/profiles/per-user/" in by_root


def test_collection_keeps_what_generations_hold_and_nothing_else(citizen):
    alpha, beta = citizen.stock("alpha", "beta")
    for name in ("alpha", "beta"):
        os.unlink(citizen.home / f"{name}-1.0.root")
    citizen.succeed("package", "-i", alpha, "-p", "./p")
    citizen.succeed("package", "-i", beta, "-p", "./p")
    citizen.succeed("package", "-r", "alpha", "-p", "./p")
    citizen.succeed("gc")
    store = citizen.home / ".local" / "share" / "larix" / "store"
    assert (store / os.path.basename(alpha)).exists()
    citizen.succeed("package", "-p", "./p", "-d")
    citizen.succeed("gc")
    assert not (store / os.path.basename(alpha)).exists()
    assert citizen.run("./p/bin/beta").stdout == "beta in /larix/store\n"
    fronts = os.listdir(citizen.home / ".local" / "share" / "larix" / "fronts")
    assert len([name for name in fronts if not name.startswith(".")]) == 1
    for name in ("p", "p-3-link"):
        os.unlink(citizen.home / name)
    citizen.succeed("gc")
    assert not (store / os.path.basename(beta)).exists()


def test_programs_run_in_the_namespace_and_shells_too(citizen):
    (alpha,) = citizen.stock("alpha")
    assert citizen.succeed("run", alpha, "x") == "alpha in /larix/store x\n"
    done = citizen.larix("shell", alpha, "--", "/bin/sh", "-c", "alpha; id -u; exit 5")
    assert done.returncode == 5
    assert done.stdout == f"alpha in /larix/store\n{USER if citizen.prefix else os.geteuid()}\n"
    nested = citizen.larix("shell", alpha, "--", citizen.python, "-m", "larix.cli.main", "run", alpha)
    assert nested.stdout == "alpha in /larix/store\n"


def test_the_working_directory_and_its_files_stay_the_same(citizen):
    (alpha,) = citizen.stock("alpha")
    citizen.succeed("package", "-i", alpha, "-p", "./p")
    done = citizen.larix("shell", "-p", "./p", "--", "/bin/sh", "-c", "pwd; echo text > made")
    assert done.stdout == f"{citizen.home}\n"
    assert (citizen.home / "made").read_text() == "text\n"


def test_installations_at_once_lose_nothing(citizen):
    names = ["alpha", "beta", "gamma", "delta"]
    items = citizen.stock(*names)
    running = [
        subprocess.Popen(
            [*citizen.prefix, citizen.python, "-m", "larix.cli.main", "package", "-i", item, "-p", "./p"],
            cwd=citizen.home,
            env=citizen.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for item in items
    ]
    told = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4, told
    lines = citizen.succeed("package", "-p", "./p", "-I").splitlines()
    assert sorted(line.split()[0] for line in lines) == sorted(names)
    for name in names:
        assert citizen.run(f"./p/bin/{name}").stdout == f"{name} in /larix/store\n"


@pytest.mark.slow
def test_killed_anywhere_the_profile_is_the_old_or_the_new_one(citizen):
    alpha, beta = citizen.stock("alpha", "beta")
    citizen.succeed("package", "-i", alpha, "-p", "./p")
    for count in range(5):
        process = subprocess.Popen(
            [*citizen.prefix, citizen.python, "-m", "larix.cli.main", "package", "-i", beta, "-p", "./p"],
            cwd=citizen.home,
            env=citizen.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(count):
            process.stderr.readline()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        held = [line.split()[0] for line in citizen.succeed("package", "-p", "./p", "-I").splitlines()]
        assert held in (["alpha"], ["alpha", "beta"])
        assert citizen.run("./p/bin/alpha").returncode == 0
        citizen.succeed("package", "-S1", "-p", "./p")
    citizen.succeed("package", "-i", beta, "-p", "./p")
    assert citizen.run("./p/bin/beta").returncode == 0


def test_verbose_commands_say_which_store_they_use(citizen):
    (alpha,) = citizen.stock("alpha")
    done = citizen.larix("package", "-i", alpha, "-p", "./p", "-v2")
    data = citizen.home / ".local" / "share" / "larix"
    assert f"note: using the rootless store /larix/store, kept in {data}\n" in done.stderr


def test_launchers_survive_that_larix_moves(citizen):
    """They work again once any command on profiles has run from the new place."""
    (alpha,) = citizen.stock("alpha")
    citizen.succeed("package", "-i", alpha, "-p", "./p")
    source = citizen.environment["PYTHONPATH"]
    os.rename(source, f"{source}-moved")
    citizen.environment["PYTHONPATH"] = f"{source}-moved"
    assert citizen.run("./p/bin/alpha").returncode != 0
    citizen.succeed("package", "-p", "./p", "-I")
    assert citizen.run("./p/bin/alpha").stdout == "alpha in /larix/store\n"


def test_launchers_belong_to_their_user(citizen):
    (alpha,) = citizen.stock("alpha")
    citizen.succeed("package", "-i", alpha, "-p", "./p")
    mode = (citizen.home / "p" / "bin" / "alpha").stat().st_mode
    assert not mode & (stat.S_IWGRP | stat.S_IWOTH)


def test_profiles_are_looked_at_by_the_names_that_their_user_knows(citizen):
    (alpha,) = citizen.stock("alpha")
    citizen.succeed("package", "-p", "p", "-i", alpha)
    chain = citizen.succeed("why", "./p", "alpha").splitlines()
    assert chain[0].endswith("-profile")
    assert chain[1] == f"└─ {alpha}"
    assert alpha in citizen.succeed("size", "-m", "map.html", "p")
    assert (citizen.home / "map.html").read_text().startswith("<!doctype html>")
    assert alpha in citizen.succeed("graph", "-t", "references", "./p")


def test_a_container_of_an_ordinary_users_store(citizen):
    """One user name space within another; the store is that of the outer one."""
    busybox = shutil.which("busybox", path="/bin:/usr/bin")
    if busybox is None or subprocess.call([busybox, "sh", "-c", "PATH=; ls / > /dev/null"]):
        pytest.skip("no busybox with its tools built in (Debian: busybox-static)")
    programs = citizen.home / "box-1.0" / "bin"
    programs.mkdir(parents=True)
    for name in ("busybox", "sh"):
        shutil.copy(busybox, programs / name)
    done = citizen.run(citizen.python, "-c", STOCK, str(citizen.home / "box-1.0"))
    assert done.returncode == 0, done.stderr
    item = done.stdout.strip()
    citizen.stock("alpha")
    citizen.succeed("package", "-i", item, "-p", "./p")
    shutil.rmtree(citizen.home / "box-1.0")
    script = (
        "busybox id -u; busybox echo $(busybox ls /larix/store); busybox pwd; busybox ls; busybox touch new"
    )
    script += "; exit 6"
    done = citizen.larix("shell", "-C", "-p", "./p", "--", "sh", "-c", script)
    assert done.returncode == 6, done.stderr
    uid, store, directory, *names = done.stdout.splitlines()
    assert uid == str(USER if citizen.prefix else os.geteuid())
    assert {each.split("-", 1)[1] for each in store.split()} == {"box-1.0", "profile"}
    assert directory == str(citizen.home)
    assert "p" in names
    assert (citizen.home / "new").exists()
    done = citizen.larix("shell", "-C", "--no-cwd", "-p", "./p", "--", "sh", "-c", "busybox ls -A")
    assert (done.returncode, done.stdout) == (0, "")
