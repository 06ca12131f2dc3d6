"""`larix build` and `larix run` with real builds, in a store of their own."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

pytestmark = pytest.mark.slow


def test_results_alone_are_on_standard_output(builder):
    done = builder("build", "alpha", "beta")
    assert done.returncode == 0
    alpha, beta = done.stdout.splitlines()
    assert alpha.endswith("-alpha-1.0")
    assert beta.endswith("-beta-1.0")
    assert subprocess.run([f"{alpha}/bin/alpha"], capture_output=True, check=True).stdout == b"alpha 1.0\n"
    again = builder("build", "alpha")
    assert (again.stdout, again.stderr) == (f"{alpha}\n", "")


def test_derivations_are_printed_and_can_be_built(builder):
    drv = builder.succeed("build", "-d", "alpha").strip()
    assert drv.endswith("-alpha-1.0.drv")
    output = builder.succeed("build", "alpha").strip()
    assert builder.succeed("build", "-q", drv) == f"{output}\n"
    assert builder.succeed("build", "-q", output) == f"{output}\n"
    assert builder.succeed("build", "-q", f"{output}/bin/alpha") == f"{output}\n"


def test_a_dry_run_builds_nothing(builder):
    done = builder("build", "-n", "-e", "alpha.inherit(version='77')")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("The following derivation")
    assert "would be built:\n" in done.stderr
    planned = json.loads(builder.succeed("build", "-n", "--json", "-e", "alpha.inherit(version='77')"))
    assert planned["version"] == 1
    assert planned["derivations"][-1].endswith("-alpha-77.drv")
    assert not os.path.lexists(planned["results"][0])


def test_checking_twice_finds_what_differs_and_keeps_it(builder):
    output = builder.succeed("build", "-q", "noisy").strip()
    done = builder("build", "-q", "noisy", "--check", "-K")
    assert done.returncode == 104
    assert "noise" in done.stderr
    assert os.path.exists(f"{output}-check/noise")
    assert builder("build", "-q", "alpha").returncode == 0
    assert builder("build", "-q", "alpha", "--check").returncode == 0


def test_rounds_are_compared(builder):
    done = builder("build", "-q", "-e", "noisy.inherit(version='2')", "--rounds=2")
    assert done.returncode == 104
    assert builder("build", "-q", "-e", "alpha.inherit(version='2')", "--rounds=2").returncode == 0


def test_failures_have_codes_and_do_not_stop_the_others_when_told(builder):
    done = builder("build", "-q", "-k", "broken", "-e", "beta.inherit(name='after')")
    assert done.returncode == 100
    assert "Traceback" not in done.stderr
    expected = builder.succeed("build", "-q", "-e", "beta.inherit(name='after')", "--json", "-n")
    assert json.loads(expected)["derivations"] == []


def test_a_root_keeps_the_result(builder):
    output = builder.succeed("build", "-q", "-r", "result", "-e", "beta.inherit(version='5')").strip()
    assert os.readlink(builder.folder / "result") == output
    done = builder("gc", "-D", output)
    assert done.returncode == 1
    (builder.folder / "result").unlink()
    (builder.folder / "result").write_text("a file in the way")
    done = builder("build", "-q", "-r", "result", "alpha")
    assert done.returncode == 1
    assert "failed to create GC root" in done.stderr


@pytest.mark.parametrize("words", [["build", "-q"], ["shell", "--search-paths"], ["pack"]])
def test_a_root_takes_no_other_links_place(builder, words):
    """A profile above all, which would be one no longer."""
    builder.succeed("package", "-p", "./profile", "-i", "beta")
    for link, target in (("profile", "profile-1-link"), ("elsewhere", "/etc/hostname")):
        if link == "elsewhere":
            (builder.folder / link).symlink_to(target)
        done = builder(*words, "-r", link, "alpha")
        assert done.returncode == 1
        assert f"it leads to `{target}`\nhint: move it away" in done.stderr
        assert os.readlink(builder.folder / link) == target
    assert "beta" in builder.succeed("package", "-p", "./profile", "-I")


def test_logs_are_found_and_missed(builder):
    output = builder.succeed("build", "-q", "gamma").strip()
    log = builder.succeed("build", "--log-file", "gamma")
    assert log == builder.succeed("build", "--log-file", output)
    assert os.path.exists(log.strip())
    done = builder("build", "--log-file", "-e", "gamma.inherit(version='never built')")
    assert done.returncode == 1
    done = builder("build", "--log-file", "-e", "gamma.inherit(version='6')")
    assert done.returncode == 1
    assert done.stderr.startswith("larix build: error: no build log for '")


def test_sources_of_packages(builder):
    (builder.folder / "text").write_text("the source\n")
    (builder.folder / "with_source.py").write_text(
        "from small import beta\n"
        "from larix.staging import local_file\n"
        "package = beta.inherit(source=local_file('text'))\n"
    )
    source = builder.succeed("build", "-S", "-L", "packages", "-f", "with_source.py").strip()
    with open(source) as file:
        assert file.read() == "the source\n"
    done = builder("build", "-S", "alpha")
    assert (done.returncode, done.stdout) == (0, "")
    assert "warning: package 'alpha@1.0' has no source" in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def (\n", ":1:5: error: syntax error"),
        ("x = undefined_name\n", ":1: error: unknown name `undefined_name`"),
        ("x = 1\n", ":1: error: this file gives nothing that can be built"),
        (
            "import small\npackage = small.alpha.inherit(nam='x')\n",
            ":2:11: error: package has no field `nam`",
        ),
        ("raise SystemExit(3)\n", ":1: error: SystemExit: 3"),
    ],
)
def test_a_bad_file_is_one_line_with_its_place(builder, text, message):
    file = builder.folder / "bad.py"
    file.write_text(text)
    done = builder("build", "-L", "packages", "-f", "bad.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr.splitlines()[0]
    assert done.stderr.splitlines()[0].partition(":")[0] in (str(file), "bad.py")
    assert "Traceback" not in done.stderr


def test_a_cycle_of_packages_is_told(builder):
    (builder.folder / "ring.py").write_text(
        "from small import alpha\n"
        "one = alpha.inherit(name='one', inputs=lambda: [two])\n"
        "two = alpha.inherit(name='two', inputs=lambda: [one])\n"
        "package = one\n"
    )
    done = builder("build", "-L", "packages", "-f", "ring.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert "one" in done.stderr
    assert "two" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("operand", "message"),
    [
        ("alpah", "alpah: unknown package"),
        ("/nowhere", "'/nowhere' is not in the store"),
        ("alpha@", "`alpha@` names no package"),
    ],
)
def test_what_cannot_be_built_is_one_line(builder, operand, message):
    done = builder("build", operand)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"larix build: error: {message}")


def test_running_a_package_builds_it_and_becomes_it(builder):
    done = builder("run", "-e", "alpha.inherit(version='8')", "--program=alpha")
    assert (done.returncode, done.stdout) == (0, "alpha 1.0\n")
    assert builder.succeed("run", "beta", "--unknown-option") == "beta 1.0\n"
    assert builder.succeed("run", "--", "beta") == "beta 1.0\n"
    done = builder("run", "betta")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "larix run: error: betta: unknown package")
    done = builder("run", "noisy")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "larix run: error: package 'noisy' has no programs"


def test_a_shell_has_all_its_packages(builder):
    done = builder("shell", "alpha", "delta", "--", "/bin/sh", "-c", "alpha; delta; exit 3")
    assert (done.returncode, done.stdout) == (3, "alpha 1.0\ndelta 1.0\n")
    done = builder("shell", "--", "/bin/sh", "-c", "echo $LARIX_ENVIRONMENT")
    assert "warning: no packages specified; creating an empty environment" in done.stderr
    assert done.stdout.strip().endswith("-profile")
