"""Python projects, from the index that this machine uses and the source archive itself."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from larix.builder.builtins.mirrors import PYPI
from larix.builder.builtins.simple_index import normal_name
from larix.packages.versions import version_matches
from larix.upstream.drafts import Draft, Need, tidy_description, tidy_synopsis
from larix.upstream.importing import NotFound
from larix.upstream.license_names import license_names
from larix.upstream.python_project import SourceArchive, parse_metadata, source_files
from larix.upstream.web import DownloadFailed
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import Message

    from larix.builder.builtins.simple_index import IndexFile
    from larix.upstream.importing import Context

__all__ = ["DESCRIPTION", "RECURSES", "drafts"]

DESCRIPTION = "a project of the index of Python packages"
RECURSES = True

_NOT_NEEDED = frozenset({"wheel", "pip"})  # larix makes wheels through the back end, and installs them itself
_TEST_EXTRAS = frozenset({"test", "tests", "testing"})
_LARGEST_DESCRIPTION = 1 << 16


def drafts(name: str, version: str | None, context: Context) -> list[Draft]:
    """A project, after those that it needs and the catalogue lacks when `context` says so."""
    run = _Run(context)
    run.add(name, version)
    return list(reversed(run.made.values()))


class _Run:
    """One import: what was made so far, by the projects' names, those that need others first."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.made: dict[str, Draft] = {}

    def add(self, project: str, version: str | None) -> None:
        pending: list[tuple[str, str | None]] = [(project, version)]
        while pending:
            name, wanted = pending.pop(0)
            key = normal_name(name)
            if key in self.made:
                continue
            self._context.tell(name)
            facts = _look_up(name, wanted, self._context)
            needs = _Needs(facts, self._context)
            missing = needs.missing() if self._context.recursive else []
            pending += [(each, None) for each in missing]
            self.made[key] = facts.draft(needs)
        if self._context.recursive:
            self._connect()

    def _connect(self) -> None:
        """What was imported in the same run can be named."""
        made = {name: draft.variable for name, draft in self.made.items()}

        def connected(needs: Iterable[Need]) -> list[Need]:
            return [
                each if each.variable else each._replace(variable=made.get(_project_of(each.called), ""))
                for each in needs
            ]

        for name, draft in self.made.items():
            self.made[name] = draft._replace(
                native=connected(draft.native), propagated=connected(draft.propagated)
            )


class _Facts(NamedTuple):
    """What index and archive say of one release."""

    project: str
    version: str
    file: IndexFile
    digest: str
    archive: SourceArchive
    metadata: Message

    def draft(self, needs: _Needs) -> Draft:
        metadata = self.metadata
        name = str(metadata.get("Name") or self.project)
        summary = str(metadata.get("Summary") or "").strip()
        synopsis = tidy_synopsis(summary or name, name)
        said = _license_text(metadata)
        body = str(metadata.get_payload())[:_LARGEST_DESCRIPTION]
        return Draft(
            name=f"python-{normal_name(name).removeprefix('python-')}",
            version=self.version,
            uris=(f"{PYPI}{normal_name(self.project)}/{self.file.name}",),
            sha256=self.digest,
            build_system="pyproject",
            synopsis=synopsis,
            description=tidy_description(body or str(metadata.get("Description") or ""), synopsis),
            home_page=_home_page(metadata),
            licenses=license_names(said),
            license_said=said,
            native=needs.native,
            propagated=needs.propagated,
            arguments=needs.arguments,
        )


def _look_up(project: str, wanted: str | None, context: Context) -> _Facts:
    try:
        listed = context.web.python_files(project)
    except DownloadFailed as error:
        if all("404" in cause or "No such file" in cause for cause in error.causes.values()):
            raise NotFound(
                tr("no index of Python packages has a project `{project}`", project=project)
            ) from error
        raise
    releases = source_files(listed, project)
    version = _choose(project, wanted, releases)
    file = releases[version]
    with tempfile.TemporaryDirectory(prefix="larix-") as folder:
        place = os.path.join(folder, file.name)
        done = context.web.download(file.url, place)
        archive = SourceArchive(place, file.name)
    return _Facts(
        project,
        version,
        file,
        done.digest.hex(),
        archive,
        _metadata(project, version, listed, archive, context),
    )


def _choose(project: str, wanted: str | None, releases: dict[str, IndexFile]) -> str:
    known = sorted(
        ((number, text) for text in releases if (number := _parsed(text)) is not None), reverse=True
    )
    fitting = [
        (number, text)
        for number, text in known
        if (not releases[text].yanked if wanted is None else version_matches(text, wanted))
    ]
    stable = [text for number, text in fitting if not number.is_prerelease]
    if wanted in releases:
        return wanted
    chosen = next(iter([*stable, *(text for _, text in fitting)]), None)
    if chosen is None:
        what = f"`{project}` {wanted}" if wanted else f"`{project}`"
        hint = tr("there is {known}", known=", ".join((text for _, text in known[:6]))) if known else None
        raise NotFound(tr("there is no source archive of {what}", what=what), hint=hint)
    return chosen


def _parsed(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _metadata(
    project: str, version: str, listed: Iterable[IndexFile], archive: SourceArchive, context: Context
) -> Message:
    """Of a wheel of the release if the index shows that apart, since wheels know what they need."""
    for file in listed:
        parts = file.name.split("-")
        if (
            file.metadata_url is not None
            and file.name.endswith(".whl")
            and normal_name(parts[0]) == normal_name(project)
            and parts[1] == version
        ):
            try:
                return parse_metadata(context.web.page(file.metadata_url).data)
            except DownloadFailed:
                break
    return archive.metadata


class _Needs:
    """What a release needs, sorted by role, and found in the catalogue or not."""

    def __init__(self, facts: _Facts, context: Context) -> None:
        known = context.known
        told = facts.metadata.get_all("Requires-Dist") or facts.archive.run_requirements()
        requirements = list(_requirements(map(str, told)))
        own = normal_name(facts.project)

        def need(requirement: Requirement) -> Need:
            return known.python_project(requirement.name, _shown(requirement))

        def wanted(each: Requirement) -> bool:
            return normal_name(each.name) not in _NOT_NEEDED | {own}

        building = [each for each in _requirements(facts.archive.build_requirements) if wanted(each)]
        self.native = [need(each) for each in building if _applies(each)]
        self.propagated = [need(each) for each in requirements if _applies(each) and wanted(each)]
        testing = [each for each in requirements if _applies_to_tests(each) and wanted(each)]
        testing += [each for each in _requirements(facts.archive.test_requirements) if _applies(each)]
        self.arguments: list[str] = []
        self._add_tests([need(each) for each in testing], facts, context)

    def _add_tests(self, tests: list[Need], facts: _Facts, context: Context) -> None:
        lacking = [each.called for each in tests if not each.variable]
        pytest = context.known.python_project("pytest", "pytest")
        if lacking:
            self.arguments += [
                *(f"# Its tests want, and the catalogue has not: {each}" for each in dict.fromkeys(lacking)),
                '"tests": False,',
            ]
            return
        run_time = {need.reference for need in self.propagated}
        self.native += [each for each in tests if each.reference not in run_time]
        if facts.archive.has_tests and pytest.variable and pytest not in self.native:
            self.native.append(pytest)

    def missing(self) -> list[str]:
        return list(
            dict.fromkeys(
                _project_of(each.called) for each in (*self.native, *self.propagated) if not each.variable
            )
        )


def _requirements(texts: Iterable[str]) -> Iterator[Requirement]:
    for text in texts:
        try:
            yield Requirement(text)
        except InvalidRequirement:
            continue


def _environment(extra: str) -> dict[str, str]:
    """Markers are for Linux and the newest Python, not for the Python that runs this."""
    return {
        "implementation_name": "cpython",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": "3.13.5",
        "python_version": "3.13",
        "sys_platform": "linux",
        "extra": extra,
    }


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(_environment(""))


def _applies_to_tests(requirement: Requirement) -> bool:
    marker = requirement.marker
    if marker is None or marker.evaluate(_environment("")):
        return False
    return any(marker.evaluate(_environment(extra)) for extra in _TEST_EXTRAS)


def _shown(requirement: Requirement) -> str:
    """`name>=1`; what it is called and which versions, not when."""
    return f"{requirement.name}{requirement.specifier}"


def _project_of(called: str) -> str:
    return normal_name(Requirement(called).name)


def _license_text(metadata: Message) -> str:
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classified = [
        str(each).rpartition(" :: ")[2]
        for each in metadata.get_all("Classifier") or ()
        if str(each).startswith("License :: ") and not str(each).endswith(":: OSI Approved")
    ]
    plain = str(metadata.get("License") or "").strip()
    if plain and len(plain) <= 60 and license_names(plain):
        return plain
    return " OR ".join(classified) or plain.partition("\n")[0]


def _home_page(metadata: Message) -> str | None:
    page = str(metadata.get("Home-page") or "").strip()
    if page.startswith("http"):
        return page
    links: dict[str, str] = {}
    for each in metadata.get_all("Project-URL") or ():
        label, _, url = str(each).partition(",")
        links.setdefault(label.strip().lower().replace(" ", "").replace("-", ""), url.strip())
    for label in (
        "homepage",
        "home",
        "documentation",
        "repository",
        "source",
        "sourcecode",
        "github",
        "code",
    ):
        if links.get(label, "").startswith("http"):
            return links[label]
    return next((url for url in links.values() if url.startswith("http")), None)
