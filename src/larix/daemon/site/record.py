"""What was made on a machine, written down before it is made: JSON in the configuration directory.

A thing of the record that is not there was never made, or somebody else has taken it away. A thing that is
not as the record says has been changed since, and belongs to who did that.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

from larix.daemon.site.places import SiteError
from larix.store.atomic import write_file
from larix.words import tr

__all__ = ["Record", "read_record"]

_VERSION = 1


class Record:
    """Files with hashes of their contents, links with where they lead, accounts with their entries."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.files: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.folders: list[str] = []
        self.users: dict[str, str] = {}
        self.groups: dict[str, str] = {}

    @property
    def is_empty(self) -> bool:
        return not (self.files or self.links or self.folders or self.users or self.groups)

    def save(self) -> None:
        """Durably; raises SiteError. The folder must be there."""
        values = {
            "version": _VERSION,
            "files": self.files,
            "links": self.links,
            "folders": self.folders,
            "users": self.users,
            "groups": self.groups,
        }
        write_file(self.file, json.dumps(values, indent=1).encode() + b"\n")

    def remove(self) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self.file)


def read_record(file: str) -> Record:
    """An empty one when there is none. Raises SiteError for one that cannot be understood."""
    record = Record(file)
    try:
        with open(file, encoding="utf-8") as stream:
            values: Any = json.load(stream)
        if values["version"] != _VERSION:
            raise _unknown(file, f"version {values['version']}")
        record.files = _texts(values["files"])
        record.links = _texts(values["links"])
        record.users = _texts(values["users"])
        record.groups = _texts(values["groups"])
        record.folders = [str(each) for each in values["folders"]]
    except FileNotFoundError:
        return record
    except OSError as error:
        raise SiteError(tr("cannot read `{file}`: {strerror}", file=file, strerror=error.strerror)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unknown(file, error) from error
    return record


def _unknown(file: str, problem: object) -> SiteError:
    return SiteError(
        tr("`{file}` does not tell what was installed: {problem}", file=file, problem=problem),
        hint=tr("move it away; what was installed before then stays until you remove it by hand"),
    )


def _texts(value: Any) -> dict[str, str]:
    pairs: Any = value.items()
    return {str(key): str(each) for key, each in pairs}
