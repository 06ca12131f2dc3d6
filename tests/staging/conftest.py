"""A lowering without a toolchain, and a fresh interpreter to run staged programs in."""

import importlib.util
import itertools
import subprocess
import sys
import textwrap

import pytest

from larix.derivation import derivation
from larix.staging import Interpreter, Lowering, Stager, module_closure

SYSTEM = "x86_64-linux"


@pytest.fixture
def lowering():
    new = Lowering(system=SYSTEM)
    python = derivation("python", store_dir=new.store_dir, system=SYSTEM, builder="builtin:none")
    new.python = Interpreter(python)
    return new


@pytest.fixture
def made(lowering):
    """Something that a build makes, by name."""

    def make(name, outputs=("out",)):
        return derivation(
            name, store_dir=lowering.store_dir, system=SYSTEM, builder="builtin:none", outputs=outputs
        )

    return make


@pytest.fixture
def run_fresh(lowering, tmp_path):
    """Call a function as a build would: staged, in an interpreter that knows nothing of this one.

    Gives what the call returns, by way of its spelling, so it must be a plain value.
    """

    def run(function, *arguments, python=sys.executable, seed="0"):
        stager = Stager(lowering)
        name = stager.function_name(function)
        call = ", ".join(stager.value(each) for each in arguments)
        directory = tmp_path / "modules"
        for parts, contents in module_closure(stager.modules).items():
            file = directory.joinpath(*parts)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(contents)
        end = [f"print(ascii({name}({call})))"]
        program = stager.program(name, path_of_modules=str(directory), end=end)
        file = tmp_path / "program"
        file.write_text(program.text, encoding="utf-8")
        flags = ["-P", "-s", "-S", "-B", "-X", "utf8"]
        done = subprocess.run(
            [python, *flags, file], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{program.text}\n{done.stderr}"
        return eval(done.stdout, {"Path": None, "PosixPath": __import__("pathlib").PosixPath})

    return run


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module and import it; its file is called as it is."""
    numbers = itertools.count()

    def write(text, name="host"):
        file = tmp_path / f"sources{next(numbers)}" / f"{name}.py"
        file.parent.mkdir()
        file.write_text(textwrap.dedent(text), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, file)
        new = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, new)
        spec.loader.exec_module(new)
        return new

    return write
