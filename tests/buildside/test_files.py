import io
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.buildside.failure import BuildSideError
from larix.buildside.file_errors import FileError, MissingFile
from larix.buildside.files import (
    BadClause,
    SubstituteError,
    copy_recursively,
    delete_recursively,
    find_files,
    install_file,
    make_writable,
    mkdir_p,
    substitute,
    with_directory,
)

GNU_USER = """\
/* Definitions for systems using GNU userspace. */
#if defined(HAVE_LD_PIE)
#define GNU_USER_TARGET_STARTFILE_SPEC "crti.o%s"
#endif
#undef  STARTFILE_SPEC
#define STARTFILE_SPEC GNU_USER_TARGET_STARTFILE_SPEC
#undef  LIB_SPEC
#define LIB_SPEC "%{pthread:-lpthread} " GNU_USER_TARGET_LIB_SPEC
#define LINK_SPEC "%{shared}"
"""


def test_figure_9_points_gcc_at_another_libc(tmp_path: Path):
    """The paper's Figure 9: two clauses, a group and the whole match, on the files a pattern finds."""
    config = tmp_path / "gcc" / "config"
    (config / "i386").mkdir(parents=True)
    for name in ("gnu-user.h", "gnu-user64.h", "i386/gnu-user64.h", "linux.h"):
        (config / name).write_text(GNU_USER)
    libc = "/larix/store/0v9h-glibc-2.36"
    substitute(
        find_files(config, r"^gnu-user(64)?\.h$"),
        (r"#define LIB_SPEC (.*)$", lambda m: f'#define LIB_SPEC "-L{libc}/lib " {m[1]}'),
        (r"#define STARTFILE_SPEC.*$", lambda m: f'#define STARTFILE_PREFIX_1 "{libc}/lib"\n{m[0]}'),
    )
    expected = GNU_USER.replace(
        '#define LIB_SPEC "%{pthread', f'#define LIB_SPEC "-L{libc}/lib " "%{{pthread'
    ).replace("#define STARTFILE_SPEC", f'#define STARTFILE_PREFIX_1 "{libc}/lib"\n#define STARTFILE_SPEC')
    for name in ("gnu-user.h", "gnu-user64.h", "i386/gnu-user64.h"):
        assert (config / name).read_text() == expected
    assert (config / "linux.h").read_text() == GNU_USER


def test_substitute_takes_groups_in_the_replacement_text(tmp_path: Path):
    file = tmp_path / "Makefile"
    file.write_text("prefix = /usr\nbindir = $(prefix)/bin\n")
    substitute(file, (r"^prefix = (.*)$", r"prefix = /store\1"))
    assert file.read_text() == "prefix = /store/usr\nbindir = $(prefix)/bin\n"


def test_substitute_applies_clauses_in_order_to_what_earlier_ones_made(tmp_path: Path):
    file = tmp_path / "f"
    file.write_text("a\n")
    substitute(file, ("a", "b"), ("b", "c"))
    assert file.read_text() == "c\n"


def test_substitute_can_delete_a_line_with_its_ending(tmp_path: Path):
    file = tmp_path / "f"
    file.write_text("keep\ndrop me\nkeep\n")
    substitute(file, (r"^drop.*\n", ""))
    assert file.read_text() == "keep\nkeep\n"


def test_clause_that_matches_nothing_names_pattern_and_file_and_can_be_allowed(tmp_path: Path):
    file = tmp_path / "hello.c"
    file.write_text("int x;\n")
    with pytest.raises(SubstituteError, match=re.escape(f"/Hello, world!/ matches nothing in `{file}`")):
        substitute(file, ("x", "y"), ("Hello, world!", "Howdy"))
    substitute(file, ("Hello, world!", "Howdy"), required=False)
    with pytest.raises(BuildSideError, match="no files"):
        substitute([], ("a", "b"))


def test_substitute_matching_in_one_of_several_files_is_enough(tmp_path: Path):
    for name in "ab":
        (tmp_path / name).write_text(f"{name}\n")
    substitute(find_files(tmp_path), ("a", "z"))
    assert [(tmp_path / name).read_text() for name in "ab"] == ["z\n", "b\n"]


def test_substitute_keeps_mode_and_follows_links_and_breaks_hard_links(tmp_path: Path):
    file = tmp_path / "real"
    file.write_text("a\n")
    file.chmod(0o555)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "twin").hardlink_to(file)
    substitute(tmp_path / "link", ("a", "b"))
    assert (tmp_path / "link").is_symlink()
    assert file.read_text() == "b\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o555
    assert (tmp_path / "twin").read_text() == "a\n"


def test_substitute_touches_the_time_unless_told_otherwise(tmp_path: Path):
    file = tmp_path / "f"
    for keep in (True, False):
        file.write_text("a\n")
        os.utime(file, (7, 7))
        substitute(file, ("a", "b"), keep_time=keep)
        assert (file.stat().st_mtime == 7) is keep


def test_unchanged_file_is_not_written(tmp_path: Path):
    file = tmp_path / "f"
    file.write_text("a\n")
    before = file.stat().st_ino
    substitute(file, ("a", "a"))
    assert file.stat().st_ino == before


@given(st.binary(max_size=200))
def test_substitute_passes_other_bytes_through(tmp_path_factory, data):
    file = tmp_path_factory.mktemp("bytes") / "f"
    file.write_bytes(data + b"\nMARK\n")
    substitute(file, ("MARK", "DONE"), required=True)
    assert file.read_bytes() == (data + b"\nMARK\n").replace(b"MARK", b"DONE")


def test_find_files_is_sorted_and_does_not_follow_links(tmp_path: Path):
    for name in ("b/x.c", "a/y.c", "a/z.h", "B.c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [str(f.relative_to(tmp_path)) for f in find_files(tmp_path, r"\.c$")] == ["B.c", "a/y.c", "b/x.c"]
    assert tmp_path / "a" in find_files(tmp_path, directories=True)
    assert find_files(tmp_path, lambda _, status: stat.S_ISLNK(status.st_mode)) == [tmp_path / "loop"]
    with pytest.raises(BuildSideError, match="not a directory"):
        find_files(tmp_path / "none")


def test_find_files_copes_with_names_that_are_no_utf8(tmp_path: Path):
    name = os.fsencode(tmp_path) + b"/\xff.c"
    os.close(os.open(name, os.O_CREAT))
    assert [os.fsencode(f) for f in find_files(tmp_path, r"\.c$")] == [name]


def test_copy_merges_keeps_links_modes_and_times(tmp_path: Path):
    source, target = tmp_path / "s", tmp_path / "t"
    (source / "d").mkdir(parents=True)
    (source / "d" / "run").write_text("x")
    (source / "d" / "run").chmod(0o555)
    (source / "d" / "link").symlink_to("/nowhere")
    os.utime(source / "d" / "run", (5, 5))
    os.utime(source / "d", (6, 6))
    (target / "d").mkdir(parents=True)
    (target / "d" / "own").write_text("own")
    copy_recursively(source, target, keep_times=True)
    assert sorted(each.name for each in (target / "d").iterdir()) == ["link", "own", "run"]
    assert stat.S_IMODE((target / "d" / "run").stat().st_mode) == 0o755
    assert os.readlink(target / "d" / "link") == "/nowhere"
    assert ((target / "d" / "run").stat().st_mtime, (target / "d").stat().st_mtime) == (5, 6)


def test_copy_leaves_out_what_is_not_selected(tmp_path: Path):
    source = tmp_path / "s"
    (source / ".git").mkdir(parents=True)
    (source / ".git" / "config").write_text("")
    (source / "a").write_text("")
    copy_recursively(source, tmp_path / "t", select=lambda file: file.name != ".git")
    assert [each.name for each in (tmp_path / "t").iterdir()] == ["a"]


def test_delete_takes_read_only_trees_and_spares_what_links_mean(tmp_path: Path):
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "kept").write_text("")
    (tmp_path / "tree" / "sub" / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "tree" / "sub").chmod(0o555)
    delete_recursively(tmp_path / "tree")
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


def test_install_file_makes_the_directory_and_can_set_the_bit(tmp_path: Path):
    (tmp_path / "tool.sh").write_text("x")
    made = install_file(tmp_path / "tool.sh", tmp_path / "o" / "bin", name="tool", executable=True)
    assert made == tmp_path / "o" / "bin" / "tool"
    assert os.access(made, os.X_OK)


def test_with_directory_returns_also_after_an_error(tmp_path: Path):
    before = os.getcwd()
    seen = []
    with pytest.raises(FileNotFoundError), with_directory(tmp_path):
        seen.append(os.getcwd()) or os.stat("none")
    assert seen == [str(tmp_path)]
    assert os.getcwd() == before


def test_make_writable_adds_only_the_owners_bit(tmp_path: Path):
    file = tmp_path / "f"
    file.write_text("")
    file.chmod(0o444)
    make_writable(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_directories_are_made_with_those_above_and_may_be_there(tmp_path: Path):
    for _ in range(2):
        assert mkdir_p(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"mkdir_p: `.*/file`: File exists"):
        mkdir_p(tmp_path / "file")


@pytest.mark.parametrize(
    "change",
    [
        lambda: substitute("src/nothere.c", ("a", "b")),
        lambda: install_file("src/nothere.c", "out"),
        lambda: copy_recursively("src/nothere.c", "out"),
        lambda: delete_recursively("src/nothere.c"),
        lambda: make_writable("src/nothere.c"),
    ],
)
def test_file_that_is_not_there_is_told_in_one_line_with_where_it_was_looked_for(
    tmp_path: Path, monkeypatch, change
):
    monkeypatch.chdir(tmp_path)
    text = rf"\w+: `src/nothere.c`, in {re.escape(str(tmp_path))}: No such file or directory"
    with pytest.raises(MissingFile, match=text) as caught:
        change()
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value, BuildSideError)
    assert (caught.value.filename, caught.value.errno) == ("src/nothere.c", 2)
    assert os.listdir() == []


def test_directory_to_work_in_is_told_but_not_what_is_done_there(tmp_path: Path):
    with pytest.raises(MissingFile, match=r"with_directory: `.*/none`"), with_directory(tmp_path / "none"):
        pass
    with pytest.raises(FileNotFoundError) as caught, with_directory(tmp_path):
        os.stat("none")
    assert not isinstance(caught.value, BuildSideError)


@pytest.mark.parametrize(
    ("clause", "cause"),
    [
        (("(", "x"), r"/\(/, for `.*/f`: no regular expression: missing \), .* at position 0"),
        (("a", r"\2"), r"/a/, for `.*/f`: '\\\\2' cannot replace it: invalid group reference 2"),
        (("a", r"\g<x>"), r"/a/, for `.*/f`: .* cannot replace it: unknown group name 'x'"),
        (("a", Path("/x")), r"/a/, for `.*/f`: .* cannot replace it"),
        ("ab", r"'ab', for `.*/f`: a clause is a pair: a pattern, and what replaces it"),
        (("a", "b", "c"), "a clause is a pair"),
        ((b"a", "b"), "/b'a'/, for"),
    ],
)
def test_clause_that_is_none_is_told_and_the_file_stays(tmp_path: Path, clause, cause):
    (tmp_path / "f").write_text("a\n")
    with pytest.raises(BadClause, match=cause):
        substitute(tmp_path / "f", ("a", "b"), clause)
    assert (tmp_path / "f").read_text() == "a\n"


def test_bad_pattern_of_names_is_told_with_the_directory(tmp_path: Path):
    with pytest.raises(
        BuildSideError, match=r"find_files: /\*/, for `.*`, is no regular expression: nothing"
    ):
        find_files(tmp_path, "*")


def test_ends_of_lines_are_what_the_documentation_says(tmp_path: Path):
    file = tmp_path / "f"
    for pattern, before, after in (
        (r"$", "abc\n", "abc;\n;"),
        (r"(?=\n)", "abc\n", "abc;\n"),
        (r"c$", "abc\n", "ab;\n"),
        (r".$", "abc\r\n", "abc;\n"),
        (r"\s", "abc\n", "abc;"),
    ):
        file.write_bytes(before.encode())
        substitute(file, (pattern, ";"))
        assert file.read_bytes() == after.encode()


@pytest.mark.parametrize("copy", [lambda: install_file("q/g", "q"), lambda: copy_recursively("q/g", "q/g")])
@pytest.mark.parametrize("link", [False, True])
def test_file_that_is_copied_to_itself_is_left(tmp_path: Path, monkeypatch, copy, link):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "real").mkdir()
    (tmp_path / "q").symlink_to("real")
    (tmp_path / "q" / ("other" if link else "g")).write_text("kept")
    if link:
        (tmp_path / "q" / "g").symlink_to("other")
    with pytest.raises(BuildSideError, match=r"\w+: `q/g` and `q/g` are the same file"):
        copy()
    assert (tmp_path / "q" / "g").read_text() == "kept"


def test_file_that_a_link_leads_to_is_not_replaced_by_itself(tmp_path: Path):
    (tmp_path / "g").write_text("kept")
    (tmp_path / "link").symlink_to("g")
    with pytest.raises(BuildSideError, match="are the same file"):
        install_file(tmp_path / "link", tmp_path, name="g")
    assert (tmp_path / "g").read_text() == "kept"


def test_link_and_second_name_of_a_file_are_replaced_by_it(tmp_path: Path):
    (tmp_path / "g").write_text("x")
    (tmp_path / "link").symlink_to("g")
    os.link(tmp_path / "g", tmp_path / "second")
    for name in ("link", "second"):
        assert install_file(tmp_path / "g", tmp_path, name=name).read_text() == "x"
        assert not (tmp_path / name).is_symlink()
        assert (tmp_path / name).stat().st_nlink == 1


def test_tree_is_not_copied_into_itself_unless_it_leaves_that_out(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "f").write_text("x")
    for target in ("q/out", "q", "q/a/b"):
        with pytest.raises(BuildSideError, match=f"`q` cannot be copied into itself, to `{target}`"):
            copy_recursively("q", target)
        assert os.listdir("q") == ["f"]
    copy_recursively("q", "q/out", select=lambda file: file.name != "out")
    copy_recursively("q/f", "q/out/deep")
    copy_recursively("q", "queue")
    assert sorted(os.listdir("q/out")) == ["deep", "f"]


def test_loop_of_links_is_told_before_anything_is_copied(tmp_path: Path):
    (tmp_path / "q" / "d").mkdir(parents=True)
    (tmp_path / "q" / "a").write_text("")
    (tmp_path / "q" / "d" / "up").symlink_to("..")
    with pytest.raises(BuildSideError, match=r"`.*/q/d/up` leads back to a directory above it"):
        copy_recursively(tmp_path / "q", tmp_path / "t", follow_links=True)
    assert not (tmp_path / "t").exists()
    copy_recursively(tmp_path / "q", tmp_path / "t")
    assert os.readlink(tmp_path / "t" / "d" / "up") == ".."


def test_pipe_is_told_before_anything_is_copied(tmp_path: Path):
    (tmp_path / "q").mkdir()
    (tmp_path / "q" / "a").write_text("")
    os.mkfifo(tmp_path / "q" / "pipe")
    with pytest.raises(BuildSideError, match=r"copy_recursively: `.*/pipe` is neither"):
        copy_recursively(tmp_path / "q", tmp_path / "t")
    assert not (tmp_path / "t").exists()
    with pytest.raises(BuildSideError, match=r"install_file: `.*/pipe` is no file"):
        install_file(tmp_path / "q" / "pipe", tmp_path / "t")


def test_install_file_says_what_copies_directories(tmp_path: Path):
    with pytest.raises(BuildSideError, match=r"install_file: `.*` is a directory: copy_recursively copies"):
        install_file(tmp_path, tmp_path / "t")
    assert os.listdir(tmp_path) == []


def test_copy_can_tell_what_it_does_and_leave_modes(tmp_path: Path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "run").write_text("x")
    (tmp_path / "s" / "run").chmod(0o700)
    log = io.StringIO()
    copy_recursively(tmp_path / "s", tmp_path / "t", log=log, keep_permissions=False)
    assert log.getvalue() == f"{tmp_path}/s/run -> {tmp_path}/t/run\n"
    (tmp_path / "new").write_text("")
    assert (tmp_path / "t" / "run").stat().st_mode == (tmp_path / "new").stat().st_mode


MOUNTED = """
import os, subprocess, sys
from larix.buildside.failure import BuildSideError
from larix.buildside.files import delete_recursively
subprocess.run(["mount", "--bind", "kept", "tree/a mount"], check=True)
for tree in ("tree", "tree/a mount"):
    try:
        delete_recursively(tree)
    except BuildSideError as error:
        print(error)
"""


def test_what_is_mounted_is_not_deleted(tmp_path: Path):
    """Of the same file system, so that devices tell nothing."""
    for name in ("kept", "tree/a mount", "tree/first"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "kept" / "file").write_text("")
    shell = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*shell, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here")
    done = subprocess.run(
        [*shell, sys.executable, "-c", MOUNTED],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    line = f"delete_recursively: something is mounted at `{tmp_path}/tree/a mount`"
    assert done.stdout.splitlines() == [line, line], done.stderr
    assert (tmp_path / "kept" / "file").exists()
    assert (tmp_path / "tree" / "first").exists()
