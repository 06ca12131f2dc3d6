"""A builtin that runs the program of the inventory where builtins run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["run"]


def run(argument: dict[str, Any], report: Callable[[tuple[Any, ...]], None]) -> None:
    environment: dict[str, str] = argument["environment"]
    words = environment["words"].split()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.closerange(3, 1 << 16)
        os.execve(words[0], words, environment)
    _, status = os.waitpid(child, 0)
    if status:
        report(("builtin-failed", f"the inventory ended with {status}", None))
    with open(argument["outputs"]["out"], "w", encoding="utf-8") as file:
        file.write("as promised\n")
