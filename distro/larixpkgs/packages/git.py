"""Git: without its graphical programs, translations and manual pages, which are made by tools for DocBook."""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.files import install_file
from larix.buildside.gnu import make_arguments, parallel_jobs, standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, SearchPath, licenses
from larixpkgs.packages import curl, openssl, pcre2, perl, zlib

__all__ = ["git"]

# What everybody does with a repository, a script of each kind. All of upstream's take an hour and a half of a
# processor; those for servers want Apache, OpenSSH, Subversion.
TESTS = (
    *("0000-basic", "0001-init", "0003-attributes", "0008-ignores", "0040-parse-options", "1300-config"),
    *("1400-update-ref", "3200-branch", "3400-rebase", "3600-rm", "3700-add", "3903-stash"),
    *("4100-apply-stat", "4150-am", "4202-log", "5300-pack-object", "5500-fetch-pack", "5601-clone"),
    *("7004-tag", "7500-commit-template-squash-signoff", "7600-merge", "7810-grep", "9700-perl-git"),
)


# Repositories for a group want set-group-id folders, which builds may not make; one editor is a script of
# /bin/sh.
SKIPPED = "t0001.2[01] t0001.28 t7600.66"


def make_flags(*, outputs: dict[str, Path], inputs: dict[str, Path], shell: Path) -> list[str]:
    return [
        f"prefix={outputs['out']}",
        "sysconfdir=/etc",  # settings of a machine
        f"SHELL_PATH={shell}",
        f"PERL_PATH={inputs['perl']}/bin/perl",
        "INSTALL_SYMLINKS=YesPlease",
        # It serves `git http-push` alone; the package needs CMake, which takes longer to build than this.
        "NO_EXPAT=YesPlease",
        "NO_GETTEXT=YesPlease",
        "NO_PYTHON=YesPlease",
        "NO_TCLTK=YesPlease",
        "USE_LIBPCRE=YesPlease",
    ]


def write_settings() -> None:
    """The makefile takes nothing from the environment, but what this file says."""
    Path("config.mak").write_text(f"LDFLAGS = {os.environ['LDFLAGS']}\n", encoding="utf-8")


def check(*, outputs: dict[str, Path], inputs: dict[str, Path], shell: Path) -> None:
    flags = make_flags(outputs=outputs, inputs=inputs, shell=shell)
    words = make_arguments(shell=shell, make_flags=flags, parallel=True)
    scripts = " ".join(f"t{name}.sh" for name in TESTS)
    how = ["DEFAULT_TEST_TARGET=prove", f"GIT_PROVE_OPTS=--jobs {parallel_jobs()}", "TEST_LINT="]
    invoke("make", "test", *words, *how, f"T={scripts}", environment={"GIT_SKIP_TESTS": SKIPPED})


def install_completion(*, outputs: dict[str, Path]) -> None:
    directory = outputs["out"] / "share/bash-completion/completions"
    install_file("contrib/completion/git-completion.bash", directory, name="git")


git = Package(
    name="git",
    version="2.47.3",
    source=lambda p: Origin(
        uri=(
            f"mirror://kernel.org/software/scm/git/git-{p.version}.tar.xz",
            f"debian://pool/main/g/git/git_{p.version}.orig.tar.xz",
        ),
        sha256="9c2eb1250781b3e5bfef098572d07fdf132d67e6c065e4307332ade9819a1501",
    ),
    build_system=gnu,
    arguments={
        "make_flags": make_flags,
        "phases": standard_phases.delete("configure")
        .add_before("build", write_settings)
        .replace("check", check)
        .add_after("install", install_completion),
    },
    inputs=lambda: [curl.curl, openssl.openssl, pcre2.pcre2, perl.perl, zlib.zlib],
    native_search_paths=[
        SearchPath("GIT_SSL_CAINFO", ("etc/ssl/certs/ca-certificates.crt",), separator=None, kind="regular"),
    ],
    synopsis="Keep all versions of a tree of files",
    description=(
        "Git records the states of a project and how one came from another, in a repository that is whole on "
        "every machine. It tells differences, makes branches and merges them, finds the change that broke "
        "something, and exchanges work with other repositories."
    ),
    home_page="https://git-scm.com/",
    license=(licenses.gpl2, licenses.lgpl2_1_plus),
)
