"""What a package needs, however it is written: packages, single outputs of them, files in them, labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from larix.derivation import Source
from larix.errors import LarixError, Location
from larix.packages.blame import did_you_mean
from larix.packages.record import Unfit
from larix.staging.files import FileAppend, StoreFile
from larix.staging.lower import Item, Lowerable, Lowering, is_lowerable
from larix.words import tr

if TYPE_CHECKING:
    from larix.packages.package import Package

__all__ = ["Input", "NoOutput", "Output", "as_inputs", "name_of"]


class NoOutput(LarixError):
    """A package was asked for an output that it has not."""


class Output(StoreFile):
    """One output of a package, as an input or to be built or installed."""

    __slots__ = ("name", "package")

    def __init__(self, package: Package, name: str) -> None:
        self.package = package
        self.name = name

    @property
    def location(self) -> Location:
        return self.package.location

    def __repr__(self) -> str:
        return f"<output {self.name} of {self.package!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Output) and (other.package, other.name) == (self.package, self.name)

    def __hash__(self) -> int:
        return hash((id(self.package), self.name))

    def check(self) -> None:
        """Raise `NoOutput` if the package does not declare this output."""
        declared = self.package.outputs
        if self.name not in declared:
            close = did_you_mean(self.name, declared)
            has = tr("it has: {outputs}", outputs=", ".join(declared))
            raise NoOutput(
                tr(
                    "package `{full_name}` lacks output `{name}`",
                    full_name=self.package.full_name,
                    name=self.name,
                ),
                place=self.package.location,
                hint=f"{close} ({has})" if close else has,
            )

    def __lower__(self, lowering: Lowering) -> Item:
        self.check()
        origin = lowering.lower(self.package).origin
        if isinstance(origin, Source):
            raise NoOutput(
                tr("package `{full_name}` has no outputs", full_name=self.package.full_name),
                place=self.package.location,
            )
        return Item(origin.output_path(self.name), origin, self.name)


class Input(NamedTuple):
    """`value` lowers to a file; phases find that under `label`."""

    label: str
    value: Lowerable


def name_of(value: object) -> str | None:
    """What an input is called when it has no label of its own."""
    if isinstance(value, Output):
        return value.package.name if value.name == "out" else f"{value.package.name}:{value.name}"
    if isinstance(value, FileAppend):
        return value.part.rsplit("/", 1)[-1]
    for attribute in ("name", "file_name"):
        name: object = getattr(value, attribute, None)
        if isinstance(name, str):
            return name
    return None


def as_inputs(value: Any) -> tuple[Input, ...]:
    """Read a list of inputs.

    Each is a package or another thing that can be built, `(label, thing)`, or `(package, "output")`; instead
    of the list, a mapping of labels to things. Labels are unique.
    """
    if isinstance(value, Mapping):
        pairs = list(cast("dict[Any, Any]", value).items())
        found = [_labelled(label, thing) for label, thing in pairs]
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        found = [_input(each) for each in cast("list[Any]", value)]
    else:
        raise Unfit(tr("a list of packages"), None)
    seen: dict[str, object] = {}
    for each in found:
        if isinstance(each.value, Output):
            each.value.check()
        if each.label in seen and seen[each.label] is not each.value and seen[each.label] != each.value:
            raise Unfit(
                tr("inputs with different labels"),
                tr('two called `{label}`; write `("label", package)`', label=each.label),
            )
        seen[each.label] = each.value
    return tuple(dict.fromkeys(found))


def _input(value: Any) -> Input:
    if isinstance(value, Input):
        return value
    pair = _pair(value)
    if pair is not None:
        first, second = pair
        if isinstance(first, str):
            return _labelled(first, second)
        if isinstance(second, str) and hasattr(first, "output"):
            return _input(first.output(second))
    _check_triple(value)
    return Input(name_of(value) or "input", _lowerable(value))


def _check_triple(value: Any) -> None:
    """Guix writes an output of an input in three parts."""
    parts: Any = value
    if (
        isinstance(value, tuple)
        and len(parts) == 3
        and isinstance(parts[0], str)
        and isinstance(parts[2], str)
    ):
        label, thing, output = parts
        shown = name_of(thing) or "package"
        raise Unfit(
            tr("packages and other things that can be built"),
            tr("a label, a package and an output in one"),
            hint=tr(
                'write `("{label}", ({package}, "{output}"))`', label=label, package=shown, output=output
            ),
        )


def _labelled(label: Any, value: Any) -> Input:
    if not isinstance(label, str):
        raise Unfit(tr("labels and packages"), _words(label))
    return Input(label, _lowerable(value) if _pair(value) is None else _input(value).value)


def _pair(value: Any) -> tuple[Any, Any] | None:
    items = cast("tuple[Any, ...]", value)
    return (items[0], items[1]) if isinstance(value, tuple) and len(items) == 2 else None


def _lowerable(value: Any) -> Lowerable:
    if not is_lowerable(value):
        raise Unfit(tr("packages and other things that can be built"), _words(value))
    return cast("Lowerable", value)


def _words(value: Any) -> str:
    if isinstance(value, str):
        return tr("the string {value!r}; name the package itself, not its name", value=value)
    if isinstance(value, ModuleType):
        return tr("the module `{name}`; name the package in it", name=value.__name__)
    return tr("the {kind} {value!r:.60}", kind=type(value).__name__, value=value)
