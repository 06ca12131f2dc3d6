"""The package record: what is built, from what, how, and what people should know of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from larix.buildside.phases import Phases
from larix.errors import LarixError
from larix.formats.storepath import check_name, check_output_name
from larix.packages.arguments import check_arguments
from larix.packages.bag import Bag, BuildSystem
from larix.packages.blame import closest, did_you_mean
from larix.packages.inputs import Input, Output, as_inputs
from larix.packages.kinds import frozen_mapping, optional, sequence_of, text, truth
from larix.packages.licenses import License
from larix.packages.platform import platform
from larix.packages.record import LATE, BadRecord, Field, Record, Unfit, field
from larix.packages.search_paths import SearchPath
from larix.staging.files import StoreFile
from larix.staging.lower import Item, Lowerable, Lowering, is_lowerable
from larix.staging.snapshot import snapshot
from larix.words import mark, tr

if TYPE_CHECKING:
    from larix.derivation import Lowered

__all__ = ["Inputs", "Package", "UnsupportedSystem", "package_bag", "package_derivation", "replaced_packages"]

Inputs: TypeAlias = (
    Sequence[Lowerable | tuple[str, Lowerable] | tuple[Lowerable, str] | Input] | Mapping[str, Lowerable]
)

SUPPORTED_SYSTEMS = ("x86_64-linux", "i686-linux", "aarch64-linux")
_KINDS = ("directory", "regular")
# Those of Nix and Guix, whether larix runs there or not: a definition may say that upstream does.
_SYSTEM = re.compile(
    r"(aarch64|arm(hf|v5tel|v6l|v7a|v7l)|i[456]86|loongarch64|m68k|mips(64)?(el)?|powerpc(64(le)?)?|riscv(32|64)"
    r"|s390x?|sparc(64)?|x86_64)-(linux|gnu|darwin|freebsd|netbsd|openbsd)"
)


class UnsupportedSystem(LarixError):
    """A package is not for the system it was to be built for."""


def _name(value: Any) -> str:
    return check_name(text(value))


def _version(value: Any) -> str:
    check_name(f"x-{text(value)}")
    return text(value)


def _home_page(value: Any) -> str:
    page = text(value)
    if not page.startswith(("https://", "http://", "ftp://")) or any(each.isspace() for each in page):
        raise Unfit(tr("an address such as `https://example.org/`"), repr(page))
    return page


def _source(value: Any) -> Lowerable:
    if not is_lowerable(value):
        raise Unfit(tr("an origin, a local file or another thing that can be built"))
    return cast("Lowerable", value)


def _build_system(value: Any) -> BuildSystem:
    if isinstance(value, type) or not (hasattr(value, "lower") and hasattr(value, "description")):
        raise Unfit(tr("a build system such as `larix.buildsystems.gnu.gnu`"))
    return cast("BuildSystem", value)


def _outputs(value: Any) -> tuple[str, ...]:
    names = sequence_of(text, mark("output names"))(value)
    for name in names:
        check_output_name(name)
    if not names or len(set(names)) < len(names):
        raise Unfit(tr("one output or more, each once"), repr(list(names)))
    return names


def _systems(value: Any) -> tuple[str, ...]:
    systems = sequence_of(text, mark("systems"))(value)
    for each in systems:
        if not _SYSTEM.fullmatch(each):
            hint = did_you_mean(each, SUPPORTED_SYSTEMS)
            raise Unfit(tr("systems such as `x86_64-linux`"), repr(each), hint=hint)
    return systems


def _licenses(value: Any) -> tuple[License, ...]:
    given = (value,) if isinstance(value, (License, str)) else value
    return sequence_of(_license, mark("licences of `larix.packages.licenses`"))(given)


def _license(value: Any) -> License:
    if isinstance(value, License):
        return value
    hint = None
    if isinstance(value, str):
        from larix.packages import licenses

        known = {each.name: name for name, each in vars(licenses).items() if isinstance(each, License)}
        close = closest(value, [*known, *known.values()])
        hint = tr("Did you mean `licenses.{close}'?", close=known.get(close, close)) if close else None
    raise Unfit(tr("a licence of `larix.packages.licenses`, or a list of them"), hint=hint)


def _package(value: Any) -> Package:
    if not isinstance(value, Package):
        raise Unfit(tr("a package"))
    return value


def _properties(value: Any) -> Mapping[str, Any]:
    properties = frozen_mapping(value)
    for name, declared in (("hidden", "hidden"), ("superseded", "superseded_by")):
        if name in properties:
            raise Unfit(
                tr("no property of what is a field"),
                f"`{name}`",
                hint=tr("write `{declared}=…`", declared=declared),
            )
    return properties


def _search_path(value: Any) -> SearchPath:
    if not isinstance(value, SearchPath):
        raise Unfit(tr("a list of SearchPath values"))
    files: Any = value.files
    if isinstance(files, str) or not all(isinstance(each, str) for each in files):
        raise Unfit(tr("a list of names as `files` of {variable}", variable=value.variable), repr(files))
    if value.kind not in _KINDS:
        hint = did_you_mean(value.kind, _KINDS)
        raise Unfit(
            tr("`directory` or `regular` as `kind` of {variable}", variable=value.variable),
            repr(value.kind),
            hint=hint,
        )
    try:
        re.compile(value.pattern or "")
    except re.error as error:
        raise Unfit(
            tr("a regular expression as `pattern` of {variable}", variable=value.variable),
            f"{value.pattern!r}",
        ) from error
    return value._replace(files=tuple(files))


def _arguments(value: Any) -> Mapping[str, Any]:
    phases = cast("Any", value).get("phases") if isinstance(value, Mapping) else None
    if phases is not None and not isinstance(phases, Phases):
        raise Unfit(tr("`phases` as a Phases value, such as `standard_phases.add_after(…)`"))
    arguments = frozen_mapping(value)
    # What build code captured must still be so when the package is lowered.
    for argument in arguments.values():
        snapshot(argument)
    if phases is not None:
        for _, function in phases.pairs:
            snapshot(function)
    return arguments


class Package(Record, StoreFile):
    """A package; see `record` for how fields may be given.

    `native_inputs` run in the build, `inputs` are used by what is built, and `propagated_inputs` by whatever
    uses it. `arguments` are those of the build system. `search_paths` name the variables that the package
    reads when used; `native_search_paths` those it reads when it runs in a build, which it always does when
    installed too.

    `replacement` is what grafts put in the place of this package wherever results refer to it; variants made
    by `inherit` have none.

    What is `hidden` is for other packages only: listings leave it out. `superseded_by` is the package to take
    instead, which installing and upgrading do. `properties` are for programs that look after packages.
    """

    noun = mark("package")

    name: Field[str, str] = field(_name)
    version: Field[str, str] = field(_version)
    source: Field[Lowerable | None, Lowerable | None] = field(optional(_source))
    build_system: Field[BuildSystem, BuildSystem] = field(_build_system)
    synopsis: Field[str, str] = field(text)
    description: Field[str, str] = field(text)
    home_page: Field[str | None, str | None] = field(optional(_home_page))
    license: Field[License | Sequence[License], tuple[License, ...]] = field(_licenses)
    arguments: Field[Mapping[str, Any], Mapping[str, Any]] = field(_arguments, default={})
    inputs: Field[Inputs, tuple[Input, ...]] = field(as_inputs, default=())
    native_inputs: Field[Inputs, tuple[Input, ...]] = field(as_inputs, default=())
    propagated_inputs: Field[Inputs, tuple[Input, ...]] = field(as_inputs, default=())
    outputs: Field[Sequence[str], tuple[str, ...]] = field(_outputs, default=("out",))
    supported_systems: Field[Sequence[str], tuple[str, ...]] = field(_systems, default=SUPPORTED_SYSTEMS)
    search_paths: Field[Sequence[SearchPath], tuple[SearchPath, ...]] = field(
        sequence_of(_search_path, mark("search paths")), default=()
    )
    native_search_paths: Field[Sequence[SearchPath], tuple[SearchPath, ...]] = field(
        sequence_of(_search_path, mark("search paths")), default=()
    )
    properties: Field[Mapping[str, Any], Mapping[str, Any]] = field(_properties, default=None)
    hidden: Field[bool, bool] = field(truth, default=False)
    superseded_by: Field[Package | None, Package | None] = field(optional(_package), default=None)
    replacement: Field[Package | None, Package | None] = field(optional(_package), default=None, own=True)

    @property
    def full_name(self) -> str:
        """NAME@VERSION, as people write it."""
        return f"{self.name}@{self.version}"

    @property
    def main_output(self) -> str:
        """The output that the package itself stands for as an input."""
        return "out" if "out" in self.outputs else self.outputs[0]

    def output(self, name: str) -> Output:
        return Output(self, name)

    def direct_inputs(self) -> tuple[Input, ...]:
        """Those that the definition names, native ones first."""
        return (*self.native_inputs, *self.inputs, *self.propagated_inputs)

    def check_arguments(self) -> None:
        """Raise `BadRecord` for an argument that the build system does not know or cannot use."""
        check_arguments(self)

    def _check(self) -> None:
        if not any(
            isinstance(self.raw_fields.get(each), LATE) for each in ("name", "build_system", "arguments")
        ):
            self.check_arguments()

    def __repr__(self) -> str:
        name, version = self.raw_fields.get("name"), self.raw_fields.get("version")
        shown = "@".join(each for each in (name, version) if isinstance(each, str))
        return f"<package {shown or 'of unknown name'} {self.location}>"

    def __lower__(self, lowering: Lowering) -> Item:
        if self.raw_fields.get("replacement") is not None:
            replaced_packages(lowering).append(self)
        bag = package_bag(self, lowering)
        with platform(lowering.system, lowering.target):
            lowered = bag.build(bag, lowering)
        return Item(lowered.output_path(self.main_output), lowered, self.main_output)


def replaced_packages(lowering: Lowering) -> list[Package]:
    """Those with a replacement that were lowered so far, in that order; it is added to."""
    return lowering.cached(("replaced packages",), list["Package"])


def package_bag(package: Package, lowering: Lowering) -> Bag:
    """What building the package takes; an error when it is not for the system."""
    with platform(lowering.system, lowering.target):
        if lowering.system not in package.supported_systems:
            raise UnsupportedSystem(
                tr(
                    "package `{full_name}` does not support {system}",
                    full_name=package.full_name,
                    system=lowering.system,
                ),
                place=package.location,
                hint=tr(
                    "it supports {supported_systems}", supported_systems=", ".join(package.supported_systems)
                ),
            )
        return package.build_system.lower(package, lowering)


def package_derivation(package: Package, lowering: Lowering) -> Lowered:
    """The derivation of a package; the same for the same package in one lowering."""
    origin = lowering.lower(package).origin
    if not hasattr(origin, "output_path"):
        raise BadRecord(
            tr("build system of `{full_name}` made no derivation", full_name=package.full_name),
            place=package.location,
        )
    return cast("Lowered", origin)
