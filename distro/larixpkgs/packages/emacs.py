"""GNU Emacs for the terminal: no windows, no TLS, and Lisp is compiled to byte code.

Debian's source is the release without its manuals, whose licence it does not accept.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.files import mkdir_p, substitute
from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses
from larixpkgs.packages import autoconf, libxml2, ncurses, pkgconf, zlib

__all__ = ["emacs"]


def leave_out_manuals() -> None:
    """And a table of glyphs for macOS, which Debian takes out as well."""
    for name in ("emacs", "lispintro", "lispref", "misc"):
        targets = "doc-emacsver info echo-info clean org.texi modus-themes.texi"
        (mkdir_p(f"doc/{name}") / "Makefile.in").write_text(f"{targets}:\n", encoding="utf-8")
    (mkdir_p("info") / "emacs").touch()  # with it, makeinfo is not asked for
    substitute("Makefile.in", (r"^info: .*", "info:"), (r"^INFO_NONMISC=.*", "INFO_NONMISC="))
    substitute("admin/unidata/Makefile.in", (r"^all: \$\{top_srcdir\}/src/macuvs\.h ", "all: "))


def name_the_shell(*, shell: Path) -> None:
    """The one that commands run in when SHELL names none."""
    substitute("src/callproc.c", (r'sh \? sh : "/bin/sh"', f'sh ? sh : "{shell.parent}/sh"'))
    substitute("test/src/process-tests.el", ('"/bin//sh"', f'"{shell.parent}/sh"'))


def distrust_shorthands() -> None:
    """As upstream's commit 8466eb44 does: else a file can run code of its own when it is visited."""
    bound = r"(let* ((read-symbol-shorthands nil) (\1"
    substitute("lisp/progmodes/cc-fonts.el", (r"\(let \(\((sym \(intern)$", bound))
    substitute("lisp/vc/vc-hooks.el", (r"\(let \(\((f \(vc-make-backend-sym )", bound))


def check(*, shell: Path) -> None:
    """What is written in C, and the compiler and libraries of Lisp. All tests take an hour of a processor."""
    arguments = make_arguments(shell=shell, make_flags=[], parallel=True)
    invoke("make", "-C", "test", *arguments, "check-src", "check-lisp-emacs-lisp")


emacs = Package(
    name="emacs",
    version="30.1",
    source=lambda p: Origin(
        uri=f"debian://pool/main/e/emacs/emacs_{p.version}+1.orig.tar.xz",
        sha256="902fe6e82528f9bc89b0f57227488a08f5bc07126c2c47eb6b5e8a368582324c",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": [
            "--disable-build-details",  # when, and on which machine
            "--with-file-notification=inotify",
            "--with-modules",
            "--with-threads",
            "--with-xml2",
            "--with-zlib",
            "--without-all",
            "--without-x",
        ],
        "phases": standard_phases.add_before("bootstrap", leave_out_manuals)
        .add_before("bootstrap", name_the_shell)
        .add_before("bootstrap", distrust_shorthands)
        .replace("check", check),
    },
    native_inputs=lambda: [autoconf.autoconf, pkgconf.pkgconf],
    inputs=lambda: [libxml2.libxml2, ncurses.ncurses, zlib.zlib],
    # Whoever sets the variable sets all of it: Emacs's own Lisp stands there, too.
    native_search_paths=lambda p: [
        SearchPath("EMACSLOADPATH", ("share/emacs/site-lisp", f"share/emacs/{p.version}/lisp"))
    ],
    synopsis="Editor that is extended in its own language",
    description=(
        "GNU Emacs edits texts of all kinds: it knows the syntax of programming languages, runs shells and "
        "compilers, compares files, keeps calendars and agendas, reads mail. All of it is Emacs Lisp, which "
        "users change and add to while it runs. This one shows itself on a terminal."
    ),
    home_page="https://www.gnu.org/software/emacs/",
    license=licenses.gpl3_plus,
)
