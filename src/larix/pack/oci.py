"""Images in the layout of the Open Container Initiative: a folder of blobs, or an archive of one.

    oci-layout          {"imageLayoutVersion": "1.0.0"}
    index.json          names the manifest by digest, and the image by the annotation `...ref.name`
    blobs/sha256/DIGEST layers (compressed tar archives), the configuration, the manifest

A blob's name is its digest: layers that two images share are one file of one name.
"""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.pack.compression import method
from larix.pack.entries import File, Folder
from larix.pack.image import divide, image_config, json_bytes, write_layer
from larix.pack.stream import Stream
from larix.pack.tar import tar_end, write_entries

if TYPE_CHECKING:
    from larix.pack.content import Contents
    from larix.pack.entries import Entry
    from larix.pack.stream import Workers

__all__ = ["write_oci_archive", "write_oci_layout"]

_LAYER_TYPES = {"gzip": "+gzip", "zstd": "+zstd", "none": ""}
_PREFIX = "application/vnd.oci.image"


class _Blob(NamedTuple):
    media_type: str
    digest: str
    size: int

    def descriptor(self, **more: object) -> dict[str, Any]:
        return {
            "mediaType": f"{_PREFIX}.{self.media_type}",
            "digest": f"sha256:{self.digest}",
            "size": self.size,
            **more,
        }


def write_oci_layout(folder: str, contents: Contents, workers: Workers) -> None:
    """Make the folder."""
    options = contents.options
    blobs = f"{folder}/blobs/sha256"
    os.makedirs(blobs)
    layers = divide(contents)
    written: list[_Blob] = []
    diff_ids: list[str] = []
    for layer in layers:
        temporary = f"{blobs}/.layer"
        with open(temporary, "xb", buffering=0) as sink:
            stream = Stream(sink.fileno(), method(options.compression), workers, hashed=True)
            digest = stream.watch = sha256()
            write_layer(stream, contents, layer)
            stream.close()
        diff_ids.append(digest.hexdigest())
        packed = stream.digest.hexdigest() if stream.digest is not None else ""
        os.rename(temporary, f"{blobs}/{packed}")
        media_type = f"layer.v1.tar{_LAYER_TYPES[options.compression]}"
        written.append(_Blob(media_type, packed, stream.packed))
    config = _write_blob(blobs, "config.v1+json", image_config(options, diff_ids, layers))
    manifest = _write_blob(
        blobs,
        "manifest.v1+json",
        {
            "schemaVersion": 2,
            "mediaType": f"{_PREFIX}.manifest.v1+json",
            "config": config.descriptor(),
            "layers": [blob.descriptor() for blob in written],
            "annotations": dict(options.labels),
        },
    )
    annotations = {"org.opencontainers.image.ref.name": options.image.rpartition(":")[2]}
    annotations["io.containerd.image.name"] = options.image
    index = {
        "schemaVersion": 2,
        "mediaType": f"{_PREFIX}.index.v1+json",
        "manifests": [manifest.descriptor(annotations=annotations)],
    }
    for name, value in (("index.json", index), ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
        with open(f"{folder}/{name}", "xb") as file:
            file.write(json_bytes(value))


def _write_blob(blobs: str, media_type: str, value: object) -> _Blob:
    contents = json_bytes(value)
    digest = sha256(contents).hexdigest()
    with open(f"{blobs}/{digest}", "xb") as file:
        file.write(contents)
    return _Blob(media_type, digest, len(contents))


def write_oci_archive(stream: Stream, scratch: str, contents: Contents, workers: Workers) -> None:
    """The layout as a tar archive; it is made as a folder first, since blobs go by their digests."""
    write_oci_layout(scratch, contents, workers)
    blobs = f"{scratch}/blobs/sha256"
    entries: list[Entry] = [Folder(b"blobs"), Folder(b"blobs/sha256")]
    for name in sorted(os.listdir(blobs)):
        file = os.fsencode(f"{blobs}/{name}")
        entries.append(File(f"blobs/sha256/{name}".encode(), os.stat(file).st_size, file=file))
    for name in ("index.json", "oci-layout"):
        file = os.fsencode(f"{scratch}/{name}")
        entries.append(File(name.encode(), os.stat(file).st_size, file=file))
    write_entries(stream, entries)
    stream.write_zeros(tar_end(stream.size))
