"""GNU Bash.

Upstream publishes a release and patches to it; Debian's source is the release with patches 1 to 37 applied.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import capture
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import ncurses, readline

__all__ = ["bash"]

# Tests that look at programs below /bin, at /usr, at the home directory or a terminal, at locales, or at how
# fast the machine is. What they write differs in a build.
OF_THE_MACHINE = {
    *("alias", "builtins", "comsub-posix", "dirstack", "errors", "execscript", "exportfunc", "glob-test"),
    *(
        "histexpand",
        "intl",
        "jobs",
        "posix2",
        "posixpipe",
        "printf",
        "read",
        "redir",
        "rsh",
        "test",
        "tilde",
        "trap",
    ),
    *("type", "varenv", "vredir"),
}


def check(*, shell: Path) -> None:
    """Upstream's tests show what differs from what was expected, and succeed whatever it is."""
    log = capture("make", "tests", f"SHELL={shell}")
    print(log, flush=True)
    name, different = "", set[str]()
    for line in log.splitlines():
        if line.startswith("run-"):
            name = line.removeprefix("run-").strip()
        elif line.startswith(("< ", "> ")):
            different.add(name)
    if not name or different - OF_THE_MACHINE:
        raise BuildSideError(
            f"tests failed: {', '.join(sorted(different - OF_THE_MACHINE)) or 'none was run'}"
        )


bash = Package(
    name="bash",
    version="5.2.37",
    source=lambda p: Origin(
        uri=(f"debian://pool/main/b/bash/bash_{p.version}.orig.tar.xz",),
        sha256="370704c9c859f4060b7df19055e43bb9b5fa09d887699cf6ba87885c5485d36a",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": ["--with-curses", "--with-installed-readline", "--without-bash-malloc"],
        "phases": standard_phases.replace("check", check),
    },
    inputs=lambda: [ncurses.ncurses, readline.readline],
    synopsis="The GNU Bourne-Again shell",
    description=(
        "Bash reads commands, from a terminal or from scripts, and runs them. It is the shell of the GNU "
        "system: compatible with the Bourne shell, with command line editing, job control, functions, "
        "arrays and arithmetic."
    ),
    home_page="https://www.gnu.org/software/bash/",
    license=licenses.gpl3_plus,
)
