"""Python 3, and how it finds what other packages hold.

The variable is `LARIX_PYTHONPATH`, so that no other Python of the user's is disturbed. It is read by a
`sitecustomize` module in the standard library.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from larix.buildside.files import delete_recursively, find_files, substitute
from larix.buildside.gnu import parallel_jobs, standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses
from larixpkgs.packages import bzip2, libffi, ncurses, openssl, readline, sqlite, xz, zlib

__all__ = ["python"]

SITE_CUSTOMIZATION = '''\
"""Makes the packages that LARIX_PYTHONPATH names importable.

They come after the standard library and before what this Python has itself; in a virtual environment, after
what that has. Directories of other versions of Python are passed over.
"""

import os
import site
import sys


def _add_packages():
    if sys.flags.ignore_environment:
        return
    ending = "python%d.%d/site-packages" % sys.version_info[:2]
    named = os.environ.get("LARIX_PYTHONPATH", "").split(":")
    before = list(sys.path)
    known = set(before)
    for directory in named:
        if directory.rstrip("/").endswith(ending):
            site.addsitedir(directory, known)
    added = [each for each in sys.path if each not in before]
    own = site.getsitepackages() if sys.prefix == sys.base_prefix else []
    place = next((index for index, each in enumerate(before) if each in own), len(before))
    sys.path[:] = before[:place] + added + before[place:]


_add_packages()
'''

# What takes a second or two each: the language, the libraries that are linked, files, programs, imports.
# All of upstream's tests would take half an hour, and many want a network, terminals or other users.
TESTS = """
    array base64 bool builtin bytes bz2 call class codecs complex contextlib copy csv ctypes dataclasses
    datetime dict difflib enum exceptions float fnmatch format functools generators genericpath grammar gzip
    hash hashlib hmac int itertools json list locale lzma math operator ordered_dict patma posixpath pprint
    py_compile re readline secrets set shlex sort sqlite3 string struct super sysconfig textwrap tomllib
    tuple types unicodedata unpack urlparse uuid with xml_etree zlib
""".split()  # noqa: SIM905


def name_the_shell(*, shell: Path) -> None:
    """Without one at its usual place, `subprocess` could start no command of a shell."""
    substitute("Lib/subprocess.py", (r"else '/bin/sh'\)", f"else '{shell.parent}/sh')"))


def add_site_customization() -> None:
    Path("Lib/sitecustomize.py").write_text(SITE_CUSTOMIZATION)


def compile_nothing_yet() -> None:
    """Three sets of byte code, valid as long as the times of files are, would be made too early."""
    substitute(
        "Makefile.pre.in", (r"\$\(PYTHON_FOR_BUILD\) -Wi \$\(DESTDIR\)\$\(LIBDEST\)/compileall\.py", "true")
    )


# Looks for a libc by a compiler that would link with one in a directory of the system.
OF_THE_SYSTEM = "*.test_ctypes.test_find.*"
# Of `ssl` those that open no socket.
OF_SSL = ("ContextTests", "MemoryBIOTests", "SSLObjectTests", "TestEnumerations")
# What a build without a library would silently leave out.
LINKED = "_bz2 _ctypes _curses _curses_panel _hashlib _lzma _sqlite3 _ssl readline zlib"


def configure_flags(inputs: dict[str, Path]) -> list[str]:
    return [
        f"--with-openssl={inputs['openssl']}",
        "--with-dbmliborder=",
        "--without-ensurepip",
        "--without-static-libpython",
        # What is true of the machines that run this, whatever can be seen in a build.
        "ac_cv_buggy_getaddrinfo=no",
        "ac_cv_file__dev_ptmx=yes",
        "ac_cv_file__dev_ptc=no",
        "ac_cv_posix_semaphores_enabled=yes",
        "ac_cv_broken_sem_getvalue=no",
    ]


def check() -> None:
    os.environ["HOME"] = os.getcwd()
    invoke("./python", "-c", f"import {LINKED.replace(' ', ', ')}")
    names = [f"test_{name}" for name in TESTS]
    invoke("./python", "-m", "test", f"-j{parallel_jobs()}", "--slowest", "-i", OF_THE_SYSTEM, *names)
    chosen = [word for name in OF_SSL for word in ("-m", name)]
    invoke("./python", "-m", "test", *chosen, "test_ssl")


def leave_out_tests(*, outputs: dict[str, Path]) -> None:
    """Modules for the tests, programs that need Tk, and the directory that belongs to other packages."""
    library = outputs["out"] / "lib/python3.13"
    for file in find_files(library / "lib-dynload", r"^(_test|_ctypes_test|_xxtest|xx)"):
        file.unlink()
    for file in find_files(outputs["out"] / "bin", r"^idle"):
        file.unlink()
    for name in ("idlelib", "turtledemo", "site-packages"):
        delete_recursively(library / name)


def forget_the_build(*, outputs: dict[str, Path]) -> None:
    """What extensions are linked with shall be their own affair, not that of this Python's inputs."""
    library = outputs["out"] / "lib/python3.13"
    files = [*library.glob("_sysconfigdata_*.py"), *library.glob("config-3.13-*/Makefile")]
    substitute(files, (r"-Wl,-rpath,[^\s']+ ?", ""))


def name_this_python(*, outputs: dict[str, Path]) -> None:
    """Modules that are programs too name the Python of the build."""
    for file in find_files(outputs["out"] / "lib/python3.13", r"\.py$"):
        text = file.read_bytes()
        if text.startswith(b"#!"):
            file.write_bytes(re.sub(rb"\A#![^\n]*", f"#!{outputs['out']}/bin/python3.13".encode(), text))


def compile_modules(*, outputs: dict[str, Path]) -> None:
    """The times of files in a store say nothing: byte code there is always that of the file beside it."""
    python = outputs["out"] / "bin/python3.13"
    words = ["-B", "-m", "compileall", "-q", "-f", "-j1", "--invalidation-mode", "unchecked-hash"]
    invoke(python, *words, outputs["out"] / "lib/python3.13")


def link_program(*, outputs: dict[str, Path]) -> None:
    (outputs["out"] / "bin/python").symlink_to("python3")


python = Package(
    name="python",
    version="3.13.5",
    source=lambda p: Origin(
        uri=(
            f"https://www.python.org/ftp/python/{p.version}/Python-{p.version}.tar.xz",
            f"debian://pool/main/p/python3.13/python3.13_{p.version}.orig.tar.xz",
        ),
        sha256="93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": configure_flags,
        "make_flags": ["TEST_MODULES=no"],  # they are built, and not installed
        "phases": standard_phases.add_before("configure", name_the_shell)
        .add_before("configure", add_site_customization)
        .add_before("configure", compile_nothing_yet)
        .replace("check", check)
        .add_after("install", link_program)
        .add_before("link-program", leave_out_tests)
        .add_before("link-program", forget_the_build)
        .add_before("link-program", name_this_python)
        .add_after("patch-shebangs", compile_modules),
    },
    # Its own copy of Expat stays in use: the package needs CMake, which takes longer to build than this.
    inputs=lambda: [
        bzip2.bzip2,
        libffi.libffi,
        ncurses.ncurses,
        openssl.openssl,
        readline.readline,
        sqlite.sqlite,
        xz.xz,
        zlib.zlib,
    ],
    native_search_paths=[SearchPath("LARIX_PYTHONPATH", ("lib/python3.13/site-packages",))],
    synopsis="Programming language, version 3",
    description=(
        "Python is a programming language that is easy to read: with modules, exceptions, classes, dynamic "
        "types and types of high level, and a large library for texts, files, programs and networks. It "
        "serves from short scripts to large systems."
    ),
    home_page="https://www.python.org/",
    license=licenses.psfl,
)
