"""Signatures of real keys, checked by the real program, with servers on loopback."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.servers import HttpServer, answer, files
from larix.builder.builtins.transfer import Limits
from larix.upstream.openpgp import BadKey
from larix.upstream.signatures import BadSignature, MissingKey, NoVerifier, Signed, Verifier
from larix.upstream.web import DownloadFailed, Web
from upstream.signing import Signer, signer

FILE = b"a release\n"
QUICK = Limits(connect=5, stall=5, tries=2, connection_tries=1, first_delay=0.001)


@pytest.fixture(scope="module")
def ada() -> Iterator[Signer]:
    with signer() as made:
        yield made


class Desk:
    """A file, the keyring of the one who checks it, and what the servers have."""

    def __init__(self, folder: Path, keyring: bytes | None) -> None:
        self.file = folder / "file"
        self.file.write_bytes(FILE)
        self.keyring = folder / "config" / "keys.gpg"
        if keyring is not None:
            self.keyring.parent.mkdir()
            self.keyring.write_bytes(keyring)

    def check(self, contents: dict[str, bytes], name: str = "/x.tar.gz", **options: object) -> Signed | None:
        with HttpServer(files(contents)) as server:
            verifier = Verifier(
                Web({}, limits=QUICK),
                keyring=str(self.keyring),
                key_server=server.url,
                **options,  # type: ignore[arg-type]
            )
            return verifier.verify(server.url + name, str(self.file))


@pytest.fixture
def desk(tmp_path: Path, ada: Signer) -> Desk:
    return Desk(tmp_path, ada.key())


@pytest.mark.parametrize("ending", [".sig", ".asc", ".sign"])
@pytest.mark.parametrize("program", ["gpgv", "gpg", None])
def test_good_signature_tells_who_made_it(desk: Desk, ada: Signer, ending: str, program: str | None) -> None:
    options = () if ending == ".sig" else ("--armor",)
    found = desk.check({f"/x.tar.gz{ending}": ada.sign(FILE, *options)}, program=program)
    assert found == Signed("Ada <ada@example.org>", ada.fingerprint)


def test_without_a_signature_nobody_signed(desk: Desk) -> None:
    assert desk.check({}) is None


def test_page_that_says_sorry_is_no_signature(desk: Desk) -> None:
    """Some servers answer everything, and with status 200."""
    assert desk.check({f"/x.tar.gz{each}": b"<html>not found" for each in (".sig", ".asc", ".sign")}) is None


def test_changed_file_is_refused(desk: Desk, ada: Signer) -> None:
    with pytest.raises(BadSignature, match="is not a signature of what came: the file was changed"):
        desk.check({"/x.tar.gz.sig": ada.sign(FILE + b"!")})


def test_damaged_signature_is_refused(desk: Desk, ada: Signer) -> None:
    signature = bytearray(ada.sign(FILE))
    signature[-1] ^= 1
    with pytest.raises(BadSignature):
        desk.check({"/x.tar.gz.sig": bytes(signature)})
    with pytest.raises(BadSignature):
        desk.check({"/x.tar.gz.sig": ada.sign(FILE)[:-1] + b"\n"})


def test_key_that_has_expired_since_is_good_with_a_remark(tmp_path: Path) -> None:
    """Releases are older than what their keys were made for."""
    with signer(long_ago=True) as made:
        desk = Desk(tmp_path, made.key())
        found = desk.check({"/x.tar.gz.sig": made.sign(FILE)})
        assert found == Signed("Ada <ada@example.org>", made.fingerprint, has_expired=True)
        with pytest.raises(BadSignature):
            desk.check({"/x.tar.gz.sig": made.sign(FILE + b"!")})


def test_key_that_is_missing_is_named_and_not_fetched(tmp_path: Path, ada: Signer) -> None:
    contents = {"/x.tar.gz.sig": ada.sign(FILE), lookup(ada): ada.key("--armor")}
    with pytest.raises(MissingKey, match=ada.fingerprint) as caught:
        Desk(tmp_path, None).check(contents)
    assert caught.value.hint is not None
    assert not (tmp_path / "config").exists()


def lookup(ada: Signer) -> str:
    return f"/pks/lookup?op=get&options=mr&search=0x{ada.fingerprint}"


@pytest.mark.parametrize("options", [(), ("--armor",)])
def test_missing_key_is_fetched_by_its_fingerprint_and_kept(
    tmp_path: Path, ada: Signer, options: tuple[str, ...]
) -> None:
    desk = Desk(tmp_path, None)
    asked: list[str] = []

    def may_fetch(key: str, server: str) -> bool:
        asked.append(key)
        return server.startswith("http://127.0.0.1")

    contents = {"/x.tar.gz.sig": ada.sign(FILE), lookup(ada): ada.key(*options)}
    expected = Signed("Ada <ada@example.org>", ada.fingerprint)
    assert desk.check(contents, may_fetch=may_fetch) == expected
    assert desk.keyring.read_bytes() == ada.key()
    del contents[lookup(ada)]
    assert desk.check(contents, may_fetch=may_fetch) == expected
    assert asked == [ada.fingerprint]


def test_other_keys_of_the_keyring_stay(tmp_path: Path, ada: Signer) -> None:
    with signer() as other:
        desk = Desk(tmp_path, other.key())
        contents = {"/x.tar.gz.sig": ada.sign(FILE), lookup(ada): ada.key()}
        assert desk.check(contents, may_fetch=lambda *_: True) is not None
        assert desk.keyring.read_bytes() == other.key() + ada.key()
        assert desk.check({"/x.tar.gz.sig": other.sign(FILE)}) is not None


def test_key_server_that_gives_another_key_is_not_believed(tmp_path: Path, ada: Signer) -> None:
    with signer() as other:
        contents = {"/x.tar.gz.sig": ada.sign(FILE), lookup(ada): other.key()}
    with pytest.raises(BadKey, match="gave another key than"):
        Desk(tmp_path, None).check(contents, may_fetch=lambda *_: True)
    with pytest.raises(BadKey, match="is not OpenPGP"):
        Desk(tmp_path, None).check({**contents, lookup(ada): b"No results"}, may_fetch=lambda *_: True)
    with pytest.raises(DownloadFailed):
        Desk(tmp_path, None).check({"/x.tar.gz.sig": ada.sign(FILE)}, may_fetch=lambda *_: True)


def test_revoked_key_counts_for_nothing(tmp_path: Path) -> None:
    with signer() as made:
        signature = made.sign(FILE)
        made.revoke()
        with pytest.raises(BadSignature, match="revoked"):
            Desk(tmp_path, made.key()).check({"/x.tar.gz.sig": signature})


def test_without_a_program_nothing_is_verified(
    desk: Desk, ada: Signer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    contents = {"/x.tar.gz.sig": ada.sign(FILE)}
    with pytest.raises(NoVerifier, match="`no-such-gpg' is no program here"):
        desk.check(contents, program="no-such-gpg")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoVerifier, match="neither `gpgv' nor `gpg' is here"):
        desk.check(contents)


def test_archive_of_the_kernel_is_signed_unpacked(tmp_path: Path, ada: Signer, desk: Desk) -> None:
    desk.file.write_bytes(gzip.compress(FILE))
    with HttpServer(answer(ada.sign(FILE))) as server:
        web = Web({}, limits=QUICK)
        asked: list[str] = []

        def download(uri: str, file: str, algorithm: str = "sha256"):
            asked.append(uri)
            return Web.download(web, f"{server.url}/x", file, algorithm)

        web.download = download  # type: ignore[method-assign]
        found = Verifier(web, keyring=str(desk.keyring)).verify(
            "mirror://kernel.org/linux/x.tar.gz", str(desk.file)
        )
    assert asked == ["mirror://kernel.org/linux/x.tar.sign"]
    assert found == Signed("Ada <ada@example.org>", ada.fingerprint)


def test_keys_of_the_user_do_not_count(tmp_path: Path, ada: Signer, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    (home / "trustedkeys.gpg").write_bytes(ada.key())
    shutil.copy(home / "trustedkeys.gpg", home / "pubring.gpg")
    monkeypatch.setenv("GNUPGHOME", str(home))
    for program in ("gpg", "gpgv"):
        with pytest.raises(MissingKey):
            Desk(tmp_path, None).check({"/x.tar.gz.sig": ada.sign(FILE)}, program=program)
