"""What speaks to a PostgreSQL server: libpq and the programs of its users. The server is left out."""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.files import delete_recursively, install_file, mkdir_p
from larix.buildside.gnu import make_arguments, standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses
from larixpkgs.packages import openssl, perl, readline, zlib

__all__ = ["postgresql_client"]

PARTS = (
    "src/interfaces/libpq",
    *(f"src/bin/{name}" for name in ("pg_config", "psql", "pg_dump", "scripts", "pgbench")),
)
# Those of these parts that start no server.
TESTS = (
    "src/interfaces/libpq/t/001_uri.pl",
    "src/bin/pg_config/t/001_pg_config.pl",
    "src/bin/pg_dump/t/001_basic.pl",
)

# What they use of the module IPC::Run: run a command to its end, its output into files or variables.
IPC_RUN = r"""
package IPC::Run;
use strict;
our $VERSION = '1';

sub run {
    my ($command, %places) = @_;
    my %names = %places;
    $names{'>'} = "ipc-run-$$-out" if ref $names{'>'};
    $names{'2>'} = "ipc-run-$$-err" if ref $names{'2>'};
    my $child = fork // die "fork: $!";
    if (!$child) {
        open STDOUT, '>', $names{'>'} or die $! if $names{'>'};
        open STDERR, '>', $names{'2>'} or die $! if $names{'2>'};
        exec { $command->[0] } @$command or die "$command->[0]: $!";
    }
    waitpid $child, 0;
    my $good = $? == 0;
    for my $place (grep { ref $places{$_} } keys %places) {
        open my $file, '<', $names{$place} or die $!;
        local $/;
        ${ $places{$place} } = <$file> // '';
    }
    return $good;
}

sub start { die 'nothing runs beside a test' }
1;
"""


def build(*, shell: Path) -> None:
    words = make_arguments(shell=shell, make_flags=[], parallel=True)
    for part in PARTS:
        invoke("make", "-C", part, *words)


def check(*, outputs: dict[str, Path], shell: Path) -> None:
    """They ask the installed programs where things are installed."""
    words = make_arguments(shell=shell, make_flags=[], parallel=True)
    invoke("make", "-C", "src/interfaces/libpq/test", "libpq_uri_regress", *words)
    (mkdir_p("tests/IPC") / "Run.pm").write_text(IPC_RUN)
    here = os.getcwd()
    environment = {
        "PATH": f"{outputs['out']}/bin:{here}/src/interfaces/libpq/test:{os.environ['PATH']}",
        "PERL5LIB": f"{here}/tests:{here}/src/test/perl",
        "TESTDIR": f"{here}/tests",
    }
    invoke("prove", *(f"{here}/{test}" for test in TESTS), directory="tests", environment=environment)


def install(*, outputs: dict[str, Path], shell: Path) -> None:
    """Headers that only extensions of the server use, and static libraries, are not kept."""
    words = make_arguments(shell=shell, make_flags=[], parallel=False)
    for part in ("src/include", *PARTS):
        invoke("make", "-C", part, "install", *words)
    out = outputs["out"]
    delete_recursively(out / "include/server")
    for file in (out / "lib").glob("*.a"):
        file.unlink()
    for program in (out / "bin").iterdir():
        install_file(f"doc/src/sgml/man1/{program.name}.1", out / "share/man/man1")


postgresql_client = Package(
    name="postgresql-client",
    version="15.18",
    source=lambda p: Origin(
        uri=(
            f"https://ftp.postgresql.org/pub/source/v{p.version}/postgresql-{p.version}.tar.bz2",
            f"debian://pool/main/p/postgresql-15/postgresql-15_{p.version}.orig.tar.bz2",
        ),
        sha256="11df0df97fe3ea4ba9a791faaf39cee1d2fe571e78885b5b55d8517d27c323b4",
    ),
    build_system=gnu,
    arguments={
        "configure_flags": ["--with-openssl"],
        "phases": standard_phases.replace("build", build)
        .delete("check")
        .replace("install", install)
        .add_after("install", check),
    },
    native_inputs=lambda: [perl.perl],
    inputs=lambda: [openssl.openssl, readline.readline, zlib.zlib],
    synopsis="Speak to PostgreSQL databases",
    description=(
        "The client's side of PostgreSQL, a relational database: the library libpq for programs, `psql` for "
        "people, `pg_dump` and `pg_restore` to take data out of a server and put it back, and commands that "
        "make, remove and measure databases. The server is elsewhere."
    ),
    home_page="https://www.postgresql.org/",
    license=licenses.postgresql,
)
