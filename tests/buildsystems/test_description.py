"""What is told of build systems is true of them."""

import pytest

from larix.buildsystems import UnknownBuildSystem, build_system, build_system_names
from larix.buildsystems._description import MEANINGS, describe_build_system
from larix.buildsystems.gnu import HOST_ARGUMENTS
from larix.packages.bag import REFERENCE_LIMITS

WITH_PHASES = [name for name in build_system_names() if name != "trivial"]


@pytest.mark.parametrize("name", WITH_PHASES)
def test_every_argument_is_taken_by_a_phase_or_by_the_host(name):
    """A package that gives one which nothing takes would be deceived."""
    found = describe_build_system(name)
    idle = {each.name for each in found.arguments if not each.phases}
    assert idle == {*HOST_ARGUMENTS, *REFERENCE_LIMITS, "phases", *found.tools}


@pytest.mark.parametrize("name", WITH_PHASES)
def test_every_argument_of_a_phase_is_known_or_given_by_the_host(name):
    """A phase that asks for what no package can give would always run on its default."""
    system = build_system(name)
    asked = set()
    for _, function in system.default_phases.pairs:
        code = function.__code__
        asked.update(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    assert asked <= set(system.given_names) | set(system.argument_names)


@pytest.mark.parametrize("name", build_system_names())
def test_every_argument_has_a_meaning(name):
    found = describe_build_system(name)
    assert found.text
    assert found.summary
    for each in found.arguments:
        assert each.meaning, each.name


def test_no_meaning_is_left_over():
    used = {each.name for name in build_system_names() for each in describe_build_system(name).arguments}
    assert set(MEANINGS) <= used


def test_defaults_and_phases_are_those_of_the_functions():
    arguments = {each.name: each for each in describe_build_system("cmake").arguments}
    assert arguments["build_type"].default == "'RelWithDebInfo'"
    assert arguments["tests"].phases == ("configure", "check")
    assert arguments["cmake"].default is None


def test_unknown_name_is_told():
    with pytest.raises(UnknownBuildSystem, match="no build system is called `cmke`"):
        describe_build_system("cmke")
