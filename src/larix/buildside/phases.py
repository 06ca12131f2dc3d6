"""Build phases: an ordered, immutable mapping of names to functions.

Each phase takes keyword arguments and is given those it can take: all of them when it ends in `**_`, else
those it names. Changing phases makes a new value, on the host or in the build:

    standard_phases.add_after("configure", change_hello).delete("check")

A phase added without a name is called after its function, underscores becoming hyphens.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from larix.buildside.failure import BuildSideError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["BadArgument", "Phases", "UnknownArgument", "UnknownPhase", "call_with", "changed_phases"]

VARIADIC_KEYWORDS = 0x08  # CO_VARKEYWORDS, spelled out because `inspect` is slow to import


class UnknownPhase(BuildSideError):
    """A phase was named as an anchor or for a change, and there is none of that name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        from difflib import get_close_matches

        names = list(known)
        close = get_close_matches(name, names, 1)
        advice = f"did you mean `{close[0]}`?" if close else f"there are: {', '.join(names) or 'none'}"
        super().__init__(f"no phase is named `{name}`; {advice}")
        self.name = name


class UnknownArgument(BuildSideError):
    """A function asks for something that is not there to be given."""

    def __init__(self, function: Callable[..., Any], name: str, known: Iterable[str]) -> None:
        from difflib import get_close_matches

        names = sorted(known)
        close = get_close_matches(name, names, 1)
        advice = f"did you mean `{close[0]}`? " if close else ""
        super().__init__(
            f"{place_of(function)} asks for `{name}`, which is not given; "
            f"{advice}there are: {', '.join(names) or 'none'}"
        )
        self.name = name


class BadArgument(BuildSideError):
    """An argument of the build system has a value that is of no use."""


def place_of(function: Callable[..., Any]) -> str:
    """A function's name and place, as tracebacks tell it."""
    code = getattr(function, "__code__", None)
    name = getattr(function, "__name__", repr(function))
    return (
        f"`{name}`" if code is None else f'`{name}` (File "{code.co_filename}", line {code.co_firstlineno})'
    )


def call_with(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call with those of the arguments that the function can take."""
    code = getattr(function, "__code__", None)
    if code is None:
        return function(**arguments)
    first = 1 if hasattr(function, "__self__") else 0
    taken = code.co_varnames[first : code.co_argcount + code.co_kwonlyargcount]
    for name in taken:
        if name not in arguments and name not in _defaults(function):
            raise UnknownArgument(function, name, arguments)
    if code.co_flags & VARIADIC_KEYWORDS:
        return function(**arguments)
    return function(**{name: arguments[name] for name in taken if name in arguments})


def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    code = function.__code__
    values: tuple[Any, ...] = getattr(function, "__defaults__", None) or ()
    positional = code.co_varnames[: code.co_argcount]
    named: dict[str, Any] = getattr(function, "__kwdefaults__", None) or {}
    return {**dict(zip(positional[len(positional) - len(values) :], values, strict=True)), **named}


class Phases:
    """Names are unique; equality is that of the names and functions in their order.

    `made_by` is a function and arguments that give an equal value in a build: what the program of a build
    says instead of naming every phase.
    """

    __slots__ = ("_functions", "_made_by")

    def __init__(
        self,
        phases: Iterable[tuple[str, Callable[..., Any]]] = (),
        *,
        made_by: tuple[Callable[..., Phases], tuple[object, ...]] | None = None,
    ) -> None:
        functions: dict[str, Callable[..., Any]] = {}
        for name, function in phases:
            if name in functions:
                raise BuildSideError(f"two phases are named `{name}`")
            if not callable(function):
                raise BuildSideError(f"phase `{name}` is not a function but {function!r}")
            functions[name] = function
        self._functions = functions
        self._made_by = made_by

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._functions)

    @property
    def pairs(self) -> tuple[tuple[str, Callable[..., Any]], ...]:
        return tuple(self._functions.items())

    def __iter__(self) -> Iterator[str]:
        return iter(self._functions)

    def __len__(self) -> int:
        return len(self._functions)

    def __contains__(self, name: object) -> bool:
        return name in self._functions

    def __getitem__(self, name: str) -> Callable[..., Any]:
        self._position(name)
        return self._functions[name]

    def __eq__(self, other: object) -> bool:
        return self.pairs == other.pairs if isinstance(other, Phases) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __stage__(self) -> tuple[Callable[..., Phases], tuple[object, ...]]:
        """How to make the same value in a build: see `larix.staging`."""
        return self._made_by or (Phases, (self.pairs,))

    def add_before(self, anchor: str, function: Callable[..., Any], *, name: str | None = None) -> Phases:
        return self._add("add_before", anchor, function, name)

    def add_after(self, anchor: str, function: Callable[..., Any], *, name: str | None = None) -> Phases:
        return self._add("add_after", anchor, function, name)

    def replace(self, name: str, function: Callable[..., Any]) -> Phases:
        """The same phases with another function for one name, which keeps its place."""
        self._position(name)
        pairs = [(each, function if each == name else old) for each, old in self.pairs]
        return Phases(pairs, made_by=(changed_phases, (self, "replace", name, function)))

    def delete(self, *names: str) -> Phases:
        for name in names:
            self._position(name)
        pairs = [pair for pair in self.pairs if pair[0] not in names]
        return Phases(pairs, made_by=(changed_phases, (self, "delete", *names)))

    def run(self, **arguments: Any) -> None:
        """Run all in order; each start and end is a line in the log, which progress displays read.

        The first phase that raises ends the build; the error carries a note with the phase's name.
        """
        for name, function in self._functions.items():
            print(f"@ phase-start {name}", flush=True)
            start = time.monotonic()
            try:
                call_with(function, arguments)
            except Exception as error:
                error.add_note(f"in phase `{name}`, after {time.monotonic() - start:.1f} s")
                raise
            print(f"@ phase-end {name} {time.monotonic() - start:.2f}", flush=True)

    def called_arguments(self, given: dict[str, Any]) -> dict[str, Any]:
        """The arguments of phases: functions of them are called, and what is to be a list is one."""
        values = {
            name: call_with(value, given) if callable(value) else value for name, value in given.items()
        }
        lists = {
            name
            for function in self._functions.values()
            if hasattr(function, "__code__")
            for name, default in _defaults(function).items()
            if isinstance(default, tuple)
        }
        for name in sorted(lists & set(values)):
            _check_list(name, given[name], values[name])
        return values

    def _position(self, name: str) -> int:
        if name not in self._functions:
            raise UnknownPhase(name, self._functions)
        return self.names.index(name)

    def _add(self, change: str, anchor: str, function: Callable[..., Any], name: str | None) -> Phases:
        label = name or getattr(function, "__name__", "").strip("_").replace("_", "-")
        if not label or label == "<lambda>":
            raise BuildSideError(f"a phase needs a name: give `name=` for {function!r}")
        pairs = list(self.pairs)
        pairs.insert(self._position(anchor) + (change == "add_after"), (label, function))
        return Phases(pairs, made_by=(changed_phases, (self, change, anchor, function, label)))


def _check_list(name: str, given: Any, value: Any) -> None:
    """Texts are no lists of words: each letter would be one."""
    origin = f": what {place_of(given)} gave" if callable(given) else ""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise BadArgument(f"argument `{name}` is to be a list of words, and is {value!r}{origin}")
    is_of_words = name.endswith("_flags") and isinstance(value, (list, tuple))
    for word in cast("list[object]", value) if is_of_words else []:
        if not isinstance(word, str) and not hasattr(word, "__fspath__"):
            raise BadArgument(f"argument `{name}` is to be a list of words, and holds {word!r}{origin}")


def changed_phases(phases: Phases, change: str, *arguments: Any) -> Phases:
    """The phases after one change, named as the method that makes it."""
    method: Callable[..., Phases] = getattr(phases, change)
    if change.startswith("add_"):
        anchor, function, name = arguments
        return method(anchor, function, name=name)
    return method(*arguments)
