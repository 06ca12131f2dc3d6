"""The phases that build Perl modules: by Makefile.PL and make, or by Build.PL and the Build that it writes.

They are those of `gnu`, without `bootstrap`, and with the arguments that the functions here name. Modules go
to lib/perl5/site_perl, where PERL5LIB of our Perl looks for them, programs to bin.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from larix.buildside import gnu
from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files
from larix.buildside.gnu import main_output, make_arguments, parallel_jobs
from larix.buildside.invoke import capture, invoke
from larix.buildside.phases import Phases

__all__ = ["perl_phases", "standard_phases"]

Outputs = Mapping[str, Path]
SITE = "lib/perl5/site_perl"


def _uses_build_script() -> bool:
    """Whether the configure phase ran Build.PL."""
    return os.path.exists("Build") and not os.path.exists("Makefile")


def _configure(
    *,
    outputs: Outputs,
    configure_flags: Sequence[str] = (),
    prefer_makefile: bool = True,
) -> None:
    """Of Makefile.PL and Build.PL, one; questions are answered by their defaults, nothing is fetched."""
    os.environ["PERL_MM_USE_DEFAULT"] = "1"
    os.environ["PERL_AUTOINSTALL"] = "--skipdeps"
    order = ("Makefile.PL", "Build.PL") if prefer_makefile else ("Build.PL", "Makefile.PL")
    script = next(filter(os.path.exists, order), None)
    if script is None:
        raise BuildSideError(f"neither Makefile.PL nor Build.PL is in {os.getcwd()}")
    flags = _makefile_flags(outputs) if script == "Makefile.PL" else _build_flags(outputs)
    invoke("perl", script, *flags, *configure_flags)


def _places(outputs: Outputs) -> tuple[str, str, str]:
    """Where modules, programs and manual pages go."""
    prefix = main_output(outputs)
    programs = outputs.get("bin", prefix)
    return f"{prefix}/{SITE}", f"{programs}/bin", f"{outputs.get('doc', prefix)}/share/man"


def _makefile_flags(outputs: Outputs) -> list[str]:
    modules, programs, manuals = _places(outputs)
    return [
        f"PREFIX={main_output(outputs)}",
        "INSTALLDIRS=site",
        f"INSTALLSITELIB={modules}",
        f"INSTALLSITEARCH={modules}",
        f"INSTALLSITEBIN={programs}",
        f"INSTALLSITESCRIPT={programs}",
        f"INSTALLSITEMAN1DIR={manuals}/man1",
        f"INSTALLSITEMAN3DIR={manuals}/man3",
        # Lists of what was installed, with the time of it.
        "NO_PERLLOCAL=1",
        "NO_PACKLIST=1",
    ]


def _build_flags(outputs: Outputs) -> list[str]:
    modules, programs, manuals = _places(outputs)
    places = {
        "lib": modules,
        "arch": modules,
        "bin": programs,
        "script": programs,
        "bindoc": f"{manuals}/man1",
        "libdoc": f"{manuals}/man3",
    }
    words = [word for name, place in places.items() for word in ("--install_path", f"{name}={place}")]
    return ["--installdirs", "site", "--create_packlist", "0", *words, *_linker_words()]


def _linker_words() -> list[str]:
    """Extension modules are linked with what Perl was configured with; LDFLAGS has to be added to it."""
    flags = os.environ.get("LDFLAGS")
    if not flags:
        return []
    own = capture("perl", "-MConfig", "-e", "print $Config{lddlflags}")
    return ["--config", f"lddlflags={own} {flags}"]


def _make_words(*, shell: Path | None, make_flags: Sequence[str], parallel: bool) -> list[str]:
    """Extension modules are linked with what LDFLAGS says, which their makefiles do not read."""
    flags = os.environ.get("LDFLAGS")
    linking = [f"OTHERLDFLAGS={flags}"] if flags else []
    return [*make_arguments(shell=shell, make_flags=make_flags, parallel=parallel), *linking]


def _build(*, make_flags: Sequence[str] = (), parallel_build: bool = True, shell: Path | None = None) -> None:
    if _uses_build_script():
        invoke("perl", "Build", *make_flags)
    else:
        invoke("make", *_make_words(shell=shell, make_flags=make_flags, parallel=parallel_build))


def _check(
    *,
    tests: bool = True,
    test_flags: Sequence[str] = (),
    make_flags: Sequence[str] = (),
    parallel_tests: bool = True,
    shell: Path | None = None,
    target: str | None = None,
) -> None:
    if not tests or target:
        print("not run: " + ("`tests` is false" if not tests else f"for {target}"), flush=True)
        return
    if parallel_tests:
        os.environ["HARNESS_OPTIONS"] = f"j{parallel_jobs()}"
    if _uses_build_script():
        invoke("perl", "Build", "test", *test_flags)
    else:
        words = _make_words(shell=shell, make_flags=make_flags, parallel=False)
        invoke("make", "test", *words, *test_flags)


def _install(*, outputs: Outputs, make_flags: Sequence[str] = (), shell: Path | None = None) -> None:
    if _uses_build_script():
        invoke("perl", "Build", "install")
    else:
        invoke("make", "install", *_make_words(shell=shell, make_flags=make_flags, parallel=False))
    for output in outputs.values():
        library = output / "lib"
        for file in find_files(library, r"^(\.packlist|perllocal\.pod)$") if library.is_dir() else []:
            file.unlink()


def perl_phases() -> Phases:
    """The standard phases, as the program of a build asks for them."""
    return standard_phases


standard_phases = Phases(
    gnu.standard_phases.delete("bootstrap")
    .replace("configure", _configure)
    .replace("build", _build)
    .replace("check", _check)
    .replace("install", _install)
    .pairs,
    made_by=(perl_phases, ()),
)
