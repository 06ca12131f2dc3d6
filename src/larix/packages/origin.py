"""Origins: where a source comes from, what it must hash to, and how it is changed before it is built.

An origin lowers to a download whose result is fixed by its hash. With patches or a snippet, a second
derivation unpacks that, changes it and packs it again, the same way every time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from larix.buildside.failure import show_failure
from larix.buildside.files import mkdir_p
from larix.buildside.pack import pack_tar_xz
from larix.buildside.patching import apply_patch
from larix.buildside.unpack import source_directory, unpack
from larix.derivation import FixedOutput, Lowered, derivation
from larix.formats.hashes import Hash, parse_hash
from larix.formats.storepath import check_name
from larix.packages.blame import did_you_mean
from larix.packages.kinds import optional, sequence_of, text, truth
from larix.packages.record import BadRecord, Field, Record, Unfit, field
from larix.packages.toolchain import toolchain
from larix.protocol.uris import MIRRORS, SCHEMES
from larix.staging.expr import build_expression_to_derivation
from larix.staging.files import StoreFile, local_file
from larix.staging.lower import Item, Lowerable, Lowering, is_lowerable
from larix.words import mark, tr

__all__ = ["Origin"]

ARCHIVE_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".lz", ".Z", ".tgz", ".tbz", ".txz", ".tar", ".zip")


def _uris(value: Any) -> tuple[str, ...]:
    uris = (value,) if isinstance(value, str) else sequence_of(text, mark("URIs"))(value)
    if not uris:
        raise Unfit(tr("a URI or several"))
    for uri in uris:
        if "://" not in uri or any(character.isspace() for character in uri) or not uri.isascii():
            raise Unfit(tr("a URI such as `mirror://gnu/hello/hello-2.10.tar.gz`"), repr(uri))
        _check_place(uri)
    return uris


def _check_place(uri: str) -> None:
    """Refuse schemes and mirror lists that nobody knows, which else the build would tell."""
    scheme, _, rest = uri.partition("://")
    if scheme.lower() not in SCHEMES:
        hint = did_you_mean(scheme, SCHEMES) or tr("there are: {names}", names=", ".join(SCHEMES))
        raise Unfit(tr("a URI with a scheme that larix can fetch"), repr(uri), hint=hint)
    name = rest.partition("/")[0]
    if scheme == "mirror" and name not in MIRRORS:
        hint = did_you_mean(name, MIRRORS) or tr("there are: {names}", names=", ".join(sorted(MIRRORS)))
        raise Unfit(tr("a mirror list that larix knows"), f"`{name}`", hint=hint)


def _sha256(value: Any) -> Hash:
    if isinstance(value, Hash):
        return value
    if isinstance(value, bytes):
        return Hash("sha256", value)
    return parse_hash(text(value), "sha256")


def _any_hash(value: Any) -> Hash:
    return value if isinstance(value, Hash) else parse_hash(text(value))


def _patch(value: Any) -> Any:
    if not (is_lowerable(value) or isinstance(value, (str, Path))):
        raise Unfit(tr("patches: file names relative to the package file, or files that can be built"))
    return value


def _snippet(value: Any) -> Any:
    if not callable(value):
        raise Unfit(tr("a function that runs in the build"))
    return value


def _file_name(value: Any) -> str:
    return check_name(text(value))


class Origin(Record, StoreFile):
    """`uri` is one address or several, tried in order: `https`, `http`, `ftp`, `file` and `mirror://NAME/…`.

    The hash is `sha256`, in any spelling, or `hash` with its algorithm; it is of the file, or with
    `recursive` or `executable` of its NAR. `patches` are applied with `-p1`; `snippet`, a function of no
    argument, then runs in the unpacked source.
    """

    noun = mark("an origin")

    uri: Field[str | Sequence[str], tuple[str, ...]] = field(_uris)
    sha256: Field[str | bytes | Hash | None, Hash | None] = field(optional(_sha256), default=None)
    hash: Field[str | Hash | None, Hash | None] = field(optional(_any_hash), default=None)
    file_name: Field[str | None, str | None] = field(optional(_file_name), default=None)
    patches: Field[Sequence[Lowerable | str | Path], tuple[Lowerable | str | Path, ...]] = field(
        sequence_of(_patch, mark("patches")), default=()
    )
    patch_flags: Field[Sequence[str], tuple[str, ...]] = field(
        sequence_of(text, mark("flags")), default=("-p1",)
    )
    snippet: Field[Callable[[], None] | None, Callable[[], None] | None] = field(
        optional(_snippet), default=None, late=False
    )
    recursive: Field[bool, bool] = field(truth, default=False)
    executable: Field[bool, bool] = field(truth, default=False)
    unpack: Field[bool, bool] = field(truth, default=False)

    def _check(self) -> None:
        given = [name for name in ("sha256", "hash") if self.raw_fields.get(name) is not None]
        if len(given) != 1:
            raise BadRecord(
                tr("an origin needs one hash, `sha256` or `hash`"),
                place=self.location,
                hint=tr('`larix download URI` prints it; `sha256="0"*52` makes the build tell it'),
            )

    def __repr__(self) -> str:
        return f"<origin {self.raw_fields.get('uri')} {self.location}>"

    @property
    def name(self) -> str:
        """The name of the file in the store: `file_name`, or the end of the first URI."""
        if self.file_name is not None:
            return self.file_name
        parts = urlsplit(self.uri[0])
        base = unquote(parts.path).rstrip("/").rsplit("/", 1)[-1]
        try:
            return check_name(base.lstrip("."))
        except Exception as error:
            raise BadRecord(
                tr("`{uri}` ends in no name for a store file", uri=self.uri[0]),
                place=self.location,
                hint=tr("give `file_name`"),
            ) from error

    @property
    def expected(self) -> FixedOutput:
        """What the download must hash to."""
        known = self.sha256 or self.hash
        if known is None:
            raise BadRecord(tr("an origin needs one hash, `sha256` or `hash`"), place=self.location)
        return FixedOutput(known, recursive=self.recursive or self.executable or self.unpack)

    def __lower__(self, lowering: Lowering) -> Item:
        lowering = lowering.variant(target=None)
        download = self.download(lowering)
        if not self.patches and self.snippet is None:
            return Item(download.output_path(), download, "out")
        changed = self._changed(download, lowering)
        return Item(changed.output_path(), changed, "out")

    def download(self, lowering: Lowering) -> Lowered:
        """The derivation of the bytes as they are upstream."""
        environment = {"url": " ".join(self.uri)}
        if self.executable:
            environment["executable"] = "1"
        if self.unpack:
            environment["unpack"] = "1"
        return derivation(
            self.name,
            store_dir=lowering.store_dir,
            system=lowering.system,
            builder="builtin:download",
            env=environment,
            fixed=self.expected,
        )

    def _changed(self, download: Lowered, lowering: Lowering) -> Lowered:
        tools = toolchain()
        roots = tuple([each.value for each in tools.inputs])
        # In the build these are paths, which is what type checkers are told.
        archive = cast("Path", download)
        patches = tuple([cast("Path", self._patch_file(each)) for each in self.patches])
        top = _stem(self.name)
        flags, snippet = self.patch_flags, self.snippet
        environment = {"SOURCE_DATE_EPOCH": "1", "LC_ALL": "C", "TZ": "UTC0"}

        def patch_and_pack(output: Path) -> None:
            sys.excepthook = show_failure
            os.environ.update(environment)
            os.environ["PATH"] = ":".join([f"{root}/bin" for root in roots])
            unpack(archive, mkdir_p("source"))
            os.chdir(source_directory("source"))
            for patch in patches:
                apply_patch(patch, *flags)
            if snippet is not None:
                snippet()
            pack_tar_xz(".", output, top=top)

        return build_expression_to_derivation(
            f"{top}.tar.xz", patch_and_pack, lowering=lowering, python=tools.python
        )

    def check_patches(self) -> None:
        """Raise `BadRecord` for a patch that is not there."""
        for each in self.patches:
            self._patch_file(each)

    def _patch_file(self, patch: Lowerable | str | Path) -> Lowerable:
        if not isinstance(patch, (str, Path)):
            return patch
        directory = os.path.dirname(os.path.abspath(self.location.file))
        file = os.path.join(directory, patch)
        if not os.path.isfile(file):
            raise BadRecord(
                tr("patch `{patch}` does not exist", patch=patch),
                place=self.location,
                hint=tr("file names of patches are relative to `{directory}`", directory=directory),
            )
        return local_file(file)


def _stem(name: str) -> str:
    """`hello-2.10` of `hello-2.10.tar.gz`."""
    while name.endswith(ARCHIVE_ENDINGS):
        name = name.rpartition(".")[0]
    return name
