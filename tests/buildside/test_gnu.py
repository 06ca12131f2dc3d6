"""The standard phases, run on the host on a small project that follows the GNU standards."""

import gzip
import importlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from larix.buildside import gnu
from larix.buildside.elf import read_elf
from larix.buildside.failure import BuildSideError
from larix.buildside.invoke import InvokeError, capture, invoke, invoke_quietly

CONFIGURE = """#!/bin/sh
for arg; do
  case $arg in
    --prefix=*) prefix=${arg#--prefix=};;
    --greeting=*) greeting=${arg#--greeting=};;
  esac
done
echo "$@" > config.args
src=$(dirname "$0")
sed -e "s|@prefix@|$prefix|; s|@src@|$src|; s|@LDFLAGS@|$LDFLAGS|; s|@greeting@|$greeting|" \\
    $src/Makefile.in > Makefile
"""
MAKEFILE = """prefix = @prefix@
SHELL = /no/such/shell
all: hello
hello: @src@/hello.c
\tgcc -g -DGREETING='"@greeting@"' -o hello @src@/hello.c @LDFLAGS@
check: hello
\ttest "$$(./hello)" = "@greeting@"
install: all
\tmkdir -p $(prefix)/bin $(prefix)/share/man/man1 $(prefix)/share/info
\tcp hello $(prefix)/bin
\tprintf '#!/bin/sh\\nexec hello\\n' > $(prefix)/bin/wrapper; chmod 755 $(prefix)/bin/wrapper
\techo page > $(prefix)/share/man/man1/hello.1
\tln -s hello.1 $(prefix)/share/man/man1/hi.1
\techo dir > $(prefix)/share/info/dir
"""
HELLO = "#include <stdio.h>\nint main(void) { puts(GREETING); return 0; }\n"

DRIVER = """
import json, sys
from pathlib import Path
from larix.buildside.gnu import standard_phases
arguments = json.load(sys.stdin)
for name in ("outputs", "inputs", "native_inputs"):
    arguments[name] = {label: Path(file) for label, file in arguments[name].items()}
for name in ("source", "shell"):
    arguments[name] = Path(arguments[name])
arguments["toolchain"] = [Path(file) for file in arguments["toolchain"]]
standard_phases.run(**arguments)
"""

needs_compiler = pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")


@pytest.fixture
def project(tmp_path: Path):
    top = tmp_path / "hello-1.0"
    top.mkdir()
    for name, text in (
        ("configure", CONFIGURE),
        ("Makefile.in", MAKEFILE),
        ("hello.c", HELLO),
        ("COPYING", "GPL"),
    ):
        (top / name).write_text(text)
        os.utime(top / name, (1000, 1000))
    (top / "configure").chmod(0o755)
    with tarfile.open(tmp_path / "hello-1.0.tar.gz", "w:gz") as tar:
        tar.add(top, "hello-1.0")
    return tmp_path


def build(project: Path, **changes):
    """In a process of its own, since phases change the directory and the environment."""
    import json

    work = project / "build"
    work.mkdir()
    libc = subprocess.check_output(["gcc", "-print-file-name=libc.so.6"], text=True).strip()
    arguments = {
        "name": "hello",
        "version": "1.0",
        "system": "x86_64-linux",
        "source": str(project / "hello-1.0.tar.gz"),
        "outputs": {"out": str(project / "out")},
        "inputs": {},
        "native_inputs": {},
        "toolchain": ["/usr"],
        "shell": shutil.which("bash"),
        "shell_link": str(project / "sh"),
        "configure_flags": ["--greeting=Hello, world!"],
        "search_paths": [["C_INCLUDE_PATH", ["include"], ":", "directory", None]],
        **changes,
    }
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(gnu.__file__))))
    environment = {"LDFLAGS": f"-Wl,-rpath,{os.path.dirname(os.path.realpath(libc))}"}
    return subprocess.run(
        [sys.executable, "-c", DRIVER],
        input=json.dumps(arguments),
        text=True,
        cwd=work,
        env={"PYTHONPATH": source, "LARIX_BUILD_CORES": "2", "HOME": "/homeless-shelter", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("out_of_source", [False, True])
def test_standard_phases_build_check_and_install(project: Path, out_of_source):
    done = build(project, out_of_source=out_of_source)
    assert done.returncode == 0, done.stdout
    out = project / "out"
    assert subprocess.check_output([out / "bin" / "hello"], text=True) == "Hello, world!\n"
    assert (out / "bin" / "wrapper").read_text().startswith("#!/usr/bin/sh\n")
    page = out / "share" / "man" / "man1" / "hello.1.gz"
    assert page.read_bytes()[4:8] == bytes(4)
    assert gzip.decompress(page.read_bytes()) == b"page\n"
    assert os.readlink(out / "share" / "man" / "man1" / "hi.1.gz") == "hello.1.gz"
    assert not (out / "share" / "info" / "dir").exists()
    assert (out / "share" / "doc" / "hello-1.0" / "COPYING").read_text() == "GPL"
    assert b".debug_info" not in (out / "bin" / "hello").read_bytes()
    elf = read_elf(out / "bin" / "hello")
    assert elf is not None
    assert str(out) not in "".join(elf.runpath), "the directory of no needed library is not kept"
    assert os.path.islink(project / "sh")
    started = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("@ phase-start")]
    assert started == list(gnu.standard_phases.names)


@needs_compiler
@pytest.mark.slow
def test_failing_test_suite_ends_the_build_with_the_program_named(project: Path):
    done = build(project, configure_flags=["--greeting=a'b"], make_flags=["-k"])
    assert done.returncode != 0
    assert "InvokeError" in done.stdout
    assert "in phase `build`" in done.stdout


@needs_compiler
@pytest.mark.slow
def test_tests_can_be_left_out_and_flags_reach_configure(project: Path):
    done = build(project, tests=False, build_triplet="x86_64-pc-linux-gnu")
    assert done.returncode == 0, done.stdout
    assert "not run: `tests` is false" in done.stdout
    args = (project / "build" / "source" / "hello-1.0" / "config.args").read_text()
    assert args.split()[:3] == [
        f"--prefix={project}/out",
        "--enable-fast-install",
        "--build=x86_64-pc-linux-gnu",
    ]


@needs_compiler
@pytest.mark.slow
def test_headers_of_inputs_are_found_and_debug_information_can_be_kept(project: Path):
    (project / "lib" / "include").mkdir(parents=True)
    done = build(
        project,
        inputs={"lib": str(project / "lib")},
        outputs={"out": str(project / "out"), "debug": str(project / "debug")},
    )
    assert done.returncode == 0, done.stdout
    assert f"C_INCLUDE_PATH={project}/lib/include\n" in done.stdout
    assert len(list((project / "debug").rglob("hello.debug"))) == 1


def test_source_without_configure_tells_what_is_missing(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BuildSideError, match="replace or delete this phase"):
        gnu.standard_phases["configure"](outputs={"out": tmp_path})
    (tmp_path / "configure.ac").write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildSideError, match="add autoconf, automake and libtool"):
        gnu.standard_phases["bootstrap"]()


def test_cores_come_from_the_builder(monkeypatch):
    monkeypatch.setenv("LARIX_BUILD_CORES", "3")
    assert gnu.parallel_jobs() == 3
    monkeypatch.setenv("LARIX_BUILD_CORES", "0")
    assert gnu.parallel_jobs() == len(os.sched_getaffinity(0))


def test_program_that_fails_is_told_with_its_arguments_and_status(capfd, monkeypatch, tmp_path):
    with pytest.raises(InvokeError, match=r"`sh -c 'exit 3'` ended with status 3") as caught:
        invoke("sh", "-c", "exit 3")
    assert caught.value.status == 3
    with pytest.raises(InvokeError, match=r"signal 9 \(SIGKILL\)"):
        invoke("sh", "-c", "kill -9 $$")
    monkeypatch.setenv("PATH", str(tmp_path))  # a folder of another user's in it would change the cause
    with pytest.raises(InvokeError, match=r"no-such-program.* is not in PATH"):
        invoke("no-such-program")
    assert "+ sh -c 'exit 3'" in capfd.readouterr().out


def test_quiet_program_speaks_only_when_it_fails(capfd):
    invoke_quietly("sh", "-c", "echo fine")
    assert capfd.readouterr().out == ""
    with pytest.raises(InvokeError):
        invoke_quietly("sh", "-c", "echo broken; exit 1")
    assert "broken" in capfd.readouterr().out


def test_script_with_a_missing_interpreter_is_told_as_such(tmp_path: Path):
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    with pytest.raises(InvokeError, match=r"its interpreter .* does not exist"):
        invoke(script)


def test_capture_gives_the_output():
    assert capture("sh", "-c", "echo out; echo err >&2") == "out\n"


SYSTEMS = ("cmake", "copy", "gnu", "meson", "perl", "pyproject", "python")


@pytest.mark.parametrize("name", SYSTEMS)
def test_outputs_are_looked_for_after_install_and_what_packages_add_after_it(name):
    module = importlib.import_module(f"larix.buildside.{name}")
    phases = module.standard_phases.add_after("install", lambda: None, name="move")
    assert phases.names.index("install") < phases.names.index("move") < phases.names.index("validate-outputs")
    assert phases.names.index("validate-outputs") < phases.names.index("strip")


def test_output_that_nothing_made_is_told(tmp_path: Path):
    outputs = {name: tmp_path / name for name in ("out", "doc", "debug")}
    outputs["out"].mkdir()
    with pytest.raises(
        BuildSideError, match=r"^output `doc` was not made by phase `install`: there is no `/"
    ):
        gnu.standard_phases["validate-outputs"](outputs=outputs)
    outputs["doc"].mkdir()
    gnu.standard_phases["validate-outputs"](outputs=outputs)
    with pytest.raises(BuildSideError, match=r"^output `debug` was not made by any phase: there is no"):
        gnu.standard_phases["reset-gzip-timestamps"](outputs=outputs)
