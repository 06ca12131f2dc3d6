"""Profiles as commands see them: which one is meant, what it holds, and changing it in one transaction."""

from __future__ import annotations

import os
import pwd
import stat
from typing import TYPE_CHECKING, NamedTuple

from larix.cli import diagnostics
from larix.errors import LarixError
from larix.profiles import generation
from larix.words import tr

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from larix.cli.session import Session
    from larix.formats.storepath import StorePath
    from larix.profiles.manifest import Manifest

__all__ = [
    "NoSuchGeneration",
    "NoSuchProfile",
    "NotAllowed",
    "Profile",
    "default_profile",
    "make_default_profile_places",
    "named_profile",
    "own_profiles",
    "profile_of_link",
    "read_item_manifest",
    "shown_name",
    "tell_foreign_link",
]

HOME_LINK = ".larix-profile"


class NoSuchProfile(LarixError):
    """The profile does not exist, or its folder does not."""


class NoSuchGeneration(LarixError):
    """No generation is meant by what was asked for."""


class NotAllowed(LarixError):
    """The profile is somebody else's, and this user may not change it."""


class Profile(NamedTuple):
    """`file` is the profile's absolute name, `shown` how to speak of it.

    `fixed` is an item that the user named in the place of a profile, itself or by a link to it, as those of
    generations are. It can be read as a profile, and not changed.
    """

    session: Session
    file: str
    shown: str
    fixed: StorePath | None = None

    @property
    def exists(self) -> bool:
        return self.fixed is not None or os.path.islink(self.file)

    def require(self) -> None:
        if not self.exists:
            generation.current_generation(self.file)  # tells what else may stand there
            raise NoSuchProfile(
                tr("profile '{shown}' does not exist", shown=self.shown),
                hint=self._similar() or tr("`larix package --list-profiles' lists the profiles"),
            )

    def require_generations(self) -> None:
        """Raise unless this is, or may become, a profile with a history, which can be changed."""
        if self.fixed is None:
            return
        whole = profile_of_link(self.file)
        if whole is None or not os.path.islink(whole):
            raise NotAllowed(
                tr("'{shown}' is no profile but an item of the store, which never changes", shown=self.shown),
                hint=tr("name a profile, a link made by larix, with `--profile'"),
            )
        profile = os.path.join(os.path.dirname(self.shown.rstrip("/")), os.path.basename(whole))
        raise NotAllowed(
            tr(
                "'{shown}' is one generation of '{profile}', which never changes",
                shown=self.shown,
                profile=profile,
            ),
            hint=tr(
                "`-p {profile}' means the profile; with `-S {number}', it goes to that generation",
                profile=profile,
                number=self.file.split("-")[-2],
            ),
        )

    def _similar(self) -> str | None:
        """A hint at a profile of a similar name in the same folder."""
        folder = os.path.dirname(self.file)
        try:
            names = os.listdir(folder)
        except OSError:
            return None
        beside = {name for link in names if (name := profile_of_link(link)) is not None and name in names}
        choice = diagnostics.closest(os.path.basename(self.file), sorted(beside))
        if choice is None:
            return None
        shown = os.path.join(os.path.dirname(self.shown.rstrip("/")), choice)
        return tr("Did you mean `{choice}'?", choice=shown)

    def lacks(self, name: object) -> NoSuchGeneration:
        """The error that a generation, named by number or tag, is not there."""
        return NoSuchGeneration(
            tr("generation '{name}' of '{shown}' does not exist", name=name, shown=self.shown),
            hint=tr("`larix package -p {shown} -l' lists the generations", shown=self.shown),
        )

    def lock(self, seconds: float | None = None) -> AbstractContextManager[None]:
        """Hold the profile's lock, once it is sure that it can be changed; see `generation.lock_profile`."""
        self.require_generations()
        self.require_folder()
        self._require_rights()
        return generation.lock_profile(
            self.file,
            waiting=diagnostics.note,
            warn=diagnostics.warning,
            seconds=seconds,
            holder=_shown_holder,
        )

    def _require_rights(self) -> None:
        """Raise where this user may not change the links."""
        folder = os.path.dirname(self.file)
        if not os.access(folder, os.W_OK | os.X_OK):
            owner = owner_of(folder)
            raise NotAllowed(
                tr(
                    "cannot change profile '{shown}': you may not write to '{folder}', "
                    "which belongs to {owner}",
                    shown=self.shown,
                    folder=folder,
                    owner=owner,
                ),
                hint=tr("ask for the right to write there, or choose another profile with `--profile'"),
            )
        me, place = os.geteuid(), os.stat(folder)
        is_others = self.exists and os.lstat(self.file).st_uid != me
        if is_others and place.st_mode & stat.S_ISVTX and me not in {0, place.st_uid}:
            raise NotAllowed(
                tr(
                    "cannot change profile '{shown}': it belongs to {owner}, "
                    "and in '{folder}' only owners change what is theirs",
                    shown=self.shown,
                    folder=folder,
                    owner=owner_of(self.file),
                ),
                hint=tr("choose another profile with `--profile', or keep shared ones in another directory"),
            )

    def require_folder(self) -> None:
        """Raise unless there is a folder for the profile to be made in."""
        folder = os.path.dirname(self.file)
        if not os.path.isdir(folder):
            raise NoSuchProfile(
                tr(
                    "cannot make profile '{shown}': there is no directory '{folder}'",
                    shown=self.shown,
                    folder=folder,
                ),
                hint=tr("make it first: mkdir -p {folder}", folder=folder),
            )

    def item(self, number: int) -> StorePath | None:
        """The store item of a generation."""
        target = generation.generation_target(self.file, number)
        if target is None:
            return None
        item = self.session.facade.item_of(target)
        if item is None:
            raise NoSuchGeneration(
                tr(
                    "generation {number} of '{shown}' points to '{target}', which is not in this store",
                    number=number,
                    shown=self.shown,
                    target=target,
                ),
                hint=tr("It was made with another store; choose another profile, or that store's settings."),
            )
        return item

    def manifest(self, number: int) -> Manifest:
        """What a generation holds; nothing for generation 0 and for one that is not there."""
        from larix.profiles.manifest import EMPTY

        item = self.item(number)
        return EMPTY if item is None else read_item_manifest(item)

    def current_item(self) -> StorePath | None:
        """The store item of the current generation; None where there is none."""
        if self.fixed is not None:
            return self.fixed
        return self.item(generation.current_generation(self.file)) if self.exists else None

    def current(self) -> Manifest:
        from larix.profiles.manifest import EMPTY

        item = self.current_item()
        return EMPTY if item is None else read_item_manifest(item)

    def switch(self, item: StorePath, number: int) -> None:
        """Make `item` generation `number` and the current one."""
        generation.add_generation(
            self.file, item, number, facade=self.session.facade, protect=self.session.protect
        )
        generation.switch_to(self.file, number)


def read_item_manifest(item: str) -> Manifest:
    from larix.profiles.manifest import parse_manifest

    file = f"{item}/manifest"
    try:
        with open(file, "rb") as stream:
            return parse_manifest(stream.read(), file)
    except FileNotFoundError:
        raise NoSuchProfile(tr("'{item}' is not a profile: it has no manifest", item=item)) from None


def _shown_holder(lock_file: str) -> str:
    from larix.store.waiting import holder_of, shown_holder

    return shown_holder(holder_of(lock_file))


def user_name() -> str:
    return _name_of(os.geteuid())


def owner_of(file: str) -> str:
    """Whose a file, or a link itself, is; in a namespace of this user's own the kernel knows no others."""
    try:
        with open("/proc/sys/kernel/overflowuid", encoding="ascii") as stream:
            nobody = int(stream.read())
    except (OSError, ValueError):
        nobody = -1
    owner = os.lstat(file).st_uid
    return tr("another user") if owner == nobody else _name_of(owner)


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def home_directory() -> str:
    return os.path.expanduser("~")


def per_user_profile(session: Session) -> str:
    return f"{session.profiles_dir}/per-user/{user_name()}/larix-profile"


def default_profile(session: Session) -> Profile:
    profile, link = per_user_profile(session), f"{home_directory()}/{HOME_LINK}"
    return Profile(session, profile, profile if _leads_elsewhere(link, profile) else link)


def _leads_elsewhere(link: str, profile: str) -> bool:
    return os.path.lexists(link) and not (os.path.islink(link) and os.readlink(link) == profile)


def tell_foreign_link(session: Session) -> None:
    """Warn where the link at home, which settings are usually read through, is not to the user's profile."""
    profile, link = per_user_profile(session), f"{home_directory()}/{HOME_LINK}"
    if _leads_elsewhere(link, profile):
        diagnostics.warning(
            tr("`{link}' does not lead to your own profile, which is '{profile}'", link=link, profile=profile)
        )
        diagnostics.show_hint(
            tr(
                "use `-p {link}' if you mean what it leads to; once it is removed, larix makes it anew",
                link=link,
            )
        )


def make_default_profile_places(session: Session) -> None:
    """The folder of the user's own profile, and the link to it at home; a link already there is left."""
    profile = per_user_profile(session)
    folder = os.path.dirname(profile)
    try:
        os.makedirs(folder, mode=0o755, exist_ok=True)
    except PermissionError as error:
        raise NoSuchProfile(
            tr("there is no '{folder}', and this user may not make it", folder=folder),
            hint=tr("its daemon's log tells why it made none; meanwhile name a profile with '--profile'"),
        ) from error
    # Whoever owns it could put anything into this user's PATH, as whoever keeps the store can anyway.
    keeper = os.stat(os.path.dirname(folder)).st_uid
    if os.geteuid() not in {0, os.stat(folder).st_uid} and os.stat(folder).st_uid != keeper:
        raise NoSuchProfile(
            tr("'{folder}' is for the profiles of this user, and belongs to somebody else", folder=folder),
            hint=tr("have the administrator remove it"),
        )
    link = f"{home_directory()}/{HOME_LINK}"
    if not os.path.lexists(link):
        try:
            os.symlink(profile, link)
        except FileExistsError:
            pass
        except OSError as error:
            diagnostics.warning(
                tr("cannot make the link '{link}': {problem}", link=link, problem=error.strerror)
            )


def named_profile(session: Session, name: str) -> Profile:
    """The profile the user calls `name`; the link at home stands for the user's own profile."""
    absolute = os.path.abspath(os.path.expanduser(name))
    if not name or name.endswith("/.") or os.path.basename(absolute) in ("", "..", "."):
        raise NoSuchProfile(tr("'{name}' cannot be the name of a profile", name=name))
    is_link_at_home = absolute == f"{home_directory()}/{HOME_LINK}" and os.path.islink(absolute)
    if is_link_at_home and os.readlink(absolute) == per_user_profile(session):
        return default_profile(session)
    folder = os.path.realpath(os.path.dirname(absolute))
    file = os.path.join(folder, os.path.basename(absolute))
    return Profile(session, file, name, _item_behind(session, file))


def _item_behind(session: Session, file: str) -> StorePath | None:
    """The store item that a file is, or is a link to without a profile in between."""
    item = session.facade.item_of(file)
    if item is None and os.path.islink(file):
        item = session.facade.item_of(os.readlink(file))
    return item


def own_profiles(session: Session) -> list[str]:
    """The profiles of this user (of everybody, for root) that the collector knows, sorted."""
    mine = None if os.geteuid() == 0 and session.host_root is None else os.geteuid()
    found: set[str] = set()
    for link in _candidate_links(session):
        profile = profile_of_link(link)
        if profile is None or not os.path.islink(profile):
            continue
        if mine is None or os.lstat(profile).st_uid == mine:
            found.add(profile)
    return sorted(found)


def _candidate_links(session: Session) -> list[str]:
    links: list[str] = []
    for folder, folders, names in os.walk(session.profiles_dir):
        links += [f"{folder}/{name}" for name in (*folders, *names) if name.endswith("-link")]
    links += session.facade.users()
    auto = f"{session.layout.gc_roots_dir}/auto"
    if os.path.isdir(auto):
        for name in os.listdir(auto):
            if os.path.islink(f"{auto}/{name}"):
                links.append(os.readlink(f"{auto}/{name}"))
    return links


def profile_of_link(link: str) -> str | None:
    """PROFILE of `PROFILE-N-link`."""
    stem, dash, word = link.rpartition("-")
    profile, other_dash, number = stem.rpartition("-")
    if word != "link" or not dash or not other_dash or not number.isdigit():
        return None
    return profile


def shown_name(session: Session, file: str) -> str:
    """How `--list-profiles` calls a profile: the user's own one by its link at home."""
    link = f"{home_directory()}/{HOME_LINK}"
    if file == per_user_profile(session) and os.path.islink(link) and os.readlink(link) == file:
        return link
    return file
