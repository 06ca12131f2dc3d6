import pytest

from larix.buildside.files import substitute
from larix.buildside.gnu import gnu_phases, standard_phases
from larix.buildside.phases import changed_phases
from larix.buildsystems import UnknownBuildSystem, build_system, build_system_names
from larix.buildsystems._arguments import BadArguments, gnu_triplet
from larix.packages.record import BadRecord
from larix.packages.toolchain import UnknownTarget, lowering_for, using_toolchain
from larix.staging import StagingError, plain_text
from toolchains import TOOLS, gnu, lower, package, program

gawk = package("gawk", version="4.0.2")


def configure_flags(inputs):
    return ["--disable-color", f"--with-gawk={inputs['gawk']}", f"--same={gawk}"]


def change_hello(*, system, **_):
    substitute("src/hello.c", (r"Hello, world!", f"Howdy! Running on {system}."))


def test_builder_calls_the_phases_with_the_package_and_its_inputs():
    text = program(lower(package(source=plain_text("hello.tar", ""), inputs=[gawk])).origin)
    compile(text, "builder", "exec")
    for words in (
        "name='hello',",
        "version='1.0',",
        "'gawk': Path(",
        "-hello.tar')",
        "-tools'),)",
        "bin/bash')",
    ):
        assert words in text
    assert "phases=gnu_phases()," in text


def test_function_as_argument_is_staged_and_called_in_the_build():
    item = lower(package(inputs=[gawk], arguments={"configure_flags": configure_flags}))
    text = program(item.origin)
    assert "configure_flags=configure_flags," in text
    assert "def configure_flags(inputs):" in text
    assert "gawk = Path(" in text


def test_added_phase_stands_in_its_place_and_brings_its_module():
    """The paper's Figure 8, up to the derivation."""
    howdy = package(arguments={"phases": standard_phases.add_after("configure", change_hello)})
    text = program(lower(howdy).origin)
    change = "changed_phases(gnu_phases(), 'add_after', 'configure', change_hello, 'change-hello')"
    assert f"phases={change}," in text
    assert "from larix.buildside.files import substitute" in text


def test_changed_phases_are_the_same_in_the_build():
    """The program's own expression, evaluated, gives what the host has."""
    phases = (
        standard_phases.delete("check", "strip")
        .replace("build", change_hello)
        .add_before("unpack", change_hello)
    )
    text = program(lower(package(arguments={"phases": phases})).origin)
    (line,) = [each for each in text.splitlines() if each.startswith("    phases=")]
    names = {"changed_phases": changed_phases, "gnu_phases": gnu_phases, "change_hello": change_hello}
    made = eval(line.strip().removeprefix("phases=").rstrip(","), names)
    assert made == phases


def test_phase_that_captures_what_cannot_follow_is_told_at_its_line():
    lock = object()

    def phase(**_):
        print(lock)

    with pytest.raises(StagingError, match="lock") as caught:
        lower(package(arguments={"phases": standard_phases.add_after("build", phase)}))
    assert caught.value.place is not None
    assert caught.value.place.file == __file__


@pytest.mark.parametrize(("name", "meant"), [("configure_flag", "configure_flags"), ("test", "tests")])
def test_unknown_argument_is_told_with_the_one_meant(name, meant):
    with pytest.raises(BadRecord, match=f"has no argument `{name}`") as caught:
        lower(package(arguments={name: []}))
    assert caught.value.hint == f"Did you mean `{meant}'?"
    assert caught.value.place is not None


def test_limits_of_references_become_the_derivations():
    item = lower(
        package(
            inputs=[gawk],
            arguments={"allowed_references": ["out", gawk], "disallowed_references": [TOOLS]},
        )
    )
    env = item.origin.derivation.env
    assert env[b"allowedReferences"] == f"out {lower(gawk).path}".encode()
    assert env[b"disallowedReferences"] == lower(TOOLS).path.encode()


def test_build_without_the_toolchain_has_none_of_it_on_its_path():
    text = program(lower(package(arguments={"implicit_inputs": False})).origin)
    assert "toolchain=()," in text
    assert "shell=None," in text


def test_bag_tells_what_is_for_the_build_and_what_for_the_result():
    perl, zlib = package("perl"), package("zlib")
    with using_toolchain("test"):
        lowering = lowering_for("/larix/store", "x86_64-linux")
        bag = gnu.lower(package(native_inputs=[perl], inputs=[zlib]), lowering)
    assert [each.label for each in bag.build_inputs] == ["perl", "tools"]
    assert [each.label for each in bag.host_inputs] == ["zlib"]


def test_cross_builds_need_a_compiler_of_the_toolchain():
    with using_toolchain("test"):
        lowering = lowering_for("/larix/store", "x86_64-linux", "aarch64-linux-gnu")
        with pytest.raises(UnknownTarget, match="`test` has no compiler for `aarch64-linux-gnu`"):
            lowering.lower(package())


def test_build_systems_are_found_by_listing_the_folder():
    assert {"gnu", "trivial"} <= set(build_system_names())
    for name in build_system_names():
        assert build_system(name).name == name
    with pytest.raises(UnknownBuildSystem, match="no build system is called `gnuu`") as caught:
        build_system("gnuu")
    assert caught.value.hint == "Did you mean `gnu'?"


def test_triplets():
    assert gnu_triplet("x86_64-linux") == "x86_64-unknown-linux-gnu"
    assert gnu_triplet("armhf-linux") == "arm-linux-gnueabihf"


def make_output(output, inputs, name):
    output.write_text(f"{name} {inputs['zlib']}")


def test_trivial_build_runs_one_function():
    zlib = package("zlib")
    item = lower(
        package(build_system=build_system("trivial"), inputs=[zlib], arguments={"builder": make_output})
    )
    text = program(item.origin)
    assert "builder=make_output," in text
    assert "'zlib': Path(" in text


def test_trivial_build_needs_its_function():
    with pytest.raises(BadArguments, match="needs the argument `builder`"):
        lower(package(build_system=build_system("trivial")))
