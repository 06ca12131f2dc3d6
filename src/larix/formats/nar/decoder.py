"""Archives to events, from chunks of any slicing.

The grammar has few choices, so the decoder knows where it is by a state that names what comes next:

    archive ► node                   the first bytes
    node ► contents | directory      a file or the start of a directory; a link is one step
    contents ► end_of_file           the bytes of a file, as they come
    end_of_file ► directory | done   padding and closing brackets, its entry's too
    directory ► node | directory     an entry's name, or the end of the innermost directory

Runs of constant strings are compared at once, and a choice looks at its first 16 bytes only. What is kept
between chunks is less than five kilobytes and the last name of each open directory; lengths are checked
before anything of that size is waited for.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from larix.formats.errors import excerpt
from larix.formats.nar.encoder import (
    ARCHIVE_START,
    CLOSE,
    DIRECTORY_ENTRY_END,
    DIRECTORY_START,
    ENTRY_NODE,
    ENTRY_START,
    EXECUTABLE_START,
    PLAIN_START,
    SYMLINK_START,
    regular_end,
    regular_entry_end,
)
from larix.formats.nar.records import Symlink
from larix.formats.nar.rules import (
    MAX_DEPTH,
    MAX_NAME_LENGTH,
    MAX_TARGET_LENGTH,
    BadNar,
    check_entry_name,
    check_target,
)
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Contents", "Decoder", "DirectoryStart", "End", "Entry", "Event", "Regular"]


class DirectoryStart(NamedTuple):
    """A directory; its entries follow, then `End`."""


class Entry(NamedTuple):
    """The name of the node that follows, in the innermost open directory."""

    name: bytes


class Regular(NamedTuple):
    """A regular file; `Contents` of `size` bytes in all follow, then `End`."""

    executable: bool
    size: int


class Contents(NamedTuple):
    """A piece of the open file, never empty; the view is good as long as it is held."""

    data: memoryview


class End(NamedTuple):
    """The innermost open file or directory is complete."""


Event: TypeAlias = DirectoryStart | Entry | Regular | Contents | Symlink | End

_u64 = Struct("<Q").unpack_from
_NEEDS_MORE: Final = -1
_MAX_SIZE: Final = (1 << 63) - 1
_SMALLEST_NODE: Final = len(PLAIN_START)  # no node is shorter: an empty directory has eight bytes more
_DIRECTORY_START = DirectoryStart()
_END = End()


class Decoder:
    """Feed it chunks, act upon the events each gives, and close it.

    When `done`, what followed the archive in the last chunk is in `unused`. After an error the decoder takes
    nothing more, and the events of that chunk are lost: what was restored so far must be thrown away.
    """

    __slots__ = (
        "_error",
        "_events",
        "_last_names",
        "_offset",
        "_remaining",
        "_rest",
        "_size",
        "_state",
        "done",
        "unused",
    )

    def __init__(self) -> None:
        self.done = False
        self.unused = b""
        self._rest = b""
        self._offset = 0  # of the first byte of `_rest`
        self._state: Callable[[bytes, int], int] = self._archive
        self._events: list[Event] = []
        self._last_names: list[bytes] = []  # of each open directory
        self._size = 0
        self._remaining = 0
        self._error: BadNar | None = None

    @property
    def offset(self) -> int:
        """How many bytes were understood."""
        return self._offset

    def feed(self, chunk: bytes | bytearray | memoryview) -> list[Event]:
        """The events that `chunk` completes. Raises BadNar."""
        if self._error is not None:
            raise self._error
        if self.done:
            if not chunk:
                return []
            raise self._fail(0, tr("nothing after the archive"), excerpt(bytes(chunk[:25])))
        data = self._rest + bytes(chunk)
        events: list[Event] = []
        self._events = events
        at = 0
        try:
            while (after := self._state(data, at)) >= 0:
                at = after
                if self.done:
                    self.unused = data[at:]
                    break
        except BadNar as error:
            self._error = error
            raise
        self._offset += at
        self._rest = b"" if self.done else data[at:]
        return events

    def close(self) -> None:
        """Raise BadNar unless the archive was complete and nothing followed it."""
        if self._error is not None:
            raise self._error
        if not self.done:
            raise self._fail(len(self._rest), tr("the rest of the archive"), tr("the end"))
        if self.unused:
            raise self._fail(0, tr("nothing after the archive"), excerpt(self.unused))

    # Each state reads at `at`, sets the state that follows and returns where to go on, or _NEEDS_MORE.

    def _archive(self, data: bytes, at: int) -> int:
        if len(data) - at < len(ARCHIVE_START):
            return _NEEDS_MORE
        at = self._literal(data, at, ARCHIVE_START)
        self._state = self._node
        return at

    def _node(self, data: bytes, at: int) -> int:
        available = len(data) - at
        if available < _SMALLEST_NODE:
            return _NEEDS_MORE
        if data.startswith(PLAIN_START, at):
            return self._regular(data, at + len(PLAIN_START), executable=False)
        if data.startswith(DIRECTORY_START, at):
            self._last_names.append(b"")
            self._events.append(_DIRECTORY_START)
            self._state = self._directory
            return at + len(DIRECTORY_START)
        if data.startswith(SYMLINK_START, at):
            return self._symlink(data, at)
        if data.startswith(EXECUTABLE_START[:_SMALLEST_NODE], at):
            if available < len(EXECUTABLE_START):
                return _NEEDS_MORE
            return self._regular(data, self._literal(data, at, EXECUTABLE_START), executable=True)
        raise self._mismatch(data, at, (PLAIN_START, EXECUTABLE_START, SYMLINK_START, DIRECTORY_START))

    def _regular(self, data: bytes, at: int, *, executable: bool) -> int:
        if len(data) - at < 8:
            return _NEEDS_MORE
        size: int = _u64(data, at)[0]
        if size > _MAX_SIZE:
            raise self._fail(at, tr("a size below 2^63"), str(size))
        self._size = self._remaining = size
        self._events.append(Regular(executable, size))
        self._state = self._contents if size else self._end_of_file
        return at + 8

    def _contents(self, data: bytes, at: int) -> int:
        piece = memoryview(data)[at : at + self._remaining]
        if not piece:
            return _NEEDS_MORE
        self._events.append(Contents(piece))
        self._remaining -= len(piece)
        if not self._remaining:
            self._state = self._end_of_file
        return at + len(piece)

    def _end_of_file(self, data: bytes, at: int) -> int:
        inside = bool(self._last_names)
        end = regular_entry_end(self._size) if inside else regular_end(self._size)
        if len(data) - at < len(end):
            return _NEEDS_MORE
        at = self._literal(data, at, end)
        self._events.append(_END)
        return self._after_node(at)

    def _symlink(self, data: bytes, at: int) -> int:
        start = at + len(SYMLINK_START)
        end = self._string_end(data, start, MAX_TARGET_LENGTH, tr("a link target"))
        closing = DIRECTORY_ENTRY_END if self._last_names else CLOSE
        if end < 0 or len(data) - end < len(closing):
            return _NEEDS_MORE
        target = self._string(data, start, end)
        check_target(target, self._offset + start)
        at = self._literal(data, end, closing)
        self._events.append(Symlink(target))
        return self._after_node(at)

    def _directory(self, data: bytes, at: int) -> int:
        if len(data) - at < len(CLOSE):
            return _NEEDS_MORE
        if not data.startswith(CLOSE, at):
            return self._entry(data, at)
        closing = DIRECTORY_ENTRY_END if len(self._last_names) > 1 else CLOSE
        if len(data) - at < len(closing):
            return _NEEDS_MORE
        at = self._literal(data, at, closing)
        self._last_names.pop()
        self._events.append(_END)
        return self._after_node(at)

    def _entry(self, data: bytes, at: int) -> int:
        if not data.startswith(ENTRY_START[: len(CLOSE)], at):
            raise self._mismatch(data, at, (ENTRY_START, CLOSE))
        start = at + len(ENTRY_START)
        end = self._string_end(data, start, MAX_NAME_LENGTH, tr("a name"))
        if end < 0 or len(data) - end < len(ENTRY_NODE):
            return _NEEDS_MORE
        self._literal(data, at, ENTRY_START)
        name = self._string(data, start, end)
        check_entry_name(name, self._offset + start)
        if name <= self._last_names[-1]:
            raise self._fail(
                start,
                tr("a name that sorts after {last_names}", last_names=excerpt(self._last_names[-1])),
                excerpt(name),
            )
        if len(self._last_names) >= MAX_DEPTH:
            raise self._fail(at, tr("at most {max_depth} levels", max_depth=MAX_DEPTH), tr("one more"))
        at = self._literal(data, end, ENTRY_NODE)
        self._last_names[-1] = name
        self._events.append(Entry(name))
        self._state = self._node
        return at

    def _after_node(self, at: int) -> int:
        if self._last_names:
            self._state = self._directory
        else:
            self.done = True
        return at

    def _string_end(self, data: bytes, at: int, limit: int, what: str) -> int:
        """Behind the padding of the string at `at`, or _NEEDS_MORE; too great a length is refused at once."""
        if len(data) - at < 8:
            return _NEEDS_MORE
        length: int = _u64(data, at)[0]
        if length > limit:
            raise self._fail(
                at,
                tr("{what} of at most {limit} bytes", what=what, limit=limit),
                tr("one of {length}", length=length),
            )
        end = at + 8 + (length + 7 & ~7)
        return end if end <= len(data) else _NEEDS_MORE

    def _string(self, data: bytes, at: int, end: int) -> bytes:
        length: int = _u64(data, at)[0]
        padding = data[at + 8 + length : end]
        if padding.strip(b"\0"):
            raise self._fail(at + 8 + length, tr("zero bytes up to a multiple of eight"), excerpt(padding))
        return data[at + 8 : at + 8 + length]

    def _literal(self, data: bytes, at: int, wanted: bytes) -> int:
        if not data.startswith(wanted, at):
            raise self._mismatch(data, at, (wanted,))
        return at + len(wanted)

    def _mismatch(self, data: bytes, at: int, candidates: tuple[bytes, ...]) -> BadNar:
        """None of `candidates` is at `at`: the word of eight bytes where the best ends is shown."""
        common = 0
        while common < len(data) - at and any(
            data.startswith(candidate[: common + 1], at)
            for candidate in candidates
            if common < len(candidate)
        ):
            common += 1
        padding = -(self._offset + at) % 8
        word = padding + (common - padding) // 8 * 8 if common >= padding else 0
        prefix = data[at : at + word]
        wanted = sorted({c[word : word + 8] for c in candidates if c.startswith(prefix) and word < len(c)})
        return self._fail(
            at + word, tr(" or ").join(map(excerpt, wanted)), excerpt(data[at + word : at + word + 8])
        )

    def _fail(self, at: int, expected: str, found: str) -> BadNar:
        return BadNar(offset=self._offset + at, expected=expected, found=found)
