"""Package modules: found below directories, loaded, and what is wrong with one told in a line."""

from __future__ import annotations

import binascii
import contextlib
import importlib
import os
import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING

from larix.errors import LarixError, Location
from larix.packages.blame import blame
from larix.packages.package import Package
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from types import ModuleType

    from larix.packages.distributions import Folder

__all__ = [
    "BrokenModule",
    "add_to_path",
    "load_module",
    "module_names",
    "name_that_works",
    "packages_of_file",
    "packages_of_module",
]


_catalogues: set[str] = set()


class BrokenModule(LarixError):
    """A package module cannot be loaded; `module` names it."""

    def __init__(
        self, module: str, message: str, *, place: Location | None = None, hint: str | None = None
    ) -> None:
        super().__init__(
            tr("failed to load `{module}`: {message}", module=module, message=message), place=place, hint=hint
        )
        self.module = module


def module_names(folder: Folder) -> Iterator[str]:
    """The full names of the modules below a folder, sorted; those with a leading underscore are left out."""
    prefix = f"{folder.package}." if folder.package else ""
    pending = [(folder.directory, prefix)]
    found: list[str] = []
    while pending:
        directory, before = pending.pop()
        with os.scandir(directory) as entries:
            for entry in entries:
                stem, ending = os.path.splitext(entry.name)
                if not stem.isidentifier() or stem.startswith("_"):
                    continue
                if ending == ".py" and entry.is_file():
                    found.append(before + stem)
                elif not ending and entry.is_dir():
                    pending.append((entry.path, f"{before}{stem}."))
    yield from sorted(found)


def name_that_works(stem: str) -> str:
    """What a module could be called whose file has a name that Python cannot import."""
    words = re.sub(r"\W", "_", stem)
    return words if words.isidentifier() else f"package_{words}"


def add_to_path(folders: Iterable[Folder]) -> None:
    """Put those that are in no package at the end of the import path: their modules may name each other's."""
    given = [each.directory for each in folders if not each.package]
    _catalogues.update(given)
    new = [each for each in given if each not in sys.path]
    if new:
        sys.path += new
        importlib.invalidate_caches()


def load_module(name: str, folder: Folder) -> ModuleType:
    """Import a module of a folder. Of those that two folders have, import statements find the first."""
    add_to_path([folder])
    expected = os.path.join(folder.directory, *name.removeprefix(f"{folder.package}.").split("."))
    try:
        with _running(without_bytecode=not folder.package):
            module = importlib.import_module(name)
            if not _is_same_file(module.__file__ or "", expected) and _is_in_catalogue(module):
                module = _second_of_its_name(name, folder, f"{expected}.py")
    except (Exception, SystemExit) as error:  # a package file may raise whatever it likes
        raise _broken(name, error, folder.directory) from error
    file = module.__file__ or ""
    if not _is_same_file(file, expected):
        raise BrokenModule(
            name,
            tr(
                "another module has this name: {file}",
                file=os.path.realpath(file) if file else tr("a part of Python"),
            ),
            place=Location(f"{expected}.py", 1),
            hint=tr("rename the file"),
        )
    return module


def _is_in_catalogue(module: ModuleType) -> bool:
    return any((module.__file__ or "").startswith(f"{each}/") for each in _catalogues)


def _second_of_its_name(name: str, folder: Folder, file: str) -> ModuleType:
    """A module whose name one of another folder has: who uses two catalogues of others can rename neither."""
    known = f"larix_catalogue_{binascii.crc32(os.fsencode(folder.directory)):08x}_{name.replace('.', '_')}"
    if known in sys.modules:
        return sys.modules[known]
    spec = spec_from_file_location(known, file)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(file)
    module = sys.modules[known] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[known]
        raise
    return module


def _is_same_file(file: str, expected: str) -> bool:
    return file == f"{expected}.py" or os.path.realpath(file) in {
        os.path.realpath(f"{expected}.py"),
        os.path.realpath(f"{expected}/__init__.py"),
    }


def packages_of_module(module: ModuleType) -> list[tuple[str, Package]]:
    """The packages that a module binds to public names, in the order of their definition."""
    return [
        (name, value)
        for name, value in vars(module).items()
        if isinstance(value, Package) and not name.startswith("_")
    ]


def packages_of_file(file: str) -> list[tuple[str, Package]]:
    """Run a file that is on no path, and give the packages defined in it, in their order."""
    absolute = os.path.abspath(file)
    spec = spec_from_file_location("larix_file", absolute)
    if spec is None or spec.loader is None:
        raise BrokenModule(file, tr("it is no Python file"), hint=tr("give a file whose name ends in `.py`"))
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        with _running(without_bytecode=True):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _broken(file, error, absolute) from error
    found = [each for each in packages_of_module(module) if each[1].location.file == absolute]
    if not found:
        raise BrokenModule(file, tr("it defines no package"), place=Location(file, 1))
    return found


@contextlib.contextmanager
def _running(*, without_bytecode: bool) -> Generator[None, None, None]:
    """Modules print where messages go, and leave no bytecode in the folders of users.

    Python tells stale bytecode by a time in whole seconds: of two edits in one second, one
    would be lost.
    """
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = before or without_bytecode
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.dont_write_bytecode = before


def _broken(name: str, error: BaseException, origin: str) -> LarixError:
    if isinstance(error, LarixError):
        return BrokenModule(name, error.message, place=error.place, hint=error.hint)
    if isinstance(error, FileNotFoundError) and error.filename == origin:
        return BrokenModule(name, tr("there is no such file"))
    found = blame(error, file=origin)
    return BrokenModule(name, found.message, place=found.place, hint=found.hint)
