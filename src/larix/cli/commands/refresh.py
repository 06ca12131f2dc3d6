"""`larix refresh PACKAGE...`: tell which packages upstream has newer releases of, and update definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from larix.cli import diagnostics
from larix.cli.building import LOAD_PATH
from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.cli.subsets import all_packages
from larix.cli.verifying import SIGNATURES, chosen_verifier, signature_check
from larix.errors import LarixError
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from larix.cli.evaluation import Evaluation
    from larix.packages.package import Package
    from larix.upstream.signatures import Verifier
    from larix.upstream.updating import Update, Updater
    from larix.upstream.web import Web

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "packaging"
SYNOPSIS = "update existing package definitions"
OPTIONS = (
    Option("update", "u", help="update the definitions in place: version and hash"),
    Option("select", "s", "SUBSET", "of all packages those of SUBSET: core, non-core or module:NAME"),
    Option("manifest", "m", "FILE", "the packages that the Python file FILE lists as `manifest`"),
    Option("type", "t", "UPDATER,...", "ask these updaters alone"),
    Option("list-updaters", help="list the updaters, and how much of the catalogue each knows"),
    Option("target-version", argument="VERSION", help="look for VERSION and not for the newest one"),
    Option("recursive", "r", help="also the packages that PACKAGEs need"),
    Option("list-dependent", "l", help="tell what is to be built to know that all dependents still build"),
    Option("list-transitive", "T", help="list what PACKAGEs are built with, and what that is built with"),
    Option("expression", "e", "EXPR", "the package that the Python expression EXPR gives"),
    Option("file", "f", "FILE", "the package that the Python file FILE gives"),
    LOAD_PATH,
    Option("json", help="print JSON"),
)
GRAMMAR = Grammar(
    "refresh",
    "refresh [OPTION]... [PACKAGE[=VERSION] | PACKAGE=~PREFIX]...",
    "Tell which PACKAGEs, of all when none is named, upstream has newer releases of.\n"
    "The status is 1 when a PACKAGE that is named, or one to be updated, could not be looked up or updated.",
    (("", OPTIONS), ("Signatures, with -u:", SIGNATURES)),
)


class Wish(NamedTuple):
    """A package, and the version or the beginning of versions that is looked for."""

    package: Package
    version: str | None = None
    prefix: str | None = None
    is_named: bool = True


class Row(NamedTuple):
    package: Package
    update: Update | None
    error: LarixError | None


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    from larix.cli.evaluation import Evaluation

    evaluation = Evaluation(line.values("load-path"))
    if line.has("list-updaters"):
        return _list_updaters(evaluation, as_json=line.has("json"))
    if line.has("list-dependent"):
        return _list_dependent(line, evaluation)
    if line.has("list-transitive"):
        return _list_transitive(line, evaluation)
    updaters = _chosen(line)
    from larix.upstream.web import Web

    web = Web()
    verifier = chosen_verifier(line, web)
    rows: list[Row] = []
    failed = False
    for wish in _wishes(line, evaluation):
        row = _look_up(wish, web, updaters)
        rows.append(row)
        if not line.has("json"):
            _tell(row, wish, updating=line.has("update"))
        lost = row.error is not None or (row.update is None and wish.is_named)
        failed = failed or (lost and (wish.is_named or line.has("update")))
        if line.has("update") and row.update is not None and _is_wanted(wish, row.update):
            failed = not _update(wish.package, row.update, verifier) or failed
    if line.has("json"):
        _print_json(rows)
    return 1 if failed else 0


def _chosen(line: CommandLine) -> list[Updater]:
    from larix.upstream.updating import all_updaters

    names = [name for text in line.values("type") for name in text.split(",") if name]
    known = {each.name: each for each in all_updaters()}
    for name in names:
        if name not in known:
            hint = diagnostics.did_you_mean(name, known) or tr(
                "there are {known}", known=", ".join(sorted(known))
            )
            raise UsageError(tr("{name}: no such updater", name=name), hint=hint)
    return [known[name] for name in dict.fromkeys(names)] or list(known.values())


def _wishes(line: CommandLine, evaluation: Evaluation) -> Iterator[Wish]:
    named = list(_named(line, evaluation))
    if not named:
        for package in all_packages(evaluation, line.last("select")):
            yield Wish(package, is_named=False)
        return
    if line.has("select"):
        raise UsageError(tr("'--select' is for all packages, and some are named"))
    yield from named
    if line.has("recursive"):
        seen = {id(wish.package) for wish in named}
        for wish in named:
            for package in _needed(wish.package, seen):
                yield Wish(package, is_named=False)


def _named(line: CommandLine, evaluation: Evaluation) -> Iterator[Wish]:
    target = line.last("target-version")
    for token in line.tokens:
        if token.value is None:
            continue
        if token.name == "":
            name, equals, version = token.value.partition("=")
            package = evaluation.find(name).package
            if version.startswith("~"):
                yield Wish(package, prefix=version[1:])
            else:
                yield Wish(package, version=version if equals else target)
        elif token.name == "expression":
            for each in evaluation.packages_of_expression(token.value):
                yield Wish(each.package, version=target)
        elif token.name == "file":
            for each in evaluation.packages_of_file(token.value):
                yield Wish(each.package, version=target)
        elif token.name == "manifest":
            for each in evaluation.manifest_file(token.value):
                yield Wish(each.package, is_named=False)


def _needed(package: Package, seen: set[int]) -> Iterator[Package]:
    """What a package names as inputs, and what these name, each once."""
    from larix.packages.bag import package_of

    for each in package.direct_inputs():
        needed = package_of(each.value)
        if needed is not None and id(needed) not in seen:
            seen.add(id(needed))
            yield needed
            yield from _needed(needed, seen)


def _look_up(wish: Wish, web: Web, updaters: list[Updater]) -> Row:
    from larix.upstream.updating import newest_release

    try:
        update = newest_release(wish.package, web, among=updaters, prefix=wish.prefix, version=wish.version)
    except LarixError as error:
        return Row(wish.package, None, error)
    return Row(wish.package, update, None)


def _is_wanted(wish: Wish, update: Update) -> bool:
    """Newer, or the very version that was asked for."""
    asked = wish.version is not None or wish.prefix is not None
    return update.is_newer or (asked and update.release.version != wish.package.version)


def _tell(row: Row, wish: Wish, *, updating: bool) -> None:
    package, update = row.package, row.update
    if row.error is not None:
        told = row.error.message if wish.is_named else _briefly(row.error)
        diagnostics.warning(f"{package.name}: {told}", diagnostics.shown_place(package.location))
        if row.error.hint and wish.is_named:
            diagnostics.show_hint(row.error.hint)
    elif update is None:
        if wish.is_named:
            diagnostics.warning(
                tr("no updater for {package}", package=package.name),
                diagnostics.shown_place(package.location),
            )
    elif _is_wanted(wish, update):
        place, new = diagnostics.shown_place(package.location), update.release.version
        if updating:
            print(
                tr(
                    "{place}: {package}: updating from version {version} to version {new}...",
                    place=place,
                    package=package.name,
                    version=package.version,
                    new=new,
                )
            )
        else:
            gaps = {"place": place, "package": package.name, "version": package.version, "new": new}
            print(
                tr("{place}: {package} would be upgraded from {version} to {new}", **gaps)
                if update.is_newer
                else tr("{place}: {package} would be downgraded from {version} to {new}", **gaps)
            )
    elif wish.is_named:
        if update.release.version == package.version:
            print(
                tr(
                    "{version} is already the latest version of {package}",
                    version=package.version,
                    package=package.name,
                )
            )
        else:
            diagnostics.warning(
                tr(
                    "{version} is greater than the latest known version of {package} ({newest})",
                    version=package.version,
                    package=package.name,
                    newest=update.release.version,
                ),
                diagnostics.shown_place(package.location),
            )


def _briefly(error: LarixError) -> str:
    """One line for each of many packages."""
    from larix.upstream.web import DownloadFailed

    if isinstance(error, DownloadFailed):
        return tr("cannot be looked up: {brief}", brief=error.brief)
    return error.message.partition("\n")[0]


def _update(package: Package, update: Update, verifier: Verifier) -> bool:
    """Fetch the release, have a look at its signature, and change the definition; whether that worked."""
    from larix.cli.downloading import progress_shown
    from larix.upstream.editing import update_definition
    from larix.upstream.web import Web

    check = signature_check(verifier, f"{package.name} {update.release.version}")
    try:
        with progress_shown() as tell:
            update_definition(package, update.release, Web(progress=tell), check)
    except LarixError as error:
        diagnostics.warning(
            tr("{package}: not updated: {problem}", package=package.name, problem=error.message),
            error.place or package.location,
        )
        if error.hint:
            diagnostics.show_hint(error.hint)
        return False
    return True


def _list_updaters(evaluation: Evaluation, *, as_json: bool) -> int:
    from larix.upstream.updating import all_updaters, updaters_of

    catalogue = evaluation.catalogue
    packages = [catalogue.load(catalogue.entry(row)) for row in catalogue.listed_rows()]
    known = [[each.name for each in updaters_of(package)] for package in packages]
    total = max(len(packages), 1)
    rows = [(each, sum(each.name in names for names in known)) for each in all_updaters()]
    covered = sum(bool(names) for names in known)
    if as_json:
        from larix.cli.tables import print_json

        print_json(
            updaters=[
                {"name": each.name, "description": each.description, "packages": count}
                for each, count in rows
            ],
            packages=len(packages),
            covered=covered,
        )
        return 0
    print(tr("Available updaters:"))
    for each, count in rows:
        print(
            tr(
                "  - {updater}: {description} ({share:.1f}% coverage)",
                updater=each.name,
                description=tr(each.description),
                share=100 * count / total,
            )
        )
    print(tr("{share:.1f}% of the packages are covered by these updaters.", share=100 * covered / total))
    return 0


def _tell_broken(error: LarixError) -> None:
    diagnostics.warning(error.message, error.place)


def _list_dependent(line: CommandLine, evaluation: Evaluation) -> int:
    """What is shown is the dependents that nothing else depends on."""
    from larix.cli.relatives import listed_packages
    from larix.packages.dependents import dependents_of

    named = [wish.package for wish in _named(line, evaluation)]
    if not named:
        raise UsageError(tr("no package to list the dependents of"))
    lowering = evaluation.lowering
    dependents = dependents_of(listed_packages(evaluation), named, lowering, tell=_tell_broken)
    found = {each.full_name for each in dependents}
    ends = sorted(
        each.full_name for each in dependents if not dependents_of(dependents, [each], lowering, depth=1)
    )
    if line.has("json"):
        from larix.cli.tables import print_json

        print_json(build=ends, dependents=sorted(found))
    elif not found:
        print(
            tr(
                "No dependents other than itself: {own}",
                own=", ".join(sorted(each.full_name for each in named)),
            )
        )
    else:
        packages = plural("the following package", "the following {number} packages", len(ends))
        rebuilt = plural("{number} dependent package is", "{number} dependent packages are", len(found))
        print(
            tr("Building {packages} would ensure {rebuilt} rebuilt:", packages=packages, rebuilt=rebuilt),
            " ".join(ends),
        )
    return 0


def _list_transitive(line: CommandLine, evaluation: Evaluation) -> int:
    from larix.packages.dependents import needed_by

    wishes = list(_named(line, evaluation))
    if not wishes:
        raise UsageError(tr("no package to list the inputs of"))
    found: dict[str, list[str]] = {}
    for wish in wishes:
        seen: dict[int, Package] = {}
        todo = [wish.package]
        while todo:
            fresh = [each for each in needed_by(todo.pop(), evaluation.lowering) if id(each) not in seen]
            seen.update((id(each), each) for each in fresh)
            todo += fresh
        found[wish.package.full_name] = sorted(each.full_name for each in seen.values())
    if line.has("json"):
        from larix.cli.tables import print_json

        print_json(packages=[{"name": name, "inputs": inputs} for name, inputs in found.items()])
        return 0
    for name, inputs in found.items():
        if inputs:
            told = plural(
                "{name} depends on the following package: {inputs}",
                "{name} depends on the following {number} packages: {inputs}",
                len(inputs),
                name=name,
                inputs=" ".join(inputs),
            )
        else:
            told = tr("{name} depends on no other package", name=name)
        print(told)
    return 0


def _print_json(rows: list[Row]) -> None:
    from larix.cli.tables import print_json

    print_json(
        packages=[
            {
                "name": row.package.name,
                "package_version": row.package.version,
                "location": str(row.package.location),
                "updater": row.update.updater if row.update else None,
                "latest": row.update.release.version if row.update else None,
                "uri": row.update.release.uri if row.update else None,
                "upgradable": row.update.is_newer if row.update else False,
                "error": row.error.message if row.error else None,
            }
            for row in rows
        ]
    )
