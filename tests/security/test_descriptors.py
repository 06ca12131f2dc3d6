"""V5, V6, V14, V16: descriptors of outputs that leave a build, and what can be done with them then."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from security.den import Den, Told, flat

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
