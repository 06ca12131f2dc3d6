"""What `larix gc` deletes, and what it would: here, or by the daemon that keeps the store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from larix.cli import diagnostics
from larix.cli.options import CommandLine
from larix.store.sizes import parse_size, shown_size
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from larix.cli.session import Session
    from larix.client.store import DaemonStore
    from larix.formats.storepath import StorePath
    from larix.store.gc import Collected
    from larix.store.roots import Root
    from larix.store.waiting import Holder

__all__ = ["collect", "dead_paths", "delete", "living_paths", "tell_freed"]

_LIVING, _DEAD, _DELETE_DEAD, _DELETE_THESE = range(4)  # what a daemon is asked for


def living_paths(session: Session) -> Iterable[StorePath]:
    from larix.client.store import DaemonStore
    from larix.store import gc

    store = session.store
    if isinstance(store, DaemonStore):
        return store.collect(_LIVING)[0]
    return gc.live_paths(store, **session.settings.kept)


def dead_paths(session: Session) -> Iterable[StorePath]:
    from larix.client.store import DaemonStore
    from larix.store import gc

    store = session.store
    if isinstance(store, DaemonStore):
        return store.collect(_DEAD)[0]
    return gc.dead_paths(store, **session.settings.kept)


def delete(session: Session, paths: Sequence[StorePath], line: CommandLine) -> int:
    from larix.client.store import DaemonStore
    from larix.store import gc

    store = session.store
    if line.has("dry-run"):
        if isinstance(store, DaemonStore):
            doomed = _doomed_with(store, paths)
        else:
            doomed = gc.doomed_with(store, paths, **session.settings.kept)
        return _tell_doomed(doomed, as_json=line.has("json"))
    session.facade.sweep()
    if isinstance(store, DaemonStore):
        return tell_freed(_collected(session, store, _DELETE_THESE, paths), as_json=line.has("json"))
    collected = gc.delete(store, paths, **session.settings.kept, on_delete=_tell_deletion, on_wait=_tell_wait)
    return tell_freed(collected, as_json=line.has("json"))


def _doomed_with(store: DaemonStore, paths: Sequence[StorePath]) -> list[tuple[StorePath, int]]:
    """What a daemon would delete with `paths`, or its refusal."""
    from larix.store.gc import PathAlive

    dead = set(store.collect(_DEAD)[0])
    for path in paths:
        if path not in dead and store.is_valid(path):
            raise PathAlive(path, _keeper(store, path))
    doomed: set[StorePath] = set()
    todo = [path for path in paths if path in dead]
    while todo:
        path = todo.pop()
        if path not in doomed:
            doomed.add(path)
            todo += store.referrers(path)
    return [(path, info.nar_size) for path, info in store.path_infos(doomed).items()]


def _keeper(store: DaemonStore, path: StorePath) -> Root | None:
    """A root that refers to `path`, without its name if that is hidden; others may keep it, too."""
    from larix.store.roots import Root

    links = {kept: link for link, kept in store.find_roots()}
    seen: set[StorePath] = set()
    todo = [path]
    while todo:
        path = todo.pop(0)
        if path in links:
            return Root(path, "" if links[path] == "{censored}" else links[path])
        if path not in seen:
            seen.add(path)
            todo += store.referrers(path)
    return None


def _collected(
    session: Session,
    store: DaemonStore,
    action: int,
    paths: Sequence[StorePath] = (),
    most: int | None = None,
) -> Collected:
    """Have a daemon collect. What it does not tell as it goes is told at the end."""
    from larix.store.gc import Collected

    told: set[str] = set()

    def hear(line: str) -> None:
        word, _, quoted = line.partition(" ")
        if word != "deleting":
            diagnostics.say(line)
            return
        path = quoted.strip("`'\"")
        told.add(path)
        _tell_deletion(path)

    session.on_line = hear
    deleted, bytes_freed = store.collect(action, paths, max_freed=most)
    for path in deleted:
        if path not in told:
            _tell_deletion(path)
    return Collected(list(deleted), bytes_freed)


def tell_freed(collected: Collected, *, as_json: bool) -> int:
    if as_json:
        from larix.cli.tables import print_json

        print_json(paths=sorted(collected.paths), freed=collected.bytes_freed)
        return 0
    diagnostics.say(tr("freed {bytes_freed}", bytes_freed=shown_size(collected.bytes_freed)))
    return 0


def _tell_wait(holder: Holder) -> None:
    from larix.store.waiting import shown_holder

    diagnostics.note(
        tr("waiting for another collection to finish, that of {holder}...", holder=shown_holder(holder))
    )


def _tell_deletion(path: str) -> None:
    diagnostics.say(tr("deleting '{path}'", path=path))


def collect(session: Session, line: CommandLine) -> int:
    if line.has("delete-generations") or (line.has("free-space") and session.is_remote):
        from larix.cli.elsewhere import refuse_elsewhere

        refuse_elsewhere(session)
    is_dry, as_json = line.has("dry-run"), line.has("json")
    deleted: list[str] = []
    if line.has("delete-generations"):
        deleted = _delete_generations(session, line.last("delete-generations"), is_dry=is_dry)
    if not is_dry:
        session.facade.sweep()
    limit = line.last("collect-garbage")
    most = None if limit is None else parse_size(limit)
    wanted = line.last("free-space")
    if wanted is not None:
        from larix.store.space import free_space

        available = free_space(session.layout.store_dir)
        most = parse_size(wanted) - available
        if most <= 0:
            where = session.on_host(session.layout.store_dir)
            diagnostics.say(
                tr(
                    "already {available} available on {where}, nothing to do",
                    available=shown_size(available),
                    where=where,
                )
            )
            if as_json:
                from larix.cli.tables import print_json

                print_json(paths=[], **{"size" if is_dry else "freed": 0})
            return 0
        diagnostics.say(tr("freeing {most}", most=shown_size(most)))
    duration = line.last("keep-dead")
    since = None if duration is None else int(time.time() - _seconds(duration))
    if is_dry:
        return _tell_doomed(_doomed(session, most, since, deleted), as_json=as_json)
    return tell_freed(_collect_now(session, most, since), as_json=as_json)


def _seconds(duration: str) -> float:
    from larix.profiles.generation import parse_duration

    return parse_duration(duration)


def _collect_now(session: Session, most: int | None, since: int | None) -> Collected:
    from larix.client.store import DaemonStore
    from larix.store import gc

    store = session.store
    if isinstance(store, DaemonStore):
        if since is None:
            return _collected(session, store, _DELETE_DEAD, most=most)
        # The protocol has no word for it; what is named is deleted only as far as nothing uses it.
        doomed = [path for path, _ in _doomed(session, most, since, ())]
        return _collected(session, store, _DELETE_THESE, doomed) if doomed else gc.Collected([], 0)
    return gc.collect(
        store,
        **session.settings.kept,
        keep_since=since,
        max_freed=most,
        on_delete=_tell_deletion,
        on_wait=_tell_wait,
    )


def _doomed(
    session: Session, most: int | None, since: int | None, without: Sequence[str]
) -> list[tuple[StorePath, int]]:
    """What a collection would delete, with sizes; `without` are links that would be gone by then."""
    from larix.client.store import DaemonStore
    from larix.derivation.ordering import inputs_first
    from larix.store import gc

    store = session.store
    if not isinstance(store, DaemonStore):
        return gc.doomed_paths(
            store, **session.settings.kept, keep_since=since, max_freed=most, without=without
        )
    infos = store.path_infos(dead_paths(session))
    spared = [path for path, info in infos.items() if since is not None and info.registration_time > since]
    kept: set[StorePath] = set()
    while spared:
        path = spared.pop()
        if path in infos and path not in kept:
            kept.add(path)
            spared += infos[path].references
    found: list[tuple[StorePath, int]] = []
    size = 0
    references = {path: infos[path].references for path in sorted(infos.keys() - kept)}
    for path in reversed(inputs_first(references)):
        if most is not None and size >= most:
            break
        found.append((path, infos[path].nar_size))
        size += infos[path].nar_size
    return found


def _tell_doomed(doomed: Sequence[tuple[StorePath, int]], *, as_json: bool) -> int:
    total = sum(size for _, size in doomed)
    if as_json:
        from larix.cli.tables import print_json

        print_json(paths=[{"path": path, "size": size} for path, size in sorted(doomed)], size=total)
        return 0
    for path, size in sorted(doomed):
        diagnostics.say(tr("would delete '{path}' ({size})", path=path, size=shown_size(size)))
    diagnostics.say(tr("would free {size}", size=shown_size(total)))
    return 0


def _delete_generations(session: Session, duration: str | None, *, is_dry: bool) -> list[str]:
    """Delete the old generations, each profile under its lock; those current or with a tag stay.

    Gives the links of those that are, or would be, deleted.
    """
    from larix.cli.profiles import Profile, own_profiles
    from larix.profiles import generation
    from larix.profiles.notes import forget, read_notes

    seconds = None if duration is None else generation.parse_duration(duration)
    deleted: list[str] = []
    for file in own_profiles(session):
        profile = Profile(session, file, file)
        with profile.lock():
            current = generation.current_generation(file)
            notes = read_notes(file)
            old = [
                number
                for number in generation.generations(file)
                if number != current
                and (seconds is None or generation.generation_time(file, number) < time.time() - seconds)
            ]
            for number in old:
                if number in notes and notes[number].tags:
                    tags = ", ".join(notes[number].tags)
                    text = tr(
                        "not removing generation {number} of {file}, which is tagged {tags}",
                        number=number,
                        file=file,
                        tags=tags,
                    )
                    diagnostics.warning(text)
                    continue
                link = generation.generation_link(file, number)
                deleted.append(link)
                if is_dry:
                    diagnostics.say(tr("would delete {file}", file=link))
                    continue
                diagnostics.say(tr("deleting {file}", file=link))
                generation.delete_generation(file, number)
                forget(file, [number])
    return deleted
