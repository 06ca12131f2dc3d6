from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from larix.pack.entries import Entry, File, Folder, HardLink, Link, walk
from larix.pack.errors import BadPack
from larix.pack.squashfs import BLOCK, write_squashfs
from larix.pack.stream import Workers
from packs import PROFILE, PackShop

needs_reader = pytest.mark.skipif(
    shutil.which("unsquashfs") is None, reason="no unsquashfs (Debian: squashfs-tools)"
)


def made(folder: Path, entries: list[Entry], compression: str = "none", threads: int = 2) -> Path:
    image = folder / f"image-{compression}-{threads}"
    with open(image, "xb") as sink, Workers(threads) as workers:
        write_squashfs(sink.fileno(), entries, compression, workers)
    return image


def unpacked(image: Path, folder: Path) -> Path:
    subprocess.run(
        ["unsquashfs", "-no-progress", "-quiet", "-no-exit-code", "-dest", str(folder), str(image)],
        check=True,
        capture_output=True,
    )
    return folder


def listed(top: Path) -> dict[str, tuple[int, bytes]]:
    """Mode and contents, or target, of all below a folder."""
    found: dict[str, tuple[int, bytes]] = {}
    for entry in walk(os.fsencode(top), b""):
        file = Path(os.fsdecode(os.fsencode(top) + entry.name))
        if isinstance(entry, Link):
            contents = entry.target
        else:
            contents = file.read_bytes() if isinstance(entry, File) else b""
        found[os.fsdecode(entry.name)] = (file.lstat().st_mode, contents)
    return found


@needs_reader
@pytest.mark.parametrize("compression", ["none", "gzip", "xz", "zstd"])
def test_what_is_read_back_is_the_store(
    shop: PackShop, inside: str, compression: str, tmp_path: Path
) -> None:
    first = inside.partition("/")[0]
    image = shop.pack(shop.options("squashfs", compression, links=(("/bin", "bin"),)))
    top = unpacked(image, tmp_path / "back")
    back, there = listed(top / inside), listed(shop.store)
    assert {name: contents for name, (_, contents) in back.items()} == {
        name: contents for name, (_, contents) in there.items()
    }
    assert os.readlink(top / "bin") == f"{shop.store}/{PROFILE}/bin"
    assert sorted(os.listdir(top)) == sorted(
        {".singularity.d", "bin", "dev", "home", "proc", "sys", "tmp", first}
    )
    assert (top / "tmp").stat().st_mode & 0o7777 == (0o1777 if first != "tmp" else 0o755)


@needs_reader
@pytest.mark.slow
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_large_folders_and_files_at_the_edges_of_blocks(tmp_path: Path, compression: str) -> None:
    """Folders of more than 256 names, inodes in many pieces, listings of more than 64 KiB."""
    sizes = (0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 7)
    contents = {f"size-{size}": os.urandom(size // 2) + bytes(size - size // 2) for size in sizes}
    entries: list[Entry] = [Folder(b"many"), Folder(b"deep")]
    entries += [
        File(f"many/{number:05}-{'n' * 30}".encode(), 5, contents=b"%05d" % number) for number in range(5000)
    ]
    entries += [File(name.encode(), len(data), contents=data) for name, data in contents.items()]
    name = b"deep"
    for level in range(60):
        name += b"/%d" % level
        entries += [Folder(name), Link(name + b"/up", b"..")]
    top = unpacked(made(tmp_path, entries, compression), tmp_path / "back")
    assert len(os.listdir(top / "many")) == 5000
    assert all((top / "many" / each).read_bytes() == each[:5].encode() for each in os.listdir(top / "many"))
    assert {each: (top / each).read_bytes() for each in contents} == contents
    assert os.readlink(top / os.fsdecode(name) / "up") == ".."


@needs_reader
def test_singularity_finds_what_to_run_and_where(shop: PackShop, tmp_path: Path) -> None:
    profile = f"{shop.store}/{PROFILE}"
    options = shop.options("squashfs", entry_point=("bin/hello", "two words"))
    top = unpacked(shop.pack(options), tmp_path / "back") / ".singularity.d"
    run = top / "actions" / "run"
    assert run.read_text() == f"#!{profile}/bin/bash\nexec {profile}/bin/hello 'two words' \"$@\"\n"
    assert os.access(run, os.X_OK)
    assert (
        top / "env" / "90-environment.sh"
    ).read_text() == f'export PATH="{profile}/bin${{PATH:+:}}$PATH"\n'


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
@pytest.mark.parametrize("compression", ["none", "gzip", "xz", "zstd"])
def test_the_kernel_reads_it(shop: PackShop, inside: str, compression: str, tmp_path: Path) -> None:
    image = shop.pack(shop.options("squashfs", compression))
    (tmp_path / "there").mkdir()
    command = ["mount", "-t", "squashfs", "-o", "loop,ro", str(image), str(tmp_path / "there")]
    mounted = subprocess.run(command, capture_output=True, check=False, text=True)
    if mounted.returncode:
        pytest.skip(f"this machine does not mount images: {mounted.stderr.strip()}")
    try:
        back, there = listed(tmp_path / "there" / inside), listed(shop.store)
    finally:
        subprocess.run(["umount", str(tmp_path / "there")], check=True)
    assert {name: contents for name, (_, contents) in back.items()} == {
        name: contents for name, (_, contents) in there.items()
    }


@needs_reader
def test_hard_links_are_files_with_the_same_data(tmp_path: Path) -> None:
    data = os.urandom(2 * BLOCK + 10)
    entries: list[Entry] = [File(b"one", len(data), executable=True, contents=data), HardLink(b"two", b"one")]
    image = made(tmp_path, entries)
    assert image.stat().st_size < len(data) + 8192
    top = unpacked(image, tmp_path / "back")
    assert (top / "two").read_bytes() == data
    assert (top / "two").stat().st_mode & 0o777 == 0o555


def test_the_same_entries_give_the_same_image(shop: PackShop) -> None:
    images = [shop.pack(shop.options("squashfs", "gzip"), threads=threads).read_bytes() for threads in (1, 3)]
    assert images[0] == images[1]


def test_the_head_says_what_the_image_is(tmp_path: Path) -> None:
    image = made(tmp_path, [File(b"file", 3, contents=b"abc"), Link(b"link", b"file")], "zstd").read_bytes()
    fields = struct.unpack("<IIIIIHHHHHHQQQQQQQQ", image[:96])
    assert fields[:6] == (0x73717368, 3, 1, BLOCK, 1, 6)
    assert fields[9:11] == (4, 0)
    assert len(image) % 4096 == 0
    assert fields[12] <= len(image)


@pytest.mark.parametrize(
    "entries",
    [
        [File(b"a", 0), File(b"a", 0)],
        [File(b"a", 0), Folder(b"a")],
        [File(b"no/where", 0)],
        [File(b"a", 0), File(b"a/b", 0)],
    ],
)
def test_entries_that_make_no_tree_are_refused(tmp_path: Path, entries: list[Entry]) -> None:
    with pytest.raises(BadPack):
        made(tmp_path, entries)


def test_a_file_that_shrinks_meanwhile_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"123")
    with pytest.raises(BadPack, match="changed"):
        made(tmp_path, [File(b"file", 4, file=bytes(tmp_path / "file"))])
