"""Larix for those inside a container: a daemon outside, and the running larix, shown with a Python to run it.

The store is seen whole and cannot be written to. What is to be built, the daemon builds outside, in rooms as
ever; so nobody inside needs name spaces of his own, or rights over the store. For a store without a daemon
one is started, for the container alone, which ends with this process.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from larix.containers.shape import Shown
from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Generator

    from larix.cli.options import CommandLine
    from larix.cli.session import Session

__all__ = ["Nested", "NoServer", "nested"]

_FOLDER = "/run/larix"
_LIBRARIES = ("packaging", "rich", "markdown_it", "mdurl", "pygments", "urllib3")

_DAEMON = """\
import sys
sys.path[:] = {path!r}
from larix.builder.sandbox import syscalls
syscalls.prctl(syscalls.PR_SET_PDEATHSIG, 15, "PR_SET_PDEATHSIG")
from larix.cli.main import main
sys.exit(main(["daemon", "--quiet", "--listen", {socket!r}]))
"""
_PROGRAM = """\
#!{python} -IS
import sys
sys.path += {path!r}
sys.argv[0] = "larix"
from larix.cli.main import main
sys.exit(main())
"""


class NoServer(LarixError):
    """The daemon for a container did not start."""


class Nested(NamedTuple):
    """What a container gets so that larix can be used in it."""

    shown: tuple[Shown, ...]
    files: tuple[tuple[str, bytes], ...]
    variables: dict[str, str]


@contextlib.contextmanager
def nested(session: Session, line: CommandLine) -> Generator[Nested]:
    """Larix as those inside may use it, as long as the context lasts."""
    from larix.cli.container_shell import toolchain_python

    python = toolchain_python(session, line)
    folders = _folders()
    with _socket(session) as file:
        shown = [
            Shown(session.layout.store_dir, session.layout.store_dir),
            Shown(os.path.dirname(file), _FOLDER),
        ]
        shown += [Shown(os.path.realpath(folder), folder) for folder in folders]
        program = _PROGRAM.format(python=python, path=folders)
        variables = {
            "LARIX_DAEMON_SOCKET": f"{_FOLDER}/{os.path.basename(file)}",
            "LARIX_STORE_DIR": session.layout.store_dir,
        }
        for name in ("LARIX_PACKAGE_PATH", "LARIX_TOOLCHAIN", "LARIX_BUILD_OPTIONS"):
            if name in os.environ:
                variables[name] = os.environ[name]
        yield Nested(tuple(shown), (("/bin/larix", program.encode()),), variables)


def _folders() -> list[str]:
    """Where larix, the distributions and the libraries of both are found by the import of this process."""
    from importlib.util import find_spec

    from larix.packages.distributions import find_distributions

    names = ["larix", *(each.name for each in find_distributions()), *_LIBRARIES]
    specs = [find_spec(name) for name in names]
    files = [spec.origin for spec in specs if spec is not None and spec.origin is not None]
    return list(dict.fromkeys(os.path.dirname(os.path.dirname(os.path.abspath(file))) for file in files))


@contextlib.contextmanager
def _socket(session: Session) -> Generator[str]:
    """The file of a daemon's socket: of the one in use, or one that is started."""
    from urllib.parse import unquote, urlsplit

    if session.daemon is not None:
        parts = urlsplit(session.daemon)
        if parts.scheme not in ("", "unix", "file"):
            raise NoServer(
                tr("'--nesting' needs a daemon of this machine, and '{name}' is none", name=session.daemon)
            )
        yield unquote(parts.path)
        return
    folder = tempfile.mkdtemp(prefix="larix-daemon-")
    file = f"{folder}/socket"
    code = _DAEMON.format(path=sys.path, socket=file)
    daemon = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", code],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # keys of the terminal are not for it
    )
    try:
        if daemon.stdout is None or daemon.stdout.readline() != b"ready\n":
            raise NoServer(tr("the daemon for the container did not start"))
        yield file
    finally:
        daemon.terminate()
        if daemon.stdout is not None:
            daemon.stdout.close()
        daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)
