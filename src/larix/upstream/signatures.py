"""Whether what upstream offers is what its authors signed: detached signatures, checked by GnuPG's `gpgv`.

Signatures stand beside the file under its name and an ending. Whose keys are trusted is told by a keyring; a
key that is missing may be fetched from a key server by the fingerprint that the signature gives, and is from
then on in the keyring.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from larix.errors import LarixError
from larix.upstream.openpgp import BadKey, binary_of, fingerprints, is_signature
from larix.upstream.web import DownloadFailed
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.upstream.web import Web

__all__ = [
    "KEY_SERVER",
    "POLICIES",
    "BadSignature",
    "MissingKey",
    "NoVerifier",
    "Signed",
    "Verifier",
    "default_keyring",
]

KEY_SERVER = "https://keyserver.ubuntu.com"
POLICIES = ("auto", "always", "never", "interactive")
_ENDINGS = (".sig", ".asc", ".sign")
_UNSIGNED = ("pypi://",)  # the index dropped what few there were
_OPENERS: dict[str, Callable[[str], gzip.GzipFile | lzma.LZMAFile | bz2.BZ2File]] = {
    ".gz": gzip.GzipFile,
    ".xz": lzma.LZMAFile,
    ".bz2": bz2.BZ2File,
}


class BadSignature(LarixError):
    """A file is not what was signed, or its signature counts for nothing."""


class MissingKey(LarixError):
    """A signature was made by a key that the keyring does not have."""

    def __init__(self, uri: str, key: str, keyring: str) -> None:
        super().__init__(
            tr(
                "{uri} is made by the key {key}, which `{keyring}' does not have",
                uri=uri,
                key=key,
                keyring=keyring,
            ),
            hint=tr("`--key-download=always' fetches keys; `--keyring=FILE' names a keyring that has it"),
        )
        self.key = key
        self.keyring = keyring


class NoVerifier(LarixError):
    """No program that verifies signatures is there."""


class Signed(NamedTuple):
    """A file is signed: by whom, and with which primary key."""

    signer: str
    fingerprint: str
    has_expired: bool = False


def default_keyring() -> str:
    """The user's keyring of upstream's authors."""
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return f"{folder}/larix/upstream/trustedkeys.gpg"


class Verifier:
    """Verifies by `keyring`; `may_fetch`, asked with a fingerprint and a server, decides on missing keys."""

    def __init__(
        self,
        web: Web,
        *,
        keyring: str | None = None,
        program: str | None = None,
        key_server: str | None = None,
        may_fetch: Callable[[str, str], bool] | None = None,
    ) -> None:
        self.keyring = keyring or default_keyring()
        self._web = web
        self._program = program
        self._key_server = (key_server or KEY_SERVER).rstrip("/")
        self._may_fetch = may_fetch

    def verify(self, uri: str, file: str) -> Signed | None:
        """Who signed `file`, which came from `uri`; None when upstream offers no signature.

        Raises BadSignature, MissingKey, NoVerifier; BadKey or DownloadFailed for a key that cannot be had.
        """
        if uri.startswith(_UNSIGNED):
            return None
        with tempfile.TemporaryDirectory(prefix="larix-") as folder:
            found = self._signature(uri, f"{folder}/signature")
            if found is None:
                return None
            place, is_of_contents = found
            if is_of_contents:
                _decompress(file, uri, f"{folder}/contents")
                file = f"{folder}/contents"
            words = [f"{folder}/signature", file]
            try:
                return self._run(place, words, folder)
            except MissingKey as error:
                if self._may_fetch is None or not self._may_fetch(error.key, self._key_server):
                    raise
                self._fetch_key(error.key)
                return self._run(place, words, folder)

    def _signature(self, uri: str, file: str) -> tuple[str, bool] | None:
        """Where the signature was found, and whether it is of what the file holds when unpacked."""
        places = [(uri + ending, False) for ending in _ENDINGS]
        stem, ending = os.path.splitext(uri)
        if uri.startswith("mirror://kernel.org/") and ending in _OPENERS:
            places = [(f"{stem}.sign", True)]
        for place, is_of_contents in places:
            try:
                self._web.download(place, file)
            except DownloadFailed:
                continue
            with open(file, "rb") as stream:
                if is_signature(stream.read()):
                    return place, is_of_contents
        return None

    def _run(self, uri: str, words: Sequence[str], folder: str) -> Signed:
        """What the program says; its own folder is an empty one, so that no other keys count."""
        home = f"{folder}/home"
        os.makedirs(home, mode=0o700, exist_ok=True)
        command = self._command(home)
        keyring = os.path.abspath(self.keyring) if os.path.exists(self.keyring) else f"{home}/none"
        verb = () if _is_gpgv(command[0]) else ("--verify",)
        done = subprocess.run(
            [*command, "--keyring", keyring, *verb, *words],
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C", "GNUPGHOME": home},
        )
        return self._read(uri, done.stdout.decode("utf-8", "replace"), done.stderr)

    def _command(self, home: str) -> list[str]:
        wanted = (self._program,) if self._program else ("gpgv", "gpg")
        found = next((each for each in map(shutil.which, wanted) if each is not None), None)
        if found is None:
            raise NoVerifier(
                tr("`{program}' is no program here", program=self._program)
                if self._program
                else tr("neither `gpgv' nor `gpg' is here")
            )
        command = [found, "--homedir", home, "--status-fd", "1"]
        if not _is_gpgv(found):
            command += ["--batch", "--no-default-keyring", "--no-auto-key-locate", "--trust-model", "always"]
        return command

    def _read(self, uri: str, status: str, said: bytes) -> Signed:
        """A valid signature counts though the key has expired since, but not when it was revoked."""
        rows = [line.split(" ")[1:] for line in status.splitlines() if line.startswith("[GNUPG:] ")]
        signer, missing, has_expired = "", "", False
        for word, *values in rows:
            if word in {"GOODSIG", "EXPKEYSIG", "EXPSIG"}:
                signer = " ".join(values[1:])
                has_expired = word != "GOODSIG"
            elif word == "BADSIG":
                raise BadSignature(tr("{uri} is not a signature of what came: the file was changed", uri=uri))
            elif word == "REVKEYSIG":
                raise BadSignature(tr("{uri} is made by a key that was revoked", uri=uri))
            elif word == "ERRSIG" and values[5:6] == ["9"]:
                missing = values[6] if len(values) > 6 and values[6] != "-" else values[0]
        if signer:
            valid = next((values for word, *values in rows if word == "VALIDSIG"), None)
            if valid is not None:
                return Signed(signer, valid[-1], has_expired)
        if missing:
            raise MissingKey(uri, missing, self.keyring)
        told = said.decode("utf-8", "replace").strip().splitlines()
        raise BadSignature(
            tr("{uri} cannot be verified: {problem}", uri=uri, problem=told[-1] if told else "-")
        )

    def _fetch_key(self, key: str) -> None:
        """Add the key of a fingerprint, or of its end, to the keyring. Raises BadKey and DownloadFailed."""
        uri = f"{self._key_server}/pks/lookup?op=get&options=mr&search=0x{key}"
        data = binary_of(self._web.page(uri).data)
        if not any(each.endswith(key.upper()) for each in fingerprints(data)):
            raise BadKey(tr("{server} gave another key than {key}", server=self._key_server, key=key))
        before = b""
        if os.path.exists(self.keyring):
            with open(self.keyring, "rb") as stream:
                before = stream.read()
            if before[8:12] == b"KBXf":
                hint = tr("`gpg --export' makes one that is plain keys")
                raise BadKey(
                    tr("larix does not write keyrings of the kind of `{keyring}'", keyring=self.keyring),
                    hint=hint,
                )
        os.makedirs(os.path.dirname(os.path.abspath(self.keyring)), exist_ok=True)
        temporary = f"{self.keyring}.{os.getpid()}"
        with open(temporary, "wb") as stream:
            stream.write(before + data)
        os.replace(temporary, self.keyring)


def _is_gpgv(program: str) -> bool:
    return "gpgv" in os.path.basename(program)


def _decompress(file: str, uri: str, to: str) -> None:
    opener = _OPENERS[os.path.splitext(uri)[1]]
    try:
        with opener(file) as packed, open(to, "wb") as stream:
            shutil.copyfileobj(packed, stream)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise BadSignature(
            tr("{uri} cannot be unpacked, which its signature asks for: {error}", uri=uri, error=error)
        ) from error
