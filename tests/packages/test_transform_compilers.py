import os
import subprocess
import sys

import pytest

from larix.derivation import instantiation_order
from larix.packages.record import BadRecord
from larix.packages.toolchain import UnknownToolchain
from larix.packages.transform_compilers import (
    UnknownProcessor,
    check_processor,
    tuned,
    tuning,
    with_c_toolchain,
    with_compilers_below,
)
from toolchains import lower, package, program, trivial


def native_names(made):
    return [each.label for each in made.native_inputs]


def test_a_tuned_variant_finds_wrapped_compilers_before_all_others():
    made = tuned(package(native_inputs=[package("tool")]), "skylake")
    assert native_names(made) == ["tuning-compilers", "tool"]
    (compilers,) = [
        each for each in instantiation_order([lower(made).origin]) if each.name == "compilers-for-skylake"
    ]
    assert "flags=('-march=skylake',)," in program(compilers)


def test_tunable_packages_alone_are_replaced_wherever_they_are():
    fast = package("fast", properties={"tunable": True})
    slow = package("slow", inputs=[fast])
    top = package("top", inputs=[slow])
    made = tuning("x86-64-v3")(top)
    assert lower(made).path == lower(top).path
    (inner,) = [each.value for each in made.inputs]
    assert (made.replacement, inner.replacement) == (None, None)
    (deep,) = [each.value for each in inner.inputs]
    assert native_names(deep.replacement) == ["tuning-compilers"]
    fixed = package("fast", version="2", properties={"tunable": True})
    both = tuning("x86-64-v3")(package("fast", properties={"tunable": True}, replacement=fixed))
    assert both.replacement.version == "2"
    assert native_names(both.replacement) == ["tuning-compilers"]


def test_processors_are_those_of_the_machine():
    check_processor("x86-64-v3", "x86_64-linux")
    check_processor("armv8-a", "aarch64-linux")
    with pytest.raises(UnknownProcessor, match="no processor of x86_64 is called `skylak`") as caught:
        check_processor("skylak", "x86_64-linux")
    assert caught.value.hint == "Did you mean `skylake'?"
    with pytest.raises(UnknownProcessor):
        check_processor("x86-64-v3", "aarch64-linux")
    with pytest.raises(UnknownProcessor, match="no processor of riscv64"):
        check_processor("x86-64-v3", "riscv64-linux")


def test_a_compiler_is_a_package_or_a_toolchain():
    compiler = package("gcc", version="99")
    assert native_names(with_c_toolchain(package(), compiler)) == ["c-toolchain"]
    assert with_c_toolchain(package(), "test").arguments["toolchain"] == "test"
    with pytest.raises(UnknownToolchain):
        with_c_toolchain(package(), "absent")
    strange = package(build_system=trivial, arguments={"builder": lambda: None})
    assert with_c_toolchain(strange, "test").arguments["toolchain"] == "test"


def test_what_needs_the_package_is_built_with_the_compiler_too_and_the_rest_is_not():
    lib, other = package("lib"), package("other")
    middle = package("middle", inputs=[lib, other])
    top = package("top", native_inputs=[middle], inputs=[other])
    made = with_compilers_below(lambda each: each.name == "lib", package("gcc", version="99"))(top)
    assert native_names(made) == ["c-toolchain", "middle"]
    inner = made.native_inputs[1].value
    assert native_names(inner) == ["c-toolchain"]
    assert native_names(inner.inputs[0].value) == ["c-toolchain"]
    assert native_names(inner.inputs[1].value) == []
    assert with_compilers_below(lambda each: each.name == "absent", other)(top) is top


def test_flags_are_refused_where_none_are_taken():
    from larix.packages.transform import with_configure_flags, with_debug_info

    strange = package(build_system=trivial, arguments={"builder": lambda: None})
    with pytest.raises(BadRecord, match="build system `trivial` of package `hello` takes no configure flags"):
        with_configure_flags(strange, ["--x"])
    with pytest.raises(BadRecord, match="takes no word on stripping"):
        with_debug_info(strange)


def test_toolchain_without_compilers_is_told_in_one_line(tmp_path):
    call = (
        "from pathlib import Path; from larix.packages.transform_compilers import make_wrapped_compilers; "
        "make_wrapped_compilers(output=Path('out'), inputs={}, flags=(), shell=Path('/bin/sh'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", call],
        cwd=tmp_path,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "error: wrap_compilers: the toolchain has no compiler\n"
