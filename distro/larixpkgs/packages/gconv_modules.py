"""What the C library converts other character sets with than ASCII, UTF-8 and UCS-4.

These are files beside the library, which the seed leaves out. They are of one build with it, so they come
from the package of Debian that the seed takes it from.
"""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.copy import standard_phases
from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files, install_file
from larix.buildside.gnu import main_output
from larix.buildside.invoke import capture, invoke
from larix.buildsystems.copy import copy
from larix.packages import Origin, Package, SearchPath, licenses

__all__ = ["gconv_modules"]


def unpack(*, source: Path) -> None:
    invoke("ar", "x", source, "data.tar.xz")
    invoke("tar", "--extract", "--file=data.tar.xz", "--no-same-owner", "./usr")


def install(*, outputs: dict[str, Path], toolchain: tuple[Path, ...]) -> None:
    output = main_output(outputs)
    source = Path("usr/lib/x86_64-linux-gnu/gconv")
    library = f"{toolchain[0]}/lib/x86_64-linux-gnu"
    for file in find_files(source):
        if file.name == "gconv-modules.cache":
            continue  # read from the place alone that the library was built for
        installed = install_file(file, output / "lib/gconv" / file.parent.relative_to(source))
        if file.suffix == ".so":
            invoke("patchelf", "--set-rpath", f"$ORIGIN:{library}", installed)
    install_file("usr/share/doc/libc6/copyright", output / "share/doc/gconv-modules")


def check(*, outputs: dict[str, Path]) -> None:
    os.environ["GCONV_PATH"] = f"{main_output(outputs)}/lib/gconv"
    text = Path("text")
    for name, encoding in (("ISO-8859-15", "iso8859_15"), ("UTF-16BE", "utf-16be"), ("EUC-JP", "euc_jp")):
        expected = "mélèze" if name.startswith("ISO") else "落葉松"
        text.write_bytes(expected.encode(encoding))
        found = capture("iconv", "-f", name, "-t", "UTF-8", text)
        if found != expected:
            raise BuildSideError(f"iconv reads {found!r} from {name}, and not {expected!r}")


gconv_modules = Package(
    name="gconv-modules",
    version="2.36",
    # A file of the seed: see `bootstrap/debian-packages.tsv`.
    source=lambda p: Origin(
        uri=f"debian://pool/main/g/glibc/libc6_{p.version}-9+deb12u14_amd64.deb",
        sha256="ba4f88f73dbc3ae9055f3c20f4523bfdbaf1ad13ff95e258924f77d20b4fbedf",
    ),
    build_system=copy,
    arguments={
        "phases": standard_phases.replace("unpack", unpack)
        .replace("install", install)
        .add_after("install", check),
    },
    native_search_paths=[SearchPath("GCONV_PATH", ("lib/gconv",))],
    synopsis="Character sets for programs that convert texts",
    description=(
        "With these modules the C library's function iconv, and so the programs that call it, convert texts "
        "from and to ISO 8859, KOI8, Big5, EUC, GB 18030, Shift JIS, UTF-16 and some two hundred other "
        "character sets."
    ),
    home_page="https://www.gnu.org/software/libc/",
    license=licenses.lgpl2_1_plus,
)
