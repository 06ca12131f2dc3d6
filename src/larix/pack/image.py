"""What Docker and OCI images have in common: layers and configuration.

A layer is a tar archive. Each of the largest items has a layer of its own, the other items share one, and the
last holds the profile and what is not in the store. Layers stand in the order of how much the items need, an
item's number of dependencies being its own affair: so two images of which much is the same begin with the
same layers, which registries and engines then keep and transfer once.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.buildside.profile_settings import PATH, settings_of
from larix.pack.content import extra_entries, item_entries, store_folders
from larix.pack.entries import Folder
from larix.pack.errors import BadPack
from larix.pack.tar import tar_end, tar_size, write_entries
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from larix.pack.content import Closure, Contents
    from larix.pack.entries import Entry
    from larix.pack.options import PackOptions
    from larix.pack.stream import Stream

__all__ = [
    "DEFAULT_LAYERS",
    "MOST_LAYERS",
    "Layer",
    "divide",
    "image_config",
    "image_name",
    "json_bytes",
    "write_layer",
]

DEFAULT_LAYERS = 100
MOST_LAYERS = 125  # engines that stack mounts refuse more than 127
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*(?::[0-9]+/[a-z0-9._/-]*[a-z0-9])?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_CREATED = "1970-01-01T00:00:01Z"
_MACHINES = {
    "x86_64": {"architecture": "amd64"},
    "i686": {"architecture": "386"},
    "aarch64": {"architecture": "arm64", "variant": "v8"},
    "armhf": {"architecture": "arm", "variant": "v7"},
    "powerpc64le": {"architecture": "ppc64le"},
    "riscv64": {"architecture": "riscv64"},
}


def image_name(text: str) -> str:
    """NAME:TAG, the tag being `latest` if there is none.

    :raises BadPack: engines would refuse it
    """
    name, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        name, tag = text, "latest"
    if _REPOSITORY.fullmatch(name) is None or _TAG.fullmatch(tag) is None:
        raise BadPack(
            tr("`{text}' cannot be the name of an image", text=text),
            hint=tr(
                "Write small letters and digits, with `-', `_', `.' and `/' between them, and perhaps :TAG."
            ),
        )
    return f"{name}:{tag}"


class Layer(NamedTuple):
    """`items` of the store, then `entries` beside it. `size` is that of the whole archive."""

    name: str
    items: tuple[str, ...]
    entries: tuple[Entry, ...]
    size: int


def divide(contents: Contents) -> list[Layer]:
    """The layers of an image, at most as many as the options say (0: the default)."""
    closure, options, _ = contents
    limit = options.layers or DEFAULT_LAYERS
    profile = options.profile.rpartition("/")[2]
    sizes = {item: tar_size(item_entries(contents, item)) for item in closure.items}
    order = sorted(closure.items, key=lambda item: (_weight(closure, item), item))
    others = [item for item in order if item != profile]
    single = set(sorted(others, key=lambda item: (-sizes[item], item))[: limit - 2] if limit > 2 else ())
    if len(others) == limit - 1 > len(single):  # the rest would be one item
        single = set(others)
    groups = [(item,) for item in order if item in single]
    rest = tuple(item for item in others if item not in single)
    extra = (Folder(b"tmp", 0o1777), *extra_entries(contents))
    last = ((profile,), extra)
    if limit == 1:
        return [_layer(closure, "layer", (*rest, profile), extra, sizes)]
    layers = [_layer(closure, group[0], group, (), sizes) for group in groups]
    if rest:
        layers.append(_layer(closure, "rest", rest, (), sizes))
    return [*layers, _layer(closure, profile, *last, sizes)]


def _weight(closure: Closure, item: str) -> int:
    """How many items this one needs, at any distance."""
    seen = {item}
    todo = [item]
    while todo:
        for each in closure.references[todo.pop()]:
            if each not in seen:
                seen.add(each)
                todo.append(each)
    return len(seen)


def _layer(
    closure: Closure, name: str, items: tuple[str, ...], extra: Sequence[Entry], sizes: dict[str, int]
) -> Layer:
    folders = tuple(store_folders(closure.store_dir))
    size = tar_size(folders) + sum(sizes[item] for item in items) + tar_size(extra)
    return Layer(name, items, (*folders, *extra), size + tar_end(size))


def _entries(contents: Contents, layer: Layer) -> Iterator[Entry]:
    folders = len(list(store_folders(contents.closure.store_dir)))
    yield from layer.entries[:folders]
    for item in layer.items:
        yield from item_entries(contents, item)
    yield from layer.entries[folders:]


def write_layer(stream: Stream, contents: Contents, layer: Layer) -> None:
    """The archive of a layer, of the size that was foretold.

    :raises BadPack: the files have changed meanwhile
    """
    start = stream.size
    write_entries(stream, _entries(contents, layer))
    stream.write_zeros(tar_end(stream.size - start))
    if stream.size - start != layer.size:
        raise BadPack(tr("the items of layer `{layer}' changed while they were packed", layer=layer.name))


def image_config(options: PackOptions, diff_ids: Sequence[str], layers: Sequence[Layer]) -> dict[str, Any]:
    """The configuration: what is run, in which environment, and of which layers the image is made."""
    settings = settings_of(options.profile, [PATH, *options.search_paths])
    environment = [f"{name}={(separator or ':').join(places)}" for name, separator, places in settings]
    config: dict[str, Any] = {"Env": environment, "WorkingDir": "/"}
    if options.entry_point:
        program, *arguments = options.entry_point
        config["Entrypoint"] = [f"{options.profile}/{program}", *arguments]
    if options.labels:
        config["Labels"] = dict(options.labels)
    return {
        **_MACHINES.get(options.system.partition("-")[0], {"architecture": options.system.partition("-")[0]}),
        "os": "linux",
        "created": _CREATED,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in diff_ids]},
        "history": [
            {"created": _CREATED, "created_by": "larix pack", "comment": layer.name} for layer in layers
        ],
    }


def json_bytes(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
