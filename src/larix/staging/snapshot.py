"""Remembering what a function captured, so that a later change of it is noticed.

A function captures names, and a list or dict behind a name can be changed in place between the function's
definition and its staging. `snapshot` notes, when a build expression is made, every list, dict and set that
the function or a function it calls can see, and its default values; staging compares and refuses what
differs. It is a guard and no copy: what is staged is what was captured, or nothing is.
"""

from __future__ import annotations

import functools
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

from larix.staging.modules import is_build_side, is_standard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["build_side", "captured", "changed_since_snapshot", "snapshot"]

F = TypeVar("F", bound="Callable[..., object]")
_MUTABLE = (list, dict, set)


class _Same:
    """Equal to itself alone, and keeps the object alive so that no other can take its identity."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


_snapshots: WeakKeyDictionary[FunctionType, dict[str, object]] = WeakKeyDictionary()


def _freeze(value: Any, around: tuple[int, ...] = ()) -> object:
    kind = cast("type[object]", type(value))
    if id(value) in around:
        return _Same(value)
    inner = (*around, id(value))
    if kind is list or kind is tuple:
        return kind, tuple([_freeze(each, inner) for each in value])
    if kind is dict:
        return kind, tuple([(_freeze(key, inner), _freeze(each, inner)) for key, each in value.items()])
    if kind is set or kind is frozenset:
        return kind, frozenset([_freeze(each, inner) for each in value])
    if kind in {str, bytes, int, float, bool, type(None)}:
        return kind, repr(value) if kind is float else value
    return _Same(value)


def captured(function: FunctionType) -> Iterator[tuple[str, object]]:
    """The names that a function's code, with that of the functions inside it, can take from outside."""
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # an empty cell: the variable gets its value later
            continue
    todo, seen = [code], set[str]()
    while todo:
        each = todo.pop()
        todo += [inner for inner in each.co_consts if isinstance(inner, type(code))]
        for name in each.co_names:
            if name not in seen and name in function.__globals__:
                seen.add(name)
                yield name, function.__globals__[name]


def _mutable_captures(function: FunctionType) -> Iterator[tuple[str, object]]:
    for name, value in captured(function):
        if isinstance(value, (*_MUTABLE, tuple)):
            yield name, value
    code = function.__code__
    defaults = function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
    yield from zip(names, defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


@functools.cache
def _is_imported(module: str) -> bool:
    """Whether builds import the functions of a module, which are then not staged; they reach much."""
    return is_standard(module) or is_build_side(module)


def snapshot(function: object) -> None:
    """Note what `function`, and every function of the host that it can reach, has captured.

    The first note counts. Anything but a function is let pass.
    """
    todo: list[object] = [function]
    while todo:
        each = todo.pop()
        if not isinstance(each, FunctionType) or each in _snapshots:
            continue
        if _is_imported(each.__module__ or ""):
            continue
        _snapshots[each] = {name: _freeze(value) for name, value in _mutable_captures(each)}
        todo += [value for _, value in captured(each)]


def changed_since_snapshot(function: FunctionType) -> str | None:
    """The name of something captured that is not what it was, if there is one."""
    known = _snapshots.get(function)
    if not known:
        return None
    now = {name: _freeze(value) for name, value in _mutable_captures(function)}
    return next((name for name, value in known.items() if name in now and now[name] != value), None)


def build_side(function: F) -> F:
    """Mark a function as build code: what it has captured by now is noted at once. It stays what it is."""
    snapshot(function)
    return function
