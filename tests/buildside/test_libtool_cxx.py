"""`larix.buildside.libtool_cxx`: C++ libraries by Libtool with the seed's compiler."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from larix.buildside.failure import BuildSideError
from larix.buildside.libtool_cxx import prepare_libtool_for_cxx


def toolchain(root: Path) -> Path:
    directory = root / "lib" / "x86_64-linux-gnu"
    directory.mkdir(parents=True)
    (directory / "libstdc++.so.6").touch()
    return root


def test_the_directory_of_the_runtime_library_is_named_after_the_flags_that_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LDFLAGS", "-Wl,-rpath,/out/lib")
    monkeypatch.setenv("CXX", "g++")
    seed = toolchain(tmp_path / "seed")
    prepare_libtool_for_cxx(toolchain=[tmp_path / "shell", seed])
    assert os.environ["CXX"] == "c++"
    assert os.environ["LDFLAGS"] == f"-Wl,-rpath,/out/lib -Wl,-rpath,{seed}/lib/x86_64-linux-gnu"


def test_a_toolchain_without_c_plus_plus_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LDFLAGS", raising=False)
    with pytest.raises(BuildSideError, match=r"no `libstdc\+\+\.so\.6` in the toolchain"):
        prepare_libtool_for_cxx(toolchain=[tmp_path])
    assert "LDFLAGS" not in os.environ
