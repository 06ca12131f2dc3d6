"""What the source of a function tells of it: its canonical text and the names that it takes from outside.

Everything here follows from the source file alone, and is kept for as long as the process runs. A function
whose code is not what its source compiles to is refused: the file was edited after it was imported, or
something rewrote the code.
"""

from __future__ import annotations

import ast
import linecache
import symtable
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, NamedTuple

from larix.errors import Location
from larix.staging.errors import StagingError
from larix.staging.scopes import Import, ImportedFrom, ImportedModule, Scope, function_scopes
from larix.staging.text import Template, make_template
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["FunctionSource", "HostFile", "describe_function", "host_file", "source_of"]

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_VALUE_OF_DEFAULTS = "None"
_NO_WAY_BACK = mark("a build cannot change what the host holds: write to a file of the output")


class HostFile:
    """A source file, parsed once."""

    def __init__(self, name: str, lines: list[str]) -> None:
        self.name = name
        self.raw_lines = lines
        self.lines = [line.rstrip("\n") for line in lines]
        self.tree = ast.parse("".join(lines), name)
        self.functions: dict[tuple[int, str], tuple[_Function, tuple[ast.AST, ...]]] = {}
        for node, around in function_scopes(self.tree):
            first = min([node.lineno, *[each.lineno for each in node.decorator_list]])
            self.functions[first, node.name] = node, around
        self._scopes: dict[ast.AST, Scope] = {}
        self._codes: dict[tuple[int, str], CodeType] | None = None

    def scope(self, node: ast.Module | _Function) -> Scope:
        if node not in self._scopes:
            self._scopes[node] = Scope(node)
        return self._scopes[node]

    def code(self, first_line: int, name: str) -> CodeType | None:
        """What a function of this file compiles to."""
        if self._codes is None:
            self._codes = {}
            todo = [compile("".join(self.raw_lines), self.name, "exec", dont_inherit=True)]
            while todo:
                code = todo.pop()
                self._codes[code.co_firstlineno, code.co_name] = code
                todo += [each for each in code.co_consts if isinstance(each, CodeType)]
        return self._codes.get((first_line, name))


class FunctionSource(NamedTuple):
    file: HostFile
    node: _Function
    around: tuple[ast.AST, ...]
    template: Template
    free_names: dict[str, int]  # and the line where each is used first
    attributes: dict[str, frozenset[tuple[str, ...]]]  # what is read of each: `()`, `("a",)`, `("a", "b")`
    imports: tuple[tuple[Import, int], ...]  # made inside the function, with their lines

    def place(self, line: int = 0) -> Location:
        return Location(self.file.name, line or self.node.lineno)


_files: dict[str, HostFile] = {}
_sources: dict[tuple[str, CodeType], FunctionSource] = {}


def host_file(name: str, module_globals: dict[str, object] | None = None) -> HostFile | None:
    """The parsed source file, None if there is none that can be read and parsed."""
    linecache.checkcache(name)
    lines = linecache.getlines(name, module_globals)
    if not lines:
        return None
    known = _files.get(name)
    if known is None or known.raw_lines != lines:
        try:
            known = _files[name] = HostFile(name, lines)
        except (SyntaxError, ValueError):
            return None
    return known


def describe_function(function: FunctionType) -> str:
    return function.__qualname__.replace("<locals>.", "")


def source_of(function: FunctionType) -> FunctionSource:
    """The source of a function made by `def`; StagingError says why it cannot be had."""
    code = function.__code__
    known = _sources.get((code.co_filename, code))
    if known is None:
        known = _sources[code.co_filename, code] = _read(function, code)
    return known


def _read(function: FunctionType, code: CodeType) -> FunctionSource:
    name = describe_function(function)
    place = Location(code.co_filename, code.co_firstlineno)
    if code.co_name == "<lambda>":
        raise StagingError(
            tr("a `lambda` cannot be a part of a build"),
            name=name,
            place=place,
            hint=tr("make it a function with `def`"),
        )
    file = host_file(code.co_filename, function.__globals__)
    if file is None:
        raise StagingError(
            tr("the source of function `{name}` cannot be found", name=name),
            name=name,
            place=place,
            hint=tr("build code is staged from its source: define it in a file that is imported"),
        )
    found = file.functions.get((code.co_firstlineno, code.co_name))
    if found is None or not _is_same(code, file.code(code.co_firstlineno, code.co_name), found[0]):
        raise StagingError(
            tr("function `{name}` is not what its source says", name=name),
            name=name,
            place=place,
            hint=tr("the file was edited after it was imported, or the function was rewritten: start again"),
        )
    node, around = found
    if getattr(node, "type_params", None):
        raise StagingError(
            tr("function `{name}` has type parameters, which the Python of builds may not know", name=name),
            name=name,
            place=place,
            hint=tr("use `typing.TypeVar`"),
        )
    if around and isinstance(around[-1], ast.ClassDef):
        raise StagingError(
            tr("`{name}` is defined in a class, and only functions can be staged", name=name),
            name=name,
            place=place,
            hint=tr("define it at the top of the module"),
        )
    template = make_template(file.lines, node)
    free_names = _free_names(function, node, template, place)
    imports = tuple(_imports(node))
    return FunctionSource(file, node, around, template, free_names, _attributes(node, free_names), imports)


def _is_same(code: CodeType, compiled: CodeType | None, node: _Function) -> bool:
    if compiled is None:
        return False
    if _same_code(code, compiled):
        return True
    # Test runners rewrite `assert`, and nothing else, into code that explains itself.
    has_assert = any(isinstance(each, ast.Assert) for each in ast.walk(node))
    parameters = code.co_argcount + code.co_kwonlyargcount
    return has_assert and code.co_varnames[:parameters] == compiled.co_varnames[:parameters]


def _same_code(one: CodeType, other: CodeType) -> bool:
    # Not `==`, which also compares what the interpreter has written into running code.
    return (
        one.co_code == other.co_code
        and one.co_names == other.co_names
        and one.co_varnames == other.co_varnames
        and one.co_freevars == other.co_freevars
        and one.co_cellvars == other.co_cellvars
        and one.co_flags == other.co_flags
        and len(one.co_consts) == len(other.co_consts)
        and all(map(_same_constant, one.co_consts, other.co_consts))
    )


def _same_constant(one: object, other: object) -> bool:
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return _same_code(one, other)
    return type(one) is type(other) and (one == other or repr(one) == repr(other))


def _free_names(
    function: FunctionType, node: _Function, template: Template, place: Location
) -> dict[str, int]:
    name = describe_function(function)
    for each in ast.walk(node):
        if isinstance(each, ast.Nonlocal):
            for outer in each.names:
                if outer in function.__code__.co_freevars:
                    raise StagingError(
                        tr(
                            "`{name}` assigns `{outer}`, a variable of the function around it",
                            name=name,
                            outer=outer,
                        ),
                        name=outer,
                        place=Location(place.file, each.lineno),
                        hint=tr(_NO_WAY_BACK),
                    )
    defaults = [_VALUE_OF_DEFAULTS] * (len(node.args.defaults) + len(node.args.kw_defaults))
    # The future import keeps annotations out, also those in the bodies of classes.
    text = "\n".join(["from __future__ import annotations", *template.fill(node.name, defaults), ""])
    table = symtable.symtable(text, place.file, "exec")
    names: set[str] = set()
    todo = [child for child in table.get_children() if child.get_name() == node.name]
    while todo:
        each_table = todo.pop()
        todo += each_table.get_children()
        for symbol in each_table.get_symbols():
            if symbol.is_global():
                names.add(symbol.get_name())
                if symbol.is_declared_global() and (symbol.is_assigned() or symbol.is_imported()):
                    raise StagingError(
                        tr("`{name}` assigns the global `{symbol}`", name=name, symbol=symbol.get_name()),
                        name=symbol.get_name(),
                        place=place,
                        hint=tr(_NO_WAY_BACK),
                    )
    lines: dict[str, int] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and each.id in names:
            line = each.lineno if node.lineno <= each.lineno <= (node.end_lineno or 0) else node.lineno
            lines[each.id] = min(line, lines.get(each.id, line))
    return {each: lines.get(each, node.lineno) for each in sorted(names)}


def _attributes(node: _Function, names: Container[str]) -> dict[str, frozenset[tuple[str, ...]]]:
    """For each name, the attributes that are read of it, each as far as the dots go; `()` for other uses."""
    found: dict[str, set[tuple[str, ...]]] = {}
    todo: list[ast.AST] = [node]
    while todo:
        each = todo.pop()
        chain: list[str] = []
        is_read = True
        while isinstance(each, ast.Attribute):
            chain.insert(0, each.attr)
            is_read = is_read and isinstance(each.ctx, ast.Load)
            each = each.value
        if isinstance(each, ast.Name):
            if each.id in names:
                found.setdefault(each.id, set()).add(tuple(chain) if is_read else ())
        else:
            todo += ast.iter_child_nodes(each)
    return {name: frozenset(chains) for name, chains in found.items()}


def _imports(node: _Function) -> list[tuple[Import, int]]:
    found: list[tuple[Import, int]] = []
    for each in ast.walk(node):
        if isinstance(each, ast.Import):
            found += [
                (ImportedModule(alias.name, alias.asname is not None), each.lineno) for alias in each.names
            ]
        elif isinstance(each, ast.ImportFrom):
            found += [
                (ImportedFrom(each.module or "", each.level, alias.name), each.lineno) for alias in each.names
            ]
    return sorted(found, key=lambda pair: pair[1])
