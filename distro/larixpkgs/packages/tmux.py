"""tmux."""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import capture
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import libevent, ncurses, pkgconf

__all__ = ["tmux"]


ASK = """\
printf '%s-%s\\n' spruce larch
tmux wait-for -S written
read -r answer
printf 'typed %s\\n' "$answer"
tmux wait-for -S read
read -r answer
"""


def check(*, shell: Path) -> None:
    """A server with two windows: what a shell in one of them writes, and what is typed there.

    Upstream's tests are not in the release, and wait by sleeping.
    """
    os.environ["PATH"] = f"{os.getcwd()}:{os.environ['PATH']}"
    Path("ask.sh").write_text(ASK)

    def tmux(*words: str) -> list[str]:
        return capture("tmux", "-L", "check", "-f", "/dev/null", *words).splitlines()

    tmux("new-session", "-d", "-s", "grove", "-x", "80", "-y", "24", f"{shell} ask.sh")
    try:
        tmux("wait-for", "written")
        tmux("new-window", "-d", "-n", "other", f"{shell} -c 'read -r answer'")
        tmux("send-keys", "-t", "grove:0", "pine", "Enter")
        tmux("wait-for", "read")
        screen = tmux("capture-pane", "-p", "-t", "grove:0")
        windows = tmux("list-windows", "-F", "#{window_name} #{pane_width}x#{pane_height}")
    finally:
        tmux("kill-server")
    if "spruce-larch" not in screen or "typed pine" not in screen or windows[1:] != ["other 80x24"]:
        raise BuildSideError(f"the screen shows {screen}, the windows are {windows}")


tmux = Package(
    name="tmux",
    version="3.5a",
    source=lambda p: Origin(
        uri=(
            f"https://github.com/tmux/tmux/releases/download/{p.version}/tmux-{p.version}.tar.gz",
            f"debian://pool/main/t/tmux/tmux_{p.version}.orig.tar.gz",
        ),
        sha256="16216bd0877170dfcc64157085ba9013610b12b082548c7c9542cc0103198951",
    ),
    build_system=gnu,
    arguments={
        # The parser of its language is in the release, made.
        "configure_flags": ["ac_cv_prog_found_yacc=yes", "--sysconfdir=/etc"],
        "phases": standard_phases.replace("check", check),
    },
    native_inputs=lambda: [pkgconf.pkgconf],
    inputs=lambda: [libevent.libevent, ncurses.ncurses],
    synopsis="Several terminals in one, that outlive a connection",
    description=(
        "tmux keeps programs running on terminals of its own, and shows them in windows and panes of a real "
        "one. It can be left and joined again, from elsewhere too and by several people, and scripts can "
        "type into its windows and read them."
    ),
    home_page="https://tmux.github.io/",
    license=licenses.isc,
)
