"""What a command line wants installed, as manifest entries: packages, expressions, files, store items.

The catalogue, the toolchain and all that lowers packages are loaded when something asks for them: going back,
or removing a package, never does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from larix.cli.transformations import Transformer, Wish, portable_wishes, recorded_transformations
from larix.formats.storepath import StorePath, name_part, store_item_of
from larix.packages.listed import Transformed
from larix.profiles.manifest import PROVENANCE, Entry, Manifest

if TYPE_CHECKING:
    from larix.cli.evaluation import Evaluation
    from larix.cli.grafting import Grafts
    from larix.cli.provenance import Provenance
    from larix.cli.session import Session
    from larix.packages.inputs import Output
    from larix.packages.package import Package
    from larix.profiles.entries import EntryMaker
    from larix.protocol import BuildOptions
    from larix.staging import Item

__all__ = ["KINDS", "Wanted"]

KINDS = ("install", "install-from-expression", "install-from-file")


class Wanted:
    """Turns wishes into entries; `items` tells how those that must be built come to be.

    `with_provenance` notes in each entry where its package is defined.
    """

    def __init__(
        self,
        session: Session,
        load_path: list[str],
        wishes: Sequence[Wish] = (),
        *,
        with_provenance: bool = False,
        system: str | None = None,
        target: str | None = None,
    ) -> None:
        self._session = session
        self._with_provenance = with_provenance
        self._system = system
        self._target = target
        self._load_path = load_path
        self._wishes = wishes
        self._transformers: list[Transformer] = []
        self._expected: set[StorePath] = set()

    @cached_property
    def evaluation(self) -> Evaluation:
        from larix.cli.evaluation import Evaluation

        return Evaluation(
            self._load_path, self._session.layout.store_dir, system=self._system, target=self._target
        )

    @cached_property
    def _maker(self) -> EntryMaker:
        from larix.profiles.entries import EntryMaker

        return EntryMaker(self.evaluation.lowering)

    @cached_property
    def _provenance(self) -> Provenance:
        from larix.cli.provenance import Provenance

        return Provenance(self.evaluation.catalogue)

    def _entry(self, package: Package, output: str) -> Entry:
        entry = self._maker.entry(package, output)
        if not self._with_provenance:
            return entry
        properties = (*entry.properties, (PROVENANCE, self._provenance.of(package)))
        return entry._replace(properties=tuple(sorted(properties)))

    @property
    def items(self) -> Mapping[str, Item]:
        return self._maker.items if "_maker" in self.__dict__ else {}

    def expect(self, texts: Iterable[str]) -> None:
        """Look at the store's items among many wishes at once: one by one, each would cost two queries."""
        store = self._session.store
        paths = [
            store_item_of(store.store_dir, text) for text in texts if text.startswith(f"{store.store_dir}/")
        ]
        if len(paths) > 1:
            store.add_temp_root(*paths)
            self._expected = store.valid_paths(paths)

    def entries(self, kind: str, text: str) -> list[Entry]:
        """The entries of one wish, `kind` being one of `KINDS`."""
        if kind == "install-from-expression":
            return self._of_outputs(self.evaluation.packages_of_expression(text))
        if kind == "install-from-file":
            return self._of_outputs(self.evaluation.packages_of_file(text))
        if text.startswith("/"):
            return [self._store_entry(text)]
        return self._of_outputs([self.evaluation.output(text)])

    def development(self, kind: str, text: str) -> list[Entry]:
        """The inputs of the packages that one wish means."""
        if kind == "install-from-expression":
            outputs = self.evaluation.packages_of_expression(text)
        elif kind == "install-from-file":
            outputs = self.evaluation.packages_of_file(text)
        else:
            outputs = [self.evaluation.output(text)]
        packages = [self._transformer(each.package) if self._wishes else each.package for each in outputs]
        return [entry for package in packages for entry in self._inputs_of(package)]

    def manifest_file(self, file: str) -> list[Entry]:
        return [
            entry
            for each in self.evaluation.manifest_items(file)
            for entry in (
                self._transformed(each) if isinstance(each, Transformed) else self._of_outputs([each])
            )
        ]

    def _transformed(self, listed: Transformed) -> list[Entry]:
        found = self.evaluation.find(str(listed.specification))
        wishes = (*portable_wishes(listed.options), *self._wishes)
        package = self._new_transformer(wishes, listed.sources)(found.package)
        return self._inputs_of(package) if listed.development else [self._entry(package, found.output)]

    def _inputs_of(self, package: Package) -> list[Entry]:
        from larix.profiles.development import development_entries

        return development_entries(package, self._maker, self.evaluation.lowering)

    def newest(self, installed: Entry) -> Entry | None:
        """The catalogue's entry for an installed one, if it still has it, transformed as that one was."""
        package = self.evaluation.newest(installed.name)
        if package is None or installed.output not in package.outputs:
            return None
        return self._like(installed, package)

    def recorded(self, installed: Entry) -> Entry | None:
        """The catalogue's entry that an installed one was made as, known by its store path.

        Otherwise the one that is likeliest; None where none can be meant. A transformation may have changed
        the version, so then all are tried.
        """
        catalogue = self.evaluation.catalogue
        named = catalogue.named(installed.name)
        same = [each for each in named if each.version == installed.version]
        others = [each for each in named if each.version != installed.version]
        is_transformed = bool(dict(installed.properties_without_provenance))
        first: Entry | None = None
        for each in (*same, *(others if is_transformed else ())):
            package = catalogue.load(each)
            if installed.output not in package.outputs:
                continue
            entry = self._like(installed, package)
            if entry.path == installed.path:
                return entry
            first = first or entry
        return first

    def _like(self, installed: Entry, package: Package) -> Entry:
        """The entry of a package, transformed as an installed one was."""
        if installed.properties_without_provenance:
            wishes, sources = recorded_transformations(dict(installed.properties))
            package = self._new_transformer((*wishes, *self._wishes), sources)(package)
        elif self._wishes:
            package = self._transformer(package)
        return self._entry(package, installed.output)

    @cached_property
    def _transformer(self) -> Transformer:
        return self._new_transformer(self._wishes, {})

    def _new_transformer(self, wishes: Sequence[Wish], sources: Mapping[str, Any]) -> Transformer:
        self._transformers.append(Transformer(self._session, self.evaluation, wishes, sources))
        return self._transformers[-1]

    def _of_outputs(self, outputs: Iterable[Output]) -> list[Entry]:
        return [
            self._entry(self._transformer(each.package) if self._wishes else each.package, each.name)
            for each in outputs
        ]

    def check(self) -> None:
        """Tell which transformations had no effect; called when all entries are made."""
        for transformer in self._transformers:
            transformer.check()

    def grafted(
        self, entries: list[Entry], options: BuildOptions, *, dry_run: bool
    ) -> tuple[list[Entry], Grafts | None]:
        """The entries with grafts where replacements ask for them.

        What must be built to know that is built.
        """
        if not self.items:
            return entries, None
        from larix.cli.grafting import find_grafts

        lowering = self.evaluation.lowering
        paths = {entry.path for entry in Manifest(tuple(entries)).transitive()}
        items = [item for path, item in self.items.items() if path in paths]
        grafts = find_grafts(self._session, lowering, items, options, dry_run=dry_run)
        self._maker.items.update({item.path: item for item in grafts.new.values()})
        return [_grafted_entry(entry, grafts.new) for entry in entries], grafts

    def _store_entry(self, text: str) -> Entry:
        """An item of the store as it is; its name tells name and version as far as names do."""
        store = self._session.store
        file = text if text.startswith(f"{store.store_dir}/") else os.path.realpath(text)
        path = store_item_of(store.store_dir, file)
        if path not in self._expected:
            store.add_temp_root(path)
            store.path_info(path)
        name, version = _split_name(path)
        return Entry(name, version, "out", path)


def _grafted_entry(entry: Entry, new: Mapping[str, Item]) -> Entry:
    item = new.get(entry.path)
    return entry._replace(
        path=entry.path if item is None else item.path,
        propagated_inputs=tuple(_grafted_entry(each, new) for each in entry.propagated_inputs),
    )


def _split_name(path: StorePath) -> tuple[str, str]:
    """NAME and VERSION of NAME-VERSION, the version starting at the first hyphen before a digit."""
    match = re.fullmatch(r"(.+?)-([0-9].*)", name_part(path))
    return (match[1], match[2]) if match else (name_part(path), "0")
