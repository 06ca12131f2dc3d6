"""Items of the store as people name them: by file, by a link such as a profile, or by a package."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from larix.cli.options import CommandLine, UsageError
from larix.derivation import Lowered
from larix.errors import LarixError
from larix.formats.storepath import StorePath, store_item_of
from larix.words import tr

if TYPE_CHECKING:
    from larix.cli.evaluation import Evaluation
    from larix.cli.session import Session

__all__ = ["Items", "NotInStore", "is_file_name", "store_item"]


class NotInStore(LarixError):
    """What a package would make is not there."""

    def __init__(self, path: str, *, name: str = "", message: str | None = None) -> None:
        hint = tr("`larix build {name}' makes it", name=name) if name else None
        super().__init__(message or tr("`{path}' is not in the store", path=path), hint=hint)
        self.path = path
        self.name = name


def is_file_name(text: str) -> bool:
    """Whether a word of the command line names a file; all others are specifications of packages."""
    return "/" in text or os.path.islink(text)


def store_item(session: Session, text: str) -> StorePath:
    """The item that a file is, or is in; links are followed, those to profiles too."""
    store_dir = session.layout.store_dir
    name = os.path.abspath(os.path.expanduser(text))
    if not name.startswith(f"{store_dir}/"):
        target = session.layout.from_host(os.path.realpath(name))
        name = session.facade.item_of(target) or target
    if not name.startswith(f"{store_dir}/"):
        raise UsageError(tr("'{text}' is not in the store `{store_dir}'", text=text, store_dir=store_dir))
    return store_item_of(store_dir, name)


class Items:
    """Finds items for one command line, which may say `-L` and `-s`."""

    def __init__(self, session: Session, line: CommandLine) -> None:
        self._session = session
        self._line = line

    @cached_property
    def evaluation(self) -> Evaluation:
        from larix.cli.evaluation import Evaluation

        return Evaluation(
            self._line.values("load-path"),
            self._session.layout.store_dir,
            system=self._line.last("system"),
        )

    def find(self, text: str, *, all_outputs: bool = True) -> list[StorePath]:
        """The valid items that a word names: a package has one for each output, unless it names one."""
        if is_file_name(text):
            path = store_item(self._session, text)
            self._session.store.path_info(path)
            return [path]
        found = self.evaluation.find(text)
        wanted = None if all_outputs and ":" not in text else found.output
        return self.of_value(found.package, wanted, text)

    def of_value(self, value: object, output: str | None = None, name: str = "") -> list[StorePath]:
        """The valid items of something that can be lowered."""
        item = self.evaluation.lowering.lower(value)
        paths = [StorePath(item.path)]
        if isinstance(item.origin, Lowered):
            outputs = item.origin.outputs
            paths = [outputs[output]] if output is not None else list(outputs.values())
        store = self._session.store
        there = store.valid_paths(paths)
        for path in paths:
            if path not in there:
                raise NotInStore(path, name=name)
        return paths
