"""The Python that a package is built with and for: its program, its version, its site directories."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from larix.buildside.environment import search_path_entries
from larix.buildside.failure import BuildSideError
from larix.buildside.gnu import main_output
from larix.buildside.invoke import capture

__all__ = ["VARIABLE", "Interpreter", "find_interpreter", "output_site", "prepend_to_variable"]

VARIABLE = "LARIX_PYTHONPATH"  # the search path of our Python, which leaves others in peace
LABEL = "python"

Inputs = Mapping[str, Path]


class Interpreter:
    """`program` runs in the build; `installed` is what scripts name, another file in a cross build."""

    def __init__(self, program: Path, home: Path) -> None:
        self.program = program
        text = "import sys; print('%d.%d' % sys.version_info[:2])"
        self.version = capture(program, "-I", "-c", text).strip()
        versioned = home / "bin" / f"python{self.version}"
        self.installed = versioned if versioned.exists() else home / "bin" / "python3"

    @property
    def site_part(self) -> str:
        """The site directory, relative to an output."""
        return f"lib/python{self.version}/site-packages"

    def site(self, output: Path) -> Path:
        return output / self.site_part

    def sites(self, roots: Iterable[str | os.PathLike[str]]) -> list[str]:
        """The site directories that exist below some store items."""
        return search_path_entries(roots, (self.site_part,))


def find_interpreter(inputs: Inputs, native_inputs: Inputs) -> Interpreter:
    """That of the input labelled `python`; a native one runs, an ordinary one is what scripts name."""
    running = native_inputs.get(LABEL) or inputs.get(LABEL)
    if running is None:
        raise BuildSideError(f"no input is labelled `{LABEL}`")
    return Interpreter(running / "bin" / "python3", inputs.get(LABEL, running))


def output_site(outputs: Mapping[str, Path], python: Interpreter) -> Path:
    return python.site(main_output(outputs))


def prepend_to_variable(name: str, *entries: str | os.PathLike[str]) -> None:
    """Put entries first in a search-path variable, each once."""
    given = [each for each in os.environ.get(name, "").split(":") if each]
    os.environ[name] = ":".join(dict.fromkeys([*[os.fspath(each) for each in entries], *given]))
    print(f"{name}={os.environ[name]}", flush=True)
