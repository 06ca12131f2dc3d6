"""Packages for `test_grafts.py`: read as a folder of packages, in a store with the real toolchain."""

from pathlib import Path

from larix.buildside.files import mkdir_p
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Package, licenses

COMPILED = standard_phases.delete("configure", "check", "install")


def package(name, version, **fields):
    given = {
        "source": None,
        "build_system": gnu,
        "synopsis": "Part of a test",
        "description": "A part of a test.",
        "home_page": None,
        "license": licenses.expat,
    }
    return Package(name=name, version=version, **(given | fields))


def library(greeting):
    def build(*, outputs, **_):
        out = outputs["out"]
        Path("greet.c").write_text(
            "#include <string.h>\n"
            f'const char *greeting(void) {{ return "{greeting}"; }}\n'
            f'void where(char *room) {{ strcpy(room, "{out}/share/greet"); }}\n'
        )
        mkdir_p(out / "lib")
        file = out / "lib" / "libgreet.so"
        invoke("gcc", "-O2", "-shared", "-fPIC", "-Wl,-soname,libgreet.so", "-o", file, "greet.c")

    return {"phases": COMPILED.replace("build", build)}


def build_program(*, outputs, inputs, **_):
    greet = inputs["greet"]
    Path("hi.c").write_text(
        "#include <stdio.h>\n#include <string.h>\n"
        "const char *greeting(void);\nvoid where(char *);\n"
        "static char room[500], own[500];\n"
        f'int main(void) {{ where(room); strcpy(own, "{greet}/share/own/file");\n'
        "puts(greeting()); puts(room); puts(own); return 0; }\n"
    )
    mkdir_p(outputs["out"] / "bin")
    link = (f"-L{greet}/lib", f"-Wl,-rpath,{greet}/lib", "-lgreet")
    invoke("gcc", "-O2", "-o", outputs["out"] / "bin" / "hi", "hi.c", *link)
    mkdir_p(outputs["doc"] / "share")
    (outputs["doc"] / "share" / "hi").write_text(f"The program is {outputs['out']}/bin/hi.\n")


def build_links(*, outputs, inputs, **_):
    mkdir_p(outputs["out"] / "bin")
    for name, file in inputs.items():
        (outputs["out"] / "bin" / name).symlink_to(file / "bin" / name)


greet_fixed = package("greet", "1.0.1", arguments=library("fixed"))
greet = package("greet", "1.0", arguments=library("broken"), replacement=greet_fixed)
greet_third = package("greet-third", "7", arguments=library("a third"))
hi = package(
    "hi",
    "1.0",
    outputs=("out", "doc"),
    inputs=lambda: [greet],
    arguments={"phases": COMPILED.replace("build", build_program)},
)
wrapped = package(
    "wrapped",
    "1.0",
    inputs=lambda: [hi],
    arguments={"phases": COMPILED.replace("build", build_links)},
)


def build_processor(*, outputs, **_):
    Path("cpu.c").write_text(
        "#include <stdio.h>\nint main(void) {\n"
        '#ifdef __AVX2__\nputs("avx2");\n#else\nputs("any");\n#endif\n'
        '#ifdef TOOLCHAIN\nputs("another compiler");\n#endif\nreturn 0; }\n'
    )
    mkdir_p(outputs["out"] / "bin")
    invoke("gcc", "-O2", "-g", "-o", outputs["out"] / "bin" / "cpu", "cpu.c")


cpu = package(
    "cpu",
    "1.0",
    properties={"tunable": True},
    arguments={"phases": COMPILED.replace("build", build_processor)},
)
uses_cpu = package(
    "uses-cpu",
    "1.0",
    inputs=lambda: [cpu],
    arguments={"phases": COMPILED.replace("build", build_links)},
)


def build_compiler(*, outputs, toolchain, shell, **_):
    mkdir_p(outputs["out"] / "bin")
    script = outputs["out"] / "bin" / "gcc"
    script.write_text(f'#!{shell}\nexec {toolchain[0]}/bin/gcc -DTOOLCHAIN "$@"\n')
    script.chmod(0o755)


compiler = package("compiler", "1.0", arguments={"phases": COMPILED.replace("build", build_compiler)})

CONFIGURE = """\
shared=yes
for flag; do case $flag in --disable-shared) shared=no ;; --prefix=*) prefix=${flag#*=} ;; esac; done
sed -e "s|@SHARED@|$shared|g" -e "s|@PREFIX@|$prefix|g" Makefile.in > Makefile
"""
LIBRARY = """\
all:
\techo 'int number(void) { return 42; }' > n.c
\tgcc -fPIC -c n.c
\tif test @SHARED@ = yes; then gcc -shared -Wl,-soname,libn.so -o libn.so n.o; else ar rcs libn.a n.o; fi
install:
\tmkdir -p @PREFIX@/lib && cp libn.* @PREFIX@/lib
"""
PROGRAM = """\
all:
\techo 'int number(void); int main(void) { return number(); }' > m.c
\tgcc -o answer m.c $(LIBRARY) -ln $(LDFLAGS)
install:
\tmkdir -p @PREFIX@/bin && cp answer @PREFIX@/bin
"""


def written(makefile):
    def write_source(**_):
        Path("configure").write_text(CONFIGURE)
        Path("Makefile.in").write_text(makefile)

    return standard_phases.replace("unpack", write_source).delete("check")


def find_number(inputs):
    return [f"LIBRARY=-L{inputs['number']}/lib"]


number = package("number", "1", arguments={"phases": written(LIBRARY)})
answer = package(
    "answer",
    "1",
    inputs=lambda: [number],
    arguments={
        "phases": written(PROGRAM),
        "make_flags": find_number,
    },
)
