"""Which modules of package definitions import which others, as their texts tell: nothing is run."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING, NamedTuple

from larix.graphs.graph import Graph, walk
from larix.staging.modules import resolve_relative

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from larix.packages.distributions import Folder

__all__ = ["Module", "Modules", "module_graph"]


class Module(NamedTuple):
    name: str
    file: str


class Modules:
    """The modules that can be imported from some folders of packages, those of distributions as a whole."""

    def __init__(self, folders: Sequence[Folder]) -> None:
        self._roots: list[str] = []
        self._tops: list[str] = []
        for folder in folders:
            root = top = folder.directory
            for _ in folder.package.split(".") if folder.package else ():
                root, top = os.path.dirname(root), root
            self._roots.append(root)
            self._tops.append(top)

    def find(self, name: str) -> Module | None:
        for root, top in zip(self._roots, self._tops, strict=True):
            stem = os.path.join(root, *name.split("."))
            for file in (f"{stem}.py", f"{stem}/__init__.py"):
                if file.startswith(f"{top}/") and os.path.isfile(file):
                    return Module(name, file)
        return None

    def named(self, name: str, file: str) -> Module:
        """The module of that name; if it is in no folder, the one that the file is."""
        return self.find(name) or self.of_file(file)

    def of_file(self, file: str) -> Module:
        """The module that a file is; one in no folder is called by its stem."""
        for root, top in zip(self._roots, self._tops, strict=True):
            if file.startswith(f"{top}/"):
                stem = os.path.relpath(file, root).removesuffix(".py").removesuffix("/__init__")
                return Module(stem.replace("/", "."), file)
        return Module(os.path.basename(file).removesuffix(".py"), file)

    def imports_of(self, module: Module) -> Iterator[Module]:
        """Those that its text imports anywhere, functions included, in the order of their names."""
        try:
            with open(module.file, "rb") as stream:
                tree = ast.parse(stream.read(), module.file)
        except (OSError, SyntaxError, ValueError):
            return  # the catalogue has warned of it
        names: set[str] = set()
        package = module.name if module.file.endswith("/__init__.py") else module.name.rpartition(".")[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = resolve_relative(package, node.module or "", node.level)
                names.update(f"{base}.{alias.name}" for alias in node.names)
                names.add(base)
        found = {name: self.find(name) for name in sorted(names) if name}
        for name, each in found.items():
            is_package_around = any(other.startswith(f"{name}.") and found[other] for other in found)
            if each is not None and each != module and not is_package_around:
                yield each


def module_graph(roots: Iterable[Module], modules: Modules, *, max_depth: int | None = None) -> Graph:
    return walk(
        roots,
        identity=lambda module: module.file,
        describe=lambda module: (module.name, module.name),
        needs=modules.imports_of,
        max_depth=max_depth,
    )
