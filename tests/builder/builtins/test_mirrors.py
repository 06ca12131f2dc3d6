"""From URIs to places, by the table and by apt's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from larix.builder.builtins.mirrors import (
    AptSource,
    UnknownUri,
    apt_sources,
    debian_mirrors,
    expand,
    shown,
)
from larix.protocol.uris import MIRRORS


def test_mirror_names_stand_for_all_their_sites() -> None:
    places = expand("mirror://gnu/hello/hello-2.10.tar.gz", [])
    assert len(places) == len(MIRRORS["gnu"]) > 1
    assert all(place.endswith("/hello/hello-2.10.tar.gz") for place in places)


@pytest.mark.parametrize("base", [base for bases in MIRRORS.values() for base in bases])
def test_sites_are_folders_reached_safely(base: str) -> None:
    assert base.startswith("https://")
    assert base.endswith("/")


def test_debian_names_go_below_every_base() -> None:
    assert expand("debian://pool/main/x.deb", ["http://a.example/debian", "http://b.example/debian/"]) == [
        "http://a.example/debian/pool/main/x.deb",
        "http://b.example/debian/pool/main/x.deb",
    ]


def test_ordinary_uris_stand_for_themselves() -> None:
    for uri in ("https://example.org/x", "http://example.org/x", "ftp://example.org/x", "file:///x"):
        assert expand(uri, []) == [uri]


@pytest.mark.parametrize(
    "uri", ["mirror://nowhere/x", "gopher://example.org/x", "no-scheme", "ext::sh -c true"]
)
def test_others_are_refused(uri: str) -> None:
    with pytest.raises(UnknownUri):
        expand(uri, [])


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://user:secret@example.org:80/x?token=1#y", "https://example.org:80/x?..."),
        ("https://example.org/x", "https://example.org/x"),
        ("http://[broken", "an invalid URL"),
    ],
)
def test_secrets_are_not_shown(url: str, text: str) -> None:
    assert shown(url) == text


ONE_LINE = """
# deb http://commented.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] http://one.example/debian bookworm main contrib # main
deb-src http://one.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
deb http://vendor.example/tool stable-tool main
"""
PARAGRAPHS = """\
Types: deb
# a comment
URIs: http://two.example/debian/
  https://three.example/debian
Suites: trixie trixie-updates
Components: main

Types: deb
URIs: http://security.example/debian-security
Suites: trixie-security
Components: main

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: trixie
"""


@pytest.fixture
def configuration(tmp_path: Path) -> str:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(ONE_LINE)
    (tmp_path / "sources.list.d" / "debian.sources").write_text(PARAGRAPHS)
    (tmp_path / "sources.list.d" / "old.list.save").write_text(
        "deb http://saved.example/debian bookworm main\n"
    )
    (tmp_path / "mirrors.list").write_text("http://listed.example/debian\tpriority:1\n")
    (tmp_path / "sources.list.d" / "zz.list").write_text(
        f"deb mirror+file:{tmp_path}/mirrors.list sid main\n"
    )
    return str(tmp_path)


def test_both_formats_of_apt_are_read(configuration: str) -> None:
    assert list(apt_sources(configuration)) == [
        AptSource("http://one.example/debian", ("bookworm",)),
        AptSource("http://one.example/debian", ("bookworm",)),
        AptSource("http://vendor.example/tool", ("stable-tool",)),
        AptSource("http://two.example/debian", ("trixie", "trixie-updates")),
        AptSource("https://three.example/debian", ("trixie", "trixie-updates")),
        AptSource("http://security.example/debian-security", ("trixie-security",)),
        AptSource("http://listed.example/debian", ("sid",)),
    ]


def test_the_main_archive_comes_first_then_the_snapshot_last(configuration: str) -> None:
    mirrors = debian_mirrors({}, configuration=configuration)
    assert mirrors[:4] == [
        "http://one.example/debian",
        "http://two.example/debian",
        "https://three.example/debian",
        "http://listed.example/debian",
    ]
    assert mirrors[-2] == "http://security.example/debian-security"
    assert mirrors[-1].startswith("http://snapshot.debian.org/archive/debian/")
    assert not any("saved" in mirror or "disabled" in mirror or "commented" in mirror for mirror in mirrors)


def test_the_setting_replaces_apt(configuration: str) -> None:
    host = {"LARIX_DEBIAN_MIRROR": "http://mine.example/debian", "LARIX_DEBIAN_SNAPSHOT": "20250101T000000Z"}
    assert debian_mirrors(host, configuration=configuration) == [
        "http://mine.example/debian",
        "http://snapshot.debian.org/archive/debian/20250101T000000Z/",
    ]


def test_machine_without_apt_has_the_snapshot(tmp_path: Path) -> None:
    assert len(debian_mirrors({}, configuration=str(tmp_path / "none"))) == 1
