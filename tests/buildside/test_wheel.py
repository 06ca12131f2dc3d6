"""Wheels, made here by hand: installed as the specification says, refused when they contradict themselves."""

import base64
import csv
import hashlib
import zipfile
from pathlib import Path

import pytest

from larix.buildside.wheel import BadWheel, Places, install_wheel

PYTHON = "/store/python/bin/python3"
INFORMATION = "greet-1.0.dist-info"
WHEEL = "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
FILES = {
    "greet/__init__.py": "GREETING = 'hello'\n",
    "greet/data/words.txt": "hello\n",
    f"{INFORMATION}/METADATA": "Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n",
    f"{INFORMATION}/WHEEL": WHEEL,
    "greet-1.0.data/purelib/more.py": "",
    "greet-1.0.data/platlib/greet/native.so": "\x7fELF",
    "greet-1.0.data/scripts/greet": "#!python\nprint('hello')\n",
    "greet-1.0.data/scripts/wave": "#!pythonw -x\nprint('bye')\n",
    "greet-1.0.data/scripts/other": "#!/bin/sh\n",
    "greet-1.0.data/headers/greet.h": "int greet;\n",
    "greet-1.0.data/data/share/man/man1/greet.1": "page\n",
}


def digest(contents: bytes, algorithm: str = "sha256") -> str:
    raw = hashlib.new(algorithm, contents).digest()
    return f"{algorithm}={base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"


def make_wheel(
    directory: Path, files: dict[str, str] = FILES, *, record: dict[str, str] | None = None, executable=()
) -> Path:
    """A wheel of the files; `record` replaces hashes."""
    wheel = directory / "greet-1.0-py3-none-any.whl"
    rows = {name: digest(text.encode()) for name, text in files.items()} | (record or {})
    lines = [f"{name},{value},{len(files.get(name, ''))}" for name, value in rows.items() if value != "none"]
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = (0o755 if name in executable else 0o644) << 16
            archive.writestr(member, text)
        archive.writestr(f"{INFORMATION}/RECORD", "\n".join([*lines, f"{INFORMATION}/RECORD,,", ""]))
    return wheel


def places(out: Path) -> Places:
    return Places(out / "site", out / "bin", out / "include", out)


def test_files_go_to_their_places(tmp_path):
    information = install_wheel(make_wheel(tmp_path), places(tmp_path / "out"), interpreter=PYTHON)
    assert information == tmp_path / "out" / "site" / INFORMATION
    found = {
        str(file.relative_to(tmp_path / "out")) for file in (tmp_path / "out").rglob("*") if file.is_file()
    }
    assert found == {
        "site/greet/__init__.py",
        "site/greet/data/words.txt",
        "site/greet/native.so",
        "site/more.py",
        f"site/{INFORMATION}/METADATA",
        f"site/{INFORMATION}/WHEEL",
        f"site/{INFORMATION}/INSTALLER",
        f"site/{INFORMATION}/RECORD",
        "bin/greet",
        "bin/wave",
        "bin/other",
        "include/greet/greet.h",
        "share/man/man1/greet.1",
    }


def test_scripts_name_the_interpreter_and_are_executable(tmp_path):
    install_wheel(make_wheel(tmp_path), places(tmp_path / "out"), interpreter=PYTHON)
    programs = tmp_path / "out" / "bin"
    assert (programs / "greet").read_text() == f"#!{PYTHON}\nprint('hello')\n"
    assert (programs / "greet").stat().st_mode & 0o777 == 0o755
    assert (programs / "wave").read_text() == "#!pythonw -x\nprint('bye')\n", (
        "only bare names are placeholders"
    )
    assert (programs / "other").read_text() == "#!/bin/sh\n"


def test_modes_are_those_of_the_archive(tmp_path):
    wheel = make_wheel(tmp_path, executable=("greet/data/words.txt",))
    install_wheel(wheel, places(tmp_path / "out"), interpreter=PYTHON)
    site = tmp_path / "out" / "site"
    assert (site / "greet" / "data" / "words.txt").stat().st_mode & 0o777 == 0o755
    assert (site / "greet" / "__init__.py").stat().st_mode & 0o777 == 0o644


def test_record_lists_what_was_installed_with_its_hashes(tmp_path):
    information = install_wheel(make_wheel(tmp_path), places(tmp_path / "out"), interpreter=PYTHON)
    rows = list(csv.reader((information / "RECORD").read_text().splitlines()))
    assert rows == sorted(rows)
    for name, value, size in rows:
        file = information.parent / name
        assert file.is_file(), name
        if not name.endswith("/RECORD"):
            assert (value, size) == (digest(file.read_bytes()), str(file.stat().st_size)), name
    assert "../bin/greet" in [row[0] for row in rows]


def test_same_wheel_gives_the_same_files(tmp_path):
    wheel = make_wheel(tmp_path)
    records = [
        (install_wheel(wheel, places(tmp_path / name), interpreter=PYTHON) / "RECORD").read_bytes()
        for name in ("first", "second")
    ]
    assert records[0] == records[1]


@pytest.mark.parametrize(
    ("files", "record", "cause"),
    [
        (FILES, {"greet/__init__.py": "sha256=AAAA"}, "`greet/__init__.py` has the hash"),
        (FILES, {"greet/__init__.py": "none"}, "`greet/__init__.py` is not in its RECORD"),
        (FILES, {"greet/__init__.py": "md5=AAAA"}, "a hash of the kind `md5`"),
        ({**FILES, "../evil.py": ""}, {}, "`../evil.py` would land outside"),
        ({**FILES, "greet//evil.py": ""}, {}, "`greet//evil.py` would land outside"),
        ({**FILES, "greet-1.0.data/scripts/../x": ""}, {}, "would land outside"),
        ({**FILES, "greet-1.0.data/strange/x": ""}, {}, "is of no known kind"),
        ({**FILES, f"{INFORMATION}/WHEEL": "Wheel-Version: 2.0\n"}, {}, "has the version `2.0`"),
        ({**FILES, "other-1.0.dist-info/METADATA": ""}, {}, "2 dist-info directories"),
        ({"greet.py": ""}, {}, "WHEEL"),
    ],
)
def test_wheel_that_contradicts_itself_is_refused(tmp_path, files, record, cause):
    with pytest.raises(BadWheel) as caught:
        install_wheel(
            make_wheel(tmp_path, files, record=record), places(tmp_path / "out"), interpreter=PYTHON
        )
    assert cause in str(caught.value)
    assert "greet-1.0-py3-none-any.whl" in str(caught.value)


def test_file_that_is_there_already_is_not_overwritten(tmp_path):
    wheel = make_wheel(tmp_path)
    taken = tmp_path / "out" / "site" / "greet" / "__init__.py"
    taken.parent.mkdir(parents=True)
    taken.write_text("another's\n")
    with pytest.raises(BadWheel, match="is there already"):
        install_wheel(wheel, places(tmp_path / "out"), interpreter=PYTHON)
    assert taken.read_text() == "another's\n"


def test_damaged_archive_is_told(tmp_path):
    wheel = tmp_path / "greet-1.0-py3-none-any.whl"
    wheel.write_bytes(make_wheel(tmp_path).read_bytes()[:-30])
    with pytest.raises(BadWheel, match="not a zip file"):
        install_wheel(wheel, places(tmp_path / "out"), interpreter=PYTHON)
