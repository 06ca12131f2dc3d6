"""pkgconf, which also answers to the name `pkg-config`."""

from __future__ import annotations

import re
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import InvokeError, invoke_quietly
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses

__all__ = ["pkgconf"]

# The words of ATF that upstream's tests use, so that neither ATF nor its runner is needed.
# To run one case: bash, this, the script, the case; in a directory of its own.
ATF = r"""
set -u
atf_get_srcdir() { echo "${script%/*}"; }
atf_test_case() { :; }
atf_fits() {
    case $1 in
        ignore) ;;
        empty) test ! -s "$2" ;;
        inline:*) printf '%b' "${1#inline:}" | cmp - "$2" ;;
        match:*) grep -q -e "${1#match:}" "$2" ;;
        *) echo "no such expectation: $1"; return 1 ;;
    esac
}
atf_check() {
    local status=exit:0 output=empty error=empty
    while :; do
        case $1 in
            -s) status=$2 ;;
            -o) output=$2 ;;
            -e) error=$2 ;;
            *) break ;;
        esac
        shift 2
    done
    local got=0
    "$@" >atf-output 2>atf-error || got=$?
    test "${status#*:}" = "$got" && atf_fits "$output" atf-output && atf_fits "$error" atf-error && return
    echo "$*: status $got, expected $status; output (expected $output) and errors (expected $error):"
    cat atf-output atf-error
    exit 1
}
script=$1
. "$script"
"$2_body"
"""


def check(*, shell: Path) -> None:
    """Upstream's suite: each case of the scripts that its list names, run by a few lines of shell."""
    runner, passed, failed = Path("run-case.sh").absolute(), 0, list[str]()
    runner.write_text(ATF)
    for name in re.findall(
        r"^atf_test_program\{name='(.+)'\}", Path("tests/Kyuafile").read_text(), re.MULTILINE
    ):
        script = Path("tests", f"{name}.sh").absolute()
        listed = re.search(r"^tests_init((?: *\\\n?|\s+[a-z_0-9]+ *)+)$", script.read_text(), re.MULTILINE)
        for case in re.findall(r"[a-z_0-9]+", listed[1]) if listed else ():
            scratch = Path("cases", name, case)
            scratch.mkdir(parents=True)
            try:
                invoke_quietly(shell, runner, script, case, directory=scratch)
                passed += 1
            except InvokeError:
                failed.append(f"{name}:{case}")
    print(f"{passed} cases passed, {len(failed)} failed", flush=True)
    if failed or not passed:
        raise BuildSideError(f"tests failed: {', '.join(failed) or 'none was run'}")


def link_the_usual_name(*, outputs: dict[str, Path]) -> None:
    (outputs["out"] / "bin/pkg-config").symlink_to("pkgconf")
    (outputs["out"] / "share/man/man1/pkg-config.1").symlink_to("pkgconf.1")


pkgconf = Package(
    name="pkgconf",
    version="1.8.1",
    source=lambda p: Origin(
        uri=(
            f"https://distfiles.ariadne.space/pkgconf/pkgconf-{p.version}.tar.xz",
            f"debian://pool/main/p/pkgconf/pkgconf_{p.version}.orig.tar.xz",
        ),
        sha256="644361ada2942be05655d4452eb018791647c31bba429b287f1f68deb2dc6840",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": ["--disable-static"],
        "phases": standard_phases.replace("check", check).add_after("install", link_the_usual_name),
    },
    native_search_paths=[SearchPath("PKG_CONFIG_PATH", ("lib/pkgconfig", "share/pkgconfig"))],
    synopsis="Tell compilers where libraries are",
    description=(
        "pkgconf answers build systems that ask how to compile and link with a library: it reads the `.pc` "
        "file that the library installed, and those of what it needs, and prints the compiler's flags. It "
        "takes the same options as pkg-config, and can be called by that name."
    ),
    home_page="https://pkgconf.org/",
    license=licenses.isc,
)
