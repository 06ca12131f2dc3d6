"""Packages that other programs write."""

from __future__ import annotations

import json

import pytest

HELLO = {
    "name": "greeting",
    "version": "2.10",
    "source": {
        "method": "url-fetch",
        "uri": "mirror://gnu/hello/hello-2.10.tar.gz",
        "sha256": {"base32": "0ssi1wpaf7plaswqqjwigppsg5fyh99vdlb9kzl7c9lng89ndq1i"},
    },
    "build-system": "gnu",
    "home-page": "https://www.gnu.org/software/hello/",
    "synopsis": "Hello, GNU world: An example GNU package",
    "description": "GNU Hello prints a greeting.",
    "license": "GPL-3.0+",
    "native-inputs": ["gperf"],
}
TWICE = [HELLO, {**HELLO, "name": "user", "inputs": ["greeting", "zlib@1.3"], "license": ["gpl3+", "expat"]}]


@pytest.fixture
def written(larix):
    def write(value: object, *words: str) -> tuple[int, str, str]:
        text = value if isinstance(value, str) else json.dumps(value, indent=2)
        (larix.folder / "given.json").write_text(text)
        done = larix(*(words or ("build", "-d")), "-f", "given.json")
        return done.returncode, done.stdout, done.stderr

    return write


def test_package_builds_as_the_same_one_in_python(larix, written):
    (larix.folder / "given.py").write_text(
        "from larix.buildsystems.gnu import gnu\n"
        "from larix.packages import Origin, Package, licenses\n"
        "from larixpkgs.packages import gperf\n"
        "package = Package(name='greeting', version='2.10', build_system=gnu, synopsis='', description='',\n"
        "    home_page=None, license=licenses.expat, native_inputs=[gperf.gperf], source=Origin(\n"
        f"        uri='{HELLO['source']['uri']}', sha256='{HELLO['source']['sha256']['base32']}'))\n"
    )
    status, out, error = written(HELLO)
    assert (status, error) == (0, "")
    assert out == larix.succeed("build", "-d", "-f", "given.py")


def test_last_of_several_counts_and_may_need_those_before(written):
    status, out, error = written(TWICE)
    assert (status, error) == (0, "")
    assert out.endswith("-user-2.10.drv\n")
    status, out, _ = written(TWICE, "lint", "-n", "-c", "license")
    assert (status, out) == (0, "")


def without(name: str) -> dict[str, object]:
    return {key: value for key, value in HELLO.items() if key != name}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ('{"name": ', "given.json:1:10: error: no JSON: Expecting value\n"),
        ("[]", "given.json:1: error: there is no package in this file\n"),
        ([1], "given.json:1: error: expected a package as an object, found 1\n"),
        (
            {**HELLO, "inputz": []},
            "given.json:1: error: a package has no field `inputz`\nhint: Did you mean `inputs'?\n",
        ),
        ({**HELLO, "inputs": [3]}, "given.json:1: error: expected text in `inputs`, found 3\n"),
        ({**HELLO, "inputs": ["zlibb"]}, "zlibb: unknown package\nhint: Did you mean `zlib'?\n"),
        ({**HELLO, "license": "none-such"}, "given.json:1: error: no licence is called `none-such`\n"),
        ({**HELLO, "build-system": "gnuu"}, "no build system is called `gnuu`\nhint: Did you mean `gnu'?\n"),
        (
            {**HELLO, "source": {"uri": "https://a.example/x"}},
            "given.json:1: error: a source needs `uri` and `sha256`\n",
        ),
        (
            {**HELLO, "source": {"method": "git-fetch"}},
            "given.json:1: error: the only method of sources is `url-fetch`\n",
        ),
        (without("version"), "given.json:1: error: "),
    ],
)
def test_what_is_wrong_is_told_with_its_place(written, value, message):
    status, out, error = written(value)
    assert (status, out) == (1, "")
    assert message in error
    assert "Traceback" not in error
    assert "bug of larix" not in error
