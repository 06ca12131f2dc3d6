"""The settings of a profile in other shells and in module systems: the real ones read them."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from larix.buildside.profile_tree import make_profile

ODD = "a$b\"c'd\\e f!g[h]{i}"
SHELLS = {
    "sh": ". {profile}/etc/profile",
    "zsh": ". {profile}/etc/profile",
    "fish": "source {profile}/etc/profile.fish",
    "tcsh": "source {profile}/etc/profile.csh",
}
MODULES = {
    "/usr/share/modules/init/sh": ODD,
    "/usr/share/lmod/lmod/init/sh": "a b'c",  # Lmod's own translation to Lua loses itself in the rest
}


@pytest.fixture
def profile(tmp_path):
    return make(tmp_path, ODD)


def make(tmp_path, odd):
    item = tmp_path / "item"
    for folder in ("bin", "lib/py", "lib/more", odd):
        (item / folder).mkdir(parents=True)
    (item / "cert").write_text("")
    made = tmp_path / "profile"
    make_profile(
        made,
        entries=[str(item)],
        manifest='{"packages": [{"name": "alpha", "version": "1.0"}]}',
        search_paths=[
            ("PYTHONPATH", ("lib/py", "lib/more"), ":", "directory", None),
            ("WITH_SEMICOLONS", ("lib/py", "lib/more"), ";", "directory", None),
            ("CERTIFICATE", ("cert",), None, "regular", None),
            ("ODD", (odd,), ":", "directory", None),
        ],
    )
    return made


def values(shell: str, script: str, **variables: str) -> dict[str, str]:
    """The environment of a program that the shell starts after the script."""
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"there is no {shell}")
    environment = {"PATH": os.environ["PATH"], "HOME": "/nowhere", **variables}
    flags = {"tcsh": ["-f"], "zsh": ["-f"]}.get(shell, [])
    done = subprocess.run(
        [found, *flags, "-c", f"{script}; env -0"], env=environment, capture_output=True, check=True
    )
    assert not done.stderr, done.stderr
    return dict(each.split("=", 1) for each in done.stdout.decode().split("\0") if "=" in each)


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_the_same_values(profile, shell):
    script = SHELLS[shell].format(profile=shlex.quote(str(profile)))
    found = values(shell, script, PYTHONPATH="/before", WITH_SEMICOLONS="x", CERTIFICATE="/old")
    assert found["PATH"] == f"{profile}/bin:{os.environ['PATH']}"
    assert found["PYTHONPATH"] == f"{profile}/lib/py:{profile}/lib/more:/before"
    assert found["WITH_SEMICOLONS"] == f"{profile}/lib/py;{profile}/lib/more;x"
    assert found["CERTIFICATE"] == f"{profile}/cert"
    assert found["ODD"] == f"{profile}/{ODD}"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_visible_name_counts_and_unset_variables_get_no_separator(profile, shell, tmp_path):
    script = SHELLS[shell].format(profile=shlex.quote(str(profile)))
    found = values(shell, script, LARIX_PROFILE=str(tmp_path / "visible"), ODD="")
    assert found["PYTHONPATH"] == f"{tmp_path}/visible/lib/py:{tmp_path}/visible/lib/more"
    assert found["ODD"] == f"{tmp_path}/visible/{ODD}"


@pytest.mark.parametrize("init", MODULES)
def test_a_module_system_loads_and_unloads_the_modulefile(init, tmp_path):
    if not Path(init).exists():
        pytest.skip(f"there is no {init} (Debian: environment-modules, lmod)")
    profile = make(tmp_path, MODULES[init])
    modules = tmp_path / "modules"
    (modules / "tools").mkdir(parents=True)
    (modules / "tools" / "1").symlink_to(profile / "etc" / "modulefile")
    loaded = f". {init}; module use {modules}; module load tools/1"
    found = values("bash", loaded, PYTHONPATH="/before", WITH_SEMICOLONS="x")
    assert found["PATH"].split(":")[0] == f"{profile}/bin"
    assert found["PYTHONPATH"] == f"{profile}/lib/py:{profile}/lib/more:/before"
    assert found["WITH_SEMICOLONS"] == f"{profile}/lib/py;{profile}/lib/more;x"
    assert found["CERTIFICATE"] == f"{profile}/cert"
    assert found["ODD"] == f"{profile}/{MODULES[init]}"
    found = values("bash", f"{loaded}; module unload tools/1", PYTHONPATH="/before")
    assert found["PYTHONPATH"] == "/before"
    assert "ODD" not in found
    assert "CERTIFICATE" not in found
    shown = subprocess.run(
        ["bash", "-c", f". {init}; module use {modules}; module whatis tools/1 2>&1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "larix profile of alpha 1.0" in shown.stdout
