"""Every checker on definitions that it should complain of, and on one that is in order."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from builder.servers import HttpServer, answer, files
from larix.builder.builtins.transfer import Limits
from larix.lint.running import all_checkers, findings_of
from larix.lint.subject import Subject
from larix.packages.modules import packages_of_file
from larix.upstream.web import Web

HEAD = """\
from larix.buildsystems.gnu import gnu
from larix.buildsystems.trivial import trivial
from larix.packages import Origin, Package, licenses
"""
SOUND = """
sound = Package(
    name="sound",
    version="1.2",
    source=lambda p: Origin(uri=f"https://a.example/sound-{p.version}.tar.gz", sha256="0" * 52),
    build_system=trivial,
    synopsis="Make noise",
    description="This makes a noise that is heard. It can be loud (or not).",
    home_page="https://a.example/",
    license=licenses.expat,
)
"""
FIELDS = {
    "name": '"thing"',
    "version": '"1.2"',
    "source": "None",
    "build_system": "trivial",
    "synopsis": '"Do things"',
    "description": '"It does things."',
    "home_page": '"https://a.example/"',
    "license": "licenses.expat",
}


TM = "\N{TRADE MARK SIGN}"


class Bench:
    """Writes a definition and tells, of one checker, the message and the line of text it points at."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def text(self, checker: str, text: str, web: Web | None = None) -> list[tuple[str, str]]:
        file = self.folder / "definitions.py"
        file.write_text(HEAD + textwrap.dedent(text))
        package = packages_of_file(str(file))[-1][1]
        (chosen,) = (each for each in all_checkers() if each.name == checker)
        subject = Subject(package, lower=lambda _: None, web=web or Web({}))
        lines = [
            (each.message, Path(each.place.file).read_text().splitlines()[each.place.line - 1].strip())
            for each in findings_of(subject, chosen)
        ]
        file.unlink()
        return lines

    def fields(self, checker: str, web: Web | None = None, before: str = "", **fields: str) -> list[str]:
        """The messages alone, which must all point at the first of the changed fields."""
        changed = FIELDS | fields
        body = "".join(f"    {name}={value},\n" for name, value in changed.items())
        found = self.text(checker, f"{textwrap.dedent(before)}\nthing = Package(\n{body})\n", web)
        field = next(iter(fields))
        assert {line.partition("=")[0] for _, line in found} <= {field}
        return [message for message, _ in found]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


OFFLINE = [each.name for each in all_checkers() if not each.needs_network]


def test_checkers_are_the_modules_of_the_folder() -> None:
    names = [each.name for each in all_checkers()]
    assert names == sorted(names)
    assert {"synopsis", "home-page", "inputs-should-be-native", "optional-tests"} <= set(names)
    assert all(each.description and not each.description.endswith(".") for each in all_checkers())


@pytest.mark.parametrize("checker", OFFLINE)
def test_nothing_is_found_in_what_is_in_order(bench: Bench, checker: str) -> None:
    assert bench.text(checker, SOUND) == []


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("some_thing", ["name should use hyphens instead of underscores"]),
        ("Thing", ["name should be in lower case"]),
        ("r", ["name should be longer than a single character"]),
    ],
)
def test_names(bench: Bench, name: str, messages: list[str]) -> None:
    assert bench.fields("name", name=repr(name)) == messages


@pytest.mark.parametrize(
    ("synopsis", "messages"),
    [
        (" ", ["synopsis should not be empty"]),
        ("Do things.", ["no period allowed at the end of the synopsis"]),
        ("Do things, etc.", []),
        ("A tool", ["no article allowed at the beginning of the synopsis"]),
        ("Do  things", ["synopsis should be one line without stray white space"]),
        ("Do " + "x" * 80, ["synopsis should be at most 80 characters long"]),
        ("Thing for doing", ["synopsis should not start with the package name"]),
        ("do things", ["synopsis should start with an upper-case letter or digit"]),
        ("GNU thing", []),
        ("iCalendar reader", []),
    ],
)
def test_synopses(bench: Bench, synopsis: str, messages: list[str]) -> None:
    assert bench.fields("synopsis", synopsis=repr(synopsis)) == messages


@pytest.mark.parametrize(
    ("description", "messages"),
    [
        ("", ["description should not be empty"]),
        ("It does\n", ["description should not begin or end with white space",
                       "description should end with a period"]),
        ("Do things.", ["description should say more than the synopsis"]),
        ("it does.", ["description should start with an upper-case letter, a digit or the package name"]),
        ("thing does.", []),
        (f"It{TM} does.", [f"description should not contain the trademark sign `{TM}'"]),
        ("It\tdoes.", ["description should not be laid out with tabs or runs of spaces"]),
        ("A world-class tool.", ["description should describe, not praise: `world-class'"]),
        ("It <b>does</b>.", ["description should be plain text, without markup"]),
    ],
)  # fmt: skip
def test_descriptions(bench: Bench, description: str, messages: list[str]) -> None:
    assert bench.fields("description", description=repr(description)) == messages


def test_own_name_of_a_python_project_may_begin_its_description(bench: Bench) -> None:
    found = bench.fields("description", description='"flask does."', name='"python-flask"')
    assert found == []


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ("()", ["license should not be empty"]),
        ("(licenses.isc, licenses.isc)", ["license `ISC' is listed more than once"]),
        (
            "licenses.non_copyleft",
            ["`non_copyleft' needs a URI or a comment that tells where its text is"],
        ),
        ('licenses.non_copyleft._replace(uri="https://a.example/COPYING")', []),
    ],
)
def test_licenses(bench: Bench, given: str, messages: list[str]) -> None:
    assert bench.fields("license", license=given) == messages


TOOLS = """
def simple(name, version="1", **fields):
    return Package(name=name, version=version, source=None, build_system=trivial, synopsis="", description="",
                   home_page=None, license=(), **fields)

pkgconf = simple("pkgconf")
zlib = simple("zlib")
png = simple("png", propagated_inputs=lambda: [zlib])
old = simple("zlib", "0.9")
"""


def test_tools_of_builds_among_inputs(bench: Bench) -> None:
    message = "`pkgconf' should probably be a native input"
    assert bench.fields("inputs-should-be-native", before=TOOLS, inputs="[pkgconf, zlib]") == [message]
    assert bench.fields("inputs-should-be-native", before=TOOLS, native_inputs="[pkgconf]") == []


def test_plugins_of_such_tools_may_use_them(bench: Bench) -> None:
    found = bench.fields(
        "inputs-should-be-native", before=TOOLS, inputs="[pkgconf]", name='"python-pytest-cov"'
    )
    assert found == []


@pytest.mark.parametrize(
    ("fields", "messages"),
    [
        ({"inputs": "lambda: [zlib, zlib]"}, ["`zlib' is listed twice"]),
        ({"native_inputs": "[pkgconf, zlib, pkgconf]"}, ["`pkgconf' is listed twice"]),
        (
            {"inputs": "[zlib]", "propagated_inputs": "[zlib]"},
            ["`zlib' is among the propagated inputs already"],
        ),
        ({"inputs": "[png, zlib]"}, ["`zlib' is propagated by `png' already"]),
        ({"inputs": "[png]", "native_inputs": "[zlib]"}, []),
    ],
)
def test_inputs_that_are_there_anyway(bench: Bench, fields: dict[str, str], messages: list[str]) -> None:
    assert bench.fields("inputs-should-be-minimal", before=TOOLS, **fields) == messages


def test_propagated_inputs_that_collide(bench: Bench) -> None:
    found = bench.fields("profile-collisions", before=TOOLS, propagated_inputs="[png, old]")
    assert found == ["propagated inputs zlib@1 and zlib@0.9 collide in a profile"]


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        ('{"tests": False}', ["tests are disabled without a comment that gives the reason"]),
        ('{"tests": False}  # they want a display', []),
        ('{\n        # they want a display\n        "tests": False,\n    }', []),
        ("dict(tests=False)", ["tests are disabled without a comment that gives the reason"]),
        ('{"tests": True}', []),
        ('{"make_flags": ["-k"]}', []),
    ],
)  # fmt: skip
def test_tests_that_are_switched_off(bench: Bench, arguments: str, messages: list[str]) -> None:
    fields = FIELDS | {"build_system": "gnu"}
    body = "".join(f"    {name}={value},\n" for name, value in fields.items())
    found = bench.text("optional-tests", f"\nthing = Package(\n{body}    arguments={arguments},\n)\n")
    assert [message for message, _ in found] == messages


@pytest.mark.parametrize(
    ("phases", "is_told"),
    [
        ('standard_phases.delete("check")', True),
        ('standard_phases.delete("configure", "check")', True),
        ('standard_phases.delete("check"),  # they want a display', False),
        ('standard_phases.delete("check").add_after("install", check)', False),
        ('standard_phases.replace("check", nothing)', True),
        ('standard_phases.replace("check", explained)', False),
        ('standard_phases.replace("check", check)', False),
        ('standard_phases.delete("configure")', False),
    ],
)
def test_tests_that_are_switched_off_by_phases(bench: Bench, phases: str, is_told: bool) -> None:
    fields = FIELDS | {"build_system": "gnu"}
    body = "".join(f"    {name}={value},\n" for name, value in fields.items())
    found = bench.text(
        "optional-tests",
        "\nfrom larix.buildside.gnu import standard_phases\n"
        'def nothing():\n    pass\ndef explained():\n    """Upstream has none."""\n'
        'def check():\n    print("checked")\n'
        f'thing = Package(\n{body}    arguments={{\n        "phases": {phases}\n    }},\n)\n',
    )
    told = "tests are disabled without a comment that gives the reason"
    assert [message for message, _ in found] == [told] * is_told


@pytest.mark.parametrize(
    ("body", "inputs", "is_told"),
    [
        ('wrap_program("bin/x", exactly("A", ["b"]))', "[]", True),
        ('wrap_program("bin/x", exactly("A", ["b"]), shell="sh")', "[]", False),
        ('wrap_program("bin/x", exactly("A", ["b"]))', "[bash]", False),
        ('print("x")', "[]", False),
    ],
)
def test_wrappers_have_a_shell_among_the_inputs(bench: Bench, body: str, inputs: str, is_told: bool) -> None:
    fields = FIELDS | {"build_system": "gnu"}
    given = "".join(f"    {name}={value},\n" for name, value in fields.items())
    found = bench.text(
        "wrapper-inputs",
        "\nfrom larix.buildside.gnu import standard_phases\n"
        "from larix.buildside.wrap_program import exactly, wrap_program\n"
        f"def wrap():\n    {body}\n"
        "phases = standard_phases.add_after('install', wrap)\n"
        f'bash = Package(\n{given})\nbash = bash.inherit(name="bash")\n'
        f'thing = Package(\n{given}    inputs={inputs},\n    arguments={{"phases": phases}},\n)\n',
    )
    told = "`bash' should be among the inputs when `wrap_program' is used"
    assert [message for message, _ in found] == [told] * is_told


def origin(uri: str, **fields: str) -> str:
    more = "".join(f", {name}={value}" for name, value in fields.items())
    return f'Origin(uri={uri!r}, sha256="0" * 52{more})'


@pytest.mark.parametrize(
    ("checker", "uri", "messages"),
    [
        (
            "source-file-name",
            "https://a.example/v1.2.tar.gz",
            ["the source file name `v1.2.tar.gz' should contain the package name; give `file_name'"],
        ),
        ("source-file-name", "https://a.example/thing-1.2.tar.gz", []),
        (
            "source-unstable-tarball",
            "https://github.com/a/b/archive/b.tgz",
            ["https://github.com/a/b/archive/b.tgz is generated on demand and may change; use a release"],
        ),
        ("source-unstable-tarball", "https://github.com/a/thing/releases/download/v1.2/thing-1.2.tgz", []),
        (
            "mirror-url",
            "https://ftp.gnu.org/gnu/thing/thing-1.2.tar.gz",
            ["URI should be `mirror://gnu/thing/thing-1.2.tar.gz'"],
        ),
        ("mirror-url", "mirror://gnu/thing/thing-1.2.tar.gz", []),
    ],
)
def test_sources(bench: Bench, checker: str, uri: str, messages: list[str]) -> None:
    assert bench.fields(checker, source=origin(uri)) == messages


def test_file_name_given_apart_is_the_one_that_counts(bench: Bench) -> None:
    source = origin("https://a.example/v1.2.tar.gz", file_name='"thing-1.2.tar.gz"')
    assert bench.fields("source-file-name", source=source) == []


def test_patches_that_are_missing_or_badly_named(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "thing-mend.patch").write_text("Written for this test.\n--- a/x\n+++ b/x\n")
    (tmp_path / "fix.txt").write_text("--- a/x\n+++ b/x\n")
    (tmp_path / "thing-nothing.patch").write_text("Only words.\n")
    patches = '["thing-mend.patch", "fix.txt", "thing-gone.patch", "thing-nothing.patch"]'
    source = origin("https://a.example/thing-1.2.tar.gz", patches=patches)
    assert bench.fields("patch-file-names", source=source) == [
        "fix.txt: file name of a patch should start with the package name",
        "fix.txt: file name of a patch should end in `.patch'",
        "thing-gone.patch: patch not found",
    ]
    body = "".join(f"    {name}={value},\n" for name, value in (FIELDS | {"source": source}).items())
    found = bench.text("patch-headers", f"\nthing = Package(\n{body})\n")
    assert found == [
        ("fix.txt: patch lacks a comment on where it comes from and why", "--- a/x"),
        ("thing-nothing.patch: this patch changes nothing", "Only words."),
    ]


def test_lines_that_are_long_or_untidy(bench: Bench) -> None:
    text = SOUND.replace('"Make noise"', '"Make \t noise"').replace("trivial,", "trivial, ")
    text = text.replace('"This', '"' + "x" * 100 + " This")
    assert [message for message, _ in bench.text("formatting", text)] == [
        "trailing white space on this line",
        "tabulation on this line",
        "line 11 is too long (178 characters)",
    ]


def test_definition_that_cannot_be_lowered_is_a_finding_at_its_place(bench: Bench) -> None:
    (chosen,) = (each for each in all_checkers() if each.name == "derivation")
    file = bench.folder / "definitions.py"
    file.write_text(HEAD + SOUND)
    package = packages_of_file(str(file))[-1][1]

    def lower(package: object) -> None:
        from larix.errors import LarixError, Location

        raise LarixError("no compiler\nand more", place=Location("here.py", 3))

    (found,) = findings_of(Subject(package, lower=lower, web=Web({})), chosen)
    assert (found.message, str(found.place)) == ("failed to create a derivation: no compiler", "here.py:3")


def test_variant_is_not_blamed_for_what_it_inherits(bench: Bench) -> None:
    """The name of this one is not that which the description begins with."""
    text = SOUND.replace('"This makes', '"sound makes')
    assert bench.text("description", text + '\n\nother = sound.inherit(name="other")\n') == []
    changed = bench.text("description", text + '\n\nother = sound.inherit(description="x")\n')
    assert [line for _, line in changed] == ['other = sound.inherit(description="x")'] * len(changed) != []


def test_field_that_fails_is_a_finding_of_the_checker_that_reads_it(bench: Bench) -> None:
    found = bench.fields("source-file-name", source="lambda: 1 / 0")
    assert found == ["field `source` of package `thing`: ZeroDivisionError: division by zero"]


HASTY = Limits(connect=5, stall=5, tries=1, connection_tries=1)


@pytest.mark.parametrize(
    ("statuses", "messages"),
    [
        (["200 OK"], []),
        (["405 Method Not Allowed", "200 OK"], []),
        (["404 Not Found", "404 Not Found"], ["URI @/ not reachable: HTTP 404 Not Found"]),
        (["301 Moved", "200 OK"], ["permanent redirect from @/ to @/elsewhere"]),
        (["302 Found", "200 OK"], []),
    ],
)
def test_home_pages(bench: Bench, statuses: Sequence[str], messages: list[str]) -> None:
    behaviours = [
        answer(b"", status=status, headers=["Location: /elsewhere"] if status[0] == "3" else [])
        for status in statuses
    ]
    with HttpServer(*behaviours) as server:
        found = bench.fields("home-page", Web({}, limits=HASTY), home_page=repr(f"{server.url}/"))
        assert found == [message.replace("@", server.url) for message in messages]
        assert server.requests[0].method == "HEAD"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("None", "home page should not be empty"),
        ("'ftp://a.example/'", "invalid value for home page: `ftp://a.example/'"),
    ],
)
def test_home_pages_that_are_none(bench: Bench, page: str, message: str) -> None:
    assert bench.fields("home-page", home_page=page) == [message]


def test_sources_that_cannot_be_had(bench: Bench) -> None:
    with HttpServer(files({"/good.tar.gz": b""})) as server:
        web = Web({}, limits=HASTY)
        both = f'["{server.url}/good.tar.gz", "{server.url}/bad.tar.gz"]'
        source = f'Origin(uri={both}, sha256="0" * 52)'
        bad = f"URI {server.url}/bad.tar.gz not reachable: HTTP 404 Not Found"
        assert bench.fields("source", web, source=source) == [bad]
        assert bench.fields("source", web, source=origin(f"{server.url}/bad.tar.gz")) == [
            "all the source URIs are unreachable",
            bad,
        ]


def test_newer_release_is_a_finding(bench: Bench) -> None:
    page = b'<a href="thing-1.2.tar.gz">1</a> <a href="thing-1.10.tar.gz">2</a>'
    with HttpServer(files({"/thing/": page}, headers=["Content-Type: text/html"])) as server:
        source = origin(f"{server.url}/thing/thing-1.2.tar.gz")
        found = bench.fields("refresh", Web({}, limits=HASTY), version='"1.2"', source=source)
    assert found == ["can be upgraded to 1.10"]


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        ('{"tests": True}', ["tests run by default: `tests' need not be set"]),
        ("dict(tests=True)", ["tests run by default: `tests' need not be set"]),
        ('{"tests": False}', []),
        ('{"make_flags": ["tests"]}', []),
    ],
)
def test_tests_that_are_switched_on(bench: Bench, arguments: str, messages: list[str]) -> None:
    assert bench.fields("tests-true", arguments=arguments, build_system="gnu") == messages


BUILDERS = """
from larix.buildsystems.meson import meson


def simple(name):
    return Package(name=name, version="1", source=None, build_system=trivial, synopsis="", description="",
                   home_page=None, license=licenses.expat)


a, b, builder = simple("a"), simple("b"), simple("meson")
"""


def test_what_the_build_system_adds_is_no_input(bench: Bench) -> None:
    added = ["`meson' need not be an input: build system `meson' adds it"]
    assert (
        bench.fields(
            "inputs-should-not-be-input", None, BUILDERS, native_inputs="[builder, a]", build_system="meson"
        )
        == added
    )
    for fields in (
        {"native_inputs": "[builder]"},
        {"native_inputs": '[("meson-of-another-kind", builder)]', "build_system": "meson"},
        {"native_inputs": "[builder]", "build_system": "meson", "arguments": '{"implicit_inputs": False}'},
    ):
        assert bench.fields("inputs-should-not-be-input", None, BUILDERS, **fields) == []


@pytest.mark.parametrize(
    ("inputs", "labels"),
    [
        ('[a, ("a-too", a)]', []),
        ('[("a", a), ("bee", b)]', ["a"]),
        ('lambda: {"b": b, "one": a}', ["b"]),
        ('lambda: [(a, "out"), b]', []),
    ],
)
def test_labels_that_say_nothing(bench: Bench, inputs: str, labels: list[str]) -> None:
    expected = [f"label `{each}' is the name of the input and can go" for each in labels]
    assert bench.fields("input-labels", None, BUILDERS, inputs=inputs) == expected


@pytest.mark.parametrize(
    ("system", "arguments", "messages"),
    [
        (
            "gnu",
            '{"configure_flags": ["--enable-x", "-DX=1"]}',
            ["`-DX=1' in `configure_flags' is a flag of CMake or Meson"],
        ),
        (
            "meson",
            '{"configure_flags": ["-Dx=1", "--with-x"]}',
            ["`--with-x' in `configure_flags' is a flag of configure scripts"],
        ),
        (
            "gnu",
            '{"make_flags": ["--disable-x", "-k"]}',
            ["`--disable-x' in `make_flags' is a flag of configure scripts"],
        ),
        ("gnu", '{"configure_flags": lambda: ["-DX=1"]}', []),
    ],
)
def test_flags_of_other_tools(bench: Bench, system: str, arguments: str, messages: list[str]) -> None:
    assert (
        bench.fields("misplaced-flags", None, BUILDERS, arguments=arguments, build_system=system) == messages
    )


FLAGS = """
COMMON = ["AR=ar", "V=1"]


def plain(*, outputs): return ["CC=gcc", *COMMON, f"PREFIX={outputs['out']}"]
def careful(*, target=None): return [f"CC={target}-gcc"] if target else ["CC=gcc"]
def unused(): return ["LD=ld"]
"""


def test_compilers_of_this_machine(bench: Bench) -> None:
    def told(arguments: str) -> list[tuple[str, str]]:
        fields = {**FIELDS, "build_system": "gnu", "arguments": arguments}
        body = "".join(f"    {name}={value},\n" for name, value in fields.items())
        return bench.text("compiler-for-target", f"{FLAGS}\n\nthing = Package(\n{body})\n")

    words = "is not that of a cross build, whose `target' phases get"
    assert [message for message, _ in told('{"make_flags": ["CC=gcc", "CC=gcc2"]}')] == [f"`CC=gcc' {words}"]
    found = told('{"make_flags": plain}')
    assert {message for message, _ in found} == {f"`CC=gcc' {words}", f"`AR=ar' {words}"}
    assert {line.partition(" ")[0] for _, line in found} == {"def", "COMMON"}
    assert told('{"make_flags": careful}') == []
    assert told('{"make_flags": ["PREFIX=/"]}') == []


def test_repository_that_has_moved(bench: Bench) -> None:
    """The interface for programs leads from the old name to a number, and that tells the new one."""
    moved = answer(b"", status="301 Moved Permanently", headers=["Location: /repositories/1"])
    for name, messages in (("new/thing", ["repository old/thing is new/thing now"]), ("Old/Thing", [])):
        with HttpServer(moved, answer(b'{"id": 1, "full_name": "%b"}' % name.encode())) as server:
            web = Web({"LARIX_GITHUB_API": server.url}, limits=HASTY)
            source = origin("https://github.com/old/thing/archive/v1.tar.gz")
            assert bench.fields("github-url", web, source=source) == messages
            assert [each.target for each in server.requests] == ["/repos/old/thing", "/repositories/1"]
