"""The phases that build what follows the GNU standards: unpack, configure, make, make check, make install.

Each phase is a function of keyword arguments that ignores those it does not know. The host half,
`larix.buildsystems.gnu`, gives them all; these are known everywhere:

    name, version, system, build_triplet   what is built and for which machine
    source                                 Path of the source in the store, or None
    outputs                                dict of Path by output name; the first is the main one
    inputs, native_inputs                  dicts of Path by label: for what is built, and to run in the build
    toolchain                              tuple of Path: compiler, libc, shell, utilities
    shell, shell_link                      bash, and the file name at which the toolchain's libc looks for sh
    search_paths                           tuple of (variable, files, separator, kind, pattern)
    target                                 triplet of the machine that the result is for, in a cross build

In a cross build `inputs` are for that machine and never run; `native_inputs` and the toolchain run here.

A phase may change the directory and the environment; the next one finds them so.
"""

from __future__ import annotations

import locale
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from larix.buildside.desktop import patch_desktop_files
from larix.buildside.documentation import (
    LICENSE_FILES,
    compress_documentation,
    delete_info_dir,
    install_license_files,
    move_documentation,
)
from larix.buildside.elf import is_elf
from larix.buildside.environment import search_path_entries, set_path_environment
from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files, mkdir_p, substitute, which
from larix.buildside.gzip_files import reset_gzip_timestamp
from larix.buildside.invoke import InvokeError, invoke
from larix.buildside.phases import Phases
from larix.buildside.runpath import shrink_runpath, validate_runpath
from larix.buildside.shebang import patch_shebangs
from larix.buildside.strip import strip_tree
from larix.buildside.unpack import source_directory, unpack

__all__ = ["gnu_phases", "main_output", "make_arguments", "parallel_jobs", "standard_phases"]

Outputs = Mapping[str, Path]
Inputs = Mapping[str, Path]
PROGRAM_DIRECTORIES = ("bin", "sbin", "libexec")
BINARY_DIRECTORIES = ("lib", "lib64", *PROGRAM_DIRECTORIES)

# What a compiler for another machine reads, in a cross build; other variables serve the programs that run.
OF_THE_TARGET = ("C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "PKG_CONFIG_PATH")

SOURCE_VARIABLE = "LARIX_SOURCE_DIRECTORY"  # where unpack put the source, for phases that run elsewhere


def main_output(outputs: Outputs) -> Path:
    return outputs["out"] if "out" in outputs else next(iter(outputs.values()))


def parallel_jobs() -> int:
    """The cores this build may use; all of the machine when the builder does not say."""
    text = os.environ.get("LARIX_BUILD_CORES") or os.environ.get("NIX_BUILD_CORES") or "1"
    return int(text) if text.isdigit() and int(text) else len(os.sched_getaffinity(0))


def make_arguments(*, shell: Path | None, make_flags: Sequence[str], parallel: bool) -> list[str]:
    """What each call of make gets: make looks for the shell at a fixed place unless told otherwise."""
    jobs = [f"-j{parallel_jobs()}"] if parallel else []
    return [*jobs, *([f"SHELL={shell}"] if shell else []), *make_flags]


def _set_source_date_epoch() -> None:
    """The moment that programs shall take for now, when they write one into what they make."""
    os.environ["SOURCE_DATE_EPOCH"] = "1"
    os.environ["TZ"] = "UTC0"


def _set_paths(
    *,
    outputs: Outputs,
    inputs: Inputs,
    native_inputs: Inputs,
    toolchain: Sequence[Path] = (),
    search_paths: Sequence[tuple[str, Sequence[str], str | None, str, str | None]] = (),
    shell: Path | None = None,
    shell_link: str | None = None,
    target: str | None = None,
) -> None:
    """Let programs, headers and libraries of the inputs be found; the toolchain finds its own."""
    used, native = list(inputs.values()), list(native_inputs.values())
    given = list(dict.fromkeys(native if target else [*native, *used]))
    set_path_environment("PATH", ("bin", "sbin"), [*given, *toolchain])
    for variable, files, separator, kind, pattern in search_paths:
        roots = used if target and variable in OF_THE_TARGET else given
        set_path_environment(variable, files, roots, separator=separator, kind=kind, pattern=pattern)
    libraries = search_path_entries([main_output(outputs), *used], ("lib",))
    own = f"{outputs.get('lib', main_output(outputs))}/lib"
    flags = [f"-Wl,-rpath,{each}" for each in dict.fromkeys([own, *libraries])]
    if target:
        # A compiler for another machine does not read LIBRARY_PATH.
        flags = [*(f"-L{each}" for each in libraries), *flags]
        os.environ["CC_FOR_BUILD"] = "gcc"
    os.environ["LDFLAGS"] = " ".join([*os.environ.get("LDFLAGS", "").split(), *flags])
    print(f"LDFLAGS={os.environ['LDFLAGS']}", flush=True)
    if shell is not None:
        os.environ["SHELL"] = os.environ["CONFIG_SHELL"] = str(shell)
    if shell is not None and shell_link is not None and not os.path.lexists(shell_link):
        os.symlink(shell, shell_link)


def _install_locale(*, toolchain: Sequence[Path] = (), locale_name: str = "C.UTF-8") -> None:
    """One locale for all programs: messages and orders that no user's settings change."""
    set_path_environment("LOCPATH", ("lib/locale",), toolchain)
    try:
        locale.setlocale(locale.LC_ALL, locale_name)
    except locale.Error:
        print(f"the libc has no locale `{locale_name}`; taking C", flush=True)
        locale_name = "C"
    os.environ["LC_ALL"] = locale_name


def _unpack(*, source: Path | None) -> None:
    if source is None:
        os.chdir(mkdir_p("source"))
        return
    unpack(source, "source")
    os.chdir(source_directory("source"))
    os.environ[SOURCE_VARIABLE] = os.getcwd()


def _patch_usr_bin_file() -> None:
    """Configure scripts, libtool's above all, ask /usr/bin/file for kinds of libraries."""
    program = which("file")
    scripts = [file for file in find_files(".", r"^configure$") if not file.is_symlink()]
    if program is None or not scripts:
        print("nothing to do", flush=True)
        return
    substitute(scripts, (r"/usr/bin/file\b", str(program)), required=False, keep_time=True)


def _patch_source_shebangs() -> None:
    print(f"patched the #! lines of {patch_shebangs(find_files('.'))} files", flush=True)


def _bootstrap(*, shell: Path | None = None) -> None:
    """Make `configure` where a source comes without and the tools to make it are there."""
    if os.path.exists("configure") or not any(map(os.path.exists, ("configure.ac", "configure.in"))):
        print("nothing to do", flush=True)
        return
    if shell is not None:
        for script in ("bootstrap", "bootstrap.sh", "autogen.sh"):
            if os.path.isfile(script):
                invoke(shell, f"./{script}", environment={"NOCONFIGURE": "1"})
                return
    if which("autoreconf") is None:
        raise BuildSideError(
            "the source comes without `configure`: add autoconf, automake and libtool to native_inputs"
        )
    invoke("autoreconf", "--verbose", "--install", "--force")


def _configure(
    *,
    outputs: Outputs,
    name: str = "",
    version: str = "",
    configure_flags: Sequence[str] = (),
    out_of_source: bool = False,
    build_triplet: str | None = None,
    target: str | None = None,
    shell: Path | None = None,
) -> None:
    script = os.path.join(os.getcwd() if out_of_source else ".", "configure")
    if not os.path.exists(script):
        raise BuildSideError(
            f"no `configure` in {os.getcwd()}: replace or delete this phase, or use another build system"
        )
    flags = [*_directory_flags(outputs, f"{name}-{version}"), "--enable-fast-install"]
    flags += [f"--build={build_triplet}"] if build_triplet else []
    flags += [f"--host={target}"] if target else []
    if out_of_source:
        mkdir_p("../build")
        os.chdir("../build")
    invoke(*([shell] if shell else []), script, *flags, *configure_flags)


def _directory_flags(outputs: Outputs, full_name: str) -> list[str]:
    flags = [f"--prefix={main_output(outputs)}"]
    if "bin" in outputs:
        flags += [f"--bindir={outputs['bin']}/bin", f"--sbindir={outputs['bin']}/sbin"]
    if "lib" in outputs:
        flags += [f"--libdir={outputs['lib']}/lib"]
    if "include" in outputs:
        flags += [f"--includedir={outputs['include']}/include"]
    if "doc" in outputs:
        flags += [f"--docdir={outputs['doc']}/share/doc/{full_name}"]
    return flags


def _patch_generated_file_shebangs() -> None:
    """As for the sources: what bootstrap and configure made, which is executable."""
    scripts = find_files(".", lambda _, status: bool(status.st_mode & stat.S_IXUSR))
    print(f"patched the #! lines of {patch_shebangs(scripts)} files", flush=True)


def _build(*, make_flags: Sequence[str] = (), parallel_build: bool = True, shell: Path | None = None) -> None:
    invoke("make", *make_arguments(shell=shell, make_flags=make_flags, parallel=parallel_build))


def _check(
    *,
    tests: bool = True,
    test_target: str = "check",
    test_flags: Sequence[str] = (),
    make_flags: Sequence[str] = (),
    parallel_tests: bool = True,
    shell: Path | None = None,
    test_logs: str = r"^test-suite\.log$",
    target: str | None = None,
) -> None:
    if not tests or target:
        print("not run: " + ("`tests` is false" if not tests else f"for {target}"), flush=True)
        return
    arguments = make_arguments(shell=shell, make_flags=make_flags, parallel=parallel_tests)
    try:
        invoke("make", test_target, *arguments, *test_flags)
    except InvokeError:
        for log in find_files(".", test_logs):
            print(f"--- {log}\n{log.read_text(errors='replace')}", flush=True)
        raise


def _install(
    *, make_flags: Sequence[str] = (), install_target: str = "install", shell: Path | None = None
) -> None:
    invoke("make", install_target, *make_arguments(shell=shell, make_flags=make_flags, parallel=False))


def _validate_outputs(*, outputs: Outputs) -> None:
    """After `install` and what packages add after it; `debug` is what `strip` makes."""
    _check_outputs({name: output for name, output in outputs.items() if name != "debug"}, "phase `install`")


def _check_outputs(outputs: Outputs, maker: str) -> None:
    for name, output in outputs.items():
        if not os.path.lexists(output):
            raise BuildSideError(f"output `{name}` was not made by {maker}: there is no `{output}`")


def _patch_shebangs(
    *, outputs: Outputs, inputs: Inputs, toolchain: Sequence[Path] = (), target: str | None = None
) -> None:
    """Installed scripts run programs of what was built and of its inputs, never of native inputs."""
    roots = [*outputs.values(), *inputs.values(), *(() if target else toolchain)]
    path = search_path_entries(roots, ("bin", "sbin"))
    for output in outputs.values():
        for name in PROGRAM_DIRECTORIES:
            if (output / name).is_dir() and not (output / name).is_symlink():
                patch_shebangs(find_files(output / name), path)


def _strip(
    *,
    outputs: Outputs,
    strip_binaries: bool = True,
    strip_flags: Sequence[str] = (),
    strip_directories: Sequence[str] = BINARY_DIRECTORIES,
    target: str | None = None,
) -> None:
    if not strip_binaries:
        print("not run: `strip_binaries` is false", flush=True)
        return
    prefix = f"{target}-" if target else ""
    debug = outputs.get("debug")
    for name, output in outputs.items():
        if name != "debug":
            count = strip_tree(output, strip_directories, flags=strip_flags, debug=debug, tool_prefix=prefix)
            print(f"stripped {count} files of {output}", flush=True)


def _shrink_runpath(*, outputs: Outputs) -> None:
    count = 0
    for output in outputs.values():
        for name in BINARY_DIRECTORIES:
            if (output / name).is_dir() and not (output / name).is_symlink():
                count += sum(shrink_runpath(file) for file in find_files(output / name) if is_elf(file))
    print(f"shortened the RUNPATH of {count} files", flush=True)


def _validate_runpath(*, outputs: Outputs, validate_runpath: bool = True) -> None:
    if not validate_runpath:
        print("not run: `validate_runpath` is false", flush=True)
        return
    roots = [output / name for output in outputs.values() for name in BINARY_DIRECTORIES]
    print(
        f"{_validate([root for root in roots if not root.is_symlink()])} files find their libraries",
        flush=True,
    )


_validate = validate_runpath


def _validate_documentation_location(*, outputs: Outputs) -> None:
    for output in outputs.values():
        for directory in move_documentation(output):
            print(f"moved to {directory}", flush=True)


def _delete_info_dir_file(*, outputs: Outputs) -> None:
    for output in outputs.values():
        delete_info_dir(output)


def _patch_dot_desktop_files(*, outputs: Outputs) -> None:
    print(f"{sum(map(patch_desktop_files, outputs.values()))} entries", flush=True)


def _install_license_files(
    *, outputs: Outputs, name: str, version: str, license_files: str = LICENSE_FILES
) -> None:
    source = Path(os.environ.get(SOURCE_VARIABLE, "."))
    output = outputs.get("doc", main_output(outputs))
    for file in install_license_files(source, output, f"{name}-{version}", pattern=license_files):
        print(f"installed {file}", flush=True)


def _reset_gzip_timestamps(*, outputs: Outputs) -> None:
    _check_outputs(outputs, "any phase")
    for output in outputs.values():
        for file in find_files(output, r"\.(gz|tgz)$"):
            reset_gzip_timestamp(file)


def _compress_documentation(*, outputs: Outputs, compress: bool = True) -> None:
    for output in outputs.values():
        print(f"compressed {compress_documentation(output) if compress else 0} pages of {output}", flush=True)


def gnu_phases() -> Phases:
    """The standard phases, as the program of a build asks for them."""
    return standard_phases


standard_phases = Phases(
    (
        ("set-source-date-epoch", _set_source_date_epoch),
        ("set-paths", _set_paths),
        ("install-locale", _install_locale),
        ("unpack", _unpack),
        ("bootstrap", _bootstrap),
        ("patch-usr-bin-file", _patch_usr_bin_file),
        ("patch-source-shebangs", _patch_source_shebangs),
        ("configure", _configure),
        ("patch-generated-file-shebangs", _patch_generated_file_shebangs),
        ("build", _build),
        ("check", _check),
        ("install", _install),
        ("validate-outputs", _validate_outputs),
        ("patch-shebangs", _patch_shebangs),
        ("strip", _strip),
        ("shrink-runpath", _shrink_runpath),
        ("validate-runpath", _validate_runpath),
        ("validate-documentation-location", _validate_documentation_location),
        ("delete-info-dir-file", _delete_info_dir_file),
        ("patch-dot-desktop-files", _patch_dot_desktop_files),
        ("install-license-files", _install_license_files),
        ("reset-gzip-timestamps", _reset_gzip_timestamps),
        ("compress-documentation", _compress_documentation),
    ),
    made_by=(gnu_phases, ()),
)
