"""An ordinary user sees his own store at /larix; nobody else sees anything."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from larix.store.errors import StoreUnusable
from larix.store.rootless import _refusal, is_inside, rootless_data_dir

SOURCES = str(Path(__file__).parents[2] / "src")
USER = 61234

PROGRAM = """
import os, sys
from larix.errors import LarixError
from larix.store.rootless import *
before = sorted(os.listdir("/"))
here = os.getcwd()
try:
    data = enter_rootless_store()
except LarixError as error:
    print("refused:", error, error.hint)
    sys.exit(77)
assert sorted(os.listdir("/")) == sorted({*before, "larix"}), os.listdir("/")
assert os.getcwd() == here
assert (os.getuid(), os.getgid()) == (os.geteuid(), os.getegid()) == (int(sys.argv[1]),) * 2
assert is_inside(data)
assert enter_rootless_store() == data, "entering twice is entering once"
with open("/proc/self/status") as status:
    assert [line.split()[1] for line in status if line.startswith(("CapEff", "CapPrm"))] == ["0" * 16] * 2
from larix.store import *
with open_local_store(Layout.from_environment({})) as store:
    path = store.add_text("greeting", b"hello")
print(data)
print(path, flush=True)
os.execv("/bin/sh", ["/bin/sh", "-c", f"cat {path} && ls -d /proc/self/fd && id -u"])
"""


def python_for_all() -> str:
    """The one that runs the tests may stand where other users cannot go."""
    return sys.executable if os.geteuid() != 0 else "/usr/bin/python3"


def run(program: str, home: Path, *arguments: str, cwd: str = "/tmp") -> subprocess.CompletedProcess[str]:
    options: dict[str, object] = {}
    if os.geteuid() == 0:
        if not os.path.exists(python_for_all()):
            pytest.skip("no python that an ordinary user may run")
        os.chown(home, USER, USER)
        options = {"user": USER, "group": USER, "extra_groups": []}
    done = subprocess.run(
        [python_for_all(), "-B", "-c", program, *arguments],
        env={"PYTHONPATH": SOURCES, "HOME": str(home), "PATH": os.environ["PATH"]},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    if done.returncode == 77:
        pytest.skip(done.stdout)
    return done


def user_number() -> int:
    return USER if os.geteuid() == 0 else os.geteuid()


def test_the_store_is_where_it_should_be_and_programs_see_it(public_dir: Path) -> None:
    home = public_dir / "home"
    home.mkdir()
    done = run(PROGRAM, home, str(user_number()))
    assert done.returncode == 0, done.stderr
    data, path, contents = done.stdout.splitlines()[:3]
    assert data == f"{home}/.local/share/larix"
    assert path.startswith("/larix/store/")
    assert contents == "hello/proc/self/fd"
    assert done.stdout.splitlines()[3] == str(user_number())
    outside = Path(data + path.removeprefix("/larix"))
    assert outside.read_text() == "hello"
    assert outside.stat().st_uid == user_number()
    assert os.listdir(data + "/.root") == []


def test_what_was_added_is_there_the_next_time(public_dir: Path) -> None:
    home = public_dir / "home"
    home.mkdir()
    first = run(PROGRAM, home, str(user_number()))
    second = run(PROGRAM, home, str(user_number()))
    assert first.stdout == second.stdout
    assert second.returncode == 0, second.stderr


def test_mounts_below_the_root_are_seen(public_dir: Path) -> None:
    home = public_dir / "home"
    home.mkdir()
    program = (
        "import os\n"
        "def mounts(): return {line.split()[4] for line in open('/proc/self/mountinfo')}\n"
        "wanted = {name for name in mounts() if name != '/' and not name.startswith('/larix')\n"
        "          and os.path.exists(name)}\n"
        "from larix.errors import LarixError\n"
        "from larix.store.rootless import *\n"
        "try: enter_rootless_store()\n"
        "except LarixError as error: print(error); raise SystemExit(77)\n"
        "assert wanted <= mounts(), wanted - mounts()\n"
        "assert '/larix' in mounts()\n"
    )
    done = run(program, home)
    assert done.returncode == 0, done.stderr


def test_a_process_with_threads_is_refused(public_dir: Path) -> None:
    home = public_dir / "home"
    home.mkdir()
    program = (
        "import threading\n"
        "from larix.store.rootless import *\n"
        "event = threading.Event()\n"
        "threading.Thread(target=event.wait).start()\n"
        "try: enter_rootless_store()\n"
        "except NamespacesUnavailable as error: print(error)\n"
        "finally: event.set()\n"
    )
    done = run(program, home)
    assert "several threads" in done.stdout, done.stderr


def test_a_data_directory_that_cannot_be_made_is_named(public_dir: Path) -> None:
    (public_dir / "home").mkdir()
    program = (
        "import os\n"
        "os.environ['XDG_DATA_HOME'] = '/proc/nowhere'\n"
        "from larix.store.rootless import *\n"
        "from larix.errors import LarixError\n"
        "try: enter_rootless_store()\n"
        "except LarixError as error: print(error)\n"
    )
    done = run(program, public_dir / "home")
    assert "`/proc/nowhere" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HOME": "/home/me"}, "/home/me/.local/share/larix"),
        ({"HOME": "/home/me", "XDG_DATA_HOME": "/data/"}, "/data/larix"),
        ({"HOME": "/home/me", "XDG_DATA_HOME": "relative"}, "/home/me/.local/share/larix"),
    ],
)
def test_the_data_directory_follows_the_environment(variables: dict[str, str], expected: str) -> None:
    assert rootless_data_dir(variables) == expected


def test_without_a_home_the_error_says_what_is_missing() -> None:
    with pytest.raises(StoreUnusable, match="HOME"):
        rootless_data_dir({})


def test_outside_is_not_inside(tmp_path: Path) -> None:
    assert not is_inside(str(tmp_path))


@pytest.mark.parametrize(
    ("switch", "value", "command"),
    [
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "apparmor_restrict_unprivileged_userns=0"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
    ],
)
def test_a_refusal_names_the_switch_and_the_command(
    tmp_path: Path, switch: str, value: str, command: str
) -> None:
    file = tmp_path / "sys" / switch
    file.parent.mkdir(parents=True)
    file.write_text(value + "\n")
    error = _refusal("unshare(CLONE_NEWUSER | CLONE_NEWNS)", 1, proc=str(tmp_path))
    assert "unshare(CLONE_NEWUSER | CLONE_NEWNS) failed: Operation not permitted (EPERM)" in str(error)
    assert f"`{switch.replace('/', '.')}` is {value}" in str(error)
    assert error.hint is not None
    assert "sudo sysctl -w " in error.hint
    assert command in error.hint


def test_a_refusal_in_a_container_names_the_filter(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text("Name:\tx\nSeccomp:\t2\n")
    error = _refusal("unshare", 1, proc=str(tmp_path))
    assert "seccomp" in str(error)
    assert "container" in (error.hint or "")


def test_a_kernel_without_user_namespaces_is_named(tmp_path: Path) -> None:
    assert "without user namespaces" in str(_refusal("unshare", 38, proc=str(tmp_path)))
    assert "nested" in str(_refusal("unshare", 28, proc=str(tmp_path)))


def test_a_user_whose_namespaces_are_used_up_is_told_so(public_dir: Path) -> None:
    """A real refusal: the limit is set to nothing for a namespace of our own, and for all below it."""
    home = public_dir / "home"
    home.mkdir()
    limited = (
        "import ctypes, os, sys\n"
        "libc = ctypes.CDLL(None)\n"
        "uid, gid = os.getuid(), os.getgid()\n"
        "if libc.unshare(0x10000000): sys.exit(77)\n"
        "ids = ('setgroups', 'deny'), ('uid_map', f'{uid} {uid} 1'), ('gid_map', f'{gid} {gid} 1')\n"
        "for name, text in ids:\n"
        "    open('/proc/self/' + name, 'w').write(text)\n"
        "try: open('/proc/sys/user/max_user_namespaces', 'w').write('0')\n"
        "except OSError as error: print(error); sys.exit(77)\n"
        "from larix.store.rootless import *\n"
        "try: enter_rootless_store()\n"
        "except NamespacesUnavailable as error: print(error); print(error.hint)\n"
    )
    done = run(limited, home)
    assert "`user.max_user_namespaces` is 0" in done.stdout, done.stderr
    assert "ENOSPC" in done.stdout
    assert "sudo sysctl -w user.max_user_namespaces=10000" in done.stdout
