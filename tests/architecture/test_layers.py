"""The layer table of pyproject.toml holds: imports point down, the pure middle stays pure.

Everything is read with `ast`, so that an import hidden in a function or under TYPE_CHECKING counts too.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

CHECKOUT = Path(__file__).parents[2]
SOURCE = CHECKOUT / "src" / "larix"
DISTRIBUTION = CHECKOUT / "distro" / "larixpkgs"
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
LAYERS: dict[str, list[str]] = PROJECT["tool"]["larix"]["layers"]
OTHERWISE_NAMED = {"pynacl": "nacl"}  # a distribution and the module in it
BANNED: dict[str, list[str]] = PROJECT["tool"]["larix"]["banned-imports"]


class Import(NamedTuple):
    """One imported module, by its full dotted name, and where the statement stands."""

    module: str
    file: Path
    line: int

    @property
    def root(self) -> str:
        return self.module.partition(".")[0]

    @property
    def layer(self) -> str | None:
        """The package of larix it belongs to; None for the root package and for others' modules."""
        parts = self.module.split(".")
        return parts[1] if parts[0] == "larix" and len(parts) > 1 else None

    def __str__(self) -> str:
        return f"{self.file.relative_to(CHECKOUT)}:{self.line} imports {self.module}"


def modules_of(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.py") if "__pycache__" not in file.parts)


def dotted_name(file: Path, top: Path) -> list[str]:
    parts = list(file.relative_to(top.parent).with_suffix("").parts)
    return parts[:-1] if parts[-1] == "__init__" else parts


def literal_import(node: ast.Call) -> str | None:
    """The module of `import_module("...")` or `__import__("...")`."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
    if name not in {"import_module", "__import__"} or not node.args:
        return None
    first = node.args[0]
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def from_import(node: ast.ImportFrom, package: list[str]) -> Iterator[str]:
    base = package[: len(package) - node.level + 1] if node.level else []
    module = ".".join([*base, *([node.module] if node.module else [])])
    if module == "larix":  # `from larix import store` names a layer; `from larix import __version__` does not
        yield from (f"larix.{alias.name}" if alias.name in LAYERS else "larix" for alias in node.names)
    else:
        yield module


def imports_of(file: Path, top: Path = SOURCE) -> list[Import]:
    own = dotted_name(file, top)
    package = own if file.name == "__init__.py" else own[:-1]
    found: list[Import] = []
    for node in ast.walk(ast.parse(file.read_bytes(), str(file))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = list(from_import(node, package))
        elif isinstance(node, ast.Call) and (name := literal_import(node)):
            names = [name]
        found += [Import(name, file, node.lineno) for name in names if isinstance(node, ast.stmt | ast.expr)]
    return found


def layer_of(file: Path) -> str | None:
    """The layer a file of larix belongs to; None for the root package's own `__init__`."""
    parts = dotted_name(file, SOURCE)
    return parts[1] if len(parts) > 1 else None


def imports_in(layer: str) -> list[Import]:
    return [found for file in modules_of(SOURCE) if layer_of(file) == layer for found in imports_of(file)]


def listed(imports: list[Import]) -> str:
    return "\n".join(map(str, imports))


def test_every_package_stands_in_the_table() -> None:
    present = {layer_of(file) for file in modules_of(SOURCE)} - {None}
    assert present <= set(LAYERS), (
        f"missing in [tool.larix.layers]: {sorted(filter(None, present - set(LAYERS)))}"
    )


def test_table_names_only_layers_and_points_one_way() -> None:
    done: set[str] = set()
    while len(done) < len(LAYERS):
        ready = {layer for layer, below in LAYERS.items() if layer not in done and set(below) <= done}
        assert ready, f"these import each other, or something unknown: {sorted(set(LAYERS) - done)}"
        done |= ready


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_imports_point_down(layer: str) -> None:
    allowed = {layer, "errors", "words", None, *LAYERS[layer]}
    wrong = [found for found in imports_in(layer) if found.layer not in allowed]
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("layer", sorted(BANNED))
def test_banned_modules_are_not_imported(layer: str) -> None:
    banned = set(BANNED[layer])
    wrong = [found for found in imports_in(layer) if found.root in banned]
    assert not wrong, listed(wrong)


def test_buildside_imports_the_standard_library_and_itself() -> None:
    """It runs by the store's Python, which has nothing else; each file is part of the hash of every user."""
    wrong = [
        found
        for found in imports_in("buildside")
        if found.root not in sys.stdlib_module_names and found.layer != "buildside"
    ]
    assert not wrong, listed(wrong)


def test_third_party_modules_are_declared() -> None:
    declared = {requirement.split(">")[0].split("[")[0] for requirement in PROJECT["project"]["dependencies"]}
    known = {"larix", "larixpkgs", *(OTHERWISE_NAMED.get(name, name) for name in declared)}
    everywhere = [found for file in modules_of(SOURCE) for found in imports_of(file)]
    everywhere += [found for file in modules_of(DISTRIBUTION) for found in imports_of(file, DISTRIBUTION)]
    wrong = [found for found in everywhere if found.root not in known | sys.stdlib_module_names]
    assert not wrong, listed(wrong)


def test_larix_never_imports_the_distribution() -> None:
    """The distribution registers itself; a name in `larix` would tie the tool to one catalogue."""
    wrong = [found for file in modules_of(SOURCE) for found in imports_of(file) if found.root == "larixpkgs"]
    assert not wrong, listed(wrong)


def test_only_tests_import_the_testing_package() -> None:
    wrong = [
        found
        for file in modules_of(SOURCE)
        if layer_of(file) != "testing"
        for found in imports_of(file)
        if found.layer == "testing"
    ]
    assert not wrong, listed(wrong)


def test_every_package_says_what_it_is_for() -> None:
    packages = [
        file for top in (SOURCE, DISTRIBUTION) for file in modules_of(top) if file.name == "__init__.py"
    ]
    silent = [str(file) for file in packages if not ast.get_docstring(ast.parse(file.read_bytes()))]
    assert not silent, f"without a docstring: {silent}"


def test_the_reader_of_imports_sees_hidden_ones(tmp_path: Path) -> None:
    """A layer test that overlooks an import passes for the wrong reason."""
    top = tmp_path / "larix"
    file = top / "formats" / "sample.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "import os.path as p\n"
        "from larix import store, __version__\n"
        "from .. import cli\n"
        "from ..builder.goals import Goal\n"
        "def f():\n"
        "    import socket\n"
        "    importlib.import_module('larixpkgs.packages')\n",
    )
    seen = {found.module for found in imports_of(file, top)}
    assert seen == {
        "os.path",
        "larix.store",
        "larix",
        "larix.cli",
        "larix.builder.goals",
        "socket",
        "larixpkgs.packages",
    }
