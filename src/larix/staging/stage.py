"""Staging: from functions and values of the host to the text of a program for the build side.

Staged text is an ordinary program: imports, the definitions of functions as written (see `text`), and what
they captured as assignments. It depends on nothing but the sources of the functions and what they captured.
It is run by the builder's Python as it stands.

Modules. Those that the build side has are imported there as they are here. Of any other module, attributes
may be used, which follow like captured values; the build finds an object under the module's name that has
them.

Names. Each function, import and captured value gets a name at the top of the program, its own if no other
has it. A function for which some name means another thing there is given a namespace of its own, so
functions of several modules never see each other's names.

Guarantees. A captured name is looked up when the function is staged. It is refused if it may have changed
since the function was defined: bound again later, or in a loop around both (`scopes`), or, for lists, dicts
and sets, changed in place after the build expression was made (`snapshot`). Values are copied: what a build
does to one is seen by the functions of that build that share its name, and by nobody else.

Places. Neither file names nor line numbers enter the text, since moving a function is no reason to build
its package anew. `Staged.lines` tells for each line of the text where it was written; a traceback of a
build, which names the program and the line in it, is turned into one that names host files by
`places.translate`.
"""

from __future__ import annotations

import builtins
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from larix.errors import Location
from larix.staging import advice
from larix.staging.errors import StagingError, type_name
from larix.staging.imports import find_import, import_statements
from larix.staging.literals import spell_container, spell_scalar
from larix.staging.lower import is_lowerable
from larix.staging.modules import is_build_side, is_standard
from larix.staging.scopes import ImportedFrom, ImportedModule, Scope
from larix.staging.snapshot import changed_since_snapshot
from larix.staging.source import FunctionSource, describe_function, source_of
from larix.words import tr

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable

    from larix.staging.lower import Item, Lowering

__all__ = ["LineOrigin", "Staged", "Stager", "stage"]

_Key: TypeAlias = tuple[object, ...]
_PATH = ("from", "pathlib", "Path", "Path")
_SYS = ("import", "sys", "sys")
_FUNCTION_TYPE = ("from", "types", "FunctionType", "FunctionType")
_SPELLED_WITH = ("float", "frozenset", "set")
_MAX_DEPTH = 100

LineOrigin: TypeAlias = tuple[int, str, tuple[int, ...]]
"""A line of staged text, counted from 1; a host file; the lines there of that line and those after it."""


class Staged(NamedTuple):
    """A program: where `modules` are found and `items` exist, running `text` defines `name`."""

    text: str
    name: str
    modules: frozenset[str]
    items: tuple[Item, ...]
    lines: tuple[LineOrigin, ...]


class _Definition:
    """A function of the host on its way into the text."""

    def __init__(self, name: str, source: FunctionSource) -> None:
        self.name = name
        self.source = source
        self.defaults: list[str] = []
        self.before: list[_Definition] = []  # those that its default values name
        self.names: dict[str, str] = {}  # free name: expression
        self.builtins: set[str] = set()
        self.is_namespaced = False


def stage(function: object, lowering: Lowering, *, path_of_modules: str | None = None) -> Staged:
    """The program that defines `function` as it is on the host."""
    stager = Stager(lowering)
    return stager.program(stager.function_name(function), path_of_modules=path_of_modules)


class Stager:
    """Puts one program together: each function and value asked for joins it, with all that it needs."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering
        self.modules: set[str] = set()
        self._items: dict[tuple[str, str | None], Item] = {}
        self._names: dict[_Key, str] = {}
        self._taken: set[str] = set()
        self._imports: set[_Key] = set()
        self._bindings: dict[str, str] = {}
        self._definitions: dict[int, _Definition] = {}
        self._order: list[_Definition] = []
        self._kept: list[object] = []
        self._mentioned: list[_Definition] = []
        self._depth = 0
        # Spellings use these names, so no function or value of the host may have them.
        for key in (_PATH, _SYS, _FUNCTION_TYPE):
            self._name(str(key[-1]), key)
        for name in _SPELLED_WITH:
            self._name(name, ("builtin", name))

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(
            [self._items[key] for key in sorted(self._items, key=lambda key: (key[0], key[1] or ""))]
        )

    def add_item(self, value: object) -> Item:
        """Lower something that the program needs; its file name is for the caller to use."""
        item = self.lowering.lower(value)
        self._items[item.origin.path, item.output] = item
        return item

    def function_name(self, function: object, place: Location | None = None) -> str:
        """The expression for a function, which joins the program or is imported."""
        if not isinstance(function, FunctionType):
            raise StagingError(
                tr(
                    "{function!r:.80} is a `{kind}`, not a function defined with `def`",
                    function=function,
                    kind=type_name(function),
                ),
                name=getattr(function, "__name__", type_name(function)),
                place=place,
                hint=advice.for_value(function),
            )
        return self.value(function, place=place, what=describe_function(function))

    def value(self, value: object, *, place: Location | None = None, what: str = "value") -> str:
        """The expression for any value that can follow into a build; `what` names it in errors."""
        self._depth += 1
        try:
            if self._depth > _MAX_DEPTH:
                raise StagingError(
                    tr("`{what}` is nested too deep, or contains itself", what=what), name=what, place=place
                )
            return self._value(value, place, what)
        finally:
            self._depth -= 1

    def _value(self, value: Any, place: Location | None, what: str) -> str:
        kind = cast("type[object]", type(value))
        spelling = spell_scalar(value, self._names[_PATH])
        if spelling is not None:
            if spelling.startswith(self._names[_PATH] + "("):
                self._imports.add(_PATH)
            return spelling
        if is_lowerable(value):
            self._imports.add(_PATH)
            return f"{self._names[_PATH]}({self.add_item(value).path!a})"
        spelling = spell_container(value, lambda each: self.value(each, place=place, what=what))
        if spelling is not None:
            return spelling
        if isinstance(value, FunctionType):
            imported = self._import_by_name(value)
            if imported is not None:
                return imported
            definition = self._define(value)
            self._mentioned.append(definition)
            return definition.name
        if isinstance(value, type | BuiltinFunctionType):
            imported = self._import_by_name(value)
            if imported is not None:
                return imported
        elif isinstance(value, ModuleType):
            if is_standard(value.__name__) or is_build_side(value.__name__):
                return self._import_module(value.__name__)
        elif hasattr(kind, "__stage__"):
            return self._value_by_parts(value, place, what)
        raise StagingError(
            tr("`{what}` is a `{kind}`, which cannot follow into a build", what=what, kind=type_name(value)),
            name=what,
            place=place,
            hint=advice.for_value(value),
        )

    def _value_by_parts(self, value: Any, place: Location | None, what: str) -> str:
        """An object that knows how to make its like: `__stage__` gives a function or class, and arguments."""
        parts: tuple[object, tuple[object, ...]] = value.__stage__()
        function, arguments = parts
        maker = self.value(function, place=place, what=what)
        return f"{maker}({', '.join([self.value(each, place=place, what=what) for each in arguments])})"

    def _name(self, wanted: str, key: _Key) -> str:
        """The name at the top of the program for what `key` identifies."""
        known = self._names.get(key)
        if known is None:
            known, number = wanted, 1
            while known in self._taken:
                number += 1
                known = f"{wanted}_{number}"
            self._taken.add(known)
            self._names[key] = known
        return known

    def imported(self, module: str, attribute: str) -> str:
        """The expression for something of a module that the build side has."""
        return self._import(("from", module, attribute, attribute), module)

    def _import_module(self, module: str) -> str:
        name = module.rpartition(".")[2]
        return self._import(("import", module, name), module)

    def _import(self, key: _Key, *modules: str) -> str:
        self._imports.add(key)
        self.modules.update(module for module in modules if not is_standard(module))
        return self._name(str(key[-1]), key)

    def _import_by_name(self, value: Any) -> str | None:
        """An import for a function or class that its own module has under its own name."""
        module, name = value.__module__, value.__qualname__
        if not isinstance(module, str) or "." in name:
            return None
        if module == "builtins":
            # Not all that say so are there: the type of functions is called `function`, a name of nothing.
            if getattr(builtins, name, None) is not value:
                return None
            known = self._name(name, ("builtin", name))
            return known if known == name and name not in advice.REFUSED_BUILTINS else None
        if not (is_standard(module) or is_build_side(module)):
            return None
        # Versions of Python differ in the private modules that they define things in.
        for holder in (module.partition("._")[0], module.lstrip("_"), module):
            if getattr(sys.modules.get(holder), name, None) is value:
                return self._import(("from", holder, name, name), holder)
        return None

    def _define(self, function: FunctionType) -> _Definition:
        known = self._definitions.get(id(function))
        if known is not None:
            return known
        _check_not_wrapped(function)
        source = source_of(function)
        self._check_function(function, source)
        mentioned, self._mentioned = self._mentioned, []
        defaults = self._stage_defaults(function, source)
        self._kept.append(function)
        name = self._name(source.node.name, ("function", id(function)))
        definition = self._definitions[id(function)] = _Definition(name, source)
        definition.defaults, definition.before = defaults, self._mentioned
        self._mentioned = []
        for free_name, line in source.free_names.items():
            self._resolve(function, definition, free_name, source.place(line))
        for imported, line in source.imports:
            self._check_inner_import(imported, source.place(line), definition)
        self._mentioned = mentioned
        self._order.append(definition)
        return definition

    def _check_function(self, function: FunctionType, source: FunctionSource) -> None:
        name = describe_function(function)
        for decorator in source.node.decorator_list:
            if not advice.is_transparent(decorator, function):
                raise _decorated(name, source.place(decorator.lineno))
        changed = changed_since_snapshot(function)
        if changed is not None:
            raise StagingError(
                tr(
                    "`{changed}`, captured by `{name}`, was changed after the build expression was made",
                    changed=changed,
                    name=name,
                ),
                name=changed,
                place=source.place(source.free_names.get(changed, 0)),
                hint=tr("use a tuple, or a new value instead of a changed one"),
            )

    def _stage_defaults(self, function: FunctionType, source: FunctionSource) -> list[str]:
        """The default values as they are now, in the order of the template's slots."""
        arguments = source.node.args
        values = list(function.__defaults__ or ())
        names = (
            [each.arg for each in (*arguments.posonlyargs, *arguments.args)][-len(values) :] if values else []
        )
        keywords = function.__kwdefaults__ or {}
        optional = [
            each.arg
            for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is not None
        ]
        if len(values) != len(arguments.defaults) or sorted(keywords) != sorted(optional):
            raise StagingError(
                tr("the default values of `{function}` were changed", function=describe_function(function)),
                name=describe_function(function),
                place=source.place(),
            )
        return [
            self.value(value, place=source.place(), what=name)
            for name, value in [
                *zip(names, values, strict=True),
                *((each, keywords[each]) for each in optional),
            ]
        ]

    def _resolve(self, function: FunctionType, definition: _Definition, name: str, place: Location) -> None:
        """Find what a free name means and have the program say so."""
        value: Any
        value, scope, is_builtin = self._look_up(function, definition.source, name, place)
        if is_builtin:
            if name in advice.REFUSED_BUILTINS:
                raise StagingError(
                    tr("`{name}` cannot be used in a build", name=name),
                    name=name,
                    place=place,
                    hint=tr(advice.REFUSED_BUILTINS[name]),
                )
            definition.builtins.add(name)
            self._name(name, ("builtin", name))
            return
        imported = None if is_lowerable(value) else self._imported(function, scope, name, value)
        if imported is not None:
            definition.names[name] = imported
            return
        if name.startswith("__") and name.endswith("__"):
            raise StagingError(
                tr("`{name}` belongs to the host's module", name=name),
                name=name,
                place=place,
                hint=advice.for_special(name),
            )
        if isinstance(value, ModuleType):
            chains = definition.source.attributes.get(name, frozenset({()}))
            expression = self._module(value, chains, place, name)
        else:
            expression = self.value(value, place=place, what=name)
        # Equal values of one name are one, but each list, dict or set is itself.
        key = ("value", name, expression, id(value) if type(value) in {list, dict, set} else None)
        is_bound = key in self._names or name not in self._taken
        if expression != name and (is_bound or not expression.isidentifier()):
            self._kept.append(value)
            bound = self._name(name, key)
            self._bindings[bound] = expression
            expression = bound
        definition.names[name] = expression

    def _module(
        self, module: ModuleType, chains: Iterable[tuple[str, ...]], place: Location, what: str
    ) -> str:
        """A module of the host of which only attributes are used: an object that has just these."""
        by_attribute: dict[str, set[tuple[str, ...]]] = {}
        for chain in chains:
            if not chain or is_standard(module.__name__) or is_build_side(module.__name__):
                return self.value(module, place=place, what=what)
            by_attribute.setdefault(chain[0], set()).add(chain[1:])
        entries: list[str] = []
        for attribute, rest in sorted(by_attribute.items()):
            inner = f"{what}.{attribute}"
            if not hasattr(module, attribute):
                raise _not_defined(inner, place, [f"{what}.{each}" for each in vars(module)])
            value: object = getattr(module, attribute)
            if isinstance(value, ModuleType):
                entries.append(f"{attribute}={self._module(value, rest, place, inner)}")
            else:
                entries.append(f"{attribute}={self.value(value, place=place, what=inner)}")
        return f"{self.imported('types', 'SimpleNamespace')}({', '.join(entries)})"

    def _look_up(
        self, function: FunctionType, source: FunctionSource, name: str, place: Location
    ) -> tuple[object, Scope | None, bool]:
        """The value of a free name, the scope that binds it, and whether it is Python's own."""
        chain = (*source.around, source.node)
        code = function.__code__
        value: object
        owner: int | None
        if name in code.co_freevars:
            owner = next(
                (
                    number
                    for number in range(len(chain) - 2, -1, -1)
                    if _is_function(chain[number]) and name in source.file.scope(chain[number]).names  # type: ignore[arg-type]
                ),
                None,
            )
            try:
                value = (function.__closure__ or ())[code.co_freevars.index(name)].cell_contents
            except ValueError:
                raise _not_defined(name, place, code.co_freevars) from None
        elif name in function.__globals__:
            owner = 0
            value = function.__globals__[name]
        elif hasattr(builtins, name):
            return getattr(builtins, name), None, True
        else:
            raise _not_defined(
                name, place, [*function.__globals__, *code.co_varnames, *code.co_freevars, *vars(builtins)]
            )
        if owner is None:
            return value, None, False
        scope = source.file.scope(chain[owner])  # type: ignore[arg-type]
        again = scope.unsteady(name, getattr(chain[owner + 1], "lineno", 0))
        if again is not None:
            raise StagingError(
                tr(
                    "`{name}` may have changed since `{function}` was defined: {how}",
                    name=name,
                    function=describe_function(function),
                    how=tr("it is bound in a loop around it in line {line}", line=again.line)
                    if again.loops
                    else tr("it is bound again in line {line}", line=again.line),
                ),
                name=name,
                place=place,
                hint=tr("give it as a default value, `{name}={name}`, or bind another name", name=name),
            )
        return value, scope, False

    def _imported(self, function: FunctionType, scope: Scope | None, name: str, value: object) -> str | None:
        """The import that binds a name on the host, if the build side can make the same."""
        if scope is None:
            return None
        found = find_import(function.__globals__, scope, name, value)
        if found is None:
            return None
        if isinstance(found, ImportedFrom):
            module = found.module
            inner = f"{module}.{found.attribute}"
            is_module = isinstance(value, ModuleType) and inner in sys.modules and is_build_side(inner)
            return self._import(("from", module, found.attribute, name), inner if is_module else module)
        modules, is_renamed = found
        if is_renamed or modules == (name,):
            return self._import(("import", modules[0], name), modules[0])
        return self._import(("package", *modules, name), *modules)

    def _check_inner_import(
        self, imported: ImportedModule | ImportedFrom, place: Location, definition: _Definition
    ) -> None:
        """Imports written inside a function stay there; what they import must exist on the build side."""
        name = definition.source.node.name
        if isinstance(imported, ImportedFrom):
            if imported.level:
                raise StagingError(
                    tr("function `{name}` imports from a relative module", name=name),
                    name=name,
                    place=place,
                    hint=tr("name the module in full"),
                )
            inner = f"{imported.module}.{imported.attribute}"
            needed = [
                each for each in (imported.module, inner) if not is_standard(each) and is_build_side(each)
            ]
            if needed or is_standard(imported.module):
                self.modules.update(needed)
                return
            module = imported.module
        else:
            module = imported.module
            if is_standard(module):
                return
            if is_build_side(module):
                self.modules.add(module)
                return
        raise StagingError(
            tr(
                "function `{name}` imports `{module}`, which is not there in a build",
                name=name,
                module=module,
            ),
            name=module,
            place=place,
            hint=tr(advice.MODULES),
        )

    def program(self, name: str, *, path_of_modules: str | None = None, end: Iterable[str] = ()) -> Staged:
        """All that was asked for as one program, `end` being its last lines."""
        lines: list[str] = []
        origins: list[LineOrigin] = []
        namespaced = [definition for definition in self._order if self._needs_namespace(definition)]
        if namespaced:
            self._imports.add(_FUNCTION_TYPE)
        if any(definition.source.template.has_class_annotations for definition in self._order):
            lines.append("from __future__ import annotations")
        lines += self._import_lines(path_of_modules)
        if namespaced:
            lines += self._namespace_helper()
        for definition in self._ordered():
            lines.append("")
            if definition.is_namespaced:
                lines.append(f"@{self._helper}({definition.name!r}, {definition.source.node.name!r})")
            template = definition.source.template
            origins.append((len(lines) + 1, definition.source.file.name, template.host_lines))
            lines += template.fill(definition.name, definition.defaults)
        if self._bindings or namespaced or end:
            lines.append("")
        lines += [f"{bound} = {expression}" for bound, expression in sorted(self._bindings.items())]
        for definition in sorted(namespaced, key=lambda each: each.name):
            names = ", ".join([f"{key!r}: {value}" for key, value in sorted(definition.names.items())])
            lines.append(f"{definition.name}.__globals__.update({{{names}}})")
        lines += end
        return Staged("\n".join([*lines, ""]), name, frozenset(self.modules), self.items, tuple(origins))

    def _needs_namespace(self, definition: _Definition) -> bool:
        definition.is_namespaced = any(key != value for key, value in definition.names.items()) or any(
            self._names["builtin", each] != each for each in definition.builtins
        )
        return definition.is_namespaced

    @property
    def _helper(self) -> str:
        return self._name("in_namespace", ("helper",))

    def _namespace_helper(self) -> list[str]:
        function_type = self._names[_FUNCTION_TYPE]
        return [
            "",
            f"def {self._helper}(name, own_name):",
            "    def rebind(function):",
            "        names = {'__builtins__': __builtins__, '__name__': __name__}",
            f"        new = {function_type}(function.__code__, names, own_name, function.__defaults__)",
            "        new.__kwdefaults__ = function.__kwdefaults__",
            "        return new",
            "    return rebind",
        ]

    def _ordered(self) -> list[_Definition]:
        """Functions after those that their default values name."""
        ordered: list[_Definition] = []

        seen: set[_Definition] = set()

        def add(definition: _Definition) -> None:
            if definition not in seen:
                seen.add(definition)
                for each in definition.before:
                    add(each)
                ordered.append(definition)

        for definition in self._order:
            add(definition)
        return ordered

    def _import_lines(self, path_of_modules: str | None) -> list[str]:
        first: list[str] = []
        if path_of_modules is not None:
            self._imports.add(_SYS)
        standard, others = set[str](), set[str]()
        for key in self._imports:
            bound = self._names[key]
            for line, module in import_statements(key, bound):
                (standard if is_standard(module) else others).add(line)
        if path_of_modules is not None:
            first.append(f"{self._names[_SYS]}.path.append({path_of_modules!r})")
        return [*sorted(standard), *first, *sorted(others)]


def _is_function(node: ast.AST) -> bool:
    return type(node).__name__ in {"FunctionDef", "AsyncFunctionDef"}


def _check_not_wrapped(function: FunctionType) -> None:
    inner: object = function
    while isinstance(inner, FunctionType) and "__wrapped__" in vars(inner):
        inner = vars(inner)["__wrapped__"]
    if inner is not function:
        code = getattr(inner, "__code__", function.__code__)
        raise _decorated(describe_function(function), Location(code.co_filename, code.co_firstlineno))


def _decorated(name: str, place: Location) -> StagingError:
    return StagingError(
        tr("function `{name}` has a decorator, which would not be there in the build", name=name),
        name=name,
        place=place,
        hint=tr("put both into a module that says `__build_side__ = True`, or decorate inside a function"),
    )


def _not_defined(name: str, place: Location, known: Iterable[str]) -> StagingError:
    return StagingError(
        tr("`{name}` is not defined", name=name),
        name=name,
        place=place,
        hint=advice.for_missing(name, [each for each in known if each != name]),
    )
