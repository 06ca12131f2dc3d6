"""What build systems with implied tools share, seen in the programs of their builds."""

import pytest

from larix.buildsystems import build_system, build_system_names
from larix.buildsystems.gnu import NoCrossBuild
from larix.errors import LarixError
from larix.packages.inputs import Input
from larix.packages.native import Native
from larix.packages.record import BadRecord
from larix.packages.toolchain import CrossTools, lowering_for, register_toolchain, using_toolchain
from larix.packages.tools import UnknownTool, register_tool, tool
from larix.staging.modules import module_closure
from toolchains import lower, make_toolchain, package, program

TOOLS = {name: package(name) for name in ("cmake", "meson", "ninja", "perl", "python")}
IMPLIED = {
    "cmake": (["cmake"], []),
    "copy": ([], []),
    "meson": (["meson", "ninja"], []),
    "perl": ([], ["perl"]),
    "pyproject": ([], ["python"]),
    "python": ([], ["python"]),
}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """Packages of nothing instead of those of the distribution."""
    monkeypatch.setattr("larix.packages.tools._factories", {})
    for name, each in TOOLS.items():
        register_tool(name, lambda each=each: each)


def made(name, **fields):
    return package("greet", build_system=build_system(name), **fields)


def bag_of(given):
    with using_toolchain("test"):
        lowering = lowering_for("/larix/store", "x86_64-linux")
        return given.build_system.lower(given, lowering)


def inputs_of(given):
    bag = bag_of(given)
    natives = {each.label: each.value for each in bag.build_inputs if each.label != "tools"}
    return natives, {each.label: each.value for each in bag.host_inputs}


def test_every_build_system_but_two_is_known_here():
    assert set(build_system_names()) == {*IMPLIED, "gnu", "trivial"}


@pytest.mark.parametrize("name", IMPLIED)
def test_tools_are_among_the_inputs_without_being_named(name):
    natives, ordinary = inputs_of(made(name))
    assert ([*natives], [*ordinary]) == IMPLIED[name]
    assert all(value is TOOLS[label] for label, value in {**natives, **ordinary}.items())


@pytest.mark.parametrize("name", IMPLIED)
def test_builder_runs_the_phases_of_the_system(name):
    text = program(lower(made(name)).origin)
    compile(text, "builder", "exec")
    assert f"from larix.buildside.{name} import " in text
    assert "name='greet'," in text
    for tool_name in (*IMPLIED[name][0], *IMPLIED[name][1]):
        assert f"'{tool_name}': Path(" in text


@pytest.mark.parametrize("name", IMPLIED)
def test_unknown_argument_is_told(name):
    with pytest.raises(
        LarixError, match=f"build system `{name}` of package `greet` has no argument `flags_x`"
    ):
        bag_of(made(name, arguments={"flags_x": []}))


@pytest.mark.parametrize("name", ["pyproject", "python"])
def test_build_has_the_modules_that_other_programs_run(name):
    """The Python of the inputs runs them by their files, so no import of the builder's tells."""
    files = module_closure([f"larix.buildside.{name}"])
    assert ("larix", "buildside", "python_sanity.py") in files
    assert ("larix", "buildside", "requirements.py") in files
    assert (("larix", "buildside", "pep517_hook.py") in files) == (name == "pyproject")


@pytest.mark.parametrize("name", IMPLIED)
def test_package_adds_phases_to_those_of_the_system(name):
    def change(**_):
        print("changed")

    system = build_system(name)
    phases = system.default_phases.add_after("unpack", change)
    text = program(lower(made(name, arguments={"phases": phases})).origin)
    assert "'add_after', 'unpack', change, 'change')" in text


def test_ninja_is_implied_by_its_generator():
    natives, _ = inputs_of(made("cmake", arguments={"generator": "Ninja"}))
    assert [*natives] == ["cmake", "ninja"]


def test_input_of_the_label_takes_the_place_of_the_tool():
    other = package("python-next")
    assert inputs_of(made("pyproject", inputs=[("python", other)])) == ({}, {"python": other})
    natives, ordinary = inputs_of(made("pyproject", native_inputs=[("python", other)]))
    assert (natives["python"], ordinary["python"]) == (other, other)
    assert inputs_of(made("cmake", native_inputs=[("cmake", other)])) == ({"cmake": other}, {})


def test_argument_takes_the_place_of_the_tool_and_stays_out_of_the_build():
    other = package("python-next")
    given = made("pyproject", arguments={"python": other})
    assert inputs_of(given) == ({}, {"python": other})
    assert "    python=" not in program(lower(given).origin)


def test_argument_that_is_no_package_is_told():
    with pytest.raises(BadRecord, match="argument `cmake` of package `greet`: expected a package, found"):
        made("cmake", arguments={"cmake": "newest"})


def test_what_a_tool_propagates_comes_with_it():
    library = package("library")
    given = package("perl", propagated_inputs=[library])
    register_tool("perl", lambda: given)
    _, ordinary = inputs_of(made("perl"))
    assert [*ordinary] == ["perl", "library"]


@pytest.fixture
def cross():
    """A toolchain of nothing that has a compiler for another machine."""
    compiler = package("compiler")
    made = make_toolchain()._replace(
        name="cross",
        cross=lambda _: CrossTools((Input("compiler", compiler),), ()),
        targets=("aarch64-linux-gnu",),
    )
    register_toolchain("cross", lambda: made)
    with using_toolchain("cross"):
        yield lowering_for("/larix/store", "x86_64-linux", "aarch64-linux-gnu")


@pytest.mark.parametrize("name", ["perl", "pyproject", "python"])
def test_what_would_be_compiled_for_this_machine_is_not_built_for_another(cross, name):
    given = made(name)
    with pytest.raises(NoCrossBuild, match=f"build system `{name}` does not support cross builds") as caught:
        cross.lower(given)
    assert caught.value.place == given.location


@pytest.mark.parametrize("name", ["cmake", "copy", "meson"])
def test_tools_run_on_this_machine(cross, name):
    given = made(name, native_inputs=[package("generator")], inputs=[package("library")])
    bag = given.build_system.lower(given, cross)
    native, _ = IMPLIED[name]
    natives = {each.label: each.value for each in bag.build_inputs}
    assert set(natives) == {"generator", *native, "tools", "compiler"}
    assert all(isinstance(each, Native) for each in natives.values())
    assert [each.label for each in bag.host_inputs] == ["library"]
    text = program(cross.lower(given).origin)
    compile(text, "builder", "exec")
    assert "target='aarch64-linux-gnu'," in text


def test_package_without_implied_inputs_has_no_tools():
    assert inputs_of(made("cmake", arguments={"implicit_inputs": False})) == ({}, {})


def test_tool_is_the_same_object_each_time():
    assert tool("cmake") is tool("cmake")


def test_tool_that_no_distribution_has_is_told():
    with pytest.raises(UnknownTool, match="no distribution has the tool `scons-of-a-test`") as caught:
        tool("scons-of-a-test")
    assert caught.value.hint is not None
    assert "scons_of_a_test" in caught.value.hint


def test_tool_is_found_in_the_distribution_by_its_name(monkeypatch):
    monkeypatch.setattr("larix.packages.tools._factories", {})
    assert tool("perl").name == "perl"
