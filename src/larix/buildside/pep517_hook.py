"""Calls one hook of a PEP 517 build back end: a program for the Python that a package is built with.

    python3 -P pep517_hook.py REQUEST

REQUEST is a JSON file: `backend` (MODULE or MODULE:OBJECT), `backend_path` (directories in the source, or
none), `hook`, and `arguments`, which go to the hook. What the hook returns is written to REQUEST.result. The
current directory is the top of the source, which is not on the module path unless `backend_path` says so.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

__all__ = ["call_hook"]

MISSING = 3  # the exit status when the back end cannot be imported


def call_hook(request: dict[str, Any]) -> object:
    """Import the back end and call its hook; what either raises is not caught, but for one exit status."""
    top = os.path.realpath(".")
    directories = [os.path.realpath(each) for each in request["backend_path"] or ()]
    for each in directories:
        if os.path.commonpath([each, top]) != top:
            raise SystemExit(f"error: `backend-path` leaves the source: {each}")
    sys.path[:0] = directories
    module_name, _, path = request["backend"].partition(":")
    try:
        backend: Any = importlib.import_module(module_name)
    except ImportError as error:
        print(f"cannot import the build back end `{module_name}`: {error}", file=sys.stderr)
        raise SystemExit(MISSING) from error
    file = os.path.realpath(getattr(backend, "__file__", None) or "")
    if directories and not any(file.startswith(f"{each}/") for each in directories):
        raise SystemExit(f"error: the back end `{module_name}` comes from {file}, not from `backend-path`")
    for name in filter(None, path.split(".")):
        backend = getattr(backend, name)
    return getattr(backend, request["hook"])(**request["arguments"])


if __name__ == "__main__":
    file = os.path.abspath(sys.argv[1])  # back ends change the words of the command, and the directory
    with open(file, encoding="utf-8") as stream:
        result = call_hook(json.load(stream))
    with open(f"{file}.result", "w", encoding="utf-8") as sink:
        json.dump(result, sink)
