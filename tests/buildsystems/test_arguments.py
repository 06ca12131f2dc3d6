"""Arguments are checked when a definition is read: what they are, and what functions among them ask for."""

import re

import pytest

from larix.buildside import cmake as cmake_phases
from larix.buildside.gnu import standard_phases
from larix.buildsystems import build_system, build_system_names
from larix.buildsystems._kinds import ARGUMENT_KINDS
from larix.packages.catalogue import Catalogue
from larix.packages.record import BadRecord
from larix.packages.toolchain import UnknownToolchain
from toolchains import lower, package, program


def refused(arguments, system="gnu"):
    with pytest.raises(BadRecord) as caught:
        package(build_system=build_system(system), arguments=arguments)
    assert caught.value.place is not None
    assert caught.value.place.file == __file__
    return caught.value


@pytest.mark.parametrize(
    ("system", "argument", "value", "words"),
    [
        (
            "gnu",
            "configure_flags",
            "--foo",
            "expected a list of words, or a function .*, found the str '--foo'",
        ),
        ("gnu", "make_flags", {"a": 1}, "expected a list of words, .*, found the dict"),
        ("gnu", "make_flags", ["-j", 2], "found the int 2 in it"),
        ("gnu", "strip_directories", "lib", "expected a list of words"),
        ("gnu", "tests", "no", "expected True or False, or a function .*, found the str 'no'"),
        ("gnu", "tests", None, "expected True or False"),
        ("gnu", "implicit_inputs", lambda: True, "expected True or False, found the function"),
        ("gnu", "install_target", ["install"], "expected a string"),
        ("gnu", "license_files", "(", "expected a regular expression, .*, found '\\(': missing"),
        ("gnu", "toolchain", 3, "expected a string, or None, found the int 3"),
        ("gnu", "allowed_references", "out", "expected a list of names of outputs and packages"),
        ("cmake", "test_exclude", "*", "expected a regular expression, or None"),
        ("cmake", "cmake", "newest", "expected a package, found the str 'newest'"),
        ("copy", "install_plan", ("./", "share"), "expected a list of steps, .*, found the step './'"),
        ("copy", "install_plan", [("a", "b", {"only": []})], "expected a list of steps"),
        ("copy", "install_plan", [("a", "b", {"include": ".el"})], "expected a list of steps"),
        ("pyproject", "config_settings", ["x"], "expected a mapping of names to values"),
        ("trivial", "builder", "make", "expected a function that makes the outputs"),
    ],
)
def test_wrong_kind_is_told_at_the_definition(system, argument, value, words):
    message = refused({argument: value}, system).message
    assert message.startswith(f"argument `{argument}` of package `hello`: ")
    assert re.search(words, message)


def test_words_in_one_string_are_written_as_a_list_in_the_hint():
    assert refused({"configure_flags": "--a '--b c'"}).hint == 'write `["--a", "--b c"]`'
    assert refused({"make_flags": "a'b\"c'd\""}).hint is not None
    assert refused({"configure_flags": "it's"}).hint == 'write `["it\'s"]`'


def test_what_is_right_is_taken():
    tool = package("tool")
    package(arguments={"configure_flags": ["--a", tool], "make_flags": (), "tests": lambda target: target})
    package(build_system=build_system("cmake"), arguments={"test_target": None, "cmake": tool})
    plan = [("a", "b"), ["lib/", "lib", {"include": [".el"]}]]
    package(build_system=build_system("copy"), arguments={"install_plan": plan})
    package(arguments={"allowed_references": ["out", tool], "disallowed_references": None})


def test_late_arguments_are_checked_when_they_are_read():
    late = package(arguments=lambda: {"tests": "no"})
    with pytest.raises(BadRecord, match="argument `tests` of package `hello`: expected True or False"):
        lower(late)


def test_unknown_toolchain_is_told_with_the_package():
    with pytest.raises(UnknownToolchain, match="no toolchain is called `sead`") as caught:
        lower(package(arguments={"toolchain": "sead"}))
    assert caught.value.place is not None
    assert caught.value.place.file == __file__


@pytest.mark.parametrize("name", build_system_names())
def test_every_argument_has_a_kind(name):
    system = build_system(name)
    assert [each for each in system.argument_names if system.argument_kind(each) is None] in ([], ["phases"])


def test_no_kind_is_left_over():
    used = {each for name in build_system_names() for each in build_system(name).argument_names}
    assert set(ARGUMENT_KINDS) <= used


def test_names_that_builds_are_said_to_give_are_those_of_the_program():
    def show(**_):
        """Take all."""

    text = program(lower(package(arguments={"phases": standard_phases.add_after("unpack", show)})).origin)
    call = text[text.rindex("run_phases(\n") :]
    given = set(re.findall(r"^    (\w+)=", call, re.MULTILINE))
    assert given == {*build_system("gnu").given_names, "phases"}
    made = package(build_system=build_system("trivial"), arguments={"builder": show})
    text = program(lower(made).origin)
    given = set(re.findall(r"^    (\w+)=", text[text.rindex("run_builder(\n") :], re.MULTILINE))
    assert given == {*build_system("trivial").given_names, "builder"}


def test_phase_that_asks_for_what_no_build_gives_is_told_at_its_line():
    def spoil(*, tets):
        print(tets)

    error = refused({"phases": standard_phases.add_after("unpack", spoil), "tests": False})
    assert error.message == "phase `spoil` of package `hello` asks for `tets`, which builds do not give"
    assert error.place.line == spoil.__code__.co_firstlineno
    assert error.hint.startswith("Did you mean `tests'? (they give: build_triplet, inputs, name,")


def test_phase_that_asks_for_an_argument_that_is_not_given_is_told():
    def show(tests, *, make_flags=()):
        print(tests, make_flags)

    phases = standard_phases.replace("check", show)
    error = refused({"phases": phases})
    assert error.message.endswith("asks for `tests`, which the package does not give")
    assert error.hint == "give the parameter a default value"
    package(arguments={"phases": phases, "tests": True})


def test_function_of_an_argument_is_looked_at_too():
    def build(*, native_inputs):
        print(native_inputs)

    error = refused({"configure_flags": lambda imputs: [f"--with={imputs}"]})
    assert "the function of argument `configure_flags` of package `hello` asks for `imputs`" in error.message
    error = refused({"builder": build}, "trivial")
    assert "asks for `native_inputs`, which builds do not give" in error.message


def test_phase_of_another_build_system_is_taken():
    package(
        arguments={"phases": standard_phases.replace("configure", cmake_phases.standard_phases["configure"])}
    )


def test_arguments_of_all_packages_of_the_distribution_are_right():
    catalogue = Catalogue()
    for entry in catalogue.entries:
        catalogue.load(entry).check_arguments()
