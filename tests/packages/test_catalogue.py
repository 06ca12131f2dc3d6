import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.packages.catalogue import Catalogue, NoSuchFolder, UnknownPackage
from larix.packages.distributions import BadDistribution, find_distributions
from larix.packages.modules import BrokenModule, packages_of_file
from larix.packages.specification import BadSpecification, Specification, parse_specification
from larix.packages.toolchain import UnknownToolchain, toolchain
from larix.packages.versions import compare_versions, version_key, version_matches

PACKAGE = """
from larix.buildsystems.trivial import trivial
from larix.packages import Package, licenses

def make(output):
    output.write_text("x")

{name} = Package(
    name="{name}", version="{version}", source=None, build_system=trivial, arguments={{"builder": make}},
    synopsis="Synopsis of {name}", description="Text.", home_page=None, license=licenses.expat, {more}
)
"""


def write(
    folder: Path, module: str, name: str, version: str = "1.0", more: str = "", before: str = ""
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{module}.py"
    file.write_text(before + PACKAGE.format(name=name, version=version, more=more))
    return file


@pytest.fixture(autouse=True)
def clean_imports(monkeypatch):
    """Modules and import path as they were; no distribution but what a test makes."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [each for each in sys.path if not each.endswith("distro")])
    yield
    for name in set(sys.modules) - before:
        if not name.startswith("larix"):
            del sys.modules[name]


def open_catalogue(*folders: Path, cache: Path | None = None):
    warnings = []
    directories = [str(each) for each in folders]
    made = Catalogue(directories, cache_directory=str(cache) if cache else None, warn=warnings.append)
    return made, warnings


def test_packages_of_a_folder_are_found_with_what_is_known_of_them(tmp_path: Path):
    write(tmp_path, "cat_one", "cat_one", more="inputs=[cat_two]", before="from cat_two import cat_two\n")
    write(tmp_path, "cat_two", "cat_two", "2.5")
    catalogue, warnings = open_catalogue(tmp_path)
    assert warnings == []
    one, two = catalogue.entries
    assert (one.name, one.version, one.dependencies, one.licenses) == (
        "cat_one",
        "1.0",
        ("cat_two@2.5",),
        ("Expat",),
    )
    assert (two.module, two.variable, two.location.file) == (
        "cat_two",
        "cat_two",
        str(tmp_path / "cat_two.py"),
    )
    assert catalogue.find("cat_two@2").package.version == "2.5"


def test_newest_version_is_chosen_and_a_prefix_ends_at_a_boundary(tmp_path: Path):
    for number, version in enumerate(("3.1", "3.11", "3.9", "3.1.4")):
        write(tmp_path, f"py{number}", "python", version)
    catalogue, _ = open_catalogue(tmp_path)
    assert catalogue.select("python").version == "3.11"
    assert catalogue.select("python@3.1").version == "3.1.4"
    assert catalogue.select("python@3.9").version == "3.9"
    with pytest.raises(UnknownPackage, match=r"python@4: unknown package") as caught:
        catalogue.select("python@4")
    assert caught.value.hint == "there is 3.11, 3.9, 3.1.4, 3.1"


def test_unknown_package_comes_with_the_name_meant(tmp_path: Path):
    write(tmp_path, "spam", "spam")
    catalogue, _ = open_catalogue(tmp_path)
    with pytest.raises(UnknownPackage, match=r"^spm: unknown package$") as caught:
        catalogue.find("spm")
    assert caught.value.hint == "Did you mean `spam'?"
    with pytest.raises(UnknownPackage, match=r"`spam@1.0` lacks output `doc`"):
        catalogue.find("spam:doc")


def test_first_folder_wins_among_equals_and_the_other_is_told(tmp_path: Path):
    write(tmp_path / "a", "in_a", "same")
    write(tmp_path / "b", "in_b", "same")
    catalogue, warnings = open_catalogue(tmp_path / "b", tmp_path / "a")
    assert catalogue.select("same").module == "in_b"
    assert "ambiguous package specification `same`" in str(warnings[0])
    assert str(tmp_path / "a" / "in_a.py") in (warnings[0].hint or "")


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("def f(:\n", "syntax error", 1),
        ("x = 1\nimport no_such_module_anywhere\n", "no module is named `no_such_module_anywhere`", 2),
        ("x = 1\n\nprint(undefined_name)\n", "unknown name `undefined_name`", 3),
        ("def f():\n    return {}['k']\nf()\n", "no key 'k'", 2),
        ("import sys\nsys.exit('bye')\n", "SystemExit: bye", 2),
        ("from larix.packages import Package\nPackage(nmae='x')\n", "package has no field `nmae`", 2),
        (
            "from larix.buildside.gnu import standard_phases\nstandard_phases.delete('chek')\n",
            "no phase is named `chek`; did you mean `check`?",
            2,
        ),
    ],
)
def test_broken_module_is_a_warning_with_its_place_and_the_rest_works(tmp_path: Path, text, words, line):
    (tmp_path / "broken_one.py").write_text(text)
    write(tmp_path, "good_one", "good")
    catalogue, warnings = open_catalogue(tmp_path)
    assert [each.name for each in catalogue.entries] == ["good"]
    (warning,) = warnings
    assert words in warning.message
    assert "failed to load `broken_one`" in warning.message
    assert (warning.place.file, warning.place.line) == (str(tmp_path / "broken_one.py"), line)


def test_name_that_a_module_lacks_comes_with_the_one_meant(tmp_path: Path):
    (tmp_path / "misspelt.py").write_text("from larix.packages import Packag\n")
    catalogue, warnings = open_catalogue(tmp_path)
    assert catalogue.entries == ()
    assert "cannot import name 'Packag' from 'larix.packages'" in warnings[0].message
    assert warnings[0].hint == "Did you mean `Package'?"


def test_modules_that_import_from_each_other_are_told_what_to_do(tmp_path: Path):
    (tmp_path / "ring_a.py").write_text("from ring_b import b\na = 1\n")
    (tmp_path / "ring_b.py").write_text("from ring_a import a\nb = 1\n")
    catalogue, warnings = open_catalogue(tmp_path)
    assert catalogue.entries == ()
    assert "cannot import name 'a' from partially initialized module 'ring_a'" in warnings[0].message
    assert "name what it has in a function" in (warnings[0].hint or "")
    assert warnings[0].place.file == str(tmp_path / "ring_b.py")


def test_late_field_that_fails_is_told_and_the_package_stays_listed(tmp_path: Path):
    write(tmp_path, "bad_field", "bad", more="inputs=lambda: [nothing]")
    write(tmp_path, "fine_field", "fine")
    catalogue, warnings = open_catalogue(tmp_path)
    assert [each.name for each in catalogue.entries] == ["bad", "fine"]
    assert "field `inputs` of package `bad`: unknown name `nothing`" in warnings[0].message
    assert warnings[0].place.file == str(tmp_path / "bad_field.py")


def test_package_whose_name_fails_is_told_and_left_out(tmp_path: Path):
    write(tmp_path, "bad_name", "bad").write_text(
        (tmp_path / "bad_name.py").read_text().replace('version="1.0"', "version=lambda: 1 / 0")
    )
    write(tmp_path, "fine_name", "fine")
    catalogue, warnings = open_catalogue(tmp_path)
    assert [each.name for each in catalogue.entries] == ["fine"]
    assert "field `version` of package `bad`: ZeroDivisionError" in warnings[0].message


@pytest.mark.parametrize(
    ("more", "words", "hint"),
    [
        (
            "native_inputs=lambda: [('fine:dco', fine.output('dco'))]",
            "package `fine@1.0` lacks output `dco`",
            "it has: out",
        ),
        ("inputs=lambda: ['fine']", "the string 'fine'; name the package itself", None),
        (
            "superseded_by=lambda: 'fine'",
            "field `superseded_by` of package `bad`: expected a package, or None",
            None,
        ),
        ("source_=None", "package has no field `source_`", "Did you mean `source'?"),
        ("outputs=lambda: 'out'", "expected a list of output names", None),
    ],
)
def test_mistakes_in_late_fields_are_told_when_the_catalogue_is_read(tmp_path: Path, more, words, hint):
    write(tmp_path, "bad_late", "bad", more=more, before="from fine_late import fine\n")
    write(tmp_path, "fine_late", "fine")
    catalogue, warnings = open_catalogue(tmp_path)
    assert "fine" in [each.name for each in catalogue.entries]
    (warning,) = warnings
    assert words in warning.message
    assert warning.hint == hint
    assert (warning.place.file, warning.place.line) == (str(tmp_path / "bad_late.py"), 9)


@pytest.mark.parametrize(
    ("digest", "words"),
    [
        ("31e06613", "expected 64 characters of base16, 52 of nix-base32"),
        ("z" * 64, "expected hexadecimal digits, found 'zzz"),
        ("e" * 52, "found 'e' in 'eee"),
    ],
)
def test_bad_hash_in_a_late_source_is_told_when_the_catalogue_is_read(tmp_path: Path, digest, words):
    file = write(tmp_path, "bad_hash", "bad")
    file.write_text(
        file.read_text()
        .replace(
            "source=None", f"source=lambda: Origin(uri='https://example.org/x-1.tar', sha256='{digest}')"
        )
        .replace("import Package", "import Origin, Package")
    )
    catalogue, warnings = open_catalogue(tmp_path)
    assert catalogue.names() == ["bad"]
    (warning,) = warnings
    assert "field `sha256` of an origin: " in warning.message
    assert words in warning.message
    assert str(warning.place).startswith(f"{tmp_path / 'bad_hash.py'}:9:")


def test_patch_that_is_not_there_is_told_when_the_catalogue_is_read(tmp_path: Path):
    file = write(tmp_path, "bad_patch", "bad")
    origin = "Origin(uri='https://example.org/x-1.tar', sha256='0' * 64, patches=['no.patch'])"
    text = file.read_text().replace("source=None", f"source=lambda: {origin}")
    file.write_text(text.replace("import Package", "import Origin, Package"))
    catalogue, warnings = open_catalogue(tmp_path)
    assert catalogue.names() == ["bad"]
    assert warnings[0].message == "patch `no.patch` does not exist"
    assert str(tmp_path) in (warnings[0].hint or "")


def test_packages_that_need_each_other_are_told_with_the_way_round(tmp_path: Path):
    for one, other in (("round_a", "round_b"), ("round_b", "round_c"), ("round_c", "round_a")):
        text = f"def needed():\n    from {other} import {other}\n    return [{other}]\n"
        write(tmp_path, one, one, more="inputs=needed", before=text)
    write(tmp_path, "round_d", "round_d", more="inputs=lambda: [round_a]", before="from round_a import *\n")
    catalogue, warnings = open_catalogue(tmp_path)
    assert len(catalogue.entries) == 4
    (warning,) = warnings
    assert "round_a@1.0 → round_b@1.0 → round_c@1.0 → round_a@1.0" in warning.message
    assert warning.place.file == str(tmp_path / "round_a.py")


def test_module_hidden_by_another_of_its_name_is_told(tmp_path: Path):
    write(tmp_path, "json", "json")
    catalogue, warnings = open_catalogue(tmp_path)
    assert catalogue.entries == ()
    assert "another module has this name" in warnings[0].message


def test_private_names_and_modules_are_left_out_and_sub_folders_are_not(tmp_path: Path):
    write(tmp_path / "subfolder", "inner_one", "inner")
    write(tmp_path, "_hidden", "hidden")
    write(tmp_path, "private_one", "_private")
    catalogue, _ = open_catalogue(tmp_path)
    assert [(each.name, each.module) for each in catalogue.entries] == [("inner", "subfolder.inner_one")]
    assert catalogue.find("inner").package.name == "inner"


def test_folder_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(NoSuchFolder, match=r"is no directory"):
        open_catalogue(tmp_path / "none")


COUNTING = """
import sys
from larix.packages.catalogue import Catalogue
warnings = []
catalogue = Catalogue([sys.argv[1]], cache_directory=sys.argv[2], warn=warnings.append)
print([each.full_name for each in catalogue.entries], [str(each) for each in warnings])
print("indexed" in sys.modules, "larix.packages.package" in sys.modules)
"""


def list_in_new_process(folder: Path, cache: Path) -> list[str]:
    import larix

    source = os.path.dirname(os.path.dirname(larix.__file__))
    done = subprocess.run(
        [sys.executable, "-S", "-c", COUNTING, str(folder), str(cache)],
        env={"PYTHONPATH": source},
        check=True,
        text=True,
        capture_output=True,
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_index_saves_importing_until_a_file_changes(tmp_path: Path):
    folder, cache = tmp_path / "folder", tmp_path / "cache"
    write(folder, "indexed", "indexed")
    (folder / "bad_one.py").write_text("oops\n")
    first = list_in_new_process(folder, cache)
    assert first[1] == "True True"
    assert "unknown name `oops`" in first[0]
    again = list_in_new_process(folder, cache)
    assert again == [first[0], "False False"], "warnings are told again, nothing is imported"
    write(folder, "indexed", "indexed", "2.0")
    assert "indexed@2.0" in list_in_new_process(folder, cache)[0]
    (folder / "bad_one.py").unlink()
    assert list_in_new_process(folder, cache)[0] == "['indexed@2.0'] []"
    (index,) = cache.iterdir()
    whole = index.read_bytes()
    for damaged in (b"", b"{", whole[:-1], whole[:40], whole.replace(b"indexed", b"indEXed")):
        index.write_bytes(damaged)
        assert list_in_new_process(folder, cache)[0] == "['indexed@2.0'] []"
        assert index.read_bytes() == whole


def test_links_that_lead_nowhere_do_no_harm(tmp_path: Path):
    write(tmp_path / "folder", "linked", "linked")
    for name in ("gone.py", ".#linked.py", "gone.po"):
        (tmp_path / "folder" / name).symlink_to(tmp_path / "nowhere")
    for _ in range(2):
        catalogue, warnings = open_catalogue(tmp_path / "folder", cache=tmp_path / "cache")
        assert [each.name for each in catalogue.entries] == ["linked"]
        assert [each.place.file for each in warnings] == [str(tmp_path / "folder" / "gone.po")]


def test_cache_that_cannot_be_written_does_no_harm(tmp_path: Path):
    write(tmp_path / "folder", "uncached", "uncached")
    (tmp_path / "file").write_text("")
    catalogue, warnings = open_catalogue(tmp_path / "folder", cache=tmp_path / "file" / "below")
    assert [each.name for each in catalogue.entries] == ["uncached"]
    assert warnings == []


def test_distribution_is_found_by_its_file_and_its_toolchains_register(tmp_path: Path, monkeypatch):
    top = tmp_path / "somedistro"
    write(top / "packages", "from_distro", "from_distro")
    (top / "__init__.py").write_text("")
    (top / "packages" / "__init__.py").write_text("")
    (top / "tools.py").write_text(
        "from larix.packages.toolchain import register_toolchain\n"
        "import toolchains\n"
        "register_toolchain('some', toolchains.make_toolchain)\n"
    )
    (top / "larix-distribution.json").write_text(
        '{"version": 1, "packages": "packages", "toolchains": "tools"}'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert [each.name for each in find_distributions()] == ["somedistro"]
    catalogue, warnings = open_catalogue()
    assert warnings == []
    assert catalogue.find("from_distro").entry.module == "somedistro.packages.from_distro"
    assert toolchain("some").name == "test"
    with pytest.raises(UnknownToolchain, match=r"no toolchain is called `smoe`") as caught:
        toolchain("smoe")
    assert caught.value.hint == "Did you mean `some'?"


def test_broken_toolchain_module_is_told(tmp_path: Path, monkeypatch):
    top = tmp_path / "brokendistro"
    top.mkdir()
    (top / "__init__.py").write_text("")
    (top / "tools.py").write_text("\nraise ValueError('no')\n")
    (top / "larix-distribution.json").write_text('{"version": 1, "toolchains": "tools"}')
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BadDistribution, match=r"`brokendistro` cannot be loaded: ValueError: no") as caught:
        toolchain("whatever")
    assert str(caught.value.place) == f"{top}/tools.py:2"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}'])
def test_description_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch, text):
    (tmp_path / "baddistro").mkdir()
    (tmp_path / "baddistro" / "larix-distribution.json").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(BadDistribution):
        find_distributions()


def test_file_outside_of_any_folder_gives_its_packages(tmp_path: Path):
    file = write(tmp_path, "loose", "loose")
    assert [name for name, _ in packages_of_file(str(file))] == ["loose"]


@pytest.mark.parametrize(
    ("text", "words"),
    [("x = 1\n", "it defines no package"), ("x = (\n", "syntax error"), ("1 / 0\n", "ZeroDivisionError")],
)
def test_file_without_a_usable_package_is_told(tmp_path: Path, text, words):
    (tmp_path / "loose.py").write_text(text)
    with pytest.raises(BrokenModule, match=words) as caught:
        packages_of_file(str(tmp_path / "loose.py"))
    assert caught.value.place is not None
    with pytest.raises(BrokenModule, match=r"no such file"):
        packages_of_file(str(tmp_path / "none.py"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello", ("hello", None, None)),
        ("hello@2.10", ("hello", "2.10", None)),
        ("gcc:lib", ("gcc", None, "lib")),
        ("gcc@12:lib", ("gcc", "12", "lib")),
        ("c++", ("c++", None, None)),
    ],
)
def test_specifications_are_read_and_written(text, expected):
    assert parse_specification(text) == Specification(*expected)
    assert str(parse_specification(text)) == text


@pytest.mark.parametrize("text", ["", "@1", ":lib", "a@", "a:", "a b", "a@1:"])
def test_text_that_names_no_package_is_refused(text):
    with pytest.raises(BadSpecification):
        parse_specification(text)


ORDERED = [
    "0.9",
    "1.0-alpha",
    "1.0-beta2",
    "1.0-rc1",
    "1.0",
    "1.0.1",
    "1.2",
    "1.10",
    "1.10a",
    "2",
    "10",
    "2024.01.02",
]


def test_versions_are_ordered():
    shuffled = ORDERED[::-1]
    assert sorted(shuffled, key=version_key) == ORDERED
    assert compare_versions("1.2", "1.10") < 0 < compare_versions("1.10", "1.2")
    assert compare_versions("1.0", "1-0") == 0


versions = st.from_regex(r"[0-9a-z]{1,3}([.+-][0-9a-z]{1,3}){0,3}", fullmatch=True)


@given(versions, versions)
def test_comparing_the_other_way_round_gives_the_opposite(one, other):
    assert compare_versions(one, other) == -compare_versions(other, one)


@given(versions)
def test_version_matches_itself_and_each_prefix_at_a_dot(version):
    assert version_matches(version, version)
    assert version_matches(version, None)
    for index, character in enumerate(version):
        if character == "." and index:
            assert version_matches(version, version[:index])
    assert not version_matches(version, f"{version}0")


def test_file_that_cannot_be_imported_is_told_with_a_name_that_works(tmp_path: Path):
    write(tmp_path, "my-tool", "my_tool")
    write(tmp_path, "123x", "x")
    write(tmp_path / "old-ones", "other-tool", "y")
    (tmp_path / "run-tests.py").write_text("print('no package')\n")
    for _ in range(2):
        catalogue, warnings = open_catalogue(tmp_path, cache=tmp_path / "cache")
        assert catalogue.entries == ()
        assert [(each.message.partition(":")[0], each.hint) for each in warnings] == [
            ("123x.py", "rename it to `package_123x.py`"),
            ("my-tool.py", "rename it to `my_tool.py`"),
        ]


def test_modules_of_one_name_in_two_folders_are_both_there(tmp_path: Path):
    write(tmp_path / "a", "twin", "twin", "1.0")
    write(tmp_path / "b", "twin", "twin", "2.0")
    write(tmp_path / "b", "user", "user", more="inputs=[twin]", before="from twin import twin\n")
    for folders in (("a", "b"), ("b", "a")):
        catalogue, warnings = open_catalogue(*(tmp_path / each for each in folders), cache=tmp_path / "cache")
        assert warnings == []
        assert [each.full_name for each in catalogue.entries] == ["twin@2.0", "twin@1.0", "user@1.0"]
        assert catalogue.find("twin@1").package.location.file == str(tmp_path / "a/twin.py")
        assert catalogue.find("twin@2").package.location.file == str(tmp_path / "b/twin.py")
    write(tmp_path / "b", "twin", "twin", "2.1")
    catalogue, warnings = open_catalogue(tmp_path / "a", tmp_path / "b")
    assert warnings == []


def test_what_a_module_prints_while_it_is_loaded_is_no_output(tmp_path: Path, capsys):
    file = write(tmp_path, "loud", "loud", before="print('loaded')\n")
    catalogue, _ = open_catalogue(tmp_path)
    assert catalogue.names() == ["loud"]
    assert [name for name, _ in packages_of_file(str(file))] == ["loud"]
    assert capsys.readouterr() == ("", "loaded\nloaded\n")


def test_module_that_is_mistyped_comes_with_the_one_meant(tmp_path: Path):
    for module, words, meant in (
        ("one", "from larix.buildsystems.cmak import cmake", "larix.buildsystems.cmake"),
        ("two", "import larix.packages.orign", "larix.packages.origin"),
    ):
        write(tmp_path / module, f"cat_{module}", module, before=f"{words}\n")
        catalogue, warnings = open_catalogue(tmp_path / module)
        assert catalogue.entries == ()
        assert [each.hint for each in warnings] == [f"Did you mean `{meant}'?"]


def test_broken_module_is_named_for_packages_that_are_not_called_like_it(tmp_path: Path):
    write(tmp_path, "broken_tools", "ascii-art", before="impot os\n")
    catalogue, _ = open_catalogue(tmp_path)
    assert catalogue.hint_for("ascii-art").startswith("the module `broken_tools` is broken, as told above (")
    assert catalogue.hint_for("ascii") == "`larix search ascii' looks for it in descriptions, too"


def test_package_that_is_superseded_by_itself_is_told(tmp_path: Path):
    write(tmp_path, "round_one", "round_one", more="superseded_by=lambda p: p")
    catalogue, warnings = open_catalogue(tmp_path)
    assert catalogue.names() == ["round_one"]
    assert [each.message for each in warnings] == ["package `round_one` is superseded by itself"]
