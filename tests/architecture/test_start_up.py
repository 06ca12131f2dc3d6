"""What every command pays before it does anything, told by the modules it loads and never by the clock."""

from __future__ import annotations

import subprocess
import sys

import pytest

SHOW_MODULES = """
import sys
{statement}
print(*sorted(sys.modules), file=sys.stderr)
"""

COSTLY = {
    "argparse",
    "asyncio",
    "attr",
    "attrs",
    "dataclasses",
    "http.client",
    "inspect",
    "pathlib",
    "sqlite3",
    "ssl",
    "urllib3",
}


def modules_after(statement: str) -> set[str]:
    """The modules a fresh interpreter loads for the statement; those it starts with are left out."""
    bare, loaded = (
        subprocess.run(
            [sys.executable, "-I", "-c", SHOW_MODULES.format(statement=code)],
            check=True,
            capture_output=True,
            text=True,
        ).stderr.split()
        for code in ("", statement)
    )
    return set(loaded) - set(bare)


def test_asking_for_the_version_loads_nothing_costly() -> None:
    statement = "from larix.cli.main import main; sys.argv = ['larix', '--version']; main()"
    loaded = modules_after(statement)
    assert "larix.cli.main" in loaded
    assert loaded & COSTLY == set()


@pytest.mark.parametrize("package", ["formats", "derivation", "protocol", "store"])
def test_the_lower_layers_load_nothing_costly(package: str) -> None:
    loaded = modules_after(f"import larix.{package}")
    allowed = {"sqlite3"} if package == "store" else set()
    assert loaded & (COSTLY - allowed) == set()
