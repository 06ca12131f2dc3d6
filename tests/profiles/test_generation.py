from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time

import pytest

from larix.formats.storepath import StoreDir
from larix.profiles import generation
from larix.profiles.front import Direct
from larix.profiles.generation import Pattern


@pytest.fixture
def profile(tmp_path):
    return str(tmp_path / "p")


def add(profile, item, number, protect=lambda _link: None):
    generation.add_generation(profile, item, number, facade=Direct(StoreDir("/store")), protect=protect)


def make_generations(profile, count):
    protected = []
    for number in range(1, count + 1):
        add(profile, f"/store/{number}", number, protected.append)
        generation.switch_to(profile, number)
    return protected


def test_absent_profile_is_at_generation_zero_and_has_none(profile):
    assert generation.current_generation(profile) == 0
    assert generation.generations(profile) == []
    assert generation.current_target(profile) is None


def test_each_change_adds_a_link_and_moves_the_profile(profile):
    protected = make_generations(profile, 3)
    assert os.readlink(profile) == "p-3-link"
    assert [generation.generation_target(profile, n) for n in (1, 2, 3)] == [
        "/store/1",
        "/store/2",
        "/store/3",
    ]
    assert protected == [f"{profile}-{n}-link" for n in (1, 2, 3)]
    assert generation.current_target(profile) == "/store/3"


def test_a_new_generation_is_not_current_before_the_switch(profile):
    make_generations(profile, 1)
    add(profile, "/store/next", 2)
    assert generation.current_target(profile) == "/store/1"


def test_an_undone_generation_can_be_overwritten(profile):
    make_generations(profile, 3)
    generation.switch_to(profile, 1)
    add(profile, "/store/other", 2)
    assert generation.generation_target(profile, 2) == "/store/other"


def test_links_of_other_profiles_and_stray_files_are_not_generations(profile, tmp_path):
    make_generations(profile, 1)
    for name in ("p-01-link", "p-x-link", "pp-2-link", "p-2-link.tmp", "p-0-link", "p-99999999999-link"):
        (tmp_path / name).symlink_to("/x")
    assert generation.generations(profile) == [1]


def test_a_regular_file_in_the_place_of_a_profile_is_refused(profile, tmp_path):
    (tmp_path / "p").write_text("precious")
    with pytest.raises(generation.GenerationError, match="not a profile"):
        generation.current_generation(profile)
    with pytest.raises(generation.GenerationError, match="not a symbolic link"):
        generation.replace_link("/store/1", profile)
    assert (tmp_path / "p").read_text() == "precious"


@pytest.mark.parametrize(
    "target", ["/larix/store/x-profile", "q-1-link", "elsewhere/p-1-link", "../p-1-link"]
)
def test_a_foreign_link_in_the_place_of_a_profile_is_refused(profile, target):
    os.symlink(target, profile)
    with pytest.raises(generation.GenerationError, match="not to a generation"):
        generation.current_generation(profile)


def test_switching_to_a_missing_generation_is_refused(profile):
    make_generations(profile, 1)
    with pytest.raises(generation.GenerationError, match="cannot switch to generation '7'"):
        generation.switch_to(profile, 7)
    assert generation.current_generation(profile) == 1


def test_neighbours_skip_deleted_generations(profile):
    make_generations(profile, 4)
    generation.delete_generation(profile, 2)
    generation.delete_generation(profile, 3)
    assert generation.previous_generation(profile, 4) == 1
    assert generation.previous_generation(profile, 1) == 0
    assert generation.next_generation(profile, 1) == 4
    assert generation.next_generation(profile, 4) is None
    assert generation.relative_generation(profile, -1) == 1
    assert generation.relative_generation(profile, -2) is None
    assert generation.relative_generation(profile, 1) is None


def test_the_current_generation_cannot_be_deleted(profile):
    make_generations(profile, 2)
    with pytest.raises(generation.GenerationError, match="is current"):
        generation.delete_generation(profile, 2)


def test_temporary_link_of_a_killed_process_is_taken_over(profile):
    os.symlink("/junk", profile + ".tmp")
    generation.replace_link("p-1-link", profile)
    assert os.readlink(profile) == "p-1-link"
    assert not os.path.lexists(profile + ".tmp")


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("3", Pattern(numbers=(3,))),
        ("1,4,2", Pattern(numbers=(1, 4, 2))),
        ("2..5", Pattern(first=2, last=5)),
        ("2..", Pattern(first=2)),
        ("..5", Pattern(first=0, last=5)),
        ("20d", Pattern(seconds=20 * 86400)),
        ("2w", Pattern(seconds=14 * 86400)),
        ("1m", Pattern(seconds=30 * 86400)),
        ("12h", Pattern(seconds=12 * 3600)),
        ("90s", Pattern(seconds=90)),
    ],
)
def test_patterns_are_read(text, pattern):
    assert generation.parse_pattern(text) == pattern


@pytest.mark.parametrize("text", ["", "..", "5..2", "x", "1,", "-1", "1..2..3", "3y", "1m2", "9" * 30, "१"])
def test_bad_patterns_are_refused(text):
    with pytest.raises(generation.BadPattern, match=r"^invalid syntax: "):
        generation.parse_pattern(text)


def test_patterns_select_existing_generations(profile):
    make_generations(profile, 5)
    generation.delete_generation(profile, 3)

    def chosen(text, *, older=True):
        pattern = generation.parse_pattern(text)
        return generation.matching_generations(profile, pattern, now=time.time(), older=older)

    assert chosen("2..4") == [2, 4]
    assert chosen("..2") == [1, 2]
    assert chosen("4..") == [4, 5]
    assert chosen("5,1,9") == [1, 5]
    os.utime(f"{profile}-1-link", (0, 0), follow_symlinks=False)
    assert chosen("1d") == [1]
    assert chosen("1d", older=False) == [2, 4, 5]


def silent(_message):
    raise AssertionError(_message)


def test_lock_is_waited_for_with_a_word_naming_the_profile(profile):
    """A real second process holds the lock and frees it once it has read our message."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, profile], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "locked\n"
    messages = []

    def waiting(message):
        messages.append(message)
        holder.stdin.write("go\n")
        holder.stdin.flush()

    with generation.lock_profile(profile, waiting=waiting, warn=silent):
        assert holder.stdout.readline() == "freed\n"
    assert messages == [f"profile {profile} is locked by another process; waiting for it to finish..."]
    holder.stdin.close()
    holder.stdout.close()
    assert holder.wait() == 0


HOLDER = textwrap.dedent("""
    import fcntl, os, sys
    descriptor = os.open(sys.argv[1] + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    print("locked", flush=True)
    sys.stdin.readline()
    print("freed", flush=True)
    os.close(descriptor)
""")


def test_lock_of_a_killed_process_is_free(profile):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, profile], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with generation.lock_profile(profile, waiting=silent, warn=silent):
        pass


def test_no_waiting_gives_a_temporary_error(profile):
    with open(profile + ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with (
            pytest.raises(generation.ProfileLocked, match="is locked by another process") as caught,
            generation.lock_profile(profile, waiting=silent, warn=silent, seconds=0),
        ):
            pass
    assert caught.value.temporary


def lock_mode(profile):
    return stat.S_IMODE(os.stat(f"{profile}.lock").st_mode)


@pytest.mark.parametrize(
    ("folder", "lock"), [(0o755, 0o600), (0o775, 0o660), (0o777, 0o666), (0o1777, 0o600)]
)
def test_who_may_write_to_the_folder_may_take_the_lock(profile, folder, lock):
    """Also where the file was made by one who knew nothing of the others."""
    make_generations(profile, 1)
    os.chmod(os.path.dirname(profile), folder)
    with generation.lock_profile(profile, waiting=silent, warn=silent):
        assert lock_mode(profile) == lock
    os.chmod(f"{profile}.lock", 0o600)
    with generation.lock_profile(profile, waiting=silent, warn=silent):
        assert lock_mode(profile) == lock


def test_a_lock_is_no_link_to_another_file(profile, tmp_path):
    """Else it would be opened, and its mode changed, for whoever put the link there."""
    (tmp_path / "other").touch(mode=0o600)
    os.symlink(tmp_path / "other", f"{profile}.lock")
    os.chmod(os.path.dirname(profile), 0o777)
    with (
        pytest.raises(OSError, match="symbolic"),
        generation.lock_profile(profile, waiting=silent, warn=silent),
    ):
        pass
    assert stat.S_IMODE(os.stat(tmp_path / "other").st_mode) == 0o600


def test_a_lock_that_cannot_be_opened_is_done_without(profile, monkeypatch):
    def refuse(*_arguments):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    warnings = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with generation.lock_profile(profile, waiting=silent, warn=warnings.append):
            pass
    assert warnings == [f"cannot lock profile {profile}: Permission denied"]


def test_nothing_stays_of_a_first_change_that_fails(profile):
    """Who waits for the lock meanwhile must not take that of the removed file for his own."""
    with generation.lock_profile(profile, waiting=silent, warn=silent):
        waiter = os.open(f"{profile}.lock", os.O_RDWR)
    assert not os.path.lexists(f"{profile}.lock")
    with generation.lock_profile(profile, waiting=silent, warn=silent):
        assert not os.path.samestat(os.fstat(waiter), os.stat(f"{profile}.lock"))
    os.close(waiter)
    make_generations(profile, 1)
    with generation.lock_profile(profile, waiting=silent, warn=silent):
        pass
    assert os.path.exists(f"{profile}.lock")


def test_a_lock_removed_while_it_was_waited_for_is_taken_anew(profile):
    removed = []

    def waiting(_message):
        os.unlink(f"{profile}.lock")
        removed.append(True)
        holder.close()

    holder = open(f"{profile}.lock", "w")  # noqa: SIM115 - closed by who waits
    fcntl.flock(holder, fcntl.LOCK_EX)
    with generation.lock_profile(profile, waiting=waiting, warn=silent), open(f"{profile}.lock") as same:
        assert removed
        with pytest.raises(BlockingIOError):
            fcntl.flock(same, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_kill_between_any_two_steps_leaves_the_old_or_the_new_generation(profile):
    """Kill the switching process before each of its system calls that change the folder."""
    make_generations(profile, 1)
    outcomes = set()
    for step in range(8):
        child = os.fork()
        if child == 0:
            try:
                kill_before_call(step)
                add(profile, "/store/new", 2)
                generation.switch_to(profile, 2)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        outcomes.add((generation.current_target(profile), os.WIFSIGNALED(status)))
        generation.switch_to(profile, 1)
    assert outcomes == {("/store/1", True), ("/store/new", True), ("/store/new", False)}


def kill_before_call(step):
    """Wrap the changing calls of `os` in this (forked) process: the one numbered `step` kills it instead."""
    left = [step]

    def wrap(call):
        def wrapped(*arguments, **keywords):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return call(*arguments, **keywords)

        return wrapped

    for name in ("symlink", "rename", "fsync"):
        setattr(os, name, wrap(getattr(os, name)))
