"""The names in `.links` while items go away: a file that only they still name is as good as freed.

Equal files share an inode, which also has a name in `.links`. So the last item that goes leaves one name, and
the disk gets the space back when that goes, too.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from larix.store.errors import os_failure
from larix.store.optimise import TEMPORARY_LINK
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Links"]


class Links:
    """Those of one store. Whoever was told by `is_freed` that space comes back calls `sweep` at the end.

    Not `ahead`: only `sweep` counts what is shared, which costs less where it has to look at all anyway.
    """

    def __init__(self, store_dir: str, *, ahead: bool) -> None:
        self._directory = f"{store_dir}/.links"
        self._is_ahead = ahead
        self._inodes: set[int] | None = None  # what `.links` names, once looked for
        self._promised: set[int] = set()

    @property
    def has_promised(self) -> bool:
        return bool(self._promised)

    def is_freed(self, status: os.stat_result) -> bool:
        """Whether the space of a file, seen before one of its names goes, comes back by that and `sweep`."""
        if status.st_nlink <= 1:
            return True
        if status.st_nlink > 2 or not self._is_ahead:
            return False
        if self._inodes is None:
            self._inodes = {entry.inode() for entry in self._entries(self._directory)}
        if status.st_ino not in self._inodes:
            return False
        self._promised.add(status.st_ino)
        return True

    def sweep(self) -> int:
        """Remove the names of what nothing shares any more; the bytes freed, besides those promised."""
        freed = 0
        for entry in self._entries(self._directory):
            try:
                status = entry.stat(follow_symlinks=False)
                # Names for a moment may be of who is at work: to lose one costs that one file only.
                if status.st_nlink > 1 and not entry.name.startswith(TEMPORARY_LINK):
                    continue
                os.unlink(entry.path)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise os_failure(tr("delete in"), self._directory, error) from error
            if status.st_nlink == 1 and status.st_ino not in self._promised:
                freed += status.st_blocks * 512
        self._promised.clear()
        return freed

    def _entries(self, directory: str) -> Iterator[os.DirEntry[str]]:
        """The names at any depth; folders that are empty afterwards go."""
        try:
            with os.scandir(directory) as entries:
                # The names for a moment come first: those beside them, and below, may be alone then.
                for entry in sorted(entries, key=lambda entry: not entry.name.startswith(TEMPORARY_LINK)):
                    if not entry.is_dir(follow_symlinks=False):
                        yield entry
                        continue
                    yield from self._entries(entry.path)
                    with suppress(OSError):  # not empty, mostly
                        os.rmdir(entry.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise os_failure(tr("delete in"), directory, error) from error
