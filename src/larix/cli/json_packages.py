"""Packages written as JSON: an object of fields, or a list of such objects, of which the last one counts.

Fields are those of `Package`, with hyphens or underscores; inputs are specifications, and may name packages
that the file has before. A source is null or an object with `uri` and `sha256` (a text, or as Guix writes it
an object with `base32` or `base64`); a licence is a name of `larix.packages.licenses`, or one of SPDX.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from larix.buildsystems import build_system
from larix.errors import LarixError, Location
from larix.packages import licenses
from larix.packages.blame import did_you_mean
from larix.packages.inputs import Output
from larix.packages.origin import Origin
from larix.packages.package import Package
from larix.packages.specification import parse_specification
from larix.upstream.license_names import license_names
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from larix.packages.catalogue import Found

__all__ = ["BadJson", "packages_of_json"]

_INPUTS = frozenset({"inputs", "native_inputs", "propagated_inputs"})
_TEXTS = frozenset({"name", "version", "synopsis", "description", "home_page"})
_OTHERS = frozenset({"source", "build_system", "arguments", "license", "outputs", "properties"})
_FIELDS = _INPUTS | _TEXTS | _OTHERS
_SOURCE = frozenset({"method", "uri", "sha256", "file_name"})


class BadJson(LarixError):
    """A file of JSON that does not describe packages."""


def packages_of_json(file: str, find: Callable[[str], Found]) -> list[Package]:
    """The packages of a file, in its order; `find` looks specifications up elsewhere."""
    place = Location(file, 1)
    try:
        with open(file, encoding="utf-8") as stream:
            read: object = json.load(stream)
    except json.JSONDecodeError as error:
        raise BadJson(
            tr("no JSON: {problem}", problem=error.msg), place=Location(file, error.lineno, error.colno)
        ) from error
    except UnicodeDecodeError as error:
        raise BadJson(tr("no JSON: it is not UTF-8"), place=place) from error
    listed = cast("list[object]", read) if isinstance(read, list) else [read]
    made: dict[str, Package] = {}
    for each in listed:
        package = _Reader(place, find, made).package(each)
        made[package.name] = package
    if not made:
        raise BadJson(tr("there is no package in this file"), place=place)
    return list(made.values())


class _Reader:
    """Reads one package; `made` are those before it."""

    def __init__(self, place: Location, find: Callable[[str], Found], made: dict[str, Package]) -> None:
        self._place = place
        self._find = find
        self._made = dict(made)

    def package(self, value: object) -> Package:
        fields: dict[str, Any] = {"source": None, "home_page": None, "location": self._place}
        for name, given in self._object(value, _FIELDS, tr("a package")).items():
            if name in _INPUTS:
                fields[name] = [self._input(each) for each in self._texts(given, name)]
            elif name == "source":
                fields[name] = None if given is None else self._source(given)
            elif name == "build_system":
                fields[name] = build_system(self._text(given, name).replace("-", "_"))
            elif name == "license":
                fields[name] = tuple(
                    found for each in self._texts(given, name) for found in self._licenses(each)
                )
            else:
                fields[name] = given
        return Package(**fields)

    def _object(self, value: object, known: frozenset[str], what: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._bad(tr("expected {what} as an object, found {found}", what=what, found=_shown(value)))
        found: dict[str, Any] = {}
        for key, given in cast("dict[str, Any]", value).items():
            name = key.replace("-", "_")
            if name not in known:
                raise self._bad(
                    tr("{what} has no field `{name}`", what=what, name=key),
                    did_you_mean(name, known) or tr("there are: {known}", known=", ".join(sorted(known))),
                )
            found[name] = given
        return found

    def _source(self, value: object) -> Origin:
        fields = self._object(value, _SOURCE, tr("a source"))
        if fields.pop("method", "url-fetch") != "url-fetch":
            raise self._bad(tr("the only method of sources is `url-fetch`"))
        digest: object = fields.get("sha256")
        if isinstance(digest, dict):
            spelled = cast("dict[str, object]", digest)
            digest = spelled.get("base32") or spelled.get("base64") or spelled.get("base16")
        if "uri" not in fields or not isinstance(digest, str):
            raise self._bad(
                tr("a source needs `uri` and `sha256`"), tr("`larix download URI` prints the hash")
            )
        given: dict[str, Any] = {**fields, "sha256": digest, "location": self._place}
        return Origin(**given)

    def _input(self, text: str) -> Package | Output:
        wanted = parse_specification(text)
        package = self._made.get(wanted.name)
        if package is None or wanted.version not in {None, package.version}:
            package = self._find(text).package
        return package if wanted.output is None else package.output(wanted.output)

    def _licenses(self, text: str) -> list[Any]:
        """By our names, by those of Guix (`gpl3+`), by those of SPDX."""
        names = [re.sub(r"\W", "_", text.replace("+", "_plus")), *license_names(text)]
        found = [getattr(licenses, name, None) for name in names]
        known = [each for each in found if isinstance(each, licenses.License)]
        if not known:
            raise self._bad(tr("no licence is called `{name}`", name=text))
        return known if found[0] is None else known[:1]

    def _texts(self, value: object, name: str) -> list[str]:
        if isinstance(value, list):
            return [self._text(each, name) for each in cast("list[object]", value)]
        return [self._text(value, name)]

    def _text(self, value: object, name: str) -> str:
        if isinstance(value, str):
            return value
        raise self._bad(tr("expected text in `{name}`, found {found}", name=name, found=_shown(value)))

    def _bad(self, message: str, hint: str | None = None) -> BadJson:
        return BadJson(message, place=self._place, hint=hint)


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
