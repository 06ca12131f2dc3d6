"""`shell` and `environment`: what is at hand in them, where it comes from, and what is made anew."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.build]

NEEDING = """

class Needing(Script):
    '''The same, but what the build needs is in the bag in full.'''

    def lower(self, package, lowering):
        from larix.packages.bag import with_propagated

        bag = super().lower(package, lowering)
        return bag._replace(
            build_inputs=with_propagated(package.native_inputs),
            host_inputs=with_propagated([*package.inputs, *package.propagated_inputs]),
        )


user = simple(
    "user", "1.0", build_system=Needing(), native_inputs=lambda: [alpha], inputs=lambda: [delta_user]
)
delta_user = simple("deltauser", "1.0", build_system=Needing(), propagated_inputs=lambda: [beta])
"""


@pytest.fixture
def needing(builder):
    file = builder.folder / "packages" / "small.py"
    file.write_text(file.read_text() + NEEDING)
    builder.environment["SHELL"] = "/bin/sh"
    return builder


def programs(larix, *words, **variables):
    """The programs of the environment, as its PATH has them."""
    script = 'ls "${PATH%%:*}"'
    done = larix(*words, "--", "sh", "-c", script, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_packages_and_what_builds_need_can_be_mixed(needing):
    assert programs(needing, "shell", "alpha", "gamma") == ["alpha", "gamma"]
    assert programs(needing, "shell", "-D", "user") == ["alpha", "beta", "deltauser"]
    assert programs(needing, "shell", "-D", "user", "gamma") == ["alpha", "beta", "deltauser", "gamma"]
    assert programs(needing, "environment", "user") == ["alpha", "beta", "deltauser"]
    assert programs(needing, "environment", "user", "--ad-hoc", "gamma") == [
        "alpha",
        "beta",
        "deltauser",
        "gamma",
    ]
    assert programs(needing, "environment", "--ad-hoc", "user") == ["user"]


def test_expressions_files_and_manifests(needing):
    file = needing.folder / "one.py"
    file.write_text("from small import user\npackage = user\n")
    manifest = needing.folder / "list.py"
    manifest.write_text("manifest = ['alpha', 'gamma']\n")
    assert programs(needing, "shell", "-e", "gamma") == ["gamma"]
    assert programs(needing, "shell", "-D", "-e", "user") == ["alpha", "beta", "deltauser"]
    assert programs(needing, "shell", "-f", str(file)) == ["user"]
    assert programs(needing, "shell", "-D", "-f", str(file)) == ["alpha", "beta", "deltauser"]
    assert programs(needing, "environment", "-l", str(file)) == ["alpha", "beta", "deltauser"]
    assert programs(needing, "environment", "--ad-hoc", "-l", str(file)) == ["user"]
    assert programs(needing, "shell", "-m", str(manifest)) == ["alpha", "gamma"]
    assert programs(needing, "environment", "-m", str(manifest), "--ad-hoc", "beta") == [
        "alpha",
        "beta",
        "gamma",
    ]


def test_an_exported_manifest_gives_the_same_environment(needing):
    """By the same profile, to the hash."""
    words = ["-D", "user", "gamma@1", "--with-input=beta=gamma"]
    manifest = needing.folder / "manifest.py"
    manifest.write_text(needing.succeed("shell", "--export-manifest", *words))
    assert 'inputs_of("user", "--with-input=beta=gamma"),' in manifest.read_text()
    assert 'transformed("gamma@1", "--with-input=beta=gamma"),' in manifest.read_text()
    show = ("--", "sh", "-c", "echo $LARIX_ENVIRONMENT")
    assert needing.succeed("shell", *words, *show) == needing.succeed("shell", "-m", str(manifest), *show)
    done = needing("shell", "--export-manifest", "-e", "alpha")
    assert done.stderr.startswith("larix shell: error: 'alpha' cannot be written in a manifest")


def test_the_command_and_its_exit_code(needing):
    assert needing("shell", "alpha", "--", "alpha").stdout == "alpha 1.0\n"
    assert needing("shell", "alpha", "--", "sh", "-c", "exit 9").returncode == 9
    done = needing("shell", "alpha", "--", "nowhere")
    assert (done.returncode, done.stderr) == (127, "larix shell: error: nowhere: command not found\n")
    done = needing("shell", "--pure", "-E", "^KEPT", "alpha", "--", "/usr/bin/env", KEPT="yes", GONE="yes")
    names = {line.split("=")[0] for line in done.stdout.splitlines()}
    assert {"KEPT", "LARIX_ENVIRONMENT", "PATH", "HOME"} <= names
    assert "GONE" not in names


def test_a_second_start_finds_the_profile_until_something_changes(needing):
    def start(*words):
        done = needing("shell", *words, "alpha", "--", "sh", "-c", "echo $LARIX_ENVIRONMENT")
        assert done.returncode == 0, done.stderr
        return done.stdout, "building" in done.stderr

    first, was_built = start()
    assert was_built
    file = needing.folder / "packages" / "small.py"
    text = file.read_text()
    cache = needing.folder / "cache" / "larix" / "profiles"
    (link,) = cache.iterdir()
    assert f"{os.readlink(link)}\n" == first
    needing.succeed("gc")
    assert start() == (first, False)
    # With the catalogue broken, only what remembers can still answer.
    stamp = file.stat()
    file.write_text(text.replace("def simple", "de% simple"))
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert start() == (first, False)
    assert needing("shell", "--rebuild-cache", "alpha", "--", "true").returncode == 1
    file.write_text(text.replace('simple("alpha", "1.0")', 'simple("alpha", "1.5")'))
    second, was_built = start()
    assert was_built
    assert second != first
    os.unlink(link)
    needing.succeed("gc")
    assert not Path(first.strip()).exists()
    assert start() == (second, False)


def test_what_may_change_unseen_is_not_cached(needing):
    needing.succeed("shell", "-e", "alpha", "--", "true")
    needing.succeed("shell", "--with-input=alpha=beta", "beta", "--", "true")
    assert not (needing.folder / "cache" / "larix" / "profiles").exists()


def test_entries_that_nobody_asked_for_in_a_month_go(needing):
    needing.succeed("shell", "alpha", "--", "true")
    cache = needing.folder / "cache" / "larix" / "profiles"
    (old,) = cache.iterdir()
    os.utime(old, (1, 1), follow_symlinks=False)
    needing.succeed("shell", "beta", "--", "true")
    assert old not in set(cache.iterdir())
    assert len(list(cache.iterdir())) == 1


def test_settings_roots_and_dry_runs(needing):
    done = needing("shell", "-n", "alpha")
    assert done.returncode == 0
    assert "would be built" in done.stderr
    planned = json.loads(needing.succeed("shell", "-n", "--json", "alpha"))
    assert planned["version"] == 1
    assert planned["derivations"][-1].endswith("-profile.drv")
    assert planned["results"][0].endswith("-profile")
    assert "cost" in planned
    assert not list(Path(needing.layout.store_dir).glob("*-profile"))
    text = needing.succeed("shell", "--search-paths", "-r", str(needing.folder / "root"), "alpha")
    item = os.readlink(needing.folder / "root")
    assert text == f'export PATH="{item}/bin${{PATH:+:}}$PATH"\n'
    shell = needing.folder / "cache" / "larix" / "profiles"
    for link in shell.iterdir():
        link.unlink()
    needing.succeed("gc")
    assert Path(item).is_dir()


def test_a_project_is_loaded_where_the_user_said_so(needing):
    """Reading the file runs it, so it must not be read before."""
    project = needing.folder / "project"
    below = project / "a" / "b"
    below.mkdir(parents=True)
    (project / "manifest.py").write_text("open('proof', 'w')\nmanifest = ['alpha']\n")
    needing.environment["SHELL"] = "/usr/bin/env"

    def start():
        return subprocess.run(
            needing.command("shell"),
            cwd=below,
            env=needing.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    done = start()
    assert f"warning: not loading '{project}/manifest.py' because not authorized to do so" in done.stderr
    assert f"echo {project} >> {needing.environment['HOME']}/.config/larix/shell-authorized" in done.stderr
    assert not (below / "proof").exists()
    listed = Path(needing.environment["HOME"]) / ".config" / "larix" / "shell-authorized-directories"
    listed.parent.mkdir(parents=True)
    listed.write_text(f"# mine\n{project}\n")
    done = start()
    assert done.returncode == 0
    assert f"loading environment from '{project}/manifest.py'..." in done.stderr
    path = next(line for line in done.stdout.splitlines() if line.startswith("PATH="))
    assert os.listdir(path.removeprefix("PATH=").split(":")[0]) == ["alpha"]
    (project / "manifest.py").unlink()
    (project / "larix.py").write_text("from small import user\npackage = user\n")
    done = start()
    path = next(line for line in done.stdout.splitlines() if line.startswith("PATH="))
    assert sorted(os.listdir(path.removeprefix("PATH=").split(":")[0])) == ["alpha", "beta", "deltauser"]


def test_check_tells_what_the_start_up_files_change(needing):
    bash = "/bin/bash"
    if not os.path.exists(bash):
        pytest.skip("no bash")
    needing.environment["SHELL"] = bash
    assert needing("shell", "--check", "alpha").returncode == 0
    (Path(needing.environment["HOME"]) / ".bashrc").write_text("PATH=/usr/bin\nunset LARIX_ENVIRONMENT\n")
    done = needing("shell", "--check", "alpha")
    assert done.returncode == 1
    assert "warning: variable 'PATH' is clobbered: '/usr/bin'" in done.stderr
    assert "warning: variable 'LARIX_ENVIRONMENT' is missing from shell environment" in done.stderr
    needing.environment["SHELL"] = "/bin/true"
    done = needing("shell", "--check", "alpha")
    assert (done.returncode, "failed to determine environment of shell '/bin/true'" in done.stderr) == (
        1,
        True,
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["shell", "-p", "./p", "alpha"], "'--profile' cannot be used with package options"),
        (
            ["environment", "-p", "./p", "--ad-hoc", "alpha"],
            "'--profile' cannot be used with package options",
        ),
        (["shell", "-D"], "--development: no package follows"),
        (["shell", "alpha", "--"], "missing argument: no command after `--'"),
        (["shell", "alhpa", "--", "true"], "alhpa: unknown package"),
        (["environment", "alhpa", "--", "true"], "alhpa: unknown package"),
        (["shell", "-p", "./p", "--", "true"], "profile './p' does not exist"),
        (["shell", "-m", "absent.py", "--", "true"], "'absent.py': no such file"),
        # Told before anything is built.
        (["shell", "-C", "-S", "bin", "alpha"], "bin: invalid symlink specification"),
        (["shell", "-C", "-u", "a b", "alpha"], "a b: invalid user name"),
        (
            ["shell", "-C", "--expose=/ab/sent", "alpha"],
            "cannot show '/ab/sent': no such file or directory",
        ),
    ],
)
def test_mistakes_are_one_line(reader, words, message):
    done = reader(*words)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == f"larix {words[0]}: error: {message}"
