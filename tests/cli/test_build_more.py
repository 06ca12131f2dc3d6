"""Options of `larix build` that choose what is built, and that repair it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from daemons import running_daemon

pytestmark = pytest.mark.slow

CHAIN = """
from small import alpha, simple

middle = simple("middle", "1.0", inputs=lambda: [alpha])
top = simple("top", "1.0", inputs=lambda: [middle])
"""


@pytest.fixture
def chain(builder):
    (builder.folder / "packages" / "chain.py").write_text(CHAIN)
    return builder


def names(output: str) -> list[str]:
    return [os.path.basename(path)[33:] for path in output.splitlines()]


def test_manifest_is_built_as_it_lists(builder):
    (builder.folder / "wanted.py").write_text(
        "from small import gamma\nmanifest = ['beta', gamma, 'alpha@0.9']\n"
    )
    assert names(builder.succeed("build", "-q", "-m", "wanted.py")) == ["beta-1.0", "gamma-1.0", "alpha-0.9"]
    done = builder("build", "-m", "packages/small.py")
    assert done.stderr == "packages/small.py:1: error: this file has no list `manifest`\n"


def test_file_and_expression_and_package_are_built_in_the_order_of_the_command_line(builder):
    (builder.folder / "own.py").write_text("from small import simple\npackage = simple('own', '2')\n")
    out = builder.succeed("build", "-q", "-f", "own.py", "beta", "-e", "alpha.inherit(version='3')")
    assert names(out) == ["own-2", "beta-1.0", "alpha-3"]


def test_name_that_an_expression_mistypes_comes_with_the_one_meant(builder):
    done = builder("build", "-d", "-e", "alhpa")
    assert done.stderr == "<expression>:1: error: unknown name `alhpa`\nhint: Did you mean `alpha'?\n"


def test_what_definitions_print_is_no_result(chain):
    (chain.folder / "packages" / "loud.py").write_text("print('loud')\nfrom chain import middle\n")
    (chain.folder / "own.py").write_text("print('own')\nfrom loud import middle as package\n")
    done = chain("build", "-d", "-f", "own.py")
    assert names(done.stdout) == ["middle-1.0.drv"]
    assert "own\nloud\n" in done.stderr


def test_what_the_next_package_is_built_with_is_built_and_not_that(chain):
    assert names(chain.succeed("build", "-q", "-D", "top", "beta")) == ["middle-1.0", "beta-1.0"]


def test_what_depends_on_the_next_package_is_built(chain):
    assert names(chain.succeed("build", "-q", "-P", "alpha")) == ["delta-1.0", "middle-1.0", "top-1.0"]
    assert names(chain.succeed("build", "-q", "--dependents=1", "alpha", "beta")) == [
        "delta-1.0",
        "middle-1.0",
        "beta-1.0",
    ]
    done = chain("build", "-q", "-P", "top")
    assert (done.returncode, done.stdout) == (0, "")
    assert "warning: nothing in the catalogue depends on top@1.0\n" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-D"], "'--development' is about the package after it, and none comes next"),
        (["alpha", "-P"], "'--dependents' is about the package after it, and none comes next"),
        (["-D", "-P", "alpha"], "'--development' is about the package after it, and none comes next"),
        (["-P0", "alpha"], "not a number: 'dependents' option argument: 0"),
        (["-D", "-e", "1"], "'--development': `1' is not a package"),
        (["--repair", "-n", "alpha"], "'--repair' cannot be used with '--dry-run' or '--derivations'"),
    ],
)
def test_bad_command_lines(builder, words, message):
    done = builder("build", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"larix build: error: {message}\n")


def test_damaged_items_are_repaired_and_the_others_left(chain):
    path = chain.succeed("build", "-q", "top").strip()
    program = Path(path, "bin/top")
    sound = program.read_bytes()
    program.chmod(0o755)
    program.write_bytes(b"#!/bin/sh\necho something else\n")
    done = chain("build", "-v1", "--repair", "top")
    assert (done.returncode, done.stdout) == (0, f"{path}\n")
    assert program.read_bytes() == sound
    assert f"warning: `{path}' is damaged or gone\n" in done.stderr
    assert done.stderr.endswith("repaired 1 item\n")
    assert chain("build", "-v1", "--repair", "top").stderr == ""


def test_a_daemon_repairs_for_who_is_trusted(chain):
    path = chain.succeed("build", "-q", "top").strip()
    program = Path(path, "bin/top")
    sound = program.read_bytes()

    def damage() -> None:
        program.chmod(0o755)
        program.write_bytes(b"something else")

    with running_daemon(layout=chain.layout) as daemon:
        chain.environment["LARIX_DAEMON_SOCKET"] = daemon.socket
        damage()
        done = chain("build", "-v1", "--repair", "top")
        assert (done.returncode, done.stdout) == (0, f"{path}\n"), done.stderr
        assert f"`{path}' is damaged or gone\n" in done.stderr
        assert f"repaired `{path}'\n" in done.stderr
        assert program.read_bytes() == sound
        damage()
        done = chain("gc", "--verify=repair")
        assert done.returncode == 0, done.stderr
        assert program.read_bytes() == sound
        assert chain("build", "-v1", "--repair", "top").stderr == ""


def test_collector_repairs_the_whole_store(chain):
    path = chain.succeed("build", "-q", "top").strip()
    Path(path, "bin/top").unlink()
    assert chain("gc", "--verify=contents").returncode == 1
    done = chain("gc", "--verify=contents,repair")
    assert done.returncode == 0
    assert f"repaired `{path}'\n" in done.stderr
    assert Path(path, "bin/top").exists()
    done = chain("gc", "--verify=content")
    assert done.stderr.startswith("larix gc: error: content: invalid '--verify' option\n")


def test_collector_makes_again_what_a_root_needs(chain):
    """As the settings say, which here keep logs as they are."""
    path = chain.succeed("build", "-q", "-r", "result", "top").strip()
    logs = Path(chain.environment["LARIX_STATE_DIRECTORY"], "log/drvs")
    shutil.rmtree(logs)
    shutil.rmtree(path)
    configuration = chain.folder / "etc"
    configuration.mkdir()
    (configuration / "daemon.toml").write_text('log-compression = "none"\n')
    settings = {"LARIX_CONFIGURATION_DIRECTORY": str(configuration)}
    done = chain("gc", "--verify", **settings)
    assert done.returncode == 1
    assert f"path `{path}' disappeared, but is needed\n" in done.stderr
    assert "--verify=contents,repair" in done.stderr
    done = chain("gc", "--verify=contents,repair", **settings)
    assert done.returncode == 0
    assert done.stderr.endswith(f"repaired `{path}'\n")
    assert Path(path, "bin/top").exists()
    assert [file.suffix for file in logs.glob("*/*")] == [".drv"]
    shutil.rmtree(logs)
    Path(path, "bin/top").unlink()
    assert chain("build", "-q", "--repair", "top", **settings).returncode == 0
    assert [file.suffix for file in logs.glob("*/*")] == [".drv"]
    assert chain("gc", "--verify=contents").returncode == 0


def test_systems_and_targets_are_listed(larix):
    out = larix.succeed("build", "--list-systems")
    assert out.startswith("The available systems are:\n\n")
    assert f"   - {os.uname().machine}-linux [current]\n" in out
    assert "   - aarch64-linux-gnu\n" in larix.succeed("build", "--list-targets")
    assert json.loads(larix.succeed("build", "--list-targets", "--json"))["targets"] == ["aarch64-linux-gnu"]


def test_several_systems_give_as_many_results(larix):
    """Lowering needs a toolchain of the system, which the seed is for one of."""
    machine = f"{os.uname().machine}-linux"
    once = larix.succeed("build", "-d", "hello", "-s", machine)
    assert larix.succeed("build", "-d", "hello", "-s", machine, "-s", machine) == once
    done = larix("build", "-d", "hello", "-s", machine, "-s", "i686-linux")
    assert "the toolchain `seed` is for x86_64-linux alone, not for i686-linux" in done.stderr


def test_log_file_of_a_result_and_of_a_derivation_is_printed(chain):
    path = chain.succeed("build", "-q", "top").strip()
    file = chain.succeed("build", "--log-file", "top").strip()
    assert os.path.exists(file)
    assert chain.succeed("build", "--log-file", path) == f"{file}\n"
    done = chain("build", "--log-file", "beta")
    assert done.returncode == 1
    assert done.stderr.startswith("larix build: error: no build log for '")


def test_several_results_have_numbered_roots(chain):
    alpha, beta = chain.succeed("build", "-q", "-r", "root", "alpha", "beta").splitlines()
    assert os.readlink(chain.folder / "root") == alpha
    assert os.readlink(chain.folder / "root-1") == beta
