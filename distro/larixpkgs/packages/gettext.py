"""GNU Gettext, without what it has for Java, C# and Emacs."""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import find_files, substitute
from larix.buildside.gnu import standard_phases
from larix.buildside.portable_scripts import name_usual_shell
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import gconv_modules, libunistring, libxml2, ncurses, pkgconf, zlib

__all__ = ["gettext"]


def name_the_shell(*, shell: Path) -> None:
    """It is what programs start others by."""
    templates = [
        file
        for file in find_files(".", r"^config\.h\.in$")
        if "BOURNE_SHELL" in file.read_text(encoding="utf-8")
    ]
    substitute(templates, ('"/bin/sh"', f'"{shell.parent}/sh"'))
    tests = find_files("gettext-tools/tests", r"^(lang-sh|msgexec-[0-9]|msgfilter-[0-9])$")
    substitute(tests, (r"^#! ?/bin/sh", f"#!{shell.parent}/sh"))  # of scripts that they write
    substitute("gettext-tools/system-tests/run-test", ("exec /bin/sh", f"exec {shell.parent}/sh"))


def forget_the_shell(*, outputs: dict[str, Path]) -> None:
    share = outputs["out"] / "share"
    name_usual_shell(share / "gettext", *share.glob("doc/gettext*/examples"))


gettext = Package(
    name="gettext",
    version="0.23.1",
    source=lambda p: Origin(
        uri=(
            f"mirror://gnu/gettext/gettext-{p.version}.tar.xz",
            f"debian://pool/main/g/gettext/gettext_{p.version}.orig.tar.xz",
        ),
        sha256="c1f97a72a7385b7e71dd07b5fea6cdaf12c9b88b564976b23bd8c11857af2970",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": [
            "--disable-csharp",
            "--disable-java",
            "--disable-static",
            "--with-xz",  # the files that autopoint takes older releases' files from are packed so
            "--without-cvs",
            "--without-emacs",
            "--without-git",
        ],
        "phases": standard_phases.add_before("configure", name_the_shell).add_after(
            "patch-shebangs", forget_the_shell
        ),
    },
    native_inputs=lambda: [gconv_modules.gconv_modules, pkgconf.pkgconf],
    inputs=lambda: [libunistring.libunistring, libxml2.libxml2, ncurses.ncurses, zlib.zlib],
    synopsis="Translate what programs say",
    description=(
        "GNU Gettext takes the texts out of a program's source, keeps files of translations in step with "
        "them, checks and compiles those, and looks texts up when the program runs. It knows some thirty "
        "programming languages, and brings all this into a package's `configure` and makefiles."
    ),
    home_page="https://www.gnu.org/software/gettext/",
    license=(licenses.gpl3_plus, licenses.lgpl2_1_plus),
)
