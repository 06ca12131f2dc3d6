"""`builtin:download` as a derivation: in a fork, under the build user, checked and registered."""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import socket
import tarfile
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from builder.conftest import SYSTEM
from builder.servers import HttpServer, answer, files
from larix.builder import realise
from larix.builder.errors import BuiltinFailed, HashMismatch
from larix.builder.policy import Policy
from larix.derivation import FixedOutput, Lowered, derivation
from larix.formats.hashes import Hash, parse_hash
from larix.formats.nar import Directory, File, encode_tree
from larix.protocol import BuildLog, BuildOptions, BuildTarget, DownloadFinished, DownloadStarted, Event
from larix.store import LocalStore

BODY = b"upstream's bytes\n" * 100


class Downloads:
    def __init__(self, store: LocalStore) -> None:
        self.store = store
        self.events: list[Event] = []
        self.policy = Policy()

    def origin(self, url: str, content: bytes = BODY, *, name: str = "file", **environment: str) -> Lowered:
        return derivation(
            name,
            store_dir=self.store.store_dir,
            system=SYSTEM,
            builder="builtin:download",
            env={"url": url, **environment},
            fixed=FixedOutput(Hash("sha256", hashlib.sha256(content).digest())),
        )

    def recursive(self, url: str, tree: File | Directory, **environment: str) -> Lowered:
        digest = hashlib.sha256(encode_tree(tree)).digest()
        return derivation(
            "tree",
            store_dir=self.store.store_dir,
            system=SYSTEM,
            builder="builtin:download",
            env={"url": url, **environment},
            fixed=FixedOutput(Hash("sha256", digest), recursive=True),
        )

    def get(self, *wanted: Lowered) -> Path:
        self.store.instantiate(wanted)
        options = BuildOptions(keep_going=True)
        targets = [BuildTarget(each.path) for each in wanted]
        results = realise(self.store, targets, options, self.events.append, policy=self.policy)
        return Path(results[0].outputs["out"])

    def lines(self) -> list[str]:
        return [event.line.decode() for event in self.events if isinstance(event, BuildLog)]


@pytest.fixture
def downloads(store: LocalStore, monkeypatch: pytest.MonkeyPatch) -> Downloads:
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LARIX_DEBIAN_MIRROR", "http://127.0.0.1:9/nothing-listens-here")
    return Downloads(store)


def test_file_comes_from_a_server_and_is_registered_by_content(downloads: Downloads) -> None:
    with HttpServer(answer(BODY)) as server:
        drv = downloads.origin(f"{server.url}/file")
        assert downloads.get(drv).read_bytes() == BODY
    info = downloads.store.path_info(drv.output_path())
    assert info.content_address == f"fixed:{Hash('sha256', hashlib.sha256(BODY).digest())}"
    assert info.references == ()
    started = [event for event in downloads.events if isinstance(event, DownloadStarted)]
    assert started == [DownloadStarted(f"{server.url}/file", len(BODY), drv.path)]
    assert [event.done for event in downloads.events if isinstance(event, DownloadFinished)] == [len(BODY)]


def test_next_place_is_tried_and_each_failure_is_one_line(downloads: Downloads) -> None:
    with HttpServer(answer(b"", status="404 Not Found")) as broken, HttpServer(answer(BODY)) as good:
        urls = [f"{broken.url}/a", "mirror://unheard-of/x", "file:///nonexistent", f"{good.url}/b"]
        downloads.get(downloads.origin(" ".join(urls)))
    assert [line.partition(": ")[2].partition(",")[0] for line in downloads.lines()] == [
        "HTTP 404 Not Found",
        "there is no mirror list `unheard-of`",
        "No such file or directory",
    ]


def test_wrong_content_is_passed_over_for_the_next_place(downloads: Downloads) -> None:
    with HttpServer(answer(b"stale")) as stale, HttpServer(answer(BODY)) as good:
        assert downloads.get(downloads.origin(f"{stale.url}/a {good.url}/b")).read_bytes() == BODY
    assert downloads.lines() == [f"{stale.url}/a: what came has another hash (5 bytes)"]


def test_mismatch_tells_both_hashes_the_place_and_keeps_what_came(downloads: Downloads) -> None:
    page = b"<!DOCTYPE html>\n<title>Moved</title>"
    with HttpServer(answer(page)) as server:
        drv = downloads.origin(f"{server.url}/file")
        with pytest.raises(HashMismatch) as caught:
            downloads.get(drv)
    error = caught.value
    assert error.exit_code == 102
    assert error.actual.digest == hashlib.sha256(page).digest()
    assert error.expected.digest == hashlib.sha256(BODY).digest()
    for text in (error.actual.sri(), error.actual.nix32(), error.expected.sri(), error.expected.nix32()):
        assert text in error.message
    assert parse_hash(error.actual.nix32(), "sha256") == error.actual
    assert f"url: {server.url}/file" in error.message
    assert f"size: {len(page)} bytes" in error.message
    assert "looks like a web page and not like a file: <!DOCTYPE html>" in error.message
    assert error.kept is not None
    assert Path(error.kept).read_bytes() == page
    assert downloads.store.is_valid(error.kept)
    assert not downloads.store.is_valid(drv.output_path())


def test_kept_file_serves_when_the_hash_is_mended(downloads: Downloads) -> None:
    with HttpServer(answer(BODY)) as server:
        with pytest.raises(HashMismatch):
            downloads.get(downloads.origin(f"{server.url}/file", b"something else"))
        assert len(server.requests) == 1
        downloads.get(downloads.origin(f"{server.url}/file"))
        assert len(server.requests) == 1


def test_nothing_found_anywhere_names_every_place(downloads: Downloads) -> None:
    with HttpServer(answer(b"", status="404 Not Found")) as server, pytest.raises(BuiltinFailed) as caught:
        downloads.get(downloads.origin(f"{server.url}/a {server.url}/b"))
    assert caught.value.exit_code == 100
    assert f"{server.url}/a: HTTP 404 Not Found" in caught.value.message
    assert f"{server.url}/b: HTTP 404 Not Found" in caught.value.message
    assert caught.value.hint is not None


def test_origin_without_places_is_told(downloads: Downloads) -> None:
    with pytest.raises(BuiltinFailed, match="names no `url`"):
        downloads.get(downloads.origin(" "))


def test_archive_of_debian_is_the_last_resort(downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the origin's own places are gone; its hash stands in a source index."""
    digest = hashlib.sha256(BODY).hexdigest()
    index = (
        f"Package: x\nDirectory: pool/main/x/x\nChecksums-Sha256:\n {digest} {len(BODY)} x_1.orig.tar.gz\n\n"
    )
    contents = {
        "/debian/dists/bookworm/main/source/Sources.xz": lzma.compress(index.encode()),
        "/debian/pool/main/x/x/x_1.orig.tar.gz": BODY,
    }
    with HttpServer(files(contents)) as server:
        monkeypatch.setenv("LARIX_DEBIAN_MIRROR", f"{server.url}/debian")
        with HttpServer(answer(b"", status="410 Gone")) as gone:
            drv = downloads.origin(f"{gone.url}/x-1.tar.gz")
            assert downloads.get(drv).read_bytes() == BODY


def test_debian_names_are_asked_of_the_mirror_of_the_setting(
    downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HttpServer(files({"/debian/pool/main/x.deb": BODY})) as server:
        monkeypatch.setenv("LARIX_DEBIAN_MIRROR", f"{server.url}/debian")
        assert downloads.get(downloads.origin("debian://pool/main/x.deb")).read_bytes() == BODY


def test_files_of_python_projects_are_found_in_the_index_of_the_setting(
    downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = b'<a href="/files/x-1.tar.gz">x-1.tar.gz</a>'
    contents = {"/simple/some-thing/": page, "/files/x-1.tar.gz": BODY}
    with HttpServer(files(contents, headers=["Content-Type: text/html"])) as server:
        monkeypatch.setenv("LARIX_PYPI_INDEX", f"http://127.0.0.1:9/simple {server.url}/simple")
        drv = downloads.origin("pypi://Some_Thing/x-1.tar.gz")
        assert downloads.get(drv).read_bytes() == BODY
    (line,) = downloads.lines()
    assert line.startswith(
        "pypi://Some_Thing/x-1.tar.gz in the index http://127.0.0.1:9/simple: cannot connect"
    )


def test_settings_of_pip_name_the_index(
    downloads: Downloads, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The file is its user's alone: the build user who downloads could not read it."""
    contents = {"/simple/x/": b'<a href="x-1.tar.gz">x</a>', "/simple/x/x-1.tar.gz": BODY}
    with HttpServer(files(contents)) as server:
        settings = tmp_path / "pip.conf"
        settings.write_text(f"[global]\nindex-url = {server.url}/simple\nextra-index-url =\nfind-links =\n")
        settings.chmod(0o600)
        for variable in ("LARIX_PYPI_INDEX", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
        assert downloads.get(downloads.origin("pypi://x/x-1.tar.gz")).read_bytes() == BODY


def test_file_that_no_index_lists_is_told_with_a_way_out(
    downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HttpServer(files({"/x/": b'<a href="x-2.tar.gz">x</a>'})) as server:
        monkeypatch.setenv("LARIX_PYPI_INDEX", server.url)
        with pytest.raises(BuiltinFailed, match=r"it lists no `x-1.tar.gz` of `x`") as caught:
            downloads.get(downloads.origin("pypi://x/x-1.tar.gz"))
    assert "LARIX_PYPI_INDEX" in str(caught.value.hint)


def test_several_downloads_run_at_once(downloads: Downloads) -> None:
    with HttpServer(files({f"/{number}": bytes([number]) * 1000 for number in range(12)})) as server:
        wanted = [
            downloads.origin(f"{server.url}/{number}", bytes([number]) * 1000, name=f"file-{number}")
            for number in range(12)
        ]
        downloads.get(*wanted)
    assert downloads.store.valid_paths([each.output_path() for each in wanted]) == {
        each.output_path() for each in wanted
    }


def test_program_is_made_executable(downloads: Downloads) -> None:
    with HttpServer(answer(BODY)) as server:
        drv = downloads.recursive(f"{server.url}/tool", File(BODY, executable=True), executable="1")
        path = downloads.get(drv)
    assert os.access(path, os.X_OK)


def test_archive_is_unpacked(downloads: Downloads) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo("top/file")
        entry.size = len(BODY)
        archive.addfile(entry, io.BytesIO(BODY))
    tree = Directory({b"file": File(BODY, executable=False)})
    with HttpServer(answer(buffer.getvalue())) as server:
        path = downloads.get(downloads.recursive(f"{server.url}/x.tar.gz", tree, unpack="1"))
    assert (path / "file").read_bytes() == BODY


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has files that the build user may not read")
def test_file_that_the_build_user_may_not_read_is_out_of_reach(downloads: Downloads, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(BODY)
    secret.chmod(0o600)
    with pytest.raises(BuiltinFailed, match="Permission denied"):
        downloads.get(downloads.origin(f"file://{secret}"))


def test_passwords_are_neither_logged_nor_reported(downloads: Downloads) -> None:
    with HttpServer(answer(b"", status="403 Forbidden")) as server:
        url = server.url.replace("://", "://me:hunter2@") + "/x"
        with pytest.raises(BuiltinFailed) as caught:
            downloads.get(downloads.origin(url))
    assert "hunter2" not in caught.value.message
    assert "hunter2" not in "\n".join(downloads.lines())


@pytest.mark.parametrize("attempts", [1, 3])
def test_what_breaks_off_is_tried_as_often_as_the_operator_says(downloads: Downloads, attempts: int) -> None:
    downloads.policy = Policy(download_attempts=attempts)
    busy = answer(b"", status="503 Service Unavailable", headers=["Retry-After: 0"])
    with HttpServer(*[busy] * attempts, answer(BODY)) as server:
        with pytest.raises(BuiltinFailed, match="HTTP 503"):
            downloads.get(downloads.origin(f"{server.url}/a", name="a"))
        assert len(server.requests) == attempts
        assert downloads.get(downloads.origin(f"{server.url}/b", name="b")).read_bytes() == BODY


def test_a_server_is_waited_for_as_long_as_the_operator_says(downloads: Downloads) -> None:
    """A queue that is full answers nobody."""
    downloads.policy = Policy(connect_timeout=1)
    with ExitStack() as queue:
        listener = queue.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(BuiltinFailed, match="no connection within 1 s"):
            downloads.get(downloads.origin(f"{address}/a"))


def test_host_that_could_not_be_reached_is_left_for_the_end(downloads: Downloads) -> None:
    """Each download is a process; the second one does not wait for the host that the first one found dead."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with HttpServer(files({"/a": BODY, "/b": BODY + b"2"})) as good:
        downloads.get(downloads.origin(f"{dead}/a {good.url}/a", name="a"))
        assert downloads.lines() == [f"{dead}/a: cannot connect: Connection refused"]
        downloads.get(downloads.origin(f"{dead}/b {good.url}/b", BODY + b"2", name="b"))
        assert len(downloads.lines()) == 1
    with pytest.raises(BuiltinFailed, match="cannot connect"):
        downloads.get(downloads.origin(f"{dead}/c", b"c", name="c"))
