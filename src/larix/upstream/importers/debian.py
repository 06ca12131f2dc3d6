"""Source packages of Debian, from the indexes of the mirrors that this machine's apt uses."""

from __future__ import annotations

import os
import re
import tarfile
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from larix.packages.versions import version_key, version_matches
from larix.upstream.debian_sources import open_indexes, upstream_version
from larix.upstream.drafts import Draft, Need, tidy_description, tidy_synopsis
from larix.upstream.importing import NotFound
from larix.upstream.license_names import license_names
from larix.upstream.web import DownloadFailed
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from larix.upstream.debian_sources import SourceFile, SourceIndex, SourcePackage
    from larix.upstream.importing import Context

__all__ = ["DESCRIPTION", "RECURSES", "drafts"]

DESCRIPTION = "a source package of Debian"
RECURSES = False

_HELPERS = re.compile(
    r"debhelper(-compat)?|dh-.*|dpkg-dev|build-essential|quilt|gcc(-[0-9]+)?|g\+\+(-[0-9]+)?|libc6?-dev|libc-dev|"
    r"make|coreutils|sed|grep|gawk|tar|gzip|bzip2|xz-utils|patch|diffutils|findutils|bash|lsb-release|"
    r"lsb-base|fakeroot|po-debconf|debianutils|dpkg|autotools-dev|dh_.*|libtool-bin"
)
_PYTHON = re.compile(r"python3(-dev|-all|-all-dev|-minimal)?|libpython3-dev|libpython3-all-dev")
_ALIASES = {"pkg-config": "pkgconf", "pkgconf": "pkgconf", "autopoint": "gettext", "ninja-build": "ninja"}
_IMPLICIT = {"cmake": {"cmake"}, "meson": {"meson", "ninja"}, "perl": {"perl"}, "pyproject": {"python"}}
_AUTOTOOLS = frozenset(("autoconf", "automake", "autopoint", "autotools-dev", "dh-autoreconf", "libtool"))
_BOILERPLATE = re.compile(r"^This package (?:contains|provides|includes)\b[^.]*\.\s*")


def drafts(name: str, version: str | None, context: Context) -> list[Draft]:
    """The newest version that any suite has, or the one asked for, with what Debian's own files say of it."""
    context.tell(name)
    indexes = list(open_indexes(context.web))
    package, index, archive, is_there = _choose(name, version, indexes, context)
    notes = _notes(package, context)
    needs = _Needs(package, index, context)
    number = _version_of(archive, package)
    place = f"debian://{archive.place}"
    address = _upstream_address(notes.watch, number, archive.name)
    remarks = [notes.problem] if notes.problem else []
    if not is_there:
        remarks.append(
            tr("No mirror of this machine has this source: name another version, or another place.")
        )
    if needs.build_system == "gnu" and not _AUTOTOOLS & set(package.build_depends):
        remarks.append(
            tr("Debian does not tell how it is built: where there is no `configure`, delete that phase.")
        )
    if address is not None:
        remarks.append(tr("The first address is made from what Debian watches: see that it is right."))
    synopsis = tidy_synopsis(notes.synopsis or name, name)
    text = _BOILERPLATE.sub("", notes.description)
    return [
        Draft(
            name=_name(package.name, needs.build_system),
            version=number,
            uris=[*([] if address is None else [address]), place],
            sha256=archive.sha256,
            build_system=needs.build_system,
            synopsis=synopsis,
            description=tidy_description(text, synopsis),
            home_page=package.home_page,
            licenses=notes.licenses,
            license_said=notes.license_said,
            native=needs.native,
            inputs=needs.inputs,
            remarks=remarks,
        )
    ]


def _name(source: str, build_system: str) -> str:
    if build_system == "pyproject":
        return f"python-{source.removeprefix('python-')}"
    return source.replace("_", "-")


def _choose(
    name: str, version: str | None, indexes: Sequence[SourceIndex], context: Context
) -> tuple[SourcePackage, SourceIndex, SourceFile, bool]:
    """The newest version whose archive the mirrors have, as their indexes may be ahead of them.

    If there is none, the newest of all; whether it is there comes last.
    """
    for source in _sources(name, indexes):
        found = [(package, index) for index in indexes for package in index.find(source)]
        fitting = [
            (package, index, archive)
            for package, index in found
            if version is None or version_matches(upstream_version(package.version), version)
            if (archive := package.archive) is not None
        ]
        fitting.sort(key=lambda each: version_key(upstream_version(each[0].version)), reverse=True)
        if fitting:
            there = (each for each in fitting if context.web.reach(f"debian://{each[2].place}") is None)
            return next(((*each, True) for each in there), (*fitting[0], False))
        if found:
            known = sorted({upstream_version(package.version) for package, _ in found}, key=version_key)
            raise NotFound(
                tr("Debian has no `{source}` of version {version}", source=source, version=version),
                hint=tr("there is {known}", known=", ".join(known[::-1])),
            )
    raise NotFound(tr("Debian has no source package `{name}`", name=name), hint=_close(name, indexes))


def _sources(name: str, indexes: Sequence[SourceIndex]) -> Iterator[str]:
    """The name itself, and if that is none of a source package, what a binary package of it is made of."""
    yield name
    for index in indexes:
        source = index.sources_of_binaries.get(name)
        if source:
            yield source


def _close(name: str, indexes: Sequence[SourceIndex]) -> str | None:
    from difflib import get_close_matches

    names = {each for index in indexes for each in index.names() if each[:1] == name[:1]}
    close = get_close_matches(name, sorted(names), 1)
    return tr("Did you mean `{close}'?", close=close[0]) if close else None


def _version_of(archive: SourceFile, package: SourcePackage) -> str:
    """As in the archive's name, which may say that Debian has repacked it (`1.2+dfsg`)."""
    match = re.search(r"_([^_]+?)(?:\.orig)?\.tar\.\w+$", archive.name)
    return match[1] if match is not None else upstream_version(package.version)


class _Notes(NamedTuple):
    """What the files of Debian's own say."""

    synopsis: str = ""
    description: str = ""
    licenses: Sequence[str] = ()
    license_said: str = ""
    watch: str = ""
    problem: str = ""


def _notes(package: SourcePackage, context: Context) -> _Notes:
    if package.packaging is None:
        return _Notes()
    try:
        texts = dict(_own_files(package.packaging, context))
    except (DownloadFailed, tarfile.TarError, OSError, EOFError) as error:
        cause = error.brief if isinstance(error, DownloadFailed) else str(error)
        return _Notes(
            problem=tr("Debian's own files, which tell more, could not be read: {cause}.", cause=cause)
        )
    synopsis, description = _described(texts.get("control", ""), package.name)
    said = _licenses_said(texts.get("copyright", ""))
    names = [license_names(each) for each in said]
    understood = [name for each in names for name in each] if all(names) else []
    return _Notes(
        synopsis,
        description,
        tuple(dict.fromkeys(understood)),
        ", ".join(said),
        texts.get("watch", ""),
    )


def _own_files(packaging: SourceFile, context: Context) -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory(prefix="larix-") as folder:
        file = os.path.join(folder, "debian.tar")
        context.web.download(f"debian://{packaging.place}", file)
        with tarfile.open(file) as archive:
            for entry in archive:
                name = entry.name.removeprefix("./").removeprefix("debian/")
                if name in {"control", "copyright", "watch"}:
                    stream = archive.extractfile(entry)
                    yield name, "" if stream is None else stream.read().decode("utf-8", "replace")


def _described(control: str, source: str) -> tuple[str, str]:
    """Synopsis and description of what is called like the source, else of the first package with programs."""
    found: list[tuple[str, str, str]] = []
    for paragraph in re.split(r"\n\s*\n", control):
        name = re.search(r"^(?:Package|Source):\s*(\S+)", paragraph, re.MULTILINE)
        text = re.search(r"^Description:[ \t]*(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE)
        if name is not None and text is not None:
            first, _, rest = text[1].partition("\n")
            plain = "\n".join(
                line.strip().removeprefix(".") if line.strip() == "." else line.strip()
                for line in rest.splitlines()
            )
            found.append((name[1], first.strip(), plain))
    found = [each for each in found if not each[1].startswith("${")]
    ranked = sorted(
        found, key=lambda each: (each[0] != source, bool(re.search(r"-(dev|doc|dbg|data|common)$", each[0])))
    )
    if not ranked:
        return "", ""
    _, synopsis, description = ranked[0]
    return re.sub(r"\s+[-(\u2013].*$", "", synopsis) if len(synopsis) > 60 else synopsis, description


def _licenses_said(copyright_file: str) -> list[str]:
    """The licences of upstream's files, by the machine-readable form of Debian's copyright files."""
    found: dict[str, None] = {}
    for paragraph in re.split(r"\n\s*\n", copyright_file):
        files = re.search(r"^Files:\s*(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE)
        license_line = re.search(r"^License:[ \t]*(\S.*)$", paragraph, re.MULTILINE)
        if files is None or license_line is None or files[1].strip().startswith("debian/"):
            continue
        if files[1].strip().split()[0] == "*":
            return [license_line[1].strip()]
        found[license_line[1].strip()] = None
    return list(found)


def _upstream_address(watch: str, version: str, archive: str) -> str | None:
    """Upstream's address of the version, when what Debian watches is a plain pattern of it."""
    if "+" in version:
        return None  # Debian has changed it
    ending = re.search(r"\.tar\.(\w+)$", archive)
    text = re.sub(r"\\\n\s*", " ", watch)
    for line in text.splitlines():
        words = [word for word in line.split() if not word.startswith(("version=", "opts=", '"'))]
        address = (
            " ".join(words[:2])
            if len(words) > 1 and not re.search(r"\(.*\)", words[0])
            else "".join(words[:1])
        )
        address = address.replace(" ", "/" if not address.partition(" ")[0].endswith("/") else "")
        match = re.fullmatch(r"(https?://[^\s()]+?)\((?:[^()]|\(\?:[^()]*\))+\)(\S*)", address)
        if match is None or ending is None:
            continue
        before, after = match[1].replace("\\", ""), match[2].replace("\\", "")
        after = re.sub(r"\.?\(\?:[^()]*\)|\(.*$|@ARCHIVE_EXT@|\.tar\..*$|\.t?gz.*$", "", after)
        made = f"{before}{version}{after}.tar.{ending[1]}"
        if re.search(r"[][*+?|^$()@]", made) or re.search(r"github\.com|pypi", made):
            continue
        return made.replace("https://ftp.gnu.org/gnu/", "mirror://gnu/").replace(
            "http://ftp.gnu.org/gnu/", "mirror://gnu/"
        )
    return None


class _Needs:
    """What the package is built with, by role, and the build system that this tells."""

    def __init__(self, package: SourcePackage, index: SourceIndex, context: Context) -> None:
        names = package.build_depends
        self.build_system = _build_system(names)
        implied = _IMPLICIT.get(self.build_system, set[str]())
        self.native: list[Need] = []
        self.inputs: list[Need] = []
        for name in names:
            if _HELPERS.fullmatch(name) or name in {package.name, *package.binaries}:
                continue
            need = _find(name, index, context)
            if need.variable in implied:
                continue
            (self.inputs if _is_library(name) else self.native).append(need)
        self.native, self.inputs = _once(self.native), _once(self.inputs)


def _once(needs: Iterable[Need]) -> list[Need]:
    return list({need.reference or need.called: need for need in needs}.values())


def _find(name: str, index: SourceIndex, context: Context) -> Need:
    known = context.known
    if _PYTHON.fullmatch(name):
        found = known.named(["python"], name)
    elif name in _ALIASES:
        found = known.named([_ALIASES[name]], name)
    else:
        source = index.sources_of_binaries.get(name, name)
        found = known.debian_source(source, name)
    return found if found is not None else Need(name)


def _is_library(name: str) -> bool:
    return name.endswith("-dev")


def _build_system(names: Sequence[str]) -> str:
    if "dh-python" in names and any(
        name.startswith("pybuild") or name == "python3-setuptools" for name in names
    ):
        return "pyproject"
    return next((system for system in ("cmake", "meson") if system in names), "gnu")
