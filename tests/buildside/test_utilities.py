"""The table of build-side utilities names what is there, and all that is there."""

import importlib
import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "builder-utilities.md"
ROWS = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) ?\|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)

# The utilities that packagers of the field know, by the names that they have there.
EXPORTS = """
%store-directory %store-hash-string-length store-file-name? strip-store-file-name
package-name->name+version parallel-job-count compressor tarball? %xz-parallel-args
directory-exists? executable-file? symbolic-link? file-header-match png-file? elf-file? ar-file?
gzip-file? switch-symlinks call-with-temporary-output-file call-with-ascii-input-file
reset-gzip-timestamp with-directory-excursion mkdir-p install-file make-file-writable
copy-recursively delete-file-recursively set-file-time dump-port with-atomic-file-replacement
file-name-predicate find-files false-if-file-not-found search-path-as-list
search-path-as-string->list list->search-path-as-string set-path-environment-variable which
search-input-file search-input-directory search-error? search-error-path search-error-file every*
define-constant alist-cons-before alist-cons-after alist-replace modify-phases alist-delete
substitute substitute* fold-port-matches remove-store-references patch-shebang patch-makefile-SHELL
patch-/usr/bin/file invoke invoke/quiet invoke-error? invoke-error-program invoke-error-arguments
invoke-error-exit-status invoke-error-term-signal invoke-error-stop-signal report-invoke-error
wrapped-program? wrap-program wrap-script wrap-error? wrap-error-program wrap-error-type
make-desktop-entry-file locale-category->string
""".split()  # noqa: SIM905


def offered(cell: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", cell.partition(", with ")[0])


@pytest.mark.parametrize(("module", "names"), [(module, names) for module, names, _ in ROWS])
def test_what_the_table_names_is_there(module, names):
    found = importlib.import_module(f"larix.buildside.{module}")
    for name in offered(names):
        top, _, attribute = name.partition(".")
        assert top in found.__all__
        assert not attribute or callable(getattr(getattr(found, top), attribute))


def test_fields_of_errors_are_there():
    from larix.buildside.invoke import InvokeError
    from larix.buildside.search import SearchError
    from larix.buildside.wrap_script import WrapError

    assert InvokeError(["x"], 3, "failed").arguments == ("x",)
    assert (SearchError("f", ["/d"]).file, SearchError("f", ["/d"]).path) == ("f", ("/d",))
    assert (WrapError("p", "k", "c").program, WrapError("p", "k", "c").kind) == ("p", "k")


@pytest.mark.parametrize(
    "module",
    [
        "desktop_entry",
        "files",
        "kinds",
        "locale_names",
        "makefiles",
        "mappings",
        "names",
        "reference_removal",
        "replacement",
        "reports",
        "search",
        "texts",
        "wrap_program",
    ],
)
def test_table_leaves_nothing_of_these_modules_out(module):
    found = importlib.import_module(f"larix.buildside.{module}")
    listed = {name.partition(".")[0] for each, names, _ in ROWS if each == module for name in offered(names)}
    unlisted = {"BadClause", "SubstituteError", "Setting", "WrapError", "search_directories"}
    assert set(found.__all__) - unlisted == listed


def test_every_utility_of_the_field_has_a_place():
    text = DOCUMENT.read_text(encoding="utf-8")
    named = set(re.findall(r"`([^`]+)`", text))
    assert [name for name in EXPORTS if name not in named] == []
