"""V19, V23, V24, V25, V36: what a derivation of a hostile client says, and what it leads to."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.servers import HttpServer, answer, files
from larix.client.store import DaemonStore
from larix.derivation import Derivation, Output, derivation, print_derivation
from larix.errors import LarixError
from larix.formats.hashes import hash_bytes
from larix.formats.nar import Directory, File, encode_tree
from larix.formats.storepath import StorePath, make_fixed_path, make_text_path, name_part
from larix.protocol import PathInfo
from larix.protocol.values import DerivationText
from security.den import SYSTEM, Den, recursive

pytestmark = pytest.mark.slow


def ways_in(store: DaemonStore, name: str, text: bytes) -> list[Callable[[], object]]:
    """All by which a client brings a derivation."""
    data = encode_tree(File(text))
    path = make_text_path(store.store_dir, name, hash_bytes(text).digest)
    info = PathInfo(path, hash_bytes(data), len(data), content_address=f"text:{hash_bytes(text)}")
    return [
        lambda: store.add_text(name, text),
        lambda: store._connection.call("add_texts", texts=(DerivationText(name, text, ()),)),
        lambda: store.add_nar(info, [data]),
    ]


def forged(den: Den, output: Output) -> bytes:
    made = Derivation(
        name=name_part(output.path),
        system=SYSTEM,
        builder=b"/x",
        args=[],
        env={b"out": output.path.encode()},
        outputs={"out": output},
        input_drvs={},
        input_srcs=[],
    )
    return print_derivation(made)


@pytest.mark.parametrize("kind", ["another's output", "another fixed content", "a fixed name of its own"])
def test_outputs_under_names_that_are_not_theirs_are_refused(den: Den, kind: str) -> None:
    """V25: by each way in; the honest one then builds its own."""
    honest = den.script("honest", "echo honest > $out")
    wanted = hash_bytes(b"wanted")
    output = {
        "another's output": Output(honest.output_path()),
        "another fixed content": Output(
            make_fixed_path(den.store_dir, "forged", wanted, recursive=False),
            "sha256",
            hash_bytes(b"evil").base16(),
        ),
        "a fixed name of its own": Output(
            StorePath(f"{den.store_dir}/{'1' * 32}-forged"), "sha256", wanted.base16()
        ),
    }[kind]
    text = forged(den, output)

    def attack(store: DaemonStore) -> list[str]:
        found: list[str] = []
        for way in ways_in(store, f"{name_part(output.path)}.drv", text):
            try:
                way()
                found.append("taken")
            except LarixError as error:
                found.append("bug" if "bug" in str(error) else "")
        return found

    assert den.client(attack) == [""] * 3
    told = den.build(honest)
    assert Path(told.outputs["out"]).read_text() == "honest\n"


def test_traces_of_builds_are_taken_from_nobody(den: Den) -> None:
    """V24: neither from a client nor with a signature of its own."""

    def attack(store: DaemonStore) -> str:
        try:
            store._connection.call("register_drv_output", realisation="{}")
        except LarixError as error:
            return getattr(error, "kind", type(error).__name__)
        return "taken"

    assert den.client(attack) == "NotOffered"


def test_wishes_for_less_isolation_change_nothing(den: Den) -> None:
    """V36: what other daemons know under these names."""
    env = {
        "__noChroot": "1",
        "__impureHostDeps": "/etc/shadow /",
        "sandboxProfile": "(allow default)",
        "__sandboxProfile": "(allow default)",
        "impureEnvVars": "SECRET_OF_THE_DAEMON",
        "preferLocalBuild": "1",
    }
    told = den.build(den.script("free", "echo /*; echo network $(ls /sys/class/net 2>&1); : > $out", env=env))
    assert sorted(told.lines[0].split()) == ["/dev", "/etc", "/proc", "/tmp"]

    def attack(store: DaemonStore) -> None:
        settings = (("sandbox", "false"), ("build-use-chroot", "false"), ("sandbox-paths", "/"))
        store._connection.call(
            "set_options",
            keep_failed=False,
            keep_going=False,
            fallback=True,
            verbosity=0,
            max_jobs=1,
            max_silent_time=0,
            use_build_hook=1,
            build_verbosity=0,
            log_type=0,
            print_build_trace=0,
            cores=0,
            use_substitutes=True,
            settings=(*settings, ("extra-sandbox-paths", "/x=/etc"), ("build-users-group", "root")),
        )
        lowered = den.script("wished", "echo /* > $out; id -u >> $out; test ! -e /x")
        store.instantiate([lowered])
        store._connection.call("build_paths", targets=(target_of(lowered.path),), mode=0)

    den.client(attack)
    made = den.script("wished", "echo /* > $out; id -u >> $out; test ! -e /x").output_path()
    assert Path(made).read_text().split() == ["/dev", "/etc", "/proc", "/tmp", "1000"]


def target_of(drv: StorePath) -> object:
    from larix.protocol import BuildTarget

    return BuildTarget(drv)


@pytest.mark.parametrize("target", ["/", "/etc", "../../../../../..", "/proc/1/root", "."])
def test_an_input_that_is_a_link_shows_nothing(den: Den, target: str) -> None:
    """V36: it is copied as a link, and leads where it leads in the room."""
    link = den.script("link", f"ln -s {target} $out")
    path = link.output_path()
    text = f"readlink {path}; cat {path}/etc/shadow {path}/shadow 2>&1 | head -3; : > $out"
    told = den.build(den.script("user", text, inputs=[link]))
    assert not told.error
    assert target in told.lines
    assert "root:" not in told.text


@pytest.mark.parametrize("name", ["../escape", "a/b", "..", ".", "/tmp/larix-planted", ""])
def test_files_for_the_builder_stay_in_its_folder(den: Den, name: str) -> None:
    """V7, V36: names in `exportReferencesGraph` and `passAsFile`."""
    note = den.client(lambda store: store.add_text("note", b"note"))
    told = den.build(
        den.script(
            "exporting",
            "find / -name '*escape*' -o -name larix-planted; : > $out",
            env={"exportReferencesGraph": f"{name} {note}", "passAsFile": name, name or "x": "contents"},
        )
    )
    assert told.error or told.lines == []
    assert not os.path.lexists("/tmp/larix-planted")
    assert not os.path.lexists(den.builds.parent / "escape")
    assert "Traceback" not in den.daemon.log()


def tar_of(*members: tuple[str, bytes, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, kind, what in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname, member.mode = kind, what, 0o6755
            if kind == tarfile.REGTYPE:
                member.size = len(what)
            archive.addfile(member, io.BytesIO(what.encode()) if kind == tarfile.REGTYPE else None)
    return stream.getvalue()


TARS = {
    "absolute": [("/tmp/larix-planted", tarfile.REGTYPE, "x")],
    "upwards": [("../../larix-planted", tarfile.REGTYPE, "x")],
    "through a link": [("d", tarfile.SYMTYPE, "/tmp"), ("d/larix-planted", tarfile.REGTYPE, "x")],
    "a folder through a link": [("d", tarfile.SYMTYPE, "/tmp"), ("d/larix-planted", tarfile.DIRTYPE, "")],
    "a hard link outside": [("h", tarfile.LNKTYPE, "/etc/passwd")],
    "a hard link upwards": [("h", tarfile.LNKTYPE, "../../etc/passwd")],
    "a hard link through a link": [("d", tarfile.SYMTYPE, "/etc"), ("h", tarfile.LNKTYPE, "d/passwd")],
    "a device": [("null", tarfile.CHRTYPE, "")],
    "a pipe": [("pipe", tarfile.FIFOTYPE, "")],
}


@pytest.mark.parametrize("kind", TARS)
def test_archives_that_are_downloaded_stay_where_they_are_unpacked(den: Den, kind: str) -> None:
    """V23: in the folder of a build that nothing else can be written from."""
    body = tar_of(*TARS[kind])
    with HttpServer(answer(body)) as server:
        lowered = derivation(
            "source",
            store_dir=den.store_dir,
            system=SYSTEM,
            builder="builtin:download",
            env={"url": f"{server.url}/x.tar", "unpack": "1"},
            fixed=recursive(hash_bytes(encode_tree(Directory({})))),
        )
        told = den.build(lowered)
    assert told.error
    assert not os.path.lexists("/tmp/larix-planted")
    assert not os.path.lexists(den.builds / "larix-planted")
    assert not [name for name in os.listdir(den.store_dir) if "larix-planted" in name]
    with den.daemon.store() as store:
        for path in store.all_valid_paths():
            for folder, _, names in os.walk(path):
                assert not any("root:" in _contents(os.path.join(folder, name)) for name in names)


def _contents(file: str) -> str:
    return "" if os.path.islink(file) else Path(file).read_text(errors="replace")


@pytest.mark.parametrize(
    "url",
    [
        "mirror://__import__('os').system('touch /tmp/larix-planted')/x",
        "mirror://nowhere/../../../../tmp/larix-planted",
        "-o/tmp/larix-planted",
        "ext::sh",
        "file:///etc/shadow",
        "file:///root",
        "file:///dev/zero",
        "file:///proc/self/mem",
        "gopher://x/",
    ],
)
def test_addresses_are_data(den: Den, url: str) -> None:
    """V11, V19: nothing in one is evaluated or run, nor read that the build user may not read."""
    lowered = derivation(
        "fetched",
        store_dir=den.store_dir,
        system=SYSTEM,
        builder="builtin:download",
        env={"url": url, "mirrors": '(begin (system "touch /tmp/larix-planted"))'},
        fixed=recursive(hash_bytes(b"never")),
    )
    told = den.build(lowered)
    assert told.error
    assert "Traceback" not in den.daemon.log()
    assert not os.path.lexists("/tmp/larix-planted")
    with den.daemon.store() as store:
        for path in store.all_valid_paths() - {lowered.path}:
            assert "root:" not in _contents(path)


def test_a_socket_of_the_host_is_no_file(den: Den) -> None:
    """V11: nor is it connected to."""
    lowered = derivation(
        "fetched",
        store_dir=den.store_dir,
        system=SYSTEM,
        builder="builtin:download",
        env={"url": f"file://{den.daemon.socket}"},
        fixed=recursive(hash_bytes(b"never")),
    )
    assert "No such device" in den.build(lowered).error


def test_a_download_that_is_right_still_comes(den: Den) -> None:
    """Rule 9: what is refused above is not ordinary use."""
    with HttpServer(files({"/x": b"wanted"})) as server:
        lowered = derivation(
            "fetched",
            store_dir=den.store_dir,
            system=SYSTEM,
            builder="builtin:download",
            env={"url": f"{server.url}/x"},
            fixed=recursive(hash_bytes(encode_tree(File(b"wanted")))),
        )
        told = den.build(lowered)
    assert Path(told.outputs["out"]).read_bytes() == b"wanted"
