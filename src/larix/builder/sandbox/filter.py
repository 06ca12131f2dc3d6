"""The filter of system calls: a classic BPF program, assembled here.

What it is for: no file with a set-id bit may come into being under a build user's id, not even for a
moment; file attributes that a store cannot hold are answered as on a file system without them, so that no
build sees the host's; no keys pushed into a terminal, no kernel key rings, no ring of system calls that
goes past this filter. Beside the host's network, no local socket that can reach another by a name.

Instructions are `(code, jump if true, jump if false, value)`, packed in 8 bytes. The program gets `struct
seccomp_data`: the number at 0, the architecture at 4, arguments of 8 bytes from 16. Only the low half of
an argument is looked at, as the kernel does for modes, flags and `ioctl` requests.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

__all__ = ["build_filter", "container_filter"]

_LOAD = 0x20
_JUMP = 0x05
_IF_EQUAL = 0x15
_IF_SET = 0x45
_IF_GREATER_OR_EQUAL = 0x35
_AND = 0x54
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_FAIL = 0x00050000

_EPERM = 1
_ENOSYS = 38
_ENOTSUP = 95
_EAFNOSUPPORT = 97

_SET_ID_BITS = 0o6000
_CREATING = 0o100 | 0o20000000  # O_CREAT, O_TMPFILE: only then is there a mode
_TIOCSTI = 0x5412
_TIOCLINUX = 0x541C
_AF_UNIX = 1
_CONNECTED_KINDS = (1, 5)  # SOCK_STREAM, SOCK_SEQPACKET: a pair of these stays a pair
_KIND_OF_SOCKET = 0xF  # beside flags such as SOCK_CLOEXEC
_X32_BIT = 0x40000000


class _Calls(NamedTuple):
    """Numbers of system calls on one architecture; what it does not have is absent."""

    audit: int
    mode_calls: dict[int, int]  # number -> which argument is the mode
    open_calls: dict[int, tuple[int, int]]  # number -> which are flags and mode
    attribute_calls: tuple[int, ...]
    absent_calls: tuple[int, ...]  # rings, and those whose mode cannot be seen
    key_calls: tuple[int, ...]
    forbidden_calls: tuple[int, ...]
    ioctl: int
    socket: int
    socketpair: int
    socketcall: int | None = None


_NEW_ATTRIBUTE_CALLS = (463, 464, 465, 466)
_OPENAT2, _FCHMODAT2, _IO_URING_SETUP = 437, 452, 425

_X86_64 = _Calls(
    audit=0xC000003E,
    mode_calls={90: 1, 91: 1, 268: 2, _FCHMODAT2: 2, 85: 1, 133: 1, 259: 2},
    open_calls={2: (1, 2), 257: (2, 3)},
    attribute_calls=(*range(188, 200), *_NEW_ATTRIBUTE_CALLS),
    absent_calls=(_OPENAT2, _IO_URING_SETUP),
    key_calls=(248, 249, 250),
    forbidden_calls=(298, 321),
    ioctl=16,
    socket=41,
    socketpair=53,
)
_I386 = _Calls(
    audit=0x40000003,
    mode_calls={15: 1, 94: 1, 306: 2, _FCHMODAT2: 2, 8: 1, 14: 1, 297: 2},
    open_calls={5: (1, 2), 295: (2, 3)},
    attribute_calls=(*range(226, 238), *_NEW_ATTRIBUTE_CALLS),
    absent_calls=(_OPENAT2, _IO_URING_SETUP),
    key_calls=(286, 287, 288),
    forbidden_calls=(336, 357),
    ioctl=54,
    socket=359,
    socketpair=360,
    socketcall=102,
)
_AARCH64 = _Calls(
    audit=0xC00000B7,
    mode_calls={52: 1, 53: 2, _FCHMODAT2: 2, 33: 2},
    open_calls={56: (2, 3)},
    attribute_calls=(*range(5, 17), *_NEW_ATTRIBUTE_CALLS),
    absent_calls=(_OPENAT2, _IO_URING_SETUP),
    key_calls=(217, 218, 219),
    forbidden_calls=(241, 280),
    ioctl=29,
    socket=198,
    socketpair=199,
)
# `setarch i686` renames a machine whose processes may be of either kind all the same.
_MACHINES = {"x86_64": (_X86_64, _I386), "i686": (_X86_64, _I386), "aarch64": (_AARCH64,)}

_Instruction = tuple[int, int, int, int]


def build_filter(machine: str, *, deny_local_sockets: bool = False) -> bytes:
    """The program for `machine`, as `uname` names it; empty where no table exists, and nothing can be built.

    `deny_local_sockets` is for builds that share the host's network: a socket in the abstract name space
    would be a way to hand descriptors to processes outside.
    """
    tables = _MACHINES.get(machine, ())
    if not tables:
        return b""
    return _program([(calls, _table(calls, deny_local_sockets=deny_local_sockets)) for calls in tables])


def container_filter(machine: str) -> bytes:
    """The program for containers, whose files are no store's: what reaches out of a name space is denied.

    That is pushing keys into the terminal, which a container shares with the shell that started it, and the
    kernel's key rings, which have no name space.
    """
    return _program([(calls, _container_table(calls)) for calls in _MACHINES.get(machine, ())])


def _program(blocks: list[tuple[_Calls, list[_Instruction]]]) -> bytes:
    if not blocks:
        return b""
    program: list[_Instruction] = []
    for calls, block in blocks:
        program += [(_LOAD, 0, 0, 4), (_IF_EQUAL, 1, 0, calls.audit), (_JUMP, 0, 0, len(block)), *block]
    program.append((_RETURN, 0, 0, _FAIL | _ENOSYS))  # another architecture's numbers mean other calls
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def _table(calls: _Calls, *, deny_local_sockets: bool) -> list[_Instruction]:
    block = _number_of(calls)
    for number, position in calls.mode_calls.items():
        block += _when(number, [*_unless_set(position, _SET_ID_BITS, 1), (_RETURN, 0, 0, _FAIL | _EPERM)])
    for number, (flags, mode) in calls.open_calls.items():
        tests = [*_unless_set(flags, _CREATING, 3), *_unless_set(mode, _SET_ID_BITS, 1)]
        block += _when(number, [*tests, (_RETURN, 0, 0, _FAIL | _EPERM)])
    block += _no_pushed_keys(calls)
    if deny_local_sockets:
        block += _no_local_sockets(calls)
    for numbers, errno in (
        (calls.attribute_calls, _ENOTSUP),
        ((*calls.absent_calls, *calls.key_calls), _ENOSYS),
        (calls.forbidden_calls, _EPERM),
    ):
        for number in numbers:
            block += [(_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _FAIL | errno)]
    block.append((_RETURN, 0, 0, _ALLOW))
    return block


def _number_of(calls: _Calls) -> list[_Instruction]:
    """Load the number of the call; those of the x32 interface are none that the tables know."""
    block: list[_Instruction] = [(_LOAD, 0, 0, 0)]
    if calls is _X86_64:
        block += [(_IF_GREATER_OR_EQUAL, 0, 1, _X32_BIT), (_RETURN, 0, 0, _FAIL | _ENOSYS)]
    return block


def _no_pushed_keys(calls: _Calls) -> list[_Instruction]:
    request = [(_LOAD, 0, 0, _argument(1)), (_IF_EQUAL, 1, 0, _TIOCSTI), (_IF_EQUAL, 0, 1, _TIOCLINUX)]
    return _when(calls.ioctl, [*request, (_RETURN, 0, 0, _FAIL | _EPERM)])


def _no_local_sockets(calls: _Calls) -> list[_Instruction]:
    """None but pairs that are connected for good: one of datagrams sends to any name, and takes one."""
    refusal = (_RETURN, 0, 0, _FAIL | _EAFNOSUPPORT)
    block = _when(calls.socket, [(_LOAD, 0, 0, _argument(0)), (_IF_EQUAL, 0, 1, _AF_UNIX), refusal])
    kind = [(_LOAD, 0, 0, _argument(1)), (_AND, 0, 0, _KIND_OF_SOCKET)]
    known = [
        (_IF_EQUAL, len(_CONNECTED_KINDS) - place, 0, number) for place, number in enumerate(_CONNECTED_KINDS)
    ]
    pair = [*kind, *known, refusal]
    family = [(_LOAD, 0, 0, _argument(0)), (_IF_EQUAL, 0, len(pair), _AF_UNIX)]
    block += _when(calls.socketpair, [*family, *pair])
    if calls.socketcall is not None:
        block += _when(calls.socketcall, [(_RETURN, 0, 0, _FAIL | _ENOSYS)])
    return block


def _container_table(calls: _Calls) -> list[_Instruction]:
    block = _number_of(calls) + _no_pushed_keys(calls)
    for number in calls.key_calls:
        block += [(_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _FAIL | _ENOSYS)]
    block.append((_RETURN, 0, 0, _ALLOW))
    return block


def _argument(position: int) -> int:
    return 16 + 8 * position


def _unless_set(position: int, bits: int, skip: int) -> list[_Instruction]:
    """Go on when an argument has any of `bits`; otherwise skip so many instructions, to the allowing one."""
    return [(_LOAD, 0, 0, _argument(position)), (_IF_SET, 0, skip, bits)]


def _when(number: int, block: list[_Instruction]) -> list[_Instruction]:
    """Run `block` for the call `number`; a test in it that fails lands behind it, where all is allowed."""
    return [(_IF_EQUAL, 0, len(block) + 1, number), *block, (_RETURN, 0, 0, _ALLOW)]
