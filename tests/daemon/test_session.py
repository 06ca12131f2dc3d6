"""`larix.daemon`: what a client may do, what it is told, and what its end means for others."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.conftest import shell_build
from daemons import SOURCES, Daemon, running_daemon
from larix.client.connection import Connection, ConnectionLost
from larix.client.store import DaemonStore
from larix.client.transport import connect
from larix.derivation import Derivation, Output, print_derivation
from larix.errors import LarixError
from larix.formats.hashes import hash_bytes
from larix.formats.nar import File, encode_tree
from larix.formats.storepath import StorePath, make_fixed_path, make_text_path
from larix.formats.wire import encode_string, encode_u64
from larix.protocol import (
    BuildFailed,
    BuildFinished,
    BuildLog,
    BuildOptions,
    BuildStarted,
    BuildTarget,
    Event,
    PathInfo,
    PathNotValid,
)
from larix.protocol.eventtext import RemoteError
from larix.protocol.ops import OPERATIONS
from larix.protocol.values import BareDerivation, DerivationText, Status

pytestmark = pytest.mark.slow


def raw(daemon: Daemon) -> Connection:
    return daemon.connection()


def as_stranger(daemon: Daemon, uid: int, script: str) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python as another user, with `store` a client of the daemon."""
    program = (
        "import sys\n"
        "from larix.client.connection import Connection\n"
        "from larix.client.store import DaemonStore\n"
        "from larix.client.transport import connect\n"
        "from larix.formats.storepath import StoreDir\n"
        "from larix.protocol import *\n"
        f"connection = Connection(connect({daemon.socket!r}), StoreDir({daemon.layout.store_dir!r}))\n"
        "store = DaemonStore(connection)\n" + script
    )
    return subprocess.run(
        [*("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"), sys.executable, "-c", program],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": _readable_sources()},
        capture_output=True,
        text=True,
        check=False,
    )


def _readable_sources() -> str:
    """The sources, if everybody can read them."""
    if not os.access(SOURCES, os.R_OK):
        pytest.skip("the checkout is for its owner only")
    return SOURCES


def test_a_build_is_told_and_its_result_kept(daemon: Daemon) -> None:
    events: list[Event] = []
    with daemon.store() as store:
        lowered = shell_build(store.store_dir, "greeting", "echo working; echo hi > $out")
        store.instantiate([lowered])
        outputs = store.realise([BuildTarget(lowered.path)], BuildOptions(), events.append)
        path = outputs[lowered.path]["out"]
        assert Path(path).read_text() == "hi\n"
        assert store.path_info(path).deriver == lowered.path
        kinds = [type(event) for event in events]
        assert kinds[0] is BuildStarted
        assert BuildLog(lowered.path, b"working") in events
        assert kinds[-1] is BuildFinished
        assert store.missing([BuildTarget(lowered.path)]).to_build == ()


def test_a_failure_comes_with_its_code_and_the_session_goes_on(daemon: Daemon) -> None:
    events: list[Event] = []
    with daemon.store() as store:
        lowered = shell_build(store.store_dir, "bad", "echo last words; exit 3")
        store.instantiate([lowered])
        with pytest.raises(RemoteError, match="failed with exit code 3") as caught:
            store.realise([BuildTarget(lowered.path)], BuildOptions(), events.append)
        assert caught.value.exit_code == 100
        assert caught.value.kind == "BuilderFailed"
        assert any(isinstance(event, BuildFailed) for event in events)
        assert not store.is_valid(lowered.output_path())


def test_results_are_told_for_each_target(daemon: Daemon) -> None:
    with daemon.store() as store:
        good = shell_build(store.store_dir, "good", "echo > $out")
        bad = shell_build(store.store_dir, "bad", "exit 1")
        above = shell_build(store.store_dir, "above", "echo > $out", inputs=[(bad, ("out",))])
        store.instantiate([good, bad, above])
        call = store._connection.call
        targets = tuple(BuildTarget(each.path) for each in (good, bad, above))
        results = call("build_paths_with_results", targets=targets, mode=0)
        statuses = [outcome.status for _, outcome in results]
        assert statuses == [Status.BUILT, Status.PERMANENT_FAILURE, Status.DEPENDENCY_FAILED]
        again = call("build_paths_with_results", targets=targets[:1], mode=0)
        assert again[0][1].status == Status.ALREADY_VALID


def test_what_is_not_in_the_store_is_refused_and_the_session_goes_on(daemon: Daemon) -> None:
    with raw(daemon) as connection:
        missing = StorePath(f"{daemon.layout.store_dir}/{'0' * 32}-missing")
        with pytest.raises(PathNotValid):
            connection.call("ensure_path", path=missing)
        with pytest.raises(RemoteError, match="store path"):
            connection.call("is_valid_path", path=StorePath("/etc/passwd"))
        assert connection.call("is_valid_path", path=missing) is False


def test_every_operation_is_answered_or_refused_and_leaves_the_session_usable(daemon: Daemon) -> None:
    """With arguments that are well formed and name nothing that is there."""
    path = StorePath(f"{daemon.layout.store_dir}/{'0' * 32}-nothing")
    values = {
        "path": path,
        "path or nothing": None,
        "paths": (path,),
        "paths with content addresses": ((path, ""),),
        "text": "nothing",
        "texts": (),
        "texts with references": (),
        "bytes": b"",
        "number": 0,
        "boolean": False,
        "settings": (),
        "targets": (),
        "derivation": BareDerivation((("out", Output(path)),), (), "x86_64-linux", b"/x", (), ()),
    }
    tried = 0
    with raw(daemon) as connection:
        for op in OPERATIONS.values():
            form = op.form(connection.dialect)
            if form is None:
                continue
            arguments = {field.name: values[field.codec.name] for field in form.fields}
            body = {} if form.body is None else {"body": [encode_u64(0)]}
            try:
                connection.call(op.name, **arguments, **body)
                if form.reply.archive:
                    pytest.fail("an archive of a path that is not there")
            except (RemoteError, PathNotValid):
                pass  # refused is answered
            tried += 1
            assert connection.call("is_valid_path", path=path) is False, op.name
        assert tried > 40


def test_an_unknown_operation_ends_the_session_and_says_why(daemon: Daemon) -> None:
    with raw(daemon) as connection:
        connection.channel.send(encode_u64(4711))
        with pytest.raises(RemoteError, match="number 4711"):
            connection._hear(lambda _event: None, None, None)
        with pytest.raises(ConnectionLost):
            connection.call("query_all_valid_paths")
    with raw(daemon) as other:
        assert other.call("query_all_valid_paths") == ()


@pytest.mark.parametrize(
    "nonsense",
    [b"GET / HTTP/1.1\r\n\r\n", b"", b"\0" * 64, encode_u64(0x6E697863) + encode_u64(0x109) + bytes(16)],
)
def test_nonsense_costs_its_own_connection_only(daemon: Daemon, nonsense: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(daemon.socket)
        connection.sendall(nonsense)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass
    with raw(daemon) as other:
        assert other.call("query_all_valid_paths") == ()


def test_a_client_that_goes_away_takes_its_build_with_it(daemon: Daemon, tmp_path: Path) -> None:
    """The build says nothing and would last for ever; its process is gone when the session is."""
    store = daemon.store()
    lowered = shell_build(store.store_dir, "endless", "echo started; kill -STOP $$")
    store.instantiate([lowered])
    child = os.fork()
    if not child:
        try:

            def leave(event: Event) -> None:
                if isinstance(event, BuildLog):
                    os._exit(0)

            daemon.store().realise([BuildTarget(lowered.path)], BuildOptions(), leave)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    # Who asks for the same build now gets its lock only when the first is over.
    script = shell_build(store.store_dir, "endless", "echo started; kill -STOP $$")
    assert script.path == lowered.path
    with store, pytest.raises(RemoteError, match="timed out"):
        store.realise([BuildTarget(lowered.path)], BuildOptions(timeout=1))


def test_strangers_may_build_and_add_what_names_itself(daemon: Daemon, stranger: int) -> None:
    done = as_stranger(
        daemon,
        stranger,
        "assert connection.is_trusted is False\n"
        "path = store.add_text('note', b'hello')\n"
        "assert store.is_valid(path)\n"
        "store.add_temp_root(path)\n"
        "print(open(path).read())\n",
    )
    assert (done.returncode, done.stdout) == (0, "hello\n"), done.stderr


@pytest.mark.parametrize(
    ("address", "references"),
    [
        (f"fixed:r:{hash_bytes(b'x', 'sha1')}", "()"),
        (f"fixed:r:{hash_bytes(b'x', 'sha512')}", "()"),
        (f"fixed:r:{hash_bytes(b'x')}", "(path,)"),
        (f"text:{hash_bytes(b'x')}", "(path,)"),
        (f"fixed:{hash_bytes(b'evil')}", "(path,)"),
        (f"fixed:r:{hash_bytes(encode_tree(File(b'evil')), 'sha1')}", "()"),
        (f"fixed:r:{hash_bytes(encode_tree(File(b'evil')))}", "()"),
    ],
)
def test_an_address_that_is_claimed_and_not_had_is_refused(
    daemon: Daemon, stranger: int, address: str, references: str
) -> None:
    """Else anybody could put anything under any name."""
    done = as_stranger(
        daemon,
        stranger,
        "from larix.formats.hashes import hash_bytes\n"
        "from larix.formats.nar import File, encode_tree\n"
        "from larix.protocol.eventtext import RemoteError\n"
        "data = encode_tree(File(b'evil'))\n"
        "path = store.store_dir + '/' + '1' * 32 + '-bash'\n"
        f"info = PathInfo(path, hash_bytes(data), len(data), {references}, content_address={address!r})\n"
        "try:\n"
        "    store.add_nar(info, [data])\n"
        "except RemoteError as error:\n"
        "    print(error.kind)\n"
        "assert not store.is_valid(path)\n"
        "store.add_text('still', b'usable')\n",
    )
    assert (done.returncode, done.stdout) == (0, "ArchiveMismatch\n"), done.stderr


@pytest.mark.parametrize(
    ("name", "script"),
    [
        (
            "content that is not named by itself",
            (
                "from larix.formats.hashes import hash_bytes\n"
                "from larix.formats.nar import File, encode_tree\n"
                "data = encode_tree(File(b'evil'))\n"
                "path = store.store_dir + '/' + '1' * 32 + '-bash'\n"
                "store.add_nar(PathInfo(path, hash_bytes(data), len(data)), [data])\n"
            ),
        ),
        (
            "signatures",
            (
                "path = store.add_text('a', b'b')\n"
                "connection.call('add_signatures', path=path, signatures=('key:sig',))\n"
            ),
        ),
        ("repairs", "connection.call('verify_store', check_contents=False, repair=True)\n"),
        (
            "links of root",
            (
                "path = store.add_text('a', b'b')\n"
                "connection.call('add_perm_root', path=path, link='/tmp/larix-test-planted')\n"
            ),
        ),
    ],
)
def test_strangers_may_not_bring(daemon: Daemon, stranger: int, name: str, script: str) -> None:
    done = as_stranger(
        daemon,
        stranger,
        "from larix.protocol.eventtext import RemoteError\n"
        "try:\n" + "".join(f"    {line}\n" for line in script.splitlines()) + "except RemoteError as error:\n"
        "    print(error.kind)\n"
        "store.add_text('still', b'usable')\n",
    )
    assert (done.returncode, done.stdout) == (0, "NotPermitted\n"), (name, done.stderr)
    assert not os.path.lexists("/tmp/larix-test-planted")


def test_nobody_may_delete_what_is_alive(daemon: Daemon) -> None:
    with daemon.store() as store:
        path = store.add_text("kept", b"kept")
        with pytest.raises(RemoteError, match="alive"):
            store.collect(3, [path])
        with pytest.raises(RemoteError, match="nobody may delete"):
            store._connection.call(
                "collect_garbage",
                action=3,
                paths=(path,),
                ignore_liveness=True,
                max_freed=0,
                unused_1=0,
                unused_2=0,
                unused_3=0,
            )
        assert store.is_valid(path)
    with daemon.store() as later:  # the temporary root went with its session
        assert later.collect(1)[0] == (path,)
        assert later.collect(2)[0] == (path,)


def test_a_derivation_with_anothers_output_is_refused(daemon: Daemon) -> None:
    """Whoever built it would put what they like where others expect something else."""
    with daemon.store() as store:
        honest = shell_build(store.store_dir, "honest", "echo > $out")
        store.instantiate([honest])
        forged = Derivation(
            name="honest",
            system="x86_64-linux",
            builder=b"/x",
            args=[],
            env={b"out": honest.output_path().encode()},
            outputs={"out": Output(honest.output_path())},
            input_drvs={},
            input_srcs=[],
        )
        text = print_derivation(forged)
        path = make_text_path(store.store_dir, "honest.drv", hash_bytes(text).digest)
        connection = store._connection
        ways: list[Callable[[], object]] = [
            lambda: store.add_text("honest.drv", text),
            lambda: connection.call("add_texts", texts=(DerivationText("honest.drv", text, ()),)),
            lambda: store.add_nar(
                PathInfo(
                    path,
                    hash_bytes(encode_tree(File(text))),
                    len(encode_tree(File(text))),
                    content_address=f"text:{hash_bytes(text)}",
                ),
                [encode_tree(File(text))],
            ),
        ]
        for way in ways:
            with pytest.raises(LarixError, match=r"output `out`|BadDerivation"):
                way()
            assert not store.is_valid(path)


def test_archives_that_are_not_what_they_are_said_to_be_are_refused(daemon: Daemon) -> None:
    data = encode_tree(File(b"content"))
    good = make_fixed_path(daemon.layout.store_dir, "a", hash_bytes(data), recursive=True)
    address = f"fixed:r:{hash_bytes(data)}"
    with daemon.store() as store:
        for info, sent in [
            (PathInfo(good, hash_bytes(b"other"), len(data), content_address=address), data),
            (PathInfo(good, hash_bytes(data), len(data) - 8, content_address=address), data),
            (PathInfo(good, hash_bytes(data), len(data), content_address=address), data[:-8]),
            (PathInfo(good, hash_bytes(data), len(data), content_address=address), data + bytes(8)),
        ]:
            with pytest.raises(LarixError):
                store.add_nar(info, [sent])
            assert not store.is_valid(good)
        store.add_nar(PathInfo(good, hash_bytes(data), len(data), content_address=address), [data])
        assert Path(good).read_bytes() == b"content"


def test_the_operators_limits_are_the_most_that_a_client_gets() -> None:
    with running_daemon(settings="timeout = 1\n") as daemon, daemon.store() as store:
        lowered = shell_build(store.store_dir, "slow", "kill -STOP $$")
        store.instantiate([lowered])
        with pytest.raises(RemoteError, match="timed out after 1 seconds"):
            store.realise([BuildTarget(lowered.path)], BuildOptions(timeout=0))


def test_who_is_not_allowed_is_let_go(stranger: int) -> None:
    with running_daemon(settings='allowed-users = ["root"]\n') as daemon:
        done = as_stranger(daemon, stranger, "")
        assert done.returncode == 1
        assert "may not use this daemon" in done.stderr
        with daemon.store() as store:
            assert store.all_valid_paths() == set()
        assert "may not use this daemon" in daemon.log()


def test_a_user_has_so_many_sessions_and_no_more(stranger: int) -> None:
    with running_daemon(settings="max-sessions-per-user = 2\n") as daemon:
        script = (
            "from larix.protocol.eventtext import RemoteError\n"
            f"second = Connection(connect({daemon.socket!r}), store.store_dir)\n"
            "try:\n"
            f"    Connection(connect({daemon.socket!r}), store.store_dir)\n"
            "except RemoteError as error:\n"
            "    print('refused' if '2 sessions' in str(error) else error)\n"
            "second.close()\n"
        )
        assert as_stranger(daemon, stranger, script).stdout == "refused\n"
        while as_stranger(daemon, stranger, "").returncode != 0:  # those before are not gone at once
            assert daemon.process.poll() is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("trustd-users = []\n", "unknown setting `trustd-users`"),
        ('cores = "two"\n', "`cores` must be a number"),
        ("trusted-users = 'root'\n", "must be a list of names"),
        ("cores = \n", "is no TOML"),
        ("cores = " + "[" * 5000 + "\n", "is no TOML"),
    ],
)
def test_settings_that_make_no_sense_stop_the_daemon(tmp_path: Path, settings: str, message: str) -> None:
    (tmp_path / "daemon.toml").write_text(settings)
    done = subprocess.run(
        [sys.executable, "-m", "larix.cli.main", "daemon", f"--settings={tmp_path}/daemon.toml"],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": SOURCES,
            "LARIX_STORE_DIR": f"{tmp_path}/store",
            "LARIX_STATE_DIRECTORY": f"{tmp_path}/var",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_daemon_on_the_same_socket_is_refused(daemon: Daemon) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "larix.cli.main", "daemon"],
        env=daemon.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "another daemon listens" in done.stderr


def test_a_signal_ends_the_daemon_and_what_a_killed_one_left_is_no_obstacle() -> None:
    with running_daemon() as daemon:
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait()
        again = subprocess.Popen(
            [sys.executable, "-m", "larix.cli.main", "daemon"],
            env=daemon.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert again.stdout is not None
        with again.stdout:
            assert again.stdout.readline() == "ready\n"
            with daemon.store() as store:
                path = store.add_text("a", b"b")
                assert store.is_valid(path)
            again.send_signal(signal.SIGTERM)
            assert again.wait() == 0
        assert not os.path.exists(daemon.socket)


def test_a_session_that_is_killed_costs_nobody_else_anything(daemon: Daemon) -> None:
    first, second = daemon.store(), daemon.store()
    path = first.add_text("a", b"b")
    process = next(
        int(line.split("session ")[1].split(":")[0])
        for line in daemon.log().splitlines()
        if "session" in line
    )
    os.kill(process, signal.SIGKILL)
    with first, pytest.raises(ConnectionLost):
        first.all_valid_paths()
    with second:
        assert second.is_valid(path)
    with daemon.store() as third:
        assert third.is_valid(path)


def test_guix_is_told_of_builds_in_its_own_words(daemon: Daemon) -> None:
    """A conversation as the recorded ones: options with a trace, a build, its lines."""
    with daemon.store() as store:
        lowered = shell_build(store.store_dir, "greeting", "echo working; echo hi > $out")
        store.instantiate([lowered])
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(daemon.guix_socket)
        connection.sendall(
            encode_u64(0x6E697863)
            + encode_u64(0x163)
            + bytes(16)
            + b"".join(map(encode_u64, (19, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1)))
            + encode_string(b"multiplexed-build-output")
            + encode_string(b"true")
            + encode_u64(9)
            + encode_u64(1)
            + encode_string(lowered.path.encode())
            + encode_u64(0)
        )
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(encode_u64(0x6478696F) + encode_u64(0x163))
    assert f"@ build-started {lowered.path} - ".encode() in answer
    assert b"working\n" in answer
    assert b"@ build-log " in answer
    assert f"@ build-succeeded {lowered.path} -\n".encode() in answer
    assert answer.endswith(encode_u64(0x616C7473) + encode_u64(1))


def test_tcp_clients_are_nobody(tmp_path: Path) -> None:
    with running_daemon("--listen=127.0.0.1:0") as daemon:
        port = int(daemon.log().rpartition("127.0.0.1', ")[2].split(")")[0])
        connection = Connection(connect(f"larix://127.0.0.1:{port}"), daemon.layout.store_dir)
        assert connection.is_trusted is False or connection.is_trusted is None
        with DaemonStore(connection) as store:
            assert store.is_valid(store.add_text("a", b"b"))
            with pytest.raises(RemoteError, match="over the network"):
                store.collect(2)
            live, dead = (set(store.collect(action)[0]) for action in (0, 1))
            assert live | dead == store.all_valid_paths()


def test_deletions_are_told_as_they_come(daemon: Daemon) -> None:
    """In lines, which every client shows."""
    with daemon.store() as store:
        paths = {store.add_text(name, b"x") for name in ("a", "b")}
    lines: list[str] = []
    connection = Connection(connect(daemon.socket), daemon.layout.store_dir, on_line=lines.append)
    with DaemonStore(connection) as store:
        first = store.collect(3, [min(paths)])[0]
        assert lines == [f"deleting '{min(paths)}'"]
        assert set(first) | set(store.collect(2)[0]) == paths
    assert {f"deleting '{path}'" for path in paths} == set(lines)
