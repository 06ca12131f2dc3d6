"""Records with late fields: what packages and origins are made of.

A field is given as a value; as a function of no argument, called when the field is read (so it may name what
is defined later or elsewhere, and ask for the current system); or as a function of the finished record, which
follows what `inherit` changes:

    hello = Package(name="hello", version="2.10", source=lambda p: Origin(uri=f"…/hello-{p.version}.tar.gz",
    …)) older = hello.inherit(version="2.9")           # its source is that of 2.9

Records are immutable, compare by identity, and know the line that made them. Values are checked and made
immutable when they are given, results of functions when they are first read; a function runs once for each
record and platform. All that can be wrong with a record is a `BadRecord`, told with the place of its
definition.
"""

from __future__ import annotations

import functools
import sys
from types import CodeType, FunctionType, MethodType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Self,
    TypeVar,
    cast,
    dataclass_transform,
    overload,
)

from larix.errors import LarixError, Location
from larix.packages.blame import blame, did_you_mean
from larix.packages.platform import current_platform
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "LATE",
    "BadRecord",
    "Field",
    "Record",
    "RecordType",
    "Unfit",
    "caller_place",
    "field",
    "type_words",
]

In = TypeVar("In")
Out = TypeVar("Out")

LATE = (FunctionType, MethodType, functools.partial)
_REQUIRED: Any = object()
_RUNNING: Any = object()


class BadRecord(LarixError):
    """A record that its author must mend: an unknown or missing field, a wrong value, a field that fails."""


class Unfit(Exception):
    """Raised by what converts a field's value: it is not what was expected."""

    def __init__(self, expected: str, found: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(expected)
        self.expected = expected
        self.found = found
        self.hint = hint


class Field(Generic[In, Out]):
    """A field of a record: takes `In`, or a function that gives one; `convert` makes `Out` of it.

    One that `is_own` is not passed on to what inherits from the record.
    """

    def __init__(
        self, convert: Callable[[Any], Out], default: Any, *, is_late: bool, is_own: bool = False
    ) -> None:
        self.convert = convert
        self.default = default
        self.is_late = is_late
        self.is_own = is_own
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @property
    def is_required(self) -> bool:
        return self.default is _REQUIRED

    @overload
    def __get__(self, record: None, owner: type) -> Self: ...
    @overload
    def __get__(self, record: Record, owner: type) -> Out: ...
    def __get__(self, record: Record | None, owner: type) -> Any:
        if record is None:
            return self
        raw: object = record.raw_fields.get(self.name, self.default)
        if self.is_late and isinstance(raw, LATE):
            return record.force(self, cast("Callable[..., Any]", raw))
        return raw

    def __set__(self, record: Record, value: In | Callable[[], In] | Callable[[Any], In]) -> None:
        raise BadRecord(
            tr("field `{name}` of {record} cannot be changed", name=self.name, record=record.described()),
            place=record.location,
            hint=tr("make a variant: `.inherit({name}=…)`", name=self.name),
        )


def field(
    convert: Callable[[Any], Any], *, default: Any = _REQUIRED, late: bool = True, own: bool = False
) -> Any:
    """Declare a field: `convert` gives the stored value or raises `Unfit`.

    A default is a value or a function. With `late` off, functions are values like others. An `own` field,
    which needs a default, is that of the record alone: `inherit` leaves it behind.
    """
    is_value = default is not _REQUIRED and not (late and isinstance(default, LATE))
    return Field[Any, Any](convert, convert(default) if is_value else default, is_late=late, is_own=own)


def type_words(value: object) -> str:
    """A value as an error shows it: its type and its beginning."""
    if value is None:
        return "None"
    text = repr(value)
    return tr(
        "the {kind} {value}",
        kind=type(value).__name__,
        value=text if len(text) <= 60 else text[:57] + "…",
    )


def caller_place(depth: int) -> tuple[CodeType, int]:
    """The code that called, `depth` frames above the caller of this, and the instruction it is at."""
    frame = sys._getframe(depth + 1)  # pyright: ignore[reportPrivateUsage]
    return frame.f_code, frame.f_lasti


def _location(place: Location | tuple[CodeType, int]) -> Location:
    if isinstance(place, Location):
        return place
    code, instruction = place
    for index, (line, _, column, _) in enumerate(code.co_positions()):
        if index * 2 == instruction:
            return Location(
                code.co_filename, line or code.co_firstlineno, 0 if column is None else column + 1
            )
    return Location(code.co_filename, code.co_firstlineno)


@dataclass_transform(kw_only_default=True, eq_default=False, frozen_default=True, field_specifiers=(field,))
class RecordType(type):
    """Gathers the fields of a class, and makes records from keyword arguments."""

    fields_by_name: dict[str, Field[Any, Any]]
    noun: str

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> RecordType:
        namespace.setdefault("__slots__", ())
        made = super().__new__(cls, name, bases, namespace)
        made.fields_by_name = {
            each: value for base in reversed(made.__mro__) for each, value in vars(base).items()
            if isinstance(value, Field)
        }  # fmt: skip
        return made

    if not TYPE_CHECKING:

        def __call__(cls, *values: object, location: Location | None = None, **fields: Any) -> Any:
            place = location or caller_place(1)
            if values:
                raise BadRecord(
                    tr("the fields of {noun} are given by name", noun=tr(cls.noun)),
                    place=_location(place),
                    hint=tr(
                        "write `{record}({field}={value!r}, …)`",
                        record=cls.__name__,
                        field=next(iter(cls.fields_by_name)),
                        value=values[0],
                    ),
                )
            table = cls.fields_by_name
            missing = [name for name, each in table.items() if each.is_required and name not in fields]
            converted = _converted(cls, fields, place, fields.get("name"))
            if missing:
                text = ", ".join(f"`{name}`" for name in missing)
                raise BadRecord(
                    tr("{noun} needs {text}", noun=tr(cls.noun), text=text), place=_location(place)
                )
            return _make(cls, converted, place)


def _make(kind: Any, raw: dict[str, Any], place: Location | tuple[CodeType, int]) -> Any:
    made = object.__new__(kind)
    made.raw_fields = raw
    made._forced = {}
    made._place = place
    made._check()
    return made


def _converted(
    kind: RecordType, fields: Mapping[str, Any], place: Location | tuple[CodeType, int], name: object
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    noun = tr(kind.noun)
    for key, value in fields.items():
        declared = kind.fields_by_name.get(key)
        if declared is None:
            hint = did_you_mean(key, kind.fields_by_name) or tr(
                "there are: {fields_by_name}", fields_by_name=", ".join(kind.fields_by_name)
            )
            raise BadRecord(
                tr("{noun} has no field `{key}`", noun=noun, key=key), place=_location(place), hint=hint
            )
        if declared.is_late and isinstance(value, LATE):
            result[key] = value
            continue
        subject = f"{noun} `{name}`" if isinstance(name, str) else noun
        result[key] = _convert(declared, value, subject, place)
    return result


def _convert(
    declared: Field[Any, Out], value: object, subject: str, place: Location | tuple[CodeType, int]
) -> Out:
    try:
        return declared.convert(value)
    except Unfit as error:
        raise BadRecord(
            tr(
                "field `{declared}` of {subject}: expected {expected}, found {found}",
                declared=declared.name,
                subject=subject,
                expected=error.expected,
                found=error.found or type_words(value),
            ),
            place=_location(place),
            hint=error.hint,
        ) from error
    except LarixError as error:
        message = tr(
            "field `{declared}` of {subject}: {problem}",
            declared=declared.name,
            subject=subject,
            problem=error.message,
        )
        raise BadRecord(message, place=_location(place), hint=error.hint) from error


class Record(metaclass=RecordType):
    """The base of records; `noun` is what errors call one, with its article."""

    __slots__ = ("_forced", "_place", "raw_fields")
    noun = mark("a record")

    if TYPE_CHECKING:
        raw_fields: ClassVar[dict[str, Any]]
        _forced: ClassVar[dict[Any, Any]]
        _place: ClassVar[Location | tuple[CodeType, int]]

    @property
    def location(self) -> Location:
        """Where the record was made."""
        return _location(self._place)

    def inherit(self, *, location: Location | None = None, **changes: Any) -> Self:
        """A record with some fields changed; those given as functions of the record follow."""
        place = location or caller_place(1)
        converted = _converted(type(self), changes, place, changes.get("name", self.raw_fields.get("name")))
        fields = type(self).fields_by_name
        inherited = {name: value for name, value in self.raw_fields.items() if not fields[name].is_own}
        made: Self = _make(type(self), {**inherited, **converted}, place)
        return made

    def _check(self) -> None:
        """Check fields against each other; for subclasses. Late fields must not be read here."""

    def force(self, declared: Field[Any, Any], late: Callable[..., Any]) -> Any:
        key = (declared.name, current_platform())
        known = self._forced.get(key)
        if known is _RUNNING:
            raise BadRecord(
                tr(
                    "field `{declared}` of {subject} needs itself",
                    declared=declared.name,
                    subject=self.described(),
                ),
                place=self.location,
            )
        if key in self._forced:
            return known
        self._forced[key] = _RUNNING
        try:
            value = _convert(declared, self._call(declared, late), self.described(), self._place)
        except BaseException:
            del self._forced[key]
            raise
        self._forced[key] = value
        return value

    def _call(self, declared: Field[Any, Any], late: Callable[..., Any]) -> Any:
        try:
            return late(self) if _takes_argument(late) else late()
        except (LarixError, RecursionError):
            raise
        except Exception as error:
            code: CodeType | None = getattr(late, "__code__", None)
            found = blame(error, file=code.co_filename if code else None)
            raise BadRecord(
                tr(
                    "field `{declared}` of {subject}: {problem}",
                    declared=declared.name,
                    subject=self.described(),
                    problem=found.message,
                ),
                place=found.place or self.location,
                hint=found.hint,
            ) from error

    def described(self) -> str:
        """What errors call the record: its kind, and its name if that is known."""
        name = self.raw_fields.get("name")
        return f"{tr(self.noun)} `{name}`" if isinstance(name, str) else tr(self.noun)


def _takes_argument(late: Callable[..., Any]) -> bool:
    """Whether a late field's function wants the record; arguments with default values are its own affair."""
    given = 0
    inner: Any = late
    if isinstance(inner, functools.partial):
        given, inner = len(inner.args), cast("Any", inner.func)
    if isinstance(inner, MethodType):
        given, inner = given + 1, inner.__func__
    if not isinstance(inner, FunctionType):
        return False
    return inner.__code__.co_argcount - given - len(inner.__defaults__ or ()) > 0
