"""File types, icons and fonts of a profile."""

from __future__ import annotations

import os

import pytest

from desktops import HEAD, bitmap_font, outline_font, packages, read_icon_cache, read_mime_cache
from larix.buildside.profile_tree import make_profile
from projects import write

LATIN = "".join(map(chr, range(0x20, 0x100)))


@pytest.fixture
def profile(tmp_path):
    made = packages(tmp_path)
    make_profile(tmp_path / "profile", entries=map(str, made), manifest="{}")
    return tmp_path / "profile"


def lines(file):
    return [line for line in file.read_text(encoding="latin-1").splitlines() if not line.startswith("#")]


def test_types_of_all_packages_are_in_one_database(profile):
    mime = profile / "share/mime"
    assert lines(mime / "types") == ["application/x-b", "text/x-a", "text/x-c"]
    assert lines(mime / "globs2") == [
        "0:text/x-a:__NOGLOBS__",
        "60:application/x-b:*.bb",
        "50:application/x-b:*.B:cs",
        "50:application/x-b:*.B",
        "50:application/x-b:*.a",
        "50:application/x-b:*.zz",
        "50:application/x-b:b[0-9]*",
        "50:application/x-b:bfile",
        "50:text/x-a:*.a",
        "50:text/x-c:*.c",
        "50:text/x-c:*.tar.c",
    ]
    assert lines(mime / "aliases") == ["application/b application/x-b", "text/c text/x-c"]
    assert lines(mime / "subclasses") == ["application/x-b text/plain", "application/x-b application/x-c"]
    assert lines(mime / "XMLnamespaces") == ["http://example.org/b b application/x-b"]
    assert lines(mime / "icons") == ["application/x-b:b-icon-3"]
    assert lines(mime / "treemagic") == [
        "MIME-TreeMagic\0",
        "[50:application/x-b]",
        '>"x/y"=file,match-case,executable,non-empty,a/b',
        '1>"x/z"=any',
    ]


def test_magic_is_in_the_order_of_priority(profile):
    assert (profile / "share/mime/magic").read_bytes() == (
        b"MIME-Magic\0\n[0:text/x-a]\n>0=\0\x0b__NOMAGIC__\n"
        b"[80:application/x-b]\n"
        b">0=\0\x05BB\0\nA&\xff\xff\0\xff\xff+11\n"
        b"1>4=\0\x02\x12\x34~2\n"
        b"1>8=\0\x04\0\0\0\x0c&\0\0\0\xff\n"
        b">2=\0\x01\xff\n>300=\0\x02\xf8\x01\n"
        b"[50:application/x-b]\n>0=\0\x05later\n"
    )


def test_the_binary_form_says_the_same(profile):
    said = read_mime_cache((profile / "share/mime/mime.cache").read_bytes())
    assert said["suffixes"] == {
        (".bb", "application/x-b", 60),
        (".B", "application/x-b", 0x100 + 50),
        (".a", "application/x-b", 50),
        (".zz", "application/x-b", 50),
        (".a", "text/x-a", 50),
        (".c", "text/x-c", 50),
        (".tar.c", "text/x-c", 50),
    }
    assert said["literals"] == {("bfile", "application/x-b", 50), ("__NOGLOBS__", "text/x-a", 0)}
    assert said["globs"] == {("b[0-9]*", "application/x-b", 50)}
    assert [(priority, kind, len(found)) for priority, kind, found in said["magic"]] == [
        (0, "text/x-a", 1),
        (80, "application/x-b", 3),
        (50, "application/x-b", 1),
    ]
    assert said["parents"] == {"application/x-b": {"text/plain", "application/x-c"}}


def test_a_type_is_described_by_the_last_that_speaks_of_it(profile):
    text = (profile / "share/mime/application/x-b.xml").read_text()
    assert "<comment>Last B</comment>" in text
    assert '<comment xml:lang="fr">Fichier B &amp; C</comment>' in text
    assert '<y xmlns="http://example.org" a="b">&lt;t</y>' in text
    assert not [each for each in ("B file", "Second B", "magic") if each in text]


def test_what_a_package_made_of_its_own_types_is_left_alone(profile, tmp_path):
    assert (tmp_path / "first/share/mime/application/x-b.xml").read_text() == "of this package alone"
    assert not (profile / "share/mime/application").is_symlink()
    assert sorted(os.listdir(profile / "share/mime/packages")) == ["Override.xml", "first.xml", "second.xml"]


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        ('<mime-type type="a/b"><glob pattern="*.x" weight="101"/></mime-type>', "<glob>: weight `101`"),
        ('<mime-type type="a/b"><alias/></mime-type>', "<alias>: `type` is missing"),
        ('<mime-type type="../x/b"><glob pattern="*.x"/></mime-type>', "`../x/b` is no type"),
        ('<mime-type type="packages/b"/>', "`packages/b` is no type"),
        (
            '<mime-type type="a/b"><magic><match type="byte" value="256" offset="0"/></magic></mime-type>',
            "<magic>: `256` has no place in 1 bytes",
        ),
        ('<mime-type type="a/b"', "not well-formed"),
    ],
)
def test_mistakes_in_types_are_told_and_passed_over(tmp_path, capfd, inside, told):
    good = '<mime-type type="good/x"><glob pattern="*.good"/></mime-type>'
    files = {
        "share/mime/packages/a.xml": f"{HEAD}{inside}</mime-info>",
        "share/mime/packages/b.xml": f"{HEAD}{good}</mime-info>",
    }
    make_profile(tmp_path / "profile", entries=[str(write(tmp_path / "entry", files))], manifest="{}")
    assert lines(tmp_path / "profile/share/mime/globs2") == ["50:good/x:*.good"]
    assert told in capfd.readouterr().out


def test_each_theme_has_a_cache_of_all_its_icons(profile, tmp_path):
    icons = profile / "share/icons"
    assert read_icon_cache((icons / "hicolor/icon-theme.cache").read_bytes()) == {
        "b": {"48x48/apps": 4, "scalable/apps": 2},
        "c": {"48x48/apps": 1},
    }
    assert read_icon_cache((icons / "Other/icon-theme.cache").read_bytes()) == {"b": {"16x16/status": 4}}
    assert (tmp_path / "first/share/icons/hicolor/icon-theme.cache").read_text() == "of this package alone"


def test_an_icon_cache_has_no_circles_and_no_names_that_readers_refuse(tmp_path):
    theme = write(tmp_path / "entry", {f"share/icons/t/a/{name}.png": "" for name in ("é", "x", "yy")})
    (theme / "share/icons/t/a/round").symlink_to("..")
    make_profile(tmp_path / "profile", entries=[str(theme)], manifest="{}")
    found = read_icon_cache((tmp_path / "profile/share/icons/t/icon-theme.cache").read_bytes())
    assert sorted(found) == ["x", "yy"]


def test_folders_of_fonts_have_lists(profile):
    fonts = profile / "share/fonts"
    assert lines(fonts / "misc/fonts.dir") == [
        "2",
        "old.bdf -fo-old-bold-r-normal--8-80-75-75-c-80-iso8859-1",
        "x.pcf -f-x-medium-r-normal--9-90-75-75-p-50-a-1",
    ]
    assert lines(fonts / "misc/fonts.scale") == ["0"]
    listed = lines(fonts / "truetype/some/fonts.scale")
    assert listed == lines(fonts / "truetype/some/fonts.dir")
    assert listed == [
        "2",
        "Some.ttf -misc-some font-medium-r-normal--0-0-0-0-p-0-iso10646-1",
        "Some.ttf -misc-some font-medium-r-normal--0-0-0-0-p-0-iso8859-1",
    ]
    assert sorted(os.listdir(fonts)) == ["misc", "readme", "truetype"]


def test_names_of_outline_fonts_say_what_the_files_say(tmp_path):
    folder = tmp_path / "entry/share/fonts"
    folder.mkdir(parents=True)
    (folder / "bold.ttf").write_bytes(outline_font("One", "a", weight=700))
    (folder / "oblique.ttf").write_bytes(outline_font("Two", "a", full="Two Oblique", angle=-9))
    (folder / "italic.ttf").write_bytes(outline_font("Two", LATIN, full="Two Slanted", angle=-9))
    (folder / "type1.pfa").write_text(
        "%!PS-AdobeFont-1.0: X\n/FamilyName (Some Serif) def /Weight (Demi) def /ItalicAngle -12.5 def\n"
        "/isFixedPitch false def /Notice (by Bitstream) def /Encoding StandardEncoding def eexec"
    )
    make_profile(tmp_path / "profile", entries=[str(tmp_path / "entry")], manifest="{}")
    assert lines(tmp_path / "profile/share/fonts/fonts.dir") == [
        "7",
        "bold.ttf -misc-one-bold-r-normal--0-0-0-0-p-0-iso10646-1",
        "italic.ttf -misc-two-medium-i-normal--0-0-0-0-p-0-iso10646-1",
        "italic.ttf -misc-two-medium-i-normal--0-0-0-0-p-0-iso8859-1",
        "oblique.ttf -misc-two-medium-o-normal--0-0-0-0-p-0-iso10646-1",
        "type1.pfa -bitstream-some serif-semibold-i-normal--0-0-0-0-p-0-adobe-standard",
        "type1.pfa -bitstream-some serif-semibold-i-normal--0-0-0-0-p-0-iso10646-1",
        "type1.pfa -bitstream-some serif-semibold-i-normal--0-0-0-0-p-0-iso8859-1",
    ]


def test_damaged_fonts_are_told_and_left_out(tmp_path, capfd):
    folder = tmp_path / "entry/share/fonts"
    folder.mkdir(parents=True)
    whole = {
        "t.ttf": outline_font("One", "ab"),
        "p.pcf": bitmap_font("-a-b"),
        "big.pcf": bitmap_font("-b", is_big=True),
    }
    for name, data in whole.items():
        for size in range(0, len(data), 7):
            (folder / f"{size}-{name}").write_bytes(data[:size])
        (folder / name).write_bytes(data)
    (folder / "no.pcf.gz").write_bytes(b"\x1f\x8bno archive")
    make_profile(tmp_path / "profile", entries=[str(tmp_path / "entry")], manifest="{}")
    listed = lines(tmp_path / "profile/share/fonts/fonts.dir")
    assert {"big.pcf -b", "p.pcf -a-b", "t.ttf -misc-one-medium-r-normal--0-0-0-0-p-0-iso10646-1"} <= set(
        listed
    )
    assert "0-t.ttf: " in capfd.readouterr().out
