"""V5, V6, V14, V16: descriptors of outputs that leave a build, and what can be done with them then."""

from __future__ import annotations

import mmap
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from larix.derivation import Lowered
from larix.formats.hashes import hash_bytes
from larix.formats.nar import Directory, File, encode_tree
from larix.formats.storepath import StorePath
from security.den import Den, Told, flat, recursive

pytestmark = pytest.mark.slow

CONTENT = b"as promised\n"


class Ears:
    """The bystander's abstract sockets, on the network that fixed outputs share with the host."""

    def __init__(self) -> None:
        self.names = [f"larix-test-{os.urandom(8).hex()}" for _ in range(2)]
        self._sockets = [
            socket.socket(socket.AF_UNIX, kind) for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)
        ]
        for each, name in zip(self._sockets, self.names, strict=True):
            each.bind("\0" + name)
            each.setblocking(False)
        self._sockets[1].listen()

    def heard(self) -> list[int]:
        """The descriptors that came."""
        found: list[int] = []
        while True:
            try:
                _, descriptors, _, _ = socket.recv_fds(self._sockets[0], 1, 4)
            except BlockingIOError:
                break
            found += descriptors
        while True:
            try:
                connection, _ = self._sockets[1].accept()
            except BlockingIOError:
                return found
            with connection:
                _, descriptors, _, _ = socket.recv_fds(connection, 1, 4)
                found += descriptors

    def close(self) -> None:
        for each in self._sockets:
            each.close()


@contextmanager
def ears() -> Iterator[Ears]:
    made = Ears()
    try:
        yield made
    finally:
        made.close()


def ways(told: Told) -> dict[str, int]:
    """What became of each way that `passing.c` tries, by its errno."""
    return {
        word: int(number)
        for word, number in (line.split() for line in told.lines if line[:1].islower() and line[-1].isdigit())
    }


@pytest.mark.parametrize("kind", ["fixed", "ordinary", "failed"])
def test_no_descriptor_of_an_output_leaves_its_build(den: Den, kind: str) -> None:
    """V5, V14: by any kind of socket, from both doors of the kernel, in each kind of build."""
    with ears() as listening:
        text = f"$passing $out {' '.join(listening.names)}; printf 'as promised\\n' > $out"
        fixed = flat(CONTENT) if kind == "fixed" else None
        told = den.build(
            den.script(
                "leaky", text + ("; exit 9" if kind == "failed" else ""), programs=["passing"], fixed=fixed
            )
        )
        assert ("exit code 9" in told.error) if kind == "failed" else not told.error
        found = ways(told)
        assert len(found) >= 10
        assert {way for way, number in found.items() if number == 0} <= {"bind-datagram"} - (
            {"bind-datagram"} if kind == "fixed" else set()
        )
        assert listening.heard() == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_descriptor_in_hand_writes_to_a_dead_file(den: Den, kind: str) -> None:
    """V5, V6: as if the bystander had got it all the same. What is valid has inodes of its own."""
    inside = "$out" if kind == "file" else "$out/file"
    make = "" if kind == "file" else "mkdir $out; "
    fixed = (
        flat(CONTENT)
        if kind == "file"
        else recursive(hash_bytes(encode_tree(Directory({b"file": File(CONTENT)}))))
    )
    text = f"{make}printf 'as promised\\n' > {inside}; mkfifo go; echo ready; read x < go"
    lowered = den.script("held", text, fixed=fixed)
    with den.building(lowered) as building:
        building.wait_for("ready")
        [output] = den.builds.glob(f"*/store/{os.path.basename(lowered.output_path())}")
        held = os.open(output if kind == "file" else output / "file", os.O_RDWR)
        mapped = mmap.mmap(held, len(CONTENT))
        (den.build_folder(lowered) / "go").write_text("\n")
        told = building.told()
    assert not told.error
    os.write(held, b"EVIL")
    mapped[:4] = b"EVIL"
    mapped.flush()
    os.ftruncate(held, 0)
    os.fchmod(held, 0o6777)
    with pytest.raises(OSError, match=r"cross-device|No such file"):
        os.link(f"/proc/self/fd/{held}", den.folder / "linked", follow_symlinks=True)
    mapped.close()
    os.close(held)
    made = Path(told.outputs["out"]) / ("" if kind == "file" else "file")
    assert made.read_bytes() == CONTENT
    status = made.stat()
    assert (status.st_uid, status.st_nlink, status.st_mode & 0o7777) == (0, 1, 0o444)
    with den.daemon.store() as store:
        assert not store.verify(check_contents=True)


def test_the_output_of_a_failed_build_is_out_of_reach(den: Den) -> None:
    """V16: no byte of it is anywhere, the descriptor leads nowhere, and the next build is whole."""
    text = "printf 'half' > $out; mkfifo go; echo ready; read status < go; exit $status"
    lowered = den.script("twice", text)
    with den.building(lowered) as building:
        building.wait_for("ready")
        [output] = den.builds.glob(f"*/store/{os.path.basename(lowered.output_path())}")
        held = os.open(output, os.O_RDWR)
        (den.build_folder(lowered) / "go").write_text("9\n")
        assert "exit code 9" in building.told().error
    assert not os.path.lexists(lowered.output_path())
    os.write(held, b"EVIL")
    with den.building(lowered) as building:
        building.wait_for("ready")
        os.write(held, b"EVIL")
        (den.build_folder(lowered) / "go").write_text("0\n")
        told = building.told()
    assert os.fstat(held).st_nlink == 0
    os.close(held)
    assert Path(told.outputs["out"]).read_text() == "half"


def test_a_valid_output_is_not_touched_by_another_build_of_it(den: Den) -> None:
    """V6, V27: all valid already, some valid, made again and compared."""
    lowered = den.script("several", "echo $RANDOM > $one; echo b > $two", outputs=("one", "two"))
    assert not den.build(lowered).error
    before = {name: os.stat(path) for name, path in outputs_of(lowered).items()}
    assert not den.build(lowered).error
    told = den.build(lowered, rounds=3)
    assert not told.error or "differ" in told.error
    for name, path in outputs_of(lowered).items():
        after = os.stat(path)
        assert (after.st_ino, after.st_mtime_ns) == (before[name].st_ino, before[name].st_mtime_ns)
    with den.daemon.store() as store:
        assert store.valid_paths(outputs_of(lowered).values()) == set(outputs_of(lowered).values())
        assert not store.verify(check_contents=True)
        store.collect(3, [lowered.output_path("two")])
    assert not den.build(lowered).error  # one valid, the other not
    with den.daemon.store() as store:
        assert store.valid_paths(outputs_of(lowered).values()) == set(outputs_of(lowered).values())
    assert os.stat(lowered.output_path("one")).st_ino == before["one"].st_ino


def outputs_of(lowered: Lowered) -> dict[str, StorePath]:
    return {name: lowered.output_path(name) for name in lowered.output_names}
