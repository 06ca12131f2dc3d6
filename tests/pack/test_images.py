"""Docker and OCI images, read by hand and, where they are installed, by the tools of others."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from larix.pack.content import Closure, Contents
from larix.pack.errors import BadPack
from larix.pack.image import MOST_LAYERS, divide, image_name
from packs import LIBRARY, PROFILE, PROGRAM, PackShop


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"no {program}")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Docker:
    """An archive of `docker load`, all of it checked against all of it."""

    def __init__(self, data: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            self.files = {
                member.name: handle.read()
                for member in tar
                if (handle := tar.extractfile(member)) is not None
            }
        (manifest,) = json.loads(self.files["manifest.json"])
        self.tags = manifest["RepoTags"]
        self.config = json.loads(self.files[manifest["Config"]])
        assert manifest["Config"] == f"{digest(self.files[manifest['Config']])}.json"
        self.layers = [self.files[name] for name in manifest["Layers"]]
        assert self.config["rootfs"]["diff_ids"] == [f"sha256:{digest(layer)}" for layer in self.layers]
        assert len(self.config["history"]) == len(self.layers)


class Oci:
    """An OCI layout, all of it checked against all of it; `layers` are unpacked."""

    def __init__(self, folder: Path) -> None:
        assert json.loads((folder / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
        self.index = json.loads((folder / "index.json").read_text())
        self.blobs = {file.name: file.read_bytes() for file in (folder / "blobs" / "sha256").iterdir()}
        assert all(digest(data) == name for name, data in self.blobs.items())
        (self.entry,) = self.index["manifests"]
        self.manifest = json.loads(self._blob(self.entry))
        self.config = json.loads(self._blob(self.manifest["config"]))
        self.packed = [self._blob(each) for each in self.manifest["layers"]]
        assert len(self.blobs) == len({digest(each) for each in self.packed}) + 2

    def _blob(self, descriptor: dict[str, Any]) -> bytes:
        data = self.blobs[descriptor["digest"].removeprefix("sha256:")]
        assert len(data) == descriptor["size"]
        return data


def names_in(layer: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return tar.getnames()


def test_a_docker_archive_is_whole(shop: PackShop, inside: str) -> None:
    options = shop.options(
        "docker",
        links=(("/bin", "bin"),),
        entry_point=("bin/hello", "--greeting"),
        labels=(("org.opencontainers.image.title", "hello"),),
        search_paths=(("LIBRARY", ("share",), ":", "directory", None),),
    )
    image = Docker(shop.pack(options).read_bytes())
    assert len(image.files) == 5
    assert image.tags == ["hello:latest"]
    profile = f"{shop.store}/{PROFILE}"
    assert image.config["config"] == {
        "Entrypoint": [f"{profile}/bin/hello", "--greeting"],
        "Env": [f"PATH={profile}/bin", f"LIBRARY={profile}/share"],
        "Labels": {"org.opencontainers.image.title": "hello"},
        "WorkingDir": "/",
    }
    assert (image.config["architecture"], image.config["os"]) == ("amd64", "linux")
    assert image.config["created"] == "1970-01-01T00:00:01Z"
    assert [f"{inside}/{item}" in names_in(layer) for item, layer in zip(
        (LIBRARY, PROGRAM, PROFILE), image.layers, strict=True
    )] == [True] * 3  # fmt: skip
    assert {"tmp", "bin"} <= set(names_in(image.layers[-1]))


def test_compression_is_around_a_docker_archive(shop: PackShop) -> None:
    plain = shop.pack(shop.options("docker")).read_bytes()
    assert gzip.decompress(shop.pack(shop.options("docker", "gzip")).read_bytes()) == plain


@pytest.mark.parametrize("kind", ["oci-dir", "oci"])
def test_an_oci_layout_is_whole(shop: PackShop, kind: str, tmp_path: Path) -> None:
    output = shop.pack(shop.options(kind, "gzip"))
    if kind == "oci":
        with tarfile.open(output, "r:") as tar:
            tar.extractall(tmp_path / "out", filter="data")
        output = tmp_path / "out"
    image = Oci(output)
    layers = [gzip.decompress(each) for each in image.packed]
    assert image.config["rootfs"]["diff_ids"] == [f"sha256:{digest(layer)}" for layer in layers]
    assert {each["mediaType"] for each in image.manifest["layers"]} == {
        "application/vnd.oci.image.layer.v1.tar+gzip"
    }
    assert image.entry["annotations"] == {
        "io.containerd.image.name": "hello:latest",
        "org.opencontainers.image.ref.name": "latest",
    }


def test_images_are_the_same_whatever_the_number_of_threads(shop: PackShop) -> None:
    for kind in ("docker", "oci"):
        options = shop.options(kind, "gzip")
        assert shop.pack(options, threads=1).read_bytes() == shop.pack(options, threads=4).read_bytes()


def test_images_with_a_common_closure_share_blobs(shop: PackShop) -> None:
    """Another profile of the same packages: all layers but the last are the same, and first."""
    one = Oci(shop.pack(shop.options("oci-dir", "zstd")))
    os.mkdir(shop.store / f"{'3' * 32}-profile")
    shop.closure.references[f"{'3' * 32}-profile"] = (LIBRARY, PROGRAM)
    del shop.closure.references[PROFILE]
    other = Oci(shop.pack(shop.options("oci-dir", "zstd", profile=f"{shop.store}/{'3' * 32}-profile")))
    assert one.packed[:2] == other.packed[:2]
    assert one.packed[2] != other.packed[2]


def closure_of(sizes: dict[str, int], folder: Path) -> Closure:
    for name, size in sizes.items():
        (folder / name).write_bytes(bytes(size))
    (folder / "profile").mkdir()
    return Closure(str(folder), {**dict.fromkeys(sizes, ()), "profile": tuple(sizes)})


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (1, [("a", "b", "c", "d", "profile")]),
        (2, [("a", "b", "c", "d"), ("profile",)]),
        (3, [("c",), ("a", "b", "d"), ("profile",)]),
        (4, [("a",), ("c",), ("b", "d"), ("profile",)]),
        (5, [("a",), ("b",), ("c",), ("d",), ("profile",)]),
        (0, [("a",), ("b",), ("c",), ("d",), ("profile",)]),
    ],
)
def test_the_largest_items_have_layers_of_their_own(
    shop: PackShop, tmp_path: Path, limit: int, expected: list[tuple[str, ...]]
) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    closure = closure_of({"a": 5000, "b": 10, "c": 9000, "d": 100}, folder)
    options = shop.options("docker", layers=limit, profile=f"{folder}/profile")
    assert [layer.items for layer in divide(Contents(closure, options))] == expected


def test_layers_start_with_what_needs_least(shop: PackShop, tmp_path: Path) -> None:
    folder = tmp_path / "chain"
    folder.mkdir()
    for name in ("c", "b", "a", "profile"):
        (folder / name).mkdir()
    references: dict[str, tuple[str, ...]] = {"a": ("a", "b"), "b": ("c",), "c": (), "profile": ("a",)}
    options = shop.options("docker", profile=f"{folder}/profile")
    layers = divide(Contents(Closure(str(folder), references), options))
    assert [layer.name for layer in layers] == ["c", "b", "a", "profile"]


@pytest.mark.parametrize(
    "text", ["hello", "hello:1.0", "site.org/team/hello", "site.org:5000/hello", "a__b--c"]
)
def test_names_of_images(text: str) -> None:
    name, _, tag = image_name(text).rpartition(":")
    assert f"{name}:{tag}" in {text, f"{text}:latest"}


@pytest.mark.parametrize("text", ["", "Hello", "a b", "hello:", ":1", "-a", "a:b:c", "hello/", "a\n"])
def test_names_that_engines_refuse_are_refused(text: str) -> None:
    with pytest.raises(BadPack, match="cannot be the name"):
        image_name(text)


def test_no_more_layers_than_engines_take() -> None:
    assert MOST_LAYERS < 127


@needs("skopeo")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "compression", "transport"),
    [
        ("docker", "none", "docker-archive"),
        ("oci", "gzip", "oci-archive"),
        ("oci", "zstd", "oci-archive"),
        ("oci-dir", "gzip", "oci"),
    ],
)
def test_skopeo_takes_images(
    shop: PackShop, tmp_path: Path, kind: str, compression: str, transport: str
) -> None:
    """It unpacks each layer and compares with what the configuration says.

    Compressed Docker archives are not asked for: that of Debian 12 cannot read any, whoever wrote them.
    """
    pack = shop.pack(shop.options(kind, compression, links=(("/bin", "bin"),)))
    target = tmp_path / "copied"
    command = [
        "skopeo",
        "--insecure-policy",
        "--tmpdir",
        str(tmp_path),
        "copy",
        "--quiet",
        "--dest-decompress",
    ]
    subprocess.run([*command, f"{transport}:{pack}", f"dir:{target}"], check=True)
    manifest = json.loads((target / "manifest.json").read_text())
    digests = [each["digest"].removeprefix("sha256:") for each in manifest["layers"]]
    names = [name for each in digests for name in names_in((target / each).read_bytes())]
    assert {"bin", "tmp"} <= set(names)


@needs("umoci")
@pytest.mark.slow
def test_umoci_unpacks_an_image(shop: PackShop, inside: str, tmp_path: Path) -> None:
    pack = shop.pack(shop.options("oci-dir", "gzip", links=(("/bin", "bin"),)))
    bundle = tmp_path / "bundle"
    subprocess.run(
        ["umoci", "unpack", "--rootless", "--image", f"{pack}:latest", str(bundle)],
        check=True,
        capture_output=True,
    )
    assert (bundle / "rootfs" / inside / PROGRAM / "bin" / "hello").read_text() == "#!/bin/sh\necho hello\n"
    assert os.readlink(bundle / "rootfs" / "bin") == f"{shop.store}/{PROFILE}/bin"
