"""What to do instead, for what cannot follow into a build."""

from __future__ import annotations

import ast
import enum
import re
import sys
from types import BuiltinMethodType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from larix.staging.snapshot import build_side
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MODULES", "REFUSED_BUILTINS", "for_missing", "for_special", "for_value", "is_transparent"]

MODULES = mark(
    "builds have the standard library, `larix.buildside`, and modules that say `__build_side__ = True`"
)

_BUILD_SIDE = "larix.buildside."
_HIDDEN = mark("names in it cannot be seen: write the code itself")
_NO_PERSON = mark("nobody is there in a build")

REFUSED_BUILTINS = {
    "__import__": mark("write `import`"),
    "_": mark("name what is meant"),
    "breakpoint": _NO_PERSON,
    "copyright": _NO_PERSON,
    "credits": _NO_PERSON,
    "eval": _HIDDEN,
    "exec": _HIDDEN,
    "exit": mark("raise `SystemExit`, or an error that tells why"),
    "globals": _HIDDEN,
    "help": _NO_PERSON,
    "input": _NO_PERSON,
    "license": _NO_PERSON,
    "quit": mark("raise `SystemExit`, or an error that tells why"),
}

_SPECIAL = {
    "__file__": mark("use `local_file` for a file that the build needs"),
    "__name__": mark("write the name itself"),
}


def for_special(name: str) -> str:
    return tr(_SPECIAL.get(name, mark("write what is meant itself")))


def for_value(value: Any) -> str:
    """The hint for a value that is not a plain one, a function or something with a store file."""
    if isinstance(value, MethodType | BuiltinMethodType):
        return tr("only functions defined with `def` at the top of a module or in a function can be staged")
    if isinstance(value, FunctionType):
        return tr("define it with `def`")
    if isinstance(value, ModuleType):
        return tr(MODULES)
    if isinstance(value, type):
        return tr("define the class inside the function, or in a module that says `__build_side__ = True`")
    if isinstance(value, re.Pattern):
        return tr("compile it inside the function, with `re.compile`")
    if isinstance(value, enum.Enum):
        return tr("use its `value`")
    for kind in (str, int, float, tuple, list, dict, set, frozenset):
        if isinstance(value, kind):
            return tr("use a plain `{kind}`", kind=kind.__name__)
    if isinstance(value, GeneratorType):
        return tr("use a tuple or list")
    return tr(
        "what can: packages and other things with a store file, functions, and text, numbers and paths "
        "in tuples, lists, dicts and sets"
    )


def for_missing(name: str, known: Iterable[str]) -> str:
    """The hint for a name that is bound nowhere: the one meant, or the module that has it for builds."""
    from difflib import get_close_matches

    modules = {
        each: module
        for module, loaded in sorted(sys.modules.items())
        if module.startswith(_BUILD_SIDE)
        for each in getattr(loaded, "__all__", ())
    }
    found = get_close_matches(name, sorted({*known, *modules}), 1)
    if not found:
        return tr("define it before the build expression is lowered")
    close = found[0]
    if close in known:
        return tr("Did you mean `{close}'?", close=close)
    return tr("Did you mean `{close}'? It is in `{module}`", close=close, module=modules[close])


def is_transparent(decorator: ast.expr, function: FunctionType) -> bool:
    """Whether a decorator gives back the function that it is given."""
    if isinstance(decorator, ast.Name):
        return function.__globals__.get(decorator.id) is build_side
    if isinstance(decorator, ast.Attribute) and isinstance(decorator.value, ast.Name):
        holder = function.__globals__.get(decorator.value.id)
        return getattr(holder, decorator.attr, None) is build_side
    return False
