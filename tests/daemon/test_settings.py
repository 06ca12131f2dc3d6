"""`daemon.toml` and the options of `larix daemon`: what holds for every client and every build."""

from __future__ import annotations

import bz2
import os
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.conftest import shell_build
from daemon.test_listening import starting
from daemons import SOURCES, Daemon, running_daemon
from larix.daemon.settings import BadSettings, Settings, read_settings
from larix.derivation import Lowered
from larix.errors import LarixError
from larix.protocol import BuildOptions, BuildStarted, BuildTarget, Event

MIB = 1 << 20


def settings(folder: Path, text: str) -> Settings:
    file = folder / "daemon.toml"
    file.write_text(text)
    return read_settings(str(file))


def test_no_file_and_an_empty_one_are_the_defaults(tmp_path: Path) -> None:
    assert read_settings(str(tmp_path / "none")) == settings(tmp_path, "") == Settings()


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("min-free = 1000", "min_free", 1000),
        ('min-free = "1.5 GiB"', "min_free", 1536 * MIB),
        ('max-free = "2MB"', "max_free", 2_000_000),
        ('log-compression = "none"', "log_compression", "none"),
        ("deduplicate = false", "deduplicate", False),
        ('sandbox-paths = ["/bin/sh", "/a=/b"]', "sandbox_paths", ("/bin/sh", "/a=/b")),
        ('build-users-group = "others"', "build_users_group", "others"),
    ],
)
def test_a_setting_is_read(tmp_path: Path, text: str, field: str, value: object) -> None:
    assert getattr(settings(tmp_path, text), field) == value


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('min-free = "much"', "a number of bytes"),
        ("min-free = -1", "a number of bytes"),
        ("min-free = true", "a number of bytes"),
        ("download-attempts = 0", "a number that is at least 1"),
        ("connect-timeout = 0", "a number that is at least 1"),
        ("rounds = 1.5", "a number that is not negative"),
        ('log-compression = "lzma"', "one of auto, gzip, bzip2, none"),
        ("system = 3", "a text"),
        ('max-jobs = "many"', 'a number, or "auto"'),
        ('sandbox-paths = ["bin/sh"]', "a list of absolute file names"),
        ('sandbox-paths = ["/a=b"]', "a list of absolute file names"),
        ('keep-logs = "yes"', "true or false"),
        ("minfree = 1", "unknown setting `minfree`"),
        ("min-free = ", "is no TOML"),
    ],
)
def test_what_makes_no_sense_is_an_error(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(BadSettings, match=problem):
        settings(tmp_path, text)


def build(daemon: Daemon, *lowered: Lowered) -> list[Event]:
    events: list[Event] = []
    with daemon.store() as store:
        store.instantiate(lowered)
        store.realise([BuildTarget(each.path) for each in lowered], BuildOptions(), events.append)
    return events


def log_files(daemon: Daemon) -> list[Path]:
    return [file for file in Path(daemon.layout.log_dir).rglob("*.drv*") if file.is_file()]


@pytest.mark.slow
def test_logs_are_kept_as_the_operator_wants_them() -> None:
    for arguments, suffix, read in (
        (["--log-compression=bzip2"], ".bz2", bz2.decompress),
        (["--log-compression=none"], ".drv", bytes),
    ):
        with running_daemon(*arguments) as daemon:
            build(daemon, shell_build(daemon.layout.store_dir, "loud", "echo a line; echo > $out"))
            [file] = log_files(daemon)
            assert file.name.endswith(suffix)
            assert read(file.read_bytes()) == b"a line\n"
    with running_daemon("--lose-logs") as daemon:
        events = build(daemon, shell_build(daemon.layout.store_dir, "loud", "echo a line; echo > $out"))
        assert log_files(daemon) == []
        assert [event.log_file for event in events if isinstance(event, BuildStarted)] == [None]


@pytest.mark.slow
def test_a_build_that_writes_too_much_is_ended() -> None:
    with running_daemon(settings='max-build-log-size = "64kB"') as daemon:
        endless = shell_build(daemon.layout.store_dir, "endless", "while :; do echo again and again; done")
        with pytest.raises(LarixError, match="wrote more than 64000 bytes of log") as caught:
            build(daemon, endless)
        assert caught.value.hint is not None
        assert "max-build-log-size" in caught.value.hint
        [file] = log_files(daemon)
        assert file.stat().st_size < MIB


@pytest.mark.slow
def test_everything_is_built_as_often_as_the_operator_wants() -> None:
    with running_daemon("--rounds=2") as daemon:
        events = build(daemon, shell_build(daemon.layout.store_dir, "same", "echo same > $out"))
        assert [event.round for event in events if isinstance(event, BuildStarted)] == [1, 2]
        with pytest.raises(LarixError) as caught:
            build(daemon, shell_build(daemon.layout.store_dir, "random", "echo $RANDOM$RANDOM > $out"))
        assert caught.value.exit_code == 104


@pytest.mark.slow
def test_the_machine_is_called_what_the_operator_says() -> None:
    with (
        running_daemon("--system=toaster-linux") as daemon,
        pytest.raises(LarixError, match="this machine is `toaster-linux`"),
    ):
        build(daemon, shell_build(daemon.layout.store_dir, "any", "echo > $out"))


@pytest.mark.slow
def test_builds_see_what_the_operator_shows_them(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o755)
    shown = tmp_path / "shown"
    shown.write_text("from the host\n")
    with running_daemon(settings=f'sandbox-paths = ["/etc/shown={shown}"]') as daemon:
        script = 'read line < /etc/shown; echo "$line" > $out; ! echo > /etc/shown'
        lowered = shell_build(daemon.layout.store_dir, "sees", script)
        build(daemon, lowered)
        assert Path(lowered.output_path()).read_text() == "from the host\n"
    assert shown.read_text() == "from the host\n"
    with running_daemon("--chroot-directory=/nowhere/at/all") as daemon:
        for name in ("one", "two"):
            with pytest.raises(LarixError, match="/nowhere/at/all"):
                build(daemon, shell_build(daemon.layout.store_dir, name, "echo > $out"))


@pytest.mark.slow
def test_builds_run_as_the_users_of_another_group(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("build users need root")
    import grp

    group = next((each for each in grp.getgrall() if each.gr_mem), None)
    if group is None:
        pytest.skip("no group of this machine has members")
    import pwd

    member = pwd.getpwnam(group.gr_mem[0]).pw_uid
    with running_daemon(f"--build-users-group={group.gr_name}") as daemon:
        build(daemon, shell_build(daemon.layout.store_dir, "any", "echo > $out"))
        assert str(member) in os.listdir(f"{daemon.layout.state_dir}/userpool")


@pytest.mark.slow
def test_a_group_that_is_named_must_have_members(tmp_path: Path) -> None:
    """Builds would run under numbers of no user, and nobody would hear of it."""
    if os.geteuid() != 0:
        pytest.skip("build users need root")
    import grp

    assert "there is no group `nosuch`" in starting(tmp_path, "--build-users-group=nosuch")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/daemon.toml").write_text('build-users-group = "nosuch"\n')
    said = starting(tmp_path)
    assert "there is no group `nosuch`" in said
    assert "larix daemon install --build-users-group=nosuch" in said
    empty = next((each.gr_name for each in grp.getgrall() if not each.gr_mem), None)
    if empty is not None:
        assert "has no members" in starting(tmp_path, f"--build-users-group={empty}")


@pytest.mark.slow
def test_a_file_of_settings_that_is_named_must_exist(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none"), ""):
        assert f"cannot read `{name}`" in starting(tmp_path, f"--settings={name}")


@pytest.mark.slow
def test_new_items_share_their_files_unless_told_not_to(tmp_path: Path) -> None:
    for arguments, is_shared in (([], True), (["--disable-deduplication"], False)):
        with running_daemon(*arguments) as daemon:
            script = 'printf "%20000d" 1 > $out'
            one, other = (shell_build(daemon.layout.store_dir, name, script) for name in ("one", "other"))
            build(daemon, one, other)
            inodes = {os.stat(each.output_path()).st_ino for each in (one, other)}
            assert len(inodes) == (1 if is_shared else 2)


@pytest.mark.slow
def test_options_that_cannot_be_meant_are_refused() -> None:
    for argument, problem in (
        ("--rounds=0", "'--rounds' must be at least 1, not 0"),
        ("--max-jobs=-1", "not a number"),
        ("--log-compression=lzma", "unknown log compression"),
        ("--chroot-directory=x", "must be absolute"),
        ("--disable-chroot", "larix builds nothing without isolation"),
        ("--substitute-urls=http://localhost", "takes nothing from servers of binaries"),
        ("--discover", "does not look for servers"),
        ("--discover=yes", "does not look for servers"),
        ("--isolate-host-loopback", "no network of its own"),
        ("--impersonate-linux-2.6", "the kernel that runs"),
    ):
        failed = subprocess.run(
            [sys.executable, "-m", "larix.cli.main", "daemon", argument],
            env=os.environ | {"PYTHONPATH": SOURCES},
            capture_output=True,
            text=True,
            check=False,
        )
        assert failed.returncode == 1
        assert problem in failed.stderr


@pytest.mark.slow
def test_what_units_of_other_daemons_ask_for_and_is_so_anyway_is_taken() -> None:
    options = ("--no-substitutes", "--no-offload", "--discover=no", "--cache-failures")
    with running_daemon(*options) as daemon, daemon.store() as store:
        assert store.all_valid_paths() == set()


@pytest.mark.slow
@pytest.mark.parametrize(("option", "settings"), [("-M0", ""), ("--quiet", "max-jobs = 0\n")])
def test_no_jobs_are_no_builds(option: str, settings: str) -> None:
    """What is there is found; whatever a client asks for, it gets no more than the operator allows."""
    with running_daemon(option, settings=settings) as daemon, daemon.store() as store:
        lowered = shell_build(store.store_dir, "any", "echo > $out")
        store.instantiate([lowered])
        for options in (BuildOptions(), BuildOptions(max_jobs=4), BuildOptions(max_jobs=0)):
            with pytest.raises(LarixError, match="has to be built, and `--max-jobs=0` forbids it"):
                store.realise([BuildTarget(lowered.path)], options)


@pytest.mark.slow
def test_a_session_may_ask_for_no_builds() -> None:
    with running_daemon("-Mauto", settings="max-jobs = 0\n") as daemon, daemon.store() as store:
        lowered = shell_build(store.store_dir, "any", "echo > $out")
        store.instantiate([lowered])
        with pytest.raises(LarixError, match="has to be built"):
            store.realise([BuildTarget(lowered.path)], BuildOptions(max_jobs=0))
        store.realise([BuildTarget(lowered.path)], BuildOptions(max_jobs=1))


def test_jobs_are_half_the_processors_unless_said(tmp_path: Path) -> None:
    half = max(1, len(os.sched_getaffinity(0)) // 2)
    assert Settings().jobs == settings(tmp_path, 'max-jobs = "auto"').jobs == half
    assert settings(tmp_path, "max-jobs = 0").jobs == 0
    assert settings(tmp_path, "max-jobs = 7").jobs == 7
