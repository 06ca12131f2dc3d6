"""Making a sealed profile again: its packages as the catalogue has them, held to what the record says.

In this order, and nothing of the profile is touched before the last step: the machine and the catalogues are
looked at, packages must come to the store paths of the record, all is built, every item of the closure is
compared, and the profile gets its next generation.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.cli import diagnostics
from larix.cli.building import build_options, tell_work
from larix.cli.grafting import tell_pending
from larix.cli.labels import check_free, label_generations
from larix.cli.listing import origin_data
from larix.cli.making import Making, make_profile, plan_profile, work_of
from larix.cli.profiles import (
    default_profile,
    make_default_profile_places,
    named_profile,
    tell_foreign_link,
)
from larix.cli.provenance import content_hash
from larix.cli.switching import lock_wait
from larix.cli.tables import print_json
from larix.cli.wanted import Wanted
from larix.errors import LarixError
from larix.formats.hashes import Hash
from larix.packages.platform import host_system
from larix.profiles import generation
from larix.profiles.deployment import Deployment, Difference, compare_items, parse_deployment
from larix.profiles.manifest import Manifest
from larix.profiles.notes import next_number
from larix.store.pipeline import hash_steps
from larix.store.tree import read_steps
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from larix.cli.options import CommandLine
    from larix.cli.profiles import Profile
    from larix.cli.session import Session
    from larix.formats.storepath import StorePath
    from larix.profiles.manifest import Entry
    from larix.protocol import BuildOptions, PathInfo

__all__ = ["CannotReplay", "NotTheSame", "read_deployment", "replay"]

DIFFERENT = 2  # the exit status


class CannotReplay(LarixError):
    """The machine, or the catalogue, is not one on which the deployment can be made again."""


class NotTheSame(LarixError):
    """Packages come to other store paths than in the record."""


class _Catalogue(NamedTuple):
    """A recorded catalogue, and the folder here that has its content, if there is one."""

    record: Mapping[str, Any]
    folder: str | None


def read_deployment(file: str) -> Deployment:
    try:
        with open(file, "rb") as stream:
            text = stream.read()
    except OSError as error:
        raise CannotReplay(tr("cannot read '{file}': {reason}", file=file, reason=error.strerror)) from error
    return parse_deployment(text, file)


def replay(session: Session, deployment: Deployment, line: CommandLine, *, default_verbosity: int) -> int:
    options = build_options(line, default_verbosity=default_verbosity)
    _check_machine(session, deployment)
    names = line.values("profile")
    profile = named_profile(session, names[-1]) if names else default_profile(session)
    if names:
        profile.require_generations()
        profile.require_folder()
    wanted = Wanted(session, line.values("load-path"))
    catalogues = _catalogues(wanted, deployment)
    for each in catalogues:
        if each.folder is None:
            _warn_of_catalogue(each.record)
    _check_packages(session, deployment, wanted, options, dry_run=line.has("dry-run"))
    making = plan_profile(session, deployment.manifest, wanted.items, system=deployment.system)
    work = work_of(session, making)
    if options.verbosity >= 1 or line.has("dry-run"):
        tell_work(work, dry_run=line.has("dry-run"), verbosity=options.verbosity)
    if line.has("dry-run"):
        if line.has("json"):
            print_json(
                profile=making.item,
                catalogues=_catalogue_data(catalogues),
                **work.data(),
            )
        return 0
    make_profile(session, making, options, work)
    found = session.store.path_infos(session.store.closure([making.item]))
    if line.has("check-contents"):
        found = {path: info._replace(nar_hash=_read_hash(path)) for path, info in found.items()}
    differing, extra = compare_items(deployment, found)
    number = None
    if not (differing or extra) or line.has("accept-differences"):
        number = _switch(profile, making, line)
    if line.has("json"):
        _print_result(deployment, making, catalogues, (differing, extra), number)
    else:
        _tell_result(deployment, found, (differing, extra))
    if (differing or extra) and number is None:
        diagnostics.show_hint(
            tr("the profile was not changed; `--accept-differences' makes it {item}", item=making.item)
        )
    return DIFFERENT if differing or extra else 0


def _check_machine(session: Session, deployment: Deployment) -> None:
    if deployment.system != host_system():
        raise CannotReplay(
            tr(
                "the deployment is for {system}, and this machine is {host}",
                system=deployment.system,
                host=host_system(),
            )
        )
    if deployment.store_dir != session.store.store_dir:
        raise CannotReplay(
            tr(
                "the deployment is for the store `{store}', and this is `{here}'",
                store=deployment.store_dir,
                here=session.store.store_dir,
            ),
            hint=tr(
                "the directory is part of every item; LARIX_STORE_DIR={store} names the store to use",
                store=deployment.store_dir,
            ),
        )


def _catalogues(wanted: Wanted, deployment: Deployment) -> list[_Catalogue]:
    """The recorded catalogues with the folders here, which their content tells."""
    here = {content_hash(os.path.realpath(top)): top for top in wanted.evaluation.catalogue.tops}
    return [_Catalogue(record, here.get(record["hash"])) for record in deployment.catalogues]


def _warn_of_catalogue(record: Mapping[str, Any]) -> None:
    name, commit, url = record["channel"], record.get("commit"), record.get("url")
    if commit is None:
        text = tr("no folder here has the content of the catalogue {name}", name=name)
        diagnostics.warning(text)
        diagnostics.show_hint(
            tr(
                "find the folder whose content has the hash {hash}, and name it with `-L'",
                hash=record["hash"],
            )
        )
        return
    diagnostics.warning(
        tr("no folder here is the catalogue {name} at commit {commit}", name=name, commit=commit)
    )
    below = f"{name}-{commit[:12]}"
    folder = f"{below}/{record['path']}" if "path" in record else below
    diagnostics.show_hint(
        f"  git clone {url or tr('REPOSITORY')} {below}\n"
        f"  git -C {below} checkout {commit}\n" + tr("and then add `-L {folder}'", folder=folder)
    )
    if record.get("dirty"):
        diagnostics.show_hint(tr("it also had changes that are in no commit"))


def _check_packages(
    session: Session, deployment: Deployment, wanted: Wanted, options: BuildOptions, *, dry_run: bool
) -> None:
    """Raise `NotTheSame` unless the catalogue's packages have the store paths of the record.

    Where grafts were made, originals are built to know it. What the catalogue does not have is taken from the
    store, if it is there.
    """
    made: list[tuple[Entry, Entry | None]] = [
        (entry, wanted.recorded(entry)) for entry in deployment.manifest.entries
    ]
    other = [entry for old, entry in made if entry is not None and not _is_alike(old, entry)]
    if other:
        grafted, grafts = wanted.grafted(other, options, dry_run=dry_run)
        if grafts is not None and grafts.pending:
            tell_pending(grafts.pending)
            return
        new = dict(zip([entry.path for entry in other], grafted, strict=True))
        made = [(old, entry and new.get(entry.path, entry)) for old, entry in made]
    store = session.store
    lines: list[str] = []
    for old, entry in made:
        if entry is not None and _is_alike(old, entry):
            continue
        paths = {each.path for each in Manifest((old,)).transitive()}
        if store.valid_paths(path for path in deployment.items if path in paths) == paths:
            diagnostics.warning(
                tr("{name}@{version} is taken as it is in the store", name=old.name, version=old.version)
            )
            continue
        found = tr("no such package") if entry is None else _first_difference(old, entry)
        lines.append(f"  {old.name}@{old.version} {old.path}: {found}")
    if lines:
        text = plural(
            "{number} package comes out otherwise than in the deployment:",
            "{number} packages come out otherwise than in the deployment:",
            len(lines),
        )
        raise NotTheSame(
            "\n".join([text, *lines]),
            hint=tr("nothing was changed; the same needs the catalogues, and the larix, of the deployment"),
        )


def _is_alike(old: Entry, new: Entry) -> bool:
    return [each.path for each in Manifest((old,)).transitive()] == [
        each.path for each in Manifest((new,)).transitive()
    ]


def _first_difference(old: Entry, new: Entry) -> str:
    known = {each.path for each in Manifest((old,)).transitive()}
    return next((each.path for each in Manifest((new,)).transitive() if each.path not in known), new.path)


def _read_hash(path: StorePath) -> Hash:
    """The hash of an item as it lies on the disk."""
    digest, _ = hash_steps(read_steps(path))
    return Hash("sha256", digest)


def _switch(profile: Profile, making: Making, line: CommandLine) -> int:
    """Make it the next generation, unless it is what the current one is."""
    if not line.has("profile"):
        tell_foreign_link(profile.session)
        make_default_profile_places(profile.session)
    with profile.lock(lock_wait(line)):
        current = generation.current_generation(profile.file)
        if current and profile.item(current) == making.item:
            label_generations(profile, line)
            return current
        check_free(profile, line)
        number = next_number(profile.file, current)
        profile.switch(making.item, number)
        label_generations(profile, line)
    return number


def _tell_result(
    deployment: Deployment,
    found: Mapping[StorePath, PathInfo],
    differences: tuple[Sequence[Difference], Sequence[StorePath]],
) -> None:
    differing, extra = differences
    for each in differing:
        if each.found is None:
            print(tr("missing: {path}", path=each.path))
            continue
        print(tr("differs: {path}", path=each.path))
        print(tr("  expected {hash}", hash=each.expected))
        print(tr("  found    {hash}", hash=each.found))
    for path in extra:
        print(tr("not in the deployment: {path}", path=path))
    count = len(deployment.items)
    if differing or extra:
        print(
            plural(
                "{bad} of {number} item differ", "{bad} of {number} items differ", count, bad=len(differing)
            )
        )
        return
    size = sum(info.nar_size for info in found.values())
    print(
        plural(
            "bit-identical: {number} item, {size} bytes",
            "bit-identical: {number} items, {size} bytes",
            count,
            size=size,
        )
    )


def _print_result(
    deployment: Deployment,
    making: Making,
    catalogues: Sequence[_Catalogue],
    differences: tuple[Sequence[Difference], Sequence[StorePath]],
    number: int | None,
) -> None:
    differing, extra = differences
    print_json(
        identical=not (differing or extra),
        profile=making.item,
        generation=number,
        catalogues=_catalogue_data(catalogues),
        items=len(deployment.items),
        differing=[
            {"path": each.path, "expected": str(each.expected), "found": str(each.found)}
            for each in differing
            if each.found is not None
        ],
        missing=[each.path for each in differing if each.found is None],
        extra=list(extra),
    )


def _catalogue_data(catalogues: Sequence[_Catalogue]) -> list[dict[str, Any]]:
    return [
        {**origin_data(each.record), "folder": each.folder, "found": each.folder is not None}
        for each in catalogues
    ]
