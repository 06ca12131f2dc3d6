"""Grafts: a copy of a store item that names other items than the original, in names of the same length.

Contents of files, targets of symbolic links and names of files are rewritten. Nothing is compiled, moved or
made longer: a file stays as it was but for the digits of hashes.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from typing import TYPE_CHECKING

from larix.buildside.failure import BuildSideError
from larix.buildside.references import LENGTH, Content, Reference, find_changes

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["graft"]


def graft(
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    replacements: Iterable[tuple[str, str]],
    kept: Iterable[str] = (),
) -> None:
    """Copy `source` to `output`, naming the second of each pair of `replacements` instead of the first.

    All are base names of store items; those of a pair differ in their hash parts alone. `kept` are other
    items that the source may name. Raises SplitReference where a name cannot be exchanged safely.
    """
    original = os.fspath(source)
    wanted = [_reference(old, new) for old, new in replacements]
    others = [_reference(name, name) for name in kept]
    store = os.fsencode(os.path.dirname(original)) + b"/"
    pending = [(os.fsencode(original), os.fsencode(output))]
    while pending:
        old, new = pending.pop()
        mode = os.lstat(old).st_mode
        if stat.S_ISDIR(mode):
            os.mkdir(new)
            pending += [
                (old + b"/" + name, new + b"/" + _exchanged(name, wanted)) for name in os.listdir(old)
            ]
        elif stat.S_ISLNK(mode):
            os.symlink(_exchanged(os.readlink(old), wanted), new)
        else:
            _copy(old, new)
            _rewrite(os.fsdecode(old), new, wanted, others, store)
            os.chmod(new, 0o755 if mode & stat.S_IXUSR else 0o644)


def _reference(old: str, new: str) -> Reference:
    if len(old) <= LENGTH + 1 or old[LENGTH:] != new[LENGTH:]:
        raise BuildSideError(f"graft: `{old}` cannot be exchanged for `{new}`, which has another name")
    return Reference(old[:LENGTH].encode(), old[LENGTH + 1 :].encode(), new[:LENGTH].encode())


def _exchanged(text: bytes, wanted: Iterable[Reference]) -> bytes:
    """In one go: what was put in is not looked at again."""
    new = {each.digits: each.new for each in wanted}
    pattern = b"|".join(new)
    return re.sub(pattern, lambda found: new[found[0]], text) if new else text


def _copy(old: bytes, new: bytes) -> None:
    """A copy that shares the blocks of the original where the file system can do that."""
    with open(old, "rb", buffering=0) as reader, open(new, "xb", buffering=0) as writer:
        try:
            left = os.fstat(reader.fileno()).st_size
            while left > 0:
                copied = os.copy_file_range(reader.fileno(), writer.fileno(), left)
                if copied == 0:
                    break
                left -= copied
        except OSError:
            reader.seek(0)
            writer.seek(0)
            shutil.copyfileobj(reader, writer, 1 << 20)


def _rewrite(old: str, new: bytes, wanted: list[Reference], others: list[Reference], store: bytes) -> None:
    content = Content(old)
    try:
        changes = find_changes(content, wanted, others, store)
    finally:
        content.close()
    if not changes:
        return
    descriptor = os.open(new, os.O_WRONLY | os.O_CLOEXEC)
    try:
        for place, digits in changes.items():
            os.pwrite(descriptor, digits, place)
    finally:
        os.close(descriptor)
