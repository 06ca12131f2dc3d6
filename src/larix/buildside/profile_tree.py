"""The tree of a profile: its entries' union, what hooks make, `manifest`, and in `etc` shell settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.buildside.profile_collisions import note_collisions
from larix.buildside.profile_hooks import wanted_hooks
from larix.buildside.profile_settings import PATH, profile_file, settings_of
from larix.buildside.shell_settings import settings_files
from larix.buildside.union import union_build

if TYPE_CHECKING:
    from collections.abc import Iterable

    from larix.buildside.profile_settings import SearchPathFields

__all__ = ["make_profile"]


def make_profile(
    output: str | os.PathLike[str],
    *,
    entries: Iterable[str],
    manifest: str,
    search_paths: Iterable[SearchPathFields] = (),
    shown: str | None = None,
) -> None:
    """Make the profile `output` of the store items `entries`; of clashing files, the first entry's counts.

    `shown` is the name that `output` will have in the end.
    """
    root = os.fspath(output)
    name = root if shown is None else shown
    items = list(entries)
    hooks = wanted_hooks(items)
    folders = ["etc", *(folder for _, wanted in hooks for folder in wanted)]
    collisions = union_build(root, items, directories=folders)
    for collision in collisions:
        print(f"warning: {collision}", flush=True)
    for hook, wanted in hooks:
        print(f"building {hook.what}...", flush=True)
        for folder in wanted:
            hook.make(f"{root}/{folder}")
    # A package's own file of such a name is nothing that a profile could be without.
    _write(f"{root}/manifest", manifest)
    settings = [
        (variable, separator, [each[len(root) :] for each in values])
        for variable, separator, values in settings_of(root, [PATH, *search_paths])
    ]
    _write(f"{root}/etc/profile", profile_file(name, settings))
    for file, text in settings_files(name, settings, manifest).items():
        _write(f"{root}/etc/{file}", text)
    note_collisions(root, collisions)


def _write(file: str, text: str) -> None:
    if os.path.lexists(file):
        os.unlink(file)
    with open(file, "w", encoding="utf-8") as stream:
        stream.write(text)
