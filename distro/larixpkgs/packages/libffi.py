"""libffi."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import InvokeError, invoke_quietly
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["libffi"]

FLAGS = ("-O2", "-Wno-psabi", "-I../include", "-I.", "-Iinclude", "-L.libs", "-Wl,-rpath,.libs", "-lffi")


def run_test(source: Path, program: Path) -> str | None:
    """Compile and run one of upstream's test programs; what went wrong, or None.

    It must end well and write, in order, what its `dg-output` comments say.
    """
    compiler = "g++" if source.suffix == ".cc" else "gcc"
    flags = ["-fexceptions", "-lpthread"] if "unwindtest" in source.name else []
    try:
        invoke_quietly(compiler, "-o", program, source, f"-I{source.parent}", *FLAGS, *flags)
    except InvokeError as error:
        return str(error)
    done = subprocess.run([program], capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        return f"status {done.returncode}: {done.stdout}{done.stderr}"
    wanted = "".join(re.findall(r'\{ dg-output "((?:[^"\\]|\\.)*)" *\}', source.read_text()))
    wanted = re.sub(r"\\(.)", lambda match: {"n": "\n"}.get(match[1], match[1]), wanted)
    return None if re.search(wanted, done.stdout) else f"/{wanted}/ does not match {done.stdout!r}"


def check() -> None:
    """Upstream's test programs, each compiled once and run; its driver needs DejaGnu, Expect and Tcl."""
    source = Path(os.environ["LARIX_SOURCE_DIRECTORY"])
    (library,) = Path().glob("*/libffi.la")
    os.chdir(library.parent)
    programs = find_files(source / "testsuite", r"\.(c|cc)$")
    kinds = ("libffi.call", "libffi.closures", "libffi.complex", "libffi.go")
    tests = [each for each in programs if each.parent.name in kinds and "dg-do run" in each.read_text()]
    failed: list[str] = []
    for test in tests:
        wrong = run_test(test, Path("test-program").absolute())
        if wrong is not None:
            failed.append(test.name)
            print(f"{test.name}: {wrong}", flush=True)
    print(f"{len(tests) - len(failed)} test programs passed, {len(failed)} failed", flush=True)
    if failed or not tests:
        raise BuildSideError(f"tests failed: {', '.join(failed) or 'none was run'}")


libffi = Package(
    name="libffi",
    # The last release whose source in Debian comes with `configure`: what makes that script needs Perl.
    version="3.4.4",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/libffi/libffi/releases/download/v{p.version}/libffi-{p.version}.tar.gz",
            f"debian://pool/main/libf/libffi/libffi_{p.version}.orig.tar.gz",
        ),
        sha256="d66c56ad259a82cf2a9dfc408b32bf5da52371500b84745f7fb8b645712df676",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": [
            "--disable-static",
            "--disable-multi-os-directory",  # the library in `lib` itself
            "--with-gcc-arch=x86-64",  # for any machine, not for the one that builds
        ],
        "phases": standard_phases.replace("check", check),
    },
    synopsis="Call functions whose types are known only at run time",
    description=(
        "libffi lets a program call a function, or be called back, with arguments that it learns of while "
        "it runs. Interpreters use it to reach code that was compiled from other languages."
    ),
    home_page="https://sourceware.org/libffi/",
    license=licenses.expat,
)
