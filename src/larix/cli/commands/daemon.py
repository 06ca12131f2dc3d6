"""`larix daemon`: serve one store to many users."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from larix.cli.options import CommandLine, Grammar, Option, UsageError, parse
from larix.words import tr

if TYPE_CHECKING:
    from larix.daemon.server import Listener
    from larix.daemon.settings import Settings

__all__ = ["CATEGORY", "SYNOPSIS", "main"]

CATEGORY = "plumbing"
SYNOPSIS = "serve the store to the users of this machine"

SITE = (
    Option("dry-run", "n", help="show every file and command, and do nothing"),
    Option("root", argument="DIR", help="work below DIR instead of `/', for a package or an image"),
    Option("prefix", argument="DIR", help="put units below DIR/lib instead of /etc"),
    Option("build-users", argument="N", help="how many users builds run as (32); 0: numbers of no user"),
    Option(
        "unprivileged",
        help="have the daemon run as a user of its own, and isolate builds by user name spaces",
    ),
    Option("user", argument="NAME", help="with `--unprivileged': that user (larix-daemon)"),
    Option("program", argument="FILE", help="the larix that the service starts"),
    Option("no-start", help="do not start the service"),
)
# Units that were written for other daemons say these: what larix does anyway, and what it never does.
SAID_ELSEWHERE = (
    Option("no-substitutes", hidden=True),
    Option("no-offload", hidden=True),
    Option("discover", argument="YES-OR-NO", optional=True, hidden=True),
    Option("substitute-urls", argument="URLS", hidden=True),
    Option("disable-chroot", hidden=True),
    Option("isolate-host-loopback", hidden=True),
    Option("impersonate-linux-2.6", hidden=True),
)
GRAMMAR = Grammar(
    "daemon",
    "daemon [install|uninstall] [OPTION]...",
    "Serve the store to clients of larix, Nix and Guix, until a signal ends it.\n"
    "`install' sets this machine up for it: accounts, folders, units of systemd, settings; `uninstall' takes "
    "away what that made and nobody changed, and never the store.",
    (
        (
            "",
            (
                Option(
                    "listen", argument="ENDPOINT", help="listen on a socket's file name, HOST or HOST:PORT"
                ),
                Option("settings", argument="FILE", help="read FILE instead of daemon.toml"),
                Option("max-jobs", "M", "N", "builds at one time, for each client; 0: none"),
                Option("cores", "c", "N", "cores for each build; 0: all"),
                Option("max-silent-time", argument="SECONDS", help="end builds after SECONDS of silence"),
                Option("timeout", argument="SECONDS", help="end builds after SECONDS"),
                Option(
                    "gc-keep-outputs",
                    argument="YES-OR-NO",
                    choices=("yes", "no"),
                    optional=True,
                    help="keep what live derivations make",
                ),
                Option(
                    "gc-keep-derivations",
                    argument="YES-OR-NO",
                    choices=("yes", "no"),
                    optional=True,
                    help="keep what live items are made by",
                ),
                Option("rounds", argument="N", help="build everything at least N times and compare"),
                Option(
                    "build-users-group", argument="GROUP", help="run builds as members of GROUP (larixbuild)"
                ),
                Option("system", argument="SYSTEM", help="build for SYSTEM instead of what the kernel says"),
                Option("chroot-directory", argument="DIR", help="show DIR of this machine to builds"),
                Option(
                    "log-compression",
                    argument="WAY",
                    choices=("gzip", "bzip2", "none"),
                    help="how logs of builds are kept: gzip, bzip2 or none",
                ),
                Option("lose-logs", help="keep no logs of builds"),
                Option("cache-failures", help="do not try again to build what has failed"),
                Option("disable-deduplication", help="do not let equal files of new items share their space"),
                Option("quiet", "q", help="do not tell of sessions, builds and collections"),
                Option("stdio", help="talk to who runs this, by standard input and output"),
                Option("socket", argument="FILE", help="with `--stdio': where the daemon listens"),
            ),
        ),
        ("With `install' and `uninstall':", SITE),
        ("", SAID_ELSEWHERE),
    ),
)


def main(arguments: list[str]) -> int:
    line = parse(GRAMMAR, arguments)
    _refuse_what_is_never_done(line)
    if line.operands:
        from larix.cli.site import set_up

        return set_up(line, [option.name for option in SITE], _configuration_directory())
    for option in SITE:
        if line.has(option.name):
            raise UsageError(
                tr("'--{name}' goes with `install' and `uninstall' only", name=option.name),
                hint=tr("larix daemon install --{name}", name=option.name),
            )
    # A daemon that became a client of a daemon would be one of itself.
    os.environ.pop("LARIX_DAEMON_SOCKET", None)
    os.environ.pop("NIX_REMOTE", None)
    os.umask(0o022)  # whoever starts it: folders of a shared store are for their owner alone to write
    from larix.daemon.server import Server
    from larix.store.layout import Layout

    layout = Layout.from_environment()
    settings = _settings(line)
    if line.has("stdio"):
        from larix.daemon.stdio import serve

        serve(layout, settings, line.last("socket"))
        return 0
    log = _say_nothing if line.has("quiet") else _log
    listeners = _listeners(line, layout.state_dir)
    for listener in listeners:
        log(f"listening on {listener.file or listener.socket.getsockname()}")
    server = Server(listeners, layout, settings, log=log, read_settings=lambda: _settings(line))
    print("ready", flush=True)  # for who started it: connections are answered from now on
    server.run()
    return 0


def _refuse_what_is_never_done(line: CommandLine) -> None:
    """One line for each, and what to do instead."""
    refusals = {
        "substitute-urls": (
            tr(
                "'--substitute-urls': this larix builds everything and takes nothing from servers of binaries"
            ),
            tr("leave the option out; items come from other machines by `larix archive`"),
        ),
        "disable-chroot": (
            tr("'--disable-chroot': larix builds nothing without isolation"),
            tr("leave the option out; `--chroot-directory' shows builds a folder of this machine"),
        ),
        "isolate-host-loopback": (
            tr("'--isolate-host-loopback': larix has no network of its own for builds with fixed outputs"),
            tr("leave the option out; all other builds have no network at all"),
        ),
        "impersonate-linux-2.6": (
            tr("'--impersonate-linux-2.6': builds see the kernel that runs"),
            tr("leave the option out"),
        ),
        "discover": (
            tr("'--discover': this larix does not look for servers of binaries on the local network"),
            tr("leave the option out, or say `--discover=no'"),
        ),
    }
    for token in line.tokens:
        if token.name in refusals and (token.name, token.value) != ("discover", "no"):
            text, hint = refusals[token.name]
            raise UsageError(text, hint=hint)


def _say_nothing(text: str) -> None:
    del text


def _log(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} larix daemon: {text}", file=sys.stderr, flush=True)


def _configuration_directory() -> str:
    return os.environ.get("LARIX_CONFIGURATION_DIRECTORY") or "/etc/larix"


def _settings(line: CommandLine) -> Settings:
    settings = _settings_of_options(line, _settings_of_file(line.last("settings")))
    if os.geteuid() == 0:
        from larix.builder.sandbox.users import build_users

        build_users(settings.build_users_group)
    return settings


def _settings_of_file(named: str | None) -> Settings:
    """What somebody names is there; the usual file need not be."""
    from larix.daemon.settings import read_settings

    if named is None:
        return read_settings(f"{_configuration_directory()}/daemon.toml")
    return read_settings(named, must_be=True)


def _settings_of_options(line: CommandLine, settings: Settings) -> Settings:
    from larix.builder.policy import LOG_COMPRESSIONS
    from larix.cli.options import whole_number
    from larix.daemon.settings import HALF

    jobs = line.last("max-jobs")
    compression = line.last("log-compression") or settings.log_compression
    if compression not in {"auto", *LOG_COMPRESSIONS}:
        raise UsageError(
            tr("{compression}: unknown log compression", compression=compression),
            hint=tr("there are {names}", names=", ".join(LOG_COMPRESSIONS)),
        )
    return settings._replace(
        rounds=whole_number(line, "rounds", settings.rounds, least=1),
        build_users_group=line.last("build-users-group") or settings.build_users_group,
        system=line.last("system") or settings.system,
        sandbox_paths=(*settings.sandbox_paths, *_places(line)),
        log_compression=compression,
        keep_logs=settings.keep_logs and not line.has("lose-logs"),
        cache_failures=settings.cache_failures or line.has("cache-failures"),
        deduplicate=settings.deduplicate and not line.has("disable-deduplication"),
        max_jobs=HALF if jobs == "auto" else whole_number(line, "max-jobs", settings.max_jobs),
        cores=whole_number(line, "cores", settings.cores),
        timeout=whole_number(line, "timeout", settings.timeout),
        max_silent_time=whole_number(line, "max-silent-time", settings.max_silent_time),
        keep_outputs=_switch(line, "gc-keep-outputs", settings.keep_outputs),
        keep_derivations=_switch(line, "gc-keep-derivations", settings.keep_derivations),
    )


def _places(line: CommandLine) -> list[str]:
    for place in line.values("chroot-directory"):
        if not place.startswith("/") or not place.strip("/"):
            raise UsageError(tr("{place}: '--chroot-directory' must be absolute", place=place))
    return line.values("chroot-directory")


def _switch(line: CommandLine, name: str, default: bool) -> bool:
    if not line.has(name):
        return default
    text = line.last(name) or "yes"
    if text not in {"yes", "no"}:
        raise UsageError(tr("{text}: neither `yes' nor `no'", text=text))
    return text == "yes"


def _listeners(line: CommandLine, state_dir: str) -> list[Listener]:
    """What the service manager passed, else what the user names, else two sockets in the state directory."""
    from larix.daemon.server import activated, listen_on_path
    from larix.protocol.dialect import NIX_VERSION

    passed = activated(os.environ)  # type: ignore[arg-type]
    if passed:
        return passed
    if line.has("listen"):
        return [listener for endpoint in line.values("listen") for listener in _listen(endpoint)]
    folder = f"{state_dir}/daemon-socket"
    found = [listen_on_path(f"{folder}/socket"), listen_on_path(f"{folder}/nix-socket")]
    for_nix = os.environ.get("NIX_DAEMON_SOCKET_PATH")
    if for_nix and os.path.abspath(for_nix) not in {listener.file for listener in found}:
        found.append(listen_on_path(os.path.abspath(for_nix), NIX_VERSION))
    return found


def _listen(endpoint: str) -> list[Listener]:
    from larix.daemon.server import listen_on_network, listen_on_path

    if "/" in endpoint:
        return [listen_on_path(os.path.abspath(endpoint))]
    host, port = _host_and_port(endpoint)
    if not host:
        raise UsageError(
            tr("'--listen={endpoint}' names no host", endpoint=endpoint),
            hint=tr("name an address of this machine, or `0.0.0.0' and `[::]' for all of them"),
        )
    return listen_on_network(host, port)


def _host_and_port(text: str) -> tuple[str, int]:
    from larix.daemon.server import DEFAULT_PORT

    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (":" in host and not host.endswith("]")):
        return text.strip("[]"), DEFAULT_PORT
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise UsageError(tr("{text}: invalid TCP port number", text=text))
    return host.strip("[]"), int(port)
