"""The compilers that all packages here are built with, for those who compile by hand.

They are the seed's: GCC as Debian built it, relocated, with its binutils and C library. What is installed are
links to the programs. The headers and libraries of the seed stay where they are, for its compilers know them;
what a profile has in `include` and `lib` is then other packages' alone, and reaches the compilers through the
variables below.

The linker is one of ours: it lets programs find the libraries that they were linked with.
"""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.invoke import capture, invoke
from larix.buildsystems.trivial import trivial
from larix.packages import Package, SearchPath, licenses
from larix.packages.inputs import Input
from larixpkgs.bootstrap.seed import seed

__all__ = ["gcc_toolchain", "ld_wrapper"]

SYSTEMS = ("x86_64-linux",)

LD = r"""#!@SHELL@
# The linker, told the directory of each shared library of the store that it links with: a program finds them
# there when it runs. With LARIX_LD_WRAPPER_DISABLE_RPATH it is the plain linker.

linker=@LINKER@
if [ -n "$LARIX_LD_WRAPPER_DISABLE_RPATH" ]; then exec "$linker" "$@"; fi

words=()
for word in "$@"; do
    # GCC hands over long command lines in files.
    if [[ $word == @* && -r ${word#@} ]]; then
        mapfile -t more < <(@XARGS@ @PRINTF@ '%s\n' < "${word#@}")
        words+=("${more[@]}")
    else
        words+=("$word")
    fi
done

folders=() libraries=() files=() previous=
for word in "${words[@]}"; do
    case $previous in
        -L | --library-path) folders+=("$word"); previous=; continue ;;
        -l | --library) libraries+=("$word"); previous=; continue ;;
        -o | -soname | -h | -rpath | -rpath-link | -dynamic-linker | -T | -z | -m | -plugin)
            previous=; continue ;;
    esac
    case $word in
        -static | -r | --relocatable | -Ur) exec "$linker" "$@" ;;
        -L?*) folders+=("${word#-L}") ;;
        --library-path=*) folders+=("${word#*=}") ;;
        -l?*) libraries+=("${word#-l}") ;;
        --library=*) libraries+=("${word#*=}") ;;
        -?*) previous=$word ;;
        *.so | *.so.*) files+=("$word"); previous= ;;
        *) previous= ;;
    esac
done

for library in "${libraries[@]}"; do
    for folder in "${folders[@]}"; do
        file=$folder/lib$library.so
        if [[ $library == :* ]]; then file=$folder/${library#:}; fi
        if [ -e "$file" ]; then files+=("$file"); break; fi
        if [ -e "$folder/lib$library.a" ]; then break; fi
    done
done

places=() seen=
for file in "${files[@]}"; do
    place=$(@REALPATH@ -e -- "$file" 2> /dev/null) || continue
    case $place in
        @SEED@/*) ;;  # the compiler names these itself, and they hold more than what was linked with
        @STORE@/*/*)
            place=${place%/*}
            case "$seen" in *":$place:"*) ;; *) seen="$seen:$place:"; places+=(-rpath "$place") ;; esac ;;
    esac
done
exec "$linker" "${places[@]}" "$@"
"""

TEST = """
#include <cmath>
#include <cstdio>
#include <cstdlib>
int main() { return std::printf("%d %g\\n", std::abs(-3), std::sqrt(4.0)) < 0; }
"""

# What compiles, links, and looks at what came of it.
PROGRAMS = (
    *("gcc", "g++", "cpp", "cc", "c++", "gcc-ar", "gcc-nm", "gcc-ranlib"),
    *(
        "as",
        "ld.bfd",
        "addr2line",
        "ar",
        "c++filt",
        "elfedit",
        "nm",
        "objcopy",
        "objdump",
        "ranlib",
        "readelf",
    ),
    *("size", "strings", "strip", "ldd", "getconf", "locale", "localedef"),
)


def write_linker(*, output: Path, inputs: dict[str, Path]) -> None:
    """Fill in the script the names of the seed's programs."""
    root = inputs["seed"]
    file = output / "bin" / "ld"
    file.parent.mkdir(parents=True)
    text = LD
    for name, value in (
        ("SHELL", root / "bin/bash"),
        ("LINKER", root / "bin/ld.bfd"),
        ("XARGS", root / "bin/xargs"),
        ("PRINTF", root / "bin/printf"),
        ("REALPATH", root / "bin/realpath"),
        ("SEED", root),
        ("STORE", root.parent),
    ):
        text = text.replace(f"@{name}@", f"{value}")
    file.write_text(text)
    file.chmod(0o755)


def link_programs(*, output: Path, inputs: dict[str, Path]) -> None:
    """Links to the programs; then something is compiled with them, and run."""
    root, folder = inputs["seed"], output / "bin"
    folder.mkdir(parents=True)
    for name in PROGRAMS:
        if not (root / "bin" / name).exists():
            raise BuildSideError(f"the seed has no program `{name}`")
        (folder / name).symlink_to(root / "bin" / name)
    (folder / "ld").symlink_to(inputs["ld-wrapper"] / "bin/ld")
    os.environ["PATH"] = f"{folder}"
    Path("test.cc").write_text(TEST)
    invoke("g++", "test.cc", "-o", "test")
    if capture("./test") != "3 2\n":
        raise BuildSideError("a compiled program does not do what it should")


ld_wrapper = Package(
    name="ld-wrapper",
    version="0",
    source=None,
    build_system=trivial,
    arguments={"builder": write_linker},
    inputs=lambda: [Input("seed", seed)],
    supported_systems=SYSTEMS,
    synopsis="Linker whose results find their libraries",
    description=(
        "This is the linker of the GNU binutils under another hat: to its command line it adds the directory "
        "of each shared library that comes from the store, so that what is linked finds it when it runs. "
        "Nothing is added when the variable LARIX_LD_WRAPPER_DISABLE_RPATH is set."
    ),
    home_page="https://www.gnu.org/software/binutils/",
    license=licenses.gpl3_plus,
)


gcc_toolchain = Package(
    name="gcc-toolchain",
    version="12.2.0",
    source=None,
    build_system=trivial,
    arguments={"builder": link_programs},
    inputs=lambda: [Input("seed", seed), Input("ld-wrapper", ld_wrapper)],
    supported_systems=SYSTEMS,
    native_search_paths=[
        SearchPath("C_INCLUDE_PATH", ("include",)),
        SearchPath("CPLUS_INCLUDE_PATH", ("include/c++", "include")),
        SearchPath("LIBRARY_PATH", ("lib",)),
    ],
    synopsis="GCC with its linker and C library, ready to compile",
    description=(
        "What is needed to compile C and C++: GCC, the GNU binutils and the GNU C library. These are the "
        "compilers that the packages here are built with, binaries of Debian that were relocated, and not "
        "built from source. Headers and libraries of other packages in the same profile are found, and "
        "programs find these libraries when they run."
    ),
    home_page="https://gcc.gnu.org/",
    license=(licenses.gpl3_plus, licenses.lgpl2_1_plus),
)
