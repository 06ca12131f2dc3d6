"""A small store for the tests of packs."""

from __future__ import annotations

import os
from pathlib import Path

from larix.pack.content import Closure, Contents
from larix.pack.options import PackOptions
from larix.pack.writing import write_pack

LIBRARY = "0" * 32 + "-library-1"
PROGRAM = "1" * 32 + "-program-2"
PROFILE = "2" * 32 + "-profile"
LONG = "long-" + "x" * 150


class PackShop:
    """A store of three items, and packs of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self._write(f"{LIBRARY}/lib/data.bin", bytes(range(256)) * 5000)
        self._write(f"{LIBRARY}/lib/zeros", bytes(300_000))
        self._write(f"{LIBRARY}/lib/empty", b"")
        self._write(f"{LIBRARY}/share/{LONG}/{LONG}", b"found\n")
        (self.store / LIBRARY / "share" / "nothing").mkdir()
        os.symlink("data.bin", self.store / LIBRARY / "lib" / "link")
        os.symlink(f"{self.store}/{LIBRARY}/share/{LONG}/{LONG}", self.store / LIBRARY / "far")
        with open(os.fsencode(self.store / LIBRARY) + b"/not-utf8-\xff", "wb") as file:
            file.write(b"bytes")
        self._write(f"{PROGRAM}/bin/hello", b"#!/bin/sh\necho hello\n", executable=True)
        self._write(f"{PROGRAM}/bin/readme", b"not to be run\n")
        for name in ("bin", "share"):
            (self.store / PROFILE).mkdir(exist_ok=True)
            item = PROGRAM if name == "bin" else LIBRARY
            os.symlink(f"{self.store}/{item}/{name}", self.store / PROFILE / name)
        self._write(f"{PROFILE}/manifest", b"{}\n")
        references: dict[str, tuple[str, ...]] = {
            LIBRARY: (LIBRARY,),
            PROGRAM: (LIBRARY,),
            PROFILE: (LIBRARY, PROGRAM),
        }
        self.closure = Closure(str(self.store), references)

    def _write(self, name: str, contents: bytes, *, executable: bool = False) -> None:
        file = self.store / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(contents)
        file.chmod(0o555 if executable else 0o444)

    def options(self, kind: str, compression: str = "none", **fields: object) -> PackOptions:
        options = PackOptions(kind, compression, f"{self.store}/{PROFILE}", "x86_64-linux")
        return options._replace(image="hello:latest")._replace(**fields)  # type: ignore[arg-type]

    def pack(self, options: PackOptions, *, threads: int = 2) -> Path:
        output = (
            self.folder / f"{options.format}-{options.compression}-{threads}-{len(os.listdir(self.folder))}"
        )
        scratch = str(self.folder / "scratch")
        write_pack(str(output), Contents(self.closure, options), threads=threads, scratch=scratch)
        return output
