"""The one spelling of a plain value in staged text.

A spelling is an expression of the builder's Python, on one line, in ASCII. It depends on the value alone:
neither on the order of hashing, nor on the Unicode tables of the Python that spells it, nor on limits of
that Python. It evaluates to an equal value of the same type.

    str, bytes     ascii(), repr()              float   repr(); inf and nan by name; -0.0 keeps its sign
    int            decimal, in base 16 from 128 bits on (decimal digits are limited, and slow)
    Path           Path('...')                  bool, None   as they are

Containers are spelled by `spell_container`, their elements by whoever asks: lists, tuples and dicts in
their own order, sets sorted by the spelling of their elements.
"""

from __future__ import annotations

from pathlib import Path, PosixPath, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CONTAINERS", "spell_container", "spell_scalar"]

CONTAINERS = (tuple, list, dict, set, frozenset)
_PATHS = frozenset({Path, PosixPath, PurePath, PurePosixPath})
_LONG_INTEGER = 128


def spell_scalar(value: object, path_name: str) -> str | None:
    """The spelling of a value that holds no others, None for any other value; `path_name` is that of `Path`.

    Only the very types count: a member of an enumeration or an instance of another subclass is more than the
    string or number that it looks like.
    """
    kind = type(value)
    if kind is str:
        return ascii(value)
    if value is None or kind is bool or kind is bytes:
        return repr(value)
    if isinstance(value, int) and kind is int:
        return hex(value) if value.bit_length() > _LONG_INTEGER else repr(value)
    if isinstance(value, float) and kind is float:
        return repr(value) if value - value == 0 else f"float('{value}')"
    if isinstance(value, PurePath) and kind in _PATHS:
        return f"{path_name}({str(value)!a})"
    return None


def spell_container(value: Any, spell: Callable[[object], str]) -> str | None:
    """The spelling of a built-in container, its elements spelled by `spell`; None for any other value."""
    kind = cast("type[object]", type(value))
    if kind is list:
        return f"[{', '.join([spell(each) for each in value])}]"
    if kind is tuple:
        inner = ", ".join([spell(each) for each in value])
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if kind is dict:
        return "{" + ", ".join([f"{spell(key)}: {spell(each)}" for key, each in value.items()]) + "}"
    if kind is set or kind is frozenset:
        inner = ", ".join(sorted(spell(each) for each in value))
        if kind is set:
            return f"{{{inner}}}" if inner else "set()"
        return f"frozenset({{{inner}}})" if inner else "frozenset()"
    return None
