"""The launcher of relocatable packs, as an ordinary user on a machine that has no such store."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from larix.pack.content import Closure, Contents
from larix.pack.options import PackOptions
from larix.pack.writing import write_pack
from larix.store.atomic import remove_tree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make a store and to become somebody else"),
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="the launcher is for x86-64"),
]

SOURCES = Path(__file__).parents[2] / "src" / "larix" / "pack"
LAUNCHED = str(Path(__file__).with_name("launched.c"))
NOBODY = 65534
LIBC, PROGRAM, PROFILE = (
    digit * 32 + f"-{name}" for digit, name in (("0", "libc"), ("1", "it"), ("2", "profile"))
)
CLONE_NEWUSER = 0x10000000
PR_SET_DUMPABLE = 4


class Foreign:
    """A pack that was unpacked where its store is not."""

    def __init__(self, folder: Path, store: str) -> None:
        self.folder = folder
        self.store = store

    def command(self, *words: str, name: str = "it") -> list[str]:
        return [str(self.folder / "opt" / name), *words]

    def __call__(
        self, *words: str, engine: str = "", namespaces: bool = True, name: str = "it"
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words, name=name),
            capture_output=True,
            check=False,
            text=True,
            cwd="/usr",
            env={"LARIX_EXECUTION_ENGINE": engine} if engine else {},
            preexec_fn=be_nobody if namespaces else be_nobody_without_namespaces,
        )


def be_nobody() -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def be_nobody_without_namespaces() -> None:
    """In a user namespace that allows none below it."""
    be_nobody()
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # or its files in /proc would be root's
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for file, text in (
        ("/proc/self/setgroups", "deny"),
        ("/proc/self/uid_map", f"{NOBODY} {NOBODY} 1"),
        ("/proc/self/gid_map", f"{NOBODY} {NOBODY} 1"),
        ("/proc/sys/user/max_user_namespaces", "0"),
    ):
        Path(file).write_text(text)


def compile_with(options: Sequence[str], *sources: str, text: str | None = None) -> None:
    subprocess.run(["gcc", "-Wall", "-Werror", "-O1", *options, *sources], check=True, input=text, text=True)


@pytest.fixture(scope="module")
def pack_in(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> tuple[Path, str]:
    """The tarball, and the store directory that it thinks of, which is gone."""
    if shutil.which("gcc") is None:
        pytest.skip("no gcc")
    folder = tmp_path_factory.mktemp("launcher")
    top = Path(f"/lx-{os.getpid()}-{worker_id}")
    store = top / "store"
    try:
        for name in (f"{LIBC}/lib", f"{PROGRAM}/bin", f"{PROGRAM}/share", PROFILE):
            (store / name).mkdir(parents=True)
        libc = store / LIBC / "lib"
        for name in ("ld-linux-x86-64.so.2", "libc.so.6"):
            shutil.copy(f"/lib/x86_64-linux-gnu/{name}", libc / name)
        macros = [f'-DSTORE="{store}"', f'-DITEM="{PROGRAM}"']
        linker = [f"-Wl,--dynamic-linker={libc}/ld-linux-x86-64.so.2", f"-Wl,-rpath,{libc}"]
        binary = store / PROGRAM / "bin" / "it"
        compile_with([*macros, *linker, "-pthread", "-o", str(binary)], LAUNCHED)
        compile_with([*macros, "-static", "-pthread", "-o", f"{binary}-static"], LAUNCHED)
        script = store / PROGRAM / "bin" / "script"
        script.write_text(f"#!{binary} arguments\n")
        script.chmod(0o755)
        twice = store / PROGRAM / "bin" / "twice"
        twice.write_text(f"#! {script}\n")
        twice.chmod(0o755)
        (store / PROGRAM / "bin" / "link").symlink_to("it")
        (store / PROGRAM / "share" / "text").write_text("found\n")
        (store / PROFILE / "bin").symlink_to(store / PROGRAM / "bin")
        launcher = folder / "launcher"
        launcher.mkdir()
        how = [f'-DSTORE="{store}"', "-DFALLBACK", "-Wno-format-truncation", "-static"]
        sources = [str(SOURCES / name) for name in ("launcher.c", "tracer.c")]
        compile_with([*how, "-o", str(launcher / "launcher")], *sources)
        closure = Closure(str(store), {LIBC: (), PROGRAM: (LIBC,), PROFILE: (PROGRAM,)})
        options = PackOptions(
            "tarball",
            "none",
            f"{store}/{PROFILE}",
            "x86_64-linux",
            links=(("/opt", "bin"),),
            launcher=str(launcher),
        )
        write_pack(str(folder / "pack.tar"), Contents(closure, options), threads=1, scratch="")
    finally:
        with contextlib.suppress(FileNotFoundError):
            remove_tree(str(top))
    return folder / "pack.tar", str(store)


@pytest.fixture
def foreign(pack_in: tuple[Path, str]) -> Iterator[Foreign]:
    """In a folder that others may look into, as those of the tests are not."""
    archive, store = pack_in
    folder = Path(tempfile.mkdtemp(prefix="lx-"))
    folder.chmod(0o755)
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="tar")
        assert not os.path.exists(store)
        yield Foreign(folder, store)
    finally:
        remove_tree(str(folder))


ENGINES = [
    pytest.param({"engine": "userns"}, id="userns"),
    pytest.param({"engine": "ptrace"}, id="ptrace"),
    pytest.param({"namespaces": False}, id="no-namespaces"),
    pytest.param({}, id="default"),
]


@pytest.mark.parametrize("how", ENGINES)
class TestEngines:
    def test_a_program_finds_its_libraries_and_data(self, foreign, how):
        done = foreign("read", **how)
        assert (done.stdout, done.stderr, done.returncode) == ("found\n", "", 0)

    def test_arguments_arrive_and_the_first_is_the_program_in_the_store(self, foreign, how):
        done = foreign("arguments", "a b", "", "--argv0", **how)
        assert done.stdout == f"{foreign.store}/{PROGRAM}/bin/it\narguments\na b\n\n--argv0\n"

    def test_a_program_is_called_as_it_was_started(self, foreign, how):
        """Programs that are several in one look at that name."""
        done = foreign("arguments", name="link", **how)
        assert done.stdout.startswith(f"{foreign.store}/{PROGRAM}/bin/link\n")

    def test_a_program_finds_itself(self, foreign, how):
        assert foreign("self", **how).stdout == "it 1\n"

    def test_static_programs_run(self, foreign, how):
        assert foreign("read", name="it-static", **how).stdout == "found\n"

    def test_scripts_are_started_by_interpreters_in_the_store(self, foreign, how):
        script = f"{foreign.store}/{PROGRAM}/bin/script"
        binary = f"{foreign.store}/{PROGRAM}/bin/it"
        assert foreign("x", name="script", **how).stdout == f"{binary}\narguments\n{script}\nx\n"
        assert foreign("exec", script, "x", **how).stdout == f"{binary}\narguments\n{script}\nx\n"

    def test_scripts_of_scripts_too(self, foreign, how):
        done = foreign("x", name="twice", **how)
        assert done.stdout.splitlines()[1:] == ["arguments", f"{foreign.store}/{PROGRAM}/bin/script",
                                                f"{foreign.store}/{PROGRAM}/bin/twice", "x"]  # fmt: skip

    def test_children_run_programs_of_the_store_and_of_the_machine(self, foreign, how):
        binary = f"{foreign.store}/{PROGRAM}/bin/it"
        assert foreign("spawn", binary, "status", "9", **how).stdout == "9\n"
        assert foreign("spawn", "/bin/false", **how).stdout == "1\n"
        assert foreign("exec", "/bin/echo", "hello", **how).stdout == "hello\n"

    def test_programs_of_the_pack_run_each_other_through_the_launcher(self, foreign, how):
        other = foreign.command(name="it")[0]
        assert foreign("exec", other, "read", **how).stdout == "found\n"
        inside = f"{foreign.store}/{PROFILE}/bin/it"
        assert foreign("exec", inside, "read", **how).stdout == "found\n"

    def test_a_program_that_was_opened_can_be_run(self, foreign, how):
        done = foreign("descriptor", **how)
        assert done.stdout.splitlines()[1:] == ["arguments"], done.stderr

    def test_what_is_not_there_is_not_there(self, foreign, how):
        assert foreign("missing", **how).stdout == "-1 1\n"
        assert "No such file" in foreign("exec", f"{foreign.store}/{PROGRAM}/bin/absent", **how).stdout

    def test_threads_look_at_the_same_time(self, foreign, how):
        assert foreign("threads", **how).stdout == "400\n"

    def test_names_are_changed_however_full_the_stack_is(self, foreign, how):
        assert foreign("deep", "700", **how).stdout == "deep\n"

    def test_how_it_ends_is_how_the_program_ends(self, foreign, how):
        assert foreign("status", "7", **how).returncode == 7
        assert foreign("kill", **how).returncode == -signal.SIGTERM

    def test_folder_and_user_stay(self, foreign, how):
        assert foreign("folder", **how).stdout == "/usr\n"
        assert foreign("ids", **how).stdout == f"{NOBODY} {NOBODY}\n"

    def test_a_program_can_be_stopped_and_continued(self, foreign, how):
        environment = {"LARIX_EXECUTION_ENGINE": how.get("engine", "")}
        process = subprocess.Popen(
            foreign.command("stop"),
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            preexec_fn=be_nobody if how.get("namespaces", True) else be_nobody_without_namespaces,  # noqa: PLW1509
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "before\n"
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read() == "after\n"
        assert process.wait() == 0
        process.stdout.close()

    def test_what_a_program_leaves_behind_goes_on(self, foreign, how):
        """A child that outlives its parent is neither waited for nor killed."""
        process = subprocess.Popen(
            foreign.command("leave"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"LARIX_EXECUTION_ENGINE": how.get("engine", "")},
            preexec_fn=be_nobody if how.get("namespaces", True) else be_nobody_without_namespaces,  # noqa: PLW1509
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "left\n"
        assert process.wait() == 0
        process.stdin.close()
        assert process.stdout.read() == ""
        process.stdout.close()


def test_without_namespaces_that_engine_says_so(foreign):
    done = foreign("read", engine="userns", namespaces=False)
    assert done.returncode == 127
    assert "for which namespaces are needed: unshare" in done.stderr


def test_an_unknown_engine_is_refused(foreign):
    done = foreign("read", engine="fakechroot")
    assert done.returncode == 127
    assert "LARIX_EXECUTION_ENGINE is `fakechroot'; there are `default', `userns' and `ptrace'" in done.stderr


def test_other_names_of_engines_are_known(foreign):
    assert foreign("read", engine="proot").stdout == "found\n"
    assert foreign("read", engine="performance").stdout == "found\n"


def test_the_launcher_must_stay_in_its_pack(foreign):
    copy = foreign.folder / "copy"
    shutil.copy(foreign.command()[0], copy)
    done = subprocess.run([str(copy)], capture_output=True, check=False, text=True)
    assert done.returncode == 127
    assert "this program must stay in its pack" in done.stderr


def test_the_host_is_seen_as_it_is(foreign):
    done = foreign("exec", "/bin/ls", "/", engine="userns")
    seen = set(done.stdout.split())
    assert set(os.listdir("/")) <= seen | {name for name in os.listdir("/") if name.startswith(("lx-", "."))}
    assert foreign.store.split("/")[1] in seen


def test_root_needs_no_user_namespace(foreign):
    done = subprocess.run(foreign.command("ids"), capture_output=True, check=True, text=True)
    assert done.stdout == "0 0\n"
    assert foreign.store.split("/")[1] not in os.listdir("/")


if sys.platform != "linux":
    pytest.skip("Linux only", allow_module_level=True)
