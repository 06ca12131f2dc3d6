"""What one transaction puts together and tells, and files that make a profile again; with real builds."""

from __future__ import annotations

import json
import os
import re

import pytest

from larix.profiles import generation
from larix.profiles.notes import read_notes
from repositories import git

pytestmark = pytest.mark.slow


def names(larix, profile="./p"):
    return [line.split()[0] for line in larix.succeed("package", "-p", profile, "-I").splitlines()]


def packages(larix, profile="./p"):
    return json.loads(larix.succeed("package", "-p", profile, "-I", "--json"))["packages"]


def add_to_small(larix, text):
    small = larix.folder / "packages" / "small.py"
    small.write_text(small.read_text() + text)


def test_rolling_back_removing_installing_and_upgrading_are_one_generation(builder):
    builder.succeed("package", "-i", "alpha@0.9", "beta", "-p", "./p")
    builder.succeed("package", "-i", "delta", "-r", "alpha", "-p", "./p")
    words = ("package", "-p", "./p", "--roll-back", "-r", "beta", "-i", "gamma", "-u", "^al")
    planned = json.loads(builder.succeed(*words, "-n", "--json"))
    assert planned["generation"] == {"from": 2, "to": 2}
    assert [each["name"] for each in planned["installed"]] == ["alpha", "gamma"]
    assert [each["name"] for each in planned["removed"]] == ["beta", "delta"]
    assert names(builder) == ["beta", "delta"]
    told = builder(*words, "-n").stderr
    assert told.startswith("would switch from generation 2 to 1\nThe following packages would be removed:\n")
    done = builder(*words)
    assert (done.returncode, done.stdout) == (0, "switched from generation 2 to 1\n")
    assert "will be removed:\n   beta 1.0\n   delta 1.0\n" in done.stderr
    assert "will be installed:\n   alpha 1.0\n   gamma 1.0\n" in done.stderr
    assert names(builder) == ["alpha", "gamma"]
    assert generation.generations(f"{builder.folder}/p") == [1, 2]
    done = builder("package", "-p", "./p", "-d", "1", "-i", "beta", "-n", "--json")
    told = json.loads(done.stdout)  # one document, whatever is done
    assert (told["deleted"], [each["name"] for each in told["installed"]]) == ([1], ["beta"])


def test_a_plan_that_begins_elsewhere_is_compared_with_what_is_current(reader, shelf, tmp_path):
    """As is the line of the size: what another generation held is nothing that will be changed."""
    shelf.add(str(tmp_path / "p"), "one")
    shelf.add(str(tmp_path / "p"), "two", "three")
    words = ("package", "-p", "./p", "--roll-back")
    told = reader(*words, "-r", "one", "-n").stderr
    assert told.startswith(
        "would switch from generation 2 to 1\n"
        "The following packages would be removed:\n   two 1\n   three 1\n\n"
        "The profile would take 0 B, "
    )
    planned = json.loads(reader.succeed(*words, "-u", "--do-not-upgrade", "-n", "--json"))
    assert [each["name"] for each in planned["removed"]] == ["two", "three"]
    assert [each["name"] for each in planned["installed"]] == ["one"]
    assert 0 < planned["size"]["to"] < planned["size"]["from"]


def test_a_transaction_that_fails_does_not_roll_back_either(builder):
    builder.succeed("package", "-i", "alpha", "-p", "./p")
    builder.succeed("package", "-i", "beta", "-p", "./p")
    assert builder("package", "-p", "./p", "--roll-back", "-i", "broken").returncode == 100
    assert generation.current_generation(f"{builder.folder}/p") == 2
    assert builder("package", "-p", "./p", "--roll-back", "-i", "alpha").stderr == ""
    assert generation.current_generation(f"{builder.folder}/p") == 1


def test_the_new_generation_gets_tag_and_comment_and_keeps_its_number(builder):
    builder.succeed("install", "-p", "./p", "alpha")
    builder.succeed("install", "-p", "./p", "beta", "--tag=live", "--comment=for the demo")
    assert read_notes(f"{builder.folder}/p")[2] == (("live",), "for the demo")
    done = builder("install", "-p", "./p", "gamma", "--tag=live")
    assert done.returncode == 1
    assert done.stderr.startswith("larix install: error: tag 'live' is on generation 2\n")
    builder.succeed("package", "-p", "./p", "--roll-back")
    builder.succeed("install", "-p", "./p", "gamma")
    assert generation.generations(f"{builder.folder}/p") == [1, 2, 3]
    assert names(builder) == ["alpha", "gamma"]
    builder.succeed("package", "-p", "./p", "-S", "live")
    assert names(builder) == ["alpha", "beta"]
    assert builder("install", "-p", "./p", "beta", "--tag", "again").stderr == "nothing to be done\n"
    assert read_notes(f"{builder.folder}/p")[2] == (("live", "again"), "for the demo")


def test_sizes_are_told_when_they_are_known(builder):
    add_to_small(
        builder,
        "large = simple('large', '1.0',"
        " arguments={'script': 'mkdir $out; head -c 3000000 /dev/zero > $out/x'})\n",
    )
    done = builder("install", "-p", "./p", "large")
    assert "The profile takes 2.9 MiB, 2.9 MiB more than before\n" in done.stderr
    done = builder("package", "-p", "./p", "-r", "large", "-n")
    assert "The profile would take 0 B, 2.9 MiB less than before\n" in done.stderr
    done = builder("package", "-p", "./p", "-r", "large", "--json")
    size = json.loads(done.stdout)["size"]
    assert size["from"] > 3_000_000
    assert size["to"] == 0
    planned = json.loads(builder.succeed("install", "-p", "./p", "alpha", "-n", "--json"))
    assert planned["size"] == {"from": 0, "to": None}


def test_the_difference_of_generations_tells_what_below_changed(builder):
    builder.succeed("package", "-i", "alpha@0.9", "-p", "./p")
    builder.succeed("package", "-u", "-i", "beta", "-p", "./p")
    lines = builder.succeed("package", "-p", "./p", "--diff").splitlines()
    assert lines[:9] == [
        "Generation 1 → 2",
        "",
        "upgraded:",
        "   alpha 0.9 → 1.0",
        "",
        "added:",
        "   beta 1.0",
        "",
        "store items:",
    ]
    assert lines[9] == "   alpha 0.9 → 1.0"
    assert lines[10].startswith("   beta 1.0, new (+")
    items = json.loads(builder.succeed("package", "-p", "./p", "--diff", "1", "2", "--json"))["items"]
    assert sorted(each["path"].rpartition("/")[2][33:] for each in items["added"]) == [
        "alpha-1.0",
        "beta-1.0",
    ]


def test_one_thing_has_one_size(builder):
    """The plan, which cannot know what links to what, and a comparison after it."""
    builder.succeed("install", "-p", "./p", "alpha")
    done = builder("install", "-p", "./p", "beta")
    assert "How much the profile will take is not known before it is built\n" in done.stderr
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("The profile takes ")]
    assert builder.succeed("package", "-p", "./p", "--diff").splitlines()[-1] == told
    planned = builder("package", "-p", "./p", "-r", "beta", "-i", "gamma", "-n").stderr
    assert "How much the profile would take is not known before it is built\n" in planned
    told = builder.succeed("diff", "alpha", "beta").splitlines()[-1]
    assert re.fullmatch("beta takes [0-9]+ B with all that it needs, [0-9]+ B (more|less) than alpha", told)


def test_settings_are_offered_to_who_installs(builder):
    assert "set this shell's variables" in builder("install", "-p", "./p", "alpha", "beta").stderr
    assert "set this shell's variables" not in builder("remove", "-p", "./p", "beta").stderr


def test_collisions_are_warnings_when_allowed(builder):
    builder.succeed("package", "-i", "delta", "-p", "./p")
    done = builder("package", "-i", "clash", "-p", "./p", "--allow-collisions")
    assert done.returncode == 0
    assert "warning: profile contains conflicting entries for alpha\n  first entry: alpha@1.0 " in done.stderr
    assert names(builder) == ["delta", "clash"]


CLASHING = r"""
many = "mkdir -p $out/bin; for n in 1 2 3 4 5 6 7 8; do echo {} > $out/bin/tool$n; done"
one = simple("one", "1", arguments={"script": many.format("one")})
two = simple("two", "1", arguments={"script": many.format("two")})
third = simple("third", "1", arguments={"script": "mkdir $out; echo x > $out/bin"})
"""


def test_files_that_hide_others_are_told_each_time(builder):
    add_to_small(builder, CLASHING)
    builder.succeed("install", "-p", "./p", "one")
    told = (
        "warning: 8 files are in several packages, and the profile has one of each:\n"
        "  `bin/tool1' is that of one-1, not two-1\n"
    )
    done = builder("install", "-p", "./p", "two")
    assert done.returncode == 0
    assert told in done.stderr
    assert "tool6" in done.stderr
    assert "tool7" not in done.stderr
    assert "\n  and 2 more\n" in done.stderr
    assert told in builder("install", "-p", "./q", "one", "two").stderr
    for _ in range(2):
        assert (
            "\n  `bin' is that of one-1, not third-1\n"
            in builder("shell", "one", "third", "--", "true").stderr
        )
    assert "\n  `bin' is that of one-1, not third-1\n" in builder("pack", "one", "third").stderr
    builder.succeed("package", "-p", "./p", "--roll-back")
    assert "warning" not in builder("install", "-p", "./p", "alpha").stderr


def test_entries_tell_where_their_packages_were_defined(builder):
    builder.succeed("install", "-p", "./p", "alpha")
    (entry,) = packages(builder)
    assert [each["name"] for each in entry["provenance"]] == ["packages", "larixpkgs"]
    before = entry["provenance"][0]
    assert set(before) == {"name", "hash"}
    folder = builder.folder / "packages"
    git(folder, "init", "-q")
    git(folder, "add", "small.py")
    git(folder, "commit", "-q", "-m", "x")
    git(folder, "remote", "add", "origin", "https://me:secret@example.org/some.git")
    builder.succeed("package", "-p", "./p", "-r", "alpha", "-i", "beta")
    (entry,) = packages(builder)
    assert entry["provenance"][0] == {
        "name": "some",
        "url": "https://example.org/some.git",
        "branch": "main",
        "commit": git(folder, "rev-parse", "HEAD"),
        "hash": before["hash"],
    }
    add_to_small(builder, "# changed\n")
    builder.succeed("install", "-p", "./p", "gamma")
    first, second = packages(builder)
    assert first == entry
    assert second["provenance"][0]["dirty"] is True
    assert second["provenance"][0]["hash"] != before["hash"]
    channels = builder.succeed("package", "-p", "./p", "--export-channels")
    given: dict = {}
    exec(channels, given)
    assert given["channels"][0] == {
        "name": "some",
        "url": "https://example.org/some.git",
        "branch": "main",
        "commit": entry["provenance"][0]["commit"],
    }
    assert "# some: with changes that are not in the commit; content sha256:" in channels


def test_where_a_package_was_defined_is_no_reason_to_upgrade(builder):
    builder.succeed("install", "-p", "./p", "alpha", "beta")
    add_to_small(builder, "# changed\n")
    assert builder("upgrade", "-p", "./p").stderr == "nothing to be done\n"
    assert builder("install", "-p", "./p", "alpha").stderr == "nothing to be done\n"


def test_an_exported_manifest_gives_the_same_profile(builder):
    add_to_small(
        builder,
        "newer = simple('alpha', '0.9.2')\n"
        "several = simple('several', '1', outputs=('out', 'doc'),"
        " arguments={'script': 'mkdir $out $doc; touch $doc/doc'})\n",
    )
    builder.succeed("package", "-p", "./p", "-i", "alpha@0.9.2", "several:doc", "beta@1")
    builder.succeed("package", "-p", "./p", "-i", "delta", "--with-input=alpha=beta", "--allow-collisions")
    text = builder.succeed("package", "-p", "./p", "--export-manifest")
    assert text.splitlines()[2:] == [
        "",
        "from larix.packages import transformed",
        "",
        "manifest = [",
        '    "alpha@0",',
        '    "several:doc",',
        '    "beta",',
        '    transformed("delta", "--with-input=alpha=beta"),',
        "]",
    ]
    exported = json.loads(builder.succeed("package", "-p", "./p", "--export-manifest", "--json"))["packages"]
    assert [each["specification"] for each in exported] == ["alpha@0", "several:doc", "beta", "delta"]
    assert exported[3]["transformations"] == [["with-input", "alpha=beta"]]
    assert text.startswith("# ")
    (builder.folder / "exported.py").write_text(text)
    builder.succeed("package", "-p", "./q", "-m", "exported.py")
    assert os.path.realpath(builder.folder / "q") == os.path.realpath(builder.folder / "p")
    assert builder.succeed("package", "-p", "./q", "--export-manifest") == text


def test_a_version_is_exported_as_far_as_it_must_be(builder):
    add_to_small(builder, "newest = simple('alpha', '2.0')\nolder = simple('alpha', '0.8')\n")
    for version, exported in (("2.0", "alpha"), ("1.0", "alpha@1"), ("0.9", "alpha@0"), ("0.8", "alpha@0.8")):
        builder.succeed("package", "-p", "./p", "-i", f"alpha@{version}")
        assert f'    "{exported}",\n' in builder.succeed("package", "-p", "./p", "--export-manifest")


def test_what_the_catalogue_no_longer_has_is_told_in_the_export(builder):
    builder.succeed("package", "-p", "./p", "-i", "alpha@0.9", "-e", "beta.inherit(name='mine')", "gamma")
    small = builder.folder / "packages" / "small.py"
    small.write_text(small.read_text().replace('"alpha", "0.9"', '"alpha", "0.7"'))
    done = builder("package", "-p", "./p", "--export-manifest")
    lines = done.stdout.splitlines()
    assert "    # the catalogue has no alpha@0.9" in lines
    assert any(line.startswith("    # mine@1.0, ") for line in lines)
    assert "warning: package 'mine@1.0' is not in the catalogue and left out\n" in done.stderr


def test_manifests_are_put_together(builder):
    (builder.folder / "one.py").write_text("manifest = ['beta', 'alpha@0.9']\n")
    (builder.folder / "two.py").write_text("manifest = ['gamma', 'alpha']\n")
    builder.succeed("package", "-p", "./p", "-m", "one.py", "-m", "two.py")
    assert [(each["name"], each["version"]) for each in packages(builder)] == [
        ("beta", "1.0"),
        ("gamma", "1.0"),
        ("alpha", "1.0"),
    ]


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ("['nothing-like-it']", "nothing-like-it: unknown package"),
        ("[7]", "cannot install non-package object `7'"),
        ("[transformed('alpha', 'without-tests=alpha')]", "`without-tests=alpha' is no option"),
        ("[transformed('alpha', '--without-test=alpha')]", "--without-test: no transformation is called so"),
        ("[transformed('alpha', '--with-input=alpha')]", "invalid replacement specification: alpha"),
    ],
)
def test_mistakes_in_manifests_are_one_line(builder, listed, message):
    (builder.folder / "m.py").write_text(f"from larix.packages import transformed\nmanifest = {listed}\n")
    done = builder("package", "-p", "./p", "-m", "m.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert message in done.stderr.splitlines()[0]
    assert "Traceback" not in done.stderr


def test_upgrades_but_for_exceptions(builder):
    old = "alpha.inherit(name='{0}', version='0.1')"
    for name in ("beta", "gamma"):
        builder.succeed("package", "-p", "./p", "-e", old.format(name))
    done = builder("package", "-p", "./p", "-u", "a$", "--do-not-upgrade=^g")
    assert "   beta 0.1 → 1.0\n" in done.stderr
    assert [(each["name"], each["version"]) for each in packages(builder)] == [
        ("gamma", "0.1"),
        ("beta", "1.0"),
    ]
