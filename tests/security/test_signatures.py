"""V29: a signature of a trusted key is believed for what it is over, all of that, and nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from daemon.test_signatures import DATA, NAMESAKE, OTHER, STRANGE, TRUSTED, bring
from daemons import Daemon, running_daemon
from larix.formats.hashes import hash_bytes
from larix.formats.signature import fingerprint, sign
from larix.formats.storepath import StorePath
from security.den import CLIENT, needs_root

pytestmark = pytest.mark.slow

HASH, SIZE = hash_bytes(DATA), len(DATA)


@pytest.fixture(scope="module")
def daemon() -> Iterator[Daemon]:
    needs_root()
    with running_daemon(settings=f'trusted-public-keys = ["{TRUSTED.public}"]\n') as started:
        yield started


def other_messages(path: StorePath, used: StorePath) -> dict[str, bytes]:
    """What a trusted key may once have signed, none of which is this item that refers to `used`."""
    whole = fingerprint(path, HASH, SIZE, (used,)).decode()
    other = StorePath(str(path).replace("tool", "toll"))
    return {
        "nothing": b"",
        "something else": b"I have been here",
        "another path": fingerprint(other, HASH, SIZE, (used,)),
        "another hash": fingerprint(path, hash_bytes(OTHER), SIZE, (used,)),
        "another size": fingerprint(path, HASH, SIZE + 8, (used,)),
        "no references": fingerprint(path, HASH, SIZE, ()),
        "more references": fingerprint(path, HASH, SIZE, (used, path)),
        "a reference twice": f"{whole},{used}".encode(),
        "the path alone": f"1;{path}".encode(),
        "all but references": whole.rpartition(";")[0].encode(),
        "another order": f"1;{HASH};{path};{SIZE};{used}".encode(),
        "more at its end": f"{whole};deriver".encode(),
        "a newline at its end": f"{whole}\n".encode(),
        "another format": f"2{whole[1:]}".encode(),
    }


def test_a_signature_is_over_all_that_is_believed_and_nothing_else(daemon: Daemon) -> None:
    path = StorePath(f"{daemon.layout.store_dir}/{'1' * 32}-tool")
    with daemon.store() as store:
        used = store.add_text("used", b"used")
        record = {"path": str(path), "references": (str(used),)}
        for what, message in other_messages(path, used).items():
            signatures = (sign(TRUSTED, message),)
            assert bring(daemon, CLIENT, DATA, **record, signatures=signatures) == "NotPermitted", what
            assert not store.is_valid(path), what
        true = sign(TRUSTED, fingerprint(path, HASH, SIZE, (used,)))
        address = f"fixed:r:{hash_bytes(OTHER)}"
        said = bring(daemon, CLIENT, DATA, **record, signatures=(true,), content_address=address)
        assert said in {"ArchiveMismatch", "NotPermitted"}, "no signature is over an address"
        assert not store.is_valid(path)
        assert bring(daemon, CLIENT, DATA, **record, signatures=(true,)) == "added"


def test_what_does_not_verify_or_is_of_no_trusted_key_is_refused(daemon: Daemon) -> None:
    path = StorePath(f"{daemon.layout.store_dir}/{'2' * 32}-tool")
    message = fingerprint(path, HASH, SIZE, ())
    true = sign(TRUSTED, message)
    name, _, text = true.partition(":")
    data = base64.b64decode(text)
    damaged = base64.b64encode(bytes([data[0] ^ 1]) + data[1:]).decode()
    with daemon.store() as store:
        for what, signature in {
            "damaged": f"{name}:{damaged}",
            "cut off": f"{name}:{base64.b64encode(data[:-1]).decode()}",
            "longer": f"{name}:{base64.b64encode(data + bytes(1)).decode()}",
            "empty": f"{name}:",
            "without a name": text,
            "under another name": f"mallory:{text}",
            "of an unknown key": sign(STRANGE, message),
            "of another key of that name": sign(NAMESAKE, message),
        }.items():
            assert bring(daemon, CLIENT, DATA, path=str(path), signatures=(signature,)) == "NotPermitted", (
                what
            )
            assert not store.is_valid(path), what
        assert bring(daemon, CLIENT, DATA, path=str(path), signatures=(true,)) == "added"
