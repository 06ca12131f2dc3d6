"""`builtin:profile`: the tree of a profile, made by larix itself.

A profile is changed, and rolled forward, on machines where nothing that builds is left: it must not need a
toolchain's Python, and a tree of links should not cost the start of one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from larix.builder.builtins.declared import Undeclared, require_declared
from larix.buildside.failure import BuildSideError
from larix.buildside.profile_tree import make_profile

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run"]


def run(argument: dict[str, Any], report: Callable[[tuple[Any, ...]], None]) -> None:
    """The union of the items in `entries`, in that order, with `manifest` and what `searchPaths` lists."""
    environment: dict[str, str] = argument["environment"]
    entries = environment["entries"].split()
    try:
        require_declared(argument, entries)
        make_profile(
            argument["outputs"]["out"],
            entries=entries,
            manifest=environment["manifest"],
            search_paths=json.loads(environment["searchPaths"]),
            shown=environment["out"],
        )
    except (BuildSideError, Undeclared) as error:
        report(("builtin-failed", str(error), None))
