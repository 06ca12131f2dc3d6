"""Hashes of derivations *modulo fixed outputs*, and the output paths that follow from them.

An output path must change when anything that goes into the build changes, but not when a source is merely
fetched from elsewhere. So a derivation is hashed with each input's path replaced by that input's own hash
modulo; and that of a derivation with a fixed output is the hash of what it makes, not of how:

    modulo(fixed)   SHA-256 of "fixed:out:[r:]ALGO:HEX:PATH" modulo(other)   SHA-256 of its text, inputs
    replaced by modulo(input) in base16 and sorted anew masked(other)   the same with the output paths
    blank, in the outputs and in the variables of the same names

`masked` names the outputs; `modulo` is what others see. Two inputs may have the same hash modulo (the same
file, fetched in two ways): they become one entry that has the outputs wanted of either.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from larix.derivation.record import BadDerivation, Derivation, Output
from larix.derivation.text import print_inputs, print_outputs, print_parts
from larix.formats.storepath import (
    StoreDir,
    StorePath,
    fixed_output_fingerprint,
    make_fixed_path,
    make_output_path,
)
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["ModuloHashes", "check_output_paths", "fixed_modulo", "hash_masked", "hash_modulo", "merge_inputs"]


def merge_inputs(inputs: Iterable[tuple[bytes, tuple[str, ...]]]) -> list[tuple[str, tuple[str, ...]]]:
    """Inputs by their hashes modulo in base16, in order; those of equal hash become one.

    The output names of each are sorted and unique, here as there.
    """
    merged: dict[str, tuple[str, ...]] = {}
    for modulo, names in inputs:
        key = modulo.hex()
        merged[key] = tuple(sorted({*merged[key], *names})) if key in merged else names
    return sorted(merged.items())


def fixed_modulo(output: Output) -> bytes:
    fingerprint = fixed_output_fingerprint(
        output.fixed_hash(), recursive=output.is_recursive, path=output.path
    )
    return sha256(fingerprint.encode("ascii")).digest()


def _inputs_by_modulo(
    drv: Derivation, modulo_of: Callable[[StorePath], bytes | None]
) -> list[tuple[str, tuple[str, ...]]] | None:
    found: list[tuple[bytes, tuple[str, ...]]] = []
    for path, names in drv.input_drvs.items():
        modulo = modulo_of(path)
        if modulo is None:
            return None
        found.append((modulo, names))
    return merge_inputs(found)


def _printed(
    drv: Derivation,
    text: bytes | None,
    *,
    outputs: Mapping[str, Output],
    inputs: list[tuple[str, tuple[str, ...]]],
    are_blank: bool = False,
) -> bytes:
    """`drv` with other outputs and inputs; `are_blank`: and with the variables of its outputs blank.

    Most of it is as in its own `text`, where that is at hand. There, `("` before a name begins an entry and
    nothing else, as quotes inside of strings are escaped.
    """
    head = b"Derive(%b,%b," % (print_outputs(drv.outputs), print_inputs(drv.input_drvs.items()))
    variables = {
        name: drv.env[name.encode()] for name in drv.outputs if are_blank and name.encode() in drv.env
    }
    is_usual = all(value == drv.outputs[name].path.encode() for name, value in variables.items())
    if text is None or not is_usual or not text.startswith(head):
        env = {**drv.env, **{name.encode(): b"" for name in variables}}
        return print_parts(drv, outputs=outputs, inputs=inputs, env=env)
    tail = text[len(head) :]
    for name, value in variables.items():
        tail = tail.replace(b'("%b","%b")' % (name.encode(), value), b'("%b","")' % name.encode())
    return b"Derive(%b,%b,%b" % (print_outputs(outputs), print_inputs(inputs), tail)


def hash_modulo(
    drv: Derivation, modulo_of: Callable[[StorePath], bytes | None], text: bytes | None = None
) -> bytes | None:
    """What stands for `drv` in the hashes of its users; None when its outputs are named only once built.

    `text` is what it was read from, if that is at hand: it saves printing it again.
    """
    out = drv.outputs.get("out")
    if out is not None and out.is_fixed:
        return fixed_modulo(out)
    if not all(output.path for output in drv.outputs.values()):
        return None
    inputs = _inputs_by_modulo(drv, modulo_of)
    if inputs is None:
        return None
    return sha256(_printed(drv, text, outputs=drv.outputs, inputs=inputs)).digest()


def hash_masked(
    drv: Derivation, modulo_of: Callable[[StorePath], bytes | None], text: bytes | None = None
) -> bytes | None:
    """What names the outputs of `drv`; None when an input is named only once built."""
    inputs = _inputs_by_modulo(drv, modulo_of)
    if inputs is None:
        return None
    blank = dict.fromkeys(drv.outputs, Output(""))
    return sha256(_printed(drv, text, outputs=blank, inputs=inputs, are_blank=True)).digest()


def check_output_paths(
    drv: Derivation,
    store_dir: StoreDir,
    modulo_of: Callable[[StorePath], bytes | None],
    text: bytes | None = None,
) -> None:
    """Refuse `drv` unless each output path, and each variable named like an output, is the one implied.

    `modulo_of` gives the hash modulo of an input, None for one whose outputs are named only once built. To be
    called before anything is registered or built under these paths: a wrong one would put one derivation's
    outputs under another's name.
    """
    masked = None
    if any(not output.hash_algo for output in drv.outputs.values()):
        masked = hash_masked(drv, modulo_of, text)
    for name, output in drv.outputs.items():
        if output.is_fixed:
            implied: str = make_fixed_path(
                store_dir, drv.name, output.fixed_hash(), recursive=output.is_recursive
            )
        elif output.hash_algo or masked is None:
            implied = ""
        else:
            implied = make_output_path(store_dir, masked, name, drv.name)
        if output.path != implied:
            raise BadDerivation(
                subject=tr("derivation {drv!a}", drv=drv.name),
                expected=tr("output `{name}` at `{implied}`", name=name, implied=implied)
                if implied
                else tr("no path for output `{name}` before it is built", name=name),
                found=f"`{output.path}`",
            )
        variable = drv.env.get(name.encode())
        if implied and variable is not None and variable != implied.encode():
            raise BadDerivation(
                subject=tr("derivation {drv!a}", drv=drv.name),
                expected=tr("variable `{name}` to be the path of that output", name=name),
                found=ascii(variable),
            )


class ModuloHashes:
    """Hashes modulo of derivations that are read on demand, each hashed once; calling it gives one.

    `read` may raise; what was hashed before stays. Deep graphs are walked without recursion. `text_of` gives
    the text of a derivation, where that is at hand.
    """

    __slots__ = ("_known", "_read", "_text_of")

    def __init__(
        self,
        read: Callable[[StorePath], Derivation],
        text_of: Callable[[StorePath], bytes | None] = lambda _path: None,
    ) -> None:
        self._read = read
        self._text_of = text_of
        self._known: dict[StorePath, bytes | None] = {}

    def add(self, path: StorePath, modulo: bytes | None) -> None:
        """Make known what was hashed elsewhere."""
        self._known[path] = modulo

    def __call__(self, path: StorePath) -> bytes | None:
        known = self._known
        reading: dict[StorePath, Derivation] = {}
        todo = [path]
        while todo:
            top = todo[-1]
            if top in known:
                todo.pop()
                continue
            drv = reading.get(top)
            if drv is None:
                drv = reading[top] = self._read(top)
                missing = [] if drv.is_fixed else [input_ for input_ in drv.input_drvs if input_ not in known]
                cycle = next((input_ for input_ in missing if input_ in reading), None)
                if cycle is not None:
                    raise BadDerivation(
                        expected=tr("derivations without a cycle"),
                        found=tr("one through `{cycle}`", cycle=cycle),
                    )
                todo += missing
                if missing:
                    continue
            known[top] = hash_modulo(drv, known.__getitem__, self._text_of(top))
            del reading[top]
            todo.pop()
        return known[path]
