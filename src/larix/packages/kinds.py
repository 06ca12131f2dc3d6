"""What fields of records accept, and how it is stored: converters that raise `Unfit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar, cast

from larix.packages.record import Unfit
from larix.words import tr

__all__ = ["frozen", "frozen_mapping", "optional", "sequence_of", "text", "thawed", "truth"]

T = TypeVar("T")


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unfit(tr("a string"))
    return value


def truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit(tr("True or False"))
    return value


def optional(convert: Callable[[Any], T]) -> Callable[[Any], T | None]:
    def converted(value: Any) -> T | None:
        if value is None:
            return None
        try:
            return convert(value)
        except Unfit as error:
            raise Unfit(
                tr("{expected}, or None", expected=error.expected), error.found, hint=error.hint
            ) from error

    return converted


def sequence_of(convert: Callable[[Any], T], noun: str) -> Callable[[Any], tuple[T, ...]]:
    """Lists and tuples, kept as tuples; a lone string is refused, not taken for its letters."""

    def converted(value: Any) -> tuple[T, ...]:
        if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
            raise Unfit(tr("a list of {noun}", noun=tr(noun)))
        return tuple([convert(each) for each in cast("list[Any]", value)])

    return converted


def frozen(value: Any) -> Any:
    """The same with lists as tuples and mappings read-only, all the way down: nobody changes it later.

    Only the built-in containers are; instances of their subclasses are values of their own.
    """
    kind: object = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is list or kind is tuple:
        return tuple([frozen(each) for each in value])
    if kind is dict or kind is MappingProxyType:
        return MappingProxyType({key: frozen(each) for key, each in value.items()})
    return frozenset(value) if kind is set else value


def thawed(value: Any) -> Any:
    """As `frozen` gave it, with dicts again: what follows into a build must be of ordinary types."""
    kind: object = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is tuple:
        return tuple([thawed(each) for each in value])
    if kind is MappingProxyType:
        return {key: thawed(each) for key, each in value.items()}
    return value


def frozen_mapping(value: Any) -> Mapping[str, Any]:
    """A read-only mapping with strings as keys; None is the empty one."""
    if value is None:
        return MappingProxyType({})
    if not isinstance(value, Mapping):
        raise Unfit(tr("a mapping of names to values"))
    items = dict(cast("dict[Any, Any]", value))
    for key in items:
        if not isinstance(key, str):
            raise Unfit(tr("names as keys"), tr("the key {key!r}", key=key))
    return MappingProxyType({str(key): frozen(each) for key, each in items.items()})
