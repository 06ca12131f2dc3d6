"""GNU Coreutils."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import substitute
from larix.buildside.gnu import standard_phases
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import perl

__all__ = ["coreutils"]


def name_the_shell(*, shell: Path) -> None:
    """What `split --filter` and `chroot` start when `SHELL` does not say."""
    for file in ("src/split.c", "src/chroot.c"):
        substitute(file, ('"/bin/sh"', f'"{shell}"'))


def adjust_tests(*, shell: Path) -> None:
    """One writes a script and runs it; of three no good can come in a build, and they are skipped."""
    substitute("tests/env/env.sh", ("^#!/bin/sh", f"#!{shell}"))
    sets_group_id = "tests/install/install-C.sh"
    read_themselves = (
        "gnulib-tests/test-freadptr.sh",
        "gnulib-tests/test-freadseek.sh",
    )  # as upstream has them
    for test in (sets_group_id, *read_themselves):
        Path(test).write_text(f"#!{shell}\nexit 77\n")


coreutils = Package(
    name="coreutils",
    version="9.7",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/coreutils/coreutils-{p.version}.tar.xz",
            f"debian://pool/main/c/coreutils/coreutils_{p.version}.orig.tar.xz",
        ),
        sha256="e8bb26ad0293f9b5a1fc43fb42ba970e312c66ce92c1b0b16713d7500db251bf",
    ),
    build_system=gnu,
    arguments={
        "phases": standard_phases.add_before("configure", name_the_shell).add_before("check", adjust_tests)
    },
    native_inputs=lambda: [perl.perl],  # for the tests
    synopsis="Basic file, shell and text commands",
    description=(
        "GNU Coreutils are the commands that every system is expected to have: they list, copy, move and "
        "remove files, sort, cut, join and count text, tell about the system and its users, and make up "
        "much of what shell scripts do."
    ),
    home_page="https://www.gnu.org/software/coreutils/",
    license=licenses.gpl3_plus,
)
