"""What a stranger may bring with a signature by a trusted key: what it covers, and not a field more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.test_session import as_stranger
from daemons import Daemon, running_daemon
from larix.formats.hashes import hash_bytes
from larix.formats.nar import File, encode_tree
from larix.formats.signature import SecretKey, fingerprint, sign
from larix.formats.storepath import StorePath

pytestmark = pytest.mark.slow

DATA = encode_tree(File(b"content"))
OTHER = encode_tree(File(b"evil!!!"))


def secret(name: str, seed: int) -> SecretKey:
    from nacl.signing import SigningKey

    key = SigningKey(bytes([seed]) * 32)
    return SecretKey(name, bytes(key) + bytes(key.verify_key))


TRUSTED, STRANGE, NAMESAKE = secret("farm", 1), secret("mallory", 2), secret("farm", 3)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with running_daemon(settings=f'trusted-public-keys = ["{TRUSTED.public}"]\n') as started:
        yield started


def bring(daemon: Daemon, stranger: int, data: bytes, **record: object) -> str:
    """What became of it, as a stranger is told."""
    done = as_stranger(
        daemon,
        stranger,
        "from larix.formats.hashes import hash_bytes, parse_hash\n"
        "from larix.formats.storepath import StorePath\n"
        "from larix.protocol.eventtext import RemoteError\n"
        f"data, record = {data!r}, {record!r}\n"
        "info = PathInfo(StorePath(record['path']), hash_bytes(data), len(data))\n"
        "try:\n"
        "    store.add_nar(info._replace(**record), [data])\n"
        "    print('added')\n"
        "except RemoteError as error:\n"
        "    print(error.kind)\n"
        "assert store.is_valid(store.add_text('still', b'usable'))\n",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def path(daemon: Daemon) -> StorePath:
    return StorePath(f"{daemon.layout.store_dir}/{'1' * 32}-tool")


def signed(
    key: SecretKey, path: StorePath, data: bytes = DATA, references: tuple[StorePath, ...] = ()
) -> str:
    return sign(key, fingerprint(path, hash_bytes(data), len(data), references))


def test_what_is_signed_comes_in_without_what_is_not(daemon: Daemon, stranger: int, path: StorePath) -> None:
    with daemon.store() as store:
        drv = store.add_text("some.txt", b"not its deriver")
        record = {
            "path": str(path),
            "deriver": str(drv),
            "ultimate": True,
            "registration_time": 77,
            "signatures": ("junk", signed(STRANGE, path), signed(TRUSTED, path)),
        }
        assert bring(daemon, stranger, DATA, **record) == "added"
        info = store.path_info(path)
        assert info.signatures == (signed(TRUSTED, path),)
        assert (info.deriver, info.ultimate) == (None, False)
        assert info.registration_time > 77
        assert Path(path).read_bytes() == b"content"


@pytest.mark.parametrize(
    "kind", ["none", "of a stranger", "of a namesake", "of another path", "of other content"]
)
def test_no_other_signature_is_one(daemon: Daemon, stranger: int, path: StorePath, kind: str) -> None:
    other = StorePath(str(path).replace("tool", "toll"))
    signatures = {
        "none": (),
        "of a stranger": (signed(STRANGE, path),),
        "of a namesake": (signed(NAMESAKE, path),),
        "of another path": (signed(TRUSTED, other),),
        "of other content": (signed(TRUSTED, path, OTHER),),
    }[kind]
    assert bring(daemon, stranger, DATA, path=str(path), signatures=signatures) == "NotPermitted"
    with daemon.store() as store:
        assert not store.is_valid(path)


def test_references_are_signed(daemon: Daemon, stranger: int, path: StorePath) -> None:
    with daemon.store() as store:
        used = store.add_text("used", b"used")
        record = {"path": str(path), "signatures": (signed(TRUSTED, path),), "references": (str(used),)}
        assert bring(daemon, stranger, DATA, **record) == "NotPermitted"
        record["signatures"] = (signed(TRUSTED, path, references=(used,)),)
        assert bring(daemon, stranger, DATA, **record) == "added"
        assert store.references(path) == {used}


def test_a_signature_is_for_the_bytes_that_come(daemon: Daemon, stranger: int, path: StorePath) -> None:
    """A true record, a true signature, and another archive."""
    done = as_stranger(
        daemon,
        stranger,
        "from larix.formats.hashes import hash_bytes\n"
        "from larix.protocol.eventtext import RemoteError\n"
        f"info = PathInfo({str(path)!r}, hash_bytes({DATA!r}), {len(DATA)},"
        f" signatures=({signed(TRUSTED, path)!r},))\n"
        "try:\n"
        f"    store.add_nar(info, [{OTHER!r}])\n"
        "except RemoteError as error:\n"
        "    print(error.kind)\n",
    )
    assert (done.returncode, done.stdout) == (0, "ArchiveMismatch\n"), done.stderr
    with daemon.store() as store:
        assert not store.is_valid(path)


def test_signatures_of_what_is_there_are_kept_only_if_they_are_true(
    daemon: Daemon, stranger: int, path: StorePath
) -> None:
    """The archive is named by its content, so it may come; a signature over another record says nothing."""
    with daemon.store() as store:
        text = store.add_text("text", b"content")
        address = store.path_info(text).content_address
        script = (
            "from larix.formats.hashes import hash_bytes\n"
            f"signatures = ('junk:AAAA', {signed(TRUSTED, text, OTHER)!r})\n"
            f"info = PathInfo({str(text)!r}, hash_bytes({OTHER!r}), {len(OTHER)})\n"
            "connection.call('add_to_store_nar', path=info.path, deriver=None,"
            " nar_hash=info.nar_hash.base16(), references=(), registration_time=0, nar_size=info.nar_size,"
            f" ultimate=False, signatures=signatures, content_address={address!r}, repair=False,"
            f" dont_check_signatures=True, body=[{OTHER!r}])\n"
        )
        done = as_stranger(daemon, stranger, script)
        assert done.returncode == 0, done.stderr
        assert store.path_info(text).signatures == ()


@pytest.mark.parametrize("text", ["farm", "farm:AAAA", "/nowhere/keys"])
def test_a_key_that_is_none_stops_the_daemon(tmp_path: Path, text: str) -> None:
    from larix.daemon.settings import BadSettings, read_settings

    file = tmp_path / "daemon.toml"
    file.write_text(f'trusted-public-keys = ["{text}"]\n')
    with pytest.raises(BadSettings):
        read_settings(str(file))
