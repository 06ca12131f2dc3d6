"""`larix daemon install` and `uninstall`, on trees of files and on a machine that is thrown away."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.conftest import SHELL
from daemons import SOURCES
from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import connect
from larix.daemon.settings import Settings, read_settings
from larix.formats.storepath import StoreDir
from larix.formats.wire import encode_u64
from larix.protocol.dialect import CLIENT_MAGIC, GUIX_VERSION, NIX_VERSION

pytestmark = pytest.mark.slow

LARIX = [sys.executable, "-m", "larix.cli.main"]
TABLES = ("passwd", "group", "shadow", "gshadow")
TOOLS = "/usr/local/sbin:/usr/sbin:/sbin:" + os.environ["PATH"]


def larix(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIX_", "LARIX_"))}
    return subprocess.run(
        [*LARIX, *map(str, arguments)],
        env=kept | {"PYTHONPATH": SOURCES} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def done(*arguments: str | Path, **environment: str) -> str:
    """What a command that succeeds says."""
    result = larix(*arguments, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr


def picture(root: Path) -> dict[str, tuple[int, int, str]]:
    """All below `root`, with modes, owners and contents; not what tools keep as copies of `/etc/passwd`."""
    found: dict[str, tuple[int, int, str]] = {}
    for file in sorted(root.rglob("*")):
        status = file.lstat()
        if stat.S_ISLNK(status.st_mode):
            contents = os.readlink(file)
        elif stat.S_ISREG(status.st_mode):
            contents = file.read_text(errors="replace")
        else:
            contents = ""
        if not file.name.endswith("-"):
            found[str(file.relative_to(root))] = (status.st_mode, status.st_uid, contents)
    return found


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A root with accounts, as far as installing looks at it."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    return root


needs_tools = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("useradd", path=TOOLS) is None,
    reason="making users needs root and useradd",
)


@needs_tools
def test_what_is_installed_goes_again_and_nothing_else(machine: Path) -> None:
    before = picture(machine)
    said = done("daemon", "install", "--root", machine, "--build-users=2")
    assert "useradd" in said
    passwd = (machine / "etc/passwd").read_text()
    assert passwd.count("larix build user") == 2
    assert (machine / "etc/group").read_text().splitlines()[-1].endswith(":larixbuild1,larixbuild2")
    assert stat.S_IMODE((machine / "larix/store").stat().st_mode) == 0o1775
    assert os.readlink(machine / "etc/systemd/system/sockets.target.wants/larix-daemon.socket")
    installed = picture(machine)
    assert done("daemon", "install", "--root", machine, "--build-users=2") == "", (
        "there is nothing left to do"
    )
    assert picture(machine) == installed
    done("daemon", "uninstall", "--root", machine)
    assert picture(machine) == before
    assert "nothing is recorded" in done("daemon", "uninstall", "--root", machine)


@needs_tools
@pytest.mark.parametrize(("fewer", "left"), [("--build-users=9", ["10", "11"]), ("--build-users=10", ["11"])])
def test_build_users_of_before_are_told(machine: Path, fewer: str, left: list[str]) -> None:
    """They stay members of the group, and so builds go on to run as them."""
    done("daemon", "install", "--root", machine, "--build-users=11")
    said = done("daemon", "install", "--root", machine, fewer)
    names = [f"larixbuild{number}" for number in left]
    assert f"{len(left)} build user" in said
    assert f": {', '.join(names)}\n" in said
    commands = said.partition("this removes what is left: ")[2].partition("\n")[0]
    assert commands == "; ".join(f"userdel --prefix {machine} {name}" for name in names)
    subprocess.run(["sh", "-ec", commands], check=True, env={"PATH": TOOLS})
    assert done("daemon", "install", "--root", machine, fewer) == ""


@needs_tools
def test_what_was_there_or_was_changed_stays(machine: Path) -> None:
    (machine / "etc/larix").mkdir()
    (machine / "etc/larix/daemon.toml").write_text("max-jobs = 3\n")
    subprocess.run(["groupadd", "--prefix", machine, "larixbuild"], check=True, env={"PATH": TOOLS})
    before = picture(machine)
    done("daemon", "install", "--root", machine, "--build-users=1")
    assert (machine / "etc/larix/daemon.toml").read_text() == "max-jobs = 3\n"
    unit = machine / "etc/systemd/system/larix-daemon.service"
    unit.write_text(unit.read_text() + "# mine\n")
    again = done("daemon", "install", "--root", machine, "--build-users=1")
    assert "larix-daemon.service` is not as larix would write it" in again
    said = done("daemon", "uninstall", "--root", machine)
    assert f"`{unit}` was changed since; it stays" in said
    left = picture(machine)
    assert left.keys() - before.keys() == {
        "etc/larix/site.json",
        "etc/systemd",
        "etc/systemd/system",
        "etc/systemd/system/larix-daemon.service",
    }
    assert left["etc/group"] == before["etc/group"]
    unit.unlink()
    done("daemon", "uninstall", "--root", machine)
    assert picture(machine) == before


@needs_tools
def test_a_user_whose_entry_was_changed_stays(machine: Path) -> None:
    done("daemon", "install", "--root", machine, "--build-users=2")
    subprocess.run(
        ["usermod", "--prefix", machine, "--comment", "Ada", "larixbuild2"], check=True, env={"PATH": TOOLS}
    )
    said = done("daemon", "uninstall", "--root", machine)
    assert "the account `larixbuild2` is in use or was changed since; it stays" in said
    passwd = (machine / "etc/passwd").read_text()
    assert "larixbuild2" in passwd
    assert "larixbuild1" not in passwd
    assert "larixbuild:" in (machine / "etc/group").read_text(), "it is that user's group"


@needs_tools
def test_an_interrupted_installation_goes_on(machine: Path) -> None:
    """Something stands in the way; once it is gone, the rest is made, and all of it goes again."""
    before = picture(machine)
    (machine / "larix").write_text("in the way")
    failed = larix("daemon", "install", "--root", machine, "--build-users=1")
    assert failed.returncode == 1
    assert "is not a directory" in failed.stderr
    assert "move it away" in failed.stderr
    assert "Traceback" not in failed.stderr
    (machine / "larix").unlink()
    done("daemon", "install", "--root", machine, "--build-users=1")
    done("daemon", "uninstall", "--root", machine)
    assert picture(machine) == before


@needs_tools
def test_a_store_that_is_in_use_stays_whole(machine: Path) -> None:
    done("daemon", "install", "--root", machine, "--build-users=0")
    (machine / "larix/store/item").write_text("precious")
    kept = {name: what for name, what in picture(machine).items() if name.startswith("larix")}
    said = done("daemon", "uninstall", "--root", machine)
    assert "the store stays, with all it holds" in said
    assert {name: what for name, what in picture(machine).items() if name.startswith("larix")} == kept


def test_a_dry_run_shows_every_file_and_does_nothing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    shown = done("daemon", "install", "--dry-run", "--root", root)
    assert not root.exists()
    for text in (
        "ListenStream=/larix/var/daemon-socket/nix-socket",
        "ExecStart=",
        "u larixbuild32 ",
        "mode 1775",
    ):
        assert text in shown
    shown = done("daemon", "install", "--dry-run", "--root", root, "--unprivileged", "--prefix=/usr")
    assert f"write {root}/usr/lib/systemd/system/larix-daemon.service:" in shown
    assert "User=larix-daemon" in shown
    assert "CAP_SYS_MODULE" not in shown


def test_a_package_has_files_and_no_accounts(tmp_path: Path) -> None:
    said = done("daemon", "install", "--root", tmp_path / "p", "--prefix=/usr", "--build-users=2")
    assert "has no accounts; `/usr/lib/sysusers.d/larix.conf` makes them" in said
    assert (tmp_path / "p/usr/lib/tmpfiles.d/larix.conf").exists()
    assert not (tmp_path / "p/etc/passwd").exists()


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    for arguments, problem in (
        (["unistall"], "unistall: unknown action"),
        (["install", "now"], "now: extraneous argument"),
        (["install", "--listen=/x"], "'--listen' does not go with `install'"),
        (["install", "--build-users=many"], "not a number"),
        (["install", "--build-users-group=a b"], "this cannot be the name of an account"),
        (["install", "--user=me"], "'--user' goes with '--unprivileged' only"),
        (["--dry-run"], "'--dry-run' goes with `install' and `uninstall' only"),
    ):
        failed = larix("daemon", *arguments, LARIX_STATE_DIRECTORY=str(tmp_path))
        assert failed.returncode == 1
        assert problem in failed.stderr


def test_a_record_that_nobody_understands_is_told(tmp_path: Path) -> None:
    (tmp_path / "etc/larix").mkdir(parents=True)
    for text in ("{", "[]", '{"version": 7}', '{"version": 1, "files": 3}'):
        (tmp_path / "etc/larix/site.json").write_text(text)
        failed = larix("daemon", "uninstall", "--root", tmp_path)
        assert failed.returncode == 1
        assert "does not tell what was installed" in failed.stderr


def test_the_settings_that_are_written_are_those_that_hold(tmp_path: Path) -> None:
    """Every line without its `#`, and together all settings there are."""
    done("daemon", "install", "--root", tmp_path)
    file = tmp_path / "etc/larix/daemon.toml"
    assert read_settings(str(file)) == Settings()
    lines = [line.removeprefix("# ") for line in file.read_text().splitlines() if " = " in line]
    file.write_text("\n".join(lines))
    assert read_settings(str(file)) == Settings()
    assert {line.split(" = ")[0].replace("-", "_") for line in lines} == set(Settings._fields)


def test_systemd_takes_the_files(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None or shutil.which("systemd-sysusers") is None:
        pytest.skip("no systemd on this machine (Debian: systemd)")
    program = tmp_path / "larix 50%$x"  # what a unit would expand
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for extra in ((), ("--unprivileged",)):
        root = tmp_path / f"root{len(extra)}"
        done("daemon", "install", "--root", root, "--program", program, "--build-users=2", *extra)
        units = root / "etc/systemd/system"
        checked = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *map(str, sorted(units.glob("larix*")))],
            capture_output=True,
            text=True,
            check=False,
        )
        assert not [line for line in checked.stderr.splitlines() if "larix" in line], checked.stderr
        made = subprocess.run(
            ["systemd-sysusers", f"--root={root}", str(root / "etc/sysusers.d/larix.conf")],
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        accounts = (root / "etc/passwd").read_text()
        assert ("larix-daemon:" if extra else "larixbuild2:") in accounts
        before = picture(root)
        shutil.rmtree(root / "larix")
        remade = subprocess.run(
            ["systemd-tmpfiles", "--create", f"--root={root}"], capture_output=True, text=True, check=False
        )
        if os.geteuid() == 0:
            assert "larix" not in remade.stderr, remade.stderr
            gone = set(before) - set(picture(root))
            assert gone == {"larix/var/gcroots/profiles"}, "which the daemon makes itself"
            for name, (mode, _, _) in picture(root).items():
                assert name.startswith("etc") or mode == before[name][0], name


def unit_values(file: Path) -> dict[str, list[str]]:
    """The values of a unit by name, each as often as it stands there."""
    found: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_daemon_serves_on_the_sockets_of_the_units(tmp_path: Path) -> None:
    """What systemd does with the units, done by its own small program for that."""
    activate = shutil.which("systemd-socket-activate")
    if activate is None:
        pytest.skip("no systemd-socket-activate on this machine (Debian: systemd)")
    base = tmp_path / "b"
    program = tmp_path / "larix"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={SOURCES} exec {sys.executable} -m larix.cli.main "$@"\n')
    program.chmod(0o755)
    places = {
        "LARIX_STORE_DIR": f"{base}/store",
        "LARIX_STATE_DIRECTORY": f"{base}/var",
        "LARIX_CONFIGURATION_DIRECTORY": f"{base}/etc",
    }
    # The sockets' names are those of the machine: it is its own root here.
    done(
        "daemon",
        "install",
        "--root",
        "/",
        "--prefix",
        f"{base}/usr",
        "--build-users=0",
        "--program",
        program,
        **places,
    )
    units = base / "usr/lib/systemd/system"
    listening = unit_values(units / "larix-daemon.socket")["ListenStream"]
    service = unit_values(units / "larix-daemon.service")
    assert [os.path.basename(name) for name in listening] == ["socket", "nix-socket"]
    process = subprocess.Popen(
        [
            activate,
            *(f"--listen={name}" for name in listening),
            # One name for all sockets, as a unit has.
            "--fdname=larix-daemon.socket:larix-daemon.socket",
            *(f"--setenv={value}" for value in service["Environment"]),
            *service["ExecStart"][0].split(),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        while "Listening on" not in (line := process.stderr.readline()) or "nix-socket" not in line:
            assert line, "it does not listen"
        store_dir = StoreDir(f"{base}/store")
        announced = []
        for name in listening:
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(name)
                asking.sendall(encode_u64(CLIENT_MAGIC))
                answer = asking.recv(16, socket.MSG_WAITALL)
                announced.append(int.from_bytes(answer[8:], "little"))
            with DaemonStore(Connection(connect(name), store_dir)) as store:
                path = store.add_text("greeting", b"hello")
                assert store.is_valid(path)
                assert Path(path).read_bytes() == b"hello"
        assert announced == [GUIX_VERSION, NIX_VERSION], "each socket tells its own clients what they know"
    finally:
        process.terminate()
        process.communicate()
    said = done("daemon", "uninstall", "--root", "/", "--prefix", f"{base}/usr", **places)
    assert "the store stays" in said
    assert Path(path).read_bytes() == b"hello"


MACHINE = """
set -e
mount --make-rprivate /
cp -a /etc {scratch}/etc
mount --bind {scratch}/etc /etc
if [ -d /run/systemd ]; then mount -t tmpfs none /run/systemd; fi
cp /etc/passwd /etc/group {scratch}
"""

PRIVILEGED = """
{larix} daemon install --build-users=3 --program={scratch}/larix
getent group larixbuild
getent passwd larixbuild3
{larix} daemon install --build-users=3 --program={scratch}/larix
{python} {scratch}/use.py
echo precious > {scratch}/b/store/item
{larix} daemon uninstall
cmp /etc/passwd {scratch}/passwd
cmp /etc/group {scratch}/group
test ! -e /etc/systemd/system/larix-daemon.service
test ! -e /etc/larix
test -e {scratch}/b/store/item
"""

USE = """
import os, subprocess, sys
from larix.builder.sandbox.users import UserPool
import pwd
pool = UserPool({state!r})
users = [pool.acquire() for _ in range(4)]
print([None if user is None else pwd.getpwuid(user.uid).pw_name for user in users])
"""


UNPRIVILEGED = """
mkdir -p {scratch}/b/var/profiles/per-user
chmod 1777 {scratch}/b/var/profiles/per-user
{larix} daemon install --unprivileged --program={scratch}/larix
chown larix-daemon: {scratch}/b/var {scratch}/b/var/profiles {scratch}/b/var/profiles/per-user
getent passwd larix-daemon
stat -c %U:%a {scratch}/b/store {scratch}/b/var/profiles/per-user
{python} {scratch}/serve.py
echo 'stranger:x:12345:12345::/:/bin/sh' >> /etc/passwd
setpriv --reuid=12345 --regid=12345 --clear-groups {python} {scratch}/client.py || \\
  {{ cat {scratch}/daemon.log; exit 1; }}
kill $(cat {scratch}/pid)
tail --pid=$(cat {scratch}/pid) -f /dev/null
{larix} daemon uninstall
! getent passwd larix-daemon
test -e {scratch}/b/store
"""

# What systemd does: sockets made by root, then another user and the daemon.
SERVE = """
import os, pwd, socket
user = pwd.getpwnam("larix-daemon")
values = dict(line.split("=", 1) for line in open("/etc/systemd/system/larix-daemon.service") if "=" in line)
assert values["User"].strip() == "larix-daemon"
program = values["ExecStart"].split()
listening = []
for name in ("socket", "nix-socket"):
    made = socket.socket(socket.AF_UNIX)
    made.bind("{base}/var/daemon-socket/" + name)
    os.chmod("{base}/var/daemon-socket/" + name, 0o666)
    made.listen(5)
    listening.append(made)
if os.fork():
    os._exit(0)
open("{scratch}/pid", "w").write(str(os.getpid()))
log = os.open("{scratch}/daemon.log", os.O_WRONLY | os.O_CREAT, 0o644)
spare = [os.dup(made.fileno()) for made in listening]
for number, descriptor in enumerate(spare, 3):
    os.dup2(descriptor, number)
    os.set_inheritable(number, True)
os.dup2(log, 1)
os.dup2(log, 2)
os.setgroups([user.pw_gid])
os.setgid(user.pw_gid)
os.setuid(user.pw_uid)
names = ":".join(["larix-daemon.socket"] * 2)
os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=names)
os.execv(program[0], program)
"""

CLIENT = """
from larix.client.connection import Connection
from larix.client.store import DaemonStore
from larix.client.transport import connect
from larix.formats.storepath import StoreDir
from larix.formats.wire import encode_u64
from larix.protocol.dialect import CLIENT_MAGIC, GUIX_VERSION, NIX_VERSION
from larix.derivation import derivation
from larix.derivation.source import FileContent, Source
from larix.formats.hashes import hash_bytes
from larix.formats.nar import File, encode_tree
from larix.formats.storepath import make_fixed_path
from larix.protocol import BuildOptions, BuildTarget
store_dir = StoreDir("{base}/store")
data = open("{shell}", "rb").read()
path = make_fixed_path(store_dir, "sh", hash_bytes(encode_tree(File(data, executable=True))), recursive=True)
lowered = derivation(
    "greeting",
    store_dir=store_dir,
    system="x86_64-linux",
    builder=path,
    args=["-c", "echo built > $out"],
    sources=[Source(path, (), FileContent("{shell}"))],
)
with DaemonStore(Connection(connect("{base}/var/daemon-socket/nix-socket"), store_dir)) as store:
    store.instantiate([lowered])
    store.realise([BuildTarget(lowered.path)], BuildOptions())
    print(open(lowered.output_path()).read())
import os
for parent in ("profiles", "gcroots"):
    os.symlink("/somewhere", f"{base}/var/{{parent}}/per-user/stranger/mine")
    for attempt in (
        lambda: os.mkdir(f"{base}/var/{{parent}}/per-user/alice"),
        lambda: os.rename(f"{base}/var/{{parent}}/per-user", "{base}/mine"),
        lambda: os.rmdir(f"{base}/var/{{parent}}/per-user/stranger"),
        lambda: os.chmod(f"{base}/var/{{parent}}/per-user/stranger", 0o777),
    ):
        try:
            attempt()
        except PermissionError:
            print("kept out")
from types import SimpleNamespace
from larix.cli.profiles import make_default_profile_places
os.environ["HOME"] = "/nowhere"
make_default_profile_places(SimpleNamespace(profiles_dir="{base}/var/profiles"))
"""


BECOME = "import os, sys; os.setgid(12345); os.setuid(12345); os.execv(sys.argv[1], sys.argv[1:])"


def public_python() -> str:
    """A Python that everybody may run: that of the tests may be at somebody's home."""
    for python in (sys.executable, "/usr/bin/python3"):
        command = [sys.executable, "-c", BECOME, python, "-c", "import sqlite3, tomllib"]
        if not subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:
            return python
    pytest.skip("no Python that everybody may run")


def on_a_machine(tmp_path: Path, script: str, python: str = sys.executable) -> str:
    """What a script says as root in a mount name space whose `/etc` is a copy."""
    if shutil.which("unshare") is None or os.path.exists("/etc/larix"):
        pytest.skip("no unshare, or a larix that is installed already")
    base = tmp_path / "b"
    script = (MACHINE + script).format(scratch=tmp_path, larix=" ".join(LARIX), python=python)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NIX_", "LARIX_"))}
    result = subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script],
        env=kept
        | {
            "PYTHONPATH": SOURCES,
            "PATH": TOOLS,
            "LARIX_STORE_DIR": f"{base}/store",
            "LARIX_STATE_DIRECTORY": f"{base}/var",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode and "Operation not permitted" in result.stderr:
        pytest.skip("this root may not make mounts")
    assert result.returncode == 0, result.stdout + result.stderr
    assert not Path("/etc/systemd/system/larix-daemon.service").exists()
    return result.stdout


def script(file: Path) -> Path:
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def refused(tmp_path: Path, program: Path) -> str:
    """Why root should not start a program; nothing was made, and a dry run tells it, too."""
    places = {
        "LARIX_STORE_DIR": f"{tmp_path}/b/store",
        "LARIX_STATE_DIRECTORY": f"{tmp_path}/b/var",
        "LARIX_CONFIGURATION_DIRECTORY": f"{tmp_path}/b/etc",
    }
    arguments = (
        "daemon",
        "install",
        "--build-users=0",
        "--prefix",
        f"{tmp_path}/b/usr",
        "--program",
        program,
    )
    failed = larix(*arguments, **places)
    assert failed.returncode == 1
    assert not (tmp_path / "b").exists()
    shown = larix(*arguments, "--dry-run", **places)
    assert shown.returncode == 0
    reason = failed.stderr.splitlines()[0].partition("error: ")[2]
    assert reason in shown.stderr
    assert "hint: " in failed.stderr
    return reason


def test_root_starts_nothing_that_others_can_change(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can set a machine up")
    assert "is no program" in refused(tmp_path, tmp_path / "none")
    own = script(tmp_path / "larix")
    own.chmod(0o644)
    assert "is no program" in refused(tmp_path, own)
    own.chmod(0o775)
    os.chown(own, 0, 12345)
    assert f"others than root may write `{own}`" in refused(tmp_path, own)
    os.chown(own, 12345, 0)
    assert f"`{own}` belongs to 12345" in refused(tmp_path, own)
    os.chown(own, 0, 0)
    home = tmp_path / "home"
    home.mkdir()
    theirs = script(home / "larix")
    os.chown(home, 12345, 12345)
    assert f"`{home}` belongs to 12345" in refused(tmp_path, theirs)
    link = tmp_path / "link"
    link.symlink_to(theirs)
    assert f"`{home}` belongs to 12345" in refused(tmp_path, link)
    own.write_text(f"#!{theirs}\n")
    assert f"`{home}` belongs to 12345" in refused(tmp_path, own)


def test_root_starts_no_checkout_of_others(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can set a machine up")
    top = tmp_path / "checkout"
    (top / "src/larix/words").mkdir(parents=True)
    (top / "src/larix/__init__.py").touch()
    module = top / "src/larix/words/__init__.py"
    module.touch()
    (top / ".venv/bin").mkdir(parents=True)
    (top / ".venv/bin/python").symlink_to("/bin/sh")
    program = script(top / "larix")
    os.chown(module, 12345, 12345)
    reason = refused(tmp_path, program)
    assert f"`{module}` belongs to 12345" in reason
    os.chown(module, 0, 0)
    os.chown(top, 12345, 12345)
    assert f"`{top}` belongs to 12345" in refused(tmp_path, program)


@needs_tools
def test_users_are_really_made_and_removed_on_a_machine(tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(USE.format(state=f"{tmp_path}/b/var"))
    script(tmp_path / "larix")
    said = on_a_machine(tmp_path, PRIVILEGED)
    assert "['larixbuild1', 'larixbuild2', 'larixbuild3', None]" in said


@needs_tools
def test_a_daemon_without_rights_builds_for_others(public_dir: Path) -> None:
    if not os.path.exists(SHELL):
        pytest.skip("no static shell (Debian: bash-static)")
    base, python = public_dir / "b", public_python()
    program = public_dir / "larix"
    program.write_text(f'#!/bin/sh\nexec {python} -m larix.cli.main "$@"\n')
    program.chmod(0o755)
    (public_dir / "serve.py").write_text(SERVE.format(base=base, scratch=public_dir))
    (public_dir / "client.py").write_text(CLIENT.format(base=base, shell=SHELL))
    said = on_a_machine(public_dir, UNPRIVILEGED, python)
    assert "larix-daemon:755\nlarix-daemon:755\n" in said
    assert "built\n" in said
    assert said.count("kept out") == 8
