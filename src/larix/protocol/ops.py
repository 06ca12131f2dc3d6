"""The operations of the worker protocol, of Nix and of Guix, in one table.

Everything that has to do with an operation is made from its row: how a request and its reply are read and
written, by client and server alike, which handler of the daemon it goes to (that of its name), what the tests
try and the fuzzer damages. An operation that looks different in another version has a form for each; a field
that came later says since when.

What follows the fields of a request is its body:

    FRAMES   the bytes in frames, read while the server already works and tells of it
    ARCHIVE  a bare archive, which ends by itself
    PULLED   bytes for which the server asks, piece by piece

and what follows a reply: an archive, for who asks for one. Descriptions are those of the Nix manual and of
`guix/store.scm`; the numbers are theirs, and larix's own begin at 0x6C00.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from larix.formats.wire import encode_u64
from larix.protocol.dialect import BATCH, Dialect
from larix.protocol.values import (
    BOOLEAN,
    BYTES,
    DERIVATION,
    DERIVATION_TEXTS,
    KEYED_INFO,
    KEYED_INFOS,
    MISSING,
    NUMBER,
    OPTIONAL_INFO,
    OPTIONAL_PATH,
    OUTPUT_MAP,
    PATH,
    PATHS,
    PATHS_WITH_ADDRESSES,
    RESULT,
    RESULTS,
    ROOTS,
    SETTINGS,
    SUBSTITUTABLE,
    SUBSTITUTABLES,
    TARGETS,
    TEXT,
    TEXTS,
    Codec,
)

if TYPE_CHECKING:
    from larix.formats.wire import Reader

__all__ = ["ARCHIVE", "FRAMES", "OPERATIONS", "PULLED", "Field", "Form", "Op", "operation"]

FRAMES, ARCHIVE, PULLED = "frames", "archive", "pulled"


class Field(NamedTuple):
    """An argument; absent in older versions of Nix's protocol than 1.`since`, where it has its `default`."""

    name: str
    codec: Codec[Any]
    since: int = 0
    default: Any = None


class Reply(NamedTuple):
    codec: Codec[Any] | None = None
    archive: bool = False


def _acknowledged(name: str) -> Codec[Any]:
    def read(reader: Reader, _: Dialect) -> None:
        reader.u64(limit=1)

    return Codec(name, read, lambda _value, _dialect: encode_u64(1))


DONE = Reply(_acknowledged("acknowledgement"))
SILENT = Reply()


class Form(NamedTuple):
    """What an operation looks like in Nix's versions from 1.`since` to before 1.`until`, or in Guix's."""

    fields: tuple[Field, ...]
    reply: Reply
    body: str | None = None
    nix: tuple[int, int] | None = (0, 0x60)
    guix: bool = False
    feature: str | None = None

    def is_spoken(self, dialect: Dialect) -> bool:
        if self.feature is not None and self.feature not in dialect.features:
            return False
        if dialect.is_guix:
            return self.guix
        return self.nix is not None and self.nix[0] <= dialect.minor < self.nix[1]

    def read(self, reader: Reader, dialect: Dialect) -> dict[str, Any]:
        """The arguments by name. Raises what was refused of them, once all are read."""
        arguments = {
            field.name: field.codec.read(reader, dialect)
            if dialect.is_guix or dialect.minor >= field.since
            else field.default
            for field in self.fields
        }
        reader.check()
        return arguments

    def write(self, arguments: dict[str, Any], dialect: Dialect) -> bytes:
        return b"".join(
            field.codec.write(arguments[field.name], dialect)
            for field in self.fields
            if dialect.is_guix or dialect.minor >= field.since
        )


class Op(NamedTuple):
    number: int
    name: str
    forms: tuple[Form, ...]

    def form(self, dialect: Dialect) -> Form | None:
        """How it is spoken here, if at all."""
        return next((form for form in self.forms if form.is_spoken(dialect)), None)


def _op(
    number: int,
    name: str,
    fields: tuple[Field, ...] = (),
    reply: Reply = DONE,
    *,
    body: str | None = None,
    nix: tuple[int, int] | None = (0, 0x60),
    guix: bool = True,
    feature: str | None = None,
) -> Op:
    return Op(number, name, (Form(fields, reply, body, nix, guix, feature),))


def _gives(codec: Codec[Any]) -> Reply:
    return Reply(codec)


_PATH = Field("path", PATH)
_PATHS = Field("paths", PATHS)
_MODE = Field("mode", NUMBER, since=15, default=0)

_SETTINGS_OF_NIX = (
    Field("keep_failed", BOOLEAN),
    Field("keep_going", BOOLEAN),
    Field("fallback", BOOLEAN),
    Field("verbosity", NUMBER),
    Field("max_jobs", NUMBER),
    Field("max_silent_time", NUMBER),
    Field("use_build_hook", NUMBER),
    Field("build_verbosity", NUMBER),
    Field("log_type", NUMBER),
    Field("print_build_trace", NUMBER),
    Field("cores", NUMBER),
    Field("use_substitutes", BOOLEAN),
    Field("settings", SETTINGS, since=12, default=()),
)
_NOT_OF_GUIX = {"max_jobs", "max_silent_time", "cores"}

_NAR_OF = (
    _PATH,
    Field("deriver", OPTIONAL_PATH),
    Field("nar_hash", TEXT),
    Field("references", PATHS),
    Field("registration_time", NUMBER),
    Field("nar_size", NUMBER),
    Field("ultimate", BOOLEAN),
    Field("signatures", TEXTS),
    Field("content_address", TEXT),
    Field("repair", BOOLEAN),
    Field("dont_check_signatures", BOOLEAN),
)

_TABLE: tuple[Op, ...] = (
    _op(1, "is_valid_path", (_PATH,), _gives(BOOLEAN)),
    _op(3, "has_substitutes", (_PATH,), _gives(BOOLEAN)),
    _op(4, "query_path_hash", (_PATH,), _gives(TEXT)),
    _op(5, "query_references", (_PATH,), _gives(PATHS)),
    _op(6, "query_referrers", (_PATH,), _gives(PATHS)),
    Op(
        7,
        "add_to_store",
        (
            Form(
                (
                    Field("name", TEXT),
                    Field("method", TEXT),
                    Field("references", PATHS),
                    Field("repair", BOOLEAN),
                ),
                _gives(KEYED_INFO),
                FRAMES,
                nix=(25, 0x60),
            ),
            Form(
                (
                    Field("name", TEXT),
                    Field("is_fixed", BOOLEAN),
                    Field("is_recursive", NUMBER),
                    Field("algorithm", TEXT),
                ),
                _gives(PATH),
                ARCHIVE,
                nix=(0, 25),
                guix=True,
            ),
        ),
    ),
    _op(
        8,
        "add_text_to_store",
        (Field("name", TEXT), Field("contents", BYTES), Field("references", PATHS)),
        _gives(PATH),
    ),
    _op(9, "build_paths", (Field("targets", TARGETS), _MODE)),
    _op(10, "ensure_path", (_PATH,)),
    _op(11, "add_temp_root", (_PATH,)),
    _op(12, "add_indirect_root", (Field("link", TEXT),)),
    _op(13, "sync_with_gc"),
    _op(14, "find_roots", (), _gives(ROOTS)),
    _op(16, "export_path", (_PATH, Field("sign", BOOLEAN)), _gives(NUMBER)),
    _op(18, "query_deriver", (_PATH,), _gives(OPTIONAL_PATH)),
    Op(
        19,
        "set_options",
        (
            Form(_SETTINGS_OF_NIX, SILENT),
            Form(
                tuple(field for field in _SETTINGS_OF_NIX if field.name not in _NOT_OF_GUIX),
                SILENT,
                nix=None,
                guix=True,
            ),
        ),
    ),
    _op(
        20,
        "collect_garbage",
        (
            Field("action", NUMBER),
            _PATHS,
            Field("ignore_liveness", BOOLEAN),
            Field("max_freed", NUMBER),
            *(Field(f"unused_{number}", NUMBER) for number in (1, 2, 3)),
        ),
        _gives(
            Codec(
                "what was collected",
                lambda reader, dialect: (PATHS.read(reader, dialect), reader.u64(), reader.u64())[:2],
                lambda value, dialect: PATHS.write(value[0], dialect) + encode_u64(value[1]) + encode_u64(0),
            )
        ),
    ),
    _op(21, "query_substitutable_path_info", (_PATH,), _gives(SUBSTITUTABLE)),
    _op(22, "query_derivation_outputs", (_PATH,), _gives(PATHS)),
    _op(23, "query_all_valid_paths", (), _gives(PATHS)),
    _op(24, "query_failed_paths", (), _gives(PATHS)),
    _op(25, "clear_failed_paths", (_PATHS,)),
    _op(26, "query_path_info", (_PATH,), _gives(OPTIONAL_INFO)),
    _op(27, "import_paths", (), _gives(PATHS), body=PULLED),
    _op(28, "query_derivation_output_names", (_PATH,), _gives(TEXTS)),
    _op(29, "query_path_from_hash_part", (Field("digits", TEXT),), _gives(OPTIONAL_PATH)),
    Op(
        30,
        "query_substitutable_path_infos",
        (
            Form((Field("wanted", PATHS_WITH_ADDRESSES),), _gives(SUBSTITUTABLES), nix=(22, 0x60)),
            Form((_PATHS,), _gives(SUBSTITUTABLES), nix=(0, 22), guix=True),
        ),
    ),
    Op(
        31,
        "query_valid_paths",
        (
            Form((_PATHS, Field("substitute", BOOLEAN, since=27, default=False)), _gives(PATHS)),
            Form((_PATHS,), _gives(PATHS), nix=None, guix=True),
        ),
    ),
    _op(32, "query_substitutable_paths", (_PATHS,), _gives(PATHS)),
    _op(33, "query_valid_derivers", (_PATH,), _gives(PATHS)),
    _op(34, "optimise_store"),
    _op(35, "verify_store", (Field("check_contents", BOOLEAN), Field("repair", BOOLEAN)), _gives(BOOLEAN)),
    _op(
        36,
        "build_derivation",
        (Field("drv", PATH), Field("derivation", DERIVATION), Field("mode", NUMBER)),
        _gives(RESULT),
        guix=False,
    ),
    _op(37, "add_signatures", (_PATH, Field("signatures", TEXTS)), guix=False),
    _op(38, "nar_from_path", (_PATH,), Reply(archive=True), guix=False),
    Op(
        39,
        "add_to_store_nar",
        (
            Form(_NAR_OF, SILENT, FRAMES, nix=(23, 0x60)),
            Form(_NAR_OF, SILENT, PULLED, nix=(21, 23)),
            Form(_NAR_OF, SILENT, ARCHIVE, nix=(0, 21)),
        ),
    ),
    _op(40, "query_missing", (Field("targets", TARGETS),), _gives(MISSING), guix=False),
    _op(41, "query_derivation_output_map", (_PATH,), _gives(OUTPUT_MAP), guix=False),
    Op(
        42,
        "register_drv_output",
        (
            Form((Field("realisation", TEXT),), SILENT, nix=(31, 0x60)),
            Form((Field("realisation", TEXT), _PATH), SILENT, nix=(0, 31)),
        ),
    ),
    _op(43, "query_realisation", (Field("output", TEXT),), _gives(TEXTS), guix=False),
    _op(
        44,
        "add_multiple_to_store",
        (Field("repair", BOOLEAN), Field("dont_check_signatures", BOOLEAN)),
        SILENT,
        body=FRAMES,
        guix=False,
    ),
    _op(45, "add_build_log", (Field("item", TEXT),), body=FRAMES, guix=False),
    _op(
        46,
        "build_paths_with_results",
        (Field("targets", TARGETS), Field("mode", NUMBER)),
        _gives(RESULTS),
        guix=False,
    ),
    _op(47, "add_perm_root", (_PATH, Field("link", TEXT)), _gives(TEXT), guix=False),
    _op(80, "builtin_builders", (), _gives(TEXTS), nix=None),
    _op(
        0x6C01,
        "query_path_infos",
        (_PATHS, Field("closure", BOOLEAN)),
        _gives(KEYED_INFOS),
        guix=False,
        feature=BATCH,
    ),
    _op(0x6C02, "keep_paths", (_PATHS,), _gives(PATHS), guix=False, feature=BATCH),
    _op(
        0x6C00,
        "add_texts",
        (Field("texts", DERIVATION_TEXTS),),
        _gives(PATHS),
        guix=False,
        feature=BATCH,
    ),
)

OPERATIONS: dict[str, Op] = {op.name: op for op in _TABLE}
_BY_NUMBER = {op.number: op for op in _TABLE}


def operation(number: int) -> Op | None:
    """The operation of a number, spoken in some dialect."""
    return _BY_NUMBER.get(number)
