"""A small C package with four outputs, a patch and a snippet, built by the toolchain of the distribution."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

from larix.formats.hashes import hash_bytes
from larix.store.atomic import remove_tree

pytestmark = [
    pytest.mark.build,
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the seed is for x86_64"),
]

CONFIGURE = """#!/bin/sh
for option do
    case $option in
    --prefix=*) prefix=${option#*=} ;;
    --libdir=*) libdir=${option#*=} ;;
    --docdir=*) docdir=${option#*=} ;;
    esac
done
sed -e "s|@prefix@|$prefix|" -e "s|@libdir@|$libdir|" -e "s|@docdir@|$docdir|" \\
    -e "s|@LDFLAGS@|$LDFLAGS|" Makefile.in > Makefile
"""
MAKEFILE = """
CFLAGS = -g -O2 -fPIC

all: greet
libgreet.so: words.c
\tgcc $(CFLAGS) -shared -o $@ words.c
greet: main.c libgreet.so
\tgcc $(CFLAGS) @LDFLAGS@ -o $@ main.c -L. -lgreet
check: greet
\tLD_LIBRARY_PATH=. ./greet | grep 'from the library'
install: greet
\tmkdir -p @prefix@/bin @libdir@ @docdir@
\tcp greet @prefix@/bin
\tcp libgreet.so @libdir@
\tcp MANUAL @docdir@
"""
WORDS = """const char *words(void)
{
    return "Hello from the library";
}
"""
MAIN = """#include <stdio.h>
const char *words(void);
int main(void)
{
    puts(words());
    return 0;
}
"""
PATCH = """--- a/words.c
+++ b/words.c
@@ -1,4 +1,4 @@
 const char *words(void)
 {
-    return "Hello from the library";
+    return "Good day from the library";
 }
"""
PACKAGE = """
import os

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses


def leave_out():
    os.unlink("unwanted")


manual = Origin(uri="file://@BASE@/manual.txt", sha256="@MANUAL@")
greet = Package(
    name="greet",
    version="1.0",
    source=lambda p: Origin(
        uri=f"file://@BASE@/greet-{p.version}.tar.gz",
        sha256="@HASH@",
        patches=["polite.patch"],
        snippet=leave_out,
    ),
    build_system=gnu,
    native_inputs=[("manual", manual)],
    outputs=["out", "lib", "doc", "debug"],
    synopsis="Greet",
    description="A library that greets, and a program.",
    home_page=None,
    license=licenses.expat,
)
"""


@pytest.fixture(scope="module")
def larix(larix_in):
    """One with a package `greet`, under a name that is short and that build users may enter."""
    base = Path(tempfile.mkdtemp(prefix="lx-"))
    base.chmod(0o755)
    source = base / "greet-1.0"
    source.mkdir()
    files = {"configure": CONFIGURE, "Makefile.in": MAKEFILE, "words.c": WORDS, "main.c": MAIN}
    for name, text in (files | {"MANUAL": "How to greet.\n", "unwanted": "not free\n"}).items():
        (source / name).write_text(text)
    (source / "configure").chmod(0o755)
    with tarfile.open(base / "greet-1.0.tar.gz", "w:gz") as tar:
        tar.add(source, "greet-1.0")
    (base / "manual.txt").write_text("More to read.\n")
    package = PACKAGE.replace("@BASE@", str(base))
    for word, name in (("@HASH@", "greet-1.0.tar.gz"), ("@MANUAL@", "manual.txt")):
        package = package.replace(word, hash_bytes((base / name).read_bytes()).digest.hex())
    (base / "packages").mkdir()
    (base / "packages" / "greet.py").write_text(package)
    (base / "packages" / "polite.patch").write_text(PATCH)
    try:
        made = larix_in(base, base / "store", base / "var")
        made.environment["LARIX_PACKAGE_PATH"] = str(base / "packages")
        yield made
    finally:
        remove_tree(str(base))


def test_the_source_is_the_one_with_patches_and_without_what_the_snippet_removes(larix):
    (archive,) = larix.succeed("build", "-q", "-S", "greet").splitlines()
    with tarfile.open(archive) as tar:
        names = {os.path.basename(each) for each in tar.getnames()}
        words = tar.extractfile("greet-1.0/words.c")
        assert words is not None
        assert words.read().decode() == WORDS.replace("Hello", "Good day")
    assert names == {"greet-1.0", "configure", "Makefile.in", "words.c", "main.c", "MANUAL"}
    assert larix.succeed("build", "-q", "--sources=package", "greet").splitlines() == [archive]
    both = larix.succeed("build", "-q", "--sources", "greet").splitlines()
    assert both[0] == archive
    assert Path(both[1]).read_text() == "More to read.\n"


def test_what_would_be_downloaded_is_among_the_transitive_sources(larix):
    everything = larix.succeed("build", "-q", "--sources=transitive", "greet").splitlines()
    (archive,) = larix.succeed("build", "-q", "-S", "greet").splitlines()
    assert archive in everything
    assert any(each.endswith("-greet-1.0.tar.gz") for each in everything)
    assert any(each.endswith(".deb") for each in everything), "what the toolchain is made of"
    assert all(os.path.exists(each) for each in everything)
    done = larix("build", "--sources=transitve", "greet")
    assert done.returncode == 1
    assert "--sources=transitve: invalid argument\nhint: Did you mean `transitive'?" in done.stderr


def test_outputs_are_built_together_and_installed_apart(larix):
    debug, doc, lib, out = larix.succeed("build", "-q", "greet").splitlines()
    assert [each.rpartition("greet-1.0")[2] for each in (debug, doc, lib, out)] == [
        "-debug",
        "-doc",
        "-lib",
        "",
    ]
    assert larix.succeed("build", "-q", "greet:doc") == f"{doc}\n"
    assert subprocess.check_output([f"{out}/bin/greet"], text=True) == "Good day from the library\n"
    larix.succeed("install", "greet:doc", "greet:debug", "-p", "./p")
    installed = [line.split()[2:] for line in larix.succeed("package", "-I", "-p", "./p").splitlines()]
    assert installed == [["doc", doc], ["debug", debug]]
    assert (larix.folder / "p/share/doc/greet-1.0/MANUAL").read_text() == "How to greet.\n"
    assert not (larix.folder / "p/bin").exists()
    assert larix("install", "greet:static", "-p", "./p").returncode == 1


def test_debugging_information_is_in_an_output_of_its_own_where_debuggers_find_it(larix):
    debug, _, lib, out = larix.succeed("build", "-q", "greet").splitlines()
    for item, file in ((out, "bin/greet"), (lib, "lib/libgreet.so")):
        kept = Path(f"{debug}/lib/debug{item}/{file}.debug").read_bytes()
        stripped = Path(f"{item}/{file}").read_bytes()
        assert b".debug_info" in kept
        assert b".debug_info" not in stripped
        assert f"{os.path.basename(file)}.debug".encode() in stripped, "the name to look for"


def test_gdb_finds_it_in_a_profile(larix):
    gdb = shutil.which("gdb")
    if gdb is None:
        pytest.skip("no gdb")
    larix.succeed("install", "greet", "greet:debug", "-p", "./g")
    program = os.path.realpath(larix.folder / "g/bin/greet")
    commands = (f"set debug-file-directory {larix.folder}/g/lib/debug", f"file {program}", "info line main")
    words = [word for command in commands for word in ("-ex", command)]
    told = subprocess.check_output([gdb, "-batch", "-nx", *words], text=True)
    assert 'of "main.c" starts at address' in told
