"""What an operator decides for all clients: `daemon.toml` in the configuration directory.

Who may do what:

    allowed-users = ["*"]          who may connect; `@NAME` is a group
    trusted-users = ["root"]       who may add what is not signed, and repair
    trusted-public-keys = []       `NAME:BASE64`, or a file of such lines: what they signed anybody may add
    max-sessions = 512             in all
    max-sessions-per-user = 64

Builds:

    max-jobs = "auto"              the most that a client may ask for, and what it gets that asks for nothing;
                                   half the processors; 0: nothing is built
    cores = 0
    timeout = 86400                seconds; 0: without limit
    max-silent-time = 3600
    rounds = 1                     how often everything is built and compared, at least
    max-build-log-size = 0         a build that writes more is ended; 0: without limit
    log-compression = "auto"       bzip2 for clients of Nix, gzip for others; or "gzip", "bzip2", "none"
    keep-logs = true
    system = ""                    what derivations call this machine; empty: what the kernel says
    build-users-group = "larixbuild"   as whose members builds run, if it has any
    sandbox-paths = []             what builds see of the host: "/FILE", or "/INSIDE=/OUTSIDE"
    connect-timeout = 15           seconds that a download waits for a server
    download-attempts = 5          how often a download is tried that breaks off
    cache-failures = false         what failed is not tried again before `larix gc --clear-failures`

Space; sizes are bytes, or texts such as "5GiB". These hold without a daemon, too:

    keep-outputs = false           what collections keep besides what is reached
    keep-derivations = true
    min-free = 0                   when less is free, garbage is collected while work goes on; 0: never
    max-free = 0                   until so much is free; 0: all that is dead goes
    min-free-check-interval = 5    seconds between looks
    deduplicate = true             equal files of new items share their space; false without a daemon

A key that is not known is an error: it would otherwise be a protection that somebody believes in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict, cast

from larix.builder.policy import DEFAULT_POLICY, LOG_COMPRESSIONS, Policy
from larix.errors import LarixError, Location
from larix.formats.signature import BadKey, PublicKey, parse_public_key
from larix.store.sizes import BadSize, parse_size
from larix.store.space import Space
from larix.words import tr

__all__ = ["HALF", "WITHOUT_DAEMON", "BadSettings", "Settings", "read_settings"]

HALF = -1  # jobs: half the processors

_SIZES = {"max-build-log-size", "max-free", "min-free"}
_AT_LEAST_ONE = {"connect-timeout", "download-attempts"}
_CHOICES = {"log-compression": ("auto", *LOG_COMPRESSIONS)}


class BadSettings(LarixError):
    """The settings file cannot be used; the daemon does not start with less than it says."""


class Kept(TypedDict):
    """What collections keep besides what is reached."""

    keep_derivations: bool
    keep_outputs: bool


class Settings(NamedTuple):
    allowed_users: tuple[str, ...] = ("*",)
    trusted_users: tuple[str, ...] = ("root",)
    trusted_public_keys: tuple[PublicKey, ...] = ()
    max_jobs: int = HALF
    cores: int = 0
    timeout: int = 86400
    max_silent_time: int = 3600
    keep_outputs: bool = False
    keep_derivations: bool = True
    max_sessions: int = 512
    max_sessions_per_user: int = 64
    rounds: int = 1
    max_build_log_size: int = 0
    log_compression: str = "auto"
    keep_logs: bool = True
    system: str = ""
    build_users_group: str = "larixbuild"
    sandbox_paths: tuple[str, ...] = ()
    cache_failures: bool = False
    connect_timeout: int = DEFAULT_POLICY.connect_timeout
    download_attempts: int = DEFAULT_POLICY.download_attempts
    min_free: int = 0
    max_free: int = 0
    min_free_check_interval: int = 5
    deduplicate: bool = True

    @property
    def jobs(self) -> int:
        return max(1, len(os.sched_getaffinity(0)) // 2) if self.max_jobs == HALF else self.max_jobs

    @property
    def policy(self) -> Policy:
        """What holds for all builds."""
        return Policy(
            build_group=self.build_users_group,
            log_compression="gzip" if self.log_compression == "auto" else self.log_compression,
            keep_logs=self.keep_logs,
            max_log_size=self.max_build_log_size,
            system=self.system,
            sandbox_paths=self.sandbox_paths,
            cache_failures=self.cache_failures,
            connect_timeout=self.connect_timeout,
            download_attempts=self.download_attempts,
        )

    @property
    def kept(self) -> Kept:
        return {"keep_derivations": self.keep_derivations, "keep_outputs": self.keep_outputs}

    @property
    def space(self) -> Space:
        """What holds for the store's file system."""
        return Space(
            min_free=self.min_free,
            max_free=self.max_free,
            interval=self.min_free_check_interval,
            **self.kept,
        )


DEFAULTS = Settings()
WITHOUT_DAEMON = Settings(deduplicate=False)  # what one user makes is mostly there once, and waited for


def read_settings(file: str, defaults: Settings = DEFAULTS, *, must_be: bool = False) -> Settings:
    """The settings of a file; `defaults` when there is none and need not be any. Raises BadSettings."""
    try:
        with open(file, "rb") as stream:
            contents = stream.read()
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not must_be:
            return defaults
        raise BadSettings(
            tr("cannot read `{file}`: {strerror}", file=file, strerror=error.strerror),
            place=Location(file, 0),
        ) from error
    import tomllib  # most users have no such file

    try:
        values = tomllib.loads(contents.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadSettings(
            tr("`{file}` is no TOML: {error}", file=file, error=error),
            hint=tr("see the manual on daemon.toml"),
        ) from error
    return settings_from(values, file, defaults)


def settings_from(values: Mapping[str, Any], file: str, defaults: Settings = DEFAULTS) -> Settings:
    """Check values and their types."""
    known = {name.replace("_", "-"): name for name in Settings._fields}
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = known.get(key)
        if name is None:
            raise BadSettings(
                tr("`{file}`: unknown setting `{key}`", file=file, key=key),
                hint=tr("known are {known}", known=", ".join(sorted(known))),
            )
        found[name] = _checked(key, value, Settings._field_defaults[name], file)
    if "trusted_public_keys" in found:
        found["trusted_public_keys"] = _public_keys(found["trusted_public_keys"], file)
    return defaults._replace(**found)


def _public_keys(texts: tuple[str, ...], file: str) -> tuple[PublicKey, ...]:
    """Keys as they are written, or the files, by absolute names, that have one in each line."""
    keys: list[PublicKey] = []
    for text in texts:
        try:
            lines = _lines_of(text) if text.startswith("/") else [text]
            keys += [parse_public_key(line) for line in lines]
        except OSError as error:
            raise BadSettings(
                tr("cannot read `{file}`: {strerror}", file=text, strerror=error.strerror),
                place=Location(file, 0),
            ) from error
        except (BadKey, UnicodeDecodeError) as error:
            raise BadSettings(
                tr("`{file}`: `trusted-public-keys`: {error}", file=file, error=error),
                hint=tr("a key is `NAME:BASE64`, as `nix key convert-secret-to-public` prints it"),
            ) from error
    return tuple(keys)


def _lines_of(file: str) -> list[str]:
    with open(file, encoding="utf-8") as stream:
        return [line for line in stream.read().splitlines() if line.strip() and not line.startswith("#")]


def _names(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, list):
        names = tuple(each for each in cast("list[object]", value) if isinstance(each, str) and each)
        if len(names) == len(cast("list[object]", value)):
            return names
    return None


def _checked(key: str, value: Any, default: object, file: str) -> object:
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        wanted = tr("true or false")
    elif isinstance(default, int):
        number = _size(value) if key in _SIZES else value
        if key == "max-jobs" and value == "auto":
            return HALF
        least = 1 if key in _AT_LEAST_ONE else 0
        if isinstance(number, int) and not isinstance(number, bool) and number >= least:
            return number
        wanted = (
            tr('a number of bytes, or a text such as "5GiB"')
            if key in _SIZES
            else tr('a number, or "auto"')
            if key == "max-jobs"
            else tr("a number that is at least 1")
            if least
            else tr("a number that is not negative")
        )
    elif isinstance(default, str):
        choices = _CHOICES.get(key)
        if isinstance(value, str) and (choices is None or value in choices):
            return value
        wanted = tr("a text") if choices is None else tr("one of {choices}", choices=", ".join(choices))
    else:
        names = _names(value)
        if names is not None and (key != "sandbox-paths" or all(map(_is_place, names))):
            return names
        wanted = tr("a list of absolute file names") if key == "sandbox-paths" else tr("a list of names")
    raise BadSettings(
        tr(
            "`{file}`: `{key}` must be {wanted}, not {value}",
            file=file,
            key=key,
            wanted=wanted,
            value=repr(value),
        )
    )


def _size(value: Any) -> Any:
    try:
        return parse_size(value) if isinstance(value, str) else value
    except BadSize:
        return None


def _is_place(text: str) -> bool:
    """Whether it is `/PLACE` or `/PLACE=/FILE`."""
    return all(name.startswith("/") and name.strip("/") for name in text.split("=", 1)) and "\0" not in text
