"""The filter of system calls, in force: raw calls from a process that has installed it."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from larix.builder.sandbox import syscalls
from larix.builder.sandbox.filter import build_filter

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers below are x86_64's")

OPEN, CREAT, CHMOD, FCHMOD, MKNOD, OPENAT, MKNODAT, FCHMODAT = 2, 85, 90, 91, 133, 257, 259, 268
IOCTL, SOCKET, SOCKETPAIR, ADD_KEY, KEYCTL = 16, 41, 53, 248, 250
BPF, IO_URING_SETUP, OPENAT2, FCHMODAT2 = 321, 425, 437, 452
SETXATTR, GETXATTR, LISTXATTR = 188, 191, 194
X32 = 0x40000000
AT_FDCWD = -100


def filtered(action: Callable[[], Any], *, deny_local_sockets: bool = False) -> Any:
    """What `action` returns in a process under the filter."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1, "")
            syscalls.install_filter(build_filter("x86_64", deny_local_sockets=deny_local_sockets))
            os.write(writing, json.dumps(action()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        text = stream.read()
    _, status = os.waitpid(child, 0)
    assert status == 0
    return json.loads(text)


def call(number: int, *arguments: Any) -> int:
    """The errno of a raw system call; 0 when it succeeded."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = libc.syscall(ctypes.c_long(number), *arguments)
    return ctypes.get_errno() if result < 0 else 0


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(b"x")
    return made


@pytest.mark.parametrize("bits", [0o4755, 0o2755, 0o6755, 0o4000])
def test_no_call_sets_a_set_id_bit(file: Path, bits: int) -> None:
    name, fresh = os.fsencode(file), os.fsencode(file) + b"-new"
    mode = ctypes.c_ulong(
        bits | 0x1234_0000_0000
    )  # what is above 32 bits is ignored by the kernel, so also here

    def attempt() -> list[int]:
        descriptor = os.open(file, os.O_RDONLY)
        return [
            call(CHMOD, name, mode),
            call(FCHMOD, descriptor, mode),
            call(FCHMODAT, AT_FDCWD, name, mode),
            call(FCHMODAT2, AT_FDCWD, name, mode, 0),
            call(CREAT, fresh, mode),
            call(OPEN, fresh, os.O_CREAT | os.O_WRONLY, mode),
            call(OPENAT, AT_FDCWD, fresh, os.O_CREAT | os.O_WRONLY, mode),
            call(OPENAT, AT_FDCWD, os.fsencode(file.parent), os.O_TMPFILE | os.O_RDWR, mode),
            call(MKNOD, fresh, ctypes.c_ulong(bits | stat.S_IFREG), 0),
            call(MKNODAT, AT_FDCWD, fresh, ctypes.c_ulong(bits | stat.S_IFREG), 0),
        ]

    assert filtered(attempt) == [errno.EPERM] * 10
    assert stat.S_IMODE(file.stat().st_mode) & 0o6000 == 0
    assert not Path(os.fsdecode(fresh)).exists()


@pytest.mark.parametrize("bits", [0o755, 0o1777, 0o444, 0])
def test_other_modes_are_set_as_ever(file: Path, bits: int) -> None:
    name = os.fsencode(file)

    def attempt() -> list[int]:
        return [
            call(CHMOD, name, bits),
            call(FCHMODAT, AT_FDCWD, name, bits),
            call(OPENAT, AT_FDCWD, name + b"-new", os.O_CREAT | os.O_WRONLY, bits),
        ]

    assert filtered(attempt) == [0, 0, 0]
    assert stat.S_IMODE(file.stat().st_mode) == bits


def test_mode_of_an_open_that_makes_nothing_is_not_looked_at(file: Path) -> None:
    name = os.fsencode(file)
    assert filtered(
        lambda: [call(OPEN, name, os.O_RDONLY, 0o4755), call(OPENAT, AT_FDCWD, name, os.O_RDONLY, 0o4755)]
    ) == [
        0,
        0,
    ]


def test_calls_whose_mode_is_out_of_sight_are_absent(file: Path) -> None:
    name = os.fsencode(file)
    how = (ctypes.c_uint64 * 3)(0, 0, 0)
    assert (
        filtered(lambda: [call(OPENAT2, AT_FDCWD, name, how, 24), call(IO_URING_SETUP, 1, None)])
        == [errno.ENOSYS] * 2
    )


def test_numbers_of_x32_are_absent(file: Path) -> None:
    name = os.fsencode(file)
    assert filtered(lambda: call(CHMOD | X32, name, 0o4755)) == errno.ENOSYS


def test_32_bit_calls_are_filtered_too(file: Path) -> None:
    """A 64-bit process can enter the kernel by its 32-bit door, where numbers mean other things."""
    name = os.fsencode(file)

    def attempt() -> list[int]:
        enter = _Door()
        return [
            enter(15, enter.low(name), 0o4755),
            enter(94, os.open(file, os.O_RDONLY), 0o2755),
            enter(306, AT_FDCWD & 0xFFFFFFFF, enter.low(name), 0o4755),
            enter(5, enter.low(name + b"-new"), os.O_CREAT | os.O_WRONLY, 0o4755),
            enter(15, enter.low(name), 0o700),
        ]

    try:
        results = filtered(attempt)
    except AssertionError:
        pytest.skip("this kernel has no 32-bit calls")
    if errno.ENOSYS in results:
        pytest.skip("this kernel has no 32-bit calls")
    assert results == [errno.EPERM] * 4 + [0]
    assert stat.S_IMODE(file.stat().st_mode) == 0o700


class _Door:
    """Machine code for `int 0x80`, and memory below 4 GiB for what it points to."""

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.mmap.restype = ctypes.c_void_p
        libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 4]
        everything, private_anonymous_low = 7, 0x2 | 0x20 | 0x40
        self._memory = libc.mmap(None, 8192, everything, private_anonymous_low, -1, 0)
        # push rbx; mov eax,edi; mov ebx,esi; mov r8d,edx; mov edx,ecx; mov ecx,r8d; int 0x80; pop rbx; ret
        code = bytes.fromhex("53 89f8 89f3 4189d0 89ca 4489c1 cd80 5b c3")
        ctypes.memmove(self._memory, code, len(code))
        self._function = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_uint] * 4)(self._memory)
        self._next = self._memory + 4096

    def low(self, text: bytes) -> int:
        ctypes.memmove(self._next, text + b"\0", len(text) + 1)
        place, self._next = self._next, self._next + len(text) + 1
        return int(place)

    def __call__(self, number: int, *arguments: int) -> int:
        padded = (*arguments, 0, 0, 0)[:3]
        return -min(self._function(number, *padded), 0)


@pytest.mark.parametrize("request_number", [0x5412, 0x541C, 0x5412 | 1 << 40])
def test_keys_cannot_be_pushed_into_a_terminal(request_number: int) -> None:
    assert filtered(lambda: call(IOCTL, 0, ctypes.c_ulong(request_number), b"x")) == errno.EPERM


def test_other_requests_to_terminals_go_through() -> None:
    leader, follower = os.openpty()
    try:
        size = ctypes.create_string_buffer(8)
        assert filtered(lambda: call(IOCTL, follower, ctypes.c_ulong(0x5413), size)) == 0
    finally:
        os.close(leader)
        os.close(follower)


def test_extended_attributes_do_not_exist(file: Path) -> None:
    name = os.fsencode(file)
    buffer = ctypes.create_string_buffer(100)

    def attempt() -> list[int]:
        return [
            call(SETXATTR, name, b"user.x", b"1", 1, 0),
            call(GETXATTR, name, b"user.x", buffer, 100),
            call(LISTXATTR, name, buffer, 100),
        ]

    assert filtered(attempt) == [errno.ENOTSUP] * 3


def test_key_rings_and_bpf_are_out_of_reach() -> None:
    assert filtered(
        lambda: [call(ADD_KEY, b"user", b"x", b"y", 1, -3), call(KEYCTL, 0, -3, 1), call(BPF, 0, None, 0)]
    ) == [
        errno.ENOSYS,
        errno.ENOSYS,
        errno.EPERM,
    ]


def test_local_sockets_are_denied_only_beside_the_hosts_network() -> None:
    def attempt() -> list[int]:
        return [call(SOCKET, family, socket.SOCK_STREAM, 0) for family in (socket.AF_UNIX, socket.AF_INET)]

    assert filtered(attempt) == [0, 0]
    assert filtered(attempt, deny_local_sockets=True) == [errno.EAFNOSUPPORT, 0]


def test_pairs_beside_the_hosts_network_are_connected_for_good() -> None:
    """One of datagrams can send what it likes, descriptors too, to any name."""
    pair = (ctypes.c_int * 2)()
    kinds = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM, socket.SOCK_RAW)

    def attempt() -> list[int]:
        families = [call(SOCKETPAIR, socket.AF_UNIX, kind | socket.SOCK_CLOEXEC, 0, pair) for kind in kinds]
        return [*families, call(SOCKETPAIR, socket.AF_INET, socket.SOCK_DGRAM, 0, pair)]

    assert filtered(attempt) == [0, 0, 0, 0, errno.EOPNOTSUPP]
    refused = errno.EAFNOSUPPORT
    assert filtered(attempt, deny_local_sockets=True) == [0, 0, refused, refused, errno.EOPNOTSUPP]


def test_unknown_machine_has_no_filter() -> None:
    assert build_filter("pdp11") == b""
    assert len(build_filter("aarch64")) % 8 == 0 != len(build_filter("aarch64"))
