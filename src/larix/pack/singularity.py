"""What Singularity, now called Apptainer, looks for in a file system that it runs.

.singularity.d/actions/run             what `run` starts
.singularity.d/env/90-environment.sh   what is set before, for a shell to source
dev, home, proc, sys, tmp              where it mounts those of the machine
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from larix.buildside.profile_settings import PATH, settings_of, shell_setting
from larix.pack.entries import File, Folder

if TYPE_CHECKING:
    from larix.pack.entries import Entry
    from larix.pack.options import PackOptions

__all__ = ["singularity_entries"]

_TOP = b".singularity.d"
_EMPTY = ("dev", "home", "proc", "sys")


def singularity_entries(options: PackOptions) -> list[Entry]:
    """Folders before what is in them."""
    settings = settings_of(options.profile, [PATH, *options.search_paths])
    environment = "".join(f"{shell_setting(*setting)}\n" for setting in settings).encode()
    entries: list[Entry] = [Folder(os.fsencode(name)) for name in _EMPTY]
    entries += [Folder(b"tmp", 0o1777), Folder(_TOP), Folder(_TOP + b"/actions"), Folder(_TOP + b"/env")]
    entries.append(File(_TOP + b"/env/90-environment.sh", len(environment), contents=environment))
    if options.entry_point:
        program, *arguments = options.entry_point
        words = shlex.join([f"{options.profile}/{program}", *arguments])
        script = f'#!{options.profile}/bin/bash\nexec {words} "$@"\n'.encode()
        entries.append(File(_TOP + b"/actions/run", len(script), executable=True, contents=script))
    return entries
