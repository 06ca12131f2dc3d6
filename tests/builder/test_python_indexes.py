"""Which index is used, by settings as pip reads them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from larix.builder import python_indexes as module
from larix.builder.python_indexes import configuration_files, python_indexes


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_the_setting_of_larix_replaces_all_others() -> None:
    chosen = {
        "LARIX_PYPI_INDEX": " http://a.example/s\nhttp://b.example/s ",
        "PIP_INDEX_URL": "http://c.example",
    }
    assert python_indexes(chosen, files=[]) == ("http://a.example/s", "http://b.example/s")


def test_environment_counts_more_than_files() -> None:
    environment = {
        "PIP_INDEX_URL": "http://a.example/s",
        "PIP_EXTRA_INDEX_URL": "http://b.example/s /srv/simple",
    }
    assert python_indexes(environment, files=[]) == (
        "http://a.example/s",
        "http://b.example/s",
        "file:///srv/simple",
    )


def test_later_files_and_the_section_of_download_count_more(tmp_path: Path) -> None:
    first = write(
        tmp_path,
        "first",
        "[download]\nindex_url = http://one.example/s\n[global]\nfind-links = /srv/wheels\n",
    )
    second = write(tmp_path, "second", "[global]\nindex-url = http://two.example/s\n")
    third = write(
        tmp_path,
        "third",
        "[global]\nindex-url = http://global.example/s\n[download]\nindex-url = http://three.example/s\n",
    )
    links = "links+file:///srv/wheels"
    assert python_indexes({}, files=[first]) == ("http://one.example/s", links)
    assert python_indexes({}, files=[first, second]) == ("http://two.example/s", links)
    assert python_indexes({}, files=[first, second, third]) == ("http://three.example/s", links)


def test_without_index_only_the_links_remain(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "pip.conf",
        "[global]\nno-index = true\nindex-url = http://one.example/s\nfind-links = http://l.example/f.html\n",
    )
    assert python_indexes({}, files=[file]) == ("links+http://l.example/f.html",)


def test_broken_and_missing_files_set_nothing(tmp_path: Path) -> None:
    broken = write(tmp_path, "broken", "no section = here\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    good = write(tmp_path, "good", "[global]\nindex-url = http://one.example/s\n")
    files = [broken, str(tmp_path / "binary"), str(tmp_path / "none"), good]
    assert python_indexes({}, files=files) == ("http://one.example/s",)


def test_pip_itself_is_asked_for_its_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter whose pip has another index built in: no host is known to larix."""
    fake = tmp_path / "python"
    fake.write_text(
        "#!/bin/sh\n"
        '[ -z "$PIP_INDEX_URL" ] && [ "$PIP_CONFIG_FILE" = /dev/null ] || exit 1\n'
        "echo '  -i, --index-url <url>   Base URL (default https://built-in.example/simple). Should point'\n"
    )
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    monkeypatch.setenv("PIP_INDEX_URL", "http://wrong.example")
    module._built_in.cache_clear()
    assert python_indexes({}, files=[]) == ("https://built-in.example/simple",)
    module._built_in.cache_clear()


def test_files_are_those_of_pip(tmp_path: Path) -> None:
    environment = {"HOME": "/home/u", "XDG_CONFIG_DIRS": "/etc/a:/etc/b", "PIP_CONFIG_FILE": "/srv/pip.conf"}
    assert configuration_files(environment) == (
        "/etc/a/pip/pip.conf",
        "/etc/b/pip/pip.conf",
        "/etc/pip.conf",
        "/home/u/.pip/pip.conf",
        "/home/u/.config/pip/pip.conf",
        f"{sys.prefix}/pip.conf",
        "/srv/pip.conf",
    )
    assert configuration_files({"PIP_CONFIG_FILE": os.devnull}) == ()
