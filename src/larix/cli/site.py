"""`larix daemon install` and `uninstall`: the command line of `larix.daemon.site`."""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import TYPE_CHECKING

import larix
from larix.cli import diagnostics
from larix.cli.options import CommandLine, UsageError, whole_number
from larix.errors import LarixError
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from larix.daemon.site import Site

__all__ = ["set_up"]

_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_GROUP_OPTION = "build-users-group"
_UNPRIVILEGED_GUARDS = (
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
    ("/proc/sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"),
)


class MustBeRoot(LarixError):
    """Only root may set up a machine."""


def set_up(line: CommandLine, own_options: Sequence[str], configuration_dir: str) -> int:
    """Do what the first operand says."""
    action, *others = line.operands
    if action not in {"install", "uninstall"}:
        hint = diagnostics.did_you_mean(action, ("install", "uninstall"))
        raise UsageError(tr("{action}: unknown action", action=action), hint=hint)
    if others:
        raise UsageError(tr("{operands}: extraneous argument", operands=others[0]))
    for token in line.tokens:
        if token.name and token.name not in {*own_options, _GROUP_OPTION, "debug"}:
            raise UsageError(tr("'--{name}' does not go with `{action}'", name=token.name, action=action))
    site = _site(line, configuration_dir)
    is_dry = line.has("dry-run")
    if os.geteuid() != 0 and not site.root and not is_dry:
        raise MustBeRoot(
            tr("only root may set up this machine"),
            hint=tr("sudo {program} daemon {action}", program=site.program, action=action),
        )
    from larix.daemon.site import Report, install, uninstall

    report = Report(print if is_dry else diagnostics.say, diagnostics.warning, is_dry)
    if action == "uninstall":
        uninstall(site, report)
        return 0
    if site.root and not is_dry:
        os.makedirs(site.root, exist_ok=True)
    if not site.root:
        _check_program(site.program, is_dry=is_dry)
        if site.user:
            _warn_of_guards()
    install(site, report, start=not line.has("no-start"))
    return 0


def _site(line: CommandLine, configuration_dir: str) -> Site:
    from larix.daemon.site import Site
    from larix.store.layout import Layout

    root = line.last("root")
    prefix = line.last("prefix")
    if prefix is not None and not prefix.startswith("/"):
        raise UsageError(tr("{prefix}: '--prefix' must be absolute", prefix=prefix))
    user = _account(line, "user", "larix-daemon")
    if line.has("user") and not line.has("unprivileged"):
        raise UsageError(tr("'--user' goes with '--unprivileged' only"))
    return Site(
        Layout.from_environment(),
        os.path.abspath(configuration_dir),
        _program(line.last("program")),
        root="" if root is None else os.path.abspath(root).rstrip("/"),
        prefix=None if prefix is None else prefix.rstrip("/"),
        build_group=_account(line, _GROUP_OPTION, "larixbuild"),
        build_users=whole_number(line, "build-users", 32),
        user=user if line.has("unprivileged") else None,
    )


def _account(line: CommandLine, option: str, default: str) -> str:
    name = line.last(option) or default
    if not _NAME.fullmatch(name):
        raise UsageError(tr("{name}: this cannot be the name of an account", name=name))
    return name


def _program(named: str | None) -> str:
    """What the service starts: what is named, else the checkout's own script, else the installed program."""
    if named is not None:
        return os.path.abspath(named)
    sources = os.path.dirname(os.path.dirname(os.path.abspath(larix.__file__)))
    candidates = [
        f"{os.path.dirname(sources)}/larix",
        f"{os.path.dirname(sys.executable)}/larix",
        shutil.which("larix") or "",
    ]
    for file in candidates:
        if file and os.path.isfile(file) and os.access(file, os.X_OK):
            return file
    raise UsageError(tr("the larix program is not found"), hint=tr("name it with '--program'"))


def _check_program(program: str, *, is_dry: bool) -> None:
    """Below another root it is that machine's own program, and nothing of this one's."""
    from larix.daemon.site import SiteError, require_roots_own

    try:
        require_roots_own(program)
    except SiteError as error:
        if not is_dry:
            raise
        diagnostics.warning(str(error))
        diagnostics.show_hint(error.hint or "")


def _warn_of_guards() -> None:
    """Tell what forbids ordinary users the name spaces that builds need."""
    for file, forbidding, command in _UNPRIVILEGED_GUARDS:
        try:
            with open(file, encoding="ascii") as stream:
                value = stream.read().strip()
        except OSError:
            continue
        if value == forbidding:
            diagnostics.warning(
                tr(
                    "ordinary users may not make name spaces, which every build needs: {file} is {value}",
                    file=file,
                    value=value,
                )
            )
            diagnostics.show_hint(command)
