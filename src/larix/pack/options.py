"""What a pack is made from, as the text that stands in its derivation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from larix.pack.compression import EXTENSIONS
from larix.pack.errors import BadPack
from larix.words import mark, tr

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FORMATS", "Format", "PackOptions", "checked_link", "link_to_nowhere", "pack_file_name"]

_NAME_LIMIT = 40


class Format(NamedTuple):
    """`compressors` are those that fit; the first is used when none is asked for."""

    description: str
    extension: str
    compressors: tuple[str, ...]
    is_compressed_inside: bool = False


_ANY = tuple(EXTENSIONS)
FORMATS: Mapping[str, Format] = {
    "tarball": Format(mark("a tar archive, to be unpacked at the root or anywhere"), ".tar", _ANY),
    "docker": Format(mark("an image for `docker load' or `podman load'"), ".tar", _ANY),
    "oci": Format(
        mark("an image as an OCI archive, for `skopeo copy oci-archive:'"),
        ".tar",
        ("gzip", "zstd", "none"),
        is_compressed_inside=True,
    ),
    "oci-dir": Format(
        mark("an image as an OCI layout, a folder whose blobs are shared by images"),
        "",
        ("gzip", "zstd", "none"),
        is_compressed_inside=True,
    ),
    "squashfs": Format(
        mark("a read-only file system, to be mounted or run by Singularity"),
        ".squashfs",
        ("gzip", "zstd", "xz", "none"),
        is_compressed_inside=True,
    ),
    "rpm": Format(mark("a package for rpm"), ".rpm", ("gzip", "zstd", "xz"), is_compressed_inside=True),
    "deb": Format(
        mark("a package for dpkg"), ".deb", ("gzip", "zstd", "xz", "none"), is_compressed_inside=True
    ),
}


class PackOptions(NamedTuple):
    """`links` pair the name of a link with its target, relative to the profile (empty: the profile itself).

    `search_paths` are what a profile takes. `entry_point` is a program, relative to the profile, and its
    arguments. `launcher` is the item that starts programs of a relocatable pack. `state_directory` is where
    database and profile link go, if they are wanted. `fields` are those of a package for dpkg or rpm
    beside what the pack itself tells, in order; `scripts` are further files there. `labels` are for images.
    """

    format: str
    compression: str
    profile: str
    system: str
    links: tuple[tuple[str, str], ...] = ()
    search_paths: tuple[tuple[Any, ...], ...] = ()
    entry_point: tuple[str, ...] = ()
    image: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    layers: int = 0
    launcher: str = ""
    state_directory: str = ""
    profile_name: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    scripts: tuple[tuple[str, str], ...] = ()

    def text(self) -> str:
        """Canonical: equal options have equal texts."""
        given = {name: value for name, value in self._asdict().items() if value}
        return json.dumps(given, sort_keys=True, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> PackOptions:
        """What `text` wrote; of a derivation, so never a user's own writing."""
        return cls(**{name: _frozen(value) for name, value in json.loads(text).items()})


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if _is_list(value) else value


def checked_link(text: str) -> tuple[str, str]:
    """SOURCE and TARGET of `SOURCE=TARGET`.

    :raises BadPack: it has another form, or a part leaves where it belongs
    """
    source, equals, target = text.partition("=")
    if not equals or not source.strip("/") or "\0" in text:
        raise BadPack(
            tr("{text}: invalid symlink specification", text=text),
            hint=tr("Write SOURCE=TARGET, such as `/opt/bin=bin'; TARGET is a file of the profile."),
        )
    if target.startswith("/"):
        raise BadPack(
            tr("symlink target is absolute: '{target}'", target=target),
            hint=tr("Give it relative to the profile."),
        )
    for part in (source, target):
        if ".." in part.split("/"):
            raise BadPack(tr("{text}: invalid symlink specification", text=text), hint=tr("Leave `..' out."))
    return "/" + "/".join(_parts(source)), "/".join(_parts(target))


def link_to_nowhere(source: str, target: str) -> BadPack:
    """The error for a link to what the profile does not have."""
    return BadPack(
        tr(
            "the link `{source}' would lead nowhere: the profile has no `{target}'",
            source=source,
            target=target,
        ),
        hint=tr("name it as the profile of the packages has it, such as `bin/NAME'"),
    )


def _parts(name: str) -> list[str]:
    return [part for part in name.split("/") if part not in {"", "."}]


def pack_file_name(format_name: str, compression: str, packages: list[str]) -> str:
    """PACKAGES-FORMAT-pack.EXTENSION; of many packages, the first ones."""
    chosen = list(dict.fromkeys(packages))
    while len(chosen) > 1 and len("-".join(chosen)) >= _NAME_LIMIT:
        chosen.pop()
    kind = FORMATS[format_name]
    outside = "" if kind.is_compressed_inside else EXTENSIONS[compression]
    return "-".join([*chosen, f"{format_name}-pack{kind.extension}{outside}"])
