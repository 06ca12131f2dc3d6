"""The catalogue: the packages of all folders and distributions, found by name without loading them.

What listings and searches show is kept in an index, a JSON file that names the time and size of every file it
was made from; while these are unchanged, nothing is imported. Loading a package imports its module alone.
Modules that cannot be loaded are told to `warn`, and the rest is usable.

Folders given by the user come first; among packages of one name the newest version is chosen, and of one
version the one found first.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from larix import __version__
from larix.errors import LarixError, Location
from larix.packages.blame import did_you_mean
from larix.packages.distributions import Folder, find_distributions
from larix.packages.platform import host_system, platform
from larix.packages.specification import Specification, parse_specification
from larix.packages.versions import version_key, version_matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from larix.packages.package import Package

__all__ = ["AmbiguousPackage", "Catalogue", "Entry", "Found", "NoSuchFolder", "UnknownPackage"]

FORMAT = 1


class UnknownPackage(LarixError):
    """No package is called so, or none of the version that was asked for."""


class NoSuchFolder(LarixError):
    """A folder that was given on the package path is not there."""


class AmbiguousPackage(LarixError):
    """A warning: several packages have the name and version; the first is chosen."""


class Entry(NamedTuple):
    """What is known of a package without loading it; `dependencies` are NAME@VERSION, sorted."""

    name: str
    version: str
    outputs: tuple[str, ...]
    synopsis: str
    description: str
    home_page: str | None
    licenses: tuple[str, ...]
    systems: tuple[str, ...]
    dependencies: tuple[str, ...]
    location: Location
    is_hidden: bool
    folder: int
    module: str
    variable: str

    @property
    def full_name(self) -> str:
        return f"{self.name}@{self.version}"


class Found(NamedTuple):
    """A package and the output that was asked for: its main one when the specification names none."""

    entry: Entry
    package: Package
    output: str


class Catalogue:
    """The packages of `folders` (directories that the user names) and of the distributions.

    The index is kept in `cache_directory`, if there is one; a damaged or unwritable index costs time and
    nothing else.
    """

    def __init__(
        self,
        folders: Sequence[str] = (),
        *,
        system: str | None = None,
        cache_directory: str | None = None,
        warn: Callable[[LarixError], None] | None = None,
    ) -> None:
        self.system = system or host_system()
        self._cache_directory = cache_directory
        self._warn: Callable[[LarixError], None] = warn or _ignore
        self._folders = list(_folders(folders))
        self._entries: tuple[Entry, ...] | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All packages, sorted by name, newer versions first, and then in the order of the folders."""
        if self._entries is None:
            self._entries = self._read_or_make()
        return self._entries

    def select(self, specification: str | Specification) -> Entry:
        """The newest package that a specification names; `warn` is told when others are as good."""
        wanted = parse_specification(specification) if isinstance(specification, str) else specification
        named = [each for each in self.entries if each.name == wanted.name]
        chosen = [each for each in named if version_matches(each.version, wanted.version)]
        if not chosen:
            raise self._unknown(wanted, named)
        first = chosen[0]
        others = [each for each in chosen[1:] if each.version == first.version]
        if others:
            text = f"ambiguous package specification `{wanted}`"
            hint = f"choosing {first.full_name} from {first.location}, not from {others[0].location}"
            self._warn(AmbiguousPackage(text, hint=hint))
        return first

    def find(self, specification: str | Specification) -> Found:
        """The package that a specification names, loaded, with an output that it has."""
        wanted = parse_specification(specification) if isinstance(specification, str) else specification
        entry = self.select(wanted)
        package = self.load(entry)
        output = wanted.output or package.main_output
        if output not in package.outputs:
            raise UnknownPackage(
                f"package `{package.full_name}` lacks output `{output}`",
                place=package.location,
                hint=f"it has: {', '.join(package.outputs)}",
            )
        return Found(entry, package, output)

    def load(self, entry: Entry) -> Package:
        """Import the module of a package, and no other, and take the package out of it."""
        from larix.packages.modules import BrokenModule, load_module
        from larix.packages.package import Package

        module = load_module(entry.module, self._folders[entry.folder])
        package: object = getattr(module, entry.variable, None)
        if not isinstance(package, Package):
            raise BrokenModule(entry.module, f"`{entry.variable}` is no package there", place=entry.location)
        return package

    def _unknown(self, wanted: Specification, named: list[Entry]) -> UnknownPackage:
        if named:
            versions = ", ".join(each.version for each in named)
            return UnknownPackage(
                f"{wanted.name}@{wanted.version}: unknown package", hint=f"there is {versions}"
            )
        hint = did_you_mean(wanted.name, [each.name for each in self.entries])
        return UnknownPackage(f"{wanted.name}: unknown package", hint=hint)

    def _read_or_make(self) -> tuple[Entry, ...]:
        stamp = [FORMAT, __version__, sys.version, self.system, list(_stamps(self._folders))]
        file = self._index_file()
        index = _read_index(file, stamp) if file else None
        if index is None:
            made: dict[str, Any] = {"stamp": stamp, **self._survey()}
            index = made
            if file:
                _write_index(file, index)
        for message, place, hint in index["warnings"]:
            self._warn(LarixError(message, place=Location(*place) if place else None, hint=hint))
        return tuple([_entry(each) for each in index["entries"]])

    def _index_file(self) -> str | None:
        """Each set of folders has its own index."""
        if self._cache_directory is None:
            return None
        import hashlib

        names = "\0".join([self.system, *(folder.directory for folder in self._folders)])
        digest = hashlib.sha256(os.fsencode(names)).hexdigest()[:16]
        return os.path.join(self._cache_directory, f"catalogue-{digest}.json")

    def _survey(self) -> dict[str, Any]:
        """Load everything."""
        from larix.packages.modules import BrokenModule, load_module, module_names, packages_of_module

        found: dict[int, tuple[bool, int, str, str, Package]] = {}
        warnings: list[Any] = []
        for number, folder in enumerate(self._folders):
            for name in module_names(folder):
                try:
                    module = load_module(name, folder)
                except BrokenModule as error:
                    warnings.append([error.message, error.place, error.hint])
                    continue
                for variable, package in packages_of_module(module):
                    # Modules import packages of others: a package belongs to the one that defines it.
                    is_home = package.location.file == module.__file__
                    if id(package) not in found or (is_home and not found[id(package)][0]):
                        found[id(package)] = (is_home, number, name, variable, package)
        entries: list[Entry] = []
        for _, number, name, variable, package in found.values():
            try:
                with platform(self.system):
                    entries.append(_describe(package, number, name, variable))
            except LarixError as error:
                warnings.append([error.message, error.place, error.hint])
        entries.sort(key=lambda each: each.folder)
        entries.sort(key=lambda each: version_key(each.version), reverse=True)
        entries.sort(key=lambda each: each.name)
        return {"entries": [list(each) for each in entries], "warnings": warnings}


def _ignore(_warning: LarixError) -> None:
    """What is done with warnings when nobody wants them."""


def _folders(given: Iterable[str]) -> Iterator[Folder]:
    for directory in dict.fromkeys(os.path.abspath(each) for each in given):
        if not os.path.isdir(directory):
            raise NoSuchFolder(f"the folder of packages `{directory}` is no directory")
        yield Folder(directory)
    for each in find_distributions():
        if each.directory is not None and each.module is not None and os.path.isdir(each.directory):
            yield Folder(each.directory, each.module)


def _stamps(folders: Iterable[Folder]) -> Iterator[list[object]]:
    """Name, time and size of the Python files that packages may be made from."""
    for folder in folders:
        depth = folder.package.count(".")
        top = folder.directory
        for _ in range(depth):
            top = os.path.dirname(top)
        pending = [top]
        while pending:
            with os.scandir(pending.pop()) as entries:
                for entry in sorted(entries, key=lambda each: each.name):
                    if entry.is_dir() and entry.name != "__pycache__" and not entry.name.startswith("."):
                        pending.append(entry.path)
                    elif entry.name.endswith(".py"):
                        status = entry.stat()
                        yield [entry.path, status.st_mtime_ns, status.st_size]


def _describe(package: Package, folder: int, module: str, variable: str) -> Entry:
    from larix.packages.bag import package_of

    inputs = [package_of(each.value) for each in package.direct_inputs()]
    return Entry(
        name=package.name,
        version=package.version,
        outputs=package.outputs,
        synopsis=package.synopsis,
        description=package.description,
        home_page=package.home_page,
        licenses=tuple([each.name for each in package.license]),
        systems=package.supported_systems,
        dependencies=tuple(sorted({each.full_name for each in inputs if each is not None})),
        location=package.location,
        is_hidden=package.hidden or package.superseded_by is not None,
        folder=folder,
        module=module,
        variable=variable,
    )


def _entry(fields: Sequence[Any]) -> Entry:
    read: list[Any] = [tuple(cast("list[str]", each)) if isinstance(each, list) else each for each in fields]
    made: Entry = Entry._make(read)
    return made._replace(location=Location(*made.location))


def _read_index(file: str, stamp: list[Any]) -> dict[str, Any] | None:
    try:
        with open(file, encoding="utf-8") as stream:
            index: Any = json.load(stream)
        return index if index["stamp"] == stamp and "entries" in index and "warnings" in index else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_index(file: str, index: dict[str, Any]) -> None:
    """Replace the index in one step; several processes may do so at once."""
    temporary = f"{file}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as stream:
            json.dump(index, stream)
        os.replace(temporary, file)
    except OSError:
        return
