"""Files that mention other store files: programs, texts made of pieces, trees of links.

Their words are known when they are lowered. They are made by a build nevertheless, for only what a build
makes may refer to what other builds make.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from larix.staging import places
from larix.staging.errors import LoweringError, StagingError
from larix.staging.expr import (
    BuildExpression,
    Options,
    build_expression,
    call_lines,
    lower_expression,
    program_of,
)
from larix.staging.files import StoreFile, caller_location, checked_name
from larix.staging.lower import Item, describe, is_lowerable
from larix.staging.snapshot import snapshot
from larix.staging.stage import Stager
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from larix.errors import Location
    from larix.staging.lower import Interpreter, Lowering

__all__ = ["MixedText", "ProgramFile", "file_union", "mixed_text", "program_file"]

_NOTHING: Mapping[str, object] = MappingProxyType({})
_SHEBANG_FLAGS = "-ISB"
_LONGEST_SHEBANG = 255  # bytes of the first line that Linux reads


def write_file(*, output: Path, text: str, is_executable: bool) -> None:
    output.write_text(text, encoding="utf-8", errors="surrogateescape")
    if is_executable:
        output.chmod(0o755)


def write_pieces(*, output: Path, pieces: tuple[object, ...]) -> None:
    text = "".join(map(str, pieces))
    output.write_text(text, encoding="utf-8", errors="surrogateescape")


def link_files(*, output: Path, inputs: dict[str, Path]) -> None:
    for name, target in inputs.items():
        link = output / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)


class ProgramFile(StoreFile):
    """An executable file that runs a staged function by the Python of builds, wherever its closure is."""

    __slots__ = ("arguments", "function", "location", "name", "python")

    def __init__(
        self,
        name: str,
        function: Callable[..., object],
        *,
        arguments: Mapping[str, object],
        python: Interpreter | None,
        location: Location | None,
    ) -> None:
        self.name = checked_name(name, location)
        self.function = function
        self.arguments = arguments
        self.python = python
        self.location = location
        snapshot(function)

    def __repr__(self) -> str:
        return f"<program {self.name}>"

    def __lower__(self, lowering: Lowering) -> Item:
        python = self.python or lowering.python
        if python is None:
            raise LoweringError(
                tr("no Python was chosen to run the program `{name}`", name=self.name), place=self.location
            )
        stager = Stager(lowering)
        start, *rest = call_lines(stager, self.function, {}, self.arguments, self.location)
        call = [f"raise SystemExit({start}", *rest[:-1], "))"]
        interpreter, staged = program_of(stager, call, python)
        shebang = f"#!{interpreter} {_SHEBANG_FLAGS}\n"
        if len(shebang) > _LONGEST_SHEBANG:
            raise LoweringError(
                tr(
                    "the program `{name}` needs a first line of {count} bytes, and Linux reads "
                    "{longest_shebang}",
                    name=self.name,
                    count=len(shebang),
                    longest_shebang=_LONGEST_SHEBANG,
                ),
                place=self.location,
            )
        options = Options(
            inputs={str(number): _Made(item) for number, item in enumerate(staged.items)},
            arguments={"text": shebang + staged.text, "is_executable": True},
            python=python,
        )
        lowered = lower_expression(self.name, write_file, options, lowering, self.location)
        # The shebang is one line more than the program has.
        lines = [(first + 1, file, numbers) for first, file, numbers in staged.lines]
        places.remember(lowered.output_path(), lines)
        return Item(lowered.output_path(), lowered, "out")


class _Made(StoreFile):
    """An item found before, as something to be lowered again."""

    __slots__ = ("item",)

    def __init__(self, item: Item) -> None:
        self.item = item

    def __lower__(self, lowering: Lowering) -> Item:
        return self.item


def program_file(
    name: str,
    function: Callable[..., object],
    *,
    arguments: Mapping[str, object] = _NOTHING,
    python: Interpreter | None = None,
) -> ProgramFile:
    """An executable that calls `function` with `arguments`; what it returns is the exit status."""
    return ProgramFile(name, function, arguments=dict(arguments), python=python, location=caller_location())


class MixedText(StoreFile):
    """A text file of pieces, some of which are file names of the store."""

    __slots__ = ("location", "name", "pieces")

    def __init__(self, name: str, pieces: tuple[object, ...], location: Location | None) -> None:
        self.name = checked_name(name, location)
        for piece in pieces:
            if not isinstance(piece, str) and not is_lowerable(piece):
                raise StagingError(
                    tr("{piece} is neither text nor something with a store file", piece=describe(piece)),
                    name=describe(piece),
                    place=location,
                )
        self.pieces = pieces
        self.location = location

    def __repr__(self) -> str:
        return f"<text {self.name}>"

    def __lower__(self, lowering: Lowering) -> Item:
        options = Options(arguments={"pieces": self.pieces})
        lowered = lower_expression(self.name, write_pieces, options, lowering, self.location)
        return Item(lowered.output_path(), lowered, "out")


def mixed_text(name: str, *pieces: object) -> MixedText:
    """A text file of `pieces`: strings, and things with a store file, whose names are put in their places."""
    return MixedText(name, pieces, caller_location())


def file_union(name: str, files: Mapping[str, object]) -> BuildExpression:
    """A directory of symbolic links: relative file names, and what each leads to."""
    for each in files:
        if not each or each.startswith("/") or ".." in each.split("/"):
            raise StagingError(
                tr("{each!a} is no relative file name", each=each), name=each, place=caller_location()
            )
    return build_expression(name, link_files, inputs=files)
