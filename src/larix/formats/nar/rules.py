"""What a tree must be to have an archive; both directions and every maker of trees ask here."""

from __future__ import annotations

from larix.formats.errors import FormatError, excerpt

__all__ = ["MAX_DEPTH", "MAX_NAME_LENGTH", "MAX_TARGET_LENGTH", "BadNar", "check_entry_name", "check_target"]

MAX_DEPTH = 64  # nodes on the longest way from the root, both ends counted, as in current Nix
MAX_NAME_LENGTH = 255  # NAME_MAX
MAX_TARGET_LENGTH = 4095  # PATH_MAX without its NUL


class BadNar(FormatError):
    noun = "archive"


def check_entry_name(name: bytes, offset: int | None = None) -> bytes:
    if not 0 < len(name) <= MAX_NAME_LENGTH:
        raise BadNar(
            offset=offset, expected=f"a name of 1 to {MAX_NAME_LENGTH} bytes", found=f"one of {len(name)}"
        )
    if b"/" in name or b"\0" in name or name in {b".", b".."}:
        raise BadNar(offset=offset, expected="a name of one directory entry", found=excerpt(name))
    return name


def check_target(target: bytes, offset: int | None = None) -> bytes:
    if not 0 < len(target) <= MAX_TARGET_LENGTH:
        raise BadNar(
            offset=offset,
            expected=f"a link target of 1 to {MAX_TARGET_LENGTH} bytes",
            found=f"one of {len(target)}",
        )
    if b"\0" in target:
        raise BadNar(offset=offset, expected="a link target without NUL", found=excerpt(target))
    return target
