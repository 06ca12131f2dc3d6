"""One function with most of the syntax that builds may use; its text is pinned beside this file."""

# fmt: off

import os
from pathlib import Path
from shutil import copyfile as copy

from larix.buildside import files
from larix.buildside.files import find_files

VERSION = "2.12"
FLAGS = ["--prefix", ("é", b"\x00'", 0o755, 1e22, -0.0, None, True), {"b": {3, 20, 1}, "a": frozenset("x")}]
FALLBACK = Path("a") / "b"


def helper(name: str, *rest: str, sep: str = os.sep, **more: object) -> str:
    """Joins them."""
    return sep.join([name, *rest, *sorted(more)])


def even(n: int) -> bool:
    return True if n == 0 else odd(n - 1)


def odd(n: int) -> bool:
    return False if n == 0 else even(n - 1)


def run(output: Path, *, system: str, mode: int = 0o644, flags: list[object] = FLAGS) -> None:
    # A remark.
    count: int = 0

    class Entry:
        """An entry."""

        name: str
        size: int = 0

        def grow(self, by: int) -> "Entry":
            self.size += by
            return self

    def inner(line: str) -> str:
        nonlocal count
        count += 1
        return f"{line!r:>{count}} {VERSION} {'quoted'} {{}} {Entry.__name__ + '#'}"

    text = f"""
      # kept {system}
        {[inner(each) for each in FLAGS[0]
          if each]}

    """
    try:
        match flags:
            case [first, *others] if (length := len(others)) > 1:
                print(first, length, sep="\t")
            case {"key": value, **rest}:
                print(value, rest)
            case _:
                pass
    except* (OSError, ValueError) as group:
        raise SystemExit(1) from group
    with open(output / "x", "w", encoding="utf-8") as stream, \
            open(FALLBACK) as other:
        stream.write(text + other.read())
    for file in find_files(output, "*.c"):
        copy(file, lambda x, /, y=1, *z: (x, y, z))
    files.mkdir_p(helper("a", "b") if even(2) else helper("é", key=os.curdir))
