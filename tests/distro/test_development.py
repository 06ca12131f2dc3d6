"""What is at hand for working on the packages of the distribution; nothing is built for that."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import larixpkgs.packages
from larix.formats.storepath import DEFAULT_STORE_DIR
from larix.packages import Package
from larix.packages.search_paths import BUILD_SEARCH_PATHS
from larix.packages.toolchain import lowering_for
from larix.profiles.development import PROGRAMS, development_entries
from larix.profiles.entries import EntryMaker
from larix.profiles.manifest import Entry, Manifest
from larix.profiles.transaction import check_collisions
from larix.staging import Lowering

SYSTEM = "x86_64-linux"


def packages() -> list[Package]:
    modules = pkgutil.iter_modules(larixpkgs.packages.__path__)
    found = [importlib.import_module(f"larixpkgs.packages.{each.name}") for each in modules]
    return [getattr(module, name) for module in found for name in module.__all__]


def entries_of(package: Package, lowering: Lowering) -> tuple[dict[str, Entry], EntryMaker]:
    maker = EntryMaker(lowering)
    return {each.name: each for each in development_entries(package, maker, lowering)}, maker


def named(name: str) -> Package:
    return next(each for each in packages() if each.name == name)


@pytest.mark.slow
def test_every_package_can_be_worked_on() -> None:
    lowering = lowering_for(DEFAULT_STORE_DIR, SYSTEM)
    maker = EntryMaker(lowering)
    for package in packages():
        entries = development_entries(package, maker, lowering)
        check_collisions(Manifest(tuple(entries)))
        assert all(entry.path in maker.items for entry in entries), package.full_name


def test_the_toolchain_comes_as_programs_that_read_the_variables_of_compilers() -> None:
    entries, maker = entries_of(named("hello"), lowering_for(DEFAULT_STORE_DIR, SYSTEM))
    assert list(entries) == [PROGRAMS]
    assert entries[PROGRAMS].search_paths == BUILD_SEARCH_PATHS
    assert maker.items[entries[PROGRAMS].path].path.endswith(f"-{PROGRAMS}")


def test_inputs_of_all_kinds_and_what_they_propagate_are_there_the_package_is_not() -> None:
    package = named("python-flask")
    entries, _ = entries_of(package, lowering_for(DEFAULT_STORE_DIR, SYSTEM))
    wanted = {name for each in package.direct_inputs() if (name := getattr(each.value, "name", None))}
    assert wanted
    assert wanted <= entries.keys()
    assert package.name not in entries


def test_for_another_machine_libraries_are_its_own_and_tools_are_not() -> None:
    here = lowering_for(DEFAULT_STORE_DIR, SYSTEM)
    there = lowering_for(DEFAULT_STORE_DIR, SYSTEM, "aarch64-linux-gnu")
    package = named("libxml2")
    usual, crossed = entries_of(package, here)[0], entries_of(package, there)[0]
    assert usual.keys() == crossed.keys()
    libraries = {each.value.name for each in package.inputs}
    tools = {each.value.name for each in package.native_inputs}
    assert libraries
    assert all(usual[name].path != crossed[name].path for name in libraries)
    assert all(usual[name].path == crossed[name].path for name in tools)
    assert usual[PROGRAMS].path != crossed[PROGRAMS].path
