from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
from pathlib import Path

import pytest

from larix.cli.commands import pack
from larix.pack.compression import EXTENSIONS
from larix.pack.options import FORMATS

BUILDING = [pytest.mark.slow, pytest.mark.build]


def members(file: str) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(file) as tar:
        return {member.name: member for member in tar}


def test_formats_are_listed(larix):
    out = larix.succeed("pack", "--list-formats")
    assert out.startswith("The supported formats for `larix pack' are:\n\n  tarball ")
    listed = json.loads(larix.succeed("pack", "--list-formats", "--json"))
    assert [row["name"] for row in listed["formats"]] == [
        "tarball",
        "docker",
        "oci",
        "oci-dir",
        "squashfs",
        "rpm",
        "deb",
    ]


def test_what_is_offered_for_completion_is_what_there_is():
    assert tuple(FORMATS) == pack.FORMAT_NAMES
    assert tuple(EXTENSIONS) == pack.COMPRESSORS


def test_options_of_formats_have_a_help_of_their_own(larix):
    assert "--image-tag=NAME" in larix.succeed("pack", "--help-docker-format")
    assert "--postun-file=FILE" in larix.succeed("pack", "--help-rpm-format")
    assert "--control-file=FILE" in larix.succeed("pack", "--help-deb-format")
    assert "--image-tag" not in larix.succeed("pack", "--help")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-f", "appimage"], "appimage: unknown pack format"),
        (["-C", "arj"], "arj: compressor not found"),
        (["-f", "deb", "-C", "bzip2"], "bzip2 is not a valid deb compressor"),
        (["-f", "squashfs", "-C", "lzip"], "lzip is not a valid squashfs compressor"),
        (["-S", "bin"], "bin: invalid symlink specification"),
        (["-S", "/bin=/bin"], "symlink target is absolute: '/bin'"),
        (["-m", "manifest.py"], "both a manifest and a package list were given"),
        (["-A", "x"], "`--entry-point-argument' is given without `--entry-point'"),
        (["-f", "docker", "--max-layers=0"], "'--max-layers' must be at least 1, not 0"),
        (["-f", "docker", "--max-layers=1000"], "1000 layers are too many"),
        (["-f", "docker", "--image-tag=A b"], "`A b' cannot be the name of an image"),
        (["-f", "squashfs"], "Singularity requires you to provide a shell"),
        (["-R", "--target=aarch64-linux-gnu"], "relocatable packs can only be made for the system"),
        (["--localstatedir", "--profile-name=../x"], "`../x' cannot be the name of a profile"),
        (["-f", "deb", "--control-file=absent"], "cannot read `absent': No such file or directory"),
        (["-f", "deb", "--control-file=bad"], "bad:2: error: this is no field of a Debian package"),
        (["-S", "/bin=bin", "-S", "/bin/x=bin/x"], "two things in the pack are called `/bin'"),
    ],
)
def test_mistakes_are_told_in_one_line(builder, words, message):
    (builder.folder / "bad").write_text("Package: x\nnothing\n")
    done = builder("pack", "-d", *words, "alpha")
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_options_of_other_formats_are_told_to_mean_nothing(builder):
    done = builder("pack", "-d", "--entry-point=bin/alpha", "--max-layers=3", "alpha")
    assert done.returncode == 0
    assert "`--entry-point' means nothing to packs of format tarball" in done.stderr
    assert "`--max-layers' means nothing to packs of format tarball" in done.stderr


@pytest.mark.slow
def test_an_entry_point_is_a_program_of_the_profile(builder):
    done = builder("pack", "-f", "docker", "--entry-point=bin/alhpa", "alpha")
    assert (done.returncode, done.stdout) == (100, "")
    assert "larix pack: error: there is no program `bin/alhpa' to be the entry point\nhint: " in done.stderr


@pytest.mark.slow
def test_a_link_leads_to_what_the_profile_has(builder):
    done = builder("pack", "-S", "/opt/bin=bni", "alpha")
    assert (done.returncode, done.stdout) == (100, "")
    assert "the link `/opt/bin' would lead nowhere: the profile has no `bni'\nhint: " in done.stderr


def test_a_dry_run_tells_what_would_be_built(builder):
    done = builder("pack", "--dry-run", "alpha", "beta")
    assert done.returncode == 0
    assert done.stdout == ""
    assert "alpha-beta-tarball-pack.tar.gz.drv" in done.stderr
    plan = json.loads(builder.succeed("pack", "--dry-run", "--json", "-f", "docker", "alpha"))
    assert plan["results"][0].endswith("-alpha-docker-pack.tar.gz")
    assert any(drv.endswith("-profile.drv") for drv in plan["derivations"])


def test_the_name_of_a_pack_follows_from_what_it_is_made_of(builder):
    def name(*words: str) -> str:
        return builder.succeed("pack", "-d", *words).strip()

    first = name("alpha")
    assert first == name("alpha")
    assert first.endswith("-alpha-tarball-pack.tar.gz.drv")
    others = {
        name("-C", "zstd", "alpha"),
        name("-S", "/bin=bin", "alpha"),
        name("beta"),
        name("-f", "deb", "alpha"),
    }
    assert len({first, *others}) == 5


def test_the_language_of_the_user_changes_no_pack(builder):
    for kind in ("deb", "rpm", "docker"):
        words = ("pack", "-d", "-f", kind, "alpha", "beta")
        assert builder.succeed(*words, LC_ALL="fr_FR.UTF-8") == builder.succeed(*words)


class TestPacks:
    pytestmark = BUILDING

    def test_a_tarball_holds_closure_and_links(self, builder):
        file = builder.succeed("pack", "-S", "/opt/bin=bin", "delta").strip()
        found = members(file)
        link = found["opt/bin"]
        assert link.issym()
        assert link.linkname.startswith(builder.environment["LARIX_STORE_DIR"])
        inside = builder.environment["LARIX_STORE_DIR"].lstrip("/")
        programs = [name for name in found if name.endswith(("/bin/alpha", "/bin/delta"))]
        places = {name.partition("store/")[2].partition("-")[2] for name in programs}
        assert places == {
            f"{item}/bin/{name}" for name in ("alpha", "delta") for item in (f"{name}-1.0", "profile")
        }
        assert all(name.startswith(inside) for name in programs)

    def test_packs_are_made_again_bit_for_bit(self, builder):
        for kind in ("tarball", "docker", "oci-dir", "deb", "rpm"):
            builder.succeed("pack", "--rounds=2", "-f", kind, "alpha")

    def test_an_image_runs_what_it_was_told(self, builder):
        file = builder.succeed(
            "pack", "-f", "docker", "--entry-point=bin/alpha", "-A", "one", "--image-tag=team/it:2", "alpha"
        ).strip()
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(Path(file).read_bytes()))) as tar:
            manifest = json.load(tar.extractfile("manifest.json"))[0]
            config = json.load(tar.extractfile(manifest["Config"]))
        assert manifest["RepoTags"] == ["team/it:2"]
        profile, argument = config["config"]["Entrypoint"]
        assert profile.endswith("-profile/bin/alpha")
        assert argument == "one"
        assert config["config"]["Env"] == [f"PATH={profile.removesuffix('/alpha')}"]
        labels = config["config"]["Labels"]
        assert labels["org.opencontainers.image.title"] == "alpha"
        (held,) = json.loads(labels["org.larix.packages"])
        assert (held["name"], held["version"], held["output"]) == ("alpha", "1.0", "out")
        assert held["path"].endswith("-alpha-1.0")
        assert labels["org.opencontainers.image.version"] == "1.0"
        assert labels["org.opencontainers.image.description"] == "Say alpha"
        assert "org.opencontainers.image.licenses" not in labels

    @pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("umoci") is None, reason="needs umoci, and root for chroot"
    )
    def test_an_image_runs(self, builder, tmp_path):
        """The program is a script for `sh`, so the image is given one that needs nothing else."""
        pack = builder.succeed("pack", "-f", "oci-dir", "-S", "/opt=bin", "alpha").strip()
        bundle = tmp_path / "bundle"
        subprocess.run(
            ["umoci", "unpack", "--image", f"{pack}:latest", str(bundle)], check=True, capture_output=True
        )
        root = bundle / "rootfs"
        (root / "bin").mkdir()
        shutil.copy(shutil.which("busybox"), root / "bin" / "sh")
        done = subprocess.run(["chroot", str(root), "/opt/alpha"], check=True, capture_output=True, text=True)
        assert done.stdout == "alpha 1.0\n"

    def test_state_comes_along_when_asked_for(self, builder, tmp_path):
        """And larix takes what was unpacked for a store."""
        words = ("pack", "--localstatedir", "--profile-name=mine", "alpha")
        file = builder.succeed(*words).strip()
        state = builder.environment["LARIX_STATE_DIRECTORY"].lstrip("/")
        found = members(file)
        assert found[f"{state}/profiles/mine"].linkname == "mine-1-link"
        assert found[f"{state}/profiles/mine-1-link"].linkname.endswith("-profile")
        with tarfile.open(file) as tar:
            tar.extractall(tmp_path, filter="tar")
        with sqlite3.connect(tmp_path / state / "db" / "db.sqlite") as connection:
            paths = [path for (path,) in connection.execute("select path from ValidPaths")]
            hashes = dict(connection.execute("select path, hash from ValidPaths"))
        connection.close()
        assert sorted(path.rpartition("-")[2] for path in paths) == ["1.0", "profile"]
        alpha = next(path for path in paths if path.endswith("alpha-1.0"))
        digest = builder.succeed("hash", "-S", "nar", "-f", "hex", alpha).strip()
        assert hashes[alpha] == f"sha256:{digest}"
        builder.succeed("pack", "--rounds=2", "--localstatedir", "beta")

    def test_a_root_keeps_the_pack(self, builder):
        file = builder.succeed("pack", "-r", "result", "alpha").strip()
        assert os.readlink(builder.folder / "result") == file
        assert file in builder.succeed("gc", "--list-live").split()

    def test_a_debian_package_tells_of_its_package(self, builder):
        if shutil.which("dpkg-deb") is None:
            pytest.skip("no dpkg-deb")
        (builder.folder / "control").write_text("Maintainer: me <me@localhost>\nDepends: libc6,\n  libm6\n")
        (builder.folder / "post").write_text("#!/bin/sh\ntrue\n")
        file = builder.succeed(
            "pack",
            "-f",
            "deb",
            "--control-file=control",
            "--postinst-file=post",
            "-S",
            "/usr/bin/a=bin/alpha",
            "alpha",
        ).strip()
        told = subprocess.run(["dpkg-deb", "-f", file], check=True, capture_output=True, text=True).stdout
        assert "Package: alpha\nVersion: 1.0\nArchitecture: amd64\nMaintainer: me <me@localhost>\n" in told
        assert "Depends: libc6,\n  libm6\n" in told
        assert "Description: Say alpha\n" in told

    def test_an_empty_pack_is_a_pack(self, builder):
        done = builder("pack")
        assert done.returncode == 0
        assert "no packages specified; building an empty pack" in done.stderr
        assert any(name.endswith("-profile/etc/profile") for name in members(done.stdout.strip()))

    def test_manifests_and_expressions_are_packed(self, builder):
        (builder.folder / "manifest.py").write_text('manifest = ["alpha", "beta"]\n')
        assert (
            builder.succeed("pack", "-m", "manifest.py").strip().endswith("-alpha-beta-tarball-pack.tar.gz")
        )
        assert builder.succeed("pack", "-e", "gamma").strip().endswith("-gamma-tarball-pack.tar.gz")
        result = json.loads(builder.succeed("pack", "--json", "-C", "none", "alpha"))
        assert result["results"][0]["path"].endswith("-alpha-tarball-pack.tar")
