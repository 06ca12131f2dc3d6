"""What desktops look up in a profile: packages that bring it, and readers of the files that larix makes."""

from __future__ import annotations

from pathlib import Path
from struct import pack, unpack_from

from projects import write

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<mime-info xmlns="http://www.freedesktop.org/standards/shared-mime-info" xmlns:x="http://example.org">\n'
)
FIRST = f"""{HEAD}
<mime-type type="application/x-b">
  <comment>B file</comment><comment xml:lang="fr">Fichier B &amp; C</comment>
  <acronym>BB</acronym><expanded-acronym>Big B</expanded-acronym>
  <glob pattern="*.bb" weight="60"/><glob pattern="*.B" case-sensitive="true"/>
  <glob pattern="b[0-9]*"/><glob pattern="Bfile"/>
  <alias type="application/b"/><sub-class-of type="text/plain"/>
  <icon name="b-icon"/><generic-icon name="text-x-generic"/>
  <root-XML namespaceURI="http://example.org/b" localName="b"/>
  <magic priority="80">
    <match value="BB\\x00\\n\\101" type="string" offset="0:10" mask="0xffff00ffff">
      <match value="0x1234" type="host16" offset="4"/>
      <match value="12" type="big32" offset="8" mask="0xff"/>
    </match>
    <match value="255" type="byte" offset="2"/><match value="0770" type="little16" offset="300"/>
  </magic>
  <treemagic>
    <treematch path="x/y" type="file" executable="true" match-case="true" non-empty="true" mimetype="a/b">
      <treematch path="x/z"/>
    </treematch>
  </treemagic>
</mime-type>
<mime-type type="text/x-a">
  <comment>A file</comment><glob-deleteall/><magic-deleteall/><glob pattern="*.a"/>
</mime-type>
</mime-info>
"""
SECOND = f"""{HEAD}
<mime-type type="application/x-b">
  <comment>Second B</comment><glob pattern="*.zz"/><glob pattern="*.a"/><x:y a="b">&lt;t</x:y>
  <icon name="b-icon-2"/><sub-class-of type="text/plain"/><sub-class-of type="application/x-c"/>
  <magic><match value="later" type="string" offset="0"/></magic>
</mime-type>
<mime-type type="text/x-c">
  <comment>C file</comment><glob pattern="*.tar.c"/><glob pattern="*.c"/><alias type="text/c"/>
</mime-type>
</mime-info>
"""
OVERRIDE = f"""{HEAD}
<mime-type type="application/x-b"><comment>Last B</comment><icon name="b-icon-3"/></mime-type>
</mime-info>
"""


def bitmap_font(name: str, *, is_big: bool = False) -> bytes:
    """A PCF file with nothing but properties."""
    order = ">" if is_big else "<"
    strings = b"FAMILY_NAME\0Wrong\0FONT\0" + name.encode() + b"\0"
    properties = [(0, 1, 12), (18, 1, 23)]
    table = pack("<I", 4 if is_big else 0) + pack(f"{order}I", len(properties))
    table += b"".join(pack(f"{order}IbI", *each) for each in properties)
    table += bytes(-len(properties) * 9 % 4) + pack(f"{order}I", len(strings)) + strings
    return b"\1fcp" + pack("<I4I", 1, 1, 0, len(table), 24) + table


def outline_font(family: str, characters: str, *, weight: int = 400, full: str = "", angle: int = 0) -> bytes:
    """The tables of a TrueType file from which its name is made."""
    texts = [(1, family.encode("utf-16-be")), (4, (full or family).encode("utf-16-be"))]
    records, strings = b"", b""
    for kind, text in texts:
        records += pack(">6H", 3, 1, 0x409, kind, len(text), len(strings))
        strings += text
    segments = [*((ord(each), ord(each)) for each in sorted(set(characters))), (0xFFFF, 0xFFFF)]
    size = 2 * len(segments)
    cmap = pack(">HHHHI", 0, 1, 3, 1, 12) + pack(">7H", 4, 16 + 4 * size, 0, size, 0, 0, 0)
    cmap += b"".join(pack(">H", last) for _, last in segments) + bytes(2)
    cmap += b"".join(pack(">H", first) for first, _ in segments)
    cmap += b"".join(pack(">H", (1 - first) & 0xFFFF) for first, _ in segments) + bytes(size)
    tables = {
        b"OS/2": pack(">HHHH", 0, 0, weight, 5) + bytes(50) + b"NONE" + bytes(34),
        b"cmap": cmap,
        b"name": pack(">HHH", 0, len(texts), 6 + len(records)) + records + strings,
        b"post": pack(">IiIIIIII", 0x30000, angle << 16, 0, 0, 0, 0, 0, 0),
    }
    head, place = pack(">4sHHHH", b"\0\1\0\0", len(tables), 0, 0, 0), 12 + 16 * len(tables)
    for tag, data in tables.items():
        head += pack(">4sIII", tag, 0, place, len(data))
        place += len(data)
    return head + b"".join(tables.values())


def packages(folder: Path) -> list[Path]:
    """Two packages with file types, icons and fonts."""
    first = {
        "share/mime/packages/first.xml": FIRST,
        "share/mime/mime.cache": "of this package alone",
        "share/mime/application/x-b.xml": "of this package alone",
        "share/icons/hicolor/48x48/apps/b.png": "",
        "share/icons/hicolor/scalable/apps/b.svg": "",
        "share/icons/hicolor/icon-theme.cache": "of this package alone",
        "share/icons/lonely.png": "",
        "share/fonts/misc/old.bdf": "STARTFONT 2.1\nFONT -Fo-Old-Bold-R-Normal--8-80-75-75-C-80-ISO8859-1\n",
    }
    second = {
        "share/mime/packages/second.xml": SECOND,
        "share/mime/packages/Override.xml": OVERRIDE,
        "share/icons/hicolor/48x48/apps/c.xpm": "",
        "share/icons/Other/16x16/status/b.png": "",
        "share/fonts/readme": "no font",
    }
    made = [write(folder / "first", first), write(folder / "second", second)]
    (made[0] / "share/fonts/misc/x.pcf").write_bytes(bitmap_font("-F-X-Medium-R-Normal--9-90-75-75-P-50-A-1"))
    fonts = made[1] / "share/fonts/truetype/some"
    fonts.mkdir(parents=True)
    (fonts / "Some.ttf").write_bytes(outline_font("Some-Font", "".join(map(chr, range(0x20, 0x100)))))
    return made


def read_mime_cache(data: bytes) -> dict[str, object]:
    """What a `mime.cache` says, by table, in an order of ours."""

    def string(at: int) -> str:
        return data[at : data.index(b"\0", at)].decode()

    def rows(at: int, width: int) -> list[tuple[int, ...]]:
        (count,) = unpack_from(">I", data, at)
        return [unpack_from(f">{width}I", data, at + 4 + 4 * width * each) for each in range(count)]

    def endings(count: int, at: int, tail: str) -> list[tuple[str, str, int]]:
        found: list[tuple[str, str, int]] = []
        listed = [unpack_from(">III", data, at + 12 * each) for each in range(count)]
        assert [each[0] for each in listed] == sorted(each[0] for each in listed)
        for character, one, other in listed:
            if character:
                found += endings(one, other, chr(character) + tail)
            else:
                found.append((tail, string(one), other))
        return found

    def matches(count: int, at: int) -> list[tuple[object, ...]]:
        listed = [unpack_from(">8I", data, at + 32 * each) for each in range(count)]
        return [
            (
                *row[:3],
                data[row[4] : row[4] + row[3]],
                row[5] and data[row[5] : row[5] + row[3]],
                matches(*row[6:]),
            )
            for row in listed
        ]

    def of_strings(at: int, width: int) -> list[tuple[str, ...]]:
        listed = [tuple(map(string, row)) for row in rows(at, width)]
        assert listed == sorted(listed)
        return listed

    version, aliases, parents, literals, suffixes, globs, magic, namespaces, icons, generic_icons = (
        unpack_from(">10I", data)
    )
    count, extent, place = unpack_from(">III", data, magic)
    sections = [unpack_from(">4I", data, place + 16 * each) for each in range(count)]
    return {
        "version": version,
        "aliases": of_strings(aliases, 2),
        "parents": {string(name): {string(each[0]) for each in rows(at, 1)} for name, at in rows(parents, 2)},
        "literals": {(string(name), string(kind), weight) for name, kind, weight in rows(literals, 3)},
        "suffixes": set(endings(*unpack_from(">II", data, suffixes), "")),
        "globs": {(string(name), string(kind), weight) for name, kind, weight in rows(globs, 3)},
        "extent": extent,
        "magic": [(priority, string(kind), matches(*rest)) for priority, kind, *rest in sections],
        "namespaces": of_strings(namespaces, 3),
        "icons": of_strings(icons, 2),
        "generic icons": of_strings(generic_icons, 2),
    }


def read_icon_cache(data: bytes) -> dict[str, dict[str, int]]:
    """Icons, with the folders and kinds of each; each must stand in the bucket of its hash."""
    major, minor, table, folders = unpack_from(">HHII", data)
    assert (major, minor) == (1, 0)

    def string(at: int) -> str:
        return data[at : data.index(b"\0", at)].decode()

    (count,) = unpack_from(">I", data, folders)
    names = [string(each) for each in unpack_from(f">{count}I", data, folders + 4)]
    (buckets,) = unpack_from(">I", data, table)
    found: dict[str, dict[str, int]] = {}
    for number, first in enumerate(unpack_from(f">{buckets}I", data, table + 4)):
        place = first
        while place != 0xFFFFFFFF:
            place, name, images = unpack_from(">III", data, place)
            assert icon_hash(string(name)) % buckets == number
            (count,) = unpack_from(">I", data, images)
            kinds = [unpack_from(">HH", data, images + 4 + 8 * each) for each in range(count)]
            found[string(name)] = {names[folder]: kind & 7 for folder, kind in kinds}
    return found


def icon_hash(name: str) -> int:
    value = 0
    for byte in name.encode():
        value = ((value << 5) - value + byte) % 2**32
    return value
