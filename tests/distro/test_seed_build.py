"""The seed and hello, really built, in a store of their own; it takes minutes and the network."""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING

import pytest

from larix.builder import realise
from larix.derivation import Lowered, derivation
from larix.formats.storepath import StoreDir, StorePath
from larix.packages.toolchain import lowering_for
from larix.protocol import BuildOptions, BuildTarget
from larix.store import Layout, LocalStore, open_local_store
from larix.store.atomic import remove_tree
from larixpkgs.bootstrap.seed import seed
from larixpkgs.packages.hello import hello

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from larix.staging.lower import Lowering

pytestmark = [pytest.mark.build, pytest.mark.slow]

SYSTEM = "x86_64-linux"
CHECK = BuildOptions(check=True)


@pytest.fixture(scope="module")
def store() -> Iterator[LocalStore]:
    """Build users read the store, so it cannot be below pytest's folder, which is private."""
    base = tempfile.mkdtemp(prefix="larix-test-")
    os.chmod(base, 0o755)
    try:
        with open_local_store(Layout(StoreDir(f"{base}/store"), f"{base}/var", f"{base}/var/log")) as opened:
            yield opened
    finally:
        remove_tree(base)


@pytest.fixture(scope="module")
def lowering(store: LocalStore) -> Lowering:
    return lowering_for(store.store_dir, SYSTEM)


def build(store: LocalStore, lowered: Lowered, options: BuildOptions | None = None) -> StorePath:
    store.instantiate([lowered])
    (result,) = realise(store, [BuildTarget(lowered.path)], options)
    return result.outputs["out"]


@pytest.fixture(scope="module")
def tree(store: LocalStore, lowering: Lowering) -> StorePath:
    """The seed's store item."""
    origin = lowering.lower(seed).origin
    assert isinstance(origin, Lowered)
    return build(store, origin)


def run_in_room(store: LocalStore, lowering: Lowering, name: str, script: str) -> str:
    """What a shell script of the seed leaves in its output, in a root without /bin, /lib and /usr."""
    item = lowering.lower(seed)
    assert isinstance(item.origin, Lowered)
    lowered = derivation(
        name,
        store_dir=store.store_dir,
        system=SYSTEM,
        builder=f"{item.path}/bin/bash",
        args=["-ec", f"export PATH={item.path}/bin\n{script}"],
        inputs=[(item.origin, ("out",))],
    )
    with open(build(store, lowered), encoding="utf-8") as output:
        return output.read()


def test_the_seed_comes_out_the_same_twice(store: LocalStore, lowering: Lowering, tree: StorePath) -> None:
    origin = lowering.lower(seed).origin
    assert isinstance(origin, Lowered)
    assert build(store, origin, CHECK) == tree


def test_the_seed_refers_to_itself_alone(store: LocalStore, tree: StorePath) -> None:
    assert set(store.references(tree)) == {tree}


def test_programs_start_shells_without_bin_sh(store: LocalStore, lowering: Lowering, tree: StorePath) -> None:
    """All the ways in which the C library and the seed's programs run a command line."""
    source = r"""
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>
        #include <wordexp.h>
        #include <sys/wait.h>
        int main(void) {
            char line[99] = "nothing\n";
            wordexp_t words;
            setvbuf(stdout, 0, _IONBF, 0);
            printf("system %d\n", system("echo from system"));
            FILE *pipe = popen("echo from popen", "r");
            if (pipe && fgets(line, sizeof line, pipe)) fputs(line, stdout);
            if (pipe) pclose(pipe);
            if (!wordexp("$(echo from wordexp)", &words, 0)) puts(words.we_wordv[0]);
            if (!fork()) { execlp("./script", "script", (char *)0); _exit(1); }
            wait(0);
            return 0;
        }
    """
    output = run_in_room(
        store,
        lowering,
        "shells",
        f"""
        cat > program.c <<'END'
{source}
END
        echo 'echo from a script without an interpreter' > script
        chmod +x script
        gcc program.c -o program
        {{
            ./program
            gawk 'BEGIN {{ system("echo from awk"); "echo from its pipe" | getline x; print x }}'
            printf 'all:\\n\\t@echo "from" && echo make\\n' > makefile
            make -s
            sed -n '1e echo from sed' makefile
            echo x > file
            tar -czf file.tar.gz file
            tar -tzf file.tar.gz
            python3 -c 'import subprocess; subprocess.run("echo from python", shell=True)'
        }} > $out
        """,
    )
    assert output.splitlines() == [
        "from system",
        "system 0",
        "from popen",
        "from",
        "from a script without an interpreter",
        "from awk",
        "from its pipe",
        "from",
        "make",
        "from sed",
        "file",
        "from python",
    ]


def test_threads_end_in_programs_that_do_not_link_the_unwinder(
    store: LocalStore, lowering: Lowering, tree: StorePath
) -> None:
    """The C library opens it then, and there is no directory in which it would look for a bare name."""
    output = run_in_room(
        store,
        lowering,
        "threads",
        r"""
        cat > program.c <<END
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void tidy(void *word) { puts(word); fflush(stdout); }
static void *leave(void *word) { pthread_cleanup_push(tidy, word); pthread_exit(0); pthread_cleanup_pop(0); }
static void *stay(void *word) { pthread_cleanup_push(tidy, word); for (;;) pause(); pthread_cleanup_pop(0); }
int main(void) {
    pthread_t thread;
    pthread_create(&thread, 0, leave, "left");
    pthread_join(thread, 0);
    pthread_create(&thread, 0, stay, "cancelled");
    pthread_cancel(thread);
    pthread_join(thread, 0);
    return 0;
}
END
        gcc program.c -o program
        ./program > $out
        ldd program >> $out
        """,
    )
    left, *rest = output.splitlines()
    assert left == "left"
    assert "libgcc_s" not in output
    assert rest[0] == "cancelled" or rest[0].split()[0].endswith(".so.6")  # cancelled before it began


def test_compilers_tell_what_they_are_and_search_other_folders_first(
    store: LocalStore, lowering: Lowering, tree: StorePath
) -> None:
    """Libtool asks `g++ -v`, and then links C++ libraries by itself, with -nostdlib."""
    output = run_in_room(
        store,
        lowering,
        "compilers",
        """
        echo 'int f(int n) { return n; }' | tee f.c > f.cc
        for each in 'gcc f.c' 'g++ f.cc' 'gcc --sysroot=/ f.c'; do
            ${each% *} -v 2> /dev/null
            $each -Wall -Werror -fPIC -shared -nostdlib -Wl,-rpath,/first -o f.so
            readelf -d f.so | sed -n "s|.*runpath: |$each |p" >> $out
        done
        """,
    )
    libraries = f"{tree}/lib/x86_64-linux-gnu"
    assert output.splitlines() == [
        f"gcc f.c [/first:{libraries}]",
        f"g++ f.cc [/first:{libraries}]",
        "gcc --sysroot=/ f.c [/first]",
    ]


def test_the_room_has_nothing_but_what_the_build_declares(
    store: LocalStore, lowering: Lowering, tree: StorePath
) -> None:
    output = run_in_room(store, lowering, "places", f"echo /* > $out; ls {store.store_dir} >> $out")
    top, *items = output.splitlines()
    assert not {"/bin", "/lib", "/lib64", "/usr", "/home", "/root", "/var"} & set(top.split())
    assert [item for item in items if not item.endswith("-places")] == [os.path.basename(tree)]


def test_compiled_programs_use_libraries_of_the_store(
    store: LocalStore, lowering: Lowering, tree: StorePath
) -> None:
    output = run_in_room(
        store,
        lowering,
        "libraries",
        """
        cat > a.cc <<END
#include <iostream>
int main() { std::cout << "hi" << std::endl; }
END
        g++ a.cc -o a
        ./a > $out
        $(dirname $(type -p bash))/../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 --list ./a >> $out
        """,
    )
    greeting, *libraries = output.splitlines()
    assert greeting == "hi"
    found = [line.split("=>")[1].split()[0] for line in libraries if "=>" in line]
    assert found
    assert all(os.path.realpath(name).startswith(f"{tree}/lib/") for name in found)


def test_hello_greets_and_comes_out_the_same_twice(
    store: LocalStore, lowering: Lowering, tree: StorePath, tmp_path: Path
) -> None:
    origin = lowering.lower(hello).origin
    assert isinstance(origin, Lowered)
    item = build(store, origin)
    greeting = subprocess.run(
        [f"{item}/bin/hello"], stdout=subprocess.PIPE, text=True, check=True, cwd=tmp_path
    )
    assert greeting.stdout == "Hello, world!\n"
    assert set(store.references(item)) <= {item, tree}
    assert build(store, origin, CHECK) == item
