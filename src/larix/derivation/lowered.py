"""Making derivations: the pure primitive under everything that is built.

`derivation()` computes the text, the path, the output paths and the hash modulo of a derivation in one go,
from those of its inputs, which carry theirs. It is called once for every node of graphs of tens of
thousands, so the text is put together once from its pieces and nothing is parsed back unless asked for.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple, cast

from larix.derivation.modulo import merge_inputs
from larix.derivation.record import BadDerivation, Derivation, check_derivation_name
from larix.derivation.source import Source
from larix.derivation.text import parse_derivation
from larix.formats.aterm import ESCAPED
from larix.formats.hashes import Hash
from larix.formats.storepath import (
    StoreDir,
    StorePath,
    check_output_name,
    fixed_output_fingerprint,
    make_fixed_path,
    make_output_path,
    make_text_path,
    name_part,
    parse_store_path,
)
from larix.words import tr

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
        "references",
        "sources",
        "text",
    )

    path: StorePath
    text: bytes
    modulo: bytes
    inputs: tuple[tuple[Lowered, tuple[str, ...]], ...]
    sources: tuple[Source, ...]
    references: tuple[StorePath, ...]  # of the `.drv` item: its input derivations and sources, sorted
    output_names: tuple[str, ...]

    def __init__(
        self,
        path: StorePath,
        text: bytes,
        *,
        modulo: bytes,
        inputs: tuple[tuple[Lowered, tuple[str, ...]], ...],
        sources: tuple[Source, ...],
        references: tuple[StorePath, ...],
        output_names: tuple[str, ...],
        output_paths: tuple[StorePath, ...],
    ) -> None:
        self.path = path
        self.text = text
        self.modulo = modulo
        self.inputs = inputs
        self.sources = sources
        self.references = references
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

    def output_path(self, output: str = "out") -> StorePath:
        try:
            return self._output_paths[self.output_names.index(output)]
        except ValueError:
            raise BadDerivation(
                subject=tr("output of `{name}`", name=self.name),
                expected=tr("one of `{output_names}`", output_names="`, `".join(self.output_names)),
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
    check_derivation_name(name)
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
    by_modulo = _print_inputs(merge_inputs([(lowered.modulo, names) for lowered, names in wanted]))

    if fixed is None:
        masked = sha256(pieces.text(by_modulo, dict.fromkeys(outputs, ""))).digest()
        paths = {output: make_output_path(store_dir, masked, output, name) for output in outputs}
        modulo = sha256(pieces.text(by_modulo, paths)).digest()
        algo = digest = ""
    else:
        if tuple(outputs) != _OUT:
            raise BadDerivation(
                expected=tr("a fixed output to be the only one, `out`"), found=f"{', '.join(outputs)}"
            )
        path = make_fixed_path(store_dir, name, fixed.hash, recursive=fixed.recursive)
        paths = {"out": path}
        modulo = sha256(
            fixed_output_fingerprint(fixed.hash, recursive=fixed.recursive, path=path).encode("ascii")
        ).digest()
        algo, digest = ("r:" if fixed.recursive else "") + fixed.hash.algo, fixed.hash.base16()

    input_paths = {lowered.path: names for lowered, names in wanted}
    references = tuple(sorted([*input_paths, *source_paths]))
    text = pieces.text(_print_inputs(input_paths.items()), paths, algo, digest)
    return Lowered(
        make_text_path(store_dir, name + ".drv", sha256(text).digest(), references),
        text,
        modulo=modulo,
        inputs=wanted,
        sources=interned,
        references=references,
        output_names=tuple(outputs),
        output_paths=tuple(paths.values()),
    )


class _Pieces:
    """The escaped parts of one derivation's text, from which its variants are put together."""

    __slots__ = ("environment", "middle", "outputs")

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
                subject=tr("derivation {name!a}", name=name),
                expected=tr("an ASCII system and a builder"),
                found=tr("{system!a} and {builder!a}", system=system, builder=builder),
            )
        strings, variables = _as_latin([system, builder, *args], env)
        taken = len(env) != len(variables) or not variables.keys().isdisjoint(outputs)
        variables.update(dict.fromkeys(outputs, ""))
        keys = sorted(variables)
        if taken or not keys[0] or "=" in "".join(keys):
            raise BadDerivation(
                subject=tr("environment of {name!a}", name=name),
                expected=tr("each variable once, none empty, none with `=`, none called like an output"),
                found=ascii(list(env)),
            )
        count, end = len(strings), len(strings) + len(keys)
        escaped = _escape_all([*strings, *keys, *map(variables.__getitem__, keys)], name)
        values = escaped[end:]
        # The values of outputs differ between the variants: a NUL, which nothing else has, stands for each.
        for output in outputs:
            values[keys.index(output)] = "\0"
        entries = '"),("'.join(map('","'.join, zip(escaped[count:end], values, strict=True)))
        self.environment = entries.split("\0")
        self.outputs = sorted(outputs)
        sources = '","'.join(source_paths)
        arguments = '","'.join(escaped[2:count])
        self.middle = (
            f"""{f'["{sources}"]' if source_paths else "[]"},"{escaped[0]}","{escaped[1]}","""
            f"""{f'["{arguments}"]' if count > 2 else "[]"}"""
        )

    def text(self, inputs: str, paths: Mapping[str, str], algo: str = "", digest: str = "") -> bytes:
        outputs = ",".join([f'("{output}","{paths[output]}","{algo}","{digest}")' for output in self.outputs])
        pieces = [f'Derive([{outputs}],{inputs},{self.middle},[("', self.environment[0]]
        # Output names have no characters that are escaped, so that they are in the same order in both places.
        for output, piece in zip(self.outputs, self.environment[1:], strict=True):
            pieces += (paths[output], piece)
        pieces.append('")])')
        return "".join(pieces).encode("latin-1")


def _as_latin(
    strings: list[str | bytes], env: Mapping[str, str | bytes] | Mapping[bytes, str | bytes]
) -> tuple[list[str], dict[str, str]]:
    """All as text with one character per byte, so that it sorts and encodes as the bytes do."""
    texts = [*strings, *env, *env.values()]
    try:
        if "".join(cast("list[str]", texts)).isascii():
            return cast("list[str]", strings), dict(cast("Mapping[str, str]", env))
    except TypeError:
        pass  # some are bytes
    return [_latin(string) for string in strings], {_latin(key): _latin(value) for key, value in env.items()}


def _latin(text: str | bytes) -> str:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    return data.decode("latin-1")


def _escape_all(strings: list[str], name: str) -> list[str]:
    together = "".join(strings)
    if "\0" in together:
        raise BadDerivation(
            subject=tr("derivation {name!a}", name=name),
            expected=tr("strings that a process can be given"),
            found=tr("a NUL byte"),
        )
    if not any(map(together.__contains__, ESCAPED)):
        return strings
    joined = "\0".join(strings)  # all of them in one pass
    for char, escape in ESCAPED.items():
        joined = joined.replace(char, escape)
    return joined.split("\0")


def _print_inputs(inputs: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    entries = [
        f'("{key}",["out"])' if names is _OUT else f"""("{key}",["{'","'.join(names)}"])"""
        for key, names in inputs
    ]
    return f"[{','.join(entries)}]"


def _check_outputs(outputs: Sequence[str]) -> tuple[str, ...]:
    names = tuple(map(check_output_name, outputs))
    if not names or len(set(names)) != len(names):
        raise BadDerivation(expected=tr("at least one output, each once"), found=f"({', '.join(names)})")
    return names


def _check_store(store_dir: StoreDir, path: StorePath) -> None:
    if path[: len(store_dir)] != store_dir or path[len(store_dir)] != "/":
        raise BadDerivation(expected=tr("inputs in `{store_dir}`", store_dir=store_dir), found=f"`{path}`")


def _merge_wanted(
    store_dir: StoreDir, inputs: Iterable[tuple[Lowered, Iterable[str]]]
) -> tuple[tuple[Lowered, tuple[str, ...]], ...]:
    wanted: dict[StorePath, tuple[Lowered, set[str]]] = {}
    for lowered, names in inputs:
        known = wanted.get(lowered.path)
        if known is None:
            _check_store(store_dir, lowered.path)
            known = wanted[lowered.path] = (lowered, set())
        known[1].update(names)
    merged: list[tuple[Lowered, tuple[str, ...]]] = []
    for path in sorted(wanted):
        lowered, chosen = wanted[path]
        if not chosen or not chosen.issubset(lowered.output_names):
            raise BadDerivation(
                subject=tr("outputs wanted of `{lowered}`", lowered=lowered.name),
                expected=tr("some of `{output_names}`", output_names="`, `".join(lowered.output_names)),
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
            _check_store(store_dir, source.path)
            interned[source.path] = source
            paths.add(source.path)
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
