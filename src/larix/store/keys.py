"""Keys of this machine, in its configuration directory: what it signs with, and whom it believes.

    signing-key.pub  0444     signing-key.sec  0400     acl  0644, the keys whose imports are taken

An import is believed for its signature alone, whoever brings it. Without an access list nobody's is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from larix.errors import LarixError
from larix.formats.authentication import (
    BadSignature,
    Key,
    KeyPair,
    new_key_pair,
    parse_acl,
    parse_pair,
    print_acl,
)
from larix.store.atomic import write_file
from larix.store.errors import os_failure
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "KeyPairExists",
    "NoKey",
    "authorise",
    "authorised_keys",
    "configuration_dir",
    "make_pair",
    "own_pair",
]

_PUBLIC, _SECRET, _ACL = "signing-key.pub", "signing-key.sec", "acl"


class NoKey(LarixError):
    """There is nothing to sign with."""


class KeyPairExists(LarixError):
    """Keys are never overwritten: others may have authorised them."""


def configuration_dir(environ: Mapping[str, str] | None = None) -> str:
    variables = os.environ if environ is None else environ
    return variables.get("LARIX_CONFIGURATION_DIRECTORY") or "/etc/larix"


def _read(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read()


def own_pair(directory: str) -> KeyPair:
    """What this machine signs with. Raises NoKey, or BadSignature for a file that holds no key."""
    file = f"{directory}/{_SECRET}"
    try:
        return parse_pair(_read(file))
    except FileNotFoundError as error:
        raise NoKey(
            tr("there is no key to sign with: `{file}` is missing", file=file),
            hint=tr("make one with `larix archive --generate-key`"),
        ) from error
    except OSError as error:
        raise NoKey(
            tr("cannot read the key `{file}`: {strerror}", file=file, strerror=error.strerror),
            hint=tr("only who owns it signs; export through the daemon"),
        ) from error


def make_pair(directory: str) -> KeyPair:
    """Make a pair of keys; the secret file comes last, so that there never is one without the other."""
    public, secret = f"{directory}/{_PUBLIC}", f"{directory}/{_SECRET}"
    for file in (public, secret):
        if os.path.lexists(file):
            raise KeyPairExists(tr("key pair exists under '{file}'; remove it first", file=file))
    pair = new_key_pair(os.urandom)
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise os_failure(tr("create"), directory, error) from error
    for file, contents, mode in ((public, bytes(pair.public), 0o444), (secret, bytes(pair), 0o400)):
        write_file(file, contents, mode=mode)
        os.chmod(file, mode)  # whatever the umask
    return pair


def authorised_keys(directory: str) -> tuple[Key, ...]:
    """Whose imports are taken. Raises BadSignature for a damaged list."""
    file = f"{directory}/{_ACL}"
    try:
        return parse_acl(_read(file))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise os_failure(tr("read"), file, error) from error
    except BadSignature as error:
        raise BadSignature(
            subject=f"`{file}`", expected=error.expected, found=error.found, hint=tr("repair or remove it")
        ) from error


def authorise(directory: str, key: Key) -> bool:
    """Take imports that `key` has signed from now on; false if they were already."""
    keys = authorised_keys(directory)
    if key in keys:
        return False
    try:
        os.makedirs(directory, exist_ok=True)
    except OSError as error:
        raise os_failure(tr("create"), directory, error) from error
    write_file(f"{directory}/{_ACL}", print_acl([*keys, key]))
    return True
