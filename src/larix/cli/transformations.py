"""Transformation options: packages other than the catalogue has them; kept in the manifests of profiles."""

from __future__ import annotations

import os
import re
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from larix.cli import diagnostics
from larix.cli.options import Answered, CommandLine, Option, UsageError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from larix.cli.evaluation import Evaluation
    from larix.cli.session import Session
    from larix.cli.transforming import Part, Walk, Workshop
    from larix.packages.package import Package

__all__ = [
    "TRANSFORMATIONS",
    "Transformer",
    "Wish",
    "chosen_transformations",
    "pair_of",
    "portable_wishes",
    "recorded_transformations",
]

PROPERTY, SOURCES = "transformations", "trusted-sources"

_OPTIONS = (
    Option("with-source", argument="[PKG[@VERSION]=]SOURCE", help="build PKG from a file, a folder or a URL"),
    Option("with-input", argument="PKG=SPEC", help="put SPEC in the place of PKG as an input"),
    Option("with-graft", argument="PKG=SPEC", help="graft SPEC in the place of PKG, and build nothing again"),
    Option("with-git-url", argument="PKG=URL", help="build PKG from that Git repository"),
    Option("with-branch", argument="PKG=BRANCH", help="build PKG from the tip of that branch"),
    Option("with-commit", argument="PKG=COMMIT", help="build PKG from that commit or tag"),
    Option("with-patch", argument="PKG=FILE", help="apply the patch FILE to the source of PKG"),
    Option("with-configure-flag", argument="PKG=FLAG", help="give FLAG to the configuration of PKG"),
    Option("with-version", argument="PKG=VERSION", help="build that release of PKG"),
    Option("with-latest", argument="PKG", help="build the newest release of PKG"),
    Option("with-c-toolchain", argument="PKG=SPEC", help="build PKG, and all that needs it, with SPEC"),
    Option("with-debug-info", argument="PKG", help="keep the debugging information of PKG; grafted"),
    Option("without-tests", argument="PKG", help="do not run the tests of PKG"),
    Option("tune", argument="CPU", help="tune what is marked tunable for CPU; grafted", optional=True),
)
TRANSFORMATIONS = (
    *(option._replace(hidden=True) for option in _OPTIONS),
    Option("help-transform", help="list the options that transform packages"),
)
_NAMES = frozenset(option.name for option in _OPTIONS)
_PAIRS = frozenset(option.name for option in _OPTIONS if option.argument.startswith("PKG="))
IN_SOURCE = re.compile(r"(?P<package>[A-Za-z0-9][\w.+-]*)(?:@(?P<version>[^=/]+))?=(?P<source>.+)", re.DOTALL)


class Wish(NamedTuple):
    """One option as given, with file names made absolute."""

    option: str
    value: str

    def __str__(self) -> str:
        return f"{self.option}={self.value}"


def chosen_transformations(line: CommandLine) -> tuple[Wish, ...]:
    if line.has("help-transform"):
        raise Answered(_help())
    wishes = tuple(
        Wish(token.name, _portable(token.name, token.value)) for token in line.tokens if token.name in _NAMES
    )
    for wish in wishes:
        if wish.option in _PAIRS:
            pair_of(wish)
    return wishes


def portable_wishes(options: Iterable[tuple[str, str]]) -> tuple[Wish, ...]:
    """Options as a manifest lists them, by name and value."""
    wishes: list[Wish] = []
    for name, value in options:
        if name not in _NAMES:
            raise UsageError(
                tr("--{name}: no transformation is called so", name=name),
                hint=diagnostics.did_you_mean(name, _NAMES),
            )
        wishes.append(Wish(name, _portable(name, value)))
    return tuple(wishes)


def recorded_transformations(properties: Mapping[str, Any]) -> tuple[tuple[Wish, ...], Mapping[str, Any]]:
    """What a manifest entry's properties tell: the transformations, and the sources that they trusted."""
    listed: list[tuple[str, str]] = properties.get(PROPERTY, [])
    wishes: list[Wish] = []
    for option, value in listed:
        if option in _NAMES:
            wishes.append(Wish(option, value))
        else:
            diagnostics.warning(
                tr("this larix knows no transformation '{option}', which is left out", option=option)
            )
    return tuple(wishes), properties.get(SOURCES, {})


def _help() -> str:
    lines = [tr("Options that transform packages; each may be given several times:"), ""]
    for option in _OPTIONS:
        argument = tr(option.argument)
        argument = f"[={argument}]" if option.optional else f"={argument}"
        lines += [f"      --{option.name}{argument}", f"{'':25}{tr(option.help)}"]
    return "\n".join(lines)


def _portable(option: str, value: str | None) -> str:
    """The value with file names made absolute: it is recorded, and the command may be run elsewhere."""
    if option == "tune":
        if value in (None, "", "native"):
            from larix.cli.processor import native_processor

            return native_processor()
        return value or ""
    value = value or ""
    if option == "with-patch":
        package, equals, file = value.partition("=")
        return f"{package}{equals}{os.path.abspath(file)}" if file else value
    if option == "with-source":
        found = IN_SOURCE.fullmatch(value)
        source = found["source"] if found else value
        if source and "://" not in source:
            return value[: len(value) - len(source)] + os.path.abspath(source)
    return value


def pair_of(wish: Wish) -> tuple[str, str]:
    """The two sides of `PKG=VALUE`."""
    name, equals, value = wish.value.partition("=")
    if not name or not equals or not value:
        kind = (
            "replacement" if wish.option in ("with-input", "with-graft", "with-c-toolchain") else wish.option
        )
        raise UsageError(
            tr("invalid {kind} specification: {value}", kind=kind, value=wish.value),
            hint=tr("Write `--{option}=PACKAGE=VALUE'.", option=wish.option),
        )
    return name, value


class Transformer:
    """Applies wishes in the order of the command line, successive ones of one option at the same time.

    Call it with each package of the command, then `check` once.
    """

    def __init__(
        self,
        session: Session,
        evaluation: Evaluation,
        wishes: Sequence[Wish],
        sources: Mapping[str, Any] | None = None,
    ) -> None:
        self._evaluation = evaluation
        self._wishes = tuple(dict.fromkeys(wishes))
        self._effects: dict[Part, list[tuple[Package, bool]]] = {}
        self._seen: set[str] = set()
        self._session = session
        self._sources = sources

    def __call__(self, package: Package) -> Package:
        if not self._wishes:
            return package
        from larix.packages.transform import packages_below, variant

        made, effective = package, list[Wish]()
        for walk in self._walks:
            below = list(packages_below(made))
            self._seen.update(each.name for each in below)
            found = [part for part in walk.parts if any(map(part.is_meant, below))]
            for part in walk.parts:
                self._effects.setdefault(part, []).append((package, part in found))
            if found:
                made = walk.transformation(made)
                effective += [part.wish for part in found]
        if not effective:
            return package
        return variant(made, properties={**made.properties, **self._record(effective)})

    @cached_property
    def _workshop(self) -> Workshop:
        from larix.cli.transforming import Workshop

        return Workshop(self._session, self._evaluation, self._sources, self._wishes)

    @cached_property
    def _walks(self) -> list[Walk]:
        groups = groupby(self._wishes, key=lambda wish: wish.option)
        return [self._workshop.walk(option, list(wishes)) for option, wishes in groups]

    def _record(self, wishes: Iterable[Wish]) -> dict[str, Any]:
        """What a package's properties tell of the wishes that made it."""
        listed = list(wishes)
        found = self._workshop.trusted
        sources = {str(wish): found[str(wish)].record() for wish in listed if str(wish) in found}
        recorded: dict[str, Any] = {PROPERTY: [list(wish) for wish in listed]}
        return recorded | ({SOURCES: sources} if sources else {})

    def value(self, value: object) -> object:
        """The same for whatever an expression or a file may give; what is no package stays."""
        from larix.packages.inputs import Output
        from larix.packages.listed import Transformed
        from larix.packages.package import Package

        if isinstance(value, list | tuple) and not isinstance(value, Transformed):
            return [self.value(each) for each in cast("Iterable[object]", value)]
        if isinstance(value, Transformed):
            wishes = (*portable_wishes(value.options), *self._wishes)
            transformer = Transformer(self._session, self._evaluation, wishes, value.sources)
            return transformer.value(self._evaluation.output(str(value.specification)))
        if not self._wishes:
            return value
        if isinstance(value, Package):
            return self(value)
        if isinstance(value, Output):
            return self(value.package).output(value.name)
        return value

    def check(self) -> None:
        """Warn of what had no effect; an error where nothing is called like what was meant."""
        for part, effects in self._effects.items():
            if not any(found for _, found in effects):
                self._check_name(part)
            for package, found in effects:
                if not found:
                    shown = tr(
                        "transformation '{option}' had no effect on {full_name}",
                        option=part.wish.option,
                        full_name=package.full_name,
                    )
                    diagnostics.warning(shown)

    def _check_name(self, part: Part) -> None:
        from larix.packages.blame import did_you_mean
        from larix.packages.catalogue import UnknownPackage

        names = {*self._evaluation.catalogue.names(), *self._seen}
        if part.name is not None and part.name not in names:
            raise UnknownPackage(
                tr("{part}: unknown package, in '--{wish}'", part=part.name, wish=part.wish),
                hint=did_you_mean(part.name, names),
            )
