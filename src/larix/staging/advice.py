"""What to do instead, for what cannot follow into a build."""

from __future__ import annotations

import ast
import enum
import re
from types import BuiltinMethodType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

from larix.staging.snapshot import build_side
from larix.words import mark, tr

__all__ = ["MODULES", "REFUSED_BUILTINS", "for_special", "for_value", "is_transparent"]

MODULES = mark(
    "builds have the standard library, `larix.buildside`, and modules that say `__build_side__ = True`"
)

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


def is_transparent(decorator: ast.expr, function: FunctionType) -> bool:
    """Whether a decorator gives back the function that it is given."""
    if isinstance(decorator, ast.Name):
        return function.__globals__.get(decorator.id) is build_side
    if isinstance(decorator, ast.Attribute) and isinstance(decorator.value, ast.Name):
        holder = function.__globals__.get(decorator.value.id)
        return getattr(holder, decorator.attr, None) is build_side
    return False
