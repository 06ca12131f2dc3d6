"""Tags and comments of generations, what changed between two, and which of them are deleted."""

from __future__ import annotations

import json
import os
import time

import pytest

from larix.profiles import generation
from larix.profiles.notes import read_notes


@pytest.fixture
def profile(larix, shelf, tmp_path):
    """Generations 1 to 5: `name0`, `name1`, ..., each made a day after the one before, the last one now."""
    name = str(tmp_path / "p")
    for number in range(5):
        shelf.add(name, f"name{number}", "common")
    now = time.time()
    for number in range(1, 6):
        made = now - (5 - number) * 86400
        os.utime(generation.generation_link(name, number), (made, made), follow_symlinks=False)
    return name


def test_tags_and_comments_are_listed(larix, profile):
    larix.succeed("package", "-p", "./p", "--tag", "2=staging", "--tag", "2=2026-11-29", "--comment", "a = b")
    lines = larix.succeed("package", "-p", "./p", "-l2,5").splitlines()
    assert lines[0].startswith("Generation 2\t")
    assert lines[1] == "  [staging, 2026-11-29]"
    assert lines[2].startswith("  name1")
    assert lines[5].endswith("\t(current)")
    assert lines[6] == "  # a = b"
    shown = json.loads(larix.succeed("package", "-p", "./p", "-l", "staging", "--json"))["generations"]
    assert [(each["number"], each["tags"], each["comment"]) for each in shown] == [
        (2, ["staging", "2026-11-29"], "")
    ]


def test_a_tag_stands_for_its_generation(larix, profile):
    larix.succeed("package", "-p", "./p", "--tag", "2=staging")
    assert larix.succeed("package", "-p", "./p", "-S", "staging") == "switched from generation 5 to 2\n"
    assert larix.succeed("package", "-p", "./p", "-lstaging").startswith("Generation 2\t")
    larix.succeed("package", "-p", "./p", "-S5")
    done = larix("package", "-p", "./p", "-d", "staging,1")
    assert done.stderr == f"deleting {profile}-1-link\ndeleting {profile}-2-link (tagged staging)\n"
    assert read_notes(profile) == {}


def test_a_tag_is_taken_from_one_and_given_to_another(larix, profile):
    larix.succeed("package", "-p", "./p", "--tag", "1=live")
    done = larix("package", "-p", "./p", "--tag", "live")
    assert (done.returncode, done.stderr) == (
        1,
        "larix package: error: tag 'live' is on generation 1\nhint: remove it from there with `--tag 1='\n",
    )
    larix.succeed("package", "-p", "./p", "--tag", "1=", "--tag", "live")
    assert {number: note.tags for number, note in read_notes(profile).items()} == {5: ("live",)}
    assert "would note of generation 5" in larix("package", "-p", "./p", "--tag", "x", "-n").stderr
    assert {number: note.tags for number, note in read_notes(profile).items()} == {5: ("live",)}


@pytest.mark.parametrize("words", [["-d"], ["-d", "1..5"], ["-d", "0s"]])
def test_tagged_generations_are_not_deleted_by_the_way(larix, profile, words):
    larix.succeed("package", "-p", "./p", "--tag", "2=staging")
    done = larix("package", "-p", "./p", *words)
    assert done.returncode == 0
    assert "warning: not removing generation 2, which is tagged staging\n" in done.stderr
    assert generation.generations(profile) == [2, 5]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["--keep-last=3"], [3, 4, 5]),
        (["--keep-last=9"], [1, 2, 3, 4, 5]),
        (["--older-than=60h"], [3, 4, 5]),
        (["--older-than=60h", "--keep-last=4"], [2, 3, 4, 5]),
        (["--keep-tagged"], [1, 5]),
        (["--keep-tagged", "--older-than=36h"], [1, 4, 5]),
        (["1..3", "--keep-last=3"], [3, 4, 5]),
        (["1", "--keep-tagged"], [1, 2, 3, 4, 5]),
    ],
)
def test_policies_spare_generations(larix, profile, words, left):
    if "1" in words or "--keep-tagged" in words:
        larix.succeed("package", "-p", "./p", "--tag", "1=first")
    planned = json.loads(larix.succeed("package", "-p", "./p", "-n", "--json", "-d", *words))
    assert planned["deleted"] == [number for number in range(1, 6) if number not in left]
    done = larix("package", "-p", "./p", "-d", *words)
    assert done.returncode == 0
    assert "warning" not in done.stderr
    assert generation.generations(profile) == left


def test_collection_of_garbage_spares_tagged_generations(larix, profile):
    larix.succeed("package", "-p", "./p", "--tag", "2=staging", "--tag", "5=live")
    done = larix("gc", "-d")
    assert f"not removing generation 2 of {profile}, which is tagged staging\n" in done.stderr
    assert generation.generations(profile) == [2, 5]
    assert sorted(read_notes(profile)) == [2, 5]


def test_all_patterns_count(larix, profile):
    larix.succeed("package", "-p", "./p", "--tag", "4=live")
    shown = larix.succeed("package", "-p", "./p", "-l", "2", "live").splitlines()
    assert [line.split("\t")[0] for line in shown if line.startswith("Gen")] == [
        "Generation 2",
        "Generation 4",
    ]
    assert larix.succeed("package", "-p", "./p", "-I", "name4", "^comm").count("\n") == 2
    done = larix("package", "-p", "./p", "-d", "1", "3..4")
    assert done.stderr == (
        f"deleting {profile}-1-link\ndeleting {profile}-3-link\n"
        "larix package: warning: not removing generation 4, which is tagged live\n"
    )
    assert generation.generations(profile) == [2, 4, 5]


def test_deletions_and_labels_are_told_as_json(larix, profile):
    done = larix("package", "-p", "./p", "-d", "1", "2", "-n")
    assert done.stderr == f"would delete {profile}-1-link\nwould delete {profile}-2-link\n"
    for words in (["-n"], []):
        done = larix("package", "-p", "./p", "-d", "1", "5", "--json", *words)
        assert done.stderr == ""
        told = json.loads(done.stdout)
        assert (told["deleted"], told["kept"]) == ([1], [{"number": 5, "reason": "current"}])
    told = json.loads(larix.succeed("package", "-p", "./p", "-d", "--keep-last=9", "--json"))
    assert told["deleted"] == []
    told = json.loads(larix.succeed("package", "-p", "./p", "-S3", "-d2", "--json"))
    assert (told["generation"], told["deleted"]) == ({"from": 5, "to": 3}, [2])
    told = json.loads(larix.succeed("package", "-p", "./p", "--tag=live", "--comment=x", "--json"))
    assert told["notes"] == [{"number": 3, "tags": ["live"], "comment": "x"}]
    assert generation.generations(profile) == [3, 4, 5]


def test_what_changed_between_generations(larix, shelf, profile):
    text = larix.succeed("package", "-p", "./p", "--diff", "2", "4")
    lines = text.splitlines()
    assert lines[:6] == ["Generation 2 → 4", "", "removed:", "   name1 1", "", "added:"]
    assert lines[6] == "   name3 1"
    assert lines[-1].endswith(", as before")
    assert larix.succeed("package", "-p", "./p", "--diff").startswith("Generation 4 → 5\n")
    assert larix.succeed("package", "-p", "./p", "--diff", "1").startswith("Generation 1 → 5\n")
    found = json.loads(larix.succeed("package", "-p", "./p", "--diff=0", "1", "--json"))
    assert found["version"] == 1
    assert found["generation"] == {"from": 0, "to": 1}
    assert [each["name"] for each in found["added"]] == ["name0", "common"]
    assert found["size"]["from"] == 0
    assert sum(each["size"] for each in found["items"]["added"]) == found["size"]["to"]
    assert found["items"]["removed"] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--diff", "1", "9"], "generation '9' of './p' does not exist"),
        (["--diff", "live"], "generation 'live' of './p' does not exist"),
        (["--diff", "1", "2", "3"], "3: extraneous argument: two generations are compared"),
        (["--tag", "9=x"], "generation '9' of './p' does not exist"),
        (["--tag", "7"], "'7' cannot be a tag"),
        (["--comment", "0=x"], "generation '0' of './p' does not exist"),
        (["--keep-tagged"], "'--keep-tagged' says what '--delete-generations' spares, which is not given"),
        (["-d", "--keep-last=x"], "not a number: 'keep-last' option argument: x"),
        (["-d", "--older-than=soon"], "soon does not denote a duration"),
        (["-d", "live"], "invalid syntax: live"),
        (["-S", "live"], "cannot switch to generation 'live'"),
        (["--export-channels"], "no provenance information for this profile"),
    ],
)
def test_mistakes_are_one_line_and_change_nothing(larix, profile, words, message):
    done = larix("package", "-p", "./p", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"larix package: error: {message}")
    assert generation.generations(profile) == [1, 2, 3, 4, 5]
    assert read_notes(profile) == {}


def test_a_damaged_file_of_notes_keeps_nobody_from_going_back(larix, profile):
    with open(f"{profile}.notes", "w") as file:
        file.write("{")
    assert larix.succeed("package", "-p", "./p", "--roll-back") == "switched from generation 5 to 4\n"
    done = larix("package", "-p", "./p", "-d")
    assert done.returncode == 1
    assert done.stderr.startswith(f"{profile}.notes:1: error: not the notes of a profile")
    assert generation.generations(profile) == [1, 2, 3, 4, 5]


def test_a_dry_run_of_going_back_tells_as_json(larix, profile):
    planned = json.loads(larix.succeed("package", "-p", "./p", "--roll-back", "-n", "--json"))
    assert planned == {"version": 1, "generation": {"from": 5, "to": 4}}
    assert generation.current_generation(profile) == 5
