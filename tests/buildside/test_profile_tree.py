from __future__ import annotations

import os
import subprocess

import pytest

from larix.buildside.profile_collisions import noted_collisions
from larix.buildside.profile_tree import make_profile


@pytest.fixture
def hello(tmp_path):
    item = tmp_path / "hello"
    (item / "bin").mkdir(parents=True)
    program = item / "bin" / "hello"
    program.write_text("#!/bin/sh\necho Hello\n")
    program.chmod(0o755)
    (item / "share" / "doc").mkdir(parents=True)
    return item


def source(profile, show, **variables):
    script = f'. {profile}/etc/profile; printf %s "${show}"'
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        ["/bin/sh", "-ec", script], env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_tree_of_one_package_is_links_manifest_and_settings(hello, tmp_path):
    profile = tmp_path / "profile"
    make_profile(profile, entries=[str(hello)], manifest="{}\n")
    assert sorted(os.listdir(profile)) == ["bin", "etc", "manifest", "share"]
    assert os.readlink(profile / "bin") == f"{hello}/bin"
    assert sorted(os.listdir(profile / "etc")) == ["modulefile", "profile", "profile.csh", "profile.fish"]
    assert (profile / "manifest").read_text() == "{}\n"
    last = (profile / "etc" / "profile").read_text().splitlines()[-1]
    assert last == f'export PATH="${{LARIX_PROFILE:-{profile}}}/bin${{PATH:+:}}$PATH"'


def test_settings_follow_the_visible_name_when_told(hello, tmp_path):
    profile = tmp_path / "profile"
    make_profile(profile, entries=[str(hello)], manifest="{}")
    assert source(profile, "PATH", PATH="/bin:/usr/bin") == f"{profile}/bin:/bin:/usr/bin"
    assert source(profile, "PATH", PATH="/bin", LARIX_PROFILE="/visible") == "/visible/bin:/bin"


def test_search_paths_are_set_when_the_profile_has_them(hello, tmp_path):
    (hello / "lib" / "py").mkdir(parents=True)
    (hello / "etc").mkdir()
    (hello / "etc" / "ca.pem").write_text("")
    profile = tmp_path / "profile"
    make_profile(
        profile,
        entries=[str(hello)],
        manifest="{}",
        search_paths=[
            ("PYTHONPATH", ("lib/py", "lib/absent"), ":", "directory", None),
            ("CERT", ("etc/ca.pem",), None, "regular", None),
            ("NOTHING", ("absent",), ":", "directory", None),
            ("WRONG_KIND", ("etc/ca.pem",), ":", "directory", None),
        ],
    )
    text = (profile / "etc" / "profile").read_text()
    assert "NOTHING" not in text
    assert "WRONG_KIND" not in text
    assert source(profile, "PYTHONPATH") == f"{profile}/lib/py"
    assert source(profile, "PYTHONPATH", PYTHONPATH="/x") == f"{profile}/lib/py:/x"
    assert source(profile, "CERT", CERT="/old") == f"{profile}/etc/ca.pem"


def test_odd_names_do_not_break_the_shell(hello, tmp_path):
    odd = 'a$b"c`d\\e f'
    (hello / odd).mkdir()
    profile = tmp_path / "profile"
    make_profile(
        profile, entries=[str(hello)], manifest="{}", search_paths=[("ODD", (odd,), ":", "directory", None)]
    )
    assert source(profile, "ODD") == f"{profile}/{odd}"


def test_own_files_of_a_package_do_not_replace_those_of_the_profile(hello, tmp_path, capfd):
    (hello / "etc").mkdir()
    (hello / "etc" / "profile").write_text("exit 1")
    (hello / "manifest").write_text("mine")
    profile = tmp_path / "profile"
    make_profile(profile, entries=[str(hello)], manifest="{}")
    assert (profile / "manifest").read_text() == "{}"
    assert (hello / "manifest").read_text() == "mine"
    assert "LARIX_PROFILE" in (profile / "etc" / "profile").read_text()
    assert capfd.readouterr().out == ""


def test_an_empty_profile_has_a_manifest_and_no_settings(tmp_path):
    profile = tmp_path / "profile"
    make_profile(profile, entries=[], manifest="{}")
    assert sorted(os.listdir(profile)) == ["etc", "manifest"]
    assert "export" not in (profile / "etc" / "profile").read_text()


def test_files_that_others_hide_are_noted(hello, tmp_path):
    """But those that are made anew for the profile are hidden by none, and who has none is told of none."""
    other = tmp_path / "other"
    (other / "share" / "info").mkdir(parents=True)
    (other / "share" / "info" / "dir").write_text("other")
    (other / "share" / "info" / "x.info").write_text("")
    (other / "manifest").write_text("other")
    (other / "bin").write_text("no folder")
    (hello / "manifest").write_text("mine")
    (hello / "share" / "info").mkdir()
    (hello / "share" / "info" / "dir").write_text("hello")
    make_profile(tmp_path / "one", entries=[str(other)], manifest="{}")
    assert not os.path.exists(tmp_path / "one" / "etc" / "collisions.json")
    profile = tmp_path / "profile"
    make_profile(profile, entries=[str(other), str(hello)], manifest="{}")
    assert noted_collisions(str(profile)) == [("bin", f"{other}/bin", (f"{hello}/bin",))]
    (hello / "etc").mkdir()
    (hello / "etc" / "collisions.json").write_text("mine")
    make_profile(tmp_path / "two", entries=[str(hello)], manifest="{}")
    assert noted_collisions(str(tmp_path / "two")) == []
    make_profile(tmp_path / "three", entries=[str(other), str(hello)], manifest="{}")
    assert len(noted_collisions(str(tmp_path / "three"))) == 1
