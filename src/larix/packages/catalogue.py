"""The catalogue: the packages of all folders and distributions, found by name without loading them.

What listings and searches show is kept in indexes, of which `survey` tells how they are kept up to date;
while no file changes, nothing is imported. Loading a package imports its module alone. Modules that cannot be
loaded are told to `warn`, and the rest is usable.

Folders given by the user come first; among packages of one name the newest version is chosen, and of one
version the one found first.
"""

from __future__ import annotations

import os
import re
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from larix.errors import LarixError
from larix.packages.distributions import Folder, find_distributions
from larix.packages.entry import Entry
from larix.packages.platform import host_system
from larix.packages.specification import Specification, parse_specification
from larix.packages.survey import Group, open_index
from larix.packages.versions import VersionKey, version_key, version_matches
from larix.words import chosen_language, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from larix.packages.index import Index
    from larix.packages.package import Package

__all__ = [
    "AmbiguousPackage",
    "Catalogue",
    "Entry",
    "Found",
    "Listed",
    "NoSuchFolder",
    "Row",
    "Superseded",
    "UnknownPackage",
]

T = TypeVar("T")
_NOT_LOADED = re.compile(r"failed to load `(?P<module>[\w.]+)`")


class UnknownPackage(LarixError):
    """No package is called so, or none of the version that was asked for."""


class NoSuchFolder(LarixError):
    """A folder that was given on the package path is not there."""


class AmbiguousPackage(LarixError):
    """A warning: several packages have the name and version; the first is chosen."""


class Superseded(LarixError):
    """A note: a package was asked for that another one has taken the place of."""


class Found(NamedTuple):
    """A package and the output that was asked for: its main one when the specification names none."""

    entry: Entry
    package: Package
    output: str


# Name, version, outputs, directory of the folder ("" for a file elsewhere), FILE:LINE:COLUMN below it; then
# group and number as of `Row`.
Listed: TypeAlias = tuple[str, str, str, str, str, int, int]


class Row(NamedTuple):
    """A package by its place in an index: `group` numbers the index, `number` the line."""

    name: str
    group: int
    number: int


class Catalogue:
    """The packages of `folders` (directories that the user names) and of the distributions.

    The indexes are kept in `cache_directory`, if there is one; a damaged or unwritable index costs time and
    nothing else. Of folders below `fixed` (a store, whose items never change) files are not looked at again.
    `languages` are names of locales, the first that a catalogue speaks being that of its texts in `shown` and
    `search`.
    """

    def __init__(
        self,
        folders: Sequence[str] = (),
        *,
        system: str | None = None,
        cache_directory: str | None = None,
        fixed: str | None = None,
        languages: Sequence[str] = (),
        warn: Callable[[LarixError], None] | None = None,
    ) -> None:
        self.system = system or host_system()
        self._cache_directory = cache_directory
        self._languages = languages
        self._fixed = f"{fixed}/" if fixed else None
        self._warn: Callable[[LarixError], None] = warn or _ignore
        given = tuple(_given_folders(folders))
        shipped = tuple(_distribution_folders())
        self._folders = (*given, *shipped)
        self._groups = [Group((each,)) for each in shipped]
        if given:
            self._groups.insert(0, Group(given, shipped))
        self._indexes: list[Index] | None = None
        self._rows: list[Row] | None = None
        self._entries: tuple[Entry, ...] | None = None

    @property
    def folders(self) -> Sequence[Folder]:
        """Where package modules are, those of the user first."""
        return self._folders

    @property
    def tops(self) -> list[str]:
        """The directories of what packages are made from: the folders, and distributions as a whole."""
        return [top for group in self._groups for top in group.tops]

    @property
    def indexes(self) -> Sequence[Index]:
        """One for each group, in their order; `warn` is told what is wrong when they are first wanted."""
        if self._indexes is None:
            self._indexes = [self._open(group) for group in self._groups]
            for index in self._indexes:
                for message, place, hint in index.warnings:
                    self._warn(LarixError(message, place=place, hint=hint))
        return self._indexes

    @property
    def rows(self) -> Sequence[Row]:
        """All packages, sorted by name, newer versions first, and then in the order of the folders."""
        if self._rows is None:
            self._rows = self._sorted_rows()
        return self._rows

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All packages in the order of `rows`."""
        if self._entries is None:
            read = [
                [self._numbered(number, each) for each in index.entries()]
                for number, index in enumerate(self.indexes)
            ]
            self._entries = tuple([read[group][number] for _, group, number in self.rows])
        return self._entries

    def entry(self, row: Row) -> Entry:
        return self._numbered(row.group, self.indexes[row.group].entry(row.number))

    def shown(self, row: Row) -> Entry:
        """The entry, with texts in the user's language as far as there are."""
        entry = self.entry(row)
        index = self.indexes[row.group]
        language = self._language(index)
        translated = index.translation(row.number, language) if language is not None else None
        return entry._replace(**translated._asdict()) if translated is not None else entry

    def search(self, expressions: Sequence[re.Pattern[str]]) -> list[tuple[Row, int]]:
        """The listed packages in which every expression is found, the most relevant first."""
        from larix.packages.search import relevance

        found: list[tuple[Row, int]] = []
        for group, index in enumerate(self.indexes):
            names, listed = index.column("name"), index.column("listed")
            for number, score in relevance(index, expressions, self._language(index)).items():
                if listed[number]:
                    found.append((Row(names[number], group, number), score))
        found.sort(key=lambda pair: (-pair[1], pair[0]))
        return found

    def listing(self, matches: Callable[[str], object]) -> list[Listed]:
        """The packages for this system that are neither hidden nor superseded, and whose names match.

        In the order of `rows`.
        """
        found: list[list[Listed]] = []
        for group, index in enumerate(self.indexes):
            directories = [f"{each.directory}/" for each in self._groups[group].folders]
            parts = [
                index.column(part) for part in ("listed", "name", "version", "outputs", "place", "folder")
            ]
            found.append(
                [
                    (name, version, outputs, directories[int(folder)], place, group, number)
                    if place[0] != "/"
                    else (name, version, outputs, "", place, group, number)
                    for number, (listed, name, version, outputs, place, folder) in enumerate(
                        zip(*parts, strict=True)
                    )
                    if listed and matches(name)
                ]
            )
        return _merged(found, name=itemgetter(0), version=itemgetter(1), group=itemgetter(5))

    def listed_rows(self) -> list[Row]:
        """The packages of `listing`, whatever their names."""
        listed = [index.column("listed") for index in self.indexes]
        return [row for row in self.rows if listed[row.group][row.number]]

    def rows_named(self, name: str) -> list[Row]:
        """All packages of a name, newer versions first."""
        rows = [
            Row(name, group, number)
            for group, index in enumerate(self.indexes)
            for number, each in enumerate(index.column("name"))
            if each == name
        ]
        return sorted(rows, key=self._version_key, reverse=True)

    def named(self, name: str) -> list[Entry]:
        """The entries of `rows_named`."""
        return [self.entry(each) for each in self.rows_named(name)]

    def names(self) -> list[str]:
        """The names of all packages, as often as they have packages."""
        return [name for index in self.indexes for name in index.column("name")]

    def hint_for(self, name: str) -> str | None:
        """What may be the matter with a name that no package has."""
        from larix.packages.blame import did_you_mean

        broken = {
            loaded["module"]: place
            for index in self.indexes
            for message, place, _ in index.warnings
            if (loaded := _NOT_LOADED.match(message)) is not None
        }
        wanted = re.sub(r"\W", "_", name)
        for module, place in broken.items():
            if module.rpartition(".")[2] == wanted or (place is not None and _mentions(place.file, name)):
                where = f" ({place})" if place else ""
                return tr("the module `{module}` is broken, as told above{where}", module=module, where=where)
        return did_you_mean(name, self.names()) or tr(
            "`larix search {name}' looks for it in descriptions, too", name=name
        )

    def select(self, specification: str | Specification) -> Entry:
        """The newest package that a specification names; `warn` is told when others are as good."""
        wanted = parse_specification(specification) if isinstance(specification, str) else specification
        named = self.named(wanted.name)
        chosen = [each for each in named if version_matches(each.version, wanted.version)]
        if not chosen:
            raise self._unknown(wanted, named)
        first = chosen[0]
        others = [each for each in chosen[1:] if each.version == first.version]
        if others:
            text = tr("ambiguous package specification `{wanted}`", wanted=wanted)
            hint = tr(
                "choosing {package} from {place}, not from {other}",
                package=first.full_name,
                place=first.location,
                other=others[0].location,
            )
            self._warn(AmbiguousPackage(text, hint=hint))
        return first

    def find(self, specification: str | Specification) -> Found:
        """The package that a specification names, loaded, with an output that it has.

        Instead of a superseded package it is the one that took its place, and `warn` is told.
        """
        wanted = parse_specification(specification) if isinstance(specification, str) else specification
        entry = self.select(wanted)
        package = self.load(entry)
        seen: list[Package] = []
        while package.superseded_by is not None and package not in seen:
            seen.append(package)
            package = package.superseded_by
        if seen:
            text = tr(
                "package '{name}' has been superseded by '{package}'", name=seen[0].name, package=package.name
            )
            self._warn(Superseded(text, place=seen[0].location))
        output = wanted.output or package.main_output
        if output not in package.outputs:
            raise UnknownPackage(
                tr(
                    "package `{full_name}` lacks output `{output}`",
                    full_name=package.full_name,
                    output=output,
                ),
                place=package.location,
                hint=tr("it has: {outputs}", outputs=", ".join(package.outputs)),
            )
        return Found(entry, package, output)

    def load(self, entry: Entry) -> Package:
        """Import the module of a package, and no other, and take the package out of it."""
        from larix.packages.modules import BrokenModule, add_to_path, load_module
        from larix.packages.package import Package

        add_to_path(self._folders)
        module = load_module(entry.module, self._folders[entry.folder])
        package: object = getattr(module, entry.variable, None)
        if not isinstance(package, Package):
            raise BrokenModule(
                entry.module,
                tr("`{variable}` is no package there", variable=entry.variable),
                place=entry.location,
            )
        return package

    def _unknown(self, wanted: Specification, named: list[Entry]) -> UnknownPackage:
        if named:
            versions = ", ".join(each.version for each in named)
            return UnknownPackage(
                tr("{wanted}@{version}: unknown package", wanted=wanted.name, version=wanted.version),
                hint=tr("there is {versions}", versions=versions),
            )
        return UnknownPackage(
            tr("{wanted}: unknown package", wanted=wanted.name), hint=self.hint_for(wanted.name)
        )

    def _open(self, group: Group) -> Index:
        fixed = self._fixed
        return open_index(
            group,
            system=self.system,
            cache_directory=self._cache_directory,
            is_fixed=fixed is not None
            and all(os.path.realpath(each).startswith(fixed) for each in group.directories),
        )

    def _language(self, index: Index) -> str | None:
        if not index.languages or not self._languages:
            return None
        return chosen_language(self._languages, index.languages)

    def _numbered(self, group: int, entry: Entry) -> Entry:
        """With the number of its folder among all, not among those of its group."""
        before = sum(len(each.folders) for each in self._groups[:group])
        return entry._replace(folder=before + entry.folder) if before else entry

    def _sorted_rows(self) -> list[Row]:
        rows = [
            [Row(name, group, number) for number, name in enumerate(index.column("name"))]
            for group, index in enumerate(self.indexes)
        ]
        return _merged(rows, name=itemgetter(0), version=self._version, group=itemgetter(1))

    def _version(self, row: Row) -> str:
        return self.indexes[row.group].column("version")[row.number]

    def _version_key(self, row: Row) -> VersionKey:
        return version_key(self._version(row))


def _merged(
    groups: Sequence[list[T]],
    *,
    name: Callable[[T], str],
    version: Callable[[T], str],
    group: Callable[[T], int],
) -> list[T]:
    """What several groups have, each in order, in one order: by name, newer versions first, by group."""
    together = [each for some in groups for each in some]
    if len([some for some in groups if some]) < 2:
        return together
    together.sort(key=name)
    start = 0
    for end in range(1, len(together) + 1):
        if end < len(together) and name(together[end]) == name(together[start]):
            continue
        if end - start > 1 and group(together[start]) != group(together[end - 1]):
            same = together[start:end]
            together[start:end] = sorted(same, key=lambda each: version_key(version(each)), reverse=True)
        start = end
    return together


def _ignore(_warning: LarixError) -> None:
    """What is done with warnings when nobody wants them."""


def _mentions(file: str, name: str) -> bool:
    """Whether a string of a file is this name."""
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            return re.search(rf"""["']{re.escape(name)}["']""", stream.read()) is not None
    except OSError:
        return False


def _given_folders(given: Iterable[str]) -> Iterator[Folder]:
    for directory in dict.fromkeys(os.path.abspath(each) for each in given):
        if not os.path.isdir(directory):
            raise NoSuchFolder(
                tr("the folder of packages `{directory}` is no directory", directory=directory)
            )
        yield Folder(directory)


def _distribution_folders() -> Iterator[Folder]:
    for each in find_distributions():
        if each.directory is not None and each.module is not None and os.path.isdir(each.directory):
            yield Folder(each.directory, each.module)
