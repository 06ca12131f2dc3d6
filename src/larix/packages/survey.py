"""Making and refreshing the index of a group of folders: reading package modules, no more than must be.

A group is a distribution, or all folders that the user names together (their modules share one name space).
For each Python file of a group the index keeps time, size and what the file imports. When files change, these
are read anew, and with them those that import from them

- at once, when what they import is not just packages (a helper, a constant, the module itself);
- when a package that they import is listed otherwise than before, if it is packages alone.

Imports are read from the text; those that a module makes by other means (`importlib`) are not seen.
"""

from __future__ import annotations

import binascii
import contextlib
import json
import os
import re
import sys
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, cast

from larix import __version__
from larix.errors import LarixError, Location
from larix.packages.index import Index, make_index, read_index
from larix.packages.platform import platform
from larix.packages.versions import version_key
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import ModuleType

    from larix.packages.distributions import Folder
    from larix.packages.entry import Entry
    from larix.packages.package import Package

__all__ = ["Group", "open_index"]

_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]+(?P<module>[.\w]+)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^\n#;(]*)"
    r"|import[ \t]+(?P<modules>[^\n#;]*))",
    re.MULTILINE,
)
Warning_ = tuple[str, Location | None, str | None]


class Group(NamedTuple):
    """Folders that share an index; `others` are those whose modules theirs may import."""

    folders: tuple[Folder, ...]
    others: tuple[Folder, ...] = ()

    @property
    def tops(self) -> list[str]:
        """The directories that hold what the packages may be made from: of a distribution, all of it."""
        return [_top(each) for each in self.folders]

    @property
    def directories(self) -> list[str]:
        return [each.directory for each in self.folders]


class _File(NamedTuple):
    """A Python file: the name of its module, its time and size, and what it imports.

    `imports` are pairs of a module and names out of it, none for the module itself. `elsewhere` are files of
    other groups that it imported, each with time and size.
    """

    module: str
    stamp: str
    imports: Sequence[tuple[str, Sequence[str]]] = ()
    elsewhere: Sequence[tuple[str, str]] = ()
    warnings: Sequence[Warning_] = ()


def open_index(group: Group, *, system: str, cache_directory: str | None, is_fixed: bool = False) -> Index:
    """The index of a group, read, refreshed or made; kept in the cache when there is one.

    What `is_fixed` never changes: its files are not looked at.
    """
    stamp = [__version__, sys.version, system, *([each.directory, each.package] for each in group.folders)]
    file = _index_file(cache_directory, stamp) if cache_directory is not None else None

    def make(known: Index | None, stamps: str) -> Index:
        content, made = _Survey(group, system, stamps, known).index(stamp)
        if file is not None:
            _write(file, content)
        return made

    known = None
    if file is not None:
        known = read_index(file, group.directories, lambda: make(None, _stamps_text(group)))
    if known is not None and (known.header["stamp"] != stamp or not known.is_understood):
        known = None
    if known is not None and is_fixed:
        return known
    stamps = _stamps_text(group)
    if known is not None and stamps == known.text("stamps") and _elsewhere_is_same(known):
        return known
    return make(known, stamps)


def _index_file(cache_directory: str, stamp: object) -> str:
    """Each group, on each system, has a file of its own; should two have the same, its stamp tells."""
    number = binascii.crc32(json.dumps(stamp).encode())
    return os.path.join(cache_directory, f"catalogue-{number:08x}")


def _write(file: str, content: bytes) -> None:
    """Replace the index in one step; several processes may do so at once. To fail is no harm to a cache."""
    temporary = f"{file}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(temporary, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, file)
    except OSError:
        return


def _top(folder: Folder) -> str:
    top = folder.directory
    for _ in range(folder.package.count(".")):
        top = os.path.dirname(top)
    return top


def _stamps_text(group: Group) -> str:
    """Name, time and size of the files that packages may be made from, and of translations.

    Each time that a catalogue is used, this looks at every file: it is all but the whole cost of a query.
    """
    found: list[str] = []
    for folder in group.folders:
        pending = [_top(folder)]
        while pending:
            directory = pending.pop()
            here: list[str] = []
            with os.scandir(directory) as entries:
                for entry in entries:
                    name = entry.name
                    if name.endswith((".py", ".po")):
                        if name[0] == ".":
                            continue  # locks of editors are links that lead nowhere
                        try:
                            status = entry.stat()
                        except OSError:
                            here.append(f"{directory}/{name}\0")
                            continue
                        here.append(f"{directory}/{name}\0{status.st_mtime_ns} {status.st_size}")
                    elif "." not in name and name != "__pycache__" and entry.is_dir():
                        pending.append(f"{directory}/{name}")
            here.sort()
            found += here
    return "\0".join(found)


def _stamps(text: str) -> dict[str, str]:
    parts = text.split("\0") if text else []
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _elsewhere_is_same(index: Index) -> bool:
    kept: list[tuple[str, str]] = json.loads(index.text("elsewhere"))
    return all(_stamp_of(file) == stamp for file, stamp in kept)


def _stamp_of(file: str) -> str:
    try:
        status = os.stat(file)
    except OSError:
        return ""
    return f"{status.st_mtime_ns} {status.st_size}"


class _Survey:
    """One making of an index. With the one `known`, what has not changed is taken from there."""

    def __init__(self, group: Group, system: str, stamps: str, known: Index | None) -> None:
        from larix.packages.modules import add_to_path, module_names

        add_to_path(group.folders)
        self.group = group
        self.system = system
        self._text = stamps
        self.stamps = _stamps(stamps)
        self.files: dict[str, _File] = {}
        self.entries: dict[str, list[Entry]] = {}
        self.described: list[Package] = []
        self.listed: dict[str, tuple[int, str]] = {}  # files of package modules, each with folder and name
        for number, folder in enumerate(group.folders):
            for name in module_names(folder):
                self.listed.setdefault(_file_of(folder, name), (number, name))
        self.old_files: dict[str, _File] = {}
        self.old_entries: dict[str, list[Entry]] = {}
        if known is not None:
            self._recall(known)

    def _recall(self, known: Index) -> None:
        for file, *fields in json.loads(known.text("files")):
            self.old_files[file] = _File._make(fields)
        files = {place: file for file, place in self.listed.items()}
        for entry in known.entries():
            file = files.get((entry.folder, entry.module))
            if file is not None:
                self.old_entries.setdefault(file, []).append(entry)

    def index(self, stamp: object) -> tuple[bytes, Index]:
        pending = self._changed() if self.old_files else [each for each in self.stamps if _is_python(each)]
        for file in self.stamps.keys() - set(pending):
            if file in self.old_files:
                self._keep(file)
        done: set[str] = set()
        while pending:
            for file in pending:
                self._read(file)
            done.update(pending)
            changed = [each for each in pending if self.old_files and self._is_shown_otherwise(each)]
            pending = sorted(self._users(changed, of_packages=True) - done) if changed else []
        entries = [each for file in self.listed for each in self.entries.get(file, [])]
        entries.sort(key=lambda each: each.folder)
        entries.sort(key=lambda each: version_key(each.version), reverse=True)
        entries.sort(key=lambda each: each.name)
        warnings = [each for file in self.stamps if file in self.files for each in self.files[file].warnings]
        from larix.packages.cycles import find_cycles

        languages, mistakes = _translations(self.stamps)
        mistakes += self._strays()
        with platform(self.system):
            mistakes += [(each.message, each.place, each.hint) for each in find_cycles(self.described)]
        return make_index(
            stamp,
            entries,
            self.group.directories,
            system=self.system,
            languages=languages,
            warnings=[*warnings, *mistakes],
            more={
                "stamps": self._text,
                "files": json.dumps([[file, *each] for file, each in self.files.items()]),
                "elsewhere": json.dumps(
                    sorted({tuple(pair) for each in self.files.values() for pair in each.elsewhere})
                ),
            },
        )

    def _changed(self) -> list[str]:
        """The files to read: new and changed ones, and all that use what cannot be compared of these."""
        gone = [file for file in self.old_files if file not in self.stamps]
        changed = [
            file
            for file, stamp in self.stamps.items()
            if _is_python(file)
            and (
                file not in self.old_files
                or self.old_files[file].stamp != stamp
                or (
                    self.old_files[file].elsewhere
                    and any(_stamp_of(name) != its for name, its in self.old_files[file].elsewhere)
                )
            )
        ]
        users = self._users([*gone, *changed], of_packages=False)
        users |= self._users(gone, of_packages=True)
        return sorted({*changed, *users} & self.stamps.keys())

    def _users(self, changed: Iterable[str], *, of_packages: bool) -> set[str]:
        """The files that import from these: for more than packages, and that transitively.

        With `of_packages`, those that import nothing but packages too, but only directly.
        """
        first = list(changed)
        direct = set(first)
        found: set[str] = set()
        followed: set[str] = set()
        pending = first
        while pending:
            file = pending.pop()
            known = self.files.get(file) or self.old_files.get(file)
            packages = {
                each.variable for each in [*self.old_entries.get(file, []), *self.entries.get(file, [])]
            }
            for user, names in self._importers.get(known.module, ()) if known is not None else ():
                if names and packages.issuperset(names):
                    if of_packages and file in direct:
                        found.add(user)
                elif user not in followed:
                    followed.add(user)
                    pending.append(user)
        return found | followed

    @cached_property
    def _importers(self) -> dict[str, list[tuple[str, Sequence[str]]]]:
        """By module of this group, the files that import it, and which names out of it; none: itself."""
        homes = {each.module for each in self.old_files.values()}
        homes.update(name for _, name in self.listed.values())
        importers: dict[str, list[tuple[str, Sequence[str]]]] = {name: [] for name in homes}
        packages = {name.rpartition(".")[0] for name in homes}
        for user, each in self.old_files.items():
            for module, names in each.imports:
                if module in importers:
                    importers[module].append((user, names))
                if module in packages:
                    for name in names:
                        importers.get(f"{module}.{name}", []).append((user, ()))
        return importers

    def _is_shown_otherwise(self, file: str) -> bool:
        return _shown(self.old_entries.get(file, [])) != _shown(self.entries[file])

    def _keep(self, file: str) -> None:
        self.files[file] = self.old_files[file]
        if file in self.listed:
            folder = self.listed[file][0]
            self.entries[file] = [
                each if each.folder == folder else each._replace(folder=folder)
                for each in self.old_entries.get(file, [])
            ]

    def _read(self, file: str) -> None:
        """Load a package module, and look at other files only for what they import."""
        self.entries[file] = []
        name = self._module_name(file)
        warnings: list[LarixError] = []
        if file in self.listed:
            warnings = self._load(file)
        imports = tuple(sorted(_imports(file, name)))
        self.files[file] = _File(
            name,
            self.stamps[file],
            imports,
            tuple(self._elsewhere(imports)),
            tuple((each.message, each.place, each.hint) for each in warnings),
        )

    def _load(self, file: str) -> list[LarixError]:
        from larix.packages.entry import describe
        from larix.packages.modules import BrokenModule, load_module, packages_of_module

        number, name = self.listed[file]
        try:
            module = load_module(name, self.group.folders[number])
        except BrokenModule as error:
            return [error]
        warnings: list[LarixError] = []
        seen: set[int] = set()
        for variable, package in packages_of_module(module):
            if id(package) in seen or not self._is_at_home(module, file, variable, package):
                continue
            seen.add(id(package))
            try:
                with platform(self.system):
                    entry, mistakes = describe(package, number, name, variable)
                self.entries[file].append(entry)
                self.described.append(package)
                warnings += mistakes
            except LarixError as error:
                warnings.append(error)
        return warnings

    def _strays(self) -> list[Warning_]:
        """Files that seem to define packages, and have names that nothing can be imported by."""
        from larix.packages.modules import name_that_works

        found: list[Warning_] = []
        for file in self.stamps:
            stem = os.path.basename(file).removesuffix(".py")
            if not _is_python(file) or stem.isidentifier() or not self._is_in_folder(file):
                continue
            with contextlib.suppress(OSError), open(file, "rb") as stream:
                if b"Package(" in stream.read():
                    message = tr(
                        "{file}: Python cannot import a file of this name", file=os.path.basename(file)
                    )
                    hint = tr("rename it to `{name}.py`", name=name_that_works(stem))
                    found.append((message, Location(file, 1), hint))
        return found

    def _is_in_folder(self, file: str) -> bool:
        """Whether package modules are looked for where the file is."""
        directory = os.path.dirname(file)
        return any(
            f"{directory}/".startswith(f"{each.directory}/")
            and all(part.isidentifier() for part in directory[len(each.directory) + 1 :].split("/") if part)
            for each in self.group.folders
        )

    def _is_at_home(self, module: ModuleType, file: str, variable: str, package: Package) -> bool:
        """Whether a package belongs to the module that names it.

        It does not when another package module defines it; what is made elsewhere (by a function, say)
        belongs to the modules that list it in `__all__`, if they have one.
        """
        home = package.location.file
        if home == file:
            return True
        if any(each is package for other in self._package_modules(home) for each in vars(other).values()):
            return False
        public: object = getattr(module, "__all__", None)
        return public is None or variable in cast("Sequence[str]", public)

    def _package_modules(self, file: str) -> Iterator[ModuleType]:
        """What was loaded from a file of package modules, of this group or another."""
        if file in self.listed or any(file.startswith(f"{each.directory}/") for each in self.group.others):
            for each in list(sys.modules.values()):
                if getattr(each, "__file__", None) == file:
                    yield each

    def _module_name(self, file: str) -> str:
        if file in self.listed:
            return self.listed[file][1]
        for folder, top in zip(self.group.folders, self.group.tops, strict=True):
            if file.startswith(f"{top}/"):
                inner = file[len(top) + 1 :].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
                before = folder.package.partition(".")[0]
                inner = "" if inner == "__init__" else inner
                return ".".join(each for each in (before, inner) if each)
        return ""

    def _elsewhere(self, imports: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[str, str]]:
        """Files of other groups behind what was imported, with their stamps."""
        for module, names in imports:
            for each in (module, *(f"{module}.{name}" for name in names)):
                file = getattr(sys.modules.get(each), "__file__", None)
                if file and any(file.startswith(f"{other.directory}/") for other in self.group.others):
                    yield file, _stamp_of(file)


def _is_python(file: str) -> bool:
    return file.endswith(".py")


def _file_of(folder: Folder, name: str) -> str:
    inner = name.removeprefix(f"{folder.package}.") if folder.package else name
    return os.path.join(folder.directory, *inner.split(".")) + ".py"


def _shown(entries: Sequence[Entry]) -> list[object]:
    """What others can see of packages: all but where they stand."""
    return [(*each[:9], *each[10:11], *each[13:]) for each in entries]


def _imports(file: str, name: str) -> set[tuple[str, tuple[str, ...]]]:
    """What the text of a module imports: modules, each with the names out of it."""
    try:
        with open(file, encoding="utf-8", errors="replace") as stream:
            text = stream.read()
    except OSError:
        return set()
    package = name if file.endswith("/__init__.py") else name.rpartition(".")[0]
    found: set[tuple[str, tuple[str, ...]]] = set()
    parts = package.split(".") if package else []
    # The packages around a module are imported with it.
    found.update((".".join(parts[: number + 1]), ()) for number in range(len(parts)))
    for match in _IMPORT.finditer(text):
        if match["module"]:
            module = _absolute(match["module"], package)
            names = tuple(sorted(set(_first_words(match["names"].strip("() \t\n")))))
            found.add((module, () if "*" in names else names))
            if "*" in match["names"]:
                found.add((module, ()))
        else:
            found.update((each, ()) for each in _first_words(match["modules"]))
    return found


def _absolute(module: str, package: str) -> str:
    dots = len(module) - len(module.lstrip("."))
    if not dots:
        return module
    base = package.split(".")[: len(package.split(".")) - dots + 1]
    return ".".join([*base, *([module[dots:]] if module[dots:] else [])])


def _first_words(listed: str) -> Iterator[str]:
    """The names of `a, b as c  # why`; more than one line of them where brackets allow it."""
    for line in listed.splitlines():
        for each in line.partition("#")[0].split(","):
            words = each.split()
            if words:
                yield words[0]


def _translations(stamps: Iterable[str]) -> tuple[dict[str, dict[str, str]], list[Warning_]]:
    """Translated texts by language, of all files `LANGUAGE.po`."""
    files = [each for each in stamps if each.endswith(".po")]
    if not files:
        return {}, []
    from larix.packages.translation import BadTranslation, read_messages

    found: dict[str, dict[str, str]] = {}
    warnings: list[Warning_] = []
    for file in files:
        try:
            texts = read_messages(file)
        except BadTranslation as error:
            warnings.append((error.message, error.place, error.hint))
            continue
        found.setdefault(os.path.basename(file).removesuffix(".po"), {}).update(texts)
    return found, warnings
