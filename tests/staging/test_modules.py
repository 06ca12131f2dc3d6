import importlib
import sys

import pytest

from larix.derivation import TreeContent
from larix.formats.nar import Directory, File
from larix.staging import StagingError, is_build_side, module_closure, modules_source
from larix.staging.modules import is_standard, resolve_relative


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write the modules of a build-side package `pack`."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(**texts):
        directory = tmp_path / "pack"
        directory.mkdir(exist_ok=True)
        (directory / "__init__.py").write_text("__build_side__ = True\n")
        for name, text in texts.items():
            (directory / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return directory

    yield write
    for name in [name for name in sys.modules if name.partition(".")[0] == "pack"]:
        del sys.modules[name]


def names(files):
    return {"/".join(parts) for parts in files}


def test_a_closure_holds_what_is_imported_and_the_packages_around_it():
    files = module_closure({"larix.buildside.invoke"})
    assert names(files) == {
        "larix/__init__.py",
        "larix/buildside/__init__.py",
        "larix/buildside/failure.py",
        "larix/buildside/invoke.py",
    }


def test_what_surrounds_build_side_packages_is_empty_there():
    """Else a new version of larix would build everything anew."""
    files = module_closure({"larix.buildside.failure"})
    assert files["larix", "__init__.py"] == b""
    assert files["larix", "buildside", "failure.py"].startswith(b'"""')


def test_imports_are_followed_in_all_their_forms(package):
    package(
        a="import os.path, pack.b\n",
        b="from . import c\n",
        c="from .d import x\nfrom pack import e as f, __name__\n",
        d="def g():\n    import pack.h\n",
        e="try:\n    from pack.i import y\nexcept OSError:\n    y = 1\n",
        h="",
        i="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import larix.errors, pack.unused\n",
        unused="",
    )
    assert names(module_closure({"pack.a"})) == {
        "pack/__init__.py",
        *(f"pack/{name}.py" for name in "abcdehi"),
    }


def test_modules_that_import_each_other(package):
    package(a="import pack.b\n", b="import pack.a\n")
    assert names(module_closure({"pack.b"})) == {"pack/__init__.py", "pack/a.py", "pack/b.py"}


def test_an_import_from_the_host_is_told_with_its_line(package):
    directory = package(a="import pack.b\n", b="import os\n\nfrom larix.errors import LarixError\n")
    with pytest.raises(StagingError, match=r"`pack.b` imports `larix.errors`") as caught:
        module_closure({"pack.a"})
    assert (caught.value.place.file, caught.value.place.line) == (str(directory / "b.py"), 3)
    assert "__build_side__ = True" in caught.value.hint


def test_a_module_with_a_syntax_error_is_told_with_its_line(package):
    directory = package(a="import os\nimport (\n")
    with pytest.raises(StagingError, match=r"cannot read the module `pack.a`") as caught:
        module_closure({"pack.a"})
    assert (caught.value.place.file, caught.value.place.line) == (str(directory / "a.py"), 2)


def test_which_modules_are_build_side(package):
    package(a="")
    assert is_build_side("larix.buildside")
    assert is_build_side("larix.buildside.files")
    assert is_build_side("pack.a")
    for name in (
        "larix",
        "larix.errors",
        "larix.buildside.absent",
        "os",
        "pytest",
        "pack.absent",
        "absent.x",
    ):
        assert not is_build_side(name), name
    assert is_standard("os.path")
    assert not is_standard("larix")


def test_a_marked_module_needs_no_package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "marked_alone.py").write_text("import os\n__build_side__ = True\nraise SystemExit\n")
    assert is_build_side("marked_alone")
    assert names(module_closure({"marked_alone"})) == {"marked_alone.py"}
    assert "marked_alone" not in sys.modules


def test_modules_are_interned_once_as_one_tree(lowering):
    source = modules_source(lowering, ["larix.buildside.failure"])
    assert source is modules_source(lowering, {"larix.buildside.failure"})
    assert source.name == "module-import"
    assert isinstance(source.content, TreeContent)
    tree = source.content.tree
    assert isinstance(tree, Directory)
    inner = tree.entries[b"larix"]
    assert isinstance(inner, Directory)
    assert inner.entries[b"__init__.py"] == File(b"", executable=False)
    assert set(inner.entries) == {b"__init__.py", b"buildside"}


def test_an_edited_module_is_read_again(package):
    directory = package(a="x = 1\n")
    assert module_closure({"pack.a"})["pack", "a.py"] == b"x = 1\n"
    (directory / "a.py").write_text("import pack.b\n")
    (directory / "b.py").write_text("")
    importlib.invalidate_caches()
    assert names(module_closure({"pack.a"})) == {"pack/__init__.py", "pack/a.py", "pack/b.py"}


@pytest.mark.parametrize(
    ("package", "module", "level", "resolved"),
    [
        ("a.b", "c", 0, "c"),
        ("a.b", "c", 1, "a.b.c"),
        ("a.b", "c", 2, "a.c"),
        ("a.b", "", 1, "a.b"),
        ("a.b", "", 2, "a"),
    ],
)
def test_relative_imports_are_resolved(package, module, level, resolved):
    assert resolve_relative(package, module, level) == resolved
