"""Build-side modules: which they are, what they import, and the store item that holds them.

A module is build-side if it is `larix.buildside`, or says `__build_side__ = True` at its top; so is all
below a build-side package. Such modules import the standard library and each other, nothing else, and are
found by reading them, not by running them. One item holds exactly the modules that a build expression
needs. The packages around them that are not build-side themselves, such as `larix`, are empty files there:
a new version of larix is no reason to build anything anew.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from larix.derivation import Source, tree_source
from larix.errors import Location
from larix.formats.nar import Directory, File, Tree
from larix.staging.errors import StagingError
from larix.staging.scopes import inner_statements
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from larix.staging.lower import Lowering

__all__ = [
    "MODULES_NAME",
    "is_build_side",
    "is_standard",
    "module_closure",
    "modules_source",
    "resolve_relative",
]

MODULES_NAME = "module-import"
_MARK = "__build_side__"
_BUILD_SIDE = "larix.buildside"


class ModuleFile(NamedTuple):
    name: str
    file: str
    is_package: bool
    contents: bytes
    is_marked: bool
    imports: tuple[tuple[str, str, int], ...]  # a module, what is taken from it or "", the line

    @property
    def parts(self) -> tuple[str, ...]:
        """The file's name below the directory of modules."""
        parts = self.name.split(".")
        return (*parts, "__init__.py") if self.is_package else (*parts[:-1], f"{parts[-1]}.py")


_read_files: dict[str, tuple[tuple[int, int, int], ModuleFile]] = {}


def is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def is_build_side(module: str) -> bool:
    """Whether a module exists and is build-side; importing its parents is all that is run for the answer."""
    if is_standard(module):
        return False
    parts = module.split(".")
    loaded = sys.modules.get(module)
    if loaded is not None:
        # Most questions are about these, and reading them would take longer than all else.
        around = [sys.modules.get(".".join(parts[:length])) for length in range(1, len(parts) + 1)]
        has_source = str(getattr(loaded, "__file__", "")).endswith(".py")
        return has_source and any(
            each is not None and (each.__name__ == _BUILD_SIDE or vars(each).get(_MARK) is True)
            for each in around
        )
    found = _find(module)
    if found is None:
        return False
    # Finding it has loaded what is around it.
    return found.is_marked or ("." in module and is_build_side(module.rpartition(".")[0]))


def module_closure(modules: Iterable[str]) -> dict[tuple[str, ...], bytes]:
    """The files, by the parts of their names, of build-side modules and all that they import."""
    files: dict[tuple[str, ...], bytes] = {}
    seen: set[str] = set()
    todo = sorted(modules)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if not is_build_side(name):
            # Only parents get here: what is imported was checked where that was read.
            files[(*name.split("."), "__init__.py")] = b""
        else:
            module = _find(name)
            if module is None:
                raise StagingError(
                    tr("the build-side module `{name}` has no source file", name=name), name=name
                )
            files[module.parts] = module.contents
            todo += _needed_by(module)
        if "." in name:
            todo.append(name.rpartition(".")[0])
    return files


def _needed_by(module: ModuleFile) -> list[str]:
    needed: list[str] = []
    for base, attribute, line in module.imports:
        if is_standard(base):
            continue
        inner = f"{base}.{attribute}" if attribute else ""
        if is_build_side(base):
            needed.append(base)
            if inner and _find(inner) is not None:
                needed.append(inner)
        elif inner and is_build_side(inner):
            needed.append(inner)
        else:
            raise StagingError(
                tr(
                    "the build-side module `{module}` imports `{base}`, which is not build-side",
                    module=module.name,
                    base=base,
                ),
                name=base,
                place=Location(module.file, line),
                hint=tr(
                    "build-side code uses the standard library, `{build_side}`, and modules that say "
                    "`{mark} = True`",
                    build_side=_BUILD_SIDE,
                    mark=_MARK,
                ),
            )
    return needed


def modules_source(lowering: Lowering, modules: Iterable[str]) -> Source:
    """The store item that holds the closure of some build-side modules, to be put on the module path."""
    wanted = frozenset(modules)

    def intern() -> Source:
        return tree_source(lowering.store_dir, MODULES_NAME, _tree(module_closure(wanted)))

    return lowering.cached((MODULES_NAME, wanted), intern)


def _tree(files: Mapping[tuple[str, ...], bytes]) -> Tree:
    inner: dict[str, dict[tuple[str, ...], bytes]] = {}
    entries: dict[bytes, Tree] = {}
    for (first, *rest), contents in files.items():
        if rest:
            inner.setdefault(first, {})[tuple(rest)] = contents
        else:
            entries[first.encode()] = File(contents, executable=False)
    for name, below in inner.items():
        entries[name.encode()] = _tree(below)
    return Directory(entries)


def _find(name: str) -> ModuleFile | None:
    """The source of a module, read again when its file has changed; None if there is none."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    try:
        status = os.stat(spec.origin)
        state = (status.st_mtime_ns, status.st_size, status.st_ino)
        known = _read_files.get(name)
        if known is None or known[0] != state or known[1].file != spec.origin:
            is_package = spec.submodule_search_locations is not None
            with open(spec.origin, "rb") as stream:
                known = state, _parse(name, spec.origin, stream.read(), is_package=is_package)
            _read_files[name] = known
    except (OSError, SyntaxError, ValueError) as error:
        line = (error.lineno if isinstance(error, SyntaxError) else None) or 1
        raise StagingError(
            tr("cannot read the module `{name}`: {error}", name=name, error=error),
            name=name,
            place=Location(spec.origin, line),
        ) from error
    return known[1]


def _parse(name: str, file: str, contents: bytes, *, is_package: bool) -> ModuleFile:
    tree = ast.parse(contents, file)
    is_marked = any(
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and node.value.value is True
        and any(isinstance(target, ast.Name) and target.id == _MARK for target in node.targets)
        for node in tree.body
    )
    package = name if is_package else name.rpartition(".")[0]
    imports: list[tuple[str, str, int]] = []
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            todo += node.orelse
            continue
        if isinstance(node, ast.Import):
            imports += [(alias.name, "", node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve_relative(package, node.module or "", node.level)
            imports += [(base, alias.name, node.lineno) for alias in node.names]
        todo += inner_statements(node)
    return ModuleFile(name, file, is_package, contents, is_marked, tuple(sorted(imports)))


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def resolve_relative(package: str, module: str, level: int) -> str:
    """The module that `from ..module import` means, with `level` dots, in a module of `package`."""
    if not level:
        return module
    base = package.split(".")
    base = base[: len(base) - level + 1]
    return ".".join([*base, module] if module else base)
