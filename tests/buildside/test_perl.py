"""The phases of perl on a module with a program, by either of its ways, by this machine's Perl."""

import shutil
import subprocess

import pytest

from larix.buildside import gnu
from larix.buildside.files import find_files
from larix.buildside.perl import perl_phases, standard_phases
from projects import build, run, write


def has_module(name: str) -> bool:
    perl = shutil.which("perl")
    if perl is None:
        return False
    command = [perl, f"-M{name}", "-e1"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


pytestmark = pytest.mark.slow
needs_perl = pytest.mark.skipif(
    not has_module("ExtUtils::MakeMaker") or not shutil.which("make"), reason="needs perl and make"
)
FILES = {
    "Makefile.PL": """use ExtUtils::MakeMaker;
WriteMakefile(NAME => 'Greet', VERSION_FROM => 'lib/Greet.pm', EXE_FILES => ['bin/greet']);
""",
    "lib/Greet.pm": """package Greet;
use strict;
our $VERSION = '1.0';
sub greeting { 'hello' }
1;
__END__

=head1 NAME

Greet - greets

=cut
""",
    "bin/greet": "#!/usr/bin/env perl\nuse Greet;\nprint Greet::greeting(), qq{\\n};\n",
    "t/greet.t": "use Test::More tests => 1; use Greet; is(Greet::greeting(), '@expected@');\n",
}
GOOD = {**FILES, "t/greet.t": FILES["t/greet.t"].replace("@expected@", "hello")}
# A build system of Perl's own kind in few lines, for machines that have no Module::Build: Build.PL keeps its
# options, and Build obeys them.
BUILD_PL = r"""use Getopt::Long;
use Data::Dumper;
my %options;
GetOptions(\%options, 'installdirs=s', 'install_path=s%', 'create_packlist=i', 'config=s%') or die;
open my $file, '>', 'Build' or die;
print $file Data::Dumper->Dump([\%options], ['options']), <<'END';
use File::Copy; use File::Path 'make_path';
my $action = shift // 'build';
if ($action eq 'test') { system($^X, '-Ilib', 't/greet.t') and die; print "All tests successful\n" }
if ($action eq 'install') {
    my $path = $options->{install_path};
    make_path($path->{lib}, $path->{script}, $path->{libdoc});
    copy('lib/Greet.pm', "$path->{lib}/Greet.pm") or die;
    copy('lib/Greet.pm', "$path->{libdoc}/Greet.3pm") or die;
    copy('bin/greet', "$path->{script}/greet") or die;
    chmod 0755, "$path->{script}/greet";
    open my $list, '>', "$path->{lib}/.packlist" or die;
}
END
"""


def check_installed(built) -> None:
    assert built.succeeded, built.log
    modules = built.out / "lib" / "perl5" / "site_perl"
    assert (modules / "Greet.pm").is_file()
    assert run(built.out / "bin" / "greet", PERL5LIB=str(modules)) == "hello\n"
    assert (built.out / "share" / "man" / "man3" / "Greet.3pm.gz").is_file() or find_files(
        built.out / "share" / "man" / "man3"
    )
    assert not find_files(built.out, r"packlist|perllocal"), "they tell when something was installed"


@needs_perl
def test_makefile_pl_is_run_tested_and_installed(tmp_path):
    built = build("perl", write(tmp_path / "greet", GOOD), tmp_path / "work")
    check_installed(built)
    assert "All tests successful" in built.log


@needs_perl
def test_build_pl_is_run_where_there_is_no_other(tmp_path):
    files = {name: text for name, text in GOOD.items() if name != "Makefile.PL"} | {"Build.PL": BUILD_PL}
    built = build("perl", write(tmp_path / "greet", files), tmp_path / "work")
    check_installed(built)
    assert "All tests successful" in built.log


@needs_perl
def test_build_pl_is_preferred_when_asked_for(tmp_path):
    source = write(tmp_path / "greet", {**GOOD, "Build.PL": BUILD_PL})
    built = build("perl", source, tmp_path / "work", prefer_makefile=False)
    check_installed(built)
    assert built.commands()[0].startswith("perl Build.PL")


@needs_perl
def test_failing_test_fails_the_build(tmp_path):
    files = {**FILES, "t/greet.t": FILES["t/greet.t"].replace("@expected@", "goodbye")}
    built = build("perl", write(tmp_path / "greet", files), tmp_path / "work")
    assert not built.succeeded
    assert built.phases()[-1] == "check"


@needs_perl
@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc")
def test_extension_modules_are_linked_with_the_flags_of_the_build(tmp_path):
    """Their makefiles do not read LDFLAGS, where the directories of libraries are."""
    files = {
        **GOOD,
        "Greet.xs": '#include "EXTERN.h"\n#include "perl.h"\n#include "XSUB.h"\n'
        "MODULE = Greet PACKAGE = Greet\n\nint\nanswer()\n  CODE:\n    RETVAL = 42;\n  OUTPUT:\n    RETVAL\n",
        "lib/Greet.pm": GOOD["lib/Greet.pm"].replace(
            "use strict;", "use strict; require XSLoader; XSLoader::load('Greet', '1.0');"
        ),
    }
    built = build("perl", write(tmp_path / "greet", files), tmp_path / "work")
    check_installed(built)
    (link,) = [line for line in built.log.splitlines() if "-shared" in line and "Greet.so" in line]
    assert f"-rpath,{built.out}/lib" in link
    modules = built.out / "lib" / "perl5" / "site_perl"
    assert run("perl", "-MGreet", "-e", "print Greet::answer()", PERL5LIB=str(modules)) == "42"


def test_source_without_either_script_is_told(tmp_path):
    built = build("perl", write(tmp_path / "greet", {"README": "nothing"}), tmp_path / "work")
    assert not built.succeeded
    assert built.error.startswith("error: neither Makefile.PL nor Build.PL is in ")


def test_phases_are_those_of_gnu_without_bootstrap():
    assert perl_phases() == standard_phases
    assert standard_phases.names == gnu.standard_phases.delete("bootstrap").names
