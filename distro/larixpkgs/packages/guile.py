"""GNU Guile, bootstrapped: its interpreter in C compiles its compiler, which compiles itself.

Debian's source is the tree that the release was tagged at, without the compiled files that a release has to
start from, so that all stages run: half an hour on two processors.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import find_files, substitute
from larix.buildside.gnu import standard_phases
from larix.buildside.shebang import patch_shebang
from larix.buildside.strip import strip_file
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses
from larixpkgs.packages import (
    autoconf,
    automake,
    flex,
    gconv_modules,
    gettext,
    gmp,
    gperf,
    libffi,
    libgc,
    libtool,
    libunistring,
    pkgconf,
    readline,
    texinfo,
)

__all__ = ["guile"]


def tell_version(*, version: str) -> None:
    Path(".tarball-version").write_text(f"{version}\n", encoding="utf-8")
    patch_shebang("build-aux/git-version-gen")  # autoconf asks it


def name_the_shell(*, shell: Path) -> None:
    """The one that `open-pipe` starts commands by."""
    substitute("module/ice-9/popen.scm", ('"/bin/sh"', f'"{shell.parent}/sh"'))


def strip(*, outputs: dict[str, Path]) -> None:
    """What Scheme is compiled to are ELF files as well, for a machine that strip does not know."""
    programs = find_files(outputs["out"] / "bin")
    libraries = find_files(outputs["out"] / "lib", r"\.so(\.[0-9.]+)?$")
    for file in [*programs, *libraries]:
        if not file.is_symlink():
            strip_file(file)


guile = Package(
    name="guile",
    version="3.0.10",
    source=lambda p: Origin(
        uri=f"debian://pool/main/g/guile-3.0/guile-3.0_{p.version}+really{p.version}.orig.tar.xz",
        sha256="55fa4e47d4fd4838ec076ceaf3a00cb28122fe11c0fe2b489afd6df898666a16",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": ["--disable-static"],
        "phases": standard_phases.add_before("bootstrap", tell_version)
        .add_before("bootstrap", name_the_shell)
        .replace("strip", strip),
    },
    native_inputs=lambda: [
        autoconf.autoconf,
        automake.automake,
        flex.flex,
        gconv_modules.gconv_modules,
        gettext.gettext,
        gperf.gperf,
        libtool.libtool,
        pkgconf.pkgconf,
        texinfo.texinfo,
    ],
    inputs=lambda: [libffi.libffi, libunistring.libunistring, readline.readline],
    propagated_inputs=lambda: [gmp.gmp, libgc.libgc],  # libguile.h includes their headers
    native_search_paths=[
        SearchPath("GUILE_LOAD_PATH", ("share/guile/site/3.0",)),
        SearchPath("GUILE_LOAD_COMPILED_PATH", ("lib/guile/3.0/site-ccache",)),
    ],
    synopsis="Scheme, to extend programs and to write them in",
    description=(
        "GNU Guile is an implementation of the language Scheme: a compiler to byte code, a virtual machine "
        "with a just-in-time compiler, many modules, and a library by which programs in C let their users "
        "extend them."
    ),
    home_page="https://www.gnu.org/software/guile/",
    license=licenses.lgpl3_plus,
)
