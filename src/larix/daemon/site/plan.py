"""Setting a machine up and clearing it again.

Installing looks what is missing, writes into the record what it is about to make, and makes it, so that it
can be run again at any time: after a crash, after an update of larix, or with another number of users. A file
that somebody changed or had before stays. Clearing takes away what is in the record and is still as it was
made; folders go only when they are empty, so the store never does.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from larix.daemon.site import texts
from larix.daemon.site.accounts import Accounts, run
from larix.daemon.site.places import Site, SiteError
from larix.daemon.site.record import Record, read_record
from larix.store.atomic import write_file
from larix.store.errors import quoted
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Report", "install", "uninstall"]

_SOCKET, _SERVICE = "larix-daemon.socket", "larix-daemon.service"


class Report(NamedTuple):
    """Where to say what happens: `show` for what is or would be done, `warn` for what is left as it is."""

    show: Callable[[str], object]
    warn: Callable[[str], object]
    dry_run: bool = False


class _File(NamedTuple):
    name: str
    contents: str
    is_started_only: bool = False  # settings: there is nothing wrong with other ones


def _folders(site: Site) -> list[tuple[str, int]]:
    """The folders of the store, each after those above it; nobody but the daemon may write in any."""
    layout = site.layout
    above = [(name, 0o755) for name in (layout.state_dir, layout.profiles_dir, layout.gc_roots_dir)]
    return [
        *above,
        *layout.directories(is_root=site.user is None),
        (layout.log_dir, 0o755),
        (f"{layout.state_dir}/daemon-socket", 0o755),
    ]


def _files(site: Site) -> list[_File]:
    files = [
        _File(f"{site.unit_dir}/{_SOCKET}", texts.socket_unit(site)),
        _File(f"{site.unit_dir}/{_SERVICE}", texts.service_unit(site)),
        _File(f"{site.drop_in_dir('tmpfiles.d')}/larix.conf", texts.tmpfiles_file(site, _folders(site))),
        _File(f"{site.configuration_dir}/daemon.toml", texts.settings_file(site), is_started_only=True),
    ]
    if site.user or site.build_users:
        files.append(_File(f"{site.drop_in_dir('sysusers.d')}/larix.conf", texts.sysusers_file(site)))
    return files


def _links(site: Site) -> list[tuple[str, str]]:
    layout = site.layout
    links = [(f"{layout.gc_roots_dir}/profiles", layout.profiles_dir)]
    if site.prefix is None:
        links.append((f"{site.unit_dir}/sockets.target.wants/{_SOCKET}", f"../{_SOCKET}"))
    return links


def install(site: Site, report: Report, *, start: bool = True) -> None:
    """Make what is missing. Raises SiteError; then running it again goes on where it stopped."""
    _Installing(site, report).run(start=start)


class _Installing:
    def __init__(self, site: Site, report: Report) -> None:
        self._site = site
        self._report = report
        self._accounts = Accounts(site.root)
        self._record = read_record(site.here(site.record_file))
        self._has_record = False
        self._told: set[str] = set()  # folders of a dry run

    def run(self, *, start: bool) -> None:
        self._make_accounts()
        self._tell_of_spare_accounts()
        for name, mode in _folders(self._site):
            self._make_folder(name, mode)
        for file in _files(self._site):
            self._make_file(file)
        for link, target in _links(self._site):
            self._make_link(link, target)
        if start:
            self._start()

    # What is in the record is there, or about to be

    def _note(self) -> None:
        """Write the record, which needs its folder: that is noted in memory meanwhile."""
        if self._report.dry_run:
            return
        if not self._has_record:
            for name in _with_parents(os.path.dirname(self._site.record_file)):
                self._make_one_folder(name, 0o755, None)
            self._has_record = True
        self._record.save()

    def _command(self, command: list[str]) -> None:
        self._report.show(shlex.join(command))
        if not self._report.dry_run:
            run(command)

    def _make_accounts(self) -> None:
        site, accounts = self._site, self._accounts
        if not (site.user or site.build_users):
            return
        if not accounts.are_there:
            name = f"{site.drop_in_dir('sysusers.d')}/larix.conf"
            self._report.warn(
                tr("`{root}` has no accounts; `{name}` makes them on the machine", root=site.root, name=name)
            )
            return
        group = site.user or site.build_group
        wanted: list[tuple[str, str, str]] = (
            [(site.user, "larix daemon", site.layout.state_dir)]
            if site.user
            else [
                (name, f"larix build user {number}", "/var/empty")
                for number, name in enumerate(site.build_user_names, 1)
            ]
        )
        missing = [user for user in wanted if accounts.user(user[0]) is None]
        commands = [accounts.adding_user(name, group, comment, home) for name, comment, home in missing]
        if accounts.group(group) is None:
            commands.insert(0, accounts.adding_group(group))
        if commands:
            accounts.require_tools([command[0] for command in commands], commands)
        if accounts.group(group) is None:
            self._make_group(group)
        for name, comment, home in missing:
            self._make_user(name, group, comment, home)
        if site.user is None and not self._report.dry_run:
            self._join(group, [name for name, _, _ in wanted])

    def _tell_of_spare_accounts(self) -> None:
        """Accounts of an earlier installation with more of them; who removes users is the administrator."""
        accounts, group = self._accounts, self._site.build_group
        pattern = re.compile(rf"{re.escape(group)}([0-9]+)")
        wanted = set(self._site.build_user_names)
        found = {name for name in (*accounts.members(group), *self._record.users) if pattern.fullmatch(name)}
        spare = [name for name in found - wanted if accounts.user(name) is not None]
        if not spare:
            return
        spare.sort(key=lambda name: int(name[len(group) :]))
        self._report.warn(
            plural(
                "{number} build user of before is left, and builds may still run as it: {names}",
                "{number} build users of before are left, and builds may still run as them: {names}",
                len(spare),
                names=", ".join(spare),
            )
        )
        commands = "; ".join(shlex.join(accounts.removing_user(name)) for name in spare)
        self._report.warn(tr("this removes what is left: {commands}", commands=commands))

    def _make_group(self, name: str) -> None:
        self._record.groups[name] = ""
        self._note()
        self._command(self._accounts.adding_group(name))
        self._record.groups[name] = self._accounts.group(name) or ""
        self._note()

    def _make_user(self, name: str, group: str, comment: str, home: str) -> None:
        self._record.users[name] = ""
        self._note()
        self._command(self._accounts.adding_user(name, group, comment, home))
        self._record.users[name] = self._accounts.user(name) or ""
        self._note()

    def _join(self, group: str, names: list[str]) -> None:
        """Users that were there before are build users only as members of the group."""
        members = set(self._accounts.members(group))
        for name in names:
            if name not in members:
                self._command(self._accounts.adding_member(name, group))

    def _make_folder(self, name: str, mode: int) -> None:
        """With those above it. Who runs the daemon owns the store, the state, and all in them."""
        layout = self._site.layout
        for each in _with_parents(name):
            is_own = any(f"{each}/".startswith(f"{own}/") for own in (layout.store_dir, layout.state_dir))
            self._make_one_folder(each, mode if each == name else 0o755, self._site.user if is_own else None)

    def _make_one_folder(self, name: str, mode: int, owner: str | None) -> None:
        here = self._site.here(name)
        if name in self._told:
            return
        if os.path.isdir(here):
            self._close_to_others(name)
            return
        if os.path.lexists(here):
            raise SiteError(tr("`{name}` is not a directory", name=quoted(here)), hint=tr("move it away"))
        self._report.show(tr("make the folder {name}, mode {mode:o}", name=here, mode=mode))
        if name not in self._record.folders:
            self._record.folders.append(name)
        if self._report.dry_run:
            self._told.add(name)
            return
        if self._has_record:
            self._record.save()
        ids = self._accounts.ids(owner) if owner and os.geteuid() == 0 else None
        try:
            _make_folder_below(self._site.root or "/", name, mode, ids)
        except OSError as error:
            raise _cannot(tr("make the folder"), here, error) from error

    def _close_to_others(self, name: str) -> None:
        """Folders of users were for everybody to make once; whoever made one keeps it."""
        here = self._site.here(name)
        if os.path.basename(name) != "per-user" or not os.stat(here).st_mode & stat.S_IWOTH:
            return
        self._report.show(tr("let nobody else write in {folder}", folder=here))
        if self._report.dry_run:
            return
        try:
            folder = _open_below(self._site.root or "/", name)
            try:
                os.fchmod(folder, stat.S_IMODE(os.fstat(folder).st_mode) & 0o755)
            finally:
                os.close(folder)
        except OSError as error:
            raise _cannot(tr("change the mode of"), here, error) from error

    def _make_file(self, file: _File) -> None:
        here = self._site.here(file.name)
        contents = file.contents.encode()
        found = _contents(here)
        if found == contents:
            return
        known = self._record.files.get(file.name)
        if found is not None and (file.is_started_only or known != _digest(found)):
            if not file.is_started_only:
                self._report.warn(tr("`{name}` is not as larix would write it; it stays as it is", name=here))
            return
        self._make_folder(os.path.dirname(file.name), 0o755)
        if self._report.dry_run:
            self._report.show(tr("write {name}:", name=here))
            for line in file.contents.splitlines():
                self._report.show(f"    {line}".rstrip())
            return
        self._report.show(tr("write {name}", name=here))
        self._record.files[file.name] = _digest(contents)
        self._note()
        write_file(here, contents)
        os.chmod(here, 0o644)

    def _make_link(self, name: str, target: str) -> None:
        here = self._site.here(name)
        if os.path.lexists(here):
            return
        self._make_folder(os.path.dirname(name), 0o755)
        self._report.show(tr("make the link {name} to {target}", name=here, target=target))
        if self._report.dry_run:
            return
        self._record.links[name] = target
        self._note()
        is_theirs = os.geteuid() == 0 and name.startswith(f"{self._site.layout.state_dir}/")
        ids = self._accounts.ids(self._site.user) if self._site.user and is_theirs else None
        try:
            _make_link_below(self._site.root or "/", name, target, ids)
        except OSError as error:
            raise _cannot(tr("make the link"), here, error) from error

    def _start(self) -> None:
        if _systemd_runs(self._site):
            self._command(["systemctl", "daemon-reload"])
            self._command(["systemctl", "restart", _SOCKET])
        elif not self._site.root:
            self._report.warn(
                tr(
                    "systemd does not run here; have your init system start `{program} daemon`",
                    program=self._site.program,
                )
            )


def uninstall(site: Site, report: Report) -> None:
    """Take away what the record tells and is as it was made; say what stays, and why."""
    record = read_record(site.here(site.record_file))
    if record.is_empty:
        report.show(tr("nothing is recorded as installed in {file}", file=site.here(site.record_file)))
        return
    units = {f"{site.unit_dir}/{_SOCKET}", f"{site.unit_dir}/{_SERVICE}"}
    if _systemd_runs(site) and units & record.files.keys():
        _do(report, ["systemctl", "stop", _SOCKET, _SERVICE])
    if _is_used(site):
        _leave_store(site, report, record)
    for _ in _removing(site, report, record):
        if not report.dry_run:
            record.save()
    if not report.dry_run:
        _remove_folders(site, report, record)
    else:
        for name in reversed(record.folders):
            report.show(tr("remove the folder {name} if it is empty", name=site.here(name)))
    if _systemd_runs(site) and units & record.files.keys() == set():
        _do(report, ["systemctl", "daemon-reload"])


def _is_used(site: Site) -> bool:
    """Whether there is a store, with items or with a database of them."""
    layout = site.layout
    items: list[str] = []
    with suppress(OSError):
        items = os.listdir(site.here(layout.store_dir))
    return bool(set(items) - {".links"}) or os.path.exists(site.here(layout.schema_file))


def _leave_store(site: Site, report: Report, record: Record) -> None:
    """Forget all that belongs to the store, which is nobody's to remove but its users'."""
    layout = site.layout
    places = [layout.store_dir, layout.state_dir, layout.log_dir]

    def is_in(name: str) -> bool:
        return any(f"{name}/".startswith(f"{place}/") or place.startswith(f"{name}/") for place in places)

    record.folders = [name for name in record.folders if not is_in(name)]
    record.links = {name: target for name, target in record.links.items() if not is_in(name)}
    report.warn(
        tr(
            "the store stays, with all it holds: `{store_dir}` and `{state_dir}`",
            store_dir=site.here(layout.store_dir),
            state_dir=site.here(layout.state_dir),
        )
    )


def _do(report: Report, command: list[str]) -> None:
    report.show(shlex.join(command))
    if not report.dry_run:
        run(command)


def _removing(site: Site, report: Report, record: Record) -> Iterator[None]:
    """Remove links, files and accounts, one after the other; what stays is forgotten as well."""
    for name, target in list(record.links.items()):
        here = site.here(name)
        if os.path.islink(here) and os.readlink(here) == target:
            report.show(tr("remove {name}", name=here))
            if not report.dry_run:
                os.unlink(here)
        elif os.path.lexists(here):
            report.warn(tr("`{name}` was changed since; it stays", name=here))
        if not report.dry_run:
            del record.links[name]
        yield
    for name, digest in list(record.files.items()):
        here = site.here(name)
        found = _contents(here)
        if found is not None and _digest(found) == digest:
            report.show(tr("remove {name}", name=here))
            if not report.dry_run:
                os.unlink(here)
        elif found is not None:
            report.warn(tr("`{name}` was changed since; it stays", name=here))
        if not report.dry_run:
            del record.files[name]
        yield
    yield from _removing_accounts(Accounts(site.root), report, record)


def _removing_accounts(accounts: Accounts, report: Report, record: Record) -> Iterator[None]:
    kinds = (
        (record.users, accounts.user, accounts.removing_user),
        (record.groups, accounts.group, accounts.removing_group),
    )
    for entries, look_up, removing in kinds:
        for name, entry in list(entries.items()):
            found = look_up(name)
            # Nothing was noted of one in whose making larix was interrupted: it is as new as can be.
            is_wanted = entries is record.groups and not report.dry_run and accounts.is_primary(name)
            if found is not None and entry in {"", found} and not is_wanted:
                _do(report, removing(name))
            elif found is not None:
                report.warn(tr("the account `{name}` is in use or was changed since; it stays", name=name))
            if not report.dry_run:
                del entries[name]
            yield


def _remove_folders(site: Site, report: Report, record: Record) -> None:
    """Those that are empty. The record goes with the state directory, or as the last thing in it."""
    left: list[str] = []
    record_file = site.here(site.record_file)
    for name in reversed(record.folders):
        here = site.here(name)
        if here == os.path.dirname(record_file) and os.listdir(here) == [os.path.basename(record_file)]:
            record.remove()
        try:
            os.rmdir(here)
            report.show(tr("remove the folder {name}", name=here))
        except FileNotFoundError:
            continue
        except OSError:
            left.append(here)
    # What holds something stays; of folders within each other the outermost tells enough.
    outermost = [name for name in left if not any(name.startswith(f"{other}/") for other in left)]
    for name in sorted(outermost):
        count = sum(f"{name}/{each}" != record_file for each in os.listdir(name))
        report.warn(
            plural(
                "`{name}` stays: there is {number} thing in it",
                "`{name}` stays: there are {number} things in it",
                count,
                name=name,
            )
        )
    record.folders = [name for name in record.folders if site.here(name) in left]
    if os.path.lexists(record_file):
        if record.is_empty:
            record.remove()
        else:
            record.save()


def _systemd_runs(site: Site) -> bool:
    return not site.root and os.path.isdir("/run/systemd/system")


def _with_parents(name: str) -> list[str]:
    """`name` and the folders above it, outermost first, without `/`."""
    found: list[str] = []
    while name not in {"", "/"}:
        found.append(name)
        name = os.path.dirname(name)
    return found[::-1]


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def _open_below(root: str, name: str) -> int:
    """Open a folder. Where others than who runs this may write, no link is followed."""
    folder = os.open(root, _FOLDER)
    try:
        for part in name.strip("/").split("/"):
            is_ours = os.fstat(folder).st_uid in {0, os.geteuid()}
            below = os.open(part or ".", _FOLDER if is_ours else _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = below
    except OSError:
        os.close(folder)
        raise
    return folder


def _make_folder_below(root: str, name: str, mode: int, ids: tuple[int, int] | None) -> None:
    """Make the last folder of `name`."""
    above, _, last = name.rpartition("/")
    folder = _open_below(root, above)
    try:
        os.mkdir(last, mode, dir_fd=folder)
        made = os.open(last, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
        try:
            os.fchmod(made, mode)
            if ids is not None:
                os.fchown(made, *ids)
        finally:
            os.close(made)
    finally:
        os.close(folder)


def _make_link_below(root: str, name: str, target: str, ids: tuple[int, int] | None) -> None:
    above, _, last = name.rpartition("/")
    folder = _open_below(root, above)
    try:
        os.symlink(target, last, dir_fd=folder)
        if ids is not None:
            os.chown(last, *ids, dir_fd=folder, follow_symlinks=False)
    finally:
        os.close(folder)


def _contents(file: str) -> bytes | None:
    """What a regular file holds; of anything else that stands there, nothing that larix would write."""
    try:
        status = os.lstat(file)
        if not stat.S_ISREG(status.st_mode):
            return b""
        with open(file, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _cannot(tr("read"), file, error) from error


def _digest(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()


def _cannot(action: str, name: str, error: OSError) -> SiteError:
    return SiteError(
        tr("cannot {action} `{name}`: {reason}", action=action, name=quoted(name), reason=error.strerror),
        hint=tr("run it as root") if isinstance(error, PermissionError) else None,
    )
