from __future__ import annotations

import pytest

from larix.derivation import Lowered, instantiation_order
from larix.errors import Location
from larix.formats.storepath import DEFAULT_STORE_DIR, StoreDir, check_name
from larix.packages.toolchain import lowering_for, registered_toolchains, toolchain
from larixpkgs.bootstrap import seed as recipe


def lowered_seed(store_dir: StoreDir = DEFAULT_STORE_DIR, system: str = "x86_64-linux") -> Lowered:
    origin = lowering_for(store_dir, system).lower(recipe.seed).origin
    assert isinstance(origin, Lowered)
    return origin


def test_the_list_names_55_packages_of_debian_once_each() -> None:
    packages = recipe.debian_packages()
    names = [package.pool_name for package in packages]
    assert len(packages) == 55
    assert names == sorted(set(names))
    assert len({package.digest for package in packages}) == 55
    assert all(name.startswith("pool/main/") and name.endswith(("_amd64.deb", "_all.deb")) for name in names)


def test_packages_keep_their_file_names_in_the_store() -> None:
    for package in recipe.debian_packages():
        name = package.pool_name.rsplit("/", 1)[1]
        assert check_name(name) == name == package.origin.name


@pytest.mark.parametrize("line", ["pool/a.deb", "a.deb " + "0" * 64, "pool/a.deb 00", "", "pool/a b c"])
def test_a_damaged_line_is_told_with_its_place(line: str) -> None:
    with pytest.raises(recipe.SeedError, match=r"packages\.tsv:7: expected a name in the pool"):
        recipe._read_line(line, Location("packages.tsv", 7))


def test_it_is_made_by_three_kinds_of_derivations() -> None:
    order = instantiation_order([lowered_seed()])
    builders = [each.derivation.builder for each in order]
    assert builders.count(b"builtin:download") == 55
    assert builders[55:56] == [b"builtin:unpack-debs"]
    assert builders[56].endswith(b"/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    assert len(order) == 57


def test_nothing_of_the_machine_is_in_it() -> None:
    """Whatever a derivation names is a store item, a place in Debian's archive, or no file name."""
    for each in instantiation_order([lowered_seed()]):
        for word in [*each.derivation.args, *b" ".join(each.derivation.env.values()).split()]:
            assert not word.startswith(b"/") or word.startswith(b"/larix/store/")
    assert all(
        package.origin.uri == (f"debian://{package.pool_name}",) for package in recipe.debian_packages()
    )


def test_the_relocated_tree_may_not_refer_to_the_unpacked_one() -> None:
    lowered = lowered_seed()
    (unpacked,) = (each for each, _ in lowered.inputs)
    assert lowered.derivation.env[b"disallowedReferences"] == unpacked.output_path().encode()


def test_another_store_has_another_seed() -> None:
    assert lowered_seed(StoreDir("/gnu/store")).output_path().startswith("/gnu/store/")


def test_other_machines_are_told_that_there_is_none() -> None:
    with pytest.raises(recipe.SeedError, match="for x86_64-linux alone, not for aarch64-linux"):
        lowered_seed(system="aarch64-linux")


def test_the_toolchain_is_found_by_its_name() -> None:
    assert "seed" in registered_toolchains()
    tools = toolchain("seed")
    assert tools.python.package is recipe.seed
    assert tools.shell_link is None, "the libc of the seed knows the shell's place in the store"
