"""The phases that build Python packages by their pyproject.toml: any back end of PEP 517, no network, no pip.

The back end runs in the Python of the inputs and makes a wheel; installing it is ours (`wheel`). Tests run
after the installation, with what was installed. See `python_phases` for what is shared with `python`.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from larix.buildside import gnu, pep517_hook, python_phases
from larix.buildside.entry_points import create_programs, read_entry_points
from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files, mkdir_p
from larix.buildside.gnu import main_output
from larix.buildside.invoke import InvokeError, capture, invoke
from larix.buildside.phases import Phases
from larix.buildside.python_site import Interpreter, find_interpreter
from larix.buildside.wheel import Places, install_wheel

__all__ = ["BuildSystemTable", "pyproject_phases", "read_build_system", "standard_phases"]

Outputs = Mapping[str, Path]
Inputs = Mapping[str, Path]

WHEELS_VARIABLE = "LARIX_WHEELS"  # where the build phase put what the install phase takes
SETUPTOOLS = "setuptools.build_meta:__legacy__"
CANNOT_IMPORT = 3


class BuildSystemTable(NamedTuple):
    """What a source says of how it is built."""

    backend: str
    backend_path: tuple[str, ...]
    requires: tuple[str, ...]


def read_build_system(directory: Path) -> BuildSystemTable:
    """The table `build-system` of a pyproject.toml; setuptools where there is none."""
    file = directory / "pyproject.toml"
    try:
        with file.open("rb") as stream:
            table: dict[str, Any] = tomllib.load(stream).get("build-system", {})
    except FileNotFoundError:
        table = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BuildSideError(f"{file}: {error}") from error
    requires = _texts(file, "requires", table.get("requires", ["setuptools"]))
    backend: object = table.get("build-backend", SETUPTOOLS)
    if not isinstance(backend, str):
        raise BuildSideError(f"{file}: `build-backend` is no text")
    return BuildSystemTable(backend, _texts(file, "backend-path", table.get("backend-path", [])), requires)


def _texts(file: Path, key: str, value: object) -> tuple[str, ...]:
    texts = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(each, str) for each in texts):
        raise BuildSideError(f"{file}: `{key}` is no list of texts")
    return tuple([str(each) for each in texts])


def _build(
    *,
    inputs: Inputs,
    native_inputs: Inputs,
    build_backend: str | None = None,
    backend_path: Sequence[str] | None = None,
    config_settings: Mapping[str, Any] | None = None,
) -> None:
    """Have the back end make a wheel; what its table says is replaced by the arguments that are given."""
    table = read_build_system(Path())
    if build_backend is not None:
        table = table._replace(backend=build_backend, backend_path=())
    if backend_path is not None:
        table = table._replace(backend_path=tuple(backend_path))
    wheels = mkdir_p(os.path.abspath("../larix-wheels"))
    os.environ[WHEELS_VARIABLE] = str(wheels)
    request = {
        "backend": table.backend,
        "backend_path": table.backend_path,
        "hook": "build_wheel",
        "arguments": {"wheel_directory": str(wheels), "config_settings": dict(config_settings or {})},
    }
    python = find_interpreter(inputs, native_inputs)
    file = wheels / "request.json"
    file.write_text(json.dumps(request), encoding="utf-8")
    try:
        invoke(python.program, "-P", pep517_hook.__file__, file)
    except InvokeError as error:
        if error.status == CANNOT_IMPORT:
            raise BuildSideError(_advice(python, table)) from error
        raise
    print(f"made {json.loads(file.with_name('request.json.result').read_text(encoding='utf-8'))}", flush=True)


def _advice(python: Interpreter, table: BuildSystemTable) -> str:
    names = ", ".join(table.requires) or "nothing"
    path = capture(python.program, "-P", "-c", "import sys; print(*sys.path)").strip()
    return (
        f"the build back end `{table.backend}` cannot be imported: the source requires {names}; add what is "
        f"missing to native_inputs (modules are looked for in {path})"
    )


def _install(*, outputs: Outputs, inputs: Inputs, native_inputs: Inputs) -> None:
    directory = Path(os.environ.get(WHEELS_VARIABLE, "dist"))
    wheels = find_files(directory, r"\.whl$") if directory.is_dir() else []
    if not wheels:
        raise BuildSideError(f"no wheel is in {directory}")
    python = find_interpreter(inputs, native_inputs)
    prefix = main_output(outputs)
    places = Places(
        site=python.site(prefix),
        programs=outputs.get("bin", prefix) / "bin",
        headers=prefix / "include" / f"python{python.version}",
        data=prefix,
    )
    for wheel in wheels:
        print(f"installed {install_wheel(wheel, places, interpreter=python.installed)}", flush=True)


def _create_entrypoints(*, outputs: Outputs, inputs: Inputs, native_inputs: Inputs) -> None:
    """Programs for the functions that the installed distributions offer as such."""
    python = find_interpreter(inputs, native_inputs)
    prefix = main_output(outputs)
    programs = outputs.get("bin", prefix) / "bin"
    for file in sorted(python.site(prefix).glob("*.dist-info/entry_points.txt")):
        for program in create_programs(read_entry_points(file), programs, interpreter=python.installed):
            print(f"made {program}", flush=True)


def pyproject_phases() -> Phases:
    """The standard phases, as the program of a build asks for them."""
    return standard_phases


standard_phases = Phases(
    gnu.standard_phases.delete("bootstrap", "configure", "check")
    .replace("build", _build)
    .replace("install", _install)
    .add_after("unpack", python_phases.set_version)
    .add_after("unpack", python_phases.ensure_no_cythonized_files)
    .add_after("unpack", python_phases.enable_bytecode_determinism)
    .add_after("unpack", python_phases.ensure_no_mtimes_pre_1980)
    .add_after("install", python_phases.check)
    .add_after("install", python_phases.compile_bytecode)
    .add_after("install", python_phases.sanity_check)
    .add_after("install", python_phases.wrap)
    .add_after("install", _create_entrypoints)
    .add_after("install", python_phases.add_install_to_path)
    .add_after("install", python_phases.add_install_to_pythonpath)
    .add_after("patch-shebangs", python_phases.rename_pth_file)
    .pairs,
    made_by=(pyproject_phases, ()),
)
