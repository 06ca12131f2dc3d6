from __future__ import annotations

import os

import pytest

from larix.pack.content import Contents, ancestors, extra_entries, item_entries, parse_graph
from larix.pack.entries import File, Folder, HardLink, Link
from larix.pack.errors import BadPack
from larix.pack.options import PackOptions, checked_link, pack_file_name
from packs import LIBRARY, LONG, PROFILE, PROGRAM, PackShop


def test_a_graph_is_read_as_the_builder_writes_it() -> None:
    text = "/s/b-two\n\n2\n/s/a-one\n/s/b-two\n/s/a-one\n\n0\n"
    closure = parse_graph("/s", text)
    assert closure.references == {"a-one": (), "b-two": ("a-one", "b-two")}
    assert closure.items == ["a-one", "b-two"]


def test_folders_come_outer_first_and_once() -> None:
    assert [folder.name for folder in ancestors(["a/b/c", "a/d", "e"])] == [b"a", b"a/b"]


def test_links_lead_into_the_profile(shop: PackShop) -> None:
    options = shop.options("tarball", links=(("/opt/x/bin", "bin"), ("/profile", "")))
    assert extra_entries(Contents(shop.closure, options)) == [
        Folder(b"opt"),
        Folder(b"opt/x"),
        Link(b"opt/x/bin", os.fsencode(f"{options.profile}/bin")),
        Link(b"profile", os.fsencode(options.profile)),
    ]


@pytest.mark.parametrize(
    "links",
    [
        (("/bin", "bin"), ("/bin", "sbin")),
        (("/bin", "bin"), ("/bin/x", "bin/x")),
        (("/state", "bin"),),
    ],
)
def test_two_things_cannot_have_one_name(shop: PackShop, links: tuple[tuple[str, str], ...]) -> None:
    more = (File(b"state", 1, contents=b"x"),)
    with pytest.raises(BadPack, match="two things in the pack are called"):
        extra_entries(Contents(shop.closure, shop.options("tarball", links=links), more))


def test_a_link_cannot_take_the_place_of_the_store(shop: PackShop) -> None:
    first = "/" + str(shop.store).split("/")[1]
    for name in (first, str(shop.store)):
        with pytest.raises(BadPack, match="two things in the pack are called"):
            extra_entries(Contents(shop.closure, shop.options("tarball", links=((name, "bin"),))))


def relocated(shop: PackShop) -> Contents:
    launcher = shop.folder / "launcher-item"
    launcher.mkdir()
    (launcher / "launcher").write_bytes(b"ELF")
    return Contents(
        shop.closure, shop.options("tarball", launcher=str(launcher), links=(("/opt/bin", "bin"),))
    )


def test_links_of_relocatable_packs_lead_from_anywhere(shop: PackShop, inside: str) -> None:
    contents = relocated(shop)
    links = {
        entry.name.decode(): entry.target.decode()
        for item in (LIBRARY, PROFILE)
        for entry in item_entries(contents, item)
        if isinstance(entry, Link)
    }
    assert links[f"{inside}/{LIBRARY}/far"] == f"share/{LONG}/{LONG}"
    assert links[f"{inside}/{LIBRARY}/lib/link"] == "data.bin"
    assert links[f"{inside}/{PROFILE}/share"] == f"../{LIBRARY}/share"
    outside = extra_entries(contents)[-1]
    assert isinstance(outside, Link)
    assert outside.target.decode() == f"../{inside}/{PROFILE}/bin"


def test_programs_of_relocatable_packs_are_started_by_the_launcher(shop: PackShop, inside: str) -> None:
    (shop.store / PROGRAM / "bin" / "other").symlink_to("hello")
    contents = relocated(shop)
    found = {
        entry.name.decode().removeprefix(f"{inside}/{PROFILE}/bin/"): entry
        for entry in item_entries(contents, PROFILE)
        if entry.name.startswith(f"{inside}/{PROFILE}/bin/".encode())
    }
    first = found["hello"]
    assert isinstance(first, File)
    assert first.executable
    assert first.file is not None
    assert first.file.endswith(b"/launcher")
    assert found["other"] == HardLink(f"{inside}/{PROFILE}/bin/other".encode(), first.name)
    assert found[".hello-real"][1] == f"../../{PROGRAM}/bin/hello".encode()
    assert found[".other-real"][1] == f"../../{PROGRAM}/bin/other".encode()
    assert found["readme"][1] == f"../../{PROGRAM}/bin/readme".encode()


def test_a_folder_of_links_is_treated_like_one_that_is_linked(shop: PackShop, inside: str) -> None:
    """The profile of several packages with programs."""
    folder = shop.store / PROFILE / "bin"
    folder.unlink()
    folder.mkdir()
    (folder / "hello").symlink_to(f"{shop.store}/{PROGRAM}/bin/hello")
    (folder / "own").write_text("of the profile itself")
    entries = {entry.name.decode(): entry for entry in item_entries(relocated(shop), PROFILE)}
    assert entries[f"{inside}/{PROFILE}/bin/.hello-real"][1] == f"../../{PROGRAM}/bin/hello".encode()
    assert isinstance(entries[f"{inside}/{PROFILE}/bin/own"], File)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/bin=bin", ("/bin", "bin")),
        ("opt//x/=share/./x/", ("/opt/x", "share/x")),
        ("/all=", ("/all", "")),
        ("/a=b=c", ("/a", "b=c")),
    ],
)
def test_links_are_written_in_several_ways(text: str, expected: tuple[str, str]) -> None:
    assert checked_link(text) == expected


@pytest.mark.parametrize("text", ["", "bin", "=bin", "/=bin", "/a/../b=c", "/a=../b", "a\0b=c"])
def test_other_texts_are_no_links(text: str) -> None:
    with pytest.raises(BadPack, match="invalid symlink specification"):
        checked_link(text)


def test_a_target_is_in_the_profile() -> None:
    with pytest.raises(BadPack, match="symlink target is absolute: '/bin'"):
        checked_link("/a=/bin")


def test_options_survive_their_text() -> None:
    options = PackOptions(
        "docker",
        "gzip",
        "/s/p",
        "x86_64-linux",
        links=(("/bin", "bin"),),
        search_paths=(("PYTHONPATH", ("lib/python",), ":", "directory", None),),
        layers=7,
    )
    assert PackOptions.parse(options.text()) == options
    assert options.text() == options._replace(launcher="").text()
    assert "launcher" not in options.text()


def test_packs_are_called_after_their_packages() -> None:
    assert pack_file_name("tarball", "gzip", ["hello"]) == "hello-tarball-pack.tar.gz"
    assert pack_file_name("docker", "zstd", ["hello", "sed"]) == "hello-sed-docker-pack.tar.zst"
    assert pack_file_name("tarball", "none", []) == "tarball-pack.tar"
    assert pack_file_name("squashfs", "gzip", ["bash"]) == "bash-squashfs-pack.squashfs"
    assert pack_file_name("deb", "xz", ["hello", "hello"]) == "hello-deb-pack.deb"
    assert pack_file_name("oci", "gzip", ["hello"]) == "hello-oci-pack.tar"
    assert pack_file_name("oci-dir", "gzip", ["hello"]) == "hello-oci-dir-pack"
    many = [f"package-{number}" for number in range(9)]
    assert (
        pack_file_name("tarball", "gzip", many)
        == "package-0-package-1-package-2-package-3-tarball-pack.tar.gz"
    )
    assert pack_file_name("deb", "gzip", ["x" * 60, "y"]) == f"{'x' * 60}-deb-pack.deb"
