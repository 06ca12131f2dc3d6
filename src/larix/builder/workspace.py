"""The folders in which builds take place, used for one build after another.

A workspace is a folder `STATE/builds/<random>`, 0700 and locked for as long as the session that made it
lives: `root` is where rooms are mounted, `store` receives outputs, `scratch` is a build's `/tmp`. Nobody but
larix can reach into it. What a killed larix leaves behind is recognised by its free lock and removed by the
next one, or by a collection.

Between two builds everything is removed except the empty files and folders on which inputs were mounted, when
they are root's: a build cannot touch those, and making hundreds of them for each build takes longer than many
builds.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.store.atomic import remove_tree
from larix.store.leftovers import make_locked_folder, remove_abandoned

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Workspace", "Workspaces"]


class Workspace:
    """One folder, held by the descriptor `lock`."""

    __slots__ = ("_keep_places", "_shown", "folder", "lock")

    def __init__(self, folder: str, lock: int, *, keep_places: bool) -> None:
        self._keep_places = keep_places
        self.folder = folder
        self.lock = lock
        self._shown: set[str] = set()
        for name in ("root", "store", "scratch"):
            os.mkdir(f"{folder}/{name}", 0o700)

    @property
    def root(self) -> str:
        return self.folder + "/root"

    @property
    def store(self) -> str:
        return self.folder + "/store"

    @property
    def scratch(self) -> str:
        return self.folder + "/scratch"

    def prepare(self, inputs: Iterable[str]) -> None:
        """Leave no trace of inputs of earlier builds that are not among `inputs`, those of the next."""
        wanted = set(inputs)
        for name in self._shown - wanted:
            remove_tree(f"{self.store}/{name}")
        self._shown = wanted

    def clean(self) -> None:
        """Remove all that the last build left."""
        with os.scandir(self.scratch) as entries:
            for entry in entries:
                remove_tree(entry.path)
        if not self._keep_places:
            self._shown = set()
        with os.scandir(self.store) as entries:
            for entry in entries:
                if entry.name not in self._shown:
                    remove_tree(entry.path)

    def destroy(self) -> None:
        if self.lock >= 0:
            remove_tree(self.folder)
            os.close(self.lock)
            self.lock = -1


class Workspaces:
    """Hands out workspaces below one folder; `keep_places` when builds run as other users than larix."""

    def __init__(self, folder: str, *, keep_places: bool) -> None:
        self._folder = folder
        self._keep_places = keep_places
        self._spare: list[Workspace] = []
        self._is_ready = False

    def take(self) -> Workspace:
        if self._spare:
            return self._spare.pop()
        if not self._is_ready:
            os.makedirs(self._folder, mode=0o755, exist_ok=True)
            remove_abandoned(self._folder)
            self._is_ready = True
        folder, lock = make_locked_folder(self._folder)
        return Workspace(folder, lock, keep_places=self._keep_places)

    def give_back(self, workspace: Workspace) -> None:
        """Take a workspace whose build is over, and of which nothing is needed any more."""
        try:
            workspace.clean()
        except OSError:
            workspace.destroy()
            raise
        self._spare.append(workspace)

    def close(self) -> None:
        for workspace in self._spare:
            workspace.destroy()
        self._spare.clear()
