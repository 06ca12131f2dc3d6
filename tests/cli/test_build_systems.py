from __future__ import annotations

import json

from larix.buildsystems import build_system_names


def test_all_are_listed_in_a_line_each(larix):
    done = larix("build-systems")
    assert done.returncode == 0
    assert [line.split("\t")[0].strip() for line in done.stdout.splitlines()] == [*build_system_names()]


def test_one_is_told_with_its_phases_and_arguments(larix):
    done = larix("build-systems", "meson")
    assert done.stdout.startswith("meson: meson setup, ninja, meson test, meson install\n")
    assert "Implied: meson, ninja\n" in done.stdout
    assert "\n  configure\n" in done.stdout
    assert "  build_type (default: 'debugoptimized')\n" in done.stdout
    assert "      taken by: configure\n" in done.stdout


def test_json_has_the_same(larix):
    read = json.loads(larix("build-systems", "--json", "copy").stdout)
    (system,) = read["build_systems"]
    assert read["version"] == 1
    assert (system["name"], system["tools"]) == ("copy", [])
    assert "install_plan" in [each["name"] for each in system["arguments"]]
    assert "install" in system["phases"]


def test_unknown_name_is_one_line_and_a_hint(larix):
    done = larix("build-systems", "mesno")
    assert done.returncode != 0
    assert done.stderr == (
        "larix build-systems: error: no build system is called `mesno`\nhint: Did you mean `meson'?\n"
    )
