"""As a script, `enter.py DATA-DIRECTORY PROGRAM ARG...` becomes PROGRAM in a rootless store's namespace.

The launchers of rootless profiles call it with a bare interpreter; it must start quickly and needs nothing
but the source tree that it lies in.
"""

from __future__ import annotations

import os
import signal
import sys

__all__ = ["become", "main"]


def become(program: str, arguments: list[str], environment: dict[str, str] | None = None) -> None:
    """Replace this process by `program`, with the signal dispositions that programs expect at their start."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these, and programs would inherit that
        signal.signal(number, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os.execve(program, arguments, dict(os.environ) if environment is None else environment)  # noqa: S606


def main(arguments: list[str]) -> int:
    data_directory, program, *_ = arguments
    from larix.errors import LarixError
    from larix.store.rootless import enter_rootless_store

    try:
        enter_rootless_store({"XDG_DATA_HOME": os.path.dirname(data_directory)})
        become(program, arguments[1:])
    except (LarixError, OSError) as error:
        sys.stderr.write(f"larix: error: cannot run '{program}': {error}\n")
        if isinstance(error, LarixError) and error.hint:
            sys.stderr.write(f"hint: {error.hint}\n")
    return 127


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
    sys.exit(main(sys.argv[1:]))
