"""The container that a command line asks for, and running a program in it."""

from __future__ import annotations

import os
import pwd
import re
import sys
from typing import TYPE_CHECKING

from larix.cli.options import CommandLine, UsageError
from larix.containers.shape import Container, Identity, Shown
from larix.errors import LarixError
from larix.pack.options import checked_link, link_to_nowhere
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.cli.environments import Environment
    from larix.cli.session import Session

__all__ = ["CannotShow", "check_container", "run_in_container"]

PROMPT = r"\u@\h \w [env]\$ "
_KEPT = ("TERM", "COLORTERM", "TZ")
_LOCALE = "lib/locale/C.utf8"
_NAMED_USER = 1000
_HOME_LINK = ".larix-profile"
# What programs read to find others on the network, and to know whom to trust there.
_NETWORK_FILES = ("/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/services", "/etc/hosts")
_CERTIFICATES = ("/etc/ssl/certs", "/etc/pki/tls/certs")
_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


class CannotShow(LarixError):
    """A file or directory of the host cannot be shown in a container as was asked."""


def check_container(line: CommandLine) -> None:
    """What is wrong with the command line is told before anything is built for it."""
    identity = _identity(line)
    _shown(line, identity)
    _links(line, identity, "")


def run_in_container(
    session: Session, line: CommandLine, environment: Environment, preserve: Sequence[re.Pattern[str]]
) -> int:
    """Run the line's command, or a shell, with the environment in a container; the exit code."""
    from larix.cli.container_shell import shell_for
    from larix.formats.storepath import parse_store_path

    identity = _identity(line)
    shell = shell_for(session, line, environment)
    roots = [environment.item, *([shell.item] if shell.item is not None else [])]
    paths = [parse_store_path(session.layout.store_dir, each) for each in roots]
    session.store.add_temp_root(*paths)
    items = sorted(session.store.closure(paths))
    directory, shown = _shown(line, identity)
    _check_places(shown, ("/proc", session.layout.store_dir))
    links = _links(line, identity, environment.item)
    path: tuple[str, str]
    if line.has("emulate-fhs"):
        from larix.containers.fhs import SEARCH_PATH, fhs_links

        links = [*fhs_links(environment.item, items, shell.file), *links]
        path = (SEARCH_PATH, "")
    else:
        links = [("/bin/sh", shell.file), *links]
        path = ("", "/bin")
    variables = _variables(line, environment, preserve, identity) | {"LARIX_ENVIRONMENT": environment.item}
    variables["PATH"] = ":".join(filter(None, (path[0], variables.get("PATH"), path[1])))
    container = Container(
        store_dir=session.layout.store_dir,
        items=tuple(items),
        identity=identity,
        directory=directory,
        shown=tuple(shown),
        files=tuple(identity.files().items()),
        links=tuple(links),
        network=line.has("network"),
        writable_root=line.has("writable-root"),
    )
    sys.stdout.flush()
    return _run(session, line, container, _locale(items) | variables)


def _run(session: Session, line: CommandLine, container: Container, variables: dict[str, str]) -> int:
    from larix.containers.errors import ContainerUnavailable
    from larix.containers.running import run

    command = line.program or ["/bin/sh"]
    try:
        if not line.has("nesting"):
            return run(container, command, variables)
        from larix.cli.nesting import nested

        with nested(session, line) as inner:
            container = container._replace(
                items=(), shown=(*inner.shown, *container.shown), files=(*container.files, *inner.files)
            )
            return run(container, command, variables | inner.variables)
    except ContainerUnavailable as error:
        if error.detail != f"{container.identity.home}/{_HOME_LINK}":
            raise
        raise CannotShow(
            tr("cannot link profile: '{link}' is there already in the container", link=error.detail)
        ) from error


def _variables(
    line: CommandLine, environment: Environment, preserve: Sequence[re.Pattern[str]], identity: Identity
) -> dict[str, str]:
    """What programs inside find set: the environment's variables, who the user is, and what was asked for."""
    from larix.cli.running import environment_with

    variables = environment_with(
        [environment.item], environment.search_paths, pure=True, preserve=preserve, precious=_KEPT
    )
    variables |= {"HOME": identity.home, "USER": identity.name, "LOGNAME": identity.name}
    bundle = next(filter(os.path.exists, _BUNDLES), None)
    if line.has("network") and bundle is not None:
        variables.setdefault("SSL_CERT_FILE", bundle)
    if line.program is None:
        variables.setdefault("PS1", PROMPT)
    return variables


def _locale(items: Sequence[str]) -> dict[str, str]:
    """Settings for texts in UTF-8, if the C library in the closure has that locale.

    The user's own one is a file of the host; a name without the file is worse than none.
    """
    found = next((item for item in items if os.path.isdir(f"{item}/{_LOCALE}")), None)
    return {"LANG": "C.UTF-8", "LOCPATH": f"{found}/{os.path.dirname(_LOCALE)}"} if found else {}


def _identity(line: CommandLine) -> Identity:
    """The user as outside, or as `--user` has it."""
    name = line.last("user")
    if name is not None:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", name):
            raise UsageError(tr("{name}: invalid user name", name=name))
        return Identity(name, _NAMED_USER, _NAMED_USER, f"/home/{name}")
    uid, gid = os.geteuid(), os.getegid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = os.environ.get("USER") or "user"
    home = os.path.normpath(os.path.expanduser("~"))
    return Identity(name, uid, gid, home if home.startswith("/") and home != "/" else f"/home/{name}")


def _shown(line: CommandLine, identity: Identity) -> tuple[str, list[Shown]]:
    """The directory to start in, and what of the host is seen."""
    shown: list[Shown] = []
    if line.has("network"):
        shown += [
            Shown(os.path.realpath(name), name)
            for name in (*_NETWORK_FILES, *_CERTIFICATES)
            if os.path.exists(name)
        ]
    directory = identity.home
    if not line.has("no-cwd"):
        here = os.getcwd()
        directory = _place(here, line, identity)
        shown.append(Shown(os.path.realpath(here), directory, writable=True))
        if directory == "/":
            raise CannotShow(
                tr("the current directory is `/', all of the host"),
                hint=tr("go to another directory, or use `--no-cwd'"),
            )
    for token in line.tokens:
        if token.name in ("expose", "share") and token.value is not None:
            shown.append(_asked(token.name, token.value, line, identity))
    return directory, shown


def _asked(option: str, text: str, line: CommandLine, identity: Identity) -> Shown:
    """SRC or SRC=DST of the command line."""
    source, equals, place = text.partition("=")
    source = os.path.abspath(source) if source else ""
    if not source or (equals and not place.startswith("/")):
        raise UsageError(
            tr(
                "--{option}={text}: expected a file of the host, or that and a place, as SRC=/DST",
                option=option,
                text=text,
            )
        )
    if not os.path.exists(source):
        raise CannotShow(tr("cannot show '{source}': no such file or directory", source=source))
    place = os.path.normpath(place) if equals else _place(source, line, identity)
    if place.lstrip("/") == "":
        raise CannotShow(
            tr("cannot show '{source}' as `/'", source=source), hint=tr("choose a place below it")
        )
    return Shown(os.path.realpath(source), place, writable=option == "share")


def _check_places(shown: Sequence[Shown], kept: Sequence[str]) -> None:
    """Over the container's own processes and its store nothing is laid."""
    for each in shown:
        for own in kept:
            if f"{each.place}/".startswith(f"{own}/"):
                raise CannotShow(
                    tr(
                        "cannot show '{source}' as '{place}': '{own}' is the container's own",
                        source=each.source,
                        place=each.place,
                        own=own,
                    )
                )


def _place(source: str, line: CommandLine, identity: Identity) -> str:
    """Where a file of the host is seen if nothing else is said: at its own place, or in the other home."""
    home = os.path.normpath(os.path.expanduser("~"))
    if line.has("user") and home != "/" and (source == home or source.startswith(f"{home}/")):
        return identity.home + source.removeprefix(home)
    return source


def _links(line: CommandLine, identity: Identity, profile: str) -> list[tuple[str, str]]:
    links: list[tuple[str, str]] = []
    for text in line.values("symlink"):
        name, target = checked_link(text)
        if not os.path.lexists(f"{profile}/{target}"):
            raise link_to_nowhere(name, target)
        links.append((name, f"{profile}/{target}" if target else profile))
    if line.has("link-profile"):
        links.append((f"{identity.home}/{_HOME_LINK}", profile))
    return links
