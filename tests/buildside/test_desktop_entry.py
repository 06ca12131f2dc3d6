import configparser

import pytest

from larix.buildside.desktop_entry import make_desktop_entry_file
from larix.buildside.failure import BuildSideError


def test_application_is_written(tmp_path):
    file = make_desktop_entry_file(
        tmp_path / "share" / "applications" / "greet.desktop",
        name="Greeter",
        exec="/store/greet/bin/greet %U",
        generic_name={"": "Greeting", "de": "Gruß"},
        categories=["Utility", "Odd;One"],
        terminal=False,
        comment=" two\nlines",
    )
    assert file.read_text(encoding="utf-8") == (
        "[Desktop Entry]\nType=Application\nName=Greeter\nExec=/store/greet/bin/greet %U\n"
        "GenericName=Greeting\nGenericName[de]=Gruß\nCategories=Utility;Odd\\;One;\nTerminal=false\n"
        "Comment=\\stwo\\nlines\n"
    )
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(file, encoding="utf-8")
    assert parser["Desktop Entry"]["genericname[de]"] == "Gruß"


def test_link_has_an_address(tmp_path):
    file = make_desktop_entry_file(
        tmp_path / "x.desktop", name="Site", kind="Link", url="https://example.org/"
    )
    assert "URL=https://example.org/\n" in file.read_text()


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({}, "the kind `Application` needs `exec`"),
        ({"kind": "Link"}, "the kind `Link` needs `url`"),
        ({"kind": "Program", "exec": "x"}, "`Program` is none of Application, Link, Directory"),
        ({"exec": "x", "wäre": "y"}, "`wäre` can be no key"),
    ],
)
def test_entry_that_says_too_little_or_nonsense_is_refused(tmp_path, values, cause):
    with pytest.raises(BuildSideError, match=f"desktop entry `Greeter`: {cause}"):
        make_desktop_entry_file(tmp_path / "x.desktop", name="Greeter", **values)
    assert not list(tmp_path.iterdir())
