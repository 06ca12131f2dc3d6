"""From a transformation option to what it does to packages; sources are found here, by file or on the net."""

from __future__ import annotations

import os
import re
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.cli import diagnostics
from larix.cli.checkouts import Checkout, cache_folder, checkout, repository_of
from larix.cli.options import UsageError
from larix.cli.transformations import IN_SOURCE, Wish, pair_of
from larix.cli.trust import Trust, Trusted
from larix.packages.origin import Origin
from larix.packages.specification import Specification, parse_specification
from larix.packages.toolchain import registered_toolchains
from larix.packages.transform import (
    Rule,
    Transformation,
    also_replacement,
    is_meant,
    rewrite_matching,
    with_configure_flags,
    with_debug_info,
    with_replacement,
    with_source,
    without_tests,
)
from larix.packages.transform_compilers import (
    check_processor,
    is_tunable,
    tuning,
    with_compilers_below,
)
from larix.packages.transform_source import (
    following_uris,
    guess_name_version,
    with_origin,
    with_patches,
)
from larix.packages.versions import version_key
from larix.staging.files import LocalFile
from larix.upstream.web import DownloadFailed
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from larix.cli.evaluation import Evaluation
    from larix.cli.session import Session
    from larix.packages.package import Package
    from larix.staging.lower import Lowerable

__all__ = ["NoSource", "Part", "Walk", "Workshop"]

_GIT = ("with-git-url", "with-branch", "with-commit")
_REPOSITORIES = (".git", ".hg", ".svn", ".bzr")


class NoSource(UsageError):
    """A source that a transformation asks for cannot be had."""


class Part(NamedTuple):
    """A wish, and which packages it means; `name` is what these are called, if they are meant by name."""

    wish: Wish
    is_meant: Callable[[Package], bool]
    name: str | None


class Walk(NamedTuple):
    """Wishes that are fulfilled in one walk through the graph."""

    parts: tuple[Part, ...]
    transformation: Transformation


class Workshop:
    """Makes transformations of the wishes of one command."""

    def __init__(
        self,
        session: Session,
        evaluation: Evaluation,
        sources: Mapping[str, Any] | None,
        wishes: Sequence[Wish],
    ) -> None:
        self._session = session
        self._wishes = wishes
        self._checkouts: dict[tuple[str | None, ...], Checkout] = {}
        self._evaluation = evaluation
        self._sources = sources

    @cached_property
    def _trust(self) -> Trust:
        return Trust(self._session, self._sources)

    @property
    def trusted(self) -> Mapping[str, Trusted]:
        """The sources that were taken on trust, by the wish that asked for each."""
        return self._trust.found if "_trust" in self.__dict__ else {}

    def walk(self, option: str, wishes: Sequence[Wish]) -> Walk:
        """What fulfils successive wishes of one option."""
        if option == "tune":
            return self._tune(wishes[-1])
        if option == "with-c-toolchain":
            return self._c_toolchain(wishes)
        rules = [_RULES[option](self, wish) for wish in wishes]
        parts = tuple(_part(wish, rule.meant) for wish, rule in zip(wishes, rules, strict=True))
        return Walk(parts, rewrite_matching(rules))

    def _tune(self, wish: Wish) -> Walk:
        check_processor(wish.value, self._evaluation.lowering.system)
        return Walk((Part(wish, is_tunable, None),), tuning(wish.value))

    def _c_toolchain(self, wishes: Sequence[Wish]) -> Walk:
        parts: list[Part] = []
        steps: list[Transformation] = []
        for wish in wishes:
            name, text = pair_of(wish)
            is_toolchain = text in registered_toolchains()
            compiler = text if is_toolchain else self._evaluation.find(text).package
            parts.append(_part(wish, parse_specification(name)))
            steps.append(with_compilers_below(parts[-1].is_meant, compiler))

        def change(package: Package) -> Package:
            for step in steps:
                package = step(package)
            return package

        return Walk(tuple(parts), change)

    def input(self, wish: Wish) -> Rule:
        name, text = pair_of(wish)
        new = self._evaluation.find(text).package

        def change(package: Package) -> Package:
            del package
            return new

        return Rule(parse_specification(name), change)

    def graft(self, wish: Wish) -> Rule:
        name, text = pair_of(wish)
        new = self._evaluation.find(text).package

        def change(package: Package) -> Package:
            return with_replacement(package, new)

        return Rule(parse_specification(name), change)

    def patch(self, wish: Wish) -> Rule:
        name, file = pair_of(wish)
        if not os.path.isfile(file):
            raise NoSource(
                tr("'{file}': no such file", file=file), hint=tr("it is asked for by '--{wish}'", wish=wish)
            )
        patch = _local(file)
        return Rule(parse_specification(name), also_replacement(lambda each: with_patches(each, [patch])))

    def configure_flag(self, wish: Wish) -> Rule:
        name, flag = pair_of(wish)
        change = also_replacement(lambda package: with_configure_flags(package, [flag]))
        return Rule(parse_specification(name), change)

    def tests(self, wish: Wish) -> Rule:
        return Rule(parse_specification(wish.value), also_replacement(without_tests))

    def debug_info(self, wish: Wish) -> Rule:
        def change(package: Package) -> Package:
            return with_replacement(package, with_debug_info(package.replacement or package))

        return Rule(parse_specification(wish.value), change)

    def git(self, wish: Wish) -> Rule:
        """One of the three options on repositories; the others, where they are about the same, count too."""
        name, _ = pair_of(wish)
        about: dict[str, str] = {}
        for each in self._wishes:
            if each.option in _GIT and pair_of(each)[0] == name:
                about[each.option] = pair_of(each)[1]

        def change(package: Package) -> Package:
            known = package.source.uri if isinstance(package.source, Origin) else ()
            url = about.get("with-git-url") or repository_of(known)
            if url is None:
                raise NoSource(
                    tr("package `{full_name}`: no repository is known", full_name=package.full_name),
                    place=package.location,
                    hint=tr("name it: `--with-git-url={name}=URL`", name=name),
                )
            made = self._checkout(package.name, url, about.get("with-branch"), about.get("with-commit"))
            return with_source(package, _local(made.file), version=made.version)

        return Rule(parse_specification(name), change)

    def _checkout(self, name: str, url: str, branch: str | None, commit: str | None) -> Checkout:
        key = (name, url, branch, commit)
        if key not in self._checkouts:
            self._checkouts[key] = checkout(cache_folder(), name, url, branch=branch, commit=commit)
        return self._checkouts[key]

    def version(self, wish: Wish) -> Rule:
        name, version = pair_of(wish)

        def change(package: Package) -> Package:
            return self._release(package, wish, version)

        return Rule(parse_specification(name), change)

    def latest(self, wish: Wish) -> Rule:
        def change(package: Package) -> Package:
            return self._release(package, wish, None)

        return Rule(parse_specification(wish.value), change)

    def source(self, wish: Wish) -> Rule:
        found = IN_SOURCE.fullmatch(wish.value)
        text = found["source"] if found else wish.value
        guess = guess_name_version(text)
        name = found["package"] if found else guess.name
        version = found["version"] if found and found["version"] else guess.version
        if not name or not text:
            raise UsageError(tr("invalid source specification: {value}", value=wish.value))
        source = self._source(wish, text, f"{name}@{version}" if version else name)

        def change(package: Package) -> Package:
            return with_source(package, source, version=version)

        return Rule(parse_specification(name), change)

    def _source(self, wish: Wish, text: str, what: str) -> Lowerable:
        if "://" in text:
            return self._trust.source(str(wish), what, [text]).origin
        if not os.path.exists(text):
            raise NoSource(
                tr("'{text}': no such file", text=text), hint=tr("it is asked for by '--{wish}'", wish=wish)
            )
        return _local(text)

    def _release(self, package: Package, wish: Wish, version: str | None) -> Package:
        """A variant of another version, the newest when none is named, its source taken on trust."""
        uris: tuple[str, ...] = () if version is None else following_uris(package, version) or ()
        known = self._trust.found.get(str(wish))
        if known is not None and known.version is not None and version is not None:
            return with_origin(package, known.version, known.uris, known.content)
        if not uris:
            try:
                version, uri = self._upstream(package, version)
            except DownloadFailed as error:
                if known is None or known.version is None:
                    raise
                diagnostics.warning(
                    tr(
                        "{problem}; taking {package}@{version}, as last time",
                        problem=error.message,
                        package=package.name,
                        version=known.version,
                    )
                )
                return with_origin(package, known.version, known.uris, known.content)
            if version_key(version) == version_key(package.version):
                return package
            uris = (uri, *(each for each in following_uris(package, version) or () if each != uri))
        source = self._trust.source(str(wish), f"{package.name}@{version}", uris, version)
        return with_origin(package, version or package.version, source.uris, source.content)

    def _upstream(self, package: Package, version: str | None) -> tuple[str, str]:
        """The version and address of a release that an updater finds."""
        from larix.upstream.updating import newest_release

        update = newest_release(package, self._trust.web, version=version)
        if update is None:
            raise NoSource(
                tr("package `{full_name}`: no updater knows where it comes from", full_name=package.full_name)
                if version is None
                else tr(
                    "package `{full_name}`: its address does not follow its version, and no updater knows "
                    "where it comes from",
                    full_name=package.full_name,
                ),
                place=package.location,
                hint=tr("give the source: `--with-source={package}=URL`", package=package.name),
            )
        return update.release.version, update.release.uri


_RULES: dict[str, Callable[[Workshop, Wish], Rule]] = {
    "with-input": Workshop.input,
    "with-graft": Workshop.graft,
    **dict.fromkeys(_GIT, Workshop.git),
    "with-patch": Workshop.patch,
    "with-configure-flag": Workshop.configure_flag,
    "without-tests": Workshop.tests,
    "with-debug-info": Workshop.debug_info,
    "with-version": Workshop.version,
    "with-latest": Workshop.latest,
    "with-source": Workshop.source,
}


def _part(wish: Wish, meant: Specification) -> Part:
    return Part(wish, partial(_is_meant, meant), meant.name)


def _is_meant(meant: Specification, package: Package) -> bool:
    return is_meant(package, meant)


def _local(file: str) -> LocalFile:
    """A file or folder as a source; of a working tree, without the history."""
    name = (
        re.sub(r"[^A-Za-z0-9+._?=-]", "-", os.path.basename(os.path.normpath(file))).lstrip(".") or "source"
    )
    is_folder = os.path.isdir(file)
    is_working_tree = is_folder and any(os.path.exists(os.path.join(file, each)) for each in _REPOSITORIES)
    return LocalFile(
        file,
        name=name,
        recursive=is_folder,
        select=_is_no_history if is_working_tree else None,
        location=None,
    )


def _is_no_history(name: str, _status: os.stat_result) -> bool:
    return name not in _REPOSITORIES
