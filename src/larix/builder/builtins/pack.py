"""`builtin:pack`: closures as archives, images, file systems and packages, made by larix itself.

It needs no toolchain and starts no program. The derivation names the code and the compressor that make the
pack, so that another larix, which would write other bytes, gives it another name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from larix.builder.builtins.pack_state import state_entries
from larix.pack.compression import method, squashfs_method
from larix.pack.content import Contents, parse_graph
from larix.pack.errors import BadPack
from larix.pack.options import PackOptions, link_to_nowhere
from larix.pack.writing import write_pack
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["run"]

_LOADED_WHEN_NEEDED = (method("zstd"), squashfs_method("zstd", 1))  # larix's own files may be out of reach


def run(argument: dict[str, Any], report: Callable[[tuple[Any, ...]], None]) -> None:
    """What the options in `pack` say of the closure that the file `graph` lists."""
    environment: dict[str, str] = argument["environment"]
    options = PackOptions.parse(environment["pack"])
    try:
        closure = parse_graph(argument["store_dir"], argument["files"]["graph"].decode("ascii"))
        contents = Contents(closure, options, tuple(state_entries(closure, options)))
        _check_names(options)
        write_pack(
            argument["outputs"]["out"],
            contents,
            threads=int(environment["LARIX_BUILD_CORES"]),
            scratch="scratch",
        )
    except BadPack as error:
        report(("builtin-failed", error.message, error.hint))
    except OSError as error:
        name = error.filename or argument["name"]
        report(
            (
                "builtin-failed",
                tr("cannot pack `{name}': {problem}", name=os.fsdecode(name), problem=error.strerror),
                None,
            )
        )


def _check_names(options: PackOptions) -> None:
    """What is named in the profile must be there: a pack may be opened where nobody can mend it."""
    for source, target in options.links:
        if not os.path.lexists(f"{options.profile}/{target}"):
            raise link_to_nowhere(source, target)
    if options.entry_point and not os.path.exists(f"{options.profile}/{options.entry_point[0]}"):
        raise BadPack(
            tr("there is no program `{program}' to be the entry point", program=options.entry_point[0]),
            hint=tr("name it as the profile of the packages has it, such as `bin/NAME'"),
        )
