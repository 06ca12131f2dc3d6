"""Puts the manual pages into the wheel: they are made from the option tables when it is built."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MAKE = (
    "import sys; sys.path[:0] = [{source!r}]; from larix.cli.main import main; main(['manpages', {folder!r}])"
)


class ManualPages(BuildHookInterface[Any]):
    """Hatchling finds it by its base class."""

    _folder = ""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Make the pages by a process of its own, with nothing but Python: builds have no dependencies."""
        self._folder = tempfile.mkdtemp(prefix="larix-man-")
        source = os.path.join(self.root, "src")
        code = MAKE.format(source=source, folder=self._folder)
        environment = {**os.environ, "LC_ALL": "C", "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(
            [sys.executable, "-I", "-S", "-c", code], check=True, env=environment, stdout=subprocess.DEVNULL
        )
        for name in sorted(os.listdir(self._folder)):
            build_data["shared_data"][os.path.join(self._folder, name)] = f"share/man/man1/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """The pages are in the wheel now."""
        shutil.rmtree(self._folder, ignore_errors=True)
