"""The derivation record: the content of a `.drv`, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.formats.errors import FormatError
from larix.formats.hashes import DIGEST_SIZES, BadHash, Hash, parse_hash
from larix.formats.storepath import (
    BadStorePath,
    StoreDir,
    StorePath,
    check_name,
    check_output_name,
    name_part,
    output_item_name,
    parse_store_dir,
    parse_store_path,
)
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["BadDerivation", "Derivation", "Output", "check_derivation_name"]


class BadDerivation(FormatError):
    noun = mark("derivation")


class Output(NamedTuple):
    """The last three of an output's four strings, as they are written.

    path and nothing else     named by the derivation that makes it
    path, algorithm, digest   fixed: `r:sha256` hashes the NAR, `sha256` the bare file; the digest in base16
    algorithm alone           named by its content once built (floating)
    nothing                   named once the floating inputs are built (deferred)
    """

    path: str
    hash_algo: str = ""
    hash: str = ""

    @property
    def is_fixed(self) -> bool:
        return bool(self.hash)

    @property
    def is_recursive(self) -> bool:
        return self.hash_algo.startswith("r:")

    def fixed_hash(self) -> Hash:
        """What a fixed output promises to hash to."""
        return parse_hash(self.hash, self.hash_algo.removeprefix("r:"))


class Derivation:
    """The content of the `.drv` called `name`; immutable, and valid in all that can be seen from it alone.

    Mappings are in the order they are written: by name, by path, by the bytes of the variable. That the
    output paths are the implied ones needs the hashes of the inputs: see `check_output_paths`.
    """

    __slots__ = ("args", "builder", "env", "input_drvs", "input_srcs", "name", "outputs", "system")

    name: str
    system: str
    builder: bytes
    args: tuple[bytes, ...]
    env: Mapping[bytes, bytes]
    outputs: Mapping[str, Output]
    input_drvs: Mapping[StorePath, tuple[str, ...]]
    input_srcs: tuple[StorePath, ...]

    def __init__(
        self,
        *,
        name: str,
        system: str,
        builder: bytes,
        args: Iterable[bytes],
        env: Mapping[bytes, bytes],
        outputs: Mapping[str, Output],
        input_drvs: Mapping[StorePath, Sequence[str]],
        input_srcs: Iterable[StorePath],
    ) -> None:
        put = object.__setattr__
        put(self, "name", name)
        put(self, "system", system)
        put(self, "builder", builder)
        put(self, "args", tuple(args))
        put(self, "env", dict(sorted(env.items())))
        put(self, "outputs", dict(sorted(outputs.items())))
        put(
            self,
            "input_drvs",
            {path: tuple(sorted(set(names))) for path, names in sorted(input_drvs.items())},
        )
        put(self, "input_srcs", tuple(sorted(set(input_srcs))))
        _check(self)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Derivation is immutable: cannot set {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Derivation is immutable: cannot delete {name!r}")

    def _key(self) -> tuple[object, ...]:
        return tuple(getattr(self, field) for field in Derivation.__slots__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Derivation) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.name, self.builder, self.args, tuple(self.outputs.values())))

    def __repr__(self) -> str:
        return f"<Derivation {self.name}>"

    @property
    def is_fixed(self) -> bool:
        return any(output.is_fixed for output in self.outputs.values())

    @property
    def store_dir(self) -> StoreDir | None:
        """The store all its paths stand in; None when it names no path at all."""
        path = next(
            (
                path
                for path in (*self.input_srcs, *self.input_drvs, *(o.path for o in self.outputs.values()))
                if path
            ),
            None,
        )
        return None if path is None else StoreDir(path.rpartition("/")[0])


def check_derivation_name(name: str) -> None:
    check_name(name)
    check_name(name + ".drv")
    if name.endswith(".drv"):  # else its output would pass for a derivation
        raise BadDerivation(expected=tr("a name that does not end in `.drv`"), found=f"`{name}`")


def _check(drv: Derivation) -> None:
    check_derivation_name(drv.name)
    if not drv.outputs:
        raise BadDerivation(expected=tr("at least one output"), found=tr("none"))
    if not drv.builder:
        raise BadDerivation(expected=tr("a builder"), found=tr("an empty name"))
    if 0 in b"".join([drv.builder, *drv.args, *drv.env, *drv.env.values()]):
        raise BadDerivation(expected=tr("strings that a process can be given"), found=tr("a NUL byte"))
    store_dir = drv.store_dir
    if store_dir is not None:
        parse_store_dir(store_dir)
        _check_paths(drv, store_dir)
    for name, output in drv.outputs.items():
        _check_output(drv, name, output)


def _check_paths(drv: Derivation, store_dir: StoreDir) -> None:
    for output in drv.outputs.values():
        if output.path:
            _check_path(store_dir, output.path)
    for path, names in drv.input_drvs.items():
        _check_path(store_dir, path)
        if not path.endswith(".drv"):
            raise BadDerivation(expected=tr("inputs that are derivations"), found=f"`{path}`")
        if not names:
            raise BadDerivation(expected=tr("at least one output of `{path}`", path=path), found=tr("none"))
        for name in names:
            check_output_name(name)
    for path in drv.input_srcs:
        _check_path(store_dir, path)


def _check_path(store_dir: StoreDir, path: str) -> None:
    try:
        parse_store_path(store_dir, path)
    except BadStorePath as error:
        raise BadDerivation(
            expected=tr("paths in one store, `{store_dir}`", store_dir=store_dir), found=ascii(path)
        ) from error


def _check_output(drv: Derivation, name: str, output: Output) -> None:
    check_output_name(name)
    item_name = check_name(output_item_name(drv.name, name))
    if output.path and name_part(StorePath(output.path)) != item_name:
        raise BadDerivation(
            expected=tr("output `{name}` to be called `{item_name}`", name=name, item_name=item_name),
            found=ascii(output.path),
        )
    if not output.hash_algo:
        if output.hash:
            raise BadDerivation(
                expected=tr("an algorithm for the hash of output `{name}`", name=name), found=tr("none")
            )
        return
    if output.hash_algo.removeprefix("r:") not in DIGEST_SIZES:
        raise BadDerivation(
            expected=tr("one of {digest_sizes}, perhaps after `r:`", digest_sizes=", ".join(DIGEST_SIZES)),
            found=ascii(output.hash_algo),
        )
    if bool(output.hash) != bool(output.path):
        raise BadDerivation(
            expected=tr("output `{name}` to have both a path and a hash, or neither", name=name),
            found=tr("one of the two"),
        )
    if not output.hash:
        return
    if list(drv.outputs) != ["out"]:
        raise BadDerivation(
            expected=tr("a fixed output to be the only one, `out`"), found=f"`{'`, `'.join(drv.outputs)}`"
        )
    try:
        canonical = output.fixed_hash().base16()
    except BadHash as error:
        raise BadDerivation(expected=error.expected, found=error.found) from error
    if canonical != output.hash:
        raise BadDerivation(expected=tr("a hash in lower-case base16"), found=ascii(output.hash))
