from __future__ import annotations

import gzip
import os
import shutil
import subprocess

import pytest

from larix.buildside.profile_tree import make_profile
from projects import write

PAGES = {
    "share/man/man1/alpha.1": """\
.TH ALPHA 1
.SH "NAME"
alpha \\- say \\fBalpha\\fP, and \\(aqmore\\(aq
.SH X
alpha - y
""",
    "share/man/man3/alpha.3": """\
.TH A 3
.SH NAME
.B alpha,
.BR beta , gam\\-ma
\\- functions of
.I alpha
.SH X
""",
    "share/man/man8/daemon.8": """\
.Dd x
.Dt DAEMON 8
.Sh NAME
.Nm daemon ,
.Nm daemonctl
.Nd run in the dark
.Sh X
""",
    "share/man/man1/second.1": ".so man1/alpha.1\n",
    "share/man/man1/Big.1": ".SH NAME\nBig \\- in capitals\n.br\nsmall \\- something else\n",
    "share/man/man1/silent.1": "no macros at all\n",
    "share/man/man1/readme": "no page",
    "share/man/de/man1/alpha.1": ".SH NAME\nalpha \\- sag alpha\n",
}


@pytest.fixture
def manual(tmp_path):
    """The pages of a profile of two packages, one of them packed."""
    first = write(tmp_path / "first", PAGES)
    packed = tmp_path / "second" / "share" / "man" / "man5"
    packed.mkdir(parents=True)
    (packed / "zip.conf.5.gz").write_bytes(gzip.compress(b".SH NAME\nzip.conf - settings of zip\n" * 5000))
    make_profile(tmp_path / "profile", entries=[str(first), str(tmp_path / "second")], manifest="{}")
    return tmp_path / "profile" / "share" / "man"


def ask(manual, program, *words):
    file = shutil.which(program)
    if file is None or not shutil.which("accessdb"):
        pytest.skip(f"no `{program}` of man-db here (Debian: man-db)")
    environment = {"PATH": os.environ["PATH"], "MANPATH": str(manual), "LC_ALL": "C.UTF-8"}
    done = subprocess.run([file, *words], env=environment, capture_output=True, text=True, check=False)
    return sorted(" ".join(line.split()) for line in done.stdout.splitlines())


def test_pages_are_found_by_what_they_are_about(manual):
    assert ask(manual, "apropos", "alpha") == [
        "alpha (1) - say alpha, and 'more'",
        "alpha (3) - functions of alpha",
        "second (1) - say alpha, and 'more'",
    ]
    assert ask(manual, "apropos", "-s", "1", "functions") == []
    assert ask(manual, "apropos", "dark") == ["daemon (8) - run in the dark"]


def test_pages_are_found_by_name(manual):
    assert ask(manual, "whatis", "zip.conf") == ["zip.conf (5) - settings of zip"]
    assert ask(manual, "whatis", "Big") == ["Big (1) - in capitals"]
    assert ask(manual, "whatis", "silent") == ["silent (1) - (unknown subject)"]
    assert ask(manual, "whatis", "nothing") == []


def test_a_page_is_found_under_the_other_names_it_has(manual):
    for name in ("beta", "gam-ma"):
        assert ask(manual, "whatis", name) == ["alpha (3) - functions of alpha"]
    assert ask(manual, "whatis", "daemonctl") == ["daemon (8) - run in the dark"]
    assert ask(manual, "apropos", "something else") == ["Big (1) - in capitals"]
    assert ask(manual, "man", "-w", "beta") == [f"{manual}/man3/alpha.3"]


def test_pages_in_other_languages_stay_where_they_are(manual):
    assert os.path.exists(manual / "de" / "man1" / "alpha.1")
    assert sorted(os.listdir(manual)) == ["de", "index.db", "man1", "man3", "man5", "man8"]
