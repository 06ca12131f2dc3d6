"""The build that compiles build-side modules, itself a build function with no module but Python's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["compile_modules"]


def compile_modules(*, output: Path, modules: Path) -> None:
    """Copy a tree of modules and put the bytecode beside each.

    The bytecode is trusted without a look at the source: both are in one store item. Files are taken in the
    order of their names and each is compiled once, which is what equal bytes need.
    """
    import py_compile
    import shutil

    for source in sorted(modules.rglob("*.py")):
        target = output / source.relative_to(modules)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        py_compile.compile(
            str(target), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
