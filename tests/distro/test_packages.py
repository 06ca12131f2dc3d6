"""What holds for every package of the distribution."""

from __future__ import annotations

import importlib
import pkgutil
import re
from urllib.parse import urlsplit

import pytest

import larixpkgs.packages
from larix.formats.storepath import DEFAULT_STORE_DIR, check_name
from larix.packages import Origin, Package
from larix.packages.toolchain import lowering_for
from larixpkgs.bootstrap.seed import debian_packages

MODULES = sorted(module.name for module in pkgutil.iter_modules(larixpkgs.packages.__path__))
PACKAGES: dict[str, Package] = {
    name: getattr(module, name)
    for module in (importlib.import_module(f"larixpkgs.packages.{each}") for each in MODULES)
    for name in module.__all__
}
WANTED = {
    "bash",
    "bzip2",
    "coreutils",
    "diffutils",
    "findutils",
    "gawk",
    "grep",
    "gzip",
    "hello",
    "less",
    "m4",
    "make",
    "ncurses",
    "patch",
    "readline",
    "sed",
    "tar",
    "which",
    "xz",
    "zlib",
}
MADE_OF_THE_SEED = {"gcc_toolchain", "ld_wrapper"}
SOURCES = {name: package for name, package in PACKAGES.items() if name not in MADE_OF_THE_SEED}
EVERY_PACKAGE = pytest.mark.parametrize("package", PACKAGES.values(), ids=PACKAGES)
EVERY_PACKAGE_WITH_A_SOURCE = pytest.mark.parametrize("package", SOURCES.values(), ids=SOURCES)


def origin(package: Package) -> Origin:
    assert isinstance(package.source, Origin)
    return package.source


def test_the_first_twenty_are_there() -> None:
    assert PACKAGES.keys() >= WANTED


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_called_like_a_package_in_it(module: str) -> None:
    found = importlib.import_module(f"larixpkgs.packages.{module}")
    assert module in found.__all__
    assert all(isinstance(getattr(found, name), Package) for name in found.__all__)


@EVERY_PACKAGE
def test_it_is_lowered_to_a_derivation_of_its_name(package: Package) -> None:
    item = lowering_for(DEFAULT_STORE_DIR, "x86_64-linux").lower(package)
    assert item.path.endswith(f"-{package.name}-{package.version}")


@EVERY_PACKAGE
def test_two_evaluations_give_one_derivation(package: Package) -> None:
    first, second = (lowering_for(DEFAULT_STORE_DIR, "x86_64-linux").lower(package) for _ in range(2))
    assert first.origin.path == second.origin.path


@EVERY_PACKAGE
def test_its_synopsis_is_a_short_phrase(package: Package) -> None:
    synopsis = package.synopsis
    assert 0 < len(synopsis) <= 60
    assert synopsis[0].isupper()
    assert not synopsis.endswith(".")
    assert not re.match(r"(A|An) ", synopsis), "the article is left out"
    assert not synopsis.lower().startswith(package.name + " "), "its name stands beside it"


@EVERY_PACKAGE
def test_its_description_is_sentences(package: Package) -> None:
    description = package.description
    assert len(description) > len(package.synopsis)
    assert description.endswith(".")
    assert "  " not in description
    assert "\n" not in description


@EVERY_PACKAGE
def test_it_has_a_home_and_a_licence(package: Package) -> None:
    assert package.home_page is not None
    assert urlsplit(package.home_page).scheme == "https"
    assert package.license


@EVERY_PACKAGE_WITH_A_SOURCE
def test_its_source_is_found_in_lasting_places(package: Package) -> None:
    """Upstream first, and an archive by the place in it, never by the name of a host.

    That is Debian's, or the index of Python projects, where these are published in the first place.
    """
    uris = origin(package).uri
    schemes = [urlsplit(uri).scheme for uri in uris]
    assert schemes[-1] in {"debian", "pypi"}
    assert set(schemes[:-1]) <= {"mirror", "https", "pypi"}
    assert schemes[-1] != "debian" or urlsplit(uris[-1]).netloc == "pool"
    check_name(origin(package).name)


@EVERY_PACKAGE_WITH_A_SOURCE
def test_its_source_follows_its_version(package: Package) -> None:
    older = package.inherit(version="0.99")
    assert all("0.99" in uri for uri in origin(older).uri)
    assert all(package.version in uri for uri in origin(package).uri)


@EVERY_PACKAGE_WITH_A_SOURCE
def test_its_source_is_pinned_by_a_hash_of_its_bytes(package: Package) -> None:
    expected = origin(package).expected
    assert (expected.hash.algo, len(expected.hash.digest), expected.recursive) == ("sha256", 32, False)


def test_character_sets_are_of_the_library_that_the_seed_has() -> None:
    own = origin(PACKAGES["gconv_modules"])
    assert (own.uri, own.expected) in [(each.origin.uri, each.origin.expected) for each in debian_packages()]


def test_no_two_packages_have_one_name_and_version() -> None:
    names = [package.full_name for package in PACKAGES.values()]
    assert len(names) == len(set(names))
