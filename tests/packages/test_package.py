import ast

import pytest

from larix.derivation import instantiation_order
from larix.errors import LarixError
from larix.packages.inputs import NoOutput
from larix.packages.package import UnsupportedSystem, package_derivation
from larix.packages.platform import current_system
from larix.packages.record import BadRecord
from larix.packages.search_paths import SearchPath
from larix.staging import LoweringCycle, StagingError, plain_text
from toolchains import gnu, licenses, lower, package, program, trivial


def drv_names(item):
    return {each.name for each in instantiation_order([item.origin])}


def test_package_lowers_to_a_derivation_of_its_name_with_its_inputs():
    gawk = package("gawk", version="5")
    item = lower(package(inputs=[gawk], source=plain_text("hello.tar", "x")))
    assert item.path.endswith("-hello-1.0")
    assert "gawk-5" in drv_names(item)
    assert any(each.path.endswith("-hello.tar") for each in item.origin.sources)


def test_same_definition_gives_the_same_derivation_and_another_field_another():
    first, second = lower(package()), lower(package())
    assert first.path == second.path
    assert lower(package(synopsis="Other words", properties={"tunable": True})).path == first.path
    assert lower(package(version="1.1")).path != first.path
    assert lower(package(arguments={"tests": False})).path != first.path


def test_shared_dependency_is_lowered_once():
    shared = package("shared")
    one, two = package("one", inputs=[shared]), package("two", inputs=[shared])
    item = lower(package(inputs=[one, two]))
    inputs = {name: each for each, _ in item.origin.inputs for name in [each.name]}
    deep = [
        each
        for name in ("one-1.0", "two-1.0")
        for each, _ in inputs[name].inputs
        if each.name == "shared-1.0"
    ]
    assert deep[0] is deep[1]


def test_late_inputs_may_name_what_is_defined_later():
    user = package("user", inputs=lambda: [later])
    later = package("later")
    assert "later-1.0" in drv_names(lower(user))


def test_late_fields_see_the_system_that_is_built_on():
    seen = package(version=lambda: "64" if current_system().startswith("x86_64") else "32")
    assert lower(seen).path.endswith("-hello-64")
    assert lower(seen, "i686-linux").path.endswith("-hello-32")


def test_cycle_is_told_with_the_packages_and_their_places():
    one = package("one", inputs=lambda: [two])
    two = package("two", inputs=lambda: [one])
    with pytest.raises(LoweringCycle, match=r"one .*test_package\.py:\d+.* → two .* → one"):
        lower(one)


def test_unknown_input_is_told_at_its_line():
    broken = package("broken", inputs=lambda: [gawkk])  # noqa: F821
    with pytest.raises(BadRecord, match=r"`inputs` of package `broken`: unknown name `gawkk`") as caught:
        lower(package(inputs=[broken]))
    assert caught.value.place is not None
    assert caught.value.place.file == __file__


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "a b"}, "field `name`"),
        ({"version": "1/2"}, "field `version`"),
        ({"inputs": ["gawk"]}, "name the package itself"),
        ({"inputs": 3}, "a list of packages"),
        ({"inputs": [pytest]}, "the module `pytest`; name the package in it"),
        ({"license": "GPL"}, "a licence of `larix.packages.licenses`"),
        ({"build_system": "gnu"}, "a build system such as"),
        ({"outputs": []}, "one output or more"),
        ({"outputs": ["out", "out"]}, "one output or more"),
        ({"source": "hello.tar.gz"}, "an origin, a local file"),
        ({"arguments": {"phases": []}}, "`phases` as a Phases value"),
        ({"search_paths": ["PATH"]}, "a list of SearchPath values"),
        ({"search_paths": [SearchPath("X", "bin")]}, "a list of names as `files` of X, found 'bin'"),
        ({"search_paths": [SearchPath("X", (1,))]}, "a list of names as `files` of X, found (1,)"),
        ({"search_paths": [SearchPath("X", ("a",), kind="file")]}, "`directory` or `regular` as `kind` of X"),
        ({"search_paths": [SearchPath("X", ("a",), pattern="(")]}, "a regular expression as `pattern` of X"),
        (
            {"home_page": "example.org"},
            "an address such as `https://example.org/`, or None, found 'example.org'",
        ),
        ({"supported_systems": ["x86_64_linux"]}, "systems such as `x86_64-linux`, found 'x86_64_linux'"),
        ({"supported_systems": "x86_64-linux"}, "a list of systems"),
        ({"hidden": "yes"}, "expected True or False, found the str 'yes'"),
        ({"superseded_by": "hello"}, "expected a package, or None, found the str 'hello'"),
        ({"properties": {"hidden": True}}, "no property of what is a field"),
        ({"propagated_inputs": [("out", "doc")]}, "name the package itself"),
    ],
)
def test_wrong_field_is_told_at_the_definition(fields, words):
    with pytest.raises(BadRecord) as caught:
        package(**fields)
    assert words in str(caught.value)
    assert caught.value.place is not None


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"sinopsis": "x"}, "Did you mean `synopsis'?"),
        ({"native_input": []}, "Did you mean `native_inputs'?"),
        ({"supported_systems": ["x86_64_linux"]}, "Did you mean `x86_64-linux'?"),
        ({"supported_systems": ["x86_64-linx"]}, "Did you mean `x86_64-linux'?"),
        ({"supported_systems": ["aarch46-linux"]}, "Did you mean `aarch64-linux'?"),
        ({"license": "GPL 3+"}, "Did you mean `licenses.gpl3_plus'?"),
        ({"license": ["apache-2"]}, "Did you mean `licenses.apache2'?"),
        ({"properties": {"superseded": "x"}}, "write `superseded_by=…`"),
    ],
)
def test_mistake_comes_with_what_was_meant(fields, hint):
    with pytest.raises(BadRecord) as caught:
        package(**fields)
    assert caught.value.hint == hint


def test_files_of_search_paths_may_be_a_list():
    assert package(search_paths=[SearchPath("X", ["bin"])]).search_paths == (SearchPath("X", ("bin",)),)


def test_hidden_and_superseded_packages_say_so():
    new = package("new")
    old = package("old", superseded_by=lambda: new, hidden=True)
    assert (old.superseded_by, old.hidden) == (new, True)
    assert (new.superseded_by, new.hidden) == (None, False)
    assert lower(package("old")).path == lower(old).path


def test_two_inputs_of_one_label_must_be_labelled():
    with pytest.raises(BadRecord, match=r"two called `zlib`"):
        package(inputs=[package("zlib"), package("zlib", version="2")])
    both = package(inputs=[package("zlib"), ("old-zlib", package("zlib", version="2"))])
    assert [each.label for each in both.inputs] == ["zlib", "old-zlib"]


def test_inputs_are_written_in_several_ways():
    gawk = package("gawk", outputs=["out", "doc"])
    for written in ([gawk.output("doc")], [(gawk, "doc")], [("gawk:doc", gawk.output("doc"))]):
        made = package(inputs=written)
        assert [(each.label, each.value) for each in made.inputs] == [("gawk:doc", gawk.output("doc"))]
    assert package(inputs={"awk": gawk}).inputs == (("awk", gawk),)
    text = plain_text("notes", "x")
    assert package(inputs=[text]).inputs == (("notes", text),)


def test_output_that_is_not_there_is_told_with_those_that_are():
    gawk = package("gawk", outputs=["out", "doc"])
    with pytest.raises(BadRecord, match=r"`gawk@1.0` lacks output `bin`") as caught:
        package(inputs=[(gawk, "bin")])
    assert caught.value.hint == "it has: out, doc"
    assert caught.value.place is not None
    assert caught.value.place.file == __file__
    with pytest.raises(BadRecord) as caught:
        package(propagated_inputs={"awk": gawk.output("dco")})
    assert caught.value.hint == "Did you mean `doc'? (it has: out, doc)"
    with pytest.raises(NoOutput, match=r"`gawk@1.0` lacks output `bin`"):
        lower(gawk.output("bin"))


def test_outputs_have_paths_of_their_own():
    gawk = package("gawk", outputs=["out", "doc"])
    assert lower(gawk.output("doc")).path.endswith("-gawk-1.0-doc")
    assert lower(gawk.output("out")).path == lower(gawk).path


def test_package_without_an_output_called_out_stands_for_its_first():
    item = lower(package("split", outputs=["lib", "doc"]))
    assert item.output == "lib"
    assert item.path.endswith("-split-1.0-lib")


def test_propagated_inputs_reach_users_of_users():
    deep = package("deep")
    middle = package("middle", propagated_inputs=[deep])
    library = package("library", propagated_inputs=[middle])
    assert {"deep-1.0", "middle-1.0"} <= {
        each.name for each, _ in lower(package(inputs=[library])).origin.inputs
    }


def test_versions_that_meet_by_propagation_keep_both():
    old = package("zlib", version="1")
    user = package("user", propagated_inputs=[package("zlib", version="2")])
    text = program(lower(package(inputs=[old, user])).origin)
    assert "'zlib': Path(" in text
    assert "'zlib-2': Path(" in text


def test_wrong_system_is_refused():
    with pytest.raises(UnsupportedSystem, match=r"`hello@1.0` does not support riscv64-linux"):
        lower(package(), "riscv64-linux")


def test_native_search_paths_of_inputs_reach_the_build():
    perl = package("perl", native_search_paths=[SearchPath("PERL5LIB", ("lib/perl5",))])
    assert "('PERL5LIB', ('lib/perl5',), ':', 'directory', None)" in program(
        lower(package(native_inputs=[perl])).origin
    )


def test_package_has_no_file_name_on_the_host():
    with pytest.raises(StagingError, match=r"has no file name on the host"):
        f"{package()}/bin"
    assert "hello@1.0" in repr(package())


def test_file_in_a_package_follows_into_a_build():
    bash = package("bash")
    item = lower(package(arguments={"configure_flags": ["--with-shell", bash / "bin" / "bash"]}))
    assert "-bash-1.0/bin/bash')" in program(item.origin)


def test_build_system_that_makes_nothing_is_told():
    class Bad:
        name = "bad"
        description = ""

        def lower(self, package, lowering):
            bag = gnu.lower(package, lowering)
            return bag._replace(build=lambda bag, lowering: (_ for _ in ()).throw(LarixError("no")))

    with pytest.raises(LarixError, match=r"^no$"):
        lower(package(build_system=Bad()))


def test_derivation_of_a_package_is_the_one_it_lowers_to():
    from larix.formats.storepath import DEFAULT_STORE_DIR
    from larix.packages.toolchain import lowering_for
    from toolchains import using_toolchain

    hello = package(build_system=trivial, arguments={"builder": make_output})
    with using_toolchain("test"):
        lowering = lowering_for(DEFAULT_STORE_DIR, "x86_64-linux")
        assert package_derivation(hello, lowering) is lowering.lower(hello).origin


def make_output(output):
    output.write_text("x")


def test_licences_may_be_several():
    assert package(license=[licenses.gpl3_plus, licenses.expat]).license == (
        licenses.gpl3_plus,
        licenses.expat,
    )


def test_no_licence_is_defined_twice():
    with open(licenses.__file__, encoding="utf-8") as stream:
        tree = ast.parse(stream.read())
    names = [each.targets[0].id for each in tree.body if isinstance(each, ast.Assign)]
    assert sorted(names) == sorted(set(names))


def test_no_two_licences_have_one_name():
    known = [each for each in vars(licenses).values() if isinstance(each, licenses.License)]
    assert len({each.name for each in known}) == len(known) > 70
    assert licenses.x11_style("https://example.org/").name == "X11-style"
    assert package(license=licenses.bsd_style("https://example.org/", "as told there")).license[0].comment


def test_unknown_argument_is_told_at_the_definition_with_the_one_meant():
    with pytest.raises(BadRecord, match=r"`gnu` of package `hello` has no argument `test`") as caught:
        package(arguments={"test": False})
    assert caught.value.hint == "Did you mean `tests'?"
    assert caught.value.place is not None
    assert caught.value.place.file == __file__
    late = package(arguments=lambda: {"mkae_flags": []})
    with pytest.raises(BadRecord, match="has no argument `mkae_flags`"):
        late.check_arguments()
    package(arguments={"allowed_references": []})


def test_field_that_is_assigned_is_told_with_the_package():
    """A package as text is a store file name, which the host has not."""
    with pytest.raises(BadRecord) as caught:
        package().version = "3"
    assert caught.value.message == "field `version` of package `hello` cannot be changed"
    assert caught.value.hint == "make a variant: `.inherit(version=…)`"


def test_output_in_the_form_of_guix_is_told_with_how_it_is_written():
    glib = package("glib", outputs=["out", "doc"])
    with pytest.raises(BadRecord, match="found a label, a package and an output in one") as caught:
        package(inputs=[("glib:doc", glib, "doc")])
    assert caught.value.hint == 'write `("glib:doc", (glib, "doc"))`'
    (found,) = package(inputs=[("glib:doc", (glib, "doc"))]).inputs
    assert (found.label, found.value) == ("glib:doc", glib.output("doc"))
