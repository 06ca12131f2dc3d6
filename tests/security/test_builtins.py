"""V10, V11, V19: builtin builders, whose derivations come from whoever likes."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.servers import HttpServer, answer
from larix.builder.builtins.transfer import Buffer, Fetcher, Limits, TransferError
from larix.builder.sandbox import syscalls as sys_
from larix.derivation import Lowered, derivation
from security.den import SYSTEM, Den, FixedOutput, as_user, needs_root

pytestmark = pytest.mark.slow


def builtin(den: Den, builder: str, fixed: FixedOutput | None = None, **env: str) -> Lowered:
    return derivation(
        "made", store_dir=den.store_dir, system=SYSTEM, builder=f"builtin:{builder}", env=env, fixed=fixed
    )


def profile_of(den: Den, entries: str) -> Lowered:
    return builtin(den, "profile", entries=entries, manifest="{}", searchPaths="[]")


@pytest.fixture
def bait(den: Den) -> Path:
    """A file of the host's that everybody may read, in a folder of its own."""
    folder = den.folder / "bait"
    (folder / "etc/ssl/certs").mkdir(parents=True)
    (folder / "secret").write_text("of the host")
    (folder / "etc/ssl/certs/some.pem").write_text("-----BEGIN CERTIFICATE-----\nof the host\n")
    return folder


@pytest.mark.parametrize("kind", ["profile", "buildenv", "unpack-debs", "pack"])
def test_builtins_see_nothing_of_the_host(den: Den, bait: Path, kind: str) -> None:
    """V11: they make trees of store items, and a derivation may say of which."""
    lowered = {
        "profile": profile_of(den, str(bait)),
        "buildenv": builtin(den, "buildenv", derivations=f"true 5 1 {bait}"),
        "unpack-debs": builtin(den, "unpack-debs", debs=f"{bait}/secret"),
        "pack": builtin(den, "pack", pack="{}", exportReferencesGraph=f"graph {bait}"),
    }[kind]
    told = den.build(lowered)
    assert told.error
    assert "Traceback" not in den.daemon.log()
    assert not told.outputs
    if kind != "pack":
        assert "is not among the derivation's inputs" in told.error


PLACES = ["http://{}:{}/latest/keys", "https://{}:{}/latest/keys", "ftp://{}:{}/latest/keys"]


@pytest.mark.parametrize("url", [*PLACES, "http://redirected/"])
@pytest.mark.parametrize("address", ["169.254.1.1", "[::ffff:169.254.1.1]"])
def test_nothing_is_asked_of_link_local_addresses(url: str, address: str) -> None:
    """V11: a cloud tells its machines their keys there. On a network of its own, whose loopback has one."""
    needs_root()
    told = in_a_network(["169.254.1.1/32"], lambda: fetch_from(url, address))
    assert told["cause"] == "its address is for this link alone: nothing is fetched from there"
    assert told["heard"] == ""
    assert told["fetched before"] == "own"


def in_a_network(addresses: list[str], action: Callable[[], dict[str, str]]) -> dict[str, str]:
    if shutil.which("ip") is None:
        pytest.skip("no program ip (Debian: iproute2)")

    def enter() -> dict[str, str]:
        sys_.unshare(sys_.CLONE_NEWNET, "network namespace")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for each in addresses:
            subprocess.run(["ip", "address", "add", each, "dev", "lo"], check=True)
        return action()

    found: dict[str, str] = as_user(0, enter)
    return found


def fetch_from(url: str, address: str) -> dict[str, str]:
    """What a server on `address` hears when `url` is fetched, and what becomes of that."""
    fetcher = Fetcher(limits=Limits(connect=5, stall=5, tries=1, connection_tries=1))
    with HttpServer(answer(b"own")) as own:
        before = fetcher.page(own.url).data.decode()
    listener = socket.create_server(("169.254.1.1", 0))
    port = listener.getsockname()[1]
    heard = bytearray()

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                while data := connection.recv(4096):
                    heard.extend(data)

    thread = threading.Thread(target=listen)
    thread.start()
    cause = ""
    try:
        if url == "http://redirected/":
            to = PLACES[0].format(address, port)
            with HttpServer(answer(b"", status="302 Found", headers=[f"Location: {to}"])) as leading:
                fetcher.page(leading.url)
        else:
            fetcher.fetch(url.format(address, port), Buffer())
    except TransferError as error:
        cause = error.cause
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
    return {"cause": cause, "heard": heard.decode("latin-1"), "fetched before": before}
