"""A derivation as one of two that are compared, and which inputs of the one are which of the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from larix.derivation import Source, TextContent, TreeContent
from larix.formats.storepath import StorePath, name_part
from larix.graphs.programs import Program, mentioned_strings, read_program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from larix.derivation import Derivation, Lowered
    from larix.formats.nar import Tree

__all__ = ["Pairs", "Side", "Stand", "pair_up", "stem_of"]

_VERSIONED = re.compile(r"(?P<stem>.*?)[-_]v?[0-9]")
_PROGRAM = "-builder"


def stem_of(name: str) -> str:
    """A name without its version: `zlib` of `zlib-1.3.1` and of `zlib_1.3.orig.tar.gz`."""
    match = _VERSIONED.match(name)
    return match["stem"] if match is not None and match["stem"] else name


class Side(NamedTuple):
    """`inputs` have their outputs by name; `content` gives what a source holds, or the file that it is."""

    path: StorePath
    name: str
    system: str
    builder: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    outputs: Mapping[str, str]
    fixed: str | None
    inputs: Mapping[StorePath, Mapping[str, str]]
    sources: Sequence[StorePath]
    content: Callable[[StorePath], Tree | bytes | str]

    @property
    def program(self) -> StorePath | None:
        """The source that is the text which the builder runs."""
        return next((each for each in self.sources if name_part(each) == f"{self.name}{_PROGRAM}"), None)

    def program_text(self) -> str:
        path = self.program
        content = self.content(path) if path is not None else b""
        if isinstance(content, str):
            with open(content, "rb") as stream:
                content = stream.read()
        return content.decode(errors="surrogateescape") if isinstance(content, bytes) else ""

    @classmethod
    def of_store(
        cls, path: StorePath, derivation: Derivation, outputs_of: Callable[[StorePath], Mapping[str, str]]
    ) -> Side:
        return _side(
            path,
            derivation,
            {each: outputs_of(each) for each in derivation.input_drvs},
            lambda source: source,
        )

    @classmethod
    def of_lowered(cls, lowered: Lowered) -> Side:
        sources = {each.path: each for each in lowered.sources}
        return _side(
            lowered.path,
            lowered.derivation,
            {each.path: each.outputs for each, _ in lowered.inputs},
            lambda source: _content(sources[source]) if source in sources else source,
        )


def _content(source: Source) -> Tree | bytes | str:
    content = source.content
    if isinstance(content, TextContent):
        return content.contents
    if isinstance(content, TreeContent):
        return content.tree
    return _decoded(content.file)


def _decoded(text: bytes | str) -> str:
    return text if isinstance(text, str) else text.decode(errors="surrogateescape")


def _side(
    path: StorePath,
    derivation: Derivation,
    inputs: Mapping[StorePath, Mapping[str, str]],
    content: Callable[[StorePath], Tree | bytes | str],
) -> Side:
    outputs = {name: output.path for name, output in derivation.outputs.items()}
    fixed = next((output.hash for output in derivation.outputs.values() if output.is_fixed), None)
    env = {_decoded(name): _decoded(value) for name, value in derivation.env.items()}
    return Side(
        path=path,
        name=derivation.name,
        system=derivation.system,
        builder=_decoded(derivation.builder),
        args=tuple([_decoded(each) for each in derivation.args]),
        env={name: value for name, value in env.items() if name not in outputs},
        outputs=outputs,
        fixed=fixed,
        inputs=inputs,
        sources=derivation.input_srcs,
        content=content,
    )


class Stand(NamedTuple):
    """Another thing in the place of an input: the role is the argument that names it."""

    role: str
    old: StorePath
    new: StorePath


class Pairs(NamedTuple):
    """Inputs and sources of two derivations. What is the very same on both sides is in none of these.

    `inputs` and `sources` are versions of one thing, `stands` other things in one role, and `gone` and
    `added` what is left.
    """

    inputs: Sequence[tuple[StorePath, StorePath]]
    sources: Sequence[tuple[StorePath, StorePath]]
    stands: Sequence[Stand]
    gone: Sequence[StorePath]
    added: Sequence[StorePath]

    def tokens(self, one: Side, other: Side) -> tuple[dict[str, str], dict[str, str]]:
        """For each side, what to write for store paths so that texts which differ in versions alone agree."""
        old: dict[str, str] = {}
        new: dict[str, str] = {}
        stands = [(each.old, each.new) for each in self.stands]
        for first, second in (*self.inputs, *self.sources, *stands):
            token = stem_of(_drv_name(second))
            for side, path, tokens in ((one, first, old), (other, second, new)):
                outputs = side.inputs.get(path)
                for name, output in outputs.items() if outputs is not None else [("out", path)]:
                    tokens[output] = f"<{token}>" if name == "out" else f"<{token}:{name}>"
        for side, tokens in ((one, old), (other, new)):
            tokens |= {output: f"<{name}>" for name, output in side.outputs.items()}
            if side.program is not None:
                tokens[side.program] = "<program>"
        return old, new

    def lone_paths(self, one: Side, other: Side) -> set[str]:
        """The store paths of what only one side has."""
        return {
            output
            for side, paths in ((one, self.gone), (other, self.added))
            for path in paths
            for output in side.inputs.get(path, {"out": path}).values()
        }


def _drv_name(path: StorePath) -> str:
    return name_part(path).removesuffix(".drv")


def pair_up(one: Side, other: Side) -> Pairs:
    """By equal names, then by names without versions, then by the arguments of the programs."""
    old_inputs = [each for each in one.inputs if each not in other.inputs]
    new_inputs = [each for each in other.inputs if each not in one.inputs]
    programs = {one.program, other.program}
    old_sources = [each for each in one.sources if each not in other.sources and each not in programs]
    new_sources = [each for each in other.sources if each not in one.sources and each not in programs]
    inputs = [
        *_take(old_inputs, new_inputs, _drv_name),
        *_take(old_inputs, new_inputs, lambda path: stem_of(_drv_name(path))),
    ]
    sources = [
        *_take(old_sources, new_sources, name_part),
        *_take(old_sources, new_sources, lambda path: stem_of(name_part(path))),
    ]
    stands = _stands(one, other, [*old_inputs, *old_sources], [*new_inputs, *new_sources])
    gone = [each for each in (*old_inputs, *old_sources) if each not in {stand.old for stand in stands}]
    added = [each for each in (*new_inputs, *new_sources) if each not in {stand.new for stand in stands}]
    return Pairs(inputs, sources, stands, gone, added)


def _take(
    old: list[StorePath], new: list[StorePath], key: Callable[[StorePath], str]
) -> list[tuple[StorePath, StorePath]]:
    """Take the pairs of equal keys out of both lists, in their order."""
    by_key: dict[str, list[StorePath]] = {}
    for each in old:
        by_key.setdefault(key(each), []).append(each)
    found: list[tuple[StorePath, StorePath]] = []
    for each in list(new):
        same = by_key.get(key(each))
        if same:
            first = same.pop(0)
            found.append((first, each))
            old.remove(first)
            new.remove(each)
    return found


def _stands(one: Side, other: Side, old: Sequence[StorePath], new: Sequence[StorePath]) -> list[Stand]:
    if not old or not new:
        return []
    before, after = _roles(one, old), _roles(other, new)
    found: dict[StorePath, Stand] = {}
    for role, path in before.items():
        if role in after and path not in {each.old for each in found.values()}:
            found.setdefault(after[role], Stand(role, path, after[role]))
    return list(found.values())


def _roles(side: Side, wanted: Sequence[StorePath]) -> dict[str, StorePath]:
    program: Program | None = read_program(side.program_text())
    if program is None:
        return {}
    files = {output: path for path in wanted for output in side.inputs.get(path, {"out": path}).values()}
    return {role: files[text] for role, text in mentioned_strings(program) if text in files}
