"""Signatures of upstream, as commands that fetch releases look at them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.options import CommandLine, Option, UsageError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from larix.upstream.signatures import Signed, Verifier
    from larix.upstream.web import Web

__all__ = ["SIGNATURES", "chosen_verifier", "signature_check", "tell_signed", "verified"]

SIGNATURES = (
    Option("keyring", argument="FILE", help="trust the keys in FILE, not those in your configuration"),
    Option("key-download", argument="POLICY", help="fetch missing keys: auto (default), always, never, ..."),
    Option("key-server", argument="URL", help="fetch them from there"),
    Option("gpg", argument="COMMAND", help="verify with COMMAND and not with gpgv or gpg"),
)


def chosen_verifier(line: CommandLine, web: Web) -> Verifier:
    """By the options: `auto` asks whoever sits at a terminal for each key, and else fetches none."""
    from larix.upstream.signatures import POLICIES, Verifier

    policy = line.last("key-download") or "auto"
    if policy not in POLICIES:
        hint = diagnostics.did_you_mean(policy, POLICIES) or tr(
            "there are {known}", known=", ".join(POLICIES)
        )
        raise UsageError(tr("{policy}: unsupported policy of key downloads", policy=policy), hint=hint)
    keyring, server = line.last("keyring"), line.last("key-server")
    if keyring is not None and not os.path.isfile(keyring):
        raise UsageError(tr("'{keyring}': no such keyring", keyring=keyring))
    if server is not None and not server.startswith(("http://", "https://")):
        raise UsageError(
            tr("`{server}' is no key server", server=server),
            hint=tr("write `https://{host}'", host=server.rpartition("/")[2]),
        )
    fetch = {"always": _yes, "never": None, "interactive": _ask, "auto": _ask if _is_attended() else None}
    return Verifier(
        web, keyring=keyring, program=line.last("gpg"), key_server=server, may_fetch=fetch[policy]
    )


def signature_check(verifier: Verifier, what: str) -> Callable[[str, str], object]:
    """What is told the address and the file of `what`, and raises when that is not what was signed."""

    def check(uri: str, file: str) -> None:
        verified(verifier, what, uri, file)

    return check


def verified(verifier: Verifier, what: str, uri: str, file: str) -> bool:
    """Tell who signed a file; false, and a warning, when nobody did or that cannot be found out here.

    Raises what `Verifier.verify` raises of bad signatures and missing keys.
    """
    from larix.upstream.signatures import NoVerifier

    try:
        signed = verifier.verify(uri, file)
    except NoVerifier as error:
        diagnostics.warning(
            tr("{what}: the signature is not verified: {problem}", what=what, problem=error.message)
        )
        return False
    if signed is None:
        diagnostics.warning(
            tr("{what}: upstream offers no signature, so its hash is taken on trust", what=what)
        )
        return False
    tell_signed(what, signed)
    return True


def tell_signed(what: str, signed: Signed) -> None:
    gaps = {"what": what, "signer": signed.signer, "fingerprint": signed.fingerprint}
    diagnostics.note(
        tr("{what} is signed by {signer}, key {fingerprint}, which has expired", **gaps)
        if signed.has_expired
        else tr("{what} is signed by {signer}, key {fingerprint}", **gaps)
    )


def _yes(key: str, server: str) -> bool:
    diagnostics.note(tr("fetching the key {key} from {server}", key=key, server=server))
    return True


def _ask(key: str, server: str) -> bool:
    diagnostics.say(
        tr("Fetch the key {key} from {server} and trust it from now on? [y/N]", key=key, server=server)
    )
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _is_attended() -> bool:
    try:
        return os.isatty(0) and os.isatty(2)
    except OSError:
        return False
