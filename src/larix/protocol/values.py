"""The values that requests and replies are made of, each in both directions.

A value that is well framed and yet makes no sense, such as a path outside the store, does not make the
connection useless: the reader notes it (`Reader.refuse`) and goes on to the end of the request. Damage of the
framing itself raises BadWire at once, and nothing that follows can be understood.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Generic, NamedTuple, TypeVar

from larix.derivation.record import Output
from larix.formats.errors import FormatError
from larix.formats.hashes import Hash, parse_hash
from larix.formats.storepath import StorePath, parse_store_path
from larix.formats.wire import MAX_COUNT, Reader, encode_string, encode_strings, encode_u64
from larix.protocol.build import BuildTarget
from larix.protocol.dialect import Dialect
from larix.protocol.store import PathInfo
from larix.words import tr

__all__ = [
    "BOOLEAN",
    "BYTES",
    "DERIVATION",
    "DERIVATION_TEXTS",
    "KEYED_INFO",
    "KEYED_INFOS",
    "MISSING",
    "NUMBER",
    "OPTIONAL_INFO",
    "OPTIONAL_PATH",
    "OUTPUT_MAP",
    "PATH",
    "PATHS",
    "PATHS_WITH_ADDRESSES",
    "RESULT",
    "RESULTS",
    "ROOTS",
    "SETTINGS",
    "SUBSTITUTABLE",
    "SUBSTITUTABLES",
    "TARGETS",
    "TEXT",
    "TEXTS",
    "BareDerivation",
    "Codec",
    "DerivationText",
    "Missing",
    "Outcome",
    "Status",
    "Substitutable",
]

T = TypeVar("T")
U = TypeVar("U")

_MAX_PATH = 1 << 12
_MAX_TEXT = 1 << 26  # a whole text, or a variable of a derivation
_MAX_TEXTS = 1 << 27  # all texts of one request
_NOWHERE = "e" * 32 + "-refused"  # stands for a path that was refused until the request ends


class Codec(Generic[T]):
    """How one kind of value is read and written."""

    __slots__ = ("name", "read", "write")

    def __init__(
        self, name: str, read: Callable[[Reader, Dialect], T], write: Callable[[T, Dialect], bytes]
    ) -> None:
        self.name = name
        self.read = read
        self.write = write

    def __repr__(self) -> str:
        return f"<codec of {self.name}>"


class Missing(NamedTuple):
    """What realising some targets takes; sizes are in bytes."""

    to_build: tuple[StorePath, ...]
    to_substitute: tuple[StorePath, ...] = ()
    unknown: tuple[StorePath, ...] = ()
    download_size: int = 0
    nar_size: int = 0


class Status(IntEnum):
    """How the realisation of a target ended, in Nix's numbers; the first three are success."""

    BUILT = 0
    SUBSTITUTED = 1
    ALREADY_VALID = 2
    PERMANENT_FAILURE = 3
    INPUT_REJECTED = 4
    OUTPUT_REJECTED = 5
    TRANSIENT_FAILURE = 6
    CACHED_FAILURE = 7
    TIMED_OUT = 8
    MISC_FAILURE = 9
    DEPENDENCY_FAILED = 10
    LOG_LIMIT_EXCEEDED = 11
    NOT_DETERMINISTIC = 12
    RESOLVES_TO_ALREADY_VALID = 13
    NO_SUBSTITUTERS = 14


class Outcome(NamedTuple):
    """What became of one target. Times are in seconds since 1970."""

    status: Status
    message: str = ""
    times_built: int = 0
    is_not_deterministic: bool = False
    started: int = 0
    ended: int = 0
    outputs: Mapping[str, str] = {}


class Substitutable(NamedTuple):
    """What a substituter says of a path it has."""

    path: StorePath
    deriver: StorePath | None
    references: tuple[StorePath, ...]
    download_size: int
    nar_size: int


class BareDerivation(NamedTuple):
    """A derivation that comes by itself: without a name, and with items in the place of derivations."""

    outputs: tuple[tuple[str, Output], ...]
    sources: tuple[StorePath, ...]
    system: str
    builder: bytes
    args: tuple[bytes, ...]
    env: tuple[tuple[bytes, bytes], ...]


class DerivationText(NamedTuple):
    """A text to be added: a `.drv`, or a source that is one file. `name` is the item's, `.drv` included.

    `is_archive`: the contents are the archive of a small tree, which is named by its content.
    """

    name: str
    contents: bytes
    references: tuple[StorePath, ...]
    is_archive: bool = False


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _encode(text: str) -> bytes:
    return encode_string(text.encode("utf-8", "surrogateescape"))


def _path(reader: Reader, dialect: Dialect, text: str) -> StorePath:
    try:
        return parse_store_path(dialect.store_dir, text)
    except FormatError as error:
        reader.refuse(error)
        return StorePath(f"{dialect.store_dir}/{_NOWHERE}")


def _read_path(reader: Reader, dialect: Dialect) -> StorePath:
    return _path(reader, dialect, _decode(reader.string(limit=_MAX_PATH)))


def _read_optional_path(reader: Reader, dialect: Dialect) -> StorePath | None:
    text = _decode(reader.string(limit=_MAX_PATH))
    return _path(reader, dialect, text) if text else None


def listed(name: str, item: Codec[T]) -> Codec[tuple[T, ...]]:
    """The codec of a count and so many of `item`."""

    def read(reader: Reader, dialect: Dialect) -> tuple[T, ...]:
        return tuple([item.read(reader, dialect) for _ in range(reader.u64(limit=MAX_COUNT))])

    def write(values: tuple[T, ...], dialect: Dialect) -> bytes:
        return encode_u64(len(values)) + b"".join([item.write(value, dialect) for value in values])

    return Codec(name, read, write)


def paired(name: str, first: Codec[T], second: Codec[U]) -> Codec[tuple[T, U]]:
    """The codec of two values one behind the other."""

    def read(reader: Reader, dialect: Dialect) -> tuple[T, U]:
        return first.read(reader, dialect), second.read(reader, dialect)

    def write(value: tuple[T, U], dialect: Dialect) -> bytes:
        return first.write(value[0], dialect) + second.write(value[1], dialect)

    return Codec(name, read, write)


NUMBER: Codec[int] = Codec("number", lambda reader, _: reader.u64(), lambda value, _: encode_u64(value))
BOOLEAN: Codec[bool] = Codec(
    "boolean", lambda reader, _: reader.boolean(), lambda value, _: encode_u64(int(value))
)
BYTES: Codec[bytes] = Codec(
    "bytes", lambda reader, _: reader.string(limit=_MAX_TEXT), lambda value, _: encode_string(value)
)
TEXT: Codec[str] = Codec("text", lambda reader, _: _decode(reader.string()), lambda value, _: _encode(value))
TEXTS: Codec[tuple[str, ...]] = listed("texts", TEXT)
PATH: Codec[StorePath] = Codec("path", _read_path, lambda value, _: encode_string(value.encode()))
PATHS: Codec[tuple[StorePath, ...]] = Codec(
    "paths",
    lambda reader, dialect: tuple(
        [_path(reader, dialect, _decode(text)) for text in reader.strings(limit=_MAX_PATH)]
    ),
    lambda value, _: encode_strings([path.encode() for path in value]),
)
OPTIONAL_PATH: Codec[StorePath | None] = Codec(
    "path or nothing", _read_optional_path, lambda value, _: encode_string((value or "").encode())
)
SETTINGS: Codec[tuple[tuple[str, str], ...]] = listed("settings", paired("setting", TEXT, TEXT))
ROOTS: Codec[tuple[tuple[str, StorePath], ...]] = listed("roots", paired("root", TEXT, PATH))
OUTPUT_MAP: Codec[tuple[tuple[str, StorePath | None], ...]] = listed(
    "outputs", paired("output", TEXT, OPTIONAL_PATH)
)
PATHS_WITH_ADDRESSES: Codec[tuple[tuple[StorePath, str], ...]] = listed(
    "paths with content addresses", paired("path with its content address", PATH, TEXT)
)


def _read_hash(reader: Reader, _: Dialect) -> Hash:
    text = _decode(reader.string(limit=256))
    try:
        return parse_hash(text, None if ":" in text else "sha256")
    except FormatError as error:
        reader.refuse(error)
        return Hash("sha256", bytes(32))


def _read_info(path: StorePath, reader: Reader, dialect: Dialect) -> PathInfo:
    deriver = _read_optional_path(reader, dialect)
    digest = _read_hash(reader, dialect)
    references = PATHS.read(reader, dialect)
    registered, size = reader.u64(), reader.u64()
    info = PathInfo(path, digest, size, references, deriver, registered)
    if dialect.is_guix or dialect.minor < 16:
        return info
    ultimate = reader.boolean()
    signatures = TEXTS.read(reader, dialect)
    address = TEXT.read(reader, dialect)
    return info._replace(ultimate=ultimate, signatures=signatures, content_address=address or None)


def _write_info(info: PathInfo, dialect: Dialect) -> bytes:
    # The references are a set: Nix writes it sorted.
    parts = [
        OPTIONAL_PATH.write(info.deriver, dialect),
        encode_string(info.nar_hash.base16().encode()),
        PATHS.write(tuple(sorted(info.references)), dialect),
        encode_u64(info.registration_time),
        encode_u64(info.nar_size),
    ]
    if not (dialect.is_guix or dialect.minor < 16):
        parts += [
            encode_u64(int(info.ultimate)),
            TEXTS.write(info.signatures, dialect),
            _encode(info.content_address or ""),
        ]
    return b"".join(parts)


def _read_optional_info(reader: Reader, dialect: Dialect) -> PathInfo | None:
    """A reply does not say whose record it is: the path stays empty for who asked to fill in."""
    nobody = StorePath("")
    if dialect.is_guix or dialect.minor < 17:
        return _read_info(nobody, reader, dialect)
    return _read_info(nobody, reader, dialect) if reader.boolean() else None


def _write_optional_info(info: PathInfo | None, dialect: Dialect) -> bytes:
    if dialect.is_guix or dialect.minor < 17:
        if info is None:
            raise ValueError("older clients know no reply for a path without a record")
        return _write_info(info, dialect)
    return encode_u64(0) if info is None else encode_u64(1) + _write_info(info, dialect)


OPTIONAL_INFO: Codec[PathInfo | None] = Codec("record or nothing", _read_optional_info, _write_optional_info)
KEYED_INFO: Codec[PathInfo] = Codec(
    "path and record",
    lambda reader, dialect: _read_info(_read_path(reader, dialect), reader, dialect),
    lambda info, dialect: encode_string(info.path.encode()) + _write_info(info, dialect),
)

KEYED_INFOS: Codec[tuple[PathInfo, ...]] = listed("paths and records", KEYED_INFO)


def _read_target(reader: Reader, dialect: Dialect) -> BuildTarget:
    """`PATH` or `DRV!OUTPUT,OUTPUT` or `DRV!*`; a derivation alone is built by older clients, and by Guix's.

    What is to be there, however it gets there, has an output with an empty name.
    """
    text, bang, names = _decode(reader.string(limit=_MAX_PATH)).partition("!")
    path = _path(reader, dialect, text)
    if bang:
        return BuildTarget(path, () if names == "*" else tuple(names.split(",")))
    is_built = path.endswith(".drv") and (dialect.is_guix or dialect.minor < 30)
    return BuildTarget(path) if is_built else BuildTarget(path, ("",))


def _write_target(target: BuildTarget, dialect: Dialect) -> bytes:
    if target.outputs == ("",):
        return encode_string(target.drv.encode())
    if not target.outputs and (dialect.is_guix or dialect.minor < 30):
        return encode_string(target.drv.encode())
    return _encode(f"{target.drv}!{','.join(target.outputs) or '*'}")


_TARGET: Codec[BuildTarget] = Codec("target", _read_target, _write_target)
TARGETS: Codec[tuple[BuildTarget, ...]] = listed("targets", _TARGET)


def _read_missing(reader: Reader, dialect: Dialect) -> Missing:
    to_build, to_substitute, unknown = (PATHS.read(reader, dialect) for _ in range(3))
    return Missing(to_build, to_substitute, unknown, reader.u64(), reader.u64())


def _write_missing(missing: Missing, dialect: Dialect) -> bytes:
    paths = b"".join(PATHS.write(tuple(sorted(some)), dialect) for some in missing[:3])
    return paths + encode_u64(missing.download_size) + encode_u64(missing.nar_size)


MISSING: Codec[Missing] = Codec("what is missing", _read_missing, _write_missing)

_REALISATIONS = listed("realisations", paired("realisation", TEXT, TEXT))


def _read_result(reader: Reader, dialect: Dialect) -> Outcome:
    outcome = Outcome(Status(reader.u64(limit=max(Status))), TEXT.read(reader, dialect))
    if dialect.minor >= 29:
        outcome = outcome._replace(
            times_built=reader.u64(),
            is_not_deterministic=reader.boolean(),
            started=reader.u64(),
            ended=reader.u64(),
        )
    if dialect.minor >= 37:
        for _ in range(2):  # processor time of the user and of the system, where it was measured
            if reader.boolean():
                reader.u64()
    if dialect.minor >= 28:
        outcome = outcome._replace(outputs=dict(_REALISATIONS.read(reader, dialect)))
    return outcome


def _write_result(outcome: Outcome, dialect: Dialect) -> bytes:
    parts = [encode_u64(outcome.status), _encode(outcome.message)]
    if dialect.minor >= 29:
        parts += map(
            encode_u64,
            (outcome.times_built, int(outcome.is_not_deterministic), outcome.started, outcome.ended),
        )
    if dialect.minor >= 37:
        parts += [encode_u64(0), encode_u64(0)]
    if dialect.minor >= 28:
        parts.append(_REALISATIONS.write(tuple(outcome.outputs.items()), dialect))
    return b"".join(parts)


RESULT: Codec[Outcome] = Codec("result of a build", _read_result, _write_result)
RESULTS: Codec[tuple[tuple[BuildTarget, Outcome], ...]] = listed(
    "results of builds", paired("target and result", _TARGET, RESULT)
)


def _read_derivation(reader: Reader, dialect: Dialect) -> BareDerivation:
    outputs: list[tuple[str, Output]] = []
    for _ in range(reader.u64(limit=MAX_COUNT)):
        name = TEXT.read(reader, dialect)
        path, algo, digest = (TEXT.read(reader, dialect) for _ in range(3))
        outputs.append((name, Output(path, algo, digest)))
    return BareDerivation(
        tuple(outputs),
        PATHS.read(reader, dialect),
        TEXT.read(reader, dialect),
        BYTES.read(reader, dialect),
        tuple(reader.strings(limit=_MAX_TEXT)),
        _VARIABLES.read(reader, dialect),
    )


def _write_derivation(value: BareDerivation, dialect: Dialect) -> bytes:
    parts = [encode_u64(len(value.outputs))]
    for name, output in value.outputs:
        parts += map(_encode, (name, *output))
    parts += [
        PATHS.write(value.sources, dialect),
        _encode(value.system),
        encode_string(value.builder),
        encode_strings(value.args),
        _VARIABLES.write(value.env, dialect),
    ]
    return b"".join(parts)


_VARIABLES = listed("variables", paired("variable", BYTES, BYTES))
DERIVATION: Codec[BareDerivation] = Codec("derivation", _read_derivation, _write_derivation)


def _read_substitutable(reader: Reader, dialect: Dialect) -> Substitutable:
    return Substitutable(
        _read_path(reader, dialect),
        _read_optional_path(reader, dialect),
        PATHS.read(reader, dialect),
        reader.u64(),
        reader.u64(),
    )


def _write_substitutable(value: Substitutable, dialect: Dialect) -> bytes:
    return PATH.write(value.path, dialect) + _write_offer(value, dialect)


def _write_offer(value: Substitutable, dialect: Dialect) -> bytes:
    return b"".join(
        (
            OPTIONAL_PATH.write(value.deriver, dialect),
            PATHS.write(value.references, dialect),
            encode_u64(value.download_size),
            encode_u64(value.nar_size),
        )
    )


def _read_optional_offer(reader: Reader, dialect: Dialect) -> Substitutable | None:
    if not reader.boolean():
        return None
    deriver, references = _read_optional_path(reader, dialect), PATHS.read(reader, dialect)
    return Substitutable(StorePath(""), deriver, references, reader.u64(), reader.u64())


SUBSTITUTABLES: Codec[tuple[Substitutable, ...]] = listed(
    "what can be substituted", Codec("offer", _read_substitutable, _write_substitutable)
)
SUBSTITUTABLE: Codec[Substitutable | None] = Codec(
    "offer or nothing",
    _read_optional_offer,
    lambda value, dialect: encode_u64(0) if value is None else encode_u64(1) + _write_offer(value, dialect),
)


def _read_derivation_text(reader: Reader, dialect: Dialect) -> DerivationText:
    return DerivationText(
        TEXT.read(reader, dialect),
        BYTES.read(reader, dialect),
        PATHS.read(reader, dialect),
        reader.boolean(),
    )


def _write_derivation_text(value: DerivationText, dialect: Dialect) -> bytes:
    return b"".join(
        (
            _encode(value.name),
            encode_string(value.contents),
            PATHS.write(tuple(value.references), dialect),
            encode_u64(int(value.is_archive)),
        )
    )


def _read_derivation_texts(reader: Reader, dialect: Dialect) -> tuple[DerivationText, ...]:
    """They are held in memory together, so there is a bound for all."""
    found: list[DerivationText] = []
    size = 0
    for _ in range(reader.u64(limit=MAX_COUNT)):
        found.append(_read_derivation_text(reader, dialect))
        size += len(found[-1].contents)
        if size > _MAX_TEXTS:
            raise reader.fail(tr("at most {size} bytes of texts", size=_MAX_TEXTS), f"{size}")
    return tuple(found)


DERIVATION_TEXTS: Codec[tuple[DerivationText, ...]] = Codec(
    "texts with references",
    _read_derivation_texts,
    lambda value, dialect: (
        encode_u64(len(value)) + b"".join([_write_derivation_text(each, dialect) for each in value])
    ),
)
