"""The entry point. Keep its imports at nothing: `larix --version` must cost what Python itself costs."""

from __future__ import annotations

import os
import sys

import larix
from larix.words import tr

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return the exit code; every way out but `SystemExit` ends here."""
    arguments = sys.argv[1:] if argv is None else argv
    try:
        status = _dispatch(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 -- the last stop: each error becomes one line and a code
        from larix.cli import diagnostics

        return diagnostics.conclude(error, wants_traceback=diagnostics.wants_traceback(arguments))
    return status


def _dispatch(arguments: list[str]) -> int:
    if not _wants_english():
        from larix.cli import languages

        languages.speak_as_wished()
    if arguments in (["--version"], ["-V"]):
        licence = tr("Licence GPL-3.0-or-later: free software, without any warranty.")
        print(f"larix {larix.__version__}\n{licence}")
        return 0
    import gc

    gc.set_threshold(50_000)  # loading modules and lowering make many objects and hardly a cycle
    from larix.cli import registry

    return registry.run(arguments)


def _wants_english() -> bool:
    """Whether the environment's language needs no translations: asked before what could find them."""
    environment = os.environ
    locale = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or "C"
    return locale.partition(".")[0] in ("C", "POSIX") or (
        locale.startswith("en") and not environment.get("LANGUAGE")
    )


if __name__ == "__main__":
    sys.exit(main())
