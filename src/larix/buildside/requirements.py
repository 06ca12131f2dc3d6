"""Versions, specifiers and requirements of Python distributions, as PEP 440 and PEP 508 define them.

    requirement = NAME ["[" EXTRA {"," EXTRA} "]"] ["@" URL | SPECIFIER {"," SPECIFIER}] [";" MARKER]
    marker      = VALUE OPERATOR VALUE | MARKER "and" MARKER | MARKER "or" MARKER | "(" MARKER ")"

What is not of this form is a `BadRequirement`. Pre-releases satisfy a specifier like other versions: what is
asked here is whether a version that is there will do, not which one to choose.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Mapping
from typing import NamedTuple

from larix.buildside.failure import BuildSideError

__all__ = [
    "BadRequirement",
    "Requirement",
    "canonical_name",
    "marker_environment",
    "marker_holds",
    "parse_requirement",
    "satisfies",
    "version_key",
]

VERSION = re.compile(
    r"v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>\d*))?"
    r"(?:-(?P<post_implicit>\d+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_number>\d*))?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_number>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE,
)
SPECIFIER = re.compile(r"\s*(?P<operator>===|~=|==|!=|<=|>=|<|>)\s*(?P<version>[^\s,]+)\s*")
REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*"
    r"(?:\[(?P<extras>[^\]]*)\])?\s*"
    r"(?:@\s*(?P<url>\S+)|\(?(?P<specifiers>[^;()@]*)\)?)\s*"
    r"(?:;(?P<marker>.*))?$",
    re.DOTALL,
)
TOKEN = re.compile(
    r"\s*(?:(?P<text>\"[^\"]*\"|'[^']*')|(?P<operator>===|~=|==|!=|<=|>=|<|>)|(?P<bracket>[()])"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_.]*))"
)
PRE_LETTERS = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}
BEFORE, AFTER = (-1,), (1,)  # stand before and after all (0, letter, number)

VersionKey = tuple[
    int, tuple[int, ...], tuple[object, ...], tuple[object, ...], tuple[object, ...], tuple[object, ...]
]


class BadRequirement(BuildSideError):
    """A version, specifier, requirement or marker that is none."""


class Requirement(NamedTuple):
    """`specifiers` are pairs of an operator and a version; `marker` says when the requirement holds."""

    name: str
    extras: tuple[str, ...]
    specifiers: tuple[tuple[str, str], ...]
    url: str | None
    marker: str | None


def canonical_name(name: str) -> str:
    """The one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def version_key(version: str) -> VersionKey:
    """What sorts as versions do: `1.0.dev1 < 1.0a1 < 1.0 < 1.0+local < 1.0.post1 < 1.0.1`."""
    match = VERSION.fullmatch(version.strip())
    if match is None:
        raise BadRequirement(f"`{version}` is no version")
    release = [int(part) for part in match["release"].split(".")]
    while len(release) > 1 and not release[-1]:
        release.pop()
    pre: tuple[object, ...] = AFTER
    post: tuple[object, ...] = BEFORE
    dev: tuple[object, ...] = AFTER
    if match["pre"]:
        letter = match["pre"].lower()
        pre = (0, PRE_LETTERS.get(letter, letter), int(match["pre_number"] or 0))
    elif match["dev"] and not (match["post"] or match["post_implicit"]):
        pre = BEFORE
    if match["post"] or match["post_implicit"]:
        post = (0, int(match["post_implicit"] or match["post_number"] or 0))
    if match["dev"]:
        dev = (0, int(match["dev_number"] or 0))
    return int(match["epoch"] or 0), tuple(release), pre, post, dev, _local_key(match["local"])


def _local_key(local: str | None) -> tuple[object, ...]:
    if local is None:
        return BEFORE
    parts = re.split(r"[-_.]", local.lower())
    return (0, *[(1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts])


def satisfies(version: str, specifiers: tuple[tuple[str, str], ...]) -> bool:
    """Whether a version meets all the specifiers."""
    return all(_meets(version, operator, wanted) for operator, wanted in specifiers)


def _meets(version: str, operator: str, wanted: str) -> bool:
    if operator == "===":
        return version.strip().lower() == wanted.strip().lower()
    if operator in {"==", "!="}:
        return _equals(version, wanted) == (operator == "==")
    key, limit = version_key(_public(version)), version_key(wanted)
    if operator == "~=":
        return key >= limit and _equals(version, f"{_prefix(wanted)}.*")
    if operator == "<=":
        return key <= limit
    if operator == ">=":
        return key >= limit
    if operator == "<":
        # `< 3` does not mean 3.0a1: who wants pre-releases of 3 names one.
        return key < limit and not (_is_pre(version) and _without(key, pre=True) == limit)
    # `> 3` means neither 3.post1 nor 3+local, which are forms of 3.
    return key > limit and _without(key, pre=False) != limit


def _equals(version: str, wanted: str) -> bool:
    if wanted.endswith(".*"):
        epoch, release, rest = _parts(wanted[:-2])
        other_epoch, other_release, other_rest = _parts(version)
        padded = [*other_release, *["0"] * (len(release) - len(other_release))]
        if not rest:
            return epoch == other_epoch and padded[: len(release)] == release
        width = max(len(release), len(padded))
        same_release = [each + ["0"] * (width - len(each)) for each in (release, padded)]
        return epoch == other_epoch and same_release[0] == same_release[1] and other_rest[: len(rest)] == rest
    if "+" in wanted:
        return version_key(version) == version_key(wanted)
    return version_key(_public(version)) == version_key(wanted)


def _parts(version: str) -> tuple[int, list[str], list[str]]:
    """The epoch, the release and what follows it, in one normal spelling."""
    match = VERSION.fullmatch(version.strip())
    if match is None:
        raise BadRequirement(f"`{version}` is no version")
    release = [str(int(part)) for part in match["release"].split(".")]
    rest: list[str] = []
    if match["pre"]:
        letter = match["pre"].lower()
        rest.append(f"{PRE_LETTERS.get(letter, letter)}{int(match['pre_number'] or 0)}")
    if match["post"] or match["post_implicit"]:
        rest.append(f"post{int(match['post_implicit'] or match['post_number'] or 0)}")
    if match["dev"]:
        rest.append(f"dev{int(match['dev_number'] or 0)}")
    return int(match["epoch"] or 0), release, rest


def _without(key: VersionKey, *, pre: bool) -> VersionKey:
    """The version without its pre-release and development parts, or without its post-release part."""
    epoch, release, before, post, dev, local = key
    if pre:
        return epoch, release, AFTER, post, AFTER, local
    return epoch, release, before, BEFORE, AFTER if post != BEFORE else dev, local


def _prefix(version: str) -> str:
    """All of the release but its last part, for `~=`."""
    match = VERSION.fullmatch(version.strip())
    if match is None or "." not in match["release"]:
        raise BadRequirement(f"`~={version}` needs a version of two parts at least")
    epoch = f"{match['epoch']}!" if match["epoch"] else ""
    return epoch + match["release"].rpartition(".")[0]


def _public(version: str) -> str:
    return version.partition("+")[0]


def _is_pre(version: str) -> bool:
    _, _, pre, _, dev, _ = version_key(version)
    return pre != AFTER or dev != AFTER


def parse_requirement(text: str) -> Requirement:
    match = REQUIREMENT.match(text)
    if match is None:
        raise BadRequirement(f"`{text}` is no requirement")
    extras = tuple([each.strip() for each in (match["extras"] or "").split(",") if each.strip()])
    specifiers: list[tuple[str, str]] = []
    for part in filter(None, (each.strip() for each in (match["specifiers"] or "").split(","))):
        found = SPECIFIER.fullmatch(part)
        if found is None:
            raise BadRequirement(f"`{part}` in the requirement `{text}` is no version specifier")
        specifiers.append((found["operator"], found["version"]))
    marker = (match["marker"] or "").strip() or None
    return Requirement(match["name"], extras, tuple(specifiers), match["url"], marker)


def marker_environment() -> dict[str, str]:
    """What markers may ask of the Python that runs this."""
    number = sys.implementation.version
    kind = "" if number.releaselevel == "final" else f"{number.releaselevel[0]}{number.serial}"
    uname = os.uname()
    return {
        "implementation_name": sys.implementation.name,
        "implementation_version": f"{number.major}.{number.minor}.{number.micro}{kind}",
        "os_name": os.name,
        "platform_machine": uname.machine,
        "platform_python_implementation": platform.python_implementation(),
        "platform_release": uname.release,
        "platform_system": uname.sysname,
        "platform_version": uname.version,
        "python_full_version": platform.python_version(),
        "python_version": f"{sys.version_info.major}.{sys.version_info.minor}",
        "sys_platform": sys.platform,
    }


def marker_holds(marker: str, environment: Mapping[str, str]) -> bool:
    """Whether a marker is true; `extra` is none unless the environment has it."""
    return _MarkerReader(marker, environment).read()


class _MarkerReader:
    """Reads a marker from left to right; `and` binds stronger than `or`."""

    def __init__(self, marker: str, environment: Mapping[str, str]) -> None:
        self.marker = marker
        self.environment = environment
        self.tokens = self._tokens()
        self.position = 0

    def _tokens(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        at = 0
        while self.marker[at:].strip():
            match = TOKEN.match(self.marker, at)
            if match is None or match.lastgroup is None:
                raise self._bad(f"at `{self.marker[at:].strip()}`")
            found.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        return found

    def read(self) -> bool:
        value = self._or()
        if self.position != len(self.tokens):
            raise self._bad(f"at `{self.tokens[self.position][1]}`")
        return value

    def _or(self) -> bool:
        value = self._and()
        while self._take("word", "or"):
            value = self._and() or value
        return value

    def _and(self) -> bool:
        value = self._term()
        while self._take("word", "and"):
            value = self._term() and value
        return value

    def _term(self) -> bool:
        if self._take("bracket", "("):
            value = self._or()
            if not self._take("bracket", ")"):
                raise self._bad("a `)` is missing")
            return value
        left, left_is_name = self._value()
        operator = self._operator()
        right, right_is_name = self._value()
        if not (left_is_name or right_is_name):
            raise self._bad("it compares two literals")
        return _compare(left, operator, right)

    def _value(self) -> tuple[str, bool]:
        kind, text = self._next()
        if kind == "text":
            return text[1:-1], False
        if kind != "word":
            raise self._bad(f"at `{text}`")
        name = text.replace(".", "_").replace("python_implementation", "platform_python_implementation")
        name = name.replace("platform_platform_", "platform_")
        if name == "extra":
            return canonical_name(self.environment.get("extra", "")), True
        if name not in self.environment:
            raise self._bad(f"it asks for `{text}`, which is unknown")
        return self.environment[name], True

    def _operator(self) -> str:
        kind, text = self._next()
        if kind == "word" and text == "not":
            kind, text = self._next()
            if (kind, text) == ("word", "in"):
                return "not in"
        elif kind == "operator" or (kind, text) == ("word", "in"):
            return text
        raise self._bad(f"at `{text}`")

    def _next(self) -> tuple[str, str]:
        if self.position == len(self.tokens):
            raise self._bad("it ends too soon")
        self.position += 1
        return self.tokens[self.position - 1]

    def _take(self, kind: str, text: str) -> bool:
        taken = self.tokens[self.position : self.position + 1] == [(kind, text)]
        self.position += taken
        return taken

    def _bad(self, cause: str) -> BadRequirement:
        return BadRequirement(f"cannot read the marker `{self.marker}`: {cause}")


def _compare(left: str, operator: str, right: str) -> bool:
    """As versions where the right side is one, else as text."""
    if operator == "in":
        return left in right
    if operator == "not in":
        return left not in right
    try:
        return _meets(left, operator, right)
    except BadRequirement:
        texts: dict[str, Callable[[str, str], bool]] = {
            "==": str.__eq__,
            "!=": str.__ne__,
            "<": str.__lt__,
            "<=": str.__le__,
            ">": str.__gt__,
            ">=": str.__ge__,
        }
        if operator not in texts:
            raise BadRequirement(f"`{left}` {operator} `{right}` compares what are no versions") from None
        return texts[operator](left, right)
