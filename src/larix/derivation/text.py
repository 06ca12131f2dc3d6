"""How a derivation is written.

    Derive([(OUTPUT,PATH,ALGO,HASH),…],[(DRV,[OUTPUT,…]),…],[SRC,…],SYSTEM,BUILDER,[ARG,…],[(NAME,VALUE),…])

Every list but the arguments is strictly sorted by the bytes of its first strings. Text in another order or
with other escapes is refused, so that what was read prints to the same bytes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from larix.derivation.record import BadDerivation, Derivation, Output
from larix.formats.aterm import BadAterm, Scanner, print_list, print_pairs, print_strings, quote
from larix.formats.storepath import BadStorePath, StorePath
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["parse_derivation", "print_derivation", "print_inputs", "print_outputs"]

_Name = TypeVar("_Name", str, bytes)


def parse_derivation(text: bytes, name: str) -> Derivation:
    """The derivation in `text`; `name` is that of its store item, without `.drv`."""
    try:
        return _parse(Scanner(text), name)
    except BadDerivation:
        raise
    except (BadAterm, BadStorePath) as error:
        raise BadDerivation(
            subject=tr("derivation {name!a}", name=name),
            offset=error.offset,
            expected=error.expected,
            found=error.found,
        ) from error


def _parse(scanner: Scanner, name: str) -> Derivation:
    scanner.literal(b"Derive(")
    outputs = _outputs(scanner)
    scanner.literal(b",")
    input_drvs = _input_drvs(scanner)
    scanner.literal(b",")
    at = scanner.position
    input_srcs = scanner.ascii_strings()
    _check_order(scanner, at, input_srcs)
    scanner.literal(b",")
    system = scanner.ascii_string()
    scanner.literal(b",")
    builder = scanner.string()
    scanner.literal(b",")
    args = scanner.strings()
    scanner.literal(b",")
    env = _env(scanner)
    scanner.literal(b")")
    scanner.end()
    return Derivation(
        name=name,
        system=system,
        builder=builder,
        args=args,
        env=env,
        outputs=outputs,
        input_drvs=input_drvs,
        input_srcs=[StorePath(path) for path in input_srcs],
    )


def _outputs(scanner: Scanner) -> dict[str, Output]:
    found: dict[str, Output] = {}
    last: str | None = None
    scanner.literal(b"[")
    while scanner.next_item(first=last is None):
        at = scanner.position
        scanner.literal(b"(")
        name = scanner.ascii_string()
        last = _check_next(scanner, at, last, name)
        scanner.literal(b",")
        path = scanner.ascii_string()
        scanner.literal(b",")
        algo = scanner.ascii_string()
        scanner.literal(b",")
        found[name] = Output(path, algo, scanner.ascii_string())
        scanner.literal(b")")
    return found


def _input_drvs(scanner: Scanner) -> dict[StorePath, tuple[str, ...]]:
    found: dict[StorePath, tuple[str, ...]] = {}
    last: str | None = None
    scanner.literal(b"[")
    while scanner.next_item(first=last is None):
        at = scanner.position
        scanner.literal(b"(")
        path = scanner.ascii_string()
        last = _check_next(scanner, at, last, path)
        scanner.literal(b",")
        at = scanner.position
        names = scanner.ascii_strings()
        _check_order(scanner, at, names)
        found[StorePath(path)] = tuple(names)
        scanner.literal(b")")
    return found


def _env(scanner: Scanner) -> dict[bytes, bytes]:
    at = scanner.position
    pairs = scanner.pairs()
    _check_order(scanner, at, [name for name, _ in pairs])
    return dict(pairs)


def _check_next(scanner: Scanner, at: int, last: str | None, name: str) -> str:
    if last is not None and name <= last:
        raise scanner.fail(tr("an entry that sorts after {last!a}", last=last), at)
    return name


def _check_order(scanner: Scanner, at: int, names: list[_Name]) -> None:
    for before, after in pairwise(names):
        if after <= before:
            raise scanner.fail(
                tr(
                    "a sorted list without repetition, not {after!a} behind {before!a}",
                    after=after,
                    before=before,
                ),
                at,
            )


def print_outputs(outputs: Mapping[str, Output]) -> bytes:
    return print_list(
        [
            b'("%b","%b","%b","%b")' % (n.encode(), o.path.encode(), o.hash_algo.encode(), o.hash.encode())
            for n, o in outputs.items()
        ]
    )


def print_inputs(inputs: Iterable[tuple[str, tuple[str, ...]]]) -> bytes:
    """`inputs` in its order, with output names: paths of derivations, or the hashes that stand for them."""
    return print_list(
        [
            b'("%b",["%b"])' % (key.encode(), b'","'.join([name.encode() for name in names]))
            for key, names in inputs
        ]
    )


def print_derivation(drv: Derivation) -> bytes:
    return print_parts(drv, outputs=drv.outputs, inputs=drv.input_drvs.items(), env=drv.env)


def print_parts(
    drv: Derivation,
    *,
    outputs: Mapping[str, Output],
    inputs: Iterable[tuple[str, tuple[str, ...]]],
    env: Mapping[bytes, bytes],
) -> bytes:
    """`drv` with other outputs, inputs and variables in their places."""
    return b"Derive(%b)" % b",".join(
        [
            print_outputs(outputs),
            print_inputs(inputs),
            print_strings([path.encode() for path in drv.input_srcs]),
            quote(drv.system.encode()),
            quote(drv.builder),
            print_strings(drv.args),
            print_pairs(env),
        ]
    )
