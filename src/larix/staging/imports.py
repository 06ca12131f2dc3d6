"""Imports in staged text: which import of the host is behind a name, and how the same is written there."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from larix.staging.modules import is_build_side, is_standard, resolve_relative
from larix.staging.scopes import ImportedFrom, ImportedModule, Scope
from larix.staging.source import host_file

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["find_import", "import_statements"]

_MAX_HOPS = 100


def import_statements(key: tuple[object, ...], bound: str) -> list[tuple[str, str]]:
    """The lines that bind the name `bound` to what `key` tells, and the module that each imports.

    Keys are `("from", module, attribute, ...)`, `("import", module, ...)`, and `("package", modules, name)`
    for `import a.b`, which binds `a` and may be needed for several modules in it.
    """
    kind, module = str(key[0]), str(key[1])
    if kind == "from":
        attribute = str(key[2])
        suffix = "" if bound == attribute else f" as {bound}"
        return [(f"from {module} import {attribute}{suffix}", module)]
    if kind == "import":
        if module == bound:
            return [(f"import {module}", module)]
        return [(f"import {module} as {bound}", module)]
    modules = [str(each) for each in key[1:-1]]
    statements = [(f"import {each}", each) for each in modules]
    top = modules[0].partition(".")[0]
    # The submodules are loaded by name, and then the package is bound to the name that is free.
    return statements if bound == top else [*statements, (f"import {top} as {bound}", top)]


def find_import(
    module_globals: Mapping[str, object], scope: Scope, name: str, value: object, depth: int = 0
) -> ImportedFrom | tuple[tuple[str, ...], bool] | None:
    """Either `from` what, or the modules imported by name and whether under another one.

    A name that a module of the host imported in its turn is followed to where it comes from, unless it is
    something with a definition of its own there.
    """
    packages: list[str] = []
    for found in scope.imports(name):
        if isinstance(found, ImportedModule):
            if not (is_standard(found.module) or is_build_side(found.module)):
                continue
            if not found.is_renamed:
                packages.append(found.module)
            elif sys.modules.get(found.module) is value:
                return (found.module,), True
            continue
        package = module_globals.get("__package__")
        module = resolve_relative(package if isinstance(package, str) else "", found.module, found.level)
        holder = sys.modules.get(module)
        inner = f"{module}.{found.attribute}"
        if sys.modules.get(inner) is value and (is_standard(inner) or is_build_side(inner)):
            return ImportedFrom(module, 0, found.attribute)
        if holder is None or getattr(holder, found.attribute, None) is not value:
            continue
        if is_standard(module) or is_build_side(module):
            return ImportedFrom(module, 0, found.attribute)
        file = host_file(getattr(holder, "__file__", None) or "")
        if file is not None and depth < _MAX_HOPS:
            further = find_import(vars(holder), file.scope(file.tree), found.attribute, value, depth + 1)
            if further is not None:
                return further
    if packages and sys.modules.get(packages[0].partition(".")[0]) is value:
        return tuple(sorted(set(packages))), False
    return None
