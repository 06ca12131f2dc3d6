"""From words on a command line to packages and store items: the catalogue, expressions, files, lowering.

An expression (`-e`) is Python; the catalogue's packages are there by name, `-` and other stray characters as
`_`, beside what `larix.packages` and `larix.staging` offer. A file (`-f`) is a Python module; what it gives
is its variable `package`, else the last package (or other thing that can be built) that it defines. A file
whose name ends in `.json` describes packages, see `json_packages`.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import os
import re
import sys
from collections.abc import Sequence
from functools import cached_property
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any, cast

from larix.cli.catalogues import open_catalogue, package_folders
from larix.errors import LarixError, Location
from larix.formats.storepath import DEFAULT_STORE_DIR, StoreDir
from larix.packages.blame import blame, did_you_mean
from larix.packages.catalogue import Catalogue, Found
from larix.packages.inputs import Output
from larix.packages.listed import Transformed
from larix.packages.package import Package
from larix.packages.platform import host_system
from larix.packages.toolchain import lowering_for, using_toolchain
from larix.staging import Lowering
from larix.staging.lower import is_lowerable
from larix.words import tr

__all__ = ["BadExpression", "Evaluation"]


class BadExpression(LarixError):
    """An expression or a file of packages that does not give what it should."""


class Evaluation:
    """One command's view of packages: `load_path` and LARIX_PACKAGE_PATH, then the distributions.

    `target`, a GNU triplet, makes all results for another machine.
    """

    def __init__(
        self,
        load_path: list[str],
        store_dir: StoreDir = DEFAULT_STORE_DIR,
        *,
        system: str | None = None,
        target: str | None = None,
    ) -> None:
        self._system = system or host_system()
        self._target = target
        self._folders = package_folders(load_path)
        self._store_dir = store_dir

    @cached_property
    def catalogue(self) -> Catalogue:
        return open_catalogue(self._folders, system=self._system)

    @cached_property
    def lowering(self) -> Lowering:
        name = os.environ.get("LARIX_TOOLCHAIN")
        if name:
            using_toolchain(name).__enter__()  # for the life of this process
        return lowering_for(self._store_dir, self._system, self._target)

    def find(self, specification: str) -> Found:
        return self.catalogue.find(specification)

    def output(self, specification: str) -> Output:
        found = self.find(specification)
        return Output(found.package, found.output)

    def newest(self, name: str) -> Package | None:
        """The package of this very name, if the catalogue has one."""
        if not self.catalogue.named(name):
            return None
        return self.find(name).package

    def expression(self, text: str) -> object:
        """What a Python expression gives."""
        place = Location("<expression>", 1)
        names = _Names(self.catalogue)
        try:
            code = compile(ast.parse(text.strip(), "<expression>", "eval"), "<expression>", "eval")
            return eval(code, names)  # noqa: S307 -- the user's own expression is what was asked for
        except LarixError:
            raise
        except SyntaxError as error:
            place = Location("<expression>", error.lineno or 1, error.offset or 0)
            raise BadExpression(tr("syntax error: {msg}", msg=error.msg), place=place) from error
        except Exception as error:
            found = blame(error, file="<expression>")
            hint = found.hint
            if isinstance(error, NameError) and error.name:
                hint = did_you_mean(error.name, names.known()) or hint
            raise BadExpression(found.message, place=place, hint=hint) from error

    def file(self, file: str) -> object:
        """What a Python file gives, see the module's description, or the last package of a file of JSON."""
        if file.endswith(".json"):
            from larix.cli.json_packages import packages_of_json

            if not os.path.isfile(file):
                raise BadExpression(tr("'{file}': no such file", file=file))
            return packages_of_json(file, self.find)[-1]
        module = self._load_file(file)
        if hasattr(module, "package"):
            given: object = module.package
            return given
        absolute = os.path.abspath(file)
        things = [
            value for name, value in vars(module).items() if not name.startswith("_") and is_lowerable(value)
        ]
        own = [value for value in things if _file_of(value) in (None, absolute)]
        if not own:
            raise BadExpression(
                tr("this file gives nothing that can be built"),
                place=Location(file, 1),
                hint=tr("assign it to `package`"),
            )
        return own[-1]

    def packages_of_expression(self, text: str) -> list[Output]:
        return self._installable(self.expression(text))

    def packages_of_file(self, file: str) -> list[Output]:
        return self._installable(self.file(file))

    def manifest_file(self, file: str) -> list[Output]:
        """The packages that a file lists as `manifest`, as the catalogue has them."""
        return [
            self.output(str(each.specification)) if isinstance(each, Transformed) else each
            for each in self.manifest_items(file)
        ]

    def manifest_items(self, file: str) -> list[Output | Transformed]:
        """What a file lists as `manifest`: packages and specifications, some with transformations."""
        module = self._load_file(file)
        listed: object = getattr(module, "manifest", None)
        if not isinstance(listed, list | tuple):
            raise BadExpression(tr("this file has no list `manifest`"), place=Location(file, 1))
        return [output for item in cast("Sequence[object]", listed) for output in self._listed(item)]

    def _listed(self, item: object) -> Sequence[Output | Transformed]:
        if isinstance(item, Transformed):
            return [item]
        return [self.output(item)] if isinstance(item, str) else self._installable(item)

    def _load_file(self, file: str) -> ModuleType:
        """Run the file; it may import modules of the package folders."""
        absolute = os.path.abspath(file)
        sys.path += [os.path.abspath(folder) for folder in self._folders]
        if not os.path.isfile(absolute):
            raise BadExpression(tr("'{file}': no such file", file=file))
        spec = spec_from_file_location("larix_file", absolute)
        if spec is None or spec.loader is None:
            raise BadExpression(
                tr("'{file}' is no Python file", file=file), hint=tr("give a file whose name ends in `.py'")
            )
        module = module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            with contextlib.redirect_stdout(sys.stderr):
                spec.loader.exec_module(module)
        except LarixError:
            raise
        except (Exception, SystemExit) as error:
            found = blame(error, file=absolute)
            raise BadExpression(
                found.message, place=found.place or Location(file, 1), hint=found.hint
            ) from error
        return module

    def _installable(self, value: object) -> list[Output]:
        if isinstance(value, Output):
            return [value]
        if isinstance(value, Package):
            return [value.output(value.main_output)]
        if isinstance(value, tuple | list) and value:
            several = cast("Sequence[object]", value)
            return [output for each in several for output in self._installable(each)]
        raise BadExpression(tr("cannot install non-package object `{value}'", value=f"{value!r:.100}"))


class _Names(dict[str, Any]):
    """The global names of an expression: the usual tools, and the catalogue's packages, loaded when named."""

    def __init__(self, catalogue: Catalogue) -> None:
        import larix.packages
        import larix.staging

        tools = {name: getattr(larix.packages, name) for name in larix.packages.__all__}
        tools |= {name: getattr(larix.staging, name) for name in larix.staging.__all__}
        super().__init__(tools, __builtins__=builtins, catalogue=catalogue)
        self._catalogue = catalogue

    def known(self) -> list[str]:
        """All names that an expression may use."""
        return [*self, *vars(builtins), *(re.sub(r"\W", "_", each) for each in self._catalogue.names())]

    def __missing__(self, name: str) -> object:
        if not hasattr(builtins, name):
            for each in dict.fromkeys(self._catalogue.names()):
                if re.sub(r"\W", "_", each) == name:
                    return self._catalogue.load(self._catalogue.named(each)[0])
            for entry in self._catalogue.entries:
                if entry.variable == name:
                    return self._catalogue.load(entry)
        raise KeyError(name)


def _file_of(value: object) -> str | None:
    place: object = getattr(value, "location", None)
    return place.file if isinstance(place, Location) else None
