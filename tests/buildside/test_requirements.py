"""Versions and requirements, beside what the library `packaging` makes of them."""

import itertools
import random

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement as TheirRequirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from larix.buildside.requirements import (
    BadRequirement,
    canonical_name,
    marker_environment,
    marker_holds,
    parse_requirement,
    satisfies,
    version_key,
)

RELEASES = ("0", "1", "1.0", "1.0.0", "1.1", "2", "10.2.3", "0.0.1", "1!1.0")
SUFFIXES = (
    "",
    "a1",
    "b2",
    "rc1",
    ".dev1",
    "a1.dev2",
    ".post1",
    ".post1.dev3",
    "-1",
    "c3",
    "alpha",
    "_pre4",
    "-R5",
)
LOCALS = ("", "+abc", "+1", "+abc.2")
VERSIONS = [release + suffix for release in RELEASES for suffix in SUFFIXES]
ALL_VERSIONS = [version + local for version in VERSIONS for local in LOCALS]
OPERATORS = ("==", "!=", "<=", ">=", "<", ">", "~=", "===")


def test_versions_are_ordered_as_packaging_orders_them():
    chance = random.Random(1)
    for _ in range(8000):
        first, second = chance.choices(ALL_VERSIONS, k=2)
        expected = Version(first) < Version(second)
        assert (version_key(first) < version_key(second)) == expected, (first, second)
        assert (version_key(first) == version_key(second)) == (Version(first) == Version(second))


def test_specifiers_are_met_as_packaging_says():
    chance = random.Random(2)
    for _ in range(12000):
        version = chance.choice(ALL_VERSIONS)
        operator, wanted = chance.choice(OPERATORS), chance.choice(ALL_VERSIONS)
        text = f"{operator}{wanted}" + (".*" if operator in {"==", "!="} and chance.random() < 0.5 else "")
        try:
            expected = SpecifierSet(text).contains(version, prereleases=True)
        except InvalidSpecifier:
            continue
        found = satisfies(version, parse_requirement(f"x {text}").specifiers)
        assert found == expected, (version, text)


@pytest.mark.parametrize("text", ["", "one", "1..0", "1.0+", "1.0 beta and more", "1,0"])
def test_what_is_no_version_is_told(text):
    with pytest.raises(InvalidVersion):
        Version(text)
    with pytest.raises(BadRequirement, match="is no version"):
        version_key(text)


@pytest.mark.parametrize(
    "text",
    [
        "flask",
        "Flask_Thing>=2.0,<3 ; python_version >= '3.8'",
        "requests[security, socks] (>=2.8.1)",
        "thing @ https://example.org/thing.zip ; os_name == 'posix'",
        "x[y]",
        "importlib-metadata>=3.6.0; python_version < '3.10'",
    ],
)
def test_requirements_are_read_as_packaging_reads_them(text):
    ours, theirs = parse_requirement(text), TheirRequirement(text.replace("(", "").replace(")", ""))
    assert canonical_name(ours.name) == canonical_name(theirs.name)
    assert set(ours.extras) == theirs.extras
    assert ours.url == theirs.url
    assert {"".join(each) for each in ours.specifiers} == {str(each) for each in theirs.specifier}
    assert (ours.marker is None) == (theirs.marker is None)


@pytest.mark.parametrize("text", ["", "-x", "x >", "x 1.0", "x >=1 <2", "x[a", "[a]"])
def test_what_is_no_requirement_is_told(text):
    with pytest.raises(BadRequirement, match=r"is no requirement|is no version specifier"):
        parse_requirement(text)


CLAUSES = (
    "python_version >= '3.8'",
    "python_version < '3'",
    "'3.8' <= python_version",
    "sys_platform == 'linux'",
    "sys_platform != 'win32'",
    "os_name in 'posix nt'",
    "'linux' not in sys_platform",
    "extra == 'test'",
    "platform_machine == 'riscv'",
    "implementation_name == 'cpython'",
    "platform_python_implementation == 'CPython'",
    "python_full_version >= '3.7.1'",
)


@pytest.mark.parametrize(("first", "second"), [*itertools.combinations(CLAUSES, 2)])
def test_markers_hold_as_packaging_says(first, second):
    environment = marker_environment()
    for text in (
        first,
        f"{first} and {second}",
        f"{first} or {second}",
        f"({first} or {second}) and {first}",
    ):
        assert marker_holds(text, environment) == Marker(text).evaluate(), text


def test_and_binds_stronger_than_or():
    environment = marker_environment()
    true, false = "os_name == 'posix'", "os_name == 'nt'"
    assert marker_holds(f"{true} or {false} and {false}", environment)
    assert not marker_holds(f"({true} or {false}) and {false}", environment)


def test_old_spellings_of_names_are_known():
    assert marker_holds("os.name == 'posix' and sys.platform == 'linux'", marker_environment())
    assert marker_holds("python_implementation == 'CPython'", marker_environment())


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("nonsense == '1'", "asks for `nonsense`"),
        ("os_name ==", "ends too soon"),
        ("'a' == 'b'", "compares two literals"),
        ("(os_name == 'posix'", r"a `\)` is missing"),
        ("os_name == 'posix' os_name", "at `os_name`"),
        ("os_name not 'posix'", "at `'posix'`"),
        ("os_name == 'posix", "at `'posix`"),
    ],
)
def test_what_is_no_marker_is_told(text, cause):
    with pytest.raises(BadRequirement, match=f"cannot read the marker .*{cause}"):
        marker_holds(text, marker_environment())
