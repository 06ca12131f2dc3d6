"""Decoders, samples of what they decode, and thousands of damaged ones, in a process of its own.

    python mutating.py DECODER COUNT

prints what became of them: how many were accepted, and how much memory the worst took. A decoder may refuse
by the errors of its format and nothing else; what it accepts must come out the same when written again,
where there is one way to write it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import resource
import shutil
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from larix.builder.builtins.unpack_debs import unpack_debs
from larix.buildside.failure import BuildSideError
from larix.buildside.unpack import unpack
from larix.daemon.settings import read_settings
from larix.derivation import FixedOutput, derivation, print_derivation, text_source
from larix.derivation.text import parse_derivation
from larix.errors import LarixError
from larix.formats import nar
from larix.formats.export import EXPORT_END, ITEM_START, ExportDecoder, item_end
from larix.formats.hashes import parse_hash
from larix.formats.nar import Directory, File, Symlink, decode_tree, encode_tree
from larix.formats.storepath import StoreDir, StorePath, parse_store_path
from larix.formats.wire import encode_u64
from larix.profiles.manifest import Entry, Manifest, parse_manifest, print_manifest
from larix.profiles.notes import _parse as parse_notes
from larix.store.journal import _HEAD, _MAGIC, _read_records
from larix.store.registrations import Logged, Record, Registrations

SEED = 20261129
STORE = StoreDir("/larix/store")
MEMORY = 2 << 30  # of addresses: a decoder that allocates what it is told to ends here
HUGE = (0, 1, 7, 1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 8, (1 << 64) - 1)


class Decoder(NamedTuple):
    """`decode` gives what it understood, written again; None where there are many ways to write it."""

    samples: list[bytes]
    decode: Callable[[bytes], bytes | None]
    errors: tuple[type[Exception], ...] = (LarixError,)


def path(name: str, digit: str = "0") -> StorePath:
    return StorePath(f"{STORE}/{digit * 32}-{name}")


TREE = Directory(
    {
        b"a": File(b"text\n" * 20),
        b"bin": Directory({b"run": File(b"#!/bin/sh\n", executable=True), b"z": Directory({})}),
        b"link": Symlink(b"../a"),
    }
)


# The formats


def nars() -> Decoder:
    samples = [encode_tree(each) for each in (TREE, File(b"x" * 100), Symlink(b"target"), Directory({}))]
    return Decoder(samples, lambda data: encode_tree(decode_tree(data)))


def nar_pieces() -> Decoder:
    """The same in pieces, as they come from a socket."""

    def decode(data: bytes) -> None:
        decoder = nar.Decoder()
        step = 1 + len(data) % 13
        for start in range(0, len(data), step):
            decoder.feed(data[start : start + step])
        decoder.close()

    return Decoder(nars().samples, decode)


def derivations() -> Decoder:
    source = text_source(STORE, "source", b"x")
    below = derivation("below", store_dir=STORE, system="x86_64-linux", builder="/bin/sh", sources=[source])
    above = derivation(
        "name",
        store_dir=STORE,
        system="x86_64-linux",
        builder="/bin/sh",
        args=["-c", 'echo "quoted\\n" \t'],
        env={"variable": "value", "empty": ""},
        sources=[source],
        inputs=[(below, ("out",))],
        outputs=("out", "doc"),
    )
    fixed = derivation(
        "name",
        store_dir=STORE,
        system="builtin",
        builder="builtin:download",
        env={"url": "https://example.org/x"},
        fixed=FixedOutput(parse_hash("sha256:" + "0" * 64)),
    )
    return Decoder([above.text, fixed.text], lambda data: print_derivation(parse_derivation(data, "name")))


def exports() -> Decoder:
    one, two = encode_tree(TREE), encode_tree(File(b"y"))
    samples = [
        ITEM_START
        + one
        + item_end(path("one"), [], None)
        + ITEM_START
        + two
        + item_end(path("two", "1"), [path("one"), path("two", "1")], path("two.drv", "2"), b"signature")
        + EXPORT_END,
        ITEM_START + two + item_end(path("two"), [path("one")]) + EXPORT_END,
        EXPORT_END,
    ]

    def decode(data: bytes) -> bytes:
        decoder = ExportDecoder(STORE)
        written = b""
        archive = b""
        for start in range(0, len(data), 97):
            for event in decoder.feed(data[start : start + 97]):
                if hasattr(event, "data"):
                    archive += bytes(event.data)
                else:
                    written += ITEM_START + archive
                    written += item_end(event.path, event.references, event.deriver, event.signature)
                    archive = b""
        decoder.close()
        return written + EXPORT_END

    return Decoder(samples, decode)


def manifests() -> Decoder:
    inner = Entry("inner", "1", "out", path("inner-1"))
    entries = (Entry("outer", "2.0", "out", path("outer-2.0", "1"), propagated_inputs=(inner,)), inner)

    def decode(data: bytes) -> None:
        manifest = parse_manifest(data, "/p/manifest")
        assert parse_manifest(print_manifest(manifest), "/p/manifest") == manifest

    return Decoder([print_manifest(Manifest(entries)), print_manifest(Manifest(()))], decode)


def notes() -> Decoder:
    sample = {"version": 1, "generations": {"2": {"target": "/x", "tags": ["live"], "comment": "for it"}}}
    return Decoder([json.dumps(sample, indent=2).encode()], lambda data: void(parse_notes(data, "/p.notes")))


def void(_: object) -> None:
    return None


def settings() -> Decoder:
    sample = b"""\
allowed-users = ["*", "@wheel"]
trusted-users = ["root"]
max-jobs = 4
timeout = 86400
keep-outputs = false
max-sessions = 512
"""

    def decode(data: bytes) -> None:
        with in_file(data) as name:
            read_settings(name)

    return Decoder([sample, b""], decode)


def store_paths() -> Decoder:
    samples = [path("name-1.0").encode(), path("x.drv", "z").encode(), b"/larix/store/" + b"0" * 32 + b"-a"]
    return Decoder(samples, lambda data: parse_store_path(STORE, data.decode("utf-8", "replace")).encode())


def hashes() -> Decoder:
    samples = [
        b"sha256:" + b"0" * 64,
        b"sha256-" + b"A" * 43 + b"=",
        b"sha1:" + b"0" * 32,
        b"md5:" + b"a" * 32,
    ]
    return Decoder(samples, lambda data: void(parse_hash(data.decode("utf-8", "replace"))))


def journals() -> Decoder:
    archive = encode_tree(File(b"text"))
    record = _HEAD.pack(len(path("a")), len(archive), bytes(32)) + path("a").encode() + archive

    def decode(data: bytes) -> None:
        with in_file(data) as name:
            for _ in _read_records(name):
                pass

    return Decoder([_MAGIC + record * 3], decode)


def registrations() -> Decoder:
    folder = tempfile.mkdtemp()
    log = Registrations(folder)
    records = [
        Record(each, path("a", f"{each}"), "sha256:" + "0" * 64, 1, None, 8, 1, None, None, (path("b"),))
        for each in range(1, 5)
    ]
    log.write_anew(lambda: (1, 1, records[:1]))
    for each, record in enumerate(records[1:], 2):
        logged = Logged(each, [record], [each - 1])
        log.append(logged, between=lambda *_: (), everything=lambda: (1, 1, records))
    with open(log.file, "rb") as file:
        sample = file.read()
    known = {record.id: record for record in records}

    def decode(data: bytes) -> None:
        with open(log.file, "wb") as file:
            file.write(data)
        log.tail()
        for record in log.read().records():
            assert known[record.id] == record

    return Decoder([sample], decode)


# Archives of strangers


def tars() -> Decoder:
    samples: list[bytes] = []
    for mode in ("w", "w:gz", "w:xz", "w:bz2"):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
            for name, kind in (("d", tarfile.DIRTYPE), ("d/f", tarfile.REGTYPE), ("d/l", tarfile.SYMTYPE)):
                member = tarfile.TarInfo(name)
                member.type, member.linkname, member.mode = kind, "f", 0o755
                contents = b"text\n" * 100 if kind == tarfile.REGTYPE else b""
                member.size = len(contents)
                archive.addfile(member, io.BytesIO(contents))
        samples.append(buffer.getvalue())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("d/f", b"text\n" * 100, zipfile.ZIP_DEFLATED)
    samples.append(buffer.getvalue())
    # The standard library's errors about what a damaged archive has it do end the build as well.
    others = OSError, NotImplementedError, RuntimeError, LookupError, zlib.error
    return Decoder(samples, lambda data: unpacked(data, unpack), (BuildSideError, *others))


def debs() -> Decoder:
    samples: list[bytes] = []
    for data in tars().samples[:3]:
        suffix = {b"\x1f\x8b": ".gz", b"\xfd7": ".xz"}.get(data[:2], "")
        member = f"data.tar{suffix}".ljust(16) + "0".ljust(12) + "0".ljust(6) * 2 + "100644".ljust(8)
        head = f"{member}{len(data):<10}`\n".encode()
        control = b"debian-binary   0           0     0     100644  4         `\n2.0\n"
        samples.append(b"!<arch>\n" + control + head + data + b"\n" * (len(data) % 2))
    return Decoder(samples, lambda data: unpacked(data, lambda deb, output: unpack_debs(output, [deb])))


def unpacked(data: bytes, how: Callable[[str, str], object]) -> None:
    """Unpack into a folder, and see that nothing came to stand beside it."""
    with in_file(data) as name:
        folder = os.path.dirname(name)
        try:
            how(name, f"{folder}/out")
        finally:
            beside = sorted(os.listdir(folder))
            for each, folders, files in os.walk(f"{folder}/out"):
                for entry in (*folders, *files):
                    mode = os.lstat(f"{each}/{entry}").st_mode
                    assert not mode & 0o6000
        assert set(beside) <= {"input", "out"}


@contextlib.contextmanager
def in_file(data: bytes) -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="larix-mutated-")
    try:
        with open(f"{folder}/input", "wb") as file:
            file.write(data)
        yield f"{folder}/input"
    finally:
        shutil.rmtree(folder)


DECODERS = {
    "archives (NAR)": nars,
    "archives in pieces": nar_pieces,
    "derivations": derivations,
    "exports": exports,
    "manifests of profiles": manifests,
    "notes of generations": notes,
    "daemon.toml": settings,
    "store paths": store_paths,
    "hashes": hashes,
    "the journal": journals,
    "the log of registrations": registrations,
    "tar and zip": tars,
    "packages of Debian": debs,
}


# Damage


def mutated(chance: random.Random, samples: list[bytes]) -> bytes:
    data = bytearray(chance.choice(samples))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        kind = chance.randrange(9)
        at = chance.randrange(len(data) + 1)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << chance.randrange(8)
        elif kind == 1 and data:
            data[at % len(data)] = chance.choice(b'\x00\xff\n"\\/.[](){},:=-0919azAZ\x80')
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at : at + chance.randrange(1, 32)]
        elif kind == 4:
            data[at:at] = data[at : at + chance.randrange(64)] * chance.choice((1, 1, 50))
        elif kind == 5:
            data[at & ~7 : (at & ~7) + 8] = encode_u64(chance.choice(HUGE))
        elif kind == 6:
            other = chance.choice(samples)
            start = chance.randrange(len(other) + 1)
            data[at : at + chance.randrange(64)] = other[start : start + chance.randrange(64)]
        elif kind == 7:
            data[at:at] = chance.randbytes(chance.randrange(1, 40))
        else:
            word = chance.choice(
                (b"..", b"/", b"../../etc", b"\xc3\xa9", b"\xff", b"9" * 30, b"[" * 2000, b"{" * 2000)
            )
            data[at:at] = word
    return bytes(data)


def run(name: str, count: int) -> dict[str, int]:
    decoder = DECODERS[name]()
    for sample in decoder.samples:
        again = decoder.decode(sample)
        assert again is None or again == sample
    chance = random.Random(f"{SEED} {name}")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    accepted = 0
    for number in range(count):
        data = mutated(chance, decoder.samples)
        try:
            again = decoder.decode(data)
        except decoder.errors:
            continue
        except BaseException as error:
            error.add_note(f"{name}, input {number}: {data[:2000]!r}")
            raise
        accepted += 1
        assert again is None or again == data, f"{name}, input {number}: {data!r} is written as {again!r}"
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"accepted": accepted, "kilobytes": after - before}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))
