"""Grafts and other transformations, with the real toolchain: what comes out is run."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from larix.store.atomic import remove_tree

from .conftest import Larix

pytestmark = [
    pytest.mark.build,
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the seed is for x86_64"),
]


@pytest.fixture(scope="module")
def larix():
    """Build users read the store, so it cannot be below pytest's folder, which is private."""
    base = Path(tempfile.mkdtemp(prefix="lxgraft"))
    base.chmod(0o755)
    try:
        made = Larix(base, base / "store", base / "var")
        (base / "packages").mkdir()
        shutil.copy(Path(__file__).with_name("grafted_packages.py"), base / "packages")
        made.environment["LARIX_PACKAGE_PATH"] = str(base / "packages")
        yield made
    finally:
        remove_tree(str(base))


def built(larix, *words):
    """The results of a build, and what was told of it."""
    done = larix("build", "-v1", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


def told(text, heading):
    """The base names, without hashes, in one block of a plan."""
    lines = text.partition(f"The following {heading} will be ")[2].partition("\n\n")[0].splitlines()[1:]
    return sorted(os.path.basename(line).partition("-")[2] for line in lines)


def run(program):
    return subprocess.run([program], capture_output=True, check=True, text=True).stdout.splitlines()


def test_a_replacement_comes_into_effect_and_nothing_is_compiled_again(larix):
    (_, before), _ = built(larix, "--no-grafts", "hi")
    first = run(f"{before}/bin/hi")
    assert first[0] == "broken"
    (doc, after), text = built(larix, "hi")
    assert told(text, "derivation") == ["greet-1.0.1.drv"]
    assert told(text, "grafts") == ["greet-1.0.drv", "hi-1.0-doc.drv", "hi-1.0.drv"]
    assert (after != before, os.path.basename(after)[33:]) == (True, "hi-1.0")
    with open(f"{doc}/share/hi") as stream:
        assert stream.read() == f"The program is {after}/bin/hi.\n"
    greeting, library, own = run(f"{after}/bin/hi")
    assert greeting == "fixed"
    assert os.path.basename(library.removesuffix("/share/greet"))[33:] == "greet-1.0.1"
    # Code at -O2 has this name in pieces. It is the same library, by a link of the old name.
    assert os.path.realpath(own.removesuffix("/share/own/file")) == library.removesuffix("/share/greet")
    old = first[2].removeprefix(f"{larix.layout.store_dir}/")[:32]
    assert old[:16].encode() not in Path(f"{after}/bin/hi").read_bytes()


def test_what_refers_to_a_graft_is_grafted(larix):
    (result,), _ = built(larix, "wrapped")
    assert run(f"{result}/bin/hi")[0] == "fixed"
    (same,), text = built(larix, "wrapped")
    assert (same, "The following" in text) == (result, False)
    assert run(f"{built(larix, '--no-grafts', 'wrapped')[0][0]}/bin/hi")[0] == "broken"


def test_a_dry_run_tells_the_grafts_that_it_can_know(larix):
    built(larix, "wrapped")
    other = "--with-graft=greet=greet-third"
    done = larix("build", "-n", "wrapped", other)
    assert "greet-third-7.drv" in done.stderr
    assert "what may be replaced: greet@1.0 by greet-third@7" in done.stderr
    built(larix, "greet-third")
    done = larix("build", "-n", "wrapped", other)
    assert "The following grafts would be made:" in done.stderr
    planned = json.loads(larix.succeed("build", "-n", "--json", "wrapped", other))
    assert len(planned["grafts"]) == 3
    assert planned["derivations"] == []
    fresh = "wrapped.inherit(version='2')"
    done = larix("build", "-n", "-e", fresh)
    assert "what may be replaced: greet@1.0 by greet@1.0.1" in done.stderr
    planned = json.loads(larix.succeed("build", "-n", "--json", "-e", fresh))
    assert planned["replacements"] == [{"from": "greet@1.0", "to": "greet@1.0.1"}]


def test_a_graft_of_ones_own_is_recorded_and_made_again_by_upgrades(larix):
    done = larix("install", "-p", "profile", "wrapped", "--with-graft=greet=greet-third")
    assert done.returncode == 0, done.stderr
    assert run(larix.folder / "profile" / "bin" / "hi")[0] == "a third"
    done = larix("upgrade", "-p", "profile")
    assert (done.returncode, "nothing to be done" in done.stderr) == (0, True), done.stderr
    larix.succeed("install", "-p", "profile", "wrapped")
    assert run(larix.folder / "profile" / "bin" / "hi")[0] == "fixed"
    larix.succeed("install", "-p", "profile", "wrapped", "--no-grafts")
    assert run(larix.folder / "profile" / "bin" / "hi")[0] == "broken"
    assert larix.succeed("run", "hi").splitlines()[0] == "fixed"
    assert larix.succeed("shell", "hi", "--", "hi").splitlines()[0] == "fixed"


def test_a_graft_is_reproducible(larix):
    done = larix("build", "-q", "--check", "hi")
    assert done.returncode == 0, done.stderr


def test_tuned_variants_come_in_by_grafts_and_only_where_wanted(larix):
    with open("/proc/cpuinfo", encoding="utf-8") as stream:
        if "avx2" not in stream.read():
            pytest.skip("this processor has no avx2")
    (plain,), _ = built(larix, "uses-cpu")
    assert run(f"{plain}/bin/cpu") == ["any"]
    (tuned,), text = built(larix, "uses-cpu", "--tune=x86-64-v3")
    assert run(f"{tuned}/bin/cpu") == ["avx2"]
    assert told(text, "graft") == ["uses-cpu-1.0.drv"]
    assert built(larix, "uses-cpu", "--tune=x86-64-v3", "--no-grafts")[0] == [plain]
    done = larix("build", "-n", "greet", "--tune")
    assert "warning: transformation 'tune' had no effect on greet@1.0" in done.stderr


def test_debugging_information_is_kept_when_wanted(larix):
    sizes = [
        Path(built(larix, "cpu", *words)[0][0], "bin", "cpu").read_bytes().count(b".debug_info")
        for words in ([], ["--with-debug-info=cpu"])
    ]
    assert sizes == [0, 1]


def test_another_compiler_builds_what_is_meant_and_what_needs_it(larix):
    (result,), _ = built(larix, "uses-cpu", "--with-c-toolchain=cpu=compiler")
    assert run(f"{result}/bin/cpu") == ["any", "another compiler"]
    assert built(larix, "uses-cpu", "--with-c-toolchain=cpu=seed")[0][0].endswith("-uses-cpu-1.0")


def is_static(program):
    """What `ldd` says where there is one: no program's own word but the header's."""
    done = subprocess.run(["ldd", program], capture_output=True, check=False, text=True)
    return "not a dynamic executable" in done.stderr or "statically linked" in done.stdout


def test_static_packages_are_so_with_their_inputs(larix):
    if shutil.which("ldd") is None:
        pytest.skip("no ldd")
    for expression, expected in (("answer", False), ("static_package(answer)", True)):
        (result,), _ = built(larix, "-e", expression)
        assert subprocess.run([f"{result}/bin/answer"], check=False).returncode == 42
        assert is_static(f"{result}/bin/answer") == expected


def test_hello_is_static(larix):
    if shutil.which("ldd") is None:
        pytest.skip("no ldd")
    (result,), _ = built(larix, "-e", "static_package(hello)")
    assert run(f"{result}/bin/hello") == ["Hello, world!"]
    assert is_static(f"{result}/bin/hello")
