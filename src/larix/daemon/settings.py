"""What an operator decides for all clients: `daemon.toml` in the configuration directory.

    allowed-users = ["*"]          who may connect; `@NAME` is a group
    trusted-users = ["root"]       who may add what is not signed, and repair
    max-jobs = 2                   the most that a client may ask for, and what it gets that asks for nothing
    cores = 0
    timeout = 86400                seconds; 0: without limit
    max-silent-time = 3600
    keep-outputs = false           what collections keep besides what is reached
    keep-derivations = true
    max-sessions = 512             in all
    max-sessions-per-user = 64

A key that is not known is an error: it would otherwise be a protection that somebody believes in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from larix.errors import LarixError, Location
from larix.words import tr

__all__ = ["BadSettings", "Settings", "read_settings"]


class BadSettings(LarixError):
    """The settings file cannot be used; the daemon does not start with less than it says."""


class Settings(NamedTuple):
    allowed_users: tuple[str, ...] = ("*",)
    trusted_users: tuple[str, ...] = ("root",)
    max_jobs: int = 0  # 0: half the processors
    cores: int = 0
    timeout: int = 86400
    max_silent_time: int = 3600
    keep_outputs: bool = False
    keep_derivations: bool = True
    max_sessions: int = 512
    max_sessions_per_user: int = 64

    @property
    def jobs(self) -> int:
        return self.max_jobs or max(1, len(os.sched_getaffinity(0)) // 2)


def read_settings(file: str) -> Settings:
    """The settings of a file; those of none when there is none. Raises BadSettings."""
    import tomllib

    try:
        with open(file, "rb") as stream:
            values = tomllib.load(stream)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise BadSettings(
            tr("cannot read `{file}`: {strerror}", file=file, strerror=error.strerror),
            place=Location(file, 0),
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(
            tr("`{file}` is no TOML: {error}", file=file, error=error),
            hint=tr("see the manual on daemon.toml"),
        ) from error
    return settings_from(values, file)


def settings_from(values: Mapping[str, Any], file: str) -> Settings:
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
    return Settings(**found)


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
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        wanted = tr("a number that is not negative")
    else:
        names = _names(value)
        if names is not None:
            return names
        wanted = tr("a list of names")
    raise BadSettings(
        tr(
            "`{file}`: `{key}` must be {wanted}, not {value}",
            file=file,
            key=key,
            wanted=wanted,
            value=repr(value),
        )
    )
