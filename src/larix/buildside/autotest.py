"""Test suites that Autotest made: their groups by number, so that a part of a long suite can be run.

`make check` hands `TESTSUITEFLAGS` to such a suite, and numbers of groups are among the flags. As numbers
change with every release, parts are named here by the `.at` files that groups were written in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from larix.buildside.failure import BuildSideError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["groups_of_files"]

_GROUP = re.compile(r"^ *(\d+): (\S+):\d+(?: |$)", re.MULTILINE)


def groups_of_files(listing: str, files: Collection[str]) -> list[int]:
    """The numbers of the groups that stand in `files`; `listing` is what the suite prints for `--list`.

    Each file must have a group: one that has none was renamed, or is misspelt.
    """
    groups = [(int(number), file) for number, file in _GROUP.findall(listing)]
    missing = sorted(set(files) - {file for _, file in groups})
    if missing:
        raise BuildSideError(f"the test suite has no groups of {', '.join(f'`{file}`' for file in missing)}")
    return [number for number, file in groups if file in files]
