"""Where a file names store items, so that their hash parts can be exchanged for others of the same length.

A name is a hash part, 32 digits, then `-` and the rest. In most files it stands in one piece. In machine
code it may not: GCC at -O2 copies constant strings through vector registers, from blocks of 16 bytes or a
multiple, aligned and merged as it likes, the last of which overlaps the one before. For the name below, cut
at `|`, the blocks may lie anywhere in the file and be shared with other strings:

    /larix/store/012|3456789abcdfghij|klmnpqrsvwxyz-he|llo-2.10/lib       and at the end: |z-hello-2.10/li

A block has digits in one of three ways: it holds 16 of them and more (a middle), it ends with the first few
(a head, after the store directory), or it starts with the last few (a tail, before `-` and the rest). Middles
are found by their digits, tails by what follows, heads where there is a middle. What a middle has too little
must be found in a head and a tail, else `SplitReference` refuses the file: half a name would be left.

Below -O2 the same is done with operands of 8 bytes that stand in the code, each behind its `movabs`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from larix.buildside.failure import BuildSideError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["Content", "Reference", "SplitReference", "find_changes"]

LENGTH = 32
BLOCK = 16
OPERAND = 8
KEYS = ((12, 16), (16, 20))  # one of these is in every run of 16 digits, and in one of each row of operands
MOVABS = (frozenset(b"\x48\x49"), frozenset(range(0xB8, 0xC0)))  # REX.W, and the operation with its register
TAIL_KEY = 10  # tails with at least so many digits are found by these, others by the start of the name
NAME_KEY = 6
WHOLE_LIMIT = 64 << 20
OVERLAP = 64
DIGITS = frozenset(b"0123456789abcdfghijklmnpqrsvwxyz")
NAME_BYTES = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-._?=")
ELF, ARCHIVE, MEMBER_HEADER = b"\x7fELF", b"!<arch>\n", 60


class SplitReference(BuildSideError):
    """A store name stands in a file in pieces that cannot be told from others, or not all be found."""


class Reference(NamedTuple):
    """A store item to be looked for; `new` are the digits to put in the place of its own."""

    digits: bytes
    name: bytes
    new: bytes

    @property
    def rest(self) -> bytes:
        """What follows the digits."""
        return b"-" + self.name


class Run(NamedTuple):
    """`digits[start:end]` of a reference, found at `at`."""

    at: int
    start: int
    end: int

    @property
    def origin(self) -> int:
        """Where the first digit would be if the name stood there whole."""
        return self.at - self.start


class Content:
    """A file to be searched; a large one is read in windows, anew for each search."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.size = os.stat(file).st_size
        self._descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        self._whole = self._read(0, self.size) if self.size <= WHOLE_LIMIT else None
        self.members = tuple(self._members())

    def close(self) -> None:
        os.close(self._descriptor)

    def _read(self, start: int, length: int) -> bytes:
        pieces: list[bytes] = []
        while length > 0:
            piece = os.pread(self._descriptor, length, start)
            if not piece:
                break
            pieces.append(piece)
            start, length = start + len(piece), length - len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _windows(self) -> Iterator[tuple[int, bytes]]:
        if self._whole is not None:
            yield 0, self._whole
            return
        for start in range(0, self.size, WHOLE_LIMIT - OVERLAP):
            yield start, self._read(start, WHOLE_LIMIT)

    def find(self, wanted: bytes) -> Iterator[int]:
        """All places where `wanted`, of at most `OVERLAP` bytes, begins."""
        last = -1
        for start, data in self._windows():
            at = data.find(wanted)
            while at >= 0:
                if start + at > last:
                    last = start + at
                    yield last
                at = data.find(wanted, at + 1)

    def at(self, start: int, end: int) -> bytes:
        """The bytes there; what lies outside of the file is zeros."""
        low, high = max(start, 0), min(end, self.size)
        if low >= high:
            return bytes(end - start)
        found = self._whole[low:high] if self._whole is not None else self._read(low, high - low)
        return bytes(low - start) + found + bytes(end - high)

    @property
    def has_code(self) -> bool:
        return bool(self.members)

    def phase(self, place: int) -> int:
        """How far a place is behind the last one where a block could begin."""
        start = max((each for each in self.members if each <= place), default=0)
        return (place - start) % BLOCK

    def _members(self) -> Iterator[int]:
        """Where machine code begins: an ELF file at 0, those in an archive behind their headers."""
        head = self.at(0, len(ARCHIVE))
        if head.startswith(ELF):
            yield 0
        if head != ARCHIVE:
            return
        place = len(ARCHIVE)
        while place + MEMBER_HEADER <= self.size:
            size = self.at(place + 48, place + 58).strip()
            if not size.isdigit():
                return
            yield place + MEMBER_HEADER
            place += MEMBER_HEADER + int(size) + int(size) % 2


def find_changes(
    content: Content, wanted: Sequence[Reference], kept: Sequence[Reference], store: bytes
) -> dict[int, bytes]:
    """What to write at which place to exchange the digits of all that is `wanted`.

    `kept` are further items that the file may name, so that pieces of theirs are not taken for others.
    `store` is the store directory with a slash.
    """
    changes: dict[int, bytes] = {}
    for reference in wanted:
        if not content.has_code:
            for at in content.find(reference.digits):
                changes[at] = reference.new
            continue
        others = [*(each for each in wanted if each != reference), *kept]
        # Of pieces at one place, such as a head with the block after it, the longest holds the others.
        for run in sorted(_pieces(content, reference, others, store), key=lambda run: run.end - run.start):
            changes[run.at] = reference.new[run.start : run.end]
    return changes


def _pieces(
    content: Content, reference: Reference, others: Sequence[Reference], store: bytes
) -> Iterator[Run]:
    runs, operands = _runs(content, reference.digits)
    whole = [run for run in runs if run.end - run.start == LENGTH]
    middles = [_trimmed(content, reference, run) for run in runs if run.end - run.start < LENGTH]
    pieces = [*middles, *_tails(content, reference)]
    if middles:
        pieces += _heads(content, reference, store)
    if middles or operands:
        pieces += _last_operands(content, reference)
    for middle in middles:
        _check_complete(content, reference, middle, whole=whole, pieces=pieces)
    for cut in sorted({run.start % OPERAND for run in operands}):
        pieces += _row(content, reference, cut, store)
    for each in pieces:
        if each.end - each.start < BLOCK:
            _check_own(content, reference, each, others)
    yield from dict.fromkeys([*whole, *pieces])


def _runs(content: Content, digits: bytes) -> tuple[list[Run], list[Run]]:
    """All runs of 16 successive digits and more, and some of the operands that are digits."""
    runs: dict[Run, None] = {}
    operands: dict[Run, None] = {}
    for start, end in KEYS:
        for place in content.find(digits[start:end]):
            run = _run_around(content, digits, place - start, start, end)
            length = run.end - run.start
            if length >= BLOCK:
                runs[run] = None
            elif length >= OPERAND and _is_operand(content, run.at):
                operands[run] = None
    return list(runs), list(operands)


def _run_around(content: Content, digits: bytes, origin: int, start: int, end: int) -> Run:
    """The run that holds `digits[start:end]`, which are there, and as many as fit on both sides."""
    there = content.at(origin, origin + LENGTH)
    while start > 0 and there[start - 1] == digits[start - 1]:
        start -= 1
    while end < LENGTH and there[end] == digits[end]:
        end += 1
    return Run(origin + start, start, end)


def _trimmed(content: Content, reference: Reference, run: Run) -> Run:
    """Without digits that stand before or after the blocks by accident: those belong to something else."""
    start, end = run.start, run.end
    if start > 0:
        start += -content.phase(run.at) % BLOCK
    if end < LENGTH:
        end -= content.phase(run.origin + end)
    if end - start < BLOCK:
        raise _refusal(content, reference, "a part of it lies where no part is expected")
    return Run(run.origin + start, start, end)


def _tails(content: Content, reference: Reference) -> Iterator[Run]:
    """Blocks that begin with less than 16 of the last digits and go on with the rest of the name."""
    digits, rest = reference.digits, reference.rest
    keys = ((digits[-TAIL_KEY:], TAIL_KEY), (digits[-1:] + rest[: NAME_KEY + 1], 1))
    found: dict[Run, None] = {}
    for key, count in keys:
        for place in content.find(key):
            origin = place + count - LENGTH
            run = _run_around(content, digits, origin, LENGTH - count, LENGTH)
            start = run.start + -content.phase(run.at) % BLOCK
            if run.end - run.start < BLOCK and start < LENGTH and _is_tail(content, reference, origin, start):
                found[Run(origin + start, start, LENGTH)] = None
    yield from found


def _is_tail(content: Content, reference: Reference, origin: int, start: int) -> bool:
    wanted = reference.rest[: BLOCK - (LENGTH - start)]
    end = origin + LENGTH
    if content.at(end, end + len(wanted)) != wanted:
        return False
    fills = LENGTH - start + len(wanted) == BLOCK
    if not fills and content.at(end + len(wanted), end + len(wanted) + 1)[0] in NAME_BYTES:
        return False
    before = content.at(origin - 1, origin + start)
    return before[:1] != b"/" or not DIGITS.issuperset(before[1:])  # else it is another item's whole name


def _heads(content: Content, reference: Reference, store: bytes) -> Iterator[Run]:
    """Blocks that end with less than 16 of the first digits, after what ends the store directory.

    The beginning of a whole name, of this item or another, is none.
    """
    for count in range(1, BLOCK):
        wanted = (store + reference.digits[:count])[-BLOCK:]
        for place in content.find(wanted):
            end = place + len(wanted)
            name = content.at(end - count, end - count + LENGTH + 1)
            if content.phase(end) == 0 and not (DIGITS.issuperset(name[:-1]) and name.endswith(b"-")):
                yield Run(end - count, 0, count)


def _is_operand(content: Content, place: int) -> bool:
    before = content.at(place - 2, place)
    return before[0] in MOVABS[0] and before[1] in MOVABS[1]


def _row(content: Content, reference: Reference, cut: int, store: bytes) -> Iterator[Run]:
    """The operands that hold the digits when the first of those that begin with one begins at `cut`."""
    digits = reference.digits
    wanted = [(start, digits[start : start + OPERAND]) for start in range(cut, LENGTH - OPERAND + 1, OPERAND)]
    if cut:
        wanted.append((cut - OPERAND, (store + digits[:cut])[-OPERAND:]))
        wanted.append((LENGTH - OPERAND + cut, digits[cut - OPERAND :] + reference.rest[:cut]))
    for start, operand in wanted:
        places = [place for place in content.find(operand) if _is_operand(content, place)]
        if not places:
            first, last = max(start, 0) + 1, min(start + OPERAND, LENGTH)
            raise _refusal(content, reference, f"its digits {first} to {last} are not found")
        for place in places:
            yield Run(place + max(-start, 0), max(start, 0), min(start + OPERAND, LENGTH))


def _last_operands(content: Content, reference: Reference) -> Iterator[Run]:
    """The end of a string may be an operand, which overlaps with what comes before."""
    for count in range(1, OPERAND):
        for place in content.find(reference.digits[-count:] + reference.rest[: OPERAND - count]):
            if _is_operand(content, place):
                yield Run(place, LENGTH - count, LENGTH)


def _check_complete(
    content: Content, reference: Reference, middle: Run, *, whole: Iterable[Run], pieces: Iterable[Run]
) -> None:
    """Blocks may be shared with a string whose own lie one after the other, as if it were in one piece.

    They are cut at the same digits, unless the middle is the last block, which overlaps the one before.
    """
    if any(middle.end == LENGTH or (each.origin - middle.origin) % BLOCK == 0 for each in whole):
        return
    covered = {digit for each in pieces for digit in range(each.start, each.end)}
    missing = [digit for digit in range(LENGTH) if digit not in covered]
    if missing:
        raise _refusal(content, reference, f"its digits {missing[0] + 1} to {missing[-1] + 1} are not found")


def _check_own(content: Content, reference: Reference, piece: Run, others: Iterable[Reference]) -> None:
    """A head or tail of few digits may be the same for another item that is in pieces too."""
    for other in others:
        same = other.digits[piece.start : piece.end] == reference.digits[piece.start : piece.end]
        if same and (piece.start == 0 or other.name == reference.name):
            runs, operands = _runs(content, other.digits)
            if operands or any(each.end - each.start < LENGTH for each in runs):
                shown = (other.digits + other.rest).decode()
                raise _refusal(content, reference, f"one of them may belong to `{shown}`")


def _refusal(content: Content, reference: Reference, why: str) -> SplitReference:
    name = (reference.digits + reference.rest).decode()
    return SplitReference(
        f"`{content.file}` names `{name}` in pieces, and {why}: a graft would break it; "
        "build it with the replacement instead (`--with-input`, or the definition)"
    )
