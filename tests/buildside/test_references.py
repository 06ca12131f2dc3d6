"""Names of store items in files, whole and in pieces; the pieces are those that a real compiler makes."""

import platform
import shutil
import subprocess

import pytest

from larix.buildside import references
from larix.buildside.references import Content, Reference, SplitReference, find_changes

STORE = b"/larix/store/"
OLD = b"0123456789abcdfghijklmnpqrsvwxyz"
NEW = b"zyxwvsrqpnmlkjihgfdcba9876543210"
OTHER = b"012h3q8xz0v5c2n9ldk1w7sp4rb6mygf"
KEPT = b"h3q8xz0v5c2n9ldk1w7sp4rb6mygfaji"


@pytest.fixture
def compiler():
    found = shutil.which("gcc")
    if found is None:
        pytest.skip("no gcc")
    if platform.machine() != "x86_64":
        pytest.skip("the pieces of other machines' code are others")
    return found


def changed(file, *, name=b"hello-2.10", wanted=(OLD,), kept=()):
    """What is in `file` after the digits in `wanted` were exchanged."""
    content = Content(str(file))
    try:
        changes = find_changes(
            content,
            [Reference(each, name, NEW) for each in wanted],
            [Reference(digits, other, digits) for digits, other in kept],
            STORE,
        )
    finally:
        content.close()
    data = bytearray(file.read_bytes())
    for place, digits in changes.items():
        data[place : place + len(digits)] = digits
    return bytes(data)


def program(strings):
    """C source: each string is printed after having been copied in each way that a compiler makes code of."""
    lines = ["#include <stdio.h>", "#include <string.h>", "static char room[4096];"]
    calls = []
    for number, text in enumerate(strings):
        for way, code in (
            ("copy", f'strcpy(room, "{text}");'),
            ("bytes", f'memcpy(room, "{text}", {len(text)}); room[{len(text)}] = 0;'),
            ("array", f'char own[] = "{text}"; own[0] ^= 0; __asm__("" :: "r"(own) : "memory"); puts(own);'),
            ("whole", f'puts("{text}");'),
        ):
            own = way in ("array", "whole")
            lines += [f"__attribute__((noinline)) void {way}{number}(void) {{ {code} }}"]
            calls.append(f"  {way}{number}();" + ("" if own else " puts(room);"))
    return "\n".join([*lines, "int main(void) {", *calls, "  return 0;", "}", ""])


def compiled(compiler, folder, strings, *flags):
    (folder / "p.c").write_text(program(strings))
    subprocess.run([compiler, *flags, "-w", "-o", folder / "p", folder / "p.c"], check=True)
    return folder / "p"


def needs_processor(flags):
    """Skip what this machine could compile but not run."""
    with open("/proc/cpuinfo", encoding="utf-8") as stream:
        features = stream.read()
    for flag, feature in (("-march=x86-64-v3", "avx2"), ("-march=x86-64-v4", "avx512vl")):
        if flag in flags and feature not in features:
            pytest.skip(f"this processor has no {feature}")


def output_of(file):
    return subprocess.run([file], capture_output=True, check=True).stdout


STRINGS = [
    f"{before}/larix/store/{OLD.decode()}-hello-2.10{after}"
    for before in ("", "x", "-I", "-L/", "PATH=", "PATH=/bin:")
    for after in (
        "",
        "/",
        "/lib",
        "/bin/hello",
        "/share/locale",
        "/lib/hello/modules/a.so",
        "/etc/of/a-longer/name",
    )
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [
        ["-O0"],
        ["-O1"],
        ["-O2"],
        ["-O3"],
        ["-Os"],
        ["-O2", "-march=x86-64-v3"],
        ["-O2", "-march=x86-64-v4"],
        ["-O2", "-g", "-fPIE", "-pie"],
    ],
    ids=" ".join,
)
def test_names_that_a_compiler_cut_in_pieces_are_exchanged(compiler, tmp_path, flags):
    """The program says what it says, about another item; its code would show any piece that is left."""
    needs_processor(flags)
    file = compiled(compiler, tmp_path, STRINGS, *flags)
    before = output_of(file)
    if "-Os" not in flags:
        assert file.read_bytes().count(OLD) < 2 * len(STRINGS)
    file.write_bytes(changed(file))
    assert output_of(file) == before.replace(OLD, NEW)


@pytest.mark.slow
@pytest.mark.parametrize("text", STRINGS[:14] + STRINGS[-7:])
def test_one_string_alone_is_exchanged_whatever_its_length(compiler, tmp_path, text):
    """With nothing else around, blocks are often neighbours, and the last one overlaps."""
    file = compiled(compiler, tmp_path, [text], "-O2")
    before = output_of(file)
    file.write_bytes(changed(file))
    assert output_of(file) == before.replace(OLD, NEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a-1", "sed-4.9", "coreutils-9.7", "python-setuptools-scm-8.1.0"])
def test_names_of_all_lengths_are_exchanged_in_programs_and_in_archives(compiler, tmp_path, name):
    texts = [each.replace("hello-2.10", name) for each in STRINGS]
    (tmp_path / "p.c").write_text(program(texts).replace("int main", "int all"))
    (tmp_path / "main.c").write_text("int all(void); int main(void) { return all(); }\n")
    steps = (
        [compiler, "-O2", "-w", "-c", "p.c"],
        ["ar", "rcs", "libp.a", "p.o"],
        [compiler, "-o", "before", "main.c", "libp.a"],
    )
    for step in steps:
        subprocess.run(step, cwd=tmp_path, check=True)
    library = tmp_path / "libp.a"
    library.write_bytes(changed(library, name=name.encode()))
    subprocess.run([compiler, "-o", "after", "main.c", "libp.a"], cwd=tmp_path, check=True)
    assert output_of(tmp_path / "after") == output_of(tmp_path / "before").replace(OLD, NEW)


@pytest.mark.slow
def test_items_that_are_kept_stay_as_they_are(compiler, tmp_path):
    texts = [*STRINGS[:7], *(each.replace(OLD.decode(), KEPT.decode()) for each in STRINGS[:7])]
    file = compiled(compiler, tmp_path, texts, "-O2")
    before = output_of(file)
    file.write_bytes(changed(file, kept=[(KEPT, b"hello-2.10")]))
    assert output_of(file) == before.replace(OLD, NEW)


ELF = b"\x7fELF" + bytes(12)


def code(*blocks):
    """As a linker lays blocks out, with something else after each."""
    return ELF + b"".join(block.ljust(16, b"\0") + b"?" * 16 for block in blocks)


def test_block_that_may_belong_to_two_items_is_refused(tmp_path):
    """Both start with the same three digits, so that a linker merges the blocks with their heads."""
    file = tmp_path / "code"
    ours, theirs = [STORE + OLD[:3], OLD[3:19], OLD[19:] + b"-he"], [OTHER[3:19], OTHER[19:] + b"-gc"]
    file.write_bytes(code(*ours, *theirs))
    with pytest.raises(SplitReference, match=f"may belong to `{OTHER.decode()}-gcc-12`"):
        changed(file, kept=[(OTHER, b"gcc-12")])
    file.write_bytes(code(*ours))
    assert changed(file, kept=[(OTHER, b"gcc-12")]) == code(STORE + NEW[:3], NEW[3:19], NEW[19:] + b"-he")


@pytest.mark.parametrize(("lost", "digits"), [(0, "1 to 3"), (2, "20 to 32")])
def test_half_a_name_is_refused(tmp_path, lost, digits):
    file = tmp_path / "code"
    blocks = [STORE + OLD[:3], OLD[3:19], OLD[19:] + b"-he"]
    del blocks[lost]
    file.write_bytes(code(*blocks))
    with pytest.raises(SplitReference, match=f"its digits {digits} are not found") as caught:
        changed(file)
    assert f"{OLD.decode()}-hello-2.10" in str(caught.value)


def test_middle_that_is_not_where_blocks_are_is_refused(tmp_path):
    file = tmp_path / "code"
    file.write_bytes(ELF + b"?????" + OLD[3:19] + b"?" * 16)
    with pytest.raises(SplitReference, match="where no part is expected"):
        changed(file)


def test_digits_beside_a_block_by_accident_are_not_part_of_it(tmp_path):
    file = tmp_path / "code"
    before, after = bytes(15) + OLD[2:3], OLD[19:20] + bytes(15)
    blocks = [STORE + OLD[:3], before, OLD[3:19], after, OLD[19:] + b"-he"]
    file.write_bytes(ELF + b"".join(blocks))
    blocks = [STORE + NEW[:3], before, NEW[3:19], after, NEW[19:] + b"-he"]
    assert changed(file) == ELF + b"".join(blocks)


@pytest.mark.parametrize("shift", range(16))
def test_a_whole_name_that_begins_or_ends_alike_is_no_piece(tmp_path, shift):
    """Wherever it stands; only pieces are found by so few digits."""
    file = tmp_path / "code"
    others = [OLD[:3] + OTHER[3:], OTHER[:31] + OLD[31:]]
    text = b"".join(STORE + other + b"-hello-2.10/lib".ljust(32, b"\0") for other in others)
    pieces = code(STORE + OLD[:3], OLD[3:19], OLD[19:] + b"-he")
    file.write_bytes(pieces + bytes(shift) + text)
    assert changed(file).endswith(text)
    assert OLD[3:19] not in changed(file)


def test_a_large_file_is_searched_in_windows(tmp_path, monkeypatch):
    file = tmp_path / "text"
    name = STORE + OLD + b"-hello-2.10"
    file.write_bytes(b".".join([name] * 40))
    expected = file.read_bytes().replace(OLD, NEW)
    assert changed(file) == expected
    for limit in range(references.OVERLAP + 1, 200, 13):
        monkeypatch.setattr(references, "WHOLE_LIMIT", limit)
        assert changed(file) == expected


def test_in_files_without_code_only_whole_names_count(tmp_path):
    file = tmp_path / "text"
    file.write_bytes(OLD[:16] + b" " + OLD + OLD[4:])
    assert changed(file) == OLD[:16] + b" " + NEW + OLD[4:]
