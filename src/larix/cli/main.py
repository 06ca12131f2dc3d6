"""The entry point. Keep its imports at nothing: `larix --version` must cost what Python itself costs."""

from __future__ import annotations

import sys

import larix

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
    if arguments in (["--version"], ["-V"]):
        print(f"larix {larix.__version__}\nLicence GPL-3.0-or-later: free software, without any warranty.")
        return 0
    import gc

    gc.set_threshold(50_000)  # loading modules and lowering make many objects and hardly a cycle
    from larix.cli import registry

    return registry.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
