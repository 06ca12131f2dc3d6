import os

import pytest

from larix.buildside.environment import set_path_environment
from larix.buildside.failure import BuildSideError
from larix.buildside.files import find_files
from larix.buildside.search import (
    SearchError,
    file_name_matches,
    join_search_path,
    none_if_not_found,
    search_directories,
    search_input_directory,
    search_input_file,
    search_path_directories,
    split_search_path,
)


@pytest.fixture
def inputs(tmp_path):
    for name in ("first/lib", "second/lib", "second/include/deep"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("first/lib/a.so", "second/lib/a.so", "second/lib/b.so"):
        (tmp_path / name).write_text("")
    return {"first": tmp_path / "first", "second": tmp_path / "second"}


def test_first_input_that_has_the_file_gives_it(inputs):
    assert search_input_file(inputs, "lib/a.so") == inputs["first"] / "lib" / "a.so"
    assert search_input_file(inputs, "/lib/b.so") == inputs["second"] / "lib" / "b.so"
    assert search_input_file(list(inputs.values())[::-1], "lib/a.so") == inputs["second"] / "lib" / "a.so"


def test_file_is_no_directory_and_the_other_way_round(inputs):
    assert search_input_directory(inputs, "include/deep") == inputs["second"] / "include" / "deep"
    with pytest.raises(SearchError, match="file `include/deep` is in none of these"):
        search_input_file(inputs, "include/deep")
    with pytest.raises(SearchError, match=r"directory `lib/a.so` is in none of these"):
        search_input_directory(inputs, "lib/a.so")


def test_error_names_what_was_looked_for_and_where(inputs):
    with pytest.raises(SearchError) as caught:
        search_input_file(inputs, "lib/c.so")
    assert caught.value.file == "lib/c.so"
    assert caught.value.path == tuple(str(each) for each in inputs.values())
    assert str(inputs["second"]) in str(caught.value)
    with pytest.raises(SearchError, match="no inputs"):
        search_input_file({}, "lib/c.so")


def test_directories_are_searched_in_their_order(inputs):
    path = [inputs["first"] / "lib", inputs["second"] / "lib"]
    assert search_directories(path, "b.so") == inputs["second"] / "lib" / "b.so"


def test_existing_directories_make_a_search_path(inputs):
    assert search_path_directories(["lib", "include"], inputs) == [
        inputs["first"] / "lib",
        inputs["second"] / "lib",
        inputs["second"] / "include",
    ]


@pytest.mark.parametrize(
    ("text", "directories"), [("/a:/b", ["/a", "/b"]), (":/a::", ["/a"]), ("", []), (None, [])]
)
def test_search_paths_are_split(text, directories):
    assert split_search_path(text) == directories


def test_search_paths_are_joined():
    assert join_search_path(["/a", "/b"]) == "/a:/b"
    assert join_search_path(["/a:b"], ";") == "/a:b"
    with pytest.raises(BuildSideError, match="`/a:b` cannot stand in a search path"):
        join_search_path(["/a:b", "/c"])


def test_one_name_alone_is_not_a_list_of_letters(inputs, monkeypatch):
    root = inputs["first"]
    assert join_search_path("/abc") == "/abc"
    assert search_input_file(str(root), "lib/a.so") == root / "lib" / "a.so"
    assert search_directories(root / "lib", "a.so") == root / "lib" / "a.so"
    assert search_path_directories("lib", root) == [root / "lib"]
    monkeypatch.setenv("GREET_PATH", "/old")
    set_path_environment("GREET_PATH", "lib", [root])
    assert os.environ["GREET_PATH"] == f"{root}/lib"


def test_predicate_of_a_bad_pattern_names_it():
    with pytest.raises(BuildSideError, match=r"file_name_matches: /\(/ is no regular expression: missing"):
        file_name_matches("(")


def test_predicate_looks_at_base_names(inputs):
    found = find_files(inputs["second"], file_name_matches(r"^b\."))
    assert found == [inputs["second"] / "lib" / "b.so"]


def test_missing_file_gives_none(tmp_path):
    assert none_if_not_found((tmp_path / "missing").read_text) is None
    (tmp_path / "there").write_text("text")
    assert none_if_not_found((tmp_path / "there").read_text) == "text"
