import pytest

from larix.buildsystems import build_system
from larix.buildsystems.cmake import cmake
from larix.buildsystems.perl import perl
from larix.buildsystems.pyproject import pyproject
from larix.derivation import instantiation_order
from larix.packages.record import BadRecord
from larix.packages.specification import parse_specification
from larix.packages.toolchain import lowering_for, using_toolchain
from larix.packages.tools import register_tool
from larix.packages.transform import (
    Rule,
    also_replacement,
    depends_on,
    mapped_inputs,
    packages_below,
    rewrite_inputs,
    rewrite_matching,
    static_package,
    with_configure_flags,
    with_debug_info,
    with_replacement,
    with_source,
    without_tests,
)
from larix.staging import plain_text
from toolchains import lower, package, program


def names(item):
    return {each.name for each in instantiation_order([item.origin])}


def flags_in(item, name):
    (found,) = [each for each in instantiation_order([item.origin]) if each.name == name]
    return program(found)


def test_static_package_adds_flags_through_the_graph_but_not_to_what_runs_in_the_build():
    deep, tool = package("deep"), package("tool")
    library = package("library", inputs=[deep])
    hello = package(inputs=[library], native_inputs=[tool], arguments={"configure_flags": ["--own"]})
    item = lower(static_package(hello))
    assert "'--own', '--disable-shared', '--enable-static'" in program(item.origin)
    for name in ("library-1.0", "deep-1.0"):
        assert "'--disable-shared', '--enable-static'" in flags_in(item, name)
        assert "LDFLAGS=-static" in flags_in(item, name)
    assert "--disable-shared" not in flags_in(item, "tool-1.0")


def test_flags_that_a_function_gives_are_extended_in_the_build():
    def configure_flags(outputs):
        return [f"--libdir={outputs['out']}/lib"]

    text = program(
        lower(with_configure_flags(package(arguments={"configure_flags": configure_flags}), ["-x"])).origin
    )
    assert "def configure_flags(outputs):" in text
    assert "-x" in text
    compile(text, "builder", "exec")


def test_transformation_keeps_sharing_and_places():
    shared = package("shared")
    top = package(inputs=[package("one", inputs=[shared]), package("two", inputs=[shared])])
    made = static_package(top)
    one, two = (each.value for each in made.inputs)
    assert one.inputs[0].value is two.inputs[0].value
    assert made.location == top.location
    assert static_package(top) is made
    assert static_package(made) is made


def test_rewritten_input_replaces_everywhere_and_the_rest_keeps_its_derivations():
    old, other = package("zlib"), package("other")
    middle = package("middle", inputs=[old], propagated_inputs=[other])
    top = package(inputs=[middle], native_inputs=[(old, "out")])
    new = package("zlib-ng", version="2")
    for key in (old, "zlib"):
        item = lower(rewrite_inputs({key: new})(top))
        assert "zlib-ng-2" in names(item)
        assert "zlib-1.0" not in names(item)
    assert lower(rewrite_inputs({"absent": new})(top)).path == lower(top).path
    newer = rewrite_inputs({old: lambda p: p.inherit(version="9")})(top)
    assert "zlib-9" in names(lower(newer))


def test_transformation_of_ones_own_sees_inputs_that_are_done():
    seen = []

    def note(each):
        seen.append((each.name, [given.value.name for given in each.inputs]))
        return each.inherit(name=f"new-{each.name}")

    change = mapped_inputs(note)
    made = change(package("top", inputs=[package("below")]))
    assert made.name == "new-top"
    assert made.inputs[0].value.name == "new-below"
    assert seen == [("below", []), ("top", ["new-below"])]


def test_source_and_tests_can_be_changed():
    hello = package(source=plain_text("a", ""))
    assert lower(with_source(hello, plain_text("b", ""), version="3")).path.endswith("-hello-3")
    assert "tests=False" in program(lower(without_tests(hello)).origin)
    for name in ("trivial", "copy"):
        with pytest.raises(BadRecord, match=f"build system `{name}` of package `hello` runs no tests"):
            without_tests(hello.inherit(build_system=build_system(name)))


def test_rules_apply_to_what_they_name_wherever_it_is_and_in_their_order():
    old, newer = package("lib", version="1.5"), package("lib", version="2.0")
    top = package("top", inputs=[old, ("newer", newer)])
    first = Rule(parse_specification("lib@1"), lambda each: with_configure_flags(each, ["--a"]))
    second = Rule(parse_specification("lib"), lambda each: with_configure_flags(each, ["--b"]))
    made = rewrite_matching([first, second])(top)
    flags = [each.value.arguments["configure_flags"] for each in made.inputs]
    assert flags == [("--a", "--b"), ("--b",)]
    assert rewrite_matching([first])(old).arguments["configure_flags"] == ("--a",)
    assert lower(rewrite_matching([])(top)).path == lower(top).path


def test_replacements_are_kept_and_changed_in_the_same_way():
    fixed = package("lib", version="1.1", inputs=[package("zlib")])
    lib = package("lib", inputs=[package("zlib")], replacement=fixed)
    top = package("top", inputs=[lib])
    made = rewrite_inputs({"zlib": package("zlib-ng")})(top)
    (inner,) = [each.value for each in made.inputs]
    assert [each.value.name for each in inner.replacement.inputs] == ["zlib-ng"]
    quick = also_replacement(without_tests)(lib)
    assert (quick.arguments["tests"], quick.replacement.arguments["tests"]) == (False, False)
    assert without_tests(lib).replacement is None
    assert with_replacement(lib, top).replacement is top
    assert lower(with_replacement(lib, top)).path == lower(lib).path


def test_debugging_information_is_kept_by_not_stripping():
    assert "strip_binaries=False" in program(lower(with_debug_info(package())).origin)


def test_all_packages_below_are_met_once():
    shared = package("shared")
    one = package("one", inputs=[shared])
    top = package("top", native_inputs=[one], propagated_inputs=[shared.output("out")])
    assert sorted(each.name for each in packages_below(top)) == ["one", "shared", "top"]


@pytest.fixture
def tools(monkeypatch):
    """Packages of nothing for the tools that build systems imply; `python` needs `zlib`, `perl` nothing."""
    monkeypatch.setattr("larix.packages.tools._factories", {})
    zlib = package("zlib")
    made = {"python": package("python", inputs=[zlib]), "perl": package("perl"), "cmake": package("cmake")}
    for name, each in made.items():
        register_tool(name, lambda each=each: each)
    return {**made, "zlib": zlib}


def implied_in(given):
    bag = given.build_system.lower(given, lowering_for("/larix/store", "x86_64-linux"))
    return {each.label: each.value for each in (*bag.build_inputs, *bag.host_inputs) if each.label != "tools"}


def test_what_build_systems_imply_is_rewritten_at_any_distance(tools):
    new = package("new")
    with using_toolchain("test"):
        flask = package(
            "flask", build_system=pyproject, inputs=[("click", package("c", build_system=pyproject))]
        )
        made = rewrite_inputs({"python": new})(flask)
        assert implied_in(made)["python"] is new
        assert implied_in(implied_in(made)["click"])["python"] is new
        below = implied_in(implied_in(rewrite_inputs({"zlib": new})(flask))["python"])
        assert below["zlib"] is new
        assert implied_in(rewrite_inputs({"cmake": new})(package(build_system=cmake)))["cmake"] is new
        assert {each.name for each in packages_below(flask)} == {"flask", "c", "python", "zlib"}
        assert depends_on(lambda each: each is tools["zlib"])(flask)


def test_what_implies_nothing_that_changes_keeps_its_derivation(tools):
    other = package("other")
    for given in (package(build_system=perl), package(build_system=perl, inputs=[("perl", other)])):
        assert lower(rewrite_inputs({"absent": other})(given)).path == lower(given).path


def test_named_tools_are_rewritten_where_they_are_named(tools):
    new, own = package("new"), package("python", version="9")
    with using_toolchain("test"):
        for fields in ({"arguments": {"python": own}}, {"inputs": [("python", own)]}):
            made = rewrite_inputs({own: new})(package(build_system=pyproject, **fields))
            assert implied_in(made)["python"] is new
        alone = package(build_system=pyproject, arguments={"implicit_inputs": False})
        assert implied_in(rewrite_inputs({"python": new})(alone)) == {}


def test_static_packages_leave_implied_tools_alone(tools):
    made = static_package(package(inputs=[package("p", build_system=pyproject)]))
    assert "python" not in made.inputs[0].value.arguments
