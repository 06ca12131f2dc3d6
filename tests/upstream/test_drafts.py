"""Definitions as text, and what is made of the words that others use."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from larix.packages.modules import packages_of_file
from larix.upstream.drafts import Draft, Need, print_drafts, tidy_description, tidy_synopsis
from larix.upstream.license_names import license_names

HELLO = Need("hello>=2", "larixpkgs.packages.hello", "hello")
DRAFT = Draft(
    name="some-thing",
    version="1.2",
    uris=("https://a.example/some-thing-1.2.tar.gz", "debian://pool/s/some-thing_1.2.orig.tar.gz"),
    sha256="00" * 32,
    build_system="gnu",
    synopsis='Say "it" in all sorts of ways',
    description="A thing that " + "says it again and " * 20 + "ends.",
    home_page="https://a.example/",
    licenses=("gpl3_plus", "expat"),
    native=(HELLO, Need("unheard-of>=3")),
    inputs=(Need("zlib", "larixpkgs.packages.zlib", "zlib"),),
    arguments=("# they want a display", '"tests": False,'),
    remarks=("A word before it.",),
)


def test_text_is_a_module_with_the_package(tmp_path: Path) -> None:
    file = tmp_path / "draft.py"
    file.write_text(print_drafts([DRAFT]))
    ((name, package),) = packages_of_file(str(file))
    assert (name, package.full_name) == ("some_thing", "some-thing@1.2")
    assert package.source.uri == DRAFT.uris
    assert package.inherit(version="1.3").source.uri[1] == "debian://pool/s/some-thing_1.3.orig.tar.gz"
    assert package.source.sha256.base16() == DRAFT.sha256
    assert [each.label for each in package.direct_inputs()] == ["hello", "zlib"]
    assert (package.synopsis, package.description) == (DRAFT.synopsis, DRAFT.description)
    assert [each.name for each in package.license] == ["GPL 3+", "Expat"]
    assert package.arguments["tests"] is False
    assert "        # not in the catalogue: unheard-of>=3\n" in file.read_text()


def test_packages_of_one_text_name_each_other(tmp_path: Path) -> None:
    first = DRAFT._replace(name="first", native=(), inputs=())
    second = DRAFT._replace(name="2nd", native=(Need("first", variable="first"),), inputs=())
    file = tmp_path / "draft.py"
    file.write_text(print_drafts([first, second]))
    packages = dict(packages_of_file(str(file)))
    assert [each.value for each in packages["package_2nd"].native_inputs] == [packages["first"]]
    assert '__all__ = ["first", "package_2nd"]' in file.read_text()


def test_what_is_unknown_altogether_stands_as_comments(tmp_path: Path) -> None:
    draft = DRAFT._replace(
        native=(Need("one"), Need("two")), inputs=(), licenses=(), license_said="odd terms", home_page=None
    )
    text = print_drafts([draft])
    assert "    # native_inputs:\n    # not in the catalogue: one\n    # not in the catalogue: two\n" in text
    assert "    license=(),  # upstream says: odd terms\n" in text
    assert "import Origin, Package\n" in text
    (tmp_path / "draft.py").write_text(text)
    assert len(packages_of_file(str(tmp_path / "draft.py"))) == 1


VARIANTS = [
    DRAFT,
    DRAFT._replace(uris=("pypi://x/x-1.2.tar.gz",), arguments=(), remarks=(), native=(), inputs=()),
    DRAFT._replace(synopsis="S" * 90, description="Short.", licenses=()),
    DRAFT._replace(
        native=[
            Need(f"n{number}", f"larixpkgs.packages.name_{number}", f"name_{number}") for number in range(9)
        ]
    ),
    DRAFT._replace(inputs=[Need(f"n{number}", f"own_{number}", "it") for number in range(3)]),
]


@pytest.mark.parametrize("number", range(len(VARIANTS)))
def test_text_is_laid_out_as_the_formatter_would(number: int, tmp_path: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    file = tmp_path / "draft.py"
    file.write_text(print_drafts([VARIANTS[number]]))
    command = [ruff, "format", "--isolated", "--line-length=110", "--diff", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("text", "synopsis"),
    [
        ("A tool for x.", "Tool for x"),
        ("thing - the best\n one", "Best one"),
        ("Thing: makes noise", "Makes noise"),
        ("iCalendar reader", "iCalendar reader"),
        ("", "thing"),
    ],
)
def test_synopses_are_made_to_fit(text: str, synopsis: str) -> None:
    assert tidy_synopsis(text, "thing") == synopsis


README = """\
=======
 Thing
=======

.. image:: https://a.example/badge.svg

[![Build](https://a.example/b.svg)](https://a.example/)

- one
- two

**Thing** is a `small <https://a.example/>`_ library by [WSGI][1] for :class:`x` and _more_ of
``it``. See <https://a.example/doc> for more.

Another paragraph that is not taken any more.
"""


def test_description_is_the_first_paragraph_of_prose_without_its_markup() -> None:
    assert tidy_description(README, "nothing") == (
        "Thing is a small library by WSGI for x and more of it. See https://a.example/doc for more."
    )


def test_description_does_not_end_in_a_sentence_that_leads_to_a_list() -> None:
    text = "It turns numbers into words, such as sizes and dates. It is localised to:\n\n* Arabic\n* Basque\n"
    assert tidy_description(text, "nothing") == "It turns numbers into words, such as sizes and dates."


def test_description_of_no_prose_is_the_synopsis() -> None:
    assert tidy_description("# Title\n\n* a\n* b\n", "Do things") == "Do things."


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("MIT", ["expat"]),
        ("Apache-2.0 OR BSD-3-Clause", ["apache2", "bsd_3"]),
        ("GPL-3.0-or-later", ["gpl3_plus"]),
        ("GPL-2+", ["gpl2_plus"]),
        ("LGPL-2.1-only", ["lgpl2_1"]),
        ("GPL-2.0-or-later WITH GCC-exception-2.0", ["gpl2_plus"]),
        ("GNU General Public License v3 or later (GPLv3+)", ["gpl3_plus"]),
        ("MIT AND Proprietary", []),
        ("", []),
    ],
)
def test_licences_are_understood_whole_or_not_at_all(text: str, names: list[str]) -> None:
    assert license_names(text) == names
