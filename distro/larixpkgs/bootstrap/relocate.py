r"""Turn merged Debian packages into a toolchain that needs no `/lib` and no `/bin`.

This script is itself the builder's program. It runs in an empty root, by the merged tree's own Python, which
the merged tree's own dynamic loader starts:

    TREE/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 --library-path TREE/lib/x86_64-linux-gnu \
        TREE/bin/python3.11 -I -B relocate.py TREE

with the result's file name in `out`. It is standard library alone, one file, for Python 3.11. What it makes
holds no reference to TREE, and depends on TREE and `out` alone.

Five programs and the C library start commands by `/bin/sh`, compiled in. They get the name of this tree's
shell instead, which is longer and thus put elsewhere in the file. So `system`, `popen`, awk's pipes and plain
`make` work in a root without `/bin`, for what the toolchain builds as well, and wherever that runs later. In
the same way the C library gets the place of the library that it opens to end a thread.
"""

import fnmatch
import os
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

TRIPLET = "x86_64-linux-gnu"
LIBRARIES = f"lib/{TRIPLET}"
LOADER = "ld-linux-x86-64.so.2"
COMPILER = f"lib/gcc/{TRIPLET}/12"
UNWINDER = "libgcc_s.so.1"
PYTHON = "lib/python3.11"

LEFT_OUT = (
    # Debugging, profiling and link-time optimisation, which no build here asks for.
    *("bin/*lto-dump*", "bin/*gold", "bin/*dwp", "bin/*gp-*", "bin/*gprof*", "bin/*gcov*"),
    *(f"{COMPILER}/{name}" for name in ("lto1", "lib*san*", "g++-mapper-server", "plugin", "libcc1*")),
    *(f"{LIBRARIES}/{name}" for name in ("audit", "bfd-plugins", "gprofng", "lib*san*", "pkgconfig")),
    *("lib/gold-ld", "lib/compat-ld", "lib/binfmt.d", "lib/mime", "share/debianutils", "libexec/coreutils"),
    # Character sets and what is of use on a whole Debian system only.
    *(f"{LIBRARIES}/gconv", "bin/bashbug", "bin/gawkbug", "bin/clear_console", "bin/rbash"),
    *("bin/*less", "bin/*more", "bin/make-first-existing-target"),
    *("bin/iconvconfig", "bin/ld.so", "bin/ldconfig", "bin/pldd", "bin/tzselect", "bin/zdump", "bin/zic"),
    *("share/libc-bin", "share/lintian"),
    # Parts of Python that need libraries from outside, or that no build script wants.
    *(
        f"{PYTHON}/lib-dynload/{name}.*"
        for name in (
            "_ssl",
            "_hashlib",
            "_curses*",
            "readline",
            "_sqlite3",
            "_dbm",
            "_gdbm",
            "_uuid",
            "nis",
            "_crypt",
        )
    ),
    *(
        f"{PYTHON}/{name}"
        for name in ("ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "turtledemo")
    ),
)

# Names that Debian's packages make when they are installed, by scripts that are not run here.
LINKS = {
    **{
        f"bin/{name}": f"{TRIPLET}-{name}-12"
        for name in ("gcc", "g++", "cpp", "gcc-ar", "gcc-nm", "gcc-ranlib")
    },
    "bin/cc": "gcc",
    "bin/c++": "g++",
    "bin/sh": "bash",
    "bin/awk": "gawk",
    "bin/python3": "python3.11",
}

ELF_64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
PF_X, PF_R = 1, 4
PAGE = 4096
LOAD_ADDRESS = re.compile(rb"[\x48\x4c]\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d](?=....)", re.DOTALL)


class RelocationError(Exception):
    """The tree is not what this script was written for."""


def main(tree: str, output: str) -> None:
    steps: tuple[Callable[[str, str], None], ...] = (
        copy_tree,
        make_links,
        patch_programs,
        patch_shell_names,
        patch_unwinder_name,
        patch_scripts,
        patch_ldd,
        patch_python,
        patch_linker_scripts,
        write_compiler_specs,
        compile_python,
        check_references,
    )
    for step in steps:
        print(step.__name__.replace("_", " "), flush=True)
        step(tree, output)


def copy_tree(tree: str, output: str) -> None:
    """Copy what is not left out, then drop the links whose targets are gone."""

    def left_out(folder: str, names: list[str]) -> list[str]:
        below = os.path.relpath(folder, tree)
        return [name for name in names if is_left_out(os.path.normpath(os.path.join(below, name)))]

    shutil.copytree(tree, output, symlinks=True, ignore=left_out, copy_function=copy_file)
    for folder, folders, files in os.walk(output):
        os.chmod(folder, 0o755)  # noqa: S103 - the tree is in the store, where folders cannot be written
        for name in folders + files:
            path = os.path.join(folder, name)
            if os.path.islink(path) and not os.path.exists(path):
                os.unlink(path)


def is_left_out(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in LEFT_OUT)


def copy_file(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    os.chmod(target, 0o755 if os.stat(source).st_mode & 0o111 else 0o644)


def make_links(_tree: str, output: str) -> None:
    for name, target in LINKS.items():
        link = os.path.join(output, name)
        if os.path.lexists(link):
            os.unlink(link)
        os.symlink(target, link)


def regular_files(output: str) -> Iterator[str]:
    for folder, folders, files in os.walk(output):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                yield path


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def write(path: str, contents: bytes) -> None:
    with open(path, "wb") as file:
        file.write(contents)


def patch_programs(tree: str, output: str) -> None:
    """Give each program this tree's loader, and each program and library a search path relative to itself.

    A search path is wanted in libraries too: the one of a program does not reach the libraries of its
    libraries. The loader and libc look for nothing, and the loader must not be rewritten.
    """
    libraries = os.path.join(output, LIBRARIES)
    patchelf = run_from(tree, "patchelf")
    for path in regular_files(output):
        if os.path.basename(path) in {LOADER, "libc.so.6"}:
            continue
        segments = dynamic_segments(path)
        if segments is None:
            continue
        away = os.path.relpath(libraries, os.path.dirname(path))
        arguments = ["--set-rpath", "$ORIGIN" if away == "." else f"$ORIGIN/{away}"]
        if PT_INTERP in segments:
            arguments += ["--set-interpreter", os.path.join(libraries, LOADER)]
        subprocess.run([*patchelf, *arguments, path], check=True)


def dynamic_segments(path: str) -> set[int] | None:
    """Give the kinds of segments of a dynamically linked ELF file; None for any other file."""
    with open(path, "rb") as file:
        header = file.read(64)
        if len(header) < 64 or header[:6] != ELF_64_LITTLE_ENDIAN:
            return None
        (table,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(table)
        entries = file.read(size * count)
    kinds = {struct.unpack_from("<I", entries, size * index)[0] for index in range(count)}
    return kinds if PT_DYNAMIC in kinds else None


def run_from(tree: str, program: str) -> list[str]:
    """Give the words that start a program of a tree which is not relocated."""
    libraries = os.path.join(tree, LIBRARIES)
    return [os.path.join(libraries, LOADER), "--library-path", libraries, os.path.join(tree, "bin", program)]


def patch_shell_names(_tree: str, output: str) -> None:
    shell = os.fsencode(f"{output}/bin/sh")
    for path in regular_files(output):
        contents = read(path)
        if contents.startswith(ELF_64_LITTLE_ENDIAN) and b"\0/bin/sh\0" in contents:
            image = Image(path, contents)
            if image.loaded:  # an object file has no segments
                redirect(image, b"/bin/sh", shell)


def patch_unwinder_name(_tree: str, output: str) -> None:
    """The C library opens it by its bare name, and ends the program where it is not found."""
    path = os.path.join(output, LIBRARIES, "libc.so.6")
    redirect(Image(path, read(path)), UNWINDER.encode(), os.fsencode(f"{output}/{LIBRARIES}/{UNWINDER}"))


def redirect(image: "Image", old: bytes, new: bytes) -> None:
    uses = image.redirect(old, new)
    print(f"  {os.path.basename(image.path)}: {uses} uses of {old.decode()}", flush=True)
    write(image.path, bytes(image.contents))


class Segment(NamedTuple):
    """A part of an ELF file that is loaded into memory; `entry` is where the file describes it."""

    entry: int
    flags: int
    offset: int
    address: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


class Image:
    """A linked ELF file for x86-64, to have its uses of one string constant turned to another string."""

    def __init__(self, path: str, contents: bytes) -> None:
        self.path = path
        self.contents = bytearray(contents)
        (table,) = struct.unpack_from("<Q", contents, 32)
        size, count = struct.unpack_from("<HH", contents, 54)
        entries = [table + size * index for index in range(count)]
        self.loaded = [
            Segment(entry, flags, offset, address, filled)
            for entry in entries
            for kind, flags, offset, address, _, filled in [struct.unpack_from("<IIQQQQ", contents, entry)]
            if kind == PT_LOAD
        ]

    def redirect(self, old: bytes, new: bytes) -> int:
        """Put `new` into the file and let what uses `old` use it; give the number of uses."""
        start = self.contents.index(b"\0" + old + b"\0") + 1
        if self.contents.find(b"\0" + old + b"\0", start) >= 0:
            raise RelocationError(f"{self.path} holds {old!r} twice")
        (segment,) = (each for each in self.loaded if each.offset <= start < each.end)
        before = segment.address + start - segment.offset
        after = self.add_string(new)
        uses = self.redirect_code(before, after) + self.redirect_pointers(before, after)
        if not uses:
            raise RelocationError(f"no use of {old!r} found in {self.path}")
        return uses

    def add_string(self, text: bytes) -> int:
        """Put a string behind a read-only segment, where its last page is padded; give its address."""
        for segment, following in pairwise(self.loaded):
            room = min(-(segment.address + segment.size) % PAGE, following.offset - segment.end)
            wanted = len(text) + 1
            if segment.flags == PF_R and wanted <= room and not any(self.contents[segment.end :][:wanted]):
                self.contents[segment.end : segment.end + wanted] = text + b"\0"
                size = struct.pack("<QQ", segment.size + wanted, segment.size + wanted)
                self.contents[segment.entry + 32 : segment.entry + 48] = size
                return segment.address + segment.size
        raise RelocationError(f"no room for {text!r} in {self.path}")

    def redirect_code(self, before: int, after: int) -> int:
        """Code takes the address of a constant by `lea`, relative to the next instruction."""
        uses = 0
        for segment in self.loaded:
            if segment.flags & PF_X:
                for match in LOAD_ADDRESS.finditer(bytes(self.contents[segment.offset : segment.end])):
                    place = segment.offset + match.start() + 3
                    following = segment.address + match.start() + 7
                    if following + struct.unpack_from("<i", self.contents, place)[0] == before:
                        struct.pack_into("<i", self.contents, place, after - following)
                        uses += 1
        return uses

    def redirect_pointers(self, before: int, after: int) -> int:
        """Data and relocations hold the address itself, as a word."""
        old, new = struct.pack("<Q", before), struct.pack("<Q", after)
        uses = 0
        place = self.contents.find(old)
        while place >= 0:
            if place % 8 == 0:
                self.contents[place : place + 8] = new
                uses += 1
            place = self.contents.find(old, place + 1)
        return uses


def patch_scripts(_tree: str, output: str) -> None:
    """Let scripts name this tree's interpreters."""
    known = re.compile(rb"\A#! ?(?:/usr)?/bin/(?:env )?(\w+)")
    for path in regular_files(output):
        contents = read(path)
        if (line := known.match(contents)) is None:
            continue
        interpreter = os.path.join(output, "bin", line[1].decode())
        if os.path.exists(interpreter):
            write(path, b"#!" + os.fsencode(interpreter) + contents[line.end() :])


def patch_ldd(_tree: str, output: str) -> None:
    """The script asks the loaders that it knows by name."""
    loader = os.path.join(output, LIBRARIES, LOADER)
    path = os.path.join(output, "bin/ldd")
    known = re.compile(rb"^RTLDLIST=.*$", re.MULTILINE)
    contents, count = known.subn(os.fsencode(f'RTLDLIST="{loader}"'), read(path))
    if count != 1:
        raise RelocationError(f"{path} names its loaders otherwise than expected")
    write(path, contents)


def patch_python(_tree: str, output: str) -> None:
    """`subprocess` starts the shell by a name of its own."""
    path = os.path.join(output, PYTHON, "subprocess.py")
    replace(path, b"'/bin/sh'", os.fsencode(f"'{output}/bin/sh'"))


def patch_linker_scripts(_tree: str, output: str) -> None:
    """Let the texts that stand for `libc.so` and `libm.so` name the libraries beside them."""
    for name in ("libc.so", "libm.so", "libm.a"):
        path = os.path.join(output, LIBRARIES, name)
        contents = read(path)
        if not contents.startswith(b"/* GNU ld script"):
            raise RelocationError(f"{path} is not a linker script")
        write(path, re.sub(rb"(?:/usr)?/lib(?:64)?/(?:x86_64-linux-gnu/)?", b"", contents))


def write_compiler_specs(_tree: str, output: str) -> None:
    """Tell GCC where its headers, its libraries and the loader are, by a file that it reads by itself.

    The system root makes headers found; the search path makes programs find libc and libgcc where they run.
    Both hang on no `--sysroot` being given: `gcc --sysroot=/` knows nothing of this tree, and can build for
    another libc. What links learns of it by a warning, off anyhow, that is turned off once more: GCC has
    no other switch that is kept, changes nothing and suits all languages. Given to each call as `-Wl`, the
    search path would leave something to link even to `gcc -v`, which fails then. It stands behind all others,
    so that libraries of this tree do not hide those of packages.
    """
    gcc = os.path.join(output, "bin/gcc")
    environment = {"PATH": os.path.join(output, "bin"), "LC_ALL": "C"}
    specs = subprocess.run([gcc, "-dumpspecs"], env=environment, stdout=subprocess.PIPE, check=True).stdout
    path = os.path.join(output, COMPILER, "specs")
    write(path, specs)
    libraries = os.path.join(output, LIBRARIES)
    replace(path, b"/lib64/" + LOADER.encode(), os.fsencode(os.path.join(libraries, LOADER)))
    mark = "Wno-disabled-optimization"
    replace(
        path,
        b"*self_spec:\n\n",
        os.fsencode(f"*self_spec:\n%{{!-sysroot=*:--sysroot={output} -{mark}}}\n"),
    )
    search_path = f"%{{{mark}:%{{!static:%{{!static-pie:%{{!r:-rpath {libraries}}}}}}}}}"
    replace(path, b" %{T*} ", os.fsencode(f" {search_path} %{{T*}} "))


def replace(path: str, old: bytes, new: bytes) -> None:
    contents = read(path)
    if old not in contents:
        raise RelocationError(f"{path} does not contain {old!r}")
    write(path, contents.replace(old, new))


def compile_python(_tree: str, output: str) -> None:
    """Compile the standard library once, so that builds need not each time.

    The files tell nothing of times (PEP 552, unchecked), a fixed hash seed keeps the order in constant sets,
    and the files come in one order, since what is written of one depends a little on those before it.
    """
    program = (
        "import os, py_compile, sys\n"
        "for path in sys.stdin.read().splitlines():\n"
        "    py_compile.compile(path, doraise=True, quiet=1,\n"
        "                       invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)\n"
    )
    sources = [path for path in regular_files(os.path.join(output, PYTHON)) if path.endswith(".py")]
    subprocess.run(
        [os.path.join(output, "bin/python3"), "-B", "-S", "-c", program],
        input="\n".join(sources).encode(),
        env={"PYTHONHASHSEED": "0", "LC_ALL": "C"},
        check=True,
    )


def check_references(tree: str, output: str) -> None:
    """Refuse a result that would keep the merged packages alive."""
    unique = os.fsencode(os.path.basename(tree)[:32])
    for folder, folders, files in os.walk(output):
        for path in (os.path.join(folder, name) for name in folders + files):
            if os.path.islink(path):
                contents = os.fsencode(os.readlink(path))
            elif os.path.isfile(path):
                contents = read(path)
            else:
                continue
            if unique in contents:
                raise RelocationError(f"{path} still refers to {tree}")


if __name__ == "__main__":
    main(sys.argv[1], os.environ["out"])  # noqa: SIM112 - named after the output
