"""Containers of `shell`: asked from inside, by programs of packages; from outside, by what they leave."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.build]

TOOLS = """
tools = simple(
    "tools",
    "1.0",
    arguments={
        "script": "mkdir -p $out/bin; cp $shell/bin/busybox $out/bin; cd $out/bin; "
        "for each in $(./busybox --list); do [ -e $each ] || ln -s busybox $each; done"
    },
)
"""


@pytest.fixture
def box(builder):
    """A larix with the package `tools`, a static busybox under the names of all that it can, built."""
    file = builder.folder / "packages" / "small.py"
    text = file.read_text()
    text = text.replace(
        'builder=f"{shell.path}/bin/busybox",',
        'builder=f"{shell.path}/bin/busybox", env={"shell": shell.path},',
    )
    file.write_text(text + TOOLS)
    (builder.folder / "work").mkdir()
    builder.folder = builder.folder / "work"
    done = builder("shell", "-C", "tools", "--", "true")
    if "cannot create container" in done.stderr:
        pytest.skip(f"this machine makes no containers: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return builder


def inside(box, script, *options, **variables):
    """What a script says in a container that has the tools."""
    done = box("shell", "-C", *options, "tools", "--", "sh", "-c", script, **variables)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def test_only_what_is_listed_is_there(box):
    """Every file of the container, but those below /proc and the items of the store."""
    script = "find / -path /proc -prune -o -path '*/store/*' -prune -o -print"
    seen = set(inside(box, script).splitlines())
    home, here, store = box.environment["HOME"], str(box.folder), box.layout.store_dir
    expected = {"/", "/bin", "/bin/sh", "/dev", "/etc", "/tmp", "/etc/passwd", "/etc/group", "/etc/hosts"}
    expected |= {
        f"/dev/{name}" for name in ("fd", "stdin", "stdout", "stderr", "ptmx", "pts", "pts/ptmx", "shm")
    }
    expected |= {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")}
    for place in (home, here, store):
        expected |= {place, *map(str, Path(place).parents)}
    assert seen - {"/dev/tty"} == expected


def test_the_store_holds_the_closure_alone(box):
    box.succeed("build", "alpha")
    seen = set(inside(box, f"ls {box.layout.store_dir}").split())
    item = inside(box, "echo $LARIX_ENVIRONMENT").strip()
    listed = {
        os.path.basename(item),
        *(os.path.basename(os.readlink(each)) for each in Path(item).iterdir() if each.is_symlink()),
    }
    assert any(name.endswith("-tools-1.0") for name in seen)
    assert not any("alpha" in name or name.endswith(".drv") for name in seen)
    assert {name for name in listed if name in seen} >= {os.path.basename(item)}
    assert len(seen) == 2


def test_the_mounts_are_these_and_only_some_can_be_written_to(box):
    rows = [line.split() for line in inside(box, "cat /proc/mounts").splitlines()]
    points = {row[1]: set(row[3].split(",")) for row in rows}
    store, home, here = box.layout.store_dir, box.environment["HOME"], str(box.folder)
    closed = {point for point, flags in points.items() if "ro" in flags}
    assert points.keys() - closed == {"/tmp", "/dev/shm", "/dev/pts", "/proc", home, here}
    assert {"/", store, "/proc/sys", "/dev/null"} <= closed
    others = closed - {"/", store}
    assert all(point.startswith(("/dev/", "/proc/", f"{store}/")) for point in others)
    assert all("nosuid" in flags for flags in points.values())
    assert all(
        "nodev" in flags for point, flags in points.items() if not point.startswith(("/dev/", "/proc/"))
    )


def test_a_process_has_no_rights_and_no_way_to_get_some(box):
    text = inside(box, "cat /proc/self/status; unshare -U true 2>&1 || echo no user name space")
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert f"{name}:\t0000000000000000" in text
    assert "NoNewPrivs:\t1" in text
    assert "Seccomp:\t2" in text
    assert text.endswith("no user name space\n")


def test_nothing_but_the_directory_and_the_home_can_be_written(box):
    script = "for d in / /bin /etc /dev /proc/sys/kernel/hostname $STORE $STORE/*-tools-1.0; do"
    script += (
        " if [ -d $d ]; then true > $d/file; else echo x > $d; fi 2> /dev/null && echo $d; done 2> /dev/null;"
    )
    script += " chmod 700 /dev/null 2> /dev/null && echo mode;"
    script += " true > $HOME/one && true > /tmp/two && true > /dev/shm/three && true > here && echo written"
    shown = box("shell", "-C", "-E", "STORE", "tools", "--", "sh", "-c", script, STORE=box.layout.store_dir)
    assert shown.stdout == "written\n"
    assert os.listdir(box.folder) == ["here"]
    assert not os.listdir(box.environment["HOME"])


def test_the_environment_is_made_and_not_taken(box):
    text = inside(box, "env", SECRET="x", DISPLAY=":0", TERM="dumb")
    names = {line.split("=")[0] for line in text.splitlines()}
    assert names - {"PWD", "SHLVL", "OLDPWD", "_"} == {
        *("HOME", "USER", "LOGNAME", "TERM", "TZ", "PATH", "LARIX_ENVIRONMENT"),
    }
    assert "SECRET=kept" in inside(box, "env", "-E", "^SECR", SECRET="kept")


def test_no_open_file_comes_along(box, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    descriptor = os.open(secret, os.O_RDONLY)
    try:
        done = subprocess.run(
            box.command("shell", "-C", "tools", "--", "sh", "-c", "ls /proc/self/fd"),
            cwd=box.folder,
            env=box.environment,
            pass_fds=[descriptor],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        os.close(descriptor)
    assert done.stdout.split() == ["0", "1", "2", "3"]  # the last is the listing's own


def test_processes_of_the_host_and_the_first_one_are_out_of_sight(box):
    seen = inside(box, "cd /proc; echo [0-9]*").split()
    assert "1" not in seen
    assert len(seen) <= 2
    assert "larix" not in inside(box, "cat /proc/1/cmdline 2>&1; :")


def test_the_network_is_a_loopback_until_the_hosts_is_asked_for(box):
    script = "readlink /proc/self/ns/net; ls /etc; tail -n +3 /proc/net/dev | cut -d: -f1"
    alone = inside(box, script).split()
    shared = inside(box, script, "-N").split()
    assert alone[0] != os.readlink("/proc/self/ns/net")
    assert alone[-1] == "lo"
    assert shared[0] == os.readlink("/proc/self/ns/net")
    if os.path.exists("/etc/resolv.conf"):
        assert "resolv.conf" in shared
        assert "resolv.conf" not in alone


def test_exposed_and_shared_files(box, tmp_path):
    base = box.folder.parent / "given"
    base.mkdir()
    (base / "file").write_text("content\n")
    script = f"cat {base}/file /seen/file; (: > {base}/new) 2> /dev/null || echo closed; : > /seen/other"
    assert inside(box, script, f"--expose={base}", f"--share={base}=/seen") == "content\ncontent\nclosed\n"
    assert sorted(os.listdir(base)) == ["file", "other"]


def test_a_named_user_lives_elsewhere(box):
    home = box.environment["HOME"]
    work = Path(home) / "project"
    work.mkdir()
    (work / "mine").write_text("")
    done = subprocess.run(
        box.command(
            "shell",
            "-C",
            "-u",
            "guest",
            "tools",
            "--",
            "sh",
            "-c",
            "id; pwd; ls; echo $HOME; cat /etc/passwd",
        ),
        cwd=work,
        env=box.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("uid=1000(guest) gid=1000")
    assert "/home/guest/project\nmine\n/home/guest\n" in done.stdout
    assert "guest:x:1000:1000::/home/guest:/bin/sh" in done.stdout
    assert home not in done.stdout


def test_other_shapes_of_the_root(box):
    assert inside(box, "pwd; ls -d /nothing 2> /dev/null; :", "--no-cwd") == f"{box.environment['HOME']}\n"
    assert inside(box, "mkdir /new && ls -d /new", "--writable-root") == "/new\n"
    text = inside(
        box, "readlink /usr/bin/tool; readlink /profile", "-S", "/usr/bin/tool=bin/cat", "-S", "/profile="
    )
    tool, profile = text.split()
    assert tool == f"{profile}/bin/cat"
    assert inside(box, "readlink ~/.larix-profile", "-P").strip().endswith("-profile")
    text = inside(box, "readlink /bin; ls /bin/sh /usr/bin/env /usr/bin/cat; echo $PATH", "-F")
    assert text.splitlines()[:4] == ["usr/bin", "/bin/sh", "/usr/bin/cat", "/usr/bin/env"]
    assert text.splitlines()[4].startswith("/bin:/usr/bin:")


def test_what_cannot_be_is_one_line(box):
    def told(*words, cwd=None):
        done = subprocess.run(
            box.command(*words),
            cwd=cwd or box.folder,
            env=box.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr.splitlines()[0]

    assert told("shell", "-C", "tools", "--", "nowhere") == (
        127,
        "larix shell: error: nowhere: command not found",
    )
    (box.folder / "plain").write_text("")
    assert told("shell", "-C", "tools", "--", "./plain") == (
        126,
        "larix shell: error: ./plain: Permission denied",
    )
    code, text = told("shell", "-C", "tools", "--", "/proc/self/exe", "-c", "pass")
    assert (code, text) == (126, "larix shell: error: /proc/self/exe: Operation not permitted")
    script = box.folder / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    code, text = told("shell", "-C", "tools", "--", "./script")
    assert (code, text) == (
        127,
        "larix shell: error: ./script: its loader or interpreter is not in the container",
    )
    code, text = told("shell", "-C", "--expose=/no/such", "tools", "--", "true")
    assert (code, text) == (1, "larix shell: error: cannot show '/no/such': no such file or directory")
    code, text = told("shell", "-C", "tools", "--", "true", cwd="/proc/self")
    assert code == 1
    assert text.endswith("': '/proc' is the container's own")
    code, text = told("shell", "-C", "--share=/proc", "tools", "--", "true")
    assert (code, text) == (
        1,
        "larix shell: error: cannot show '/proc' as '/proc': '/proc' is the container's own",
    )
    code, text = told("shell", "-C", "tools", "--", "true", cwd="/")
    assert (code, text) == (1, "larix shell: error: the current directory is `/', all of the host")
    home = Path(box.environment["HOME"])
    (home / ".larix-profile").symlink_to("/elsewhere")
    code, text = told("shell", "-C", "-P", "tools", "--", "true", cwd=home)
    link = home / ".larix-profile"
    assert (code, text) == (
        1,
        f"larix shell: error: cannot link profile: '{link}' is there already in the container",
    )
    code, text = told("shell", "-C", "-S", "x", "tools", "--", "true")
    assert (code, text) == (1, "larix shell: error: x: invalid symlink specification")
    code, text = told("shell", "-C", "-S", "/x=/y", "tools", "--", "true")
    assert (code, text) == (1, "larix shell: error: symlink target is absolute: '/y'")


@pytest.mark.parametrize(
    "option",
    [
        "--network",
        "--expose=/x",
        "--share=/x",
        "--no-cwd",
        "--writable-root",
        "--user=u",
        "--symlink=x",
        "--link-profile",
        "--emulate-fhs",
        "--nesting",
    ],
)
def test_options_of_containers_ask_for_one(reader, option):
    done = reader("shell", option, "alpha", "--", "true")
    name = option.split("=")[0]
    assert done.stderr == f"larix shell: error: '{name}' cannot be used without '--container'\n"
    assert done.returncode == 1


def test_a_refusing_kernel_is_told_with_the_setting(box):
    """In a user name space of its own the limit is ours to set; nobody else's changes."""
    script = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    command = ["unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", script, "sh"]
    done = subprocess.run(
        [*command, *box.command("shell", "-C", "tools", "--", "echo", "ran")],
        cwd=box.folder,
        env=box.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if "Permission denied" in done.stderr or "cannot create /proc" in done.stderr:
        pytest.skip(f"the limit cannot be set here: {done.stderr}")
    assert done.returncode == 1
    assert "ran" not in done.stdout
    assert done.stderr.startswith("larix shell: error: cannot create container: unshare(")
    assert "`sysctl user.max_user_namespaces=10000`" in done.stderr


def test_exit_codes_and_signals_pass(box):
    def code(*command):
        return box("shell", "-C", "tools", "--", *command).returncode

    assert code("sh", "-c", "exit 7") == 7
    assert code("sh", "-c", "kill -9 $$") == 128 + signal.SIGKILL
    assert code("sh", "-c", "kill -TERM $$") == 128 + signal.SIGTERM


def test_a_signal_for_larix_reaches_the_program(box):
    script = "trap 'echo got it; exit 3' TERM; echo ready; while :; do sleep 0.05; done"
    with box.start("shell", "-C", "tools", "--", "sh", "-c", script, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.stdout.read() == "got it\n"
        assert process.wait() == 3


def test_killed_larix_leaves_nothing_behind(box):
    """The pipe's other end closes when the last process of the container is gone."""
    script = "sleep 1000 & sleep 1000 & echo ready; wait"
    with box.start("shell", "-C", "tools", "--", "sh", "-c", script, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == "ready\n"
        process.kill()
        process.wait()
        assert process.stdout.read() == ""


def test_orphans_are_reaped(box):
    script = "(sh -c 'sleep 0.01 & echo $!' > child); while [ -d /proc/$(cat child) ]; do sleep 0.01; done"
    script += "; echo gone"
    assert inside(box, script) == "gone\n"


def on_terminal(box, keys, *words):
    """Start a command on a terminal; `keys` are pairs: what to wait for, what to type then."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(box.folder)
        os.execve(sys.executable, box.command(*words), box.environment | {"TERM": "dumb"})
    shown = b""
    keys = list(keys)
    try:
        while data := os.read(terminal, 4096):
            shown += data
            while keys and keys[0][0].encode() in shown:
                shown = shown[shown.index(keys[0][0].encode()) + len(keys[0][0]) :]
                os.write(terminal, keys.pop(0)[1].encode())
    except OSError:
        pass
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_ctrl_c_ends_the_program_and_not_the_shell(box):
    code, _ = on_terminal(
        box, [("ready", "\x03")], "shell", "-C", "tools", "--", "sh", "-c", "echo ready; exec sleep 1000"
    )
    assert code == 128 + signal.SIGINT
    keys = [("[env]", "sh -c 'echo sta\"\"rted; exec sleep 1000'\n"), ("started", "\x03")]
    keys += [("[env]", "echo a''live; exit 5\n")]
    code, shown = on_terminal(box, keys, "shell", "-C", "tools")
    assert code == 5
    assert "alive" in shown


def test_keys_cannot_be_pushed_into_the_terminal(box):
    """What reads the terminal next is the host's shell. Asked of the kernel by the filter's own answer."""
    from larix.builder.sandbox import filter as made

    program = made.container_filter(os.uname().machine)
    assert program
    assert len(program) % 8 == 0
    script = (
        "import fcntl, os, sys, errno\n"
        "from larix.builder.sandbox import privileges, syscalls, filter\n"
        "syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1, '')\n"
        "syscalls.install_filter(filter.container_filter(os.uname().machine))\n"
        "try:\n    fcntl.ioctl(0, 0x5412, b'x')\n"
        "except OSError as error:\n    print(error.errno == errno.EPERM)\n"
        "open('/dev/null').close(); os.chmod('.', 0o755)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=box.environment,
        cwd=box.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


def test_exec_joins_all_name_spaces(box):
    script = ": > /tmp/mark; echo ready; read line; echo $line"
    process = box.start(
        "shell", "-C", "tools", "--", "sh", "-c", script, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline()
    first = children(process.pid)[0]
    program = children(first)[0]
    done = box(
        "container",
        "exec",
        str(program),
        "sh",
        "-c",
        "echo $(ls /tmp); cd /proc; echo [0-9]*; grep CapBnd self/status; pwd",
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert "mark" in lines[0].split()
    assert "2" in lines[1].split()
    assert "1" not in lines[1].split()
    assert lines[2] == "CapBnd:\t0000000000000000"
    spaces = "for n in user mnt pid ipc uts net; do readlink /proc/self/ns/$n; done"
    joined = box("container", "exec", str(program), "sh", "-c", spaces).stdout.split()
    assert joined == [
        os.readlink(f"/proc/{program}/ns/{name}") for name in ("user", "mnt", "pid", "ipc", "uts", "net")
    ]
    done = box("container", "exec", str(program), "sh", "-c", "exit 4")
    assert (done.returncode, done.stderr) == (1, "larix container: error: process exited with status 4\n")
    done = box("container", "exec", str(program), "nothing")
    assert (done.returncode, done.stderr) == (127, "larix container: error: nothing: command not found\n")
    process.communicate("end\n")
    assert process.returncode == 0


def children(pid):
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["exec"], "no pid specified"),
        (["exec", "x", "true"], "x: invalid process id"),
        (["exec", "1"], "no command specified"),
        (["exec", "999999999", "true"], "no such process 999999999"),
        (["exec", "SELF", "true"], "process SELF is in no container"),
    ],
)
def test_mistakes_with_exec(larix, words, message):
    own = str(os.getpid())
    words, message = [own if word == "SELF" else word for word in words], message.replace("SELF", own)
    done = larix("container", *words)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, f"larix container: error: {message}")
