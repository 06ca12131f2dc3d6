"""Figures of "Functional Package Management with Guix" (2013), built: 4 (hello), 6 (a variant), 8 (howdy).

Figure 9, the substitution in GCC's configuration, is in tests/buildside/test_files.py.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from larix.buildside.elf import read_elf
from larix.buildside.files import find_files, substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.buildsystems.trivial import trivial
from larix.errors import LarixError
from larix.formats.hashes import hash_bytes
from larix.packages import Origin, Package, licenses
from larix.packages.toolchain import lowering_for, toolchain
from larix.packages.transform import static_package
from shops import Shop, open_shop

pytestmark = [
    pytest.mark.build,
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the seed is for x86_64"),
]


def link_gawk(output: Path, inputs: dict[str, Path]) -> None:
    (output / "bin").mkdir(parents=True)
    (output / "bin" / "gawk").symlink_to(inputs["seed"] / "bin" / "gawk")


gawk = Package(
    name="gawk",
    version="5.2.1",
    source=None,
    build_system=trivial,
    arguments={"builder": link_gawk},
    inputs=lambda: toolchain().inputs,
    synopsis="Process text by pattern and action",
    description="That of the toolchain.",
    home_page=None,
    license=licenses.gpl3_plus,
)


def configure_flags(inputs: dict[str, Path]) -> list[str]:
    return ["--disable-color", f"--with-gawk={inputs['gawk']}"]


hello = Package(  # Figure 4
    name="hello",
    version="2.10",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/hello/hello-{p.version}.tar.gz",
            f"debian://pool/main/h/hello/hello_{p.version}.orig.tar.gz",
        ),
        sha256="0ssi1wpaf7plaswqqjwigppsg5fyh99vdlb9kzl7c9lng89ndq1i",
    ),
    build_system=gnu,
    arguments={"configure_flags": configure_flags},
    inputs=lambda: [gawk],
    synopsis="GNU Hello",
    description="An illustration of GNU's engineering practices.",
    home_page="https://www.gnu.org/software/hello/",
    license=licenses.gpl3_plus,
)


def change_hello(*, system: str, **_: object) -> None:
    substitute("src/hello.c", (r"Hello, world!", f"Howdy! Running on {system}."))


howdy = hello.inherit(  # Figure 8; its test suite expects the other greeting
    name="howdy",
    arguments={"phases": standard_phases.add_after("configure", change_hello), "tests": False},
)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened


def run(program: Path) -> str:
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout


def test_figure_4_hello_is_built_from_its_source_and_runs(shop: Shop):
    out = shop.build(hello)
    assert run(out / "bin" / "hello") == "Hello, world!\n"
    (configure,) = [line for line in shop.log.splitlines() if line.startswith("+ ") and "./configure" in line]
    assert "--disable-color" in configure
    assert f"--with-gawk={shop.store.store_dir}/" in configure
    assert "# PASS:" in shop.log, "the test suite ran"
    assert (out / "share" / "man" / "man1" / "hello.1.gz").exists()


def test_programs_need_nothing_outside_the_store(shop: Shop):
    out = shop.build(hello)
    elf = read_elf(out / "bin" / "hello")
    assert elf is not None
    assert elf.interpreter is not None
    for file in (elf.interpreter, *elf.runpath):
        assert file.startswith(f"{shop.store.store_dir}/")
    references = shop.store.references(str(out))
    assert not [each for each in references if each.endswith("-gawk-5.2.1")], "it was for configure only"


def test_no_gzip_file_tells_when_it_was_made(shop: Shop):
    for file in find_files(shop.build(hello), r"\.gz$"):
        assert file.read_bytes()[4:8] == bytes(4)


def test_figure_6_variant_has_another_version_and_source(shop: Shop, tmp_path: Path):
    """A release of our own making, as the real 2.7 wants a compiler of its time."""
    lowering = lowering_for(shop.store.store_dir, "x86_64-linux")
    archive = lowering.lower(hello.source)
    shop.build(hello)
    with tarfile.open(archive.path) as tar:
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Debian 12's Python has none
        tar.extractall(tmp_path, **safely)
    top = tmp_path / "hello-2.7"
    (tmp_path / "hello-2.10").rename(top)
    substitute(top / "configure", (r"2\.10", "2.7"), keep_time=True)
    substitute(top / "src" / "hello.c", ("Hello, world!", "Hi, world!"), keep_time=True)
    # Downloads are done by the build user, who may not look into the folder of the test.
    release = Path(shop.store.store_dir).parent / "hello-2.7.tar.gz"
    with tarfile.open(release, "w:gz") as tar:
        tar.add(top, "hello-2.7")
    older = hello.inherit(
        version="2.7",
        source=Origin(uri=f"file://{release}", sha256=hash_bytes(release.read_bytes())),
        arguments={"configure_flags": configure_flags, "tests": False},
    )
    out = shop.build(older)
    assert out.name.endswith("-hello-2.7")
    assert run(out / "bin" / "hello") == "Hi, world!\n"
    assert run(shop.build(hello) / "bin" / "hello") == "Hello, world!\n"


def test_figure_8_howdy_has_its_phase_between_configure_and_build(shop: Shop):
    out = shop.build(howdy)
    assert run(out / "bin" / "hello") == "Howdy! Running on x86_64-linux.\n"
    assert shop.phases[shop.phases.index("configure") + 1] == "change-hello"


def test_static_package_needs_no_loader_and_nothing_of_the_store(shop: Shop):
    """`static-package` of section 3.3."""
    limited = hello.inherit(
        name="hello-static",
        arguments={"tests": False, "allowed_references": ["out"]},
        inputs=[],
    )
    out = shop.build(static_package(limited))
    assert run(out / "bin" / "hello") == "Hello, world!\n"
    elf = read_elf(out / "bin" / "hello")
    assert elf is not None
    assert (elf.interpreter, elf.needed) == (None, ())


def test_reference_that_is_not_allowed_fails_the_build(shop: Shop):
    limited = gawk.inherit(
        name="limited",
        arguments={"builder": link_gawk, "disallowed_references": [toolchain().inputs[0].value]},
    )
    with pytest.raises(LarixError, match="seed"):
        shop.build(limited)


def test_failing_phase_names_the_host_file_of_the_package(shop: Shop):
    broken = hello.inherit(
        name="broken",
        arguments={"phases": standard_phases.add_after("unpack", find_nothing)},
    )
    with pytest.raises(LarixError, match="broken") as caught:
        shop.build(broken)
    assert caught.value.exit_code == 100
    assert "in find_nothing" in shop.log
    assert shop.log.splitlines()[-1].startswith(
        "error: substitute: /no such text/ matches nothing in `src/hello.c`"
    )


def find_nothing() -> None:
    substitute("src/hello.c", ("no such text", ""))


def test_patched_source_is_unpacked_patched_changed_and_packed_again(shop: Shop, tmp_path: Path):
    (tmp_path / "greet.patch").write_text(
        "--- a/src/hello.c\n+++ b/src/hello.c\n"
        "@@ -1,2 +1,3 @@\n"
        "+/* patched */\n"
        " /* hello.c -- print a greeting message and exit.\n"
        " \n"
    )
    origin = hello.source
    assert isinstance(origin, Origin)
    patched = origin.inherit(patches=[tmp_path / "greet.patch"], snippet=remove_contrib)
    unpacked = Package(
        name="unpacked",
        version="1",
        source=patched,
        build_system=gnu,
        arguments={
            "phases": standard_phases.delete("configure", "build", "check").replace("install", keep_source)
        },
        synopsis="Source",
        description="A source as it is built.",
        home_page=None,
        license=licenses.gpl3_plus,
    )
    out = shop.build(unpacked)
    assert (out / "src" / "hello.c").read_text().startswith("/* patched */\n")
    assert not (out / "contrib").exists()
    assert (out / "configure").exists()


def remove_contrib() -> None:
    shutil.rmtree("contrib")


def keep_source(*, outputs: dict[str, Path]) -> None:
    shutil.copytree(".", outputs["out"])
