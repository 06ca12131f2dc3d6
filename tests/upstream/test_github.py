"""Answers as GitHub's interface gives them, cut down to a few fields more than are read."""

from __future__ import annotations

import base64
import json

import pytest

from builder.servers import HttpServer, answer, files
from larix.builder.builtins.transfer import Limits
from larix.upstream.properties import BadProperty
from larix.upstream.updating import NoRelease, newest_release, updaters_of
from larix.upstream.web import DownloadFailed, Web
from upstream.test_updating import package

QUICK = Limits(connect=5, stall=5, tries=2, connection_tries=1, first_delay=0.001)
JSON = ["Content-Type: application/json; charset=utf-8"]


def release(tag: str, *assets: str, prerelease: bool = False, draft: bool = False) -> dict[str, object]:
    return {
        "url": "https://api.github.com/repos/a/thing/releases/1",
        "tag_name": tag,
        "name": f"Release {tag}",
        "draft": draft,
        "prerelease": prerelease,
        "assets": [
            {
                "name": name,
                "browser_download_url": f"https://github.com/a/thing/releases/download/{tag}/{name}",
            }
            for name in assets
        ],
    }


def tag(name: str) -> dict[str, object]:
    return {"name": name, "commit": {"sha": "0" * 40}, "zipball_url": "https://api.github.com/z"}


def found(
    *uris: str, releases: object = (), tags: object = (), prefix: str | None = None, **properties: object
) -> tuple[str, str] | None:
    contents = {
        "/repos/a/thing/releases?per_page=100": json.dumps(releases).encode(),
        "/repos/a/thing/tags?per_page=100": json.dumps(tags).encode(),
    }
    with HttpServer(files(contents, headers=JSON)) as server:
        web = Web({"LARIX_GITHUB_API": server.url}, limits=QUICK)
        update = newest_release(package(*uris, **properties), web, prefix=prefix)
    return None if update is None else (update.release.version, update.release.uri)


ARCHIVE = "https://github.com/a/thing/archive/refs/tags"
FILES = "https://github.com/a/thing/releases/download"


def test_newest_release_that_is_out_is_found() -> None:
    made = [
        release("v1.9"),
        release("v2.0", draft=True),
        release("v1.10"),
        release("nightly"),
        release("v1.0"),
    ]
    assert found(f"{ARCHIVE}/v1.0.tar.gz", releases=made) == ("1.10", f"{ARCHIVE}/v1.10.tar.gz")


def test_early_releases_count_when_the_package_says_so() -> None:
    made = [release("v2.0", prerelease=True), release("v1.5")]
    assert found(f"{ARCHIVE}/v1.0.tar.gz", releases=made) == ("1.5", f"{ARCHIVE}/v1.5.tar.gz")
    assert found(f"{ARCHIVE}/v1.0.tar.gz", releases=made, accept_pre_releases=True) == (
        "2.0",
        f"{ARCHIVE}/v2.0.tar.gz",
    )


def test_file_of_a_release_must_be_there() -> None:
    made = [
        release("2.0", "other-2.0.tar.gz"),
        release("1.5", "thing-1.5.tar.gz", "thing-1.5.tar.gz.asc"),
    ]
    assert found(f"{FILES}/1.0/thing-1.0.tar.gz", releases=made) == ("1.5", f"{FILES}/1.5/thing-1.5.tar.gz")


def test_tags_are_asked_where_there_are_no_releases() -> None:
    assert found(
        "https://github.com/a/thing/archive/1.0.tar.gz", tags=[tag("1.3"), tag("v9"), tag("1.2")]
    ) == (
        "1.3",
        "https://github.com/a/thing/archive/1.3.tar.gz",
    )


@pytest.mark.parametrize(
    ("old", "tags", "expected"),
    [
        ("thing-1.0", ["thing-1.1", "other-2.0", "1.5"], "1.1"),
        ("release_1_0", ["release_1_2_1", "release_1_1"], "1.2.1"),
        ("R-1-0-final", ["R-1-1-final", "R-2-0"], "1.1"),
    ],
)
def test_form_of_tags_is_read_from_the_one_that_is_known(old: str, tags: list[str], expected: str) -> None:
    answer = found(f"{ARCHIVE}/{old}.tar.gz", tags=[tag(each) for each in tags])
    assert answer == (expected, f"{ARCHIVE}/{tags[0]}.tar.gz")


def test_form_of_tags_can_be_told() -> None:
    assert found(
        f"{ARCHIVE}/old-form.tar.gz",
        tags=[tag("app-a-3_1"), tag("3_0"), tag("app-b-4_0-end")],
        release_tag_prefix="app-[a-z]-",
        release_tag_version_delimiter="_",
    ) == ("3.1", f"{ARCHIVE}/app-a-3_1.tar.gz")
    assert found(
        f"{ARCHIVE}/v1.0.tar.gz", tags=[tag("v1.2-stable"), tag("v1.3")], release_tag_suffix="-stable"
    ) == ("1.2", f"{ARCHIVE}/v1.2-stable.tar.gz")


def test_beginning_of_a_version_narrows_the_choice() -> None:
    made = [release("v2.1"), release("v1.5")]
    assert found(f"{ARCHIVE}/v1.0.tar.gz", releases=made, prefix="1") == ("1.5", f"{ARCHIVE}/v1.5.tar.gz")
    with pytest.raises(NoRelease, match="`github' finds no release 3 of thing"):
        found(f"{ARCHIVE}/v1.0.tar.gz", releases=made, prefix="3")


def test_token_of_the_user_goes_along_and_into_no_message() -> None:
    with HttpServer(answer(b"[]", headers=JSON)) as server:
        web = Web({"LARIX_GITHUB_API": server.url, "LARIX_GITHUB_TOKEN": "ghp_s3cret/+"}, limits=QUICK)
        with pytest.raises(NoRelease):
            newest_release(package(f"{ARCHIVE}/v1.0.tar.gz"), web)
        sent = server.requests[0].headers
    kind, _, value = sent["authorization"].partition(" ")
    assert (kind, base64.b64decode(value)) == ("Basic", b"x-access-token:ghp_s3cret/+")
    assert sent["accept"] == "application/vnd.github+json"
    with HttpServer(answer(b"{}", status="401 Unauthorized")) as server:
        web = Web({"LARIX_GITHUB_API": server.url, "LARIX_GITHUB_TOKEN": "ghp_s3cret"}, limits=QUICK)
        with pytest.raises(DownloadFailed) as caught:
            newest_release(package(f"{ARCHIVE}/v1.0.tar.gz"), web)
    assert "ghp_s3cret" not in str(caught.value)
    assert "HTTP 401" in str(caught.value)


def test_who_asked_too_often_is_told_of_tokens() -> None:
    with HttpServer(
        answer(b'{"message": "API rate limit exceeded"}', status="403 rate limit exceeded")
    ) as server:
        web = Web({"LARIX_GITHUB_API": server.url}, limits=QUICK)
        with pytest.raises(DownloadFailed, match="HTTP 403") as caught:
            newest_release(package(f"{ARCHIVE}/v1.0.tar.gz"), web)
    assert caught.value.hint is not None
    assert "LARIX_GITHUB_TOKEN" in caught.value.hint


@pytest.mark.parametrize("body", [b"<html>", b'{"message": "Not Found"}'])
def test_answer_of_another_kind_is_refused(body: bytes) -> None:
    with HttpServer(answer(body)) as server:
        web = Web({"LARIX_GITHUB_API": server.url}, limits=QUICK)
        with pytest.raises(DownloadFailed, match="what it answers is no"):
            newest_release(package(f"{ARCHIVE}/v1.0.tar.gz"), web)


@pytest.mark.parametrize(
    ("uri", "known"),
    [
        (f"{ARCHIVE}/v1.0.tar.gz", True),
        ("https://github.com/a/thing/archive/v1.0.zip", True),
        (f"{FILES}/v1.0/any-name.tgz", True),
        (f"{ARCHIVE}/master.tar.gz", False),
        ("https://github.com/a/thing/raw/v1.0/x.tar.gz", False),
        ("https://github.com.evil.example/a/thing/archive/v1.0.tar.gz", False),
    ],
)
def test_projects_are_known_by_their_addresses(uri: str, known: bool) -> None:
    assert ("github" in [each.name for each in updaters_of(package(uri))]) is known


def test_wrong_property_is_told_with_its_place() -> None:
    with pytest.raises(BadProperty, match="`release_tag_prefix` of `thing` is no regular expression"):
        updaters_of(package(f"{ARCHIVE}/v1.0.tar.gz", release_tag_prefix="("))
    with pytest.raises(BadProperty, match="is `3`, and not text"):
        updaters_of(package(f"{ARCHIVE}/v1.0.tar.gz", release_tag_version_delimiter=3))


PAGE = b"""<a href="/dl/1/thing-1.4.tar.gz">x</a> <a href="https://other.example/thing-1.5.tar.xz">x</a>
<a href="/dl/1/Ding-2.0-src.tar.gz">x</a> <a href="/dl/ding_r7.bin">x</a>
<a href="/dl/thing-2.0-doc.tar.gz">x</a>"""


def test_page_that_a_package_names_is_looked_at_and_nothing_else() -> None:
    with HttpServer(files({"/news": PAGE}, headers=["Content-Type: text/html"])) as server:
        web = Web({}, limits=QUICK)
        news = f"{server.url}/news"

        def newest(**properties: object) -> tuple[str, str, str]:
            made = package(f"{ARCHIVE}/v1.0.tar.gz", release_monitoring_url=news, **properties)
            update = newest_release(made, web)
            assert update is not None
            return update.updater, update.release.version, update.release.uri.replace(server.url, "@")

        assert newest() == ("generic-html", "1.5", "https://other.example/thing-1.5.tar.xz")
        assert newest(upstream_name="Ding") == ("generic-html", "2.0", "@/dl/1/Ding-2.0-src.tar.gz")
        assert newest(release_file_regexp=r"ding_r(\d+)\.bin") == ("generic-html", "7", "@/dl/ding_r7.bin")
