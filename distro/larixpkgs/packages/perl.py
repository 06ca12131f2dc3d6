"""Perl, which the tests of other packages are written in."""

from __future__ import annotations

import os
import re
from pathlib import Path

from larix.buildside.files import find_files, substitute, which
from larix.buildside.gnu import parallel_jobs, standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses

__all__ = ["perl"]

EXHAUSTIVE = "fold_grind|uniprops|unicode_prop|user_prop|charset|alloc"


def name_pwd() -> None:
    """The module `Cwd` looks for the program in places that a build does not have."""
    substitute("dist/PathTools/Cwd.pm", ("'/bin/pwd'", f"'{which('pwd')}'"))


def forget_the_time() -> None:
    """The one thing that `Configure` does not let itself be told."""
    substitute("Configure", (r"^cf_time=`.*", "cf_time='Thu Jan  1 00:00:01 UTC 1970'"))


def configure(*, outputs: dict[str, Path], toolchain: tuple[Path, ...], shell: Path, version: str) -> None:
    """Perl's own script: it asks for the machine's name, kernel and time unless they are given."""
    prefix = outputs["out"]
    core = f"{prefix}/lib/perl5/{version}/x86_64-linux/CORE"
    libraries = f"{toolchain[0]}/lib/x86_64-linux-gnu"
    values = {
        "prefix": prefix,
        "installstyle": "lib/perl5",
        "archname": "x86_64-linux",
        "man1dir": f"{prefix}/share/man/man1",
        "man3dir": "none",
        "cc": "gcc",
        "ldflags": f"-Wl,-rpath,{core}",
        "libpth": libraries,
        "glibpth": libraries,
        "usrinc": f"{toolchain[0]}/include",
        "locincpth": " ",
        "loclibpth": " ",
        "sh": f"{shell.parent}/sh",
        "startsh": f"#!{shell.parent}/sh",
        "cf_by": "larix",
        "cf_email": "larix@localhost",
        "perladmin": "larix@localhost",
        "myhostname": "localhost",
        "mydomain": "",
        "myuname": "linux",
        "osvers": "any",
    }
    words = [f"-D{name}={value}" for name, value in values.items()]
    invoke(shell, "./Configure", "-des", "-Duseshrplib", "-Uinstallusrbinperl", *words)


def check() -> None:
    """The tests of the language itself and of its pragmas, those of the bundled modules left out.

    Upstream's whole suite takes half an hour of a processor. So do, among the tests here, those that try each
    character of Unicode for all its properties and foldings.
    """
    invoke("make", "test_prep")
    found = [
        file
        for directory in ("base", "cmd", "comp", "opbasic", "io", "re", "op", "uni", "mro", "class", "lib")
        for file in find_files(f"t/{directory}", r"\.t$")
        if not re.match(EXHAUSTIVE, file.name)
    ]
    names = [f"{file.relative_to('t')}" for file in found]
    environment = {
        "LD_LIBRARY_PATH": os.getcwd(),
        "PERL_SKIP_TTY_TEST": "1",  # there is no terminal
        "TEST_JOBS": f"{parallel_jobs()}",
    }
    invoke("./perl", "harness", *names, directory="t", environment=environment)


perl = Package(
    name="perl",
    version="5.40.1",
    source=lambda p: Origin(
        uri=(
            f"https://www.cpan.org/src/5.0/perl-{p.version}.tar.xz",
            f"debian://pool/main/p/perl/perl_{p.version}.orig.tar.xz",
        ),
        sha256="dfa20c2eef2b4af133525610bbb65dd13777ecf998c9c5b1ccf0d308e732ee3f",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.replace("configure", configure)
        .replace("check", check)
        .add_before("configure", name_pwd)
        .add_before("configure", forget_the_time),
    },
    native_search_paths=[SearchPath("PERL5LIB", ("lib/perl5/site_perl",))],
    synopsis="Programming language for text and systems",
    description=(
        "Perl is a programming language that is at home with text: it searches, splits and rewrites it, "
        "reaches files and programs as easily as a shell, and has modules for nearly everything else."
    ),
    home_page="https://www.perl.org/",
    license=(licenses.artistic1, licenses.gpl1_plus),
)
