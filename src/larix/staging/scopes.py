"""Where the names of a source file are bound: by which imports, and whether more than once.

Python's functions look a free name up when they run. A build expression is run elsewhere, so the name must
mean one thing from the function's definition on: `unsteady` tells when it may not. `imports` gives the
import statements behind a name, from which a staged function's own imports are written.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "Binding",
    "Import",
    "ImportedFrom",
    "ImportedModule",
    "Scope",
    "function_scopes",
    "inner_statements",
]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Loop = ast.For | ast.AsyncFor | ast.While


class ImportedModule(NamedTuple):
    """`import module`, which binds its first part; or `import module as name`."""

    module: str
    is_renamed: bool


class ImportedFrom(NamedTuple):
    """`from module import attribute`, with `level` leading dots."""

    module: str
    level: int
    attribute: str


Import: TypeAlias = ImportedModule | ImportedFrom


class Binding(NamedTuple):
    line: int
    kind: str  # what a person would call it: "assignment", "loop variable", "function" ...
    loops: tuple[int, ...] = ()  # the lines of the loops that it stands in, within its scope
    imported: Import | None = None


class Scope:
    """The names bound in one module or function, not in the scopes inside it."""

    def __init__(self, node: ast.Module | _Function) -> None:
        self.node = node
        self.names: dict[str, list[Binding]] = {}
        self.loops_of: dict[int, tuple[int, ...]] = {}  # by the line of a function's `def`
        self._walk(node.body, ())
        if isinstance(node, _Function):
            arguments = node.args
            for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                self._bind(each.arg, each.lineno, "parameter", ())
            for star in (arguments.vararg, arguments.kwarg):
                if star is not None:
                    self._bind(star.arg, star.lineno, "parameter", ())

    def imports(self, name: str) -> list[Import]:
        return [binding.imported for binding in self.names.get(name, ()) if binding.imported is not None]

    def unsteady(self, name: str, definition: int) -> Binding | None:
        """A binding that may change `name` after the function whose `def` is in that line is defined."""
        bindings = self.names.get(name, [])
        inner = next((each for each in bindings if each.kind == "inner"), None)
        if inner is not None:
            return inner
        loops = self.loops_of.get(definition, ())
        for binding in bindings:
            if binding.line != definition and set(binding.loops) & set(loops):
                return binding
        later = [each for each in bindings if each.line > definition]
        if len(later) < len(bindings):
            return later[0] if later else None
        if len(later) > 1 and any(each.kind != "function" for each in later):
            return later[1]
        return None

    def _bind(
        self, name: str, line: int, kind: str, loops: tuple[int, ...], imported: Import | None = None
    ) -> None:
        self.names.setdefault(name, []).append(Binding(line, kind, loops, imported))

    def _walk(self, nodes: Iterable[ast.AST], loops: tuple[int, ...]) -> None:
        for node in nodes:
            self._visit(node, loops)

    def _visit(self, node: ast.AST, loops: tuple[int, ...]) -> None:
        if isinstance(node, _Function | ast.ClassDef):
            self._bind(node.name, node.lineno, "function" if isinstance(node, _Function) else "class", loops)
            self.loops_of[node.lineno] = loops
            self._walk(node.decorator_list, loops)
            self._note_inner(node, loops)
            return
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._bind_imports(node, loops)
        elif isinstance(node, _Loop):
            inner = (*loops, node.lineno)
            if not isinstance(node, ast.While):
                self._bind_targets(node.target, "loop variable", inner)
            self._walk(ast.iter_child_nodes(node), inner)
            return
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            # Their variables are their own; only `:=` reaches out of them.
            for each in ast.walk(node):
                if isinstance(each, ast.NamedExpr):
                    self._bind_targets(each.target, "assignment", (*loops, node.lineno))
            return
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            kind = "deletion" if isinstance(node.ctx, ast.Del) else "assignment"
            self._bind(node.id, node.lineno, kind, loops)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            self._bind(node.name, node.lineno, "assignment", loops)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            self._bind(node.rest, node.lineno, "assignment", loops)
        elif isinstance(node, ast.AnnAssign) and node.value is None:
            return
        self._walk(ast.iter_child_nodes(node), loops)

    def _bind_targets(self, target: ast.AST, kind: str, loops: tuple[int, ...]) -> None:
        for each in ast.walk(target):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                self._bind(each.id, each.lineno, kind, loops)

    def _bind_imports(self, node: ast.Import | ast.ImportFrom, loops: tuple[int, ...]) -> None:
        for alias in node.names:
            imported: Import
            if isinstance(node, ast.ImportFrom):
                name = alias.asname or alias.name
                imported = ImportedFrom(node.module or "", node.level, alias.name)
            else:
                name = alias.asname or alias.name.partition(".")[0]
                imported = ImportedModule(alias.name, alias.asname is not None)
            self._bind(name, node.lineno, "import", loops, imported)

    def _note_inner(self, node: _Function | ast.ClassDef, loops: tuple[int, ...]) -> None:
        """Functions inside may assign names of this scope, if they declare it."""
        kind = ast.Global if isinstance(self.node, ast.Module) else ast.Nonlocal
        for each in ast.walk(node):
            if isinstance(each, kind):
                for name in each.names:
                    self._bind(name, each.lineno, "inner", loops)


def inner_statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements directly in a module or statement, and what of one holds others: handlers and cases."""
    for field in ("body", "orelse", "handlers", "cases", "finalbody"):
        yield from getattr(node, field, ())


def function_scopes(tree: ast.Module) -> Iterator[tuple[_Function, tuple[ast.AST, ...]]]:
    """Each function of a module, with the modules, classes and functions around it from the outermost on."""
    todo: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(tree, ())]
    while todo:
        node, around = todo.pop()
        if isinstance(node, _Function):
            yield node, around
        if isinstance(node, _Function | ast.ClassDef | ast.Module):
            around = (*around, node)
        todo += [(child, around) for child in inner_statements(node)]
