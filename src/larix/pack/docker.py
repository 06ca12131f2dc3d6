"""Archives as `docker save` writes them: a tar archive of layers, which are tar archives themselves.

ITEM.tar       each layer; the archive around is what is compressed
DIGEST.json    the configuration, under its SHA-256
manifest.json  [{"Config": "DIGEST.json", "RepoTags": ["NAME:TAG"], "Layers": ["ITEM.tar", ...]}]
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from larix.pack.image import divide, image_config, json_bytes, write_layer
from larix.pack.tar import file_header, padding, tar_end

if TYPE_CHECKING:
    from larix.pack.content import Contents
    from larix.pack.stream import Stream

__all__ = ["write_docker"]


def write_docker(stream: Stream, contents: Contents) -> None:
    """One image, in a single pass: the digests of the layers are needed after them only."""
    options = contents.options
    layers = divide(contents)
    digests: list[str] = []
    for layer in layers:
        stream.write(file_header(f"{layer.name}.tar".encode(), layer.size))
        digest = stream.watch = sha256()
        write_layer(stream, contents, layer)
        stream.watch = None
        digests.append(digest.hexdigest())
        stream.write_zeros(padding(layer.size))
    config = json_bytes(image_config(options, digests, layers))
    config_name = f"{sha256(config).hexdigest()}.json"
    manifest = {
        "Config": config_name,
        "RepoTags": [options.image],
        "Layers": [f"{layer.name}.tar" for layer in layers],
    }
    for name, text in ((config_name, config), ("manifest.json", json_bytes([manifest]))):
        stream.write(file_header(name.encode(), len(text)))
        stream.write(text)
        stream.write_zeros(padding(len(text)))
    stream.write_zeros(tar_end(stream.size))
