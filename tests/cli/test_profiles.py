"""The commands on profiles that need no build: looking, switching, deleting."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile

import pytest

from larix.cli.profiles import NotAllowed, Profile, user_name
from larix.profiles import generation


@pytest.fixture
def profile(tmp_path):
    return str(tmp_path / "p")


def test_listing_what_is_installed(larix, shelf, profile):
    shelf.add(profile, "hello", "a-name-longer-than-twenty")
    lines = larix.succeed("package", "-p", "./p", "-I").splitlines()
    assert [line.split("\t")[0].rstrip() for line in lines] == ["hello", "a-name-longer-than-twenty"]
    assert lines[0].split("\t")[0] == "hello".ljust(20)
    assert lines[0].split("\t")[1:3] == ["1", "out"]
    assert lines[0].split("\t")[3].endswith("-hello-1")
    assert larix.succeed("package", "-p", profile, "-I^hel").count("\n") == 1
    assert larix.succeed("package", "-p", profile, "-I", "^hel").count("\n") == 1
    assert larix.succeed("package", "-p", profile, "-I^ello") == ""


def test_listing_a_profile_that_is_not_there_gives_nothing(larix):
    done = larix("package", "-p", "./p", "-I")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_listing_as_json(larix, shelf, profile):
    shelf.add(profile, "hello")
    (entry,) = json.loads(larix.succeed("package", "-p", "./p", "-I", "--json"))["packages"]
    assert (entry["name"], entry["version"], entry["output"]) == ("hello", "1", "out")
    shown = json.loads(larix.succeed("package", "-p", "./p", "-l", "--json"))
    assert shown["version"] == 1
    assert [(each["number"], each["current"]) for each in shown["generations"]] == [(1, True)]


def test_generations_are_shown_by_their_differences(larix, shelf, profile):
    first = shelf.add(profile, "hello")
    shelf.add(profile, "hello", "sed")
    shelf.add(profile, "sed")
    os.utime(f"{profile}-1-link", (0, 0), follow_symlinks=False)
    lines = larix.succeed("package", "-p", "./p", "-l").splitlines()
    store = larix.layout.store_dir
    lines = [re.sub(rf"{store}/[0-9a-z]{{32}}-", "STORE-", line) for line in lines]
    lines = [re.sub(r"(\t)\w{3} \d\d 20\d\d \d\d:\d\d:\d\d", r"\1DATE", line) for line in lines]
    assert lines == [
        "Generation 1\tJan 01 1970 00:00:00",
        "  hello\t1\tout\tSTORE-hello-1",
        "",
        "Generation 2\tDATE",
        " + sed\t1\tout\tSTORE-sed-1",
        "",
        "Generation 3\tDATE\t(current)",
        " - hello\t1\tout\tSTORE-hello-1",
        "",
    ]
    assert first.startswith(store)


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [("2", ["2"]), ("1,3", ["1", "3"]), ("2..", ["2", "3"]), ("..2", ["1", "2"]), ("1d", ["2", "3"])],
)
def test_generations_by_pattern(larix, shelf, profile, pattern, shown):
    for number in range(3):
        shelf.add(profile, f"name{number}")
    os.utime(f"{profile}-1-link", (0, 0), follow_symlinks=False)
    text = larix.succeed("package", "-p", "./p", f"-l{pattern}")
    assert re.findall(r"^Generation (\d+)", text, re.MULTILINE) == shown


def test_generations_that_do_not_exist_are_no_words_and_an_error(larix, shelf, profile):
    shelf.add(profile, "hello")
    done = larix("package", "-p", "./p", "-l7")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    done = larix("package", "-p", "./p", "-l", "7x")
    assert (done.returncode, done.stderr) == (1, "larix package: error: invalid syntax: 7x\n")
    done = larix("package", "-p", "./q", "-l")
    assert done.returncode == 1
    assert done.stderr == (
        "larix package: error: profile './q' does not exist\n"
        "hint: `larix package --list-profiles' lists the profiles\n"
    )


def test_rolling_back_to_the_beginning_and_no_further(larix, shelf, profile):
    shelf.add(profile, "hello")
    shelf.add(profile, "sed")
    assert larix.succeed("package", "-p", "./p", "--roll-back") == "switched from generation 2 to 1\n"
    assert os.path.exists(f"{profile}/bin/hello")
    assert larix.succeed("package", "-p", "./p", "--roll-back") == "switched from generation 1 to 0\n"
    assert sorted(os.listdir(profile)) == ["etc", "manifest"]
    assert larix.succeed("package", "-p", "./p", "-I") == ""
    done = larix("package", "-p", "./p", "--roll-back")
    assert done.returncode == 1
    assert done.stderr == "larix package: error: profile './p' does not have a previous generation\n"
    assert generation.generations(profile) == [1, 2]


def test_switching_by_number_and_by_steps(larix, shelf, profile):
    for number in range(3):
        shelf.add(profile, f"name{number}")
    assert larix.succeed("package", "-p", "./p", "-S", "-2") == "switched from generation 3 to 1\n"
    assert larix.succeed("package", "-p", "./p", "-S+1") == "switched from generation 1 to 2\n"
    assert (
        larix.succeed("package", "-p", "./p", "--switch-generation=3") == "switched from generation 2 to 3\n"
    )
    for wrong in ("+1", "-3", "9", "x", "0"):
        done = larix("package", "-p", "./p", "-S", wrong)
        assert done.returncode == 1
        assert done.stderr == (
            f"larix package: error: cannot switch to generation '{wrong}'\n"
            "hint: `larix package -p ./p -l' lists the generations\n"
        )
    assert generation.current_generation(profile) == 3


def test_deleting_spares_the_current_generation(larix, shelf, profile):
    for number in range(4):
        shelf.add(profile, f"name{number}")
    done = larix("package", "-p", "./p", "-d", "2..4")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"deleting {profile}-2-link",
        f"deleting {profile}-3-link",
        "larix package: warning: not removing generation 4, which is current",
    ]
    assert generation.generations(profile) == [1, 4]
    done = larix("package", "-p", "./p", "-d3")
    assert (done.returncode, done.stderr) == (1, "larix package: error: no matching generation\n")
    larix.succeed("package", "-p", "./p", "-d")
    assert generation.generations(profile) == [4]


def test_what_only_a_deleted_generation_held_is_garbage(larix, shelf, profile):
    old = shelf.add(profile, "hello")
    new = shelf.add(profile, "sed")
    larix.succeed("gc")
    assert os.path.exists(old)
    larix.succeed("package", "-p", "./p", "-d")
    done = larix("gc")
    assert f"deleting '{old}'\n" in done.stderr
    assert re.fullmatch(r"freed \d+ ([KMG]i)?B", done.stderr.splitlines()[-1])
    assert not os.path.exists(old)
    assert os.path.exists(new)


def test_collection_may_delete_old_generations_of_all_own_profiles_first(larix, shelf, profile):
    for name in (profile, f"{profile}2"):
        shelf.add(name, "hello")
        shelf.add(name, "sed")
    larix.succeed("gc", "-d", "1d")
    assert generation.generations(profile) == [1, 2]
    larix.succeed("gc", "-d")
    assert generation.generations(profile) == generation.generations(f"{profile}2") == [2]


def test_questions_to_the_collector(larix, shelf, profile):
    item = shelf.add(profile, "hello")
    dead = shelf.add(profile, "sed")
    larix.succeed("package", "-p", "./p", "--roll-back")
    larix.succeed("package", "-p", "./p", "-d2")
    hello = os.path.dirname(os.path.dirname(os.path.realpath(f"{profile}/bin/hello")))
    assert f"{profile}-1-link" in larix.succeed("gc", "--list-roots").splitlines()
    assert sorted(larix.succeed("gc", "--list-live").splitlines()) == [item]
    assert dead in larix.succeed("gc", "--list-dead").splitlines()
    assert larix.succeed("gc", "--requisites", "./p").splitlines() == [item]
    assert larix.succeed("gc", "--references", item) == ""
    assert larix.succeed("gc", "--referrers", hello) == ""
    assert larix.succeed("gc", "--derivers", hello) == ""
    done = larix("gc", "-D", item)
    assert done.returncode == 1
    assert "still alive" in done.stderr
    larix.succeed("gc", "-D", dead)
    assert not os.path.exists(dead)
    done = larix("gc", "--references", dead)
    assert done.returncode == 1
    assert "is not valid" in done.stderr


def test_damage_is_found(larix, shelf, profile):
    shelf.add(profile, "hello")
    assert larix("gc", "--verify=contents").returncode == 0
    program = os.path.realpath(f"{profile}/bin/hello")
    os.chmod(program, 0o755)
    with open(program, "a") as file:
        file.write("more")
    done = larix("gc", "--verify=contents")
    assert done.returncode == 1
    assert "was modified" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["gc", "x"], "extraneous arguments: x"),
        (["gc", "-C", "many"], "invalid amount of storage: many"),
        (["gc", "-F", "1 QiB"], "invalid amount of storage: 1 QiB"),
        (["gc", "-d", "soon"], "soon does not denote a duration"),
        (["gc", "--verify=repair-all"], "repair-all: invalid '--verify' option"),
        (["gc", "-D"], "missing argument: no store items given"),
        (["package", "x"], "x: extraneous argument"),
        (["package", "-p", "./p", "-r", "x"], "package 'x' not found in profile"),
        (["package", "-p", "./p", "--roll-back"], "profile './p' does not exist"),
        (
            ["package", "-p", "no/where/p", "-r", "x"],
            "cannot make profile 'no/where/p': there is no directory",
        ),
        (["package", "-i", "x", "-c", "many"], "not a number: 'cores' option argument: many"),
        (["package", "-i", "x", "-v", "loud"], "loud: invalid number"),
        (["package", "-I", "("], "`(' is not a regular expression"),
        (["package", "--search-paths=all"], "all: unsupported kind of search path"),
        (["package", "-p", "/", "-I"], "'/' cannot be the name of a profile"),
    ],
)
def test_bad_command_lines_are_one_clear_line(larix, words, message):
    done = larix(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0].startswith(f"larix {words[0]}: error: {message}")
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


def test_profile_of_a_foreign_store_is_told(larix, tmp_path):
    (tmp_path / "p-1-link").symlink_to("/elsewhere/0-profile")
    (tmp_path / "p").symlink_to("p-1-link")
    done = larix("package", "-p", "./p", "-I")
    assert done.returncode == 1
    assert "generation 1 of './p' points to '/elsewhere/0-profile', which is not in this store" in done.stderr


def test_broken_manifest_is_told_with_its_place(larix, shelf, profile):
    item = shelf.add(profile, "hello")
    os.chmod(f"{item}/manifest", 0o644)
    with open(f"{item}/manifest", "w") as file:
        file.write('{"version": 4,\n')
    done = larix("package", "-p", "./p", "-I")
    assert done.returncode == 1
    assert done.stderr.startswith(f"{item}/manifest:")


def test_search_paths_under_the_visible_name(larix, shelf, profile):
    shelf.add(profile, "hello")
    assert larix.succeed("package", "-p", "./p", "--search-paths") == f'export PATH="{profile}/bin"\n'
    prefix = larix.succeed("package", "-p", "./p", "--search-paths=prefix")
    assert prefix == f'export PATH="{profile}/bin${{PATH:+:}}$PATH"\n'
    suffix = larix.succeed("package", "-p", "./p", "--search-paths=suffix")
    assert suffix == f'export PATH="$PATH${{PATH:+:}}{profile}/bin"\n'
    shelf.add(f"{profile}2", "sed")
    both = larix.succeed("package", "-p", "./p", "-p", "./p2", "--search-paths")
    assert both == f'export PATH="{profile}/bin:{profile}2/bin"\n'
    asked = json.loads(larix.succeed("package", "-p", "./p", "--search-paths", "--json"))
    assert asked["variables"] == [{"name": "PATH", "separator": ":", "values": [f"{profile}/bin"]}]


def test_search_paths_hold_in_a_shell_whatever_the_profile_is_called(larix, shelf):
    name = larix.folder / 'p$HOME"`q`'
    shelf.add(str(name), "hello")
    settings = larix.succeed("package", "-p", str(name), "--search-paths")
    done = subprocess.run(
        ["/bin/sh", "-c", f'{settings}printf %s "$PATH"'], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{name}/bin"


def test_own_profiles_are_listed(larix, shelf, profile):
    shelf.add(profile, "hello")
    assert larix.succeed("package", "--list-profiles") == f"{profile}\n"


def test_the_users_own_profile_is_linked_from_home(larix, shelf, tmp_path):
    done = larix("package", "-r", "x")
    assert done.returncode == 1
    link = tmp_path / "home" / ".larix-profile"
    own = os.readlink(link)
    assert own.startswith(f"{larix.layout.state_dir}/profiles/per-user/")
    shelf.add(own, "hello")
    assert larix.succeed("package", "-I").startswith("hello")
    assert larix.succeed("package", "-p", str(link), "-I").startswith("hello")
    assert larix.succeed("package", "--list-profiles") == f"{link}\n"
    larix.succeed("gc")
    assert os.path.exists(link / "manifest")


def test_a_link_at_home_that_leads_elsewhere_is_left_alone(larix, tmp_path):
    link = tmp_path / "home" / ".larix-profile"
    link.symlink_to("/elsewhere")
    larix("package", "-r", "x")
    assert os.readlink(link) == "/elsewhere"


def test_programs_of_a_profile_run_with_their_arguments(larix, shelf, profile):
    shelf.add(profile, "hello")
    assert larix.succeed("run", "-p", "./p", "hello", "--version") == "hello runs\n"
    done = larix("run", "-p", "./p", "nothing")
    assert (done.returncode, done.stderr) == (127, "larix run: error: nothing: command not found\n")


def test_shell_in_a_profile_gives_the_status_of_its_command(larix, shelf, profile):
    item = shelf.add(profile, "hello")
    script = 'hello; echo "$LARIX_ENVIRONMENT $SECRET"; exit 7'
    done = larix("shell", "-p", "./p", "--", "/bin/sh", "-c", script, SECRET="x")
    assert (done.returncode, done.stdout) == (7, f"hello runs\n{item} x\n")
    pure = larix("shell", "-p", "./p", "--pure", "--", "/bin/sh", "-c", script, SECRET="x")
    assert pure.stdout == f"hello runs\n{item} \n"
    kept = larix("shell", "-p", "./p", "--pure", "-E", "^SEC", "--", "/bin/sh", "-c", script, SECRET="x")
    assert kept.stdout == f"hello runs\n{item} x\n"


def test_programs_start_with_the_usual_signals(larix, shelf, profile):
    """Python ignores SIGPIPE; what it becomes must not: a reader that leaves ends the writer."""
    shelf.add(profile, "hello")
    process = larix.start(
        "shell", "-p", "./p", "--", "/bin/sh", "-c", "exec cat /proc/self/status", stdout=subprocess.PIPE
    )
    text, _ = process.communicate()
    ignored = int(re.search(r"^SigIgn:\s*([0-9a-f]+)", text, re.MULTILINE)[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1))


def test_shell_prints_settings_when_asked(larix, shelf, profile):
    item = shelf.add(profile, "hello")
    text = larix.succeed("shell", "-p", "./p", "--search-paths")
    assert text == f'export PATH="{item}/bin${{PATH:+:}}$PATH"\n'
    asked = json.loads(larix.succeed("shell", "-p", "./p", "--search-paths", "--json"))
    assert asked["variables"] == [{"name": "PATH", "separator": ":", "values": [f"{item}/bin"]}]


def test_shell_takes_packages_or_a_profile(larix):
    done = larix("shell", "-p", "./p", "hello")
    assert (done.returncode, done.stderr) == (
        1,
        "larix shell: error: '--profile' cannot be used with package options\n",
    )


def test_two_roll_backs_at_once_are_two_steps(larix, shelf, profile):
    """Each process reads the current generation under the lock, so none of the steps is lost."""
    for number in range(6):
        shelf.add(profile, f"name{number}")
    running = [
        larix.start("package", "-p", "./p", "--roll-back", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(5)
    ]
    steps = [process.communicate()[0] for process in running]
    assert sorted(steps) == [f"switched from generation {n} to {n - 1}\n" for n in range(2, 7)]
    assert generation.current_generation(profile) == 1


def test_a_taken_lock_is_told_and_waited_for(larix, shelf, profile):
    shelf.add(profile, "hello")
    shelf.add(profile, "sed")
    with generation.lock_profile(profile, waiting=print, warn=print):
        done = larix("package", "-p", "./p", "--roll-back", "--lock-wait=0")
        assert done.returncode == 1
        shown = re.escape(f"larix package: error: profile {profile} is locked by process {os.getpid()} of ")
        assert re.fullmatch(rf"{shown}.+, since [0-9:]{{8}}\n", done.stderr)
        process = larix.start(
            "package", "-p", "./p", "--roll-back", stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert f"is locked by process {os.getpid()} of " in process.stderr.readline()
        assert generation.current_generation(profile) == 2
    assert process.communicate()[0] == "switched from generation 2 to 1\n"


def test_interruption_while_waiting_leaves_the_profile_untouched(larix, shelf, profile):
    shelf.add(profile, "hello")
    shelf.add(profile, "sed")
    with generation.lock_profile(profile, waiting=print, warn=print):
        process = larix.start(
            "package", "-p", "./p", "--roll-back", stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, text = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in text
    assert generation.current_generation(profile) == 2


def test_a_generation_and_an_item_are_read_as_profiles(larix, shelf, profile):
    item = shelf.add(profile, "hello")
    shelf.add(profile, "sed")
    for name in ("p-1-link", "./p-1-link/", item):
        assert larix.succeed("package", "-p", name, "-I").startswith("hello\t")
        assert larix.succeed("shell", "-p", name, "--", "hello") == "hello runs\n"
        assert larix.succeed("run", "-p", name, "hello") == "hello runs\n"
        assert f"{item}/bin" in larix.succeed("shell", "-p", name, "--search-paths")
        assert json.loads(larix.succeed("seal", name))["profile"] == item
        assert "nothing in" in larix("describe", "-p", name).stderr
    assert '"hello"' not in larix.succeed("package", "-p", "p-1-link", "--export-manifest")
    assert "is not a profile: it has no manifest" in larix("package", "-p", f"{item[:-7]}x", "-I").stderr


@pytest.mark.parametrize(
    "words", [["-r", "hello"], ["--roll-back", "-n"], ["-l"], ["--diff"], ["-d"], ["--tag=x"]]
)
def test_what_never_changes_is_not_changed(larix, shelf, profile, words):
    item = shelf.add(profile, "hello")
    shelf.add(profile, "sed")
    done = larix("package", "-p", "./p-1-link", *words)
    assert (done.returncode, done.stderr) == (
        1,
        (
            "larix package: error: './p-1-link' is one generation of './p', which never changes\n"
            "hint: `-p ./p' means the profile; with `-S 1', it goes to that generation\n"
        ),
    )
    done = larix("package", "-p", item, *words)
    assert done.returncode == 1
    assert done.stderr.startswith(f"larix package: error: '{item}' is no profile but an item of the store")
    assert generation.generations(profile) == [1, 2]


def test_a_profile_that_is_not_there_is_not_exported(larix, shelf, tmp_path):
    shelf.add(str(tmp_path / "production"), "hello")
    done = larix("package", "-p", "./prodution", "--export-manifest")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "larix package: error: profile './prodution' does not exist\nhint: Did you mean `./production'?\n"
    )


def test_a_link_at_home_to_elsewhere_is_told(larix, shelf, profile, tmp_path):
    """Else what is installed would be nowhere that this user looks."""
    shelf.add(profile, "hello")
    own = f"{larix.layout.state_dir}/profiles/per-user/{user_name()}/larix-profile"
    os.makedirs(os.path.dirname(own))
    shelf.add(own, "sed", "hello")
    link = tmp_path / "home" / ".larix-profile"
    link.symlink_to(profile)
    done = larix("remove", "hello", "-n")
    assert done.stderr.startswith(
        f"larix remove: warning: `{link}' does not lead to your own profile, which is '{own}'\n"
        f"hint: use `-p {link}' if you mean what it leads to"
    )
    assert default_profile_shown(larix) == own
    link.unlink()
    assert "warning" not in larix("remove", "hello", "-n").stderr
    assert not link.is_symlink()
    assert not os.path.lexists(tmp_path / "home" / ".larix-profile")


def default_profile_shown(larix):
    """As what goes wrong calls the user's own profile."""
    return larix("package", "--diff", "7").stderr.partition(" of '")[2].partition("'")[0]


def test_a_dry_run_makes_no_places(larix, tmp_path):
    larix("package", "-u", "-n")
    assert os.listdir(tmp_path / "home") == []
    assert not os.path.exists(f"{larix.layout.state_dir}/profiles/per-user/{user_name()}")


def changing_as_nobody(name):
    """What another user is told who would change the profile; nothing if he may."""
    end, other_end = os.pipe()
    child = os.fork()
    if child == 0:
        told = "no end"
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with Profile(None, name, name).lock(0):
                told = ""
        except NotAllowed as error:
            told = f"{error.message}: {error.hint}"
        finally:
            os.write(other_end, told.encode())
            os._exit(0)
    os.close(other_end)
    os.waitpid(child, 0)
    with open(end) as stream:
        return stream.read()


def test_who_may_not_change_a_profile_is_told_whose_it_is(larix, shelf):
    """Root may write everywhere, so this is tried by somebody else."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    with tempfile.TemporaryDirectory(dir="/tmp") as shared:
        name = f"{shared}/prod"
        shelf.add(name, "hello")
        larix.succeed("package", "-p", name, "--tag=mine")
        os.chmod(shared, 0o755)
        assert f"you may not write to '{shared}', which belongs to root: ask for" in changing_as_nobody(name)
        os.chmod(shared, 0o1777)
        assert f"it belongs to root, and in '{shared}' only owners change" in changing_as_nobody(name)
        os.chmod(shared, 0o777)
        larix.succeed("package", "-p", name, "--tag=more")
        assert changing_as_nobody(name) == ""
