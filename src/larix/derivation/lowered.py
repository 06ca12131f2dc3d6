"""Making derivations: the pure primitive under everything that is built.

`derivation()` computes the text, the path, the output paths and the hash modulo of a derivation in one go,
from those of its inputs, which carry theirs. It is called once for every node of graphs of tens of
thousands, so the text is put together once from its pieces and nothing is parsed back unless asked for.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from larix.derivation.modulo import merge_inputs
from larix.derivation.record import BadDerivation, Derivation
from larix.derivation.source import Source
from larix.derivation.text import parse_derivation, print_inputs
from larix.formats.aterm import escape
from larix.formats.hashes import Hash
from larix.formats.storepath import (
    StoreDir,
    StorePath,
    check_name,
    check_output_name,
    fixed_output_fingerprint,
    make_fixed_path,
    make_output_path,
    make_text_path,
    name_part,
    parse_store_path,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["FixedOutput", "Lowered", "derivation", "instantiation_order"]


class FixedOutput(NamedTuple):
    """What the output will hash to: its NAR when `recursive`, else the bytes of the one file it must be."""

    hash: Hash
    recursive: bool = False


class Lowered:
    """A derivation in memory, with all that instantiating it needs; equal to others of the same path."""

    __slots__ = (
        "_derivation",
        "_output_paths",
        "inputs",
        "modulo",
        "output_names",
        "path",
        "sources",
        "text",
    )

    path: StorePath
    text: bytes
    modulo: bytes
    inputs: tuple[tuple[Lowered, tuple[str, ...]], ...]
    sources: tuple[Source, ...]
    output_names: tuple[str, ...]

    def __init__(
        self,
        path: StorePath,
        text: bytes,
        *,
        modulo: bytes,
        inputs: tuple[tuple[Lowered, tuple[str, ...]], ...],
        sources: tuple[Source, ...],
        output_names: tuple[str, ...],
        output_paths: tuple[StorePath, ...],
    ) -> None:
        self.path = path
        self.text = text
        self.modulo = modulo
        self.inputs = inputs
        self.sources = sources
        self.output_names = output_names
        self._output_paths = output_paths
        self._derivation: Derivation | None = None

    @property
    def name(self) -> str:
        """The derivation's name, without `.drv`."""
        return name_part(self.path)[:-4]

    @property
    def derivation(self) -> Derivation:
        """The record, read back from the text when first asked for."""
        if self._derivation is None:
            self._derivation = parse_derivation(self.text, self.name)
        return self._derivation

    @property
    def outputs(self) -> dict[str, StorePath]:
        """Output names, in the order they were declared, and their paths."""
        return dict(zip(self.output_names, self._output_paths, strict=True))

    @property
    def references(self) -> tuple[StorePath, ...]:
        """What the `.drv` item refers to, sorted: its input derivations and sources."""
        drv = self.derivation
        return tuple(sorted({*drv.input_drvs, *drv.input_srcs}))

    def output_path(self, output: str = "out") -> StorePath:
        try:
            return self._output_paths[self.output_names.index(output)]
        except ValueError:
            raise BadDerivation(
                subject=f"output of `{self.name}`",
                expected=f"one of `{'`, `'.join(self.output_names)}`",
                found=ascii(output),
            ) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lowered) and self.path == other.path

    def __hash__(self) -> int:
        return hash(self.path)

    def __repr__(self) -> str:
        return f"<Lowered {self.path}>"


_OUT = ("out",)
_JUST_OUT = {"out"}


def derivation(
    name: str,
    *,
    store_dir: StoreDir,
    system: str,
    builder: str | bytes,
    args: Iterable[str | bytes] = (),
    env: Mapping[str, str | bytes] | Mapping[bytes, str | bytes] | None = None,
    inputs: Iterable[tuple[Lowered, Iterable[str]]] = (),
    sources: Iterable[Source | StorePath] = (),
    outputs: Sequence[str] = _OUT,
    fixed: FixedOutput | None = None,
) -> Lowered:
    """The derivation of these parts. `env` gets a variable for each output, holding its path.

    `inputs` are derivations and the outputs wanted of each; `sources` items that must exist when it is
    built. Text is encoded as UTF-8, with lone surrogates standing for bytes as in file names. Raises
    BadDerivation or BadStoreName.
    """
    check_name(name + ".drv")
    if outputs is not _OUT:
        outputs = _check_outputs(outputs)
    wanted = _merge_wanted(store_dir, inputs)
    interned, source_paths = _split_sources(store_dir, sources)
    pieces = _Pieces(
        name,
        system=system,
        builder=builder,
        args=args,
        env=env or {},
        outputs=outputs,
        source_paths=source_paths,
    )
    by_modulo = print_inputs(merge_inputs([(lowered.modulo, names) for lowered, names in wanted]))

    if fixed is None:
        masked = sha256(pieces.text(by_modulo, dict.fromkeys(outputs, ""))).digest()
        paths = {output: make_output_path(store_dir, masked, output, name) for output in outputs}
        modulo = sha256(pieces.text(by_modulo, paths)).digest()
        algo = digest = ""
    else:
        if tuple(outputs) != _OUT:
            raise BadDerivation(
                expected="a fixed output to be the only one, `out`", found=f"{', '.join(outputs)}"
            )
        path = make_fixed_path(store_dir, name, fixed.hash, recursive=fixed.recursive)
        paths = {"out": path}
        modulo = sha256(
            fixed_output_fingerprint(fixed.hash, recursive=fixed.recursive, path=path).encode("ascii")
        ).digest()
        algo, digest = ("r:" if fixed.recursive else "") + fixed.hash.algo, fixed.hash.base16()

    input_paths = {lowered.path: names for lowered, names in wanted}
    text = pieces.text(print_inputs(input_paths.items()), paths, algo, digest)
    return Lowered(
        make_text_path(store_dir, name + ".drv", sha256(text).digest(), [*input_paths, *source_paths]),
        text,
        modulo=modulo,
        inputs=wanted,
        sources=interned,
        output_names=tuple(outputs),
        output_paths=tuple(paths.values()),
    )


class _Pieces:
    """The escaped parts of one derivation's text, from which its variants are put together."""

    __slots__ = ("keys", "middle", "outputs", "slots", "values")

    def __init__(
        self,
        name: str,
        *,
        system: str,
        builder: str | bytes,
        args: Iterable[str | bytes],
        env: Mapping[str, str | bytes] | Mapping[bytes, str | bytes],
        outputs: Sequence[str],
        source_paths: Sequence[StorePath],
    ) -> None:
        if not system.isascii() or not builder:
            raise BadDerivation(
                subject=f"derivation {name!a}",
                expected="an ASCII system and a builder",
                found=f"{system!a} and {builder!a}",
            )
        variables = {_encode(key): _encode(value) for key, value in env.items()}
        taken = len(env) != len(variables)
        for output in outputs:
            key = output.encode()
            taken = taken or key in variables
            variables[key] = b""
        keys = sorted(variables)
        if taken or not keys[0] or b"=" in b"".join(keys):
            raise BadDerivation(
                subject=f"environment of {name!a}",
                expected="each variable once, none empty, none with `=`, none called like an output",
                found=ascii(sorted(map(_encode, env))),
            )
        strings = [system.encode(), _encode(builder), *map(_encode, args)]
        count = len(strings)
        strings += keys
        strings += [variables[key] for key in keys]
        strings = _escape_all(strings, name)
        self.slots = {output: keys.index(output.encode()) for output in outputs}
        self.keys = strings[count : count + len(keys)]
        self.values = strings[count + len(keys) :]
        self.outputs = sorted(outputs)
        self.middle = b'[%b],"%b","%b",[%b]' % (
            b",".join([b'"%b"' % path.encode() for path in source_paths]),
            strings[0],
            strings[1],
            b",".join([b'"%b"' % arg for arg in strings[2:count]]),
        )

    def text(self, inputs: bytes, paths: Mapping[str, str], algo: str = "", digest: str = "") -> bytes:
        values = self.values
        for output, slot in self.slots.items():
            values[slot] = paths[output].encode()
        outputs = ",".join([f'("{output}","{paths[output]}","{algo}","{digest}")' for output in self.outputs])
        env = b'"),("'.join(map(b'","'.join, zip(self.keys, values, strict=True)))
        return b'Derive([%b],%b,%b,[("%b")])' % (outputs.encode(), inputs, self.middle, env)


def _encode(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def _escape_all(strings: list[bytes], name: str) -> list[bytes]:
    # One pass over all of them, told apart by the one byte that none may have.
    joined = b"\0".join(strings)
    if joined.count(b"\0") != len(strings) - 1:
        raise BadDerivation(
            subject=f"derivation {name!a}",
            expected="strings that a process can be given",
            found="a NUL byte",
        )
    escaped = escape(joined)
    return strings if escaped is joined else escaped.split(b"\0")


def _check_outputs(outputs: Sequence[str]) -> tuple[str, ...]:
    names = tuple(map(check_output_name, outputs))
    if not names or len(set(names)) != len(names):
        raise BadDerivation(expected="at least one output, each once", found=f"({', '.join(names)})")
    return names


def _merge_wanted(
    store_dir: StoreDir, inputs: Iterable[tuple[Lowered, Iterable[str]]]
) -> tuple[tuple[Lowered, tuple[str, ...]], ...]:
    wanted: dict[StorePath, tuple[Lowered, set[str]]] = {}
    for lowered, names in inputs:
        known = wanted.get(lowered.path)
        if known is None:
            if lowered.path[: len(store_dir) + 1] != store_dir + "/":
                raise BadDerivation(expected=f"inputs in `{store_dir}`", found=f"`{lowered.path}`")
            known = wanted[lowered.path] = (lowered, set())
        known[1].update(names)
    merged: list[tuple[Lowered, tuple[str, ...]]] = []
    for path in sorted(wanted):
        lowered, chosen = wanted[path]
        if not chosen or not chosen.issubset(lowered.output_names):
            raise BadDerivation(
                subject=f"outputs wanted of `{lowered.name}`",
                expected=f"some of `{'`, `'.join(lowered.output_names)}`",
                found=f"({', '.join(map(ascii, sorted(chosen)))})",
            )
        merged.append((lowered, _OUT if chosen == _JUST_OUT else tuple(sorted(chosen))))
    return tuple(merged)


def _split_sources(
    store_dir: StoreDir, sources: Iterable[Source | StorePath]
) -> tuple[tuple[Source, ...], list[StorePath]]:
    """The sources that must be interned, and the sorted paths of all."""
    interned: dict[StorePath, Source] = {}
    paths: set[StorePath] = set()
    for source in sources:
        if isinstance(source, Source):
            interned[source.path] = source
            paths.add(parse_store_path(store_dir, source.path))
        else:
            paths.add(parse_store_path(store_dir, source))
    return tuple([interned[path] for path in sorted(interned)]), sorted(paths)


def instantiation_order(roots: Iterable[Lowered]) -> list[Lowered]:
    """`roots` and all they need, each once, inputs before their users; the same for the same roots."""
    order: list[Lowered] = []
    seen: set[StorePath] = set()
    # A node is pushed again, marked, under its inputs: when the mark surfaces, they are all in `order`.
    todo: list[tuple[Lowered, bool]] = [(root, False) for root in reversed(list(roots))]
    while todo:
        node, is_ready = todo.pop()
        if is_ready:
            order.append(node)
        elif node.path not in seen:
            seen.add(node.path)
            todo.append((node, True))
            todo += [(lowered, False) for lowered, _ in reversed(node.inputs)]
    return order
