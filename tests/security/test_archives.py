"""V9, V21, V22, V30, V33: archives of a hostile client, in new and old forms of the protocol."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from larix.client.store import DaemonStore
from larix.errors import LarixError
from larix.formats.hashes import hash_bytes
from larix.formats.nar import Directory, File, Symlink, encode_tree
from larix.formats.storepath import StoreDir, make_fixed_path
from larix.formats.wire import encode_string, encode_u64
from larix.protocol import PathInfo
from larix.protocol.dialect import NIX_VERSION
from security.den import CLIENT, Den, as_user

pytestmark = pytest.mark.slow

OLD = 0x115  # before archives came in frames
MAGIC = encode_string(b"nix-archive-1")


def words(*texts: bytes) -> bytes:
    return b"".join(map(encode_string, texts))


def node(*texts: bytes) -> bytes:
    return words(b"(", b"type", *texts, b")")


FILE = node(b"regular", b"contents", b"evil")
LINK = node(b"symlink", b"target", b"/tmp")


def entry(name: bytes, what: bytes) -> bytes:
    return words(b"entry", b"(", b"name", name, b"node") + what + words(b")")


def folder(*entries: bytes) -> bytes:
    return words(b"(", b"type", b"directory") + b"".join(entries) + words(b")")


def length(number: int) -> bytes:
    """A file that says it has so many bytes."""
    return words(b"(", b"type", b"regular", b"contents") + encode_u64(number)


HOSTILE = {
    "a name twice": folder(entry(b"a", FILE), entry(b"a", FILE)),
    "a link and then a folder": folder(entry(b"a", LINK), entry(b"a", folder(entry(b"larix-planted", FILE)))),
    "names out of order": folder(entry(b"b", FILE), entry(b"a", FILE)),
    "a name that is empty": folder(entry(b"", FILE)),
    "the name .": folder(entry(b".", FILE)),
    "the name ..": folder(entry(b"..", folder(entry(b"larix-planted", FILE)))),
    "a name with a slash": folder(entry(b"a/b", FILE)),
    "an absolute name": folder(entry(b"/tmp/larix-planted", FILE)),
    "a name with a NUL": folder(entry(b"foo\0junk", FILE)),
    "a name too long": folder(entry(b"x" * 256, FILE)),
    "a link to nowhere": node(b"symlink", b"target", b""),
    "a link with a NUL": node(b"symlink", b"target", b"/etc\0/x"),
    "a link too long": node(b"symlink", b"target", b"x" * 4096),
    "an executable with a value": node(b"regular", b"executable", b"yes", b"contents", b"x"),
    "an unknown kind": node(b"device", b"contents", b"x"),
    "padding that is not zero": words(b"(", b"type", b"regular", b"contents")
    + encode_u64(1)
    + b"xEVILxxx"
    + words(b")"),
    "7 bytes without their end": length(7),
    "2^31 bytes": length(1 << 31),
    "2^63 bytes": length(1 << 63),
    "2^64-8 bytes": length((1 << 64) - 8),
    "2^64-1 bytes": length((1 << 64) - 1),
    "a huge name": words(b"(", b"type", b"directory", b"entry", b"(", b"name") + encode_u64(1 << 40),
    "a huge word": encode_u64((1 << 64) - 8),
    "two trees": FILE + FILE,
    "nothing": b"",
}


def said(store_dir: StoreDir, data: bytes) -> PathInfo:
    """What a client says of an archive that is named by its own content: anybody may add such."""
    digest = hash_bytes(data)
    path = make_fixed_path(store_dir, "evil", digest, recursive=True)
    return PathInfo(path, digest, len(data), content_address=f"fixed:r:{digest}")


@pytest.mark.parametrize("version", [NIX_VERSION, OLD])
def test_what_no_archive_is_costs_a_connection_and_nothing_else(den: Den, version: int) -> None:
    def attack() -> dict[str, str]:
        found: dict[str, str] = {}
        for name, body in HOSTILE.items():
            data = MAGIC + body
            info = said(den.store_dir, data)
            try:
                with den.daemon.store(version) as store:
                    store.add_nar(info, [data])
                found[name] = "taken"
            except LarixError as error:
                is_fine = "bug" not in str(error) and getattr(error, "kind", "") != "NotPermitted"
                found[name] = "" if is_fine else str(error)
        return found

    den.client(lambda _: None)
    before = set(os.listdir(den.store_dir))
    found = as_user(CLIENT, attack)
    assert {name: what for name, what in found.items() if what} == {}
    assert len(found) == len(HOSTILE)
    assert set(os.listdir(den.store_dir)) == before
    for place in ("/tmp", den.folder, den.store_dir):
        assert not os.path.lexists(f"{place}/larix-planted")
    assert "Traceback" not in den.daemon.log()
    assert den.daemon.process.poll() is None
    with den.daemon.store() as store:
        assert store.all_valid_paths() == set()


def test_twins_in_case_and_normal_form_are_two_files_each(den: Den) -> None:
    """V9, V30: what is accepted is given back byte for byte."""
    names = [b"A", b"a", "\u00e9".encode(), "e\u0301".encode(), b"\xff"]
    data = encode_tree(Directory({name: File(name) for name in names} | {b"l": Symlink(b"\xff/..")}))
    info = said(den.store_dir, data)
    den.client(lambda store: store.add_nar(info, [data]))
    assert sorted(os.listdir(os.fsencode(info.path))) == sorted([*names, b"l"])
    assert den.client(lambda store: b"".join(store.dump_nar(info.path)).hex()) == data.hex()


def nested(depth: int) -> Iterator[bytes]:
    """The archive of folders in one another, in pieces."""
    start = words(b"(", b"type", b"directory", b"entry", b"(", b"name", b"d", b"node")
    yield MAGIC
    for left in range(depth, 0, -1000):
        yield start * min(left, 1000)
    yield folder()
    end = words(b")", b")")
    for left in range(depth, 0, -1000):
        yield end * min(left, 1000)


def peak(process: int) -> int:
    """The most memory a process has had, in KiB."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("version", [NIX_VERSION, OLD])
@pytest.mark.parametrize("depth", [65, 1_000, 100_000])
def test_depth_costs_no_memory_and_no_daemon(den: Den, version: int, depth: int) -> None:
    """V21: taken or refused, in one session, which goes on or ends."""
    pieces = list(nested(depth))
    data = b"".join(pieces)
    info = said(den.store_dir, data)

    def send() -> str:
        connection = den.daemon.connection(version)
        store = DaemonStore(connection)
        store.is_valid(info.path)
        session = int(re.findall(r"session (\d+)", den.daemon.log())[-1])
        before = peak(session)
        try:
            store.add_nar(info, pieces)
            what = "taken"
        except LarixError as error:
            what = "" if "bug" not in str(error) else str(error)
        with suppress(FileNotFoundError):  # the session may have ended
            assert peak(session) - before < 32 * 1024
        return what

    what = as_user(CLIENT, send)
    assert what in {"", "taken"}
    assert "Traceback" not in den.daemon.log()
    with den.daemon.store() as store:
        assert store.is_valid(info.path) == (what == "taken")
        store.collect(2)
        assert os.listdir(den.store_dir) == [".links"]


def test_sessions_that_are_crashed_again_and_again_leave_the_parent_alone(den: Den) -> None:
    """V33: each is a process of its own, and gives its place back."""

    def crash() -> int:
        refused = 0
        for _ in range(100):
            try:
                with den.daemon.connection() as connection:
                    connection.channel.send(encode_u64(7) + encode_u64((1 << 64) - 8))
                    connection.channel.flush()
                    connection.call("query_all_valid_paths")
            except LarixError:
                refused += 1
        return refused

    assert as_user(CLIENT, crash) == 100
    assert den.daemon.process.poll() is None
    with den.daemon.store() as store:
        assert store.all_valid_paths() == set()
