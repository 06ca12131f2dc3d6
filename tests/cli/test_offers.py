from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from builder.servers import HttpServer, answer, files, stall
from larix.buildsystems.trivial import trivial
from larix.cli.offers import offer_newer
from larix.packages import Origin, Package, licenses

NOTE = "note: thing 1.10 is available upstream\nhint: `larix install --with-latest=thing thing' builds it\n"
PAGE = b'<a href="thing-1.10.tar.gz">x</a>'
HTML = ["Content-Type: text/html"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for variable in ("http_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "larix" / "releases.json"


def thing(base: str, version: str = "1.2") -> Package:
    return Package(
        name="thing",
        version=version,
        source=Origin(uri=f"{base}/thing-{version}.tar.gz", sha256="0" * 52),
        build_system=trivial,
        synopsis="",
        description="",
        home_page=None,
        license=licenses.expat,
    )


def test_newer_release_is_told_and_the_answer_kept(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with HttpServer(files({"/": PAGE}, headers=HTML)) as server:
        for _ in range(2):
            offer_newer([thing(server.url)], patience=None)
            assert capsys.readouterr().err == NOTE
        assert len(server.requests) == 1
        offer_newer([thing(server.url, "1.10")], patience=None)
    assert capsys.readouterr().err == ""


def test_answer_of_yesterday_is_asked_for_again(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache.parent.mkdir()
    cache.write_text(json.dumps({"thing": ["1.3", time.time() - 25 * 3600]}))
    with HttpServer(files({"/": PAGE}, headers=HTML)) as server:
        offer_newer([thing(server.url)], patience=None)
    assert capsys.readouterr().err == NOTE


@pytest.mark.parametrize("kept", ["", "[]", '{"thing": 3}', '{"thing": ["1", "x"]}'])
def test_damaged_answers_count_as_none(cache: Path, capsys: pytest.CaptureFixture[str], kept: str) -> None:
    cache.parent.mkdir()
    cache.write_text(kept)
    with HttpServer(files({"/": PAGE}, headers=HTML)) as server:
        offer_newer([thing(server.url)], patience=None)
    assert capsys.readouterr().err == NOTE


@pytest.mark.parametrize(
    "behaviour", [answer(b"", status="500 Oh"), answer(b"\xff<a", headers=HTML), stall(b"", 10)]
)
def test_server_that_fails_is_no_word_worth(
    cache: Path, capsys: pytest.CaptureFixture[str], behaviour
) -> None:
    with HttpServer(behaviour) as server:
        offer_newer([thing(server.url)], patience=None)
    offer_newer([thing("http://127.0.0.1:9")], patience=None)
    assert capsys.readouterr().err == ""


def test_server_that_says_nothing_is_left_behind(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with HttpServer(stall(b"", 10)) as server:
        offer_newer([thing(server.url)], patience=0)
    assert capsys.readouterr().err == ""


@pytest.fixture
def terminal(builder):
    """Runs larix with a terminal for its standard error, and gives what that showed."""
    folder = builder.folder / "cache" / "larix"
    folder.mkdir(parents=True)
    (folder / "releases.json").write_text(json.dumps({"alpha": ["9.1", time.time()]}))

    def run(*words: str, **variables: str) -> str:
        return builder.on_terminal(*words, TERM="dumb", **variables).replace("\r\n", "\n")

    return run


OFFER = "note: alpha 9.1 is available upstream\nhint: `larix install --with-latest=alpha alpha' builds it\n"


def test_who_installs_on_a_terminal_is_told(terminal) -> None:
    assert terminal("install", "-p", "one", "alpha").endswith(OFFER)


def test_nobody_is_told_without_a_terminal_or_when_that_is_turned_off(terminal, builder) -> None:
    assert "note:" not in terminal("install", "-p", "one", "alpha", LARIX_NO_UPDATE_CHECK="1")
    done = builder("install", "-p", "two", "alpha")
    assert (done.returncode, "note:" in done.stderr) == (0, False)


def test_dry_run_and_removal_offer_nothing(terminal) -> None:
    assert "note:" not in terminal("install", "-n", "-p", "one", "alpha")
    terminal("install", "-p", "one", "alpha")
    assert "note:" not in terminal("remove", "-p", "one", "alpha")
