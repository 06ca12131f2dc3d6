"""Transactions with real builds, in a store of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from larix.profiles import generation

pytestmark = pytest.mark.slow


def names(larix, profile="./p"):
    return [line.split()[0] for line in larix.succeed("package", "-p", profile, "-I").splitlines()]


def run(larix, program):
    return subprocess.run([larix.folder / program], capture_output=True, text=True, check=True).stdout


def test_an_installed_program_runs(builder):
    done = builder("package", "-i", "alpha", "-p", "./p")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("The following package will be installed:\n   alpha 1.0\n\n")
    assert f'LARIX_PROFILE="{builder.folder}/p"' in done.stderr
    assert run(builder, "p/bin/alpha") == "alpha 1.0\n"
    profile = builder.folder / "p"
    assert sorted(os.listdir(profile)) == ["bin", "etc", "manifest"]
    assert os.readlink(profile / "bin").endswith("-alpha-1.0/bin")
    item = os.path.realpath(profile)
    last = (profile / "etc" / "profile").read_text().splitlines()[-1]
    assert last == f'export PATH="${{LARIX_PROFILE:-{item}}}/bin${{PATH:+:}}$PATH"'
    (entry,) = json.loads((profile / "manifest").read_text())["packages"]
    assert (entry["name"], entry["version"], entry["output"]) == ("alpha", "1.0", "out")
    assert f'LARIX_PROFILE="{builder.folder}/q"' in builder("install", "alpha", "-p", "q").stderr
    again = builder("package", "-i", "alpha", "-p", "./p")
    assert (again.returncode, again.stderr) == (0, "nothing to be done\n")
    assert generation.generations(str(profile)) == [1]


def test_sourcing_the_profile_finds_the_program(builder):
    builder.succeed("package", "-i", "alpha", "-p", "./p")
    script = ". ./p/etc/profile; alpha; LARIX_PROFILE=./p; PATH=/bin:/usr/bin; . ./p/etc/profile; echo $PATH"
    done = subprocess.run(
        ["/bin/sh", "-ec", script], cwd=builder.folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == "alpha 1.0\n./p/bin:/bin:/usr/bin\n"


def test_install_and_remove_are_one_transaction(builder):
    builder.succeed("package", "-i", "alpha", "-p", "./p")
    done = builder("package", "--install", "beta", "gamma", "--remove", "alpha", "-p", "./p")
    assert done.returncode == 0
    assert done.stderr.startswith(
        "The following package will be removed:\n   alpha 1.0\n\n"
        "The following packages will be installed:\n   beta 1.0\n   gamma 1.0\n\n"
    )
    assert names(builder) == ["beta", "gamma"]
    assert generation.generations(f"{builder.folder}/p") == [1, 2]
    assert builder.succeed("package", "-p", "./p", "--roll-back") == "switched from generation 2 to 1\n"
    assert names(builder) == ["alpha"]
    builder.succeed("install", "-p", "./p", "gamma")
    assert names(builder) == ["alpha", "gamma"]
    assert generation.generations(f"{builder.folder}/p") == [1, 2]
    builder.succeed("remove", "-p", "./p", "alpha", "gamma")
    assert names(builder) == []


def test_a_dry_run_changes_nothing(builder):
    done = builder("package", "-i", "alpha", "-p", "./p", "-n")
    assert done.returncode == 0
    assert done.stderr.startswith("The following package would be installed:\n   alpha 1.0\n\n")
    assert not os.path.lexists(builder.folder / "p")
    assert not os.path.lexists(builder.folder / "p.lock")
    planned = json.loads(builder.succeed("package", "-i", "alpha", "-p", "./p", "-n", "--json"))
    assert planned["version"] == 1
    assert [entry["name"] for entry in planned["installed"]] == ["alpha"]
    assert (planned["removed"], planned["upgraded"]) == ([], [])
    assert all(drv.endswith(".drv") for drv in planned["derivations"])


def test_propagated_inputs_come_along_and_must_not_contradict(builder):
    builder.succeed("package", "-i", "delta", "-p", "./p")
    assert run(builder, "p/bin/alpha") == "alpha 1.0\n"
    assert names(builder) == ["delta"]
    done = builder("package", "-i", "clash", "-p", "./p")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "larix package: error: profile contains conflicting entries for alpha"
    assert lines[2] == "   ... propagated from delta@1.0"
    assert lines[4] == "   ... propagated from clash@1.0"
    assert lines[5].startswith("hint: ")
    assert names(builder) == ["delta"]


def test_upgrading_takes_what_is_newer(builder):
    builder.succeed("package", "-i", "alpha@0.9", "beta", "-p", "./p")
    done = builder("upgrade", "-p", "./p")
    assert done.returncode == 0
    assert done.stderr.startswith("The following package will be upgraded:\n   alpha 0.9 → 1.0\n\n")
    assert run(builder, "p/bin/alpha") == "alpha 1.0\n"
    assert builder("upgrade", "-p", "./p").stderr == "nothing to be done\n"
    done = builder("package", "-i", "alpha@0.9", "-p", "./p")
    assert "will be downgraded:\n   alpha 1.0 → 0.9\n" in done.stderr
    assert builder("upgrade", "-p", "./p", "^b").stderr == "nothing to be done\n"
    assert builder("upgrade", "-p", "./p", "--do-not-upgrade", "^al").stderr == "nothing to be done\n"


def test_what_supersedes_a_package_is_installed_and_upgraded_to_instead(builder):
    done = builder("package", "-i", "ancient", "beta", "-p", "./p")
    assert "note: package 'ancient' has been superseded by 'gamma'\n" in done.stderr
    assert names(builder) == ["gamma", "beta"]
    small = builder.folder / "packages" / "small.py"
    text = small.read_text()
    small.write_text(text.replace("superseded_by=lambda: gamma", "hidden=True"))
    builder.succeed("package", "-r", "gamma", "-i", "ancient", "-p", "./p")
    assert names(builder) == ["beta", "ancient"]
    small.write_text(text.replace('"ancient", "1.0"', '"ancient", "9.0"'))
    done = builder("package", "-u", "-p", "./p")
    assert "note: package 'ancient' has been superseded by 'gamma'\n" in done.stderr
    assert names(builder) == ["beta", "gamma"]
    assert run(builder, "p/bin/gamma") == "gamma 1.0\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-i", "alpa"], "larix package: error: alpa: unknown package"),
        (["-i", "alpha@7"], "larix package: error: alpha@7: unknown package"),
        (["-r", "alpha"], "larix package: error: package 'alpha' not found in profile"),
        (["-e", "7"], "larix package: error: cannot install non-package object `7'"),
        (["-e", "undefined"], "<expression>:1: error: unknown name `undefined`"),
        (["-e", "alpha +"], "<expression>:1"),
        (["-f", "none.py"], "larix package: error: 'none.py': no such file"),
    ],
)
def test_mistakes_are_one_line_and_change_nothing(builder, words, message):
    done = builder("package", "-p", "./p", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr
    assert not os.path.lexists(builder.folder / "p")


def test_unknown_output_is_told(builder):
    done = builder("package", "-p", "./p", "-i", "alpha:doc")
    assert done.returncode == 1
    assert "package `alpha@1.0` lacks output `doc`" in done.stderr


def test_a_failing_build_shows_the_end_of_its_log_and_where_it_is(builder):
    done = builder("package", "-i", "broken", "-p", "./p")
    assert done.returncode == 100
    assert "  about to fail\n" in done.stderr
    assert "-broken-1.0.drv failed\n" in done.stderr
    log = builder.succeed("build", "broken", "--log-file").strip()
    assert f"View build log at '{log}'.\n" in done.stderr
    assert os.path.exists(log)
    assert not os.path.lexists(builder.folder / "p")


def test_installing_from_expressions_and_files(builder):
    (builder.folder / "mine.py").write_text("from small import beta\nmine = beta.inherit(name='mine')\n")
    builder.succeed(
        "package", "-p", "./p", "-e", "alpha.inherit(name='other')", "-f", "mine.py", "-L", "packages"
    )
    assert sorted(names(builder)) == ["mine", "other"]


def test_a_manifest_says_all_that_the_profile_holds(builder):
    builder.succeed("package", "-i", "alpha", "-p", "./p")
    (builder.folder / "manifest.py").write_text("manifest = ['beta', 'gamma']\n")
    builder.succeed("package", "-m", "manifest.py", "-p", "./p")
    assert sorted(names(builder)) == ["beta", "gamma"]


def test_installations_at_once_lose_nothing(builder):
    running = [
        builder.start("package", "-i", name, "-p", "./p", stderr=subprocess.PIPE)
        for name in ("alpha", "beta", "gamma")
    ]
    told = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], told
    assert sorted(names(builder)) == ["alpha", "beta", "gamma"]
    assert generation.generations(f"{builder.folder}/p") == [1, 2, 3]


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_stopped_anywhere_the_profile_is_the_old_or_the_new_one(builder, stop):
    """Stop after each line that the command writes: plan, builds, hint; afterwards all works again."""
    builder.succeed("package", "-i", "alpha", "-p", "./p")
    for count in range(6):
        name = f"stopped{stop.value}x{count}"
        process = builder.start(
            "package", "-e", f"beta.inherit(name='{name}')", "-p", "./p", stderr=subprocess.PIPE
        )
        for _ in range(count):
            process.stderr.readline()
        process.send_signal(stop)
        _, text = process.communicate()
        assert "Traceback" not in text
        assert names(builder) in (["alpha"], ["alpha", name])
        assert run(builder, "p/bin/alpha") == "alpha 1.0\n"
        builder.succeed("package", "-S1", "-p", "./p")
    builder.succeed("package", "-i", "gamma", "-p", "./p")
    assert names(builder) == ["alpha", "gamma"]
