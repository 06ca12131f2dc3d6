from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import random
import shutil
import subprocess
import zlib
from pathlib import Path

import cramjam
import pytest

from larix.pack import compression
from larix.pack.compression import EXTENSIONS, Method, method, squashfs_method
from larix.pack.stream import Stream, Workers

SAMPLE = random.Random(7).randbytes(200_000) + b"purely functional " * 70_000 + bytes(100_000)


def compressed(folder: Path, how: Method, data: bytes, threads: int = 2) -> bytes:
    file = folder / f"{how.name}-{threads}"
    with open(file, "wb") as sink, Workers(threads) as workers:
        stream = Stream(sink.fileno(), how, workers)
        for at in range(0, len(data), 70_001):
            stream.write(data[at : at + 70_001])
        stream.close()
    assert stream.packed == file.stat().st_size
    assert stream.size == len(data)
    return file.read_bytes()


UNPACK = {
    "gzip": gzip.decompress,
    "xz": lzma.decompress,
    "bzip2": bz2.decompress,
    "none": bytes,
}


@pytest.mark.parametrize("name", sorted(UNPACK))
@pytest.mark.parametrize("data", [b"", b"x", SAMPLE], ids=["empty", "byte", "much"])
def test_what_was_compressed_is_unpacked_by_others(tmp_path: Path, name: str, data: bytes) -> None:
    assert UNPACK[name](compressed(tmp_path, method(name), data)) == data


@pytest.mark.parametrize(("name", "program"), [("zstd", "zstd"), ("lzip", "lzip")])
def test_the_own_program_of_a_format_unpacks_it(tmp_path: Path, name: str, program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")
    packed = compressed(tmp_path, method(name)._replace(block=100_000), SAMPLE)
    done = subprocess.run([program, "-dc"], input=packed, capture_output=True, check=True)
    assert done.stdout == SAMPLE


def test_members_of_lzip_are_what_its_format_says(tmp_path: Path) -> None:
    """The inside is checked without the program: head, LZMA with an end marker, checksum, two sizes."""
    packed = compressed(tmp_path, method("lzip"), b"hello " * 1000)
    assert packed[:6] == b"LZIP\x01\x17"
    lzma1 = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 23, "lc": 3, "lp": 0, "pb": 2}]
    assert lzma.decompress(packed[6:-20], lzma.FORMAT_RAW, filters=lzma1) == b"hello " * 1000
    assert packed[-20:-16] == zlib.crc32(b"hello " * 1000).to_bytes(4, "little")
    assert int.from_bytes(packed[-16:-8], "little") == 6000
    assert int.from_bytes(packed[-8:], "little") == len(packed)


@pytest.mark.parametrize("name", sorted(EXTENSIONS))
def test_the_number_of_threads_changes_nothing(tmp_path: Path, name: str) -> None:
    how = method(name)._replace(block=50_000)
    assert compressed(tmp_path, how, SAMPLE, 1) == compressed(tmp_path, how, SAMPLE, 5)


def test_gzip_is_one_member(tmp_path: Path) -> None:
    """Some readers of images read the first member alone."""
    packed = compressed(tmp_path, method("gzip")._replace(block=50_000), SAMPLE)
    inside = zlib.decompressobj(wbits=31)
    assert inside.decompress(packed) == SAMPLE
    assert inside.eof
    assert inside.unused_data == b""


@pytest.mark.slow
def test_blocks_that_the_library_does_not_flush_at_once_are_whole(tmp_path: Path) -> None:
    """Of the programs of a system, about one block in forty is such a one."""
    files = [entry.path for entry in os.scandir("/usr/bin") if entry.is_file(follow_symlinks=False)]
    data = b"".join(Path(file).read_bytes() for file in sorted(files)[:400])[: 48 << 20]
    assert gzip.decompress(compressed(tmp_path, method("gzip"), data)) == data


class Reluctant:
    """A compressor that keeps something back."""

    def __init__(self, level: int) -> None:
        self.level = level

    def compress(self, data: bytes) -> int:
        return len(data)

    def flush(self) -> bytes:
        return b""

    def finish(self) -> bytes:
        return b"the rest"


def test_a_block_that_cannot_be_flushed_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cramjam.deflate, "Compressor", Reluctant)
    assert gzip.decompress(compressed(tmp_path, method("gzip"), SAMPLE)) == SAMPLE


def test_an_identity_names_library_version_and_settings() -> None:
    assert method("gzip").identity == f"gzip by cramjam {cramjam.__version__}, level 1, blocks of 1048576"
    identities = [method(name).identity for name in EXTENSIONS]
    identities += [squashfs_method(name, 1 << 17).identity for name in ("gzip", "xz", "zstd")]
    assert len(set(identities)) == len(identities)


def test_xz_for_squashfs_needs_no_more_memory_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    compress = squashfs_method("xz", 1 << 17).compress
    assert compress is not None
    packed = bytes(compress(memoryview(SAMPLE[: 1 << 17])))
    assert lzma.decompress(packed, memlimit=1 << 20) == SAMPLE[: 1 << 17]
    assert packed[7] == lzma.CHECK_CRC32
    del monkeypatch


def test_an_unknown_method_is_a_bug() -> None:
    with pytest.raises(KeyError):
        method("zip")
    with pytest.raises(KeyError):
        squashfs_method("lzip", 1)


WRITTEN = {  # SHA-256 of `SAMPLE`, compressed in blocks of 50,000 bytes
    "bzip2": "700564c878f0043f1d730ba277a546c5ec9db68bc658e9fca5782f41d099b007",
    "gzip": "3016a1560261d775a1e6ebf33ae10961f9b0f9577fddcff711a2e18d09cf40f2",
    "lzip": "f33bc506a0e8d338ba64f472efb934e92303fdafb44f6ae8eefdff8e954455ed",
    "xz": "1a452e7932c437fa034815ef965aed898e566dd77ef645b49e0849181c6f55b6",
    "zstd": "5718a0b3dc5caa36f26c17aecd215c39267aaf151efe1d34613e8436fa6ab989",
}


@pytest.mark.skipif(cramjam.__version__ != "2.14.0", reason="the bytes are those of cramjam 2.14.0")
@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_the_bytes_are_the_same_on_every_machine(tmp_path: Path, name: str) -> None:
    packed = compressed(tmp_path, method(name)._replace(block=50_000), SAMPLE)
    assert hashlib.sha256(packed).hexdigest() == WRITTEN[name]


def test_all_is_kept_of_the_module() -> None:
    assert set(compression.EXTENSIONS) == {"gzip", "zstd", "xz", "bzip2", "lzip", "none"}
