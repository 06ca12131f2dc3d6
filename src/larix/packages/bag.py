"""Between package and derivation: the bag, all that a build needs with nothing left implicit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from larix.packages.inputs import Input, Output

if TYPE_CHECKING:
    from larix.derivation import Lowered
    from larix.packages.package import Package
    from larix.packages.search_paths import SearchPath
    from larix.staging.lower import Lowerable, Lowering

__all__ = ["REFERENCE_LIMITS", "Bag", "BuildSystem", "package_of", "with_propagated"]

# Arguments of every build system, each with the variable that tells the builder.
REFERENCE_LIMITS = {
    "allowed_references": "allowedReferences",
    "disallowed_references": "disallowedReferences",
    "allowed_requisites": "allowedRequisites",
    "disallowed_requisites": "disallowedRequisites",
}


class Bag(NamedTuple):
    """Inputs are complete: the toolchain is there, and so is what inputs propagate.

    `build_inputs` run in the build, `host_inputs` are used by what is built, `target_inputs` by what that
    makes in turn. `build` turns the bag into a derivation.
    """

    name: str
    system: str
    target: str | None
    source: Lowerable | None
    build_inputs: tuple[Input, ...]
    host_inputs: tuple[Input, ...]
    target_inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    search_paths: tuple[SearchPath, ...]
    arguments: Mapping[str, Any]
    build: Callable[[Bag, Lowering], Lowered]


class BuildSystem(Protocol):
    """How packages of a kind are built: what they need implicitly, and what runs in the build.

    `argument_names` are those that a package may give; `lower` is pure.
    """

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    def lower(self, package: Package, lowering: Lowering) -> Bag: ...


def package_of(value: object) -> Package | None:
    """The package behind an input, if it is one or an output of one."""
    from larix.packages.package import Package

    if isinstance(value, Output):
        return value.package
    return value if isinstance(value, Package) else None


def with_propagated(inputs: Iterable[Input]) -> tuple[Input, ...]:
    """The inputs, and what they propagate, transitively; each thing once, under its first label."""
    found: dict[object, Input] = {}
    pending = list(inputs)[::-1]
    while pending:
        each = pending.pop()
        package = package_of(each.value)
        key: object = (id(package), each.value.name) if isinstance(each.value, Output) else id(each.value)
        if key in found:
            continue
        found[key] = each._replace(label=_free_label(each.label, found.values()))
        if package is not None:
            pending += reversed(package.propagated_inputs)
    return tuple(found.values())


def _free_label(label: str, taken: Iterable[Input]) -> str:
    """Two versions of a library may come together by propagation; the later one is `zlib-2`."""
    labels = {each.label for each in taken}
    number, free = 1, label
    while free in labels:
        number += 1
        free = f"{label}-{number}"
    return free
