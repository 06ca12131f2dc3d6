"""`larix.buildside.libtool_cxx`: C++ libraries by Libtool with the seed's compiler."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from larix.buildside.files import SubstituteError
from larix.buildside.gnu import standard_phases
from larix.buildside.libtool_cxx import link_cxx_by_compiler, name_cxx_compiler, with_libtool_for_cxx

SCRIPT = r"""#! /bin/sh
# ### BEGIN LIBTOOL TAG CONFIG: CXX
archive_cmds="\$CC \$pic_flag -shared -nostdlib \$predep_objects \$libobjs \$postdep_objects -o \$lib"
predep_objects="/lib/crti.o /lib/crtbeginS.o"
postdep_objects="/lib/crtendS.o"
postdeps="-lstdc++ -lm -lc -lgcc_s"
# ### END LIBTOOL TAG CONFIG: CXX
"""


def test_the_compiler_adds_objects_and_libraries_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script = tmp_path / "deep" / "libtool"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    link_cxx_by_compiler()
    assert script.read_text().splitlines()[2:6] == [
        r'archive_cmds="\$CC \$pic_flag -shared \$libobjs -o \$lib"',
        'predep_objects=""',
        'postdep_objects=""',
        'postdeps=""',
    ]


def test_a_build_without_libtool_for_cxx_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "libtool").write_text("#! /bin/sh\n")
    with pytest.raises(SubstituteError, match=r"matches nothing in `.*libtool`"):
        link_cxx_by_compiler()


def test_configure_is_told_another_name_of_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "g++")
    name_cxx_compiler()
    assert os.environ["CXX"] == "c++"


def test_both_phases_stand_where_they_must() -> None:
    names = with_libtool_for_cxx(standard_phases).names
    assert names[names.index("configure") - 1] == "name-cxx-compiler"
    assert names[names.index("build") - 1] == "link-cxx-by-compiler"
