import subprocess
import sys

import pytest

from larix.cli.progress import printable
from larix.errors import Location
from larix.staging import build_expression_to_derivation
from larix.staging.places import locate, translate

MODULE = '''
"""A module with much before its function."""

LIMIT = 3

def fail(depth: int) -> None:
    """Says no."""
    # why not

    values = [
        depth,  # here
        1 // depth,
    ]
    print(values)


def run(output: "Path") -> None:
    """Calls it."""
    fail(LIMIT - 3)
'''


@pytest.fixture
def failed(module, lowering, tmp_path):
    host = module(MODULE)
    lowered = build_expression_to_derivation("x", host.run, lowering=lowering)
    [program] = lowered.sources
    file = tmp_path / "builder"
    file.write_bytes(program.content.contents)
    done = subprocess.run([sys.executable, file], env={"out": "/x"}, capture_output=True, check=False)
    return host.__file__, program.path, done.stderr.replace(str(file).encode(), program.path.encode())


def test_a_traceback_of_a_build_names_host_files_and_lines(failed):
    file, program, log = failed
    shown = b"".join(map(translate, log.splitlines(keepends=True))).decode()
    assert f'File "{file}", line 19, in run' in shown
    assert f'File "{file}", line 12, in fail' in shown
    assert "ZeroDivisionError" in shown
    # What called the function was written by nobody.
    assert f'File "{program}", line ' in shown


def test_progress_displays_show_host_files(failed):
    file, _, log = failed
    shown = [printable(line) for line in log.splitlines()]
    assert f'  File "{file}", line 12, in fail' in shown


def test_other_lines_of_a_log_are_left_alone(failed):
    for line in (
        b"",
        b"cc -o x\n",
        b'File "/etc/passwd", line 1\n',
        b'  File "x.py", line 3, in f\n',
        b"\xff\n",
    ):
        assert translate(line) == line
    _, program, _ = failed
    line = f'  File "{program}", line 9999, in run\n'.encode()
    assert translate(line) == line


def test_lines_nobody_wrote_have_no_place(failed):
    file, program, _ = failed
    assert locate(program, 1) is None
    assert locate(program, 10_000) is None
    assert locate("/absent", 1) is None
    places = {locate(program, line) for line in range(1, 30)}
    assert {None, Location(file, 6), Location(file, 12), Location(file, 17), Location(file, 19)} <= places
