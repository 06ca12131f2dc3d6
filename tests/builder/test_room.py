"""What a build sees, and what it cannot do: asked from inside."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from builder.conftest import Workshop
from larix.builder.errors import BuilderFailed, BuildTimedOut
from larix.formats.storepath import StorePath
from larix.protocol import BuildOptions, BuildTarget


def test_builder_is_user_1000_without_rights(workshop: Workshop) -> None:
    text = workshop.output("id; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; umask; ulimit -c")
    assert "uid=1000(larix-build) gid=100(larix-build)" in text
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert f"{name}:\t0000000000000000" in text
    assert "NoNewPrivs:\t1" in text
    assert "Seccomp:\t2" in text
    assert text.endswith("0022\n0")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to have supplementary groups to lose")
def test_builder_is_in_no_other_group(workshop: Workshop) -> None:
    groups = os.getgroups()
    os.setgroups([0, 4, 27])
    try:
        assert "Groups:\t \n" in workshop.output("grep ^Groups: /proc/self/status") + "\n"
    finally:
        os.setgroups(groups)


def test_only_declared_inputs_are_visible(workshop: Workshop) -> None:
    dependency = workshop.script("dependency", "echo one > $out")
    stranger = workshop.script("stranger", "echo two > $out")
    workshop.build(dependency, stranger)
    user = workshop.script("user", "cd $NIX_STORE; echo *; : > $out", inputs=[dependency])
    workshop.events.clear()
    workshop.build(user)
    seen = set(workshop.lines()[0].split())
    assert seen == {os.path.basename(workshop.shell), os.path.basename(dependency.output_path())}


def test_root_holds_nothing_of_the_host(workshop: Workshop) -> None:
    store_top = workshop.store.store_dir.split("/")[1]
    seen = workshop.output("cd /; echo *; echo /etc/*; echo /dev/*; test ! -e /bin/sh").splitlines()
    assert set(seen[0].split()) == {"dev", "etc", "proc", "tmp", store_top}
    assert set(seen[1].split()) == {"/etc/passwd", "/etc/group", "/etc/hosts"}
    assert set(seen[2].split()) == {
        f"/dev/{name}"
        for name in [
            "fd",
            "full",
            "null",
            "ptmx",
            "pts",
            "random",
            "shm",
            "stderr",
            "stdin",
            "stdout",
            "tty",
            "urandom",
            "zero",
        ]
    }


def test_environment_is_the_derivations_and_a_few_fixed_variables(workshop: Workshop) -> None:
    os.environ["LARIX_TEST_SECRET"] = "x"
    try:
        drv = workshop.script("environment", "env | sort; : > $out", env={"greeting": "hello"})
        workshop.build(drv, options=BuildOptions(cores=3))
    finally:
        del os.environ["LARIX_TEST_SECRET"]
    variables = dict(line.split("=", 1) for line in workshop.lines())
    top = "/tmp/larix-build-environment.drv-0"
    assert {
        name: variables.pop(name) for name in ("PWD", "TMPDIR", "TEMPDIR", "TMP", "TEMP")
    } == dict.fromkeys(("PWD", "TMPDIR", "TEMPDIR", "TMP", "TEMP"), top)
    variables.pop("SHLVL", None)
    assert variables == {
        "HOME": "/homeless-shelter",
        "LARIX_BUILD_CORES": "3",
        "LARIX_BUILD_TOP": top,
        "LARIX_STORE": workshop.store.store_dir,
        "NIX_BUILD_CORES": "3",
        "NIX_BUILD_TOP": top,
        "NIX_LOG_FD": "2",
        "NIX_STORE": workshop.store.store_dir,
        "PATH": "/path-not-set",
        "TERM": "dumb",
        "greeting": "hello",
        "out": drv.output_path(),
    }


def test_network_is_loopback_alone(workshop: Workshop) -> None:
    text = workshop.output("ip -o link; ip route; hostname; cat /proc/sys/kernel/domainname")
    lines = text.splitlines()
    assert len(lines) == 3
    assert "lo:" in lines[0]
    assert "UP" in lines[0]
    assert lines[1:] == ["localhost", "(none)"]


def test_there_is_no_terminal(workshop: Workshop) -> None:
    text = workshop.output(
        "(: < /dev/tty) 2>&1 || echo none; cut -d' ' -f6,7 /proc/self/stat; readlink /proc/self/fd/0"
    )
    lines = text.splitlines()
    assert lines[-3] == "none"
    session, terminal = lines[-2].split()
    assert session != "0"
    assert terminal == "0"
    assert lines[-1] == "/dev/null"


def test_builder_has_three_descriptors(workshop: Workshop) -> None:
    # The folder itself is the fourth, while it is listed.
    assert workshop.output("cd /proc/self/fd; for n in *; do test -e $n && echo $n; done").split() == [
        "0",
        "1",
        "2",
    ]


def test_only_own_processes_are_visible(workshop: Workshop) -> None:
    """Process 1 is not among them: its command line would name files of the host."""
    text = workshop.output("cd /proc; for p in [0-9]*; do cat $p/comm; done; test ! -e /proc/1/cmdline")
    assert set(text.split()) <= {"busybox", "cat", "sh"}


def test_inputs_cannot_be_changed_in_any_way(workshop: Workshop) -> None:
    shell = workshop.shell
    text = workshop.output(
        f"""
        touch {shell}/bin/new 2>&1 || :
        rm {shell}/bin/busybox 2>&1 || :
        chmod u+w {shell}/bin 2>&1 || :
        mount -o remount,rw,bind {shell} 2>&1 || :
        mount -t tmpfs none /tmp 2>&1 || :
        umount {shell} 2>&1 || :
        mv {shell} {shell}-2 2>&1 || :
        """
    )
    lines = text.splitlines()
    assert len(lines) == 7
    assert all("Read-only file system" in line for line in lines[:3])
    assert all("denied" in line or "permitted" in line for line in lines[3:6])
    assert os.path.exists(f"{shell}/bin/busybox")


def test_no_namespace_gives_rights_back(workshop: Workshop) -> None:
    assert workshop.output(
        "unshare -U true 2>/dev/null || echo no user; unshare -m true 2>/dev/null || echo no mount"
    ) == ("no user\nno mount")


def test_set_id_bits_are_impossible_and_others_are_not(workshop: Workshop) -> None:
    text = workshop.output(
        """
        for mode in 4755 2755 6755 0555 1750; do
            : > file; chmod $mode file 2>/dev/null || echo refused
            stat -c %a file; rm -f file
        done
        mkdir folder; chmod g+s folder 2>/dev/null || echo refused
        cp $NIX_STORE/*-shell/bin/busybox .; chmod u+s busybox 2>/dev/null || echo refused
        """
    )
    assert text.split() == [
        "refused",
        "644",
        "refused",
        "644",
        "refused",
        "644",
        "555",
        "1750",
        "refused",
        "refused",
    ]


def test_root_and_etc_cannot_be_written(workshop: Workshop) -> None:
    text = workshop.output(
        "for place in / /etc /dev; do (: > $place/new) 2>&1 || :; done; : > /tmp/new && echo tmp"
    )
    assert text.count("Read-only file system") == 3
    assert text.endswith("tmp")


def test_devices_cannot_be_made(workshop: Workshop) -> None:
    assert "permitted" in workshop.output("mknod zero c 1 5 2>&1 || :")


def test_pseudo_terminals_work(workshop: Workshop) -> None:
    assert workshop.output("script -q -c 'tty' typescript < /dev/null | head -1; : ").startswith(
        "/dev/pts/"
    ) or ("script" in "\n".join(workshop.lines()))


def test_orphans_are_reaped(workshop: Workshop) -> None:
    text = workshop.output(
        """
        for i in 1 2 3; do (sh -c ': & exec true' &); done
        i=0
        while [ $i -lt 200 ]; do
            zombies=$(grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null | wc -l)
            [ $zombies = 0 ] && break
            i=$((i+1)); sleep 0.01
        done
        echo zombies $zombies
        """
    )
    assert text == "zombies 0"


def test_daemon_of_a_build_ends_with_it(workshop: Workshop) -> None:
    """The daemon holds the log open, in a session of its own; it is dead all the same."""
    drv = workshop.script(
        "daemon",
        """
        setsid sh -c 'trap "" TERM HUP; while :; do sleep 1000; done' &
        echo $! ; : > $out
        """,
        env={"marker": "larix-daemon-test"},
    )
    workshop.build(drv)
    assert not _processes_with(b"larix-daemon-test")
    assert workshop.leftovers() == []


def test_builder_that_ignores_signals_is_killed_at_its_limit(workshop: Workshop) -> None:
    drv = workshop.script(
        "stubborn", "trap '' TERM INT HUP; while :; do sleep 1000; done", env={"marker": "larix-stubborn"}
    )
    with pytest.raises(BuildTimedOut) as caught:
        workshop.build(drv, options=BuildOptions(timeout=1))
    assert caught.value.exit_code == 101
    assert not caught.value.silent
    assert not _processes_with(b"larix-stubborn")
    assert workshop.leftovers() == []


def test_silence_has_its_own_limit(workshop: Workshop) -> None:
    talker = workshop.script("talker", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done; : > $out")
    workshop.build(talker, options=BuildOptions(max_silent_time=1))
    with pytest.raises(BuildTimedOut) as caught:
        workshop.build(workshop.script("silent", "sleep 1000"), options=BuildOptions(max_silent_time=1))
    assert caught.value.silent
    assert "timed out after 1 seconds of silence" in caught.value.message


def test_builder_closing_its_output_can_still_succeed(workshop: Workshop) -> None:
    workshop.build(workshop.script("closed", "exec >&- 2>&-; : > $out"))


def test_failure_tells_status_log_and_last_lines(workshop: Workshop) -> None:
    drv = workshop.script("failing", "echo before; echo last words >&2; exit 7")
    with pytest.raises(BuilderFailed) as caught:
        workshop.build(drv)
    error = caught.value
    assert error.exit_code == 100
    assert os.waitstatus_to_exitcode(error.status) == 7
    assert error.last_lines == (b"before", b"last words")
    assert error.log_file is not None
    assert workshop.log(drv.path) == "before\nlast words\n"
    assert workshop.leftovers() == []


def test_killed_builder_is_told_by_its_signal(workshop: Workshop) -> None:
    with pytest.raises(BuilderFailed, match="was killed by SIGKILL"):
        workshop.build(workshop.script("killed", "kill -9 $$"))


def test_huge_log_comes_whole(workshop: Workshop) -> None:
    drv = workshop.script("huge", "yes 'a line of a log that is long' | head -n 300000; : > $out")
    workshop.build(drv)
    assert len(workshop.lines()) == 300_000
    assert workshop.log(drv.path).count("\n") == 300_000


def test_input_that_is_a_link_stays_one(workshop: Workshop) -> None:
    link = workshop.script("link", "ln -s /nowhere $out")
    user = workshop.script("user", f"readlink {link.output_path()}; : > $out", inputs=[link])
    workshop.build(user)
    assert "/nowhere" in workshop.lines()


def test_long_values_go_into_files(workshop: Workshop) -> None:
    long = "x" * 300_000
    text = 'test -z "$long"; wc -c < $longPath; : > $out'
    workshop.build(workshop.script("long", text, env={"long": long, "passAsFile": "long"}))
    assert workshop.lines() == ["300000"]


def test_closures_are_exported_as_asked(workshop: Workshop) -> None:
    dependency = workshop.script("dependency", f"echo {workshop.shell} > $out")
    workshop.build(dependency)
    path = dependency.output_path()
    user = workshop.script(
        "user", "cat graph; : > $out", inputs=[dependency], env={"exportReferencesGraph": f"graph {path}"}
    )
    workshop.events.clear()
    workshop.build(user)
    expected = {path: [workshop.shell], workshop.shell: []}
    lines: list[str] = []
    for each in sorted(expected):
        lines += [each, "", str(len(expected[StorePath(each)])), *expected[StorePath(each)]]
    assert workshop.lines() == lines


def test_killing_larix_kills_its_builds(workshop: Workshop) -> None:
    """SIGKILL, so that nothing can be tidied up; what was left is removed by the next one."""
    builds = f"{workshop.store.layout.state_dir}/builds"
    drv = workshop.script(
        "endless", "echo started; while :; do sleep 1000; done", env={"marker": "larix-endless"}
    )
    workshop.store.instantiate([drv])
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _realise_in_child(workshop, drv.path, writing)
    os.close(writing)
    assert os.read(reading, 1) == b"."
    assert _processes_with(b"larix-endless")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert _all_gone(b"larix-endless")
    assert os.listdir(builds)
    workshop.build(workshop.script("next", ": > $out"))
    assert os.listdir(builds) == []
    os.close(reading)


def test_interrupting_larix_ends_builds_and_leaves_nothing(workshop: Workshop) -> None:
    drv = workshop.script(
        "endless", "echo started; while :; do sleep 1000; done", env={"marker": "larix-interrupted"}
    )

    def interrupt(event: object) -> None:
        if isinstance(event, tuple) and getattr(event, "line", b"") == b"started":
            raise KeyboardInterrupt

    workshop.store.instantiate([drv])
    from larix.builder import realise

    with pytest.raises(KeyboardInterrupt):
        realise(workshop.store, [BuildTarget(drv.path)], BuildOptions(), interrupt)
    assert not _processes_with(b"larix-interrupted")
    assert workshop.leftovers() == []


def _realise_in_child(workshop: Workshop, drv: StorePath, writing: int) -> None:
    from larix.builder import realise
    from larix.store import open_local_store

    def sink(event: object) -> None:
        if getattr(event, "line", b"") == b"started":
            os.write(writing, b".")

    try:
        with open_local_store(workshop.store.layout) as store:
            realise(store, [BuildTarget(drv)], BuildOptions(), sink)
    finally:
        os._exit(1)


def _processes_with(marker: bytes) -> list[int]:
    found: list[int] = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                environment = Path(f"/proc/{name}/environ").read_bytes()
            except OSError:
                continue
            if b"marker=" + marker in environment:
                found.append(int(name))
    return found


def _all_gone(marker: bytes) -> bool:
    """Wait for the kernel to end what lost its parent; it does so by itself or never."""
    for _ in range(500):
        if not _processes_with(marker):
            return True
        time.sleep(0.01)
    return False
