"""Fetching from servers that break, stall, lie and redirect; and from some that work."""

from __future__ import annotations

import hashlib
import shutil
import socket
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from builder.servers import FtpServer, HttpServer, answer, files, stall
from larix.builder.builtins.transfer import Buffer, Fetcher, Limits, Progress, Target, TransferError

BODY = bytes(range(256)) * 1000
QUICK = Limits(connect=5, stall=0.2, tries=3, connection_tries=2, first_delay=0.01)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.file = folder / "arriving"
        self.slept: list[float] = []
        self.progress: list[Progress] = []
        self._targets: list[Target] = []

    def fetch(
        self, url: str, *, environment: Mapping[str, str] | None = None, context: ssl.SSLContext | None = None
    ) -> bytes:
        fetcher = Fetcher(
            limits=QUICK,
            environment=environment,
            progress=self.progress.append,
            context=context,
            sleep=self.slept.append,
        )
        target = Target(str(self.file), hashlib.sha256)
        try:
            fetcher.fetch(url, target)
        finally:
            target.close()
        data = self.file.read_bytes()
        assert target.hexdigest() == hashlib.sha256(data).hexdigest()
        assert target.size == len(data)
        return data


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_whole_file_comes_with_progress(bench: Bench) -> None:
    with HttpServer(answer(BODY)) as server:
        assert bench.fetch(f"{server.url}/file") == BODY
    assert bench.progress[0].total == len(BODY)
    assert bench.progress[-1].finished
    assert bench.progress[-1].done == len(BODY)
    assert bench.slept == []


def test_broken_transfer_is_resumed_under_its_validator(bench: Bench) -> None:
    tag = 'ETag: "v1"'
    rest = answer(
        BODY[1000:],
        status="206 Partial Content",
        headers=[f"Content-Range: bytes 1000-{len(BODY) - 1}/{len(BODY)}", tag],
    )
    with HttpServer(answer(BODY[:1000], length=len(BODY), headers=[tag]), rest) as server:
        assert bench.fetch(f"{server.url}/file") == BODY
        assert server.requests[1].headers["range"] == "bytes=1000-"
        assert server.requests[1].headers["if-range"] == '"v1"'


def test_file_that_changed_meanwhile_is_taken_anew(bench: Bench) -> None:
    old, new = (
        answer(b"old" * 10, length=1000, headers=['ETag: "v1"']),
        answer(b"new contents", headers=['ETag: "v2"']),
    )
    with HttpServer(old, new) as server:
        assert bench.fetch(f"{server.url}/file") == b"new contents"


@pytest.mark.parametrize("headers", [[], ['ETag: W/"weak"', "Last-Modified: Sat, 01 Jan 2022 00:00:00 GMT"]])
def test_without_a_strong_validator_it_starts_again(bench: Bench, headers: list[str]) -> None:
    with HttpServer(answer(BODY[:1000], length=len(BODY), headers=headers), answer(BODY)) as server:
        assert bench.fetch(f"{server.url}/file") == BODY
        assert "range" not in server.requests[1].headers


def test_date_serves_as_a_validator(bench: Bench) -> None:
    date = "Sat, 01 Jan 2022 00:00:00 GMT"
    first = answer(BODY[:10], length=len(BODY), headers=[f"Last-Modified: {date}"])
    rest = answer(
        BODY[10:],
        status="206 Partial Content",
        headers=[f"Content-Range: bytes 10-{len(BODY) - 1}/{len(BODY)}"],
    )
    with HttpServer(first, rest) as server:
        assert bench.fetch(f"{server.url}/file") == BODY
        assert server.requests[1].headers["if-range"] == date


def test_resumption_at_the_wrong_place_starts_again(bench: Bench) -> None:
    tag = 'ETag: "v1"'
    wrong = answer(
        BODY[500:], status="206 Partial Content", headers=["Content-Range: bytes 500-999/1000", tag]
    )
    with HttpServer(answer(BODY[:1000], length=len(BODY), headers=[tag]), wrong, answer(BODY)) as server:
        assert bench.fetch(f"{server.url}/file") == BODY


def test_range_that_cannot_be_satisfied_starts_again(bench: Bench) -> None:
    tag = 'ETag: "v1"'
    refusal = answer(b"", status="416 Range Not Satisfiable")
    with HttpServer(answer(BODY[:1000], length=len(BODY), headers=[tag]), refusal, answer(BODY)) as server:
        assert bench.fetch(f"{server.url}/file") == BODY


def test_progress_gives_new_tries(bench: Bench) -> None:
    """Each connection brings a little and breaks: more often than the tries allowed without progress."""
    tag, size = 'ETag: "v1"', 60

    def piece(at: int) -> object:
        if at == 0:
            return answer(BODY[:10], length=size, headers=[tag])
        return answer(
            BODY[at : at + 10],
            status="206 Partial Content",
            length=size - at,
            headers=[f"Content-Range: bytes {at}-{size - 1}/{size}", tag],
        )

    with HttpServer(*(piece(at) for at in range(0, size, 10))) as server:  # type: ignore[arg-type]
        assert bench.fetch(f"{server.url}/file") == BODY[:size]
        assert len(server.requests) == 6 > QUICK.tries


def test_busy_server_is_asked_again_when_it_says(bench: Bench) -> None:
    busy = answer(b"", status="503 Service Unavailable", headers=["Retry-After: 7"])
    with HttpServer(busy, answer(BODY)) as server:
        assert bench.fetch(f"{server.url}/file") == BODY
    assert bench.slept == [7.0]


def test_tries_end(bench: Bench) -> None:
    with HttpServer(answer(b"", status="500 Internal Server Error")) as server:
        with pytest.raises(TransferError, match="HTTP 500 Internal Server Error"):
            bench.fetch(f"{server.url}/file")
        assert len(server.requests) == QUICK.tries
    assert len(bench.slept) == QUICK.tries - 1


def test_missing_file_is_not_asked_for_twice(bench: Bench) -> None:
    with HttpServer(answer(b"gone", status="404 Not Found")) as server:
        with pytest.raises(TransferError, match="HTTP 404 Not Found"):
            bench.fetch(f"{server.url}/file")
        assert len(server.requests) == 1


def test_silent_server_is_given_up(bench: Bench) -> None:
    with (
        HttpServer(stall(BODY[:100], len(BODY))) as server,
        pytest.raises(TransferError, match=r"nothing came for 0.2 s"),
    ):
        bench.fetch(f"{server.url}/file")


def test_stall_is_followed_by_another_try(bench: Bench) -> None:
    with HttpServer(stall(BODY[:100], len(BODY)), answer(BODY)) as server:
        assert bench.fetch(f"{server.url}/file") == BODY


def test_unfinished_chunks_are_no_file(bench: Bench) -> None:
    def chunks(connection: socket.socket, _: object) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    with HttpServer(chunks) as server, pytest.raises(TransferError, match="broke off"):
        bench.fetch(f"{server.url}/file")


def test_nobody_listening_is_tried_twice_only(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransferError, match="cannot connect: Connection refused") as caught:
        bench.fetch(f"http://127.0.0.1:{port}/file")
    assert caught.value.connecting
    assert len(bench.slept) == 1


def test_unknown_host_is_told(bench: Bench) -> None:
    with pytest.raises(TransferError, match="cannot be resolved"):
        bench.fetch("http://larix.invalid/file")


def test_redirections_are_followed_and_end(bench: Bench) -> None:
    with HttpServer(answer(BODY)) as second:
        there = answer(b"", status="302 Found", headers=[f"Location: {second.url}/there"])
        with HttpServer(there) as first:
            assert bench.fetch(f"{first.url}/here") == BODY
    with (
        HttpServer(answer(b"", status="301 Moved", headers=["Location: /again"])) as loop,
        pytest.raises(TransferError, match="redirections"),
    ):
        bench.fetch(f"{loop.url}/file")


def test_redirection_to_a_local_file_is_refused(bench: Bench) -> None:
    with (
        HttpServer(answer(b"", status="302 Found", headers=["Location: file:///etc/passwd"])) as server,
        pytest.raises(TransferError, match="not on the web"),
    ):
        bench.fetch(f"{server.url}/file")


def test_credentials_go_to_their_own_host_and_are_not_shown(bench: Bench) -> None:
    with HttpServer(answer(BODY)) as other:
        elsewhere = answer(b"", status="302 Found", headers=[f"Location: {other.url}/file"])
        with HttpServer(elsewhere) as server:
            url = server.url.replace("://", "://user:secret%21@") + "/file?token=hidden"
            assert bench.fetch(url) == BODY
            assert server.requests[0].headers["authorization"] == "Basic dXNlcjpzZWNyZXQh"
        assert "authorization" not in other.requests[0].headers
    assert all("secret" not in each.url and "hidden" not in each.url for each in bench.progress)


def test_proxy_of_the_environment_is_asked_unless_excluded(bench: Bench) -> None:
    with HttpServer(answer(BODY)) as proxy:
        environment = {"http_proxy": proxy.url, "no_proxy": "127.0.0.1, .example.org"}
        assert bench.fetch("http://upstream.example.com/file", environment=environment) == BODY
        assert proxy.requests[0].target == "http://upstream.example.com/file"
        with HttpServer(answer(b"direct")) as direct:
            assert bench.fetch(f"{direct.url}/file", environment=environment) == b"direct"
        assert len(proxy.requests) == 1


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for `localhost`, signed by itself, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl program to make a certificate")
    file = tmp_path / "certificate.pem"
    command = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += [
        "-addext",
        "subjectAltName=DNS:localhost",
        "-keyout",
        str(file),
        "-out",
        str(tmp_path / "public.pem"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    file.write_bytes(file.read_bytes() + (tmp_path / "public.pem").read_bytes())
    return file


def test_untrusted_certificate_stops_before_anything_is_sent(bench: Bench, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HttpServer(answer(BODY), context=context) as server:
        with pytest.raises(TransferError, match="certificate is not to be trusted"):
            bench.fetch(server.url.replace("://", "://user:secret@") + "/file")
        assert server.requests == []
    assert bench.slept == []


def test_trusted_certificate_of_another_host_is_refused(bench: Bench, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate.with_name("public.pem")))
    with HttpServer(answer(BODY), context=context) as server:
        with pytest.raises(TransferError, match="certificate is not to be trusted"):
            bench.fetch(f"{server.url}/file", context=trusting)
        assert bench.fetch(f"https://localhost:{server.port}/file", context=trusting) == BODY


def test_ftp_is_resumed_where_it_broke(bench: Bench) -> None:
    with FtpServer({"pub/file": BODY}, cut_first_at=1000) as server:
        assert bench.fetch(f"ftp://127.0.0.1:{server.port}/pub/file") == BODY
        assert "REST 1000" in server.commands
        assert server.commands[0] == "USER anonymous"


def test_ftp_refusal_is_final(bench: Bench) -> None:
    with FtpServer({}) as server, pytest.raises(TransferError, match="FTP 550"):
        bench.fetch(f"ftp://127.0.0.1:{server.port}/pub/file")
    assert bench.slept == []


def test_ftp_command_cannot_be_smuggled_in(bench: Bench) -> None:
    with FtpServer({}) as server, pytest.raises(TransferError, match="not a valid URL"):
        bench.fetch(f"ftp://127.0.0.1:{server.port}/x%0d%0aDELE%20y")
    assert not any("DELE" in command for command in server.commands)


def test_local_file_is_copied(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "with space").write_bytes(BODY)
    assert bench.fetch(f"file://{tmp_path}/with%20space") == BODY


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("file:///nonexistent/file", "No such file or directory"),
        ("file://elsewhere/file", "another host"),
        ("file:///dev/zero", "not a regular file"),
        ("file:///", "irectory|regular"),
    ],
)
def test_local_file_that_is_none_is_told(bench: Bench, url: str, cause: str) -> None:
    with pytest.raises(TransferError, match=cause):
        bench.fetch(url)


def test_conditional_request_tells_whether_something_is_new(tmp_path: Path) -> None:
    headers = ["Last-Modified: Sat, 01 Jan 2022 00:00:00 GMT"]
    target = Target(str(tmp_path / "index"), hashlib.sha256)
    fetcher = Fetcher(limits=QUICK)
    with HttpServer(answer(BODY, headers=headers), answer(b"", status="304 Not Modified")) as server:
        validators = fetcher.conditional(f"{server.url}/index", {}, target)
        assert validators == {"If-Modified-Since": "Sat, 01 Jan 2022 00:00:00 GMT"}
        assert fetcher.conditional(f"{server.url}/index", validators, target) is None
        assert server.requests[1].headers["if-modified-since"] == "Sat, 01 Jan 2022 00:00:00 GMT"
    target.close()


def test_plain_server_of_files_helper_works(bench: Bench) -> None:
    with HttpServer(files({"/a": b"1"})) as server:
        assert bench.fetch(f"{server.url}/a") == b"1"


def test_page_is_read_into_memory_with_where_it_was_and_what_it_is() -> None:
    with HttpServer(answer(b"<p>", headers=["Content-Type: Text/HTML; charset=utf-8"])) as last:
        moved = answer(b"", status="302 Found", headers=[f"Location: {last.url}/there"])
        with HttpServer(moved) as first:
            told: list[Progress] = []
            fetcher = Fetcher(environment={}, progress=told.append)
            page = fetcher.page(f"{first.url}/here", accept="text/html")
            assert (told[-1].url, told[-1].done, told[-1].finished) == (f"{first.url}/here", 3, True)
        assert first.requests[0].headers["accept"] == "text/html"
    assert page == (f"{last.url}/there", "text/html", b"<p>")


def test_broken_page_is_started_again() -> None:
    body = b"0123456789"
    with HttpServer(answer(body[:4], length=10), answer(body)) as server:
        page = Fetcher(environment={}, sleep=lambda _: None).page(server.url)
    assert page.data == body


def test_page_beyond_all_measure_is_refused() -> None:
    buffer = Buffer(most=10)
    buffer.write(b"0123456789")
    with pytest.raises(TransferError, match="larger than 10 bytes"):
        buffer.write(b"x")
