from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from builder.servers import HttpServer, files
from upstream.signing import signer

NEW = b"release 1.10\n"
DIGEST = hashlib.sha256(NEW).hexdigest()
DEFINITIONS = """\
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses


def simple(name, version, uri, **fields):
    source = Origin(uri=uri, sha256="0" * 52) if uri else None
    return Package(name=name, version=version, source=source, build_system=gnu, synopsis="", description="",
                   home_page=None, license=licenses.expat, **fields)


thing = Package(
    name="thing",
    version="1.2",
    source=lambda p: Origin(
        uri=f"@BASE@/thing/thing-{p.version}.tar.gz",
        sha256="0000000000000000000000000000000000000000000000000000000000000000",
    ),
    build_system=gnu,
    synopsis="",
    description="",
    home_page=None,
    license=licenses.expat,
)
newest = simple("newest", "1.10", "@BASE@/thing/thing-1.10.tar.gz")
ahead = simple("ahead", "2.0", "@BASE@/thing/thing-2.0.tar.gz")
gone = simple("gone", "1.0", "@BASE@/gone/gone-1.0.tar.gz")
odd = simple("odd", "1.0", None)
snake = simple("snake", "1", "pypi://snake/snake-1.tar.gz")
user = simple("user", "1", None, inputs=lambda: [thing])
end = simple("end", "1", None, inputs=lambda: [user])
"""
PAGE = b'<a href="thing-1.2.tar.gz">x</a> <a href="thing-1.9.tar.gz">x</a> <a href="thing-1.10.tar.gz">x</a>'


class Upstream:
    def __init__(self, larix, base: str) -> None:
        self.larix = larix
        self.base = base
        self.file = larix.folder / "definitions" / "things.py"

    def __call__(self, *words: str):
        done = self.larix("refresh", *words)
        return done.returncode, done.stdout.splitlines(), done.stderr.replace(self.base, "@")


@pytest.fixture
def refresh(larix) -> Iterator[Upstream]:
    """A catalogue of its own, beside an empty distribution, and the server that it names."""
    contents = {"/thing/": PAGE, "/simple/snake/": b'<a href="snake-2.tar.gz">x</a>'}
    contents |= {"/thing/thing-1.10.tar.gz": NEW, "/thing/thing-1.9.tar.gz": b"1.9"}
    with HttpServer(files(contents, headers=["Content-Type: text/html"])) as server:
        folder = larix.folder / "definitions"
        folder.mkdir()
        (folder / "things.py").write_text(DEFINITIONS.replace("@BASE@", server.url))
        larix.environment["LARIX_PACKAGE_PATH"] = str(folder)
        larix.environment["LARIX_DEBIAN_MIRROR"] = "http://127.0.0.1:9"
        larix.environment["LARIX_PYPI_INDEX"] = f"{server.url}/simple"
        yield Upstream(larix, server.url)


PLACE = "definitions/things.py:11:9"


def test_what_is_behind_is_told_with_its_place(refresh):
    assert refresh("thing") == (0, [f"{PLACE}: thing would be upgraded from 1.2 to 1.10"], "")


def test_what_is_up_to_date_is_told_when_it_was_named(refresh):
    assert refresh("newest") == (0, ["1.10 is already the latest version of newest"], "")


def test_what_is_ahead_is_warned_of(refresh):
    status, out, error = refresh("ahead")
    assert (status, out) == (0, [])
    assert error.endswith("warning: 2.0 is greater than the latest known version of ahead (1.10)\n")


def test_package_that_no_updater_knows_is_a_warning_and_a_status(refresh):
    status, out, error = refresh("odd")
    assert (status, out) == (1, [])
    assert error == "definitions/things.py:7:12: warning: no updater for odd\n"


def test_upstream_that_does_not_answer_is_a_warning_and_a_status(refresh):
    status, out, error = refresh("gone", "thing")
    assert (status, len(out)) == (1, 1)
    assert "warning: gone: @/gone/: download failed:\n  @/gone/: HTTP 404 Not Found\n" in error


def test_version_or_its_beginning_can_be_asked_for(refresh):
    assert refresh("thing=1.9")[1] == [f"{PLACE}: thing would be upgraded from 1.2 to 1.9"]
    assert refresh("thing=~1.2")[1] == ["1.2 is already the latest version of thing"]
    assert refresh("--target-version=1.9", "newest")[1] == [
        "definitions/things.py:7:12: newest would be downgraded from 1.10 to 1.9"
    ]
    status, _, error = refresh("thing=3")
    assert status == 1
    assert (
        "warning: thing: `generic-html' finds no release 3 of thing\nhint: there is 1.10, 1.9, 1.2\n" in error
    )


def test_update_changes_version_and_hash_and_nothing_else(refresh):
    before = refresh.file.read_text()
    status, out, error = refresh("-u", "thing")
    assert (status, out) == (0, [f"{PLACE}: thing: updating from version 1.2 to version 1.10..."])
    assert error == (
        "downloading from @/thing/thing-1.10.tar.gz ...\n"
        "larix refresh: warning: thing 1.10: upstream offers no signature, so its hash is taken on trust\n"
    )
    assert refresh.file.read_text() == before.replace('version="1.2"', 'version="1.10"').replace(
        f'"{"0" * 64}"', f'"{DIGEST}"'
    )
    assert refresh("thing") == (0, ["1.10 is already the latest version of thing"], "")


def test_what_cannot_be_updated_is_told_and_left_alone(refresh):
    before = refresh.file.read_text()
    status, _, error = refresh("-u", "newest=1.9")
    assert status == 1
    assert "warning: newest: not updated: `version` is not written as a string" in error
    assert refresh.file.read_text() == before


def test_all_packages_are_looked_at_when_none_is_named(refresh):
    status, out, error = refresh("-t", "pypi")
    assert (status, out) == (0, ["definitions/things.py:7:12: snake would be upgraded from 1 to 2"])
    assert "warning: python-flask: cannot be looked up: HTTP 404 Not Found\n" in error
    assert "no updater" not in error


def test_inputs_are_looked_at_when_asked(refresh):
    status, out, _ = refresh("-r", "newest", "end")
    assert status == 1  # no updater for `end`, which was named
    assert f"{PLACE}: thing would be upgraded from 1.2 to 1.10" in out


def test_dependents_are_listed_by_the_index(refresh):
    assert refresh("-l", "thing") == (
        0,
        ["Building the following package would ensure 2 dependent packages are rebuilt: end@1"],
        "",
    )
    assert refresh("-l", "end")[1] == ["No dependents other than itself: end@1"]


def test_updaters_are_listed_with_what_they_cover(refresh):
    status, out, _ = refresh("--list-updaters")
    assert status == 0
    assert out[0] == "Available updaters:"
    assert [line.split(":")[0] for line in out[1:-1]] == [
        "  - pypi",
        "  - gnu",
        "  - github",
        "  - generic-html",
        "  - debian",
    ]
    assert out[-1].endswith("% of the packages are covered by these updaters.")


def test_json_says_what_was_found(refresh):
    _, out, _ = refresh("--json", "thing", "odd")
    said = json.loads("\n".join(out))["packages"]
    assert [(each["name"], each["updater"], each["latest"], each["upgradable"]) for each in said] == [
        ("thing", "generic-html", "1.10", True),
        ("odd", None, None, False),
    ]
    assert said[0]["uri"] == f"{refresh.base}/thing/thing-1.10.tar.gz"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-t", "pipy", "thing"], "pipy: no such updater\nhint: Did you mean `pypi'?"),
        (["thingg"], "thingg: unknown package\nhint: Did you mean `thing'?"),
        (["-l"], "no package to list the dependents of"),
    ],
)
def test_bad_command_lines(refresh, words, message):
    assert refresh(*words) == (1, [], f"larix refresh: error: {message}\n")


def test_subsets_of_the_catalogue(refresh):
    status, out, _ = refresh("-s", "module:things", "-t", "pypi")
    assert (status, out) == (0, ["definitions/things.py:7:12: snake would be upgraded from 1 to 2"])
    core, others = (refresh("--json", "-s", each, "-t", "gnu")[1] for each in ("core", "non-core"))
    core, others = (
        {each["name"] for each in json.loads("\n".join(out))["packages"]} for out in (core, others)
    )
    assert {"python", "cmake", "meson", "zlib"} <= core
    assert {"hello", "snake"} <= others
    assert not core & others


def test_manifest_names_packages(refresh):
    (refresh.larix.folder / "wanted.py").write_text("manifest = ['thing', 'odd']\n")
    assert refresh("-m", "wanted.py") == (0, [f"{PLACE}: thing would be upgraded from 1.2 to 1.10"], "")


def test_what_a_package_is_built_with_is_listed(refresh):
    assert refresh("-T", "end", "thing") == (
        0,
        [
            "end@1 depends on the following 2 packages: thing@1.2 user@1",
            "thing@1.2 depends on no other package",
        ],
        "",
    )
    said = json.loads("\n".join(refresh("-T", "--json", "user")[1]))["packages"]
    assert said == [{"name": "user@1", "inputs": ["thing@1.2"]}]


class SignedUpstream(Upstream):
    """The same, with a signature beside the release, and a key server."""

    def __init__(self, larix, base, ada, contents) -> None:
        super().__init__(larix, base)
        self.ada = ada
        self.contents = contents
        self.keyring = larix.folder / "home" / ".config" / "larix" / "upstream" / "trustedkeys.gpg"

    def is_updated(self) -> bool:
        return 'version="1.10"' in self.file.read_text()


@pytest.fixture
def signed(larix):
    with signer() as ada:
        contents = {"/thing/": PAGE, "/thing/thing-1.10.tar.gz": NEW}
        contents["/thing/thing-1.10.tar.gz.sig"] = ada.sign(NEW)
        contents[f"/pks/lookup?op=get&options=mr&search=0x{ada.fingerprint}"] = ada.key("--armor")
        with HttpServer(files(contents, headers=["Content-Type: text/html"])) as server:
            folder = larix.folder / "definitions"
            folder.mkdir()
            (folder / "things.py").write_text(DEFINITIONS.replace("@BASE@", server.url))
            larix.environment["LARIX_PACKAGE_PATH"] = str(folder)
            yield SignedUpstream(larix, server.url, ada, contents)


def told(upstream) -> str:
    return f"note: thing 1.10 is signed by Ada <ada@example.org>, key {upstream.ada.fingerprint}\n"


def test_signed_release_is_verified_before_the_definition_changes(signed):
    signed.keyring.parent.mkdir(parents=True)
    signed.keyring.write_bytes(signed.ada.key())
    status, _, error = signed("-u", "thing")
    assert (status, signed.is_updated()) == (0, True)
    assert error.endswith(told(signed))


def test_key_that_is_missing_stops_the_update(signed):
    status, _, error = signed("-u", "thing")
    assert (status, signed.is_updated()) == (1, False)
    assert (
        f"thing: not updated: @/thing/thing-1.10.tar.gz.sig is made by the key {signed.ada.fingerprint}"
        in error
    )
    assert "hint: `--key-download=always' fetches keys" in error


def test_missing_key_is_fetched_when_that_is_wanted(signed):
    status, _, error = signed("-u", "thing", "--key-download=always", f"--key-server={signed.base}")
    assert (status, signed.is_updated()) == (0, True)
    assert f"note: fetching the key {signed.ada.fingerprint} from @\n" in error
    assert signed.keyring.read_bytes() == signed.ada.key()


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_user_is_asked_for_a_missing_key(signed, answer, status):
    words = ("-u", "thing", "--key-download=interactive", f"--key-server={signed.base}")
    done = signed.larix("refresh", *words, stdin=answer)
    assert (
        f"Fetch the key {signed.ada.fingerprint} from {signed.base} and trust it from now on? [y/N]"
        in done.stderr
    )
    assert (done.returncode, signed.is_updated()) == (status, status == 0)


def test_release_that_is_not_what_was_signed_is_refused(signed):
    signed.contents["/thing/thing-1.10.tar.gz"] = NEW + b"and more"
    own = signed.larix.folder / "own.gpg"
    own.write_bytes(signed.ada.key())
    status, _, error = signed("-u", "thing", f"--keyring={own}")
    assert (status, signed.is_updated()) == (1, False)
    assert "thing: not updated: @/thing/thing-1.10.tar.gz.sig is not a signature of what came" in error


def test_without_a_program_the_release_is_taken_with_a_warning(signed):
    status, _, error = signed("-u", "thing", "--gpg=no-such-program")
    assert (status, signed.is_updated()) == (0, True)
    assert "thing 1.10: the signature is not verified: `no-such-program' is no program here\n" in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-s", "core", "thing"], "'--select' is for all packages, and some are named"),
        (["-s", "cor"], "cor: unknown subset\nhint: there are core, non-core and module:NAME"),
        (
            ["-s", "module:thing"],
            "module:thing: no packages are in a module called so\nhint: Did you mean `things'?",
        ),
        (["-T"], "no package to list the inputs of"),
        (
            ["--key-download=alway", "thing"],
            "alway: unsupported policy of key downloads\nhint: Did you mean `always'?",
        ),
        (["--keyring=none", "thing"], "'none': no such keyring"),
        (
            ["--key-server=keys.example", "thing"],
            "`keys.example' is no key server\nhint: write `https://keys.example'",
        ),
    ],
)
def test_more_bad_command_lines(refresh, words, message):
    assert refresh(*words) == (1, [], f"larix refresh: error: {message}\n")
