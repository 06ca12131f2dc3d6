"""The phases of copy, and each form of a step of an install plan."""

import pytest

from larix.buildside import gnu
from larix.buildside.copy import BadPlan, copy_phases, install_by_plan, standard_phases
from projects import build, write

FILES = {
    "bin/greet": "#!/bin/sh\necho hello\n",
    "etc/config": "colour\n",
    "lib/a.el": "a\n",
    "lib/b.el": "b\n",
    "lib/deep/c.el": "c\n",
    "lib/deep/c.elc": "compiled\n",
}


def installed(tmp_path, monkeypatch, *plan):
    monkeypatch.chdir(write(tmp_path / "source", FILES))
    out = tmp_path / "out"
    install_by_plan(plan, out)
    return {str(file.relative_to(out)) for file in out.rglob("*") if not file.is_dir()}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (("etc/config", "share/settings"), {"share/settings"}),
        (("etc/config", "share/"), {"share/config"}),
        (("etc/config", "."), {"config"}),
        (("etc", "share/settings"), {"share/settings/config"}),
        (("etc", "share/"), {"share/etc/config"}),
        (("etc/", "share/settings"), {"share/settings/config"}),
        (("lib/", "x", {"include": [".el"]}), {"x/a.el", "x/b.el", "x/deep/c.el"}),
        (("lib", "x/", {"include": ["c.el"]}), {"x/deep/c.el"}),
        (("lib", "x", {"include_regexp": ["^deep/"]}), {"x/deep/c.el", "x/deep/c.elc"}),
        (("lib", "x", {"exclude": [".elc"]}), {"x/a.el", "x/b.el", "x/deep/c.el"}),
        (("lib", "x", {"include": [".el"], "exclude_regexp": ["^[ab]"]}), {"x/deep/c.el"}),
        (("./", "."), set(FILES)),
    ],
)
def test_step_installs_what_it_says(tmp_path, monkeypatch, step, expected):
    assert installed(tmp_path, monkeypatch, step) == expected


def test_links_stay_links_and_modes_stay(tmp_path, monkeypatch):
    source = write(tmp_path / "source", FILES)
    (source / "bin" / "hi").symlink_to("greet")
    monkeypatch.chdir(source)
    install_by_plan([("bin/", "bin")], tmp_path / "out")
    assert (tmp_path / "out" / "bin" / "hi").readlink().name == "greet"
    assert (tmp_path / "out" / "bin" / "greet").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("step", "cause"),
    [
        (("no/such", "x"), "there is no `no/such` in "),
        (("etc/config/", "x"), "`etc/config/` is no directory"),
        (("etc/config", "x", {"include": ["a"]}), "`etc/config` is no directory"),
        (("lib", "x", {"include": [".py"]}), "it chooses none of the 4 files of `lib`"),
        (("lib", "x", {"includes": [".el"]}), "a choice has some of include, "),
        (("lib", "x", {"include": ".el"}), "which are lists"),
        (("lib", "x", ".el"), "a choice has some of include, "),
        (("lib", "/x"), "a target is relative to the output"),
        (("lib", "../x"), "a target is relative to the output"),
        (("lib",), "a step is a source, a target, and perhaps a choice"),
        ("ab", "a step is a source, a target, and perhaps a choice"),
        (("lib", 1), "a step is a source, a target, and perhaps a choice"),
    ],
)
def test_step_that_installs_nothing_or_is_none_is_told(tmp_path, monkeypatch, step, cause):
    with pytest.raises(BadPlan) as caught:
        installed(tmp_path, monkeypatch, step)
    assert str(caught.value).startswith(f"install plan: {tuple(step)!r}: {cause}") or cause in str(
        caught.value
    )


@pytest.mark.slow
def test_source_is_installed_by_the_plan(tmp_path):
    source = write(tmp_path / "greet", FILES)
    built = build("copy", source, tmp_path / "work", install_plan=[["bin/greet", "bin/"]])
    assert built.succeeded, built.log
    assert (built.out / "bin" / "greet").read_text().endswith("\necho hello\n")
    assert not (built.out / "etc").exists()


@pytest.mark.slow
def test_source_is_installed_whole_without_a_plan(tmp_path):
    built = build("copy", write(tmp_path / "greet", FILES), tmp_path / "work")
    assert built.succeeded, built.log
    assert (built.out / "lib" / "deep" / "c.elc").exists()


def test_phases_are_those_of_gnu_that_build_nothing():
    expected = gnu.standard_phases.delete("bootstrap", "configure", "build", "check")
    assert standard_phases.names == expected.names
    assert copy_phases() == standard_phases
