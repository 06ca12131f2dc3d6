"""What a tree must be to have an archive; both directions and every maker of trees ask here."""

from __future__ import annotations

from larix.formats.errors import FormatError, excerpt
from larix.words import mark, tr

__all__ = ["MAX_DEPTH", "MAX_NAME_LENGTH", "MAX_TARGET_LENGTH", "BadNar", "check_entry_name", "check_target"]

MAX_DEPTH = 64  # nodes on the longest way from the root, both ends counted, as in current Nix
MAX_NAME_LENGTH = 255  # NAME_MAX
MAX_TARGET_LENGTH = 4095  # PATH_MAX without its NUL


class BadNar(FormatError):
    noun = mark("archive")


def check_entry_name(name: bytes, offset: int | None = None) -> bytes:
    if not 0 < len(name) <= MAX_NAME_LENGTH:
        raise BadNar(
            offset=offset,
            expected=tr("a name of 1 to {max_name_length} bytes", max_name_length=MAX_NAME_LENGTH),
            found=tr("one of {count}", count=len(name)),
        )
    if b"/" in name or b"\0" in name or name in {b".", b".."}:
        raise BadNar(offset=offset, expected=tr("a name of one directory entry"), found=excerpt(name))
    return name


def check_target(target: bytes, offset: int | None = None) -> bytes:
    if not 0 < len(target) <= MAX_TARGET_LENGTH:
        raise BadNar(
            offset=offset,
            expected=tr(
                "a link target of 1 to {max_target_length} bytes", max_target_length=MAX_TARGET_LENGTH
            ),
            found=tr("one of {count}", count=len(target)),
        )
    if b"\0" in target:
        raise BadNar(offset=offset, expected=tr("a link target without NUL"), found=excerpt(target))
    return target
