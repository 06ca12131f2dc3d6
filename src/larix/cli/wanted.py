"""What a command line wants installed, as manifest entries: packages, expressions, files, store items.

The catalogue, the toolchain and all that lowers packages are loaded when something asks for them: going back,
or removing a package, never does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from larix.formats.storepath import StorePath, name_part, store_item_of
from larix.profiles.manifest import Entry

if TYPE_CHECKING:
    from larix.cli.evaluation import Evaluation
    from larix.cli.session import Session
    from larix.packages.inputs import Output
    from larix.profiles.entries import EntryMaker
    from larix.staging import Item

__all__ = ["KINDS", "Wanted"]

KINDS = ("install", "install-from-expression", "install-from-file")


class Wanted:
    """Turns wishes into entries; `items` tells how those that must be built come to be."""

    def __init__(self, session: Session, load_path: list[str]) -> None:
        self._session = session
        self._load_path = load_path

    @cached_property
    def evaluation(self) -> Evaluation:
        from larix.cli.evaluation import Evaluation

        return Evaluation(self._load_path, self._session.layout.store_dir)

    @cached_property
    def _maker(self) -> EntryMaker:
        from larix.profiles.entries import EntryMaker

        return EntryMaker(self.evaluation.lowering)

    @property
    def items(self) -> Mapping[str, Item]:
        return self._maker.items if "_maker" in self.__dict__ else {}

    def entries(self, kind: str, text: str) -> list[Entry]:
        """The entries of one wish, `kind` being one of `KINDS`."""
        if kind == "install-from-expression":
            return self._of_outputs(self.evaluation.packages_of_expression(text))
        if kind == "install-from-file":
            return self._of_outputs(self.evaluation.packages_of_file(text))
        if text.startswith("/"):
            return [self._store_entry(text)]
        return self._of_outputs([self.evaluation.output(text)])

    def manifest_file(self, file: str) -> list[Entry]:
        return self._of_outputs(self.evaluation.manifest_file(file))

    def newest(self, name: str, output: str) -> Entry | None:
        """The catalogue's entry for an installed one, if it still has it."""
        package = self.evaluation.newest(name)
        if package is None or output not in package.outputs:
            return None
        return self._maker.entry(package, output)

    def _of_outputs(self, outputs: Iterable[Output]) -> list[Entry]:
        return [self._maker.entry(each.package, each.name) for each in outputs]

    def _store_entry(self, text: str) -> Entry:
        """An item of the store as it is; its name tells name and version as far as names do."""
        store = self._session.store
        file = text if text.startswith(f"{store.store_dir}/") else os.path.realpath(text)
        path = store_item_of(store.store_dir, file)
        store.add_temp_root(path)
        store.path_info(path)
        name, version = _split_name(path)
        return Entry(name, version, "out", path)


def _split_name(path: StorePath) -> tuple[str, str]:
    """NAME and VERSION of NAME-VERSION, the version starting at the first hyphen before a digit."""
    match = re.fullmatch(r"(.+?)-([0-9].*)", name_part(path))
    return (match[1], match[2]) if match else (name_part(path), "0")
