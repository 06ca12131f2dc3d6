"""The rows of the table: each prepares the same work for both programs and measures them in turn."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator

from catalogue import write_catalogue
from measure import Bar, Comparison, Failed, Side, clear, measure_in_turn
from scratch import BENCH, LARIX, Scratch, find_program, larix_script

GIGABYTE = 1 << 30
TREE_FILES = 50_000
Row = Callable[[Scratch, int], Iterator[Comparison]]


def compare(
    row: str,
    work: str,
    bar: Bar,
    *,
    nix: Side,
    larix: Side,
    runs: int,
    reference: tuple[str, Side] | None = None,
    above_reference: bool = False,
) -> Comparison:
    sides = [nix, larix, *([reference[1]] if reference else [])]
    samples = measure_in_turn(sides, runs)
    beside = (reference[0], samples[2]) if reference else None
    return Comparison(row, work, bar, samples[0], samples[1], beside, above_reference)


def instantiate(scratch: Scratch, runs: int, row: str, count: int, bar: Bar, *, warm: bool) -> Comparison:
    """Rows A: the graph of `graph.nix` and `graph.py`. Refuses to compare when the names differ."""
    sources = scratch.file("sources")
    if not os.path.isdir(sources):
        os.mkdir(sources)
        for j in range(50):
            with open(os.path.join(sources, str(j)), "w", encoding="ascii") as file:
                file.write(f"source {j}\n")
    nix = ["nix-instantiate", os.path.join(BENCH, "graph.nix"), "--argstr", "n", str(count)]
    nix += ["--arg", "sources", sources, "--argstr", "shell", "/bin/sh"]
    scratch.start_empty()
    scratch.keep_as("empty")
    names = scratch.nix_output(*nix)
    ours = scratch.nix_output(*larix_script("graph.py", "--names", str(count), sources, scratch.store))
    if names != ours:
        raise Failed(f"{row}: the two sides name other derivations")
    template = None if warm else "empty"
    return compare(
        row,
        f"instantiate {count:,} derivations, {'warm' if warm else 'cold'} store",
        bar,
        nix=scratch.nix(*nix, template=template),
        larix=scratch.larix(*larix_script("graph.py", str(count), sources), template=template),
        runs=runs,
    )


def row_a1(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    yield instantiate(scratch, runs, "A1", 292, Bar(1.0, 0.5), warm=False)


def row_a2(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    yield instantiate(scratch, runs, "A2", 3_000, Bar(0.6, 0.3), warm=False)
    yield instantiate(scratch, runs, "A2", 30_000, Bar(0.6, 0.3), warm=False)


def row_a3(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    yield instantiate(scratch, runs, "A3", 292, Bar(2.0, 1.0), warm=True)
    yield instantiate(scratch, runs, "A3", 30_000, Bar(1.0, 0.1), warm=True)


def row_a4(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    with scratch.daemons():
        for count in (292, 3_000):
            found = instantiate(scratch, runs, "A4", count, Bar(0.4, 0.15), warm=False)
            yield found._replace(work=f"{found.work}, through a daemon")


def trivial_builds(scratch: Scratch, count: int) -> list[str]:
    """Instantiate independent trivial builds in an empty store; the template is called `builds`."""
    scratch.start_empty()
    shell = scratch.add(find_program("bash-static", "bash-static"))
    derivations = scratch.nix_output(
        "nix-instantiate",
        os.path.join(BENCH, "builds.nix"),
        *("--argstr", "kind", "trivial", "--argstr", "count", str(count), "--argstr", "shell", shell),
    )
    scratch.keep_as("builds")
    return derivations


def realise(scratch: Scratch, derivations: list[str], template: str | None) -> tuple[Side, Side]:
    return (
        scratch.nix("nix-store", "--realise", "-j2", "--quiet", *derivations, template=template),
        scratch.larix(LARIX, "build", "--max-jobs=2", "--verbosity=0", *derivations, template=template),
    )


def builds(scratch: Scratch, runs: int, row: str, count: int, bar: Bar) -> Comparison:
    nix, larix = realise(scratch, trivial_builds(scratch, count), "builds")
    work = "one trivial build" if count == 1 else f"{count:,} independent trivial builds"
    return compare(row, f"{work}, sandboxed", bar, nix=nix, larix=larix, runs=runs)


def row_b1(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    yield builds(scratch, runs, "B1", 1, Bar(2.0, 1.0, of="cpu"))


def row_b2(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    yield builds(scratch, runs, "B2", 100, Bar(1.0, 0.4))


def row_b3(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    yield builds(scratch, runs, "B3", 1_000, Bar(0.4, 0.1))


def row_b5(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    """B2 and B3 through the daemons, which know the number of jobs by their own settings."""
    for count, bar in ((100, Bar(1.0, 0.4)), (1_000, Bar(0.4, 0.1))):
        with scratch.daemons():
            found = builds(scratch, runs if count == 100 else min(runs, 2), "B5", count, bar)
            yield found._replace(work=f"{found.work}, through a daemon")


def row_b4(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    derivations = trivial_builds(scratch, 300)
    scratch.nix_output("nix-store", "--realise", "-j2", "--quiet", *derivations)
    nix, larix = realise(scratch, derivations, None)
    yield compare("B4", "is it built? 300 valid outputs", Bar(1.5, 1.0), nix=nix, larix=larix, runs=runs)


def big_file(scratch: Scratch) -> str:
    """One file of a GiB, of bytes that do not compress."""
    file = scratch.file("big")
    if not os.path.exists(file):
        with open(file, "wb") as stream:
            stream.writelines(os.urandom(1 << 20) for _ in range(GIGABYTE >> 20))
    return file


def big_tree(scratch: Scratch) -> str:
    """50,000 files in 500 folders, 1 GB together, most of them small as in real trees."""
    folder = scratch.file("tree")
    if not os.path.exists(folder):
        chance = random.Random(1)
        weights = [chance.paretovariate(1.2) for _ in range(TREE_FILES)]
        share = GIGABYTE / sum(weights)
        for number, weight in enumerate(weights):
            inside = os.path.join(folder, f"folder-{number % 500}")
            os.makedirs(inside, exist_ok=True)
            with open(os.path.join(inside, f"file-{number}"), "wb") as stream:
                stream.write(chance.randbytes(int(weight * share)))
    return folder


def hash_sides(scratch: Scratch, file: str) -> tuple[Side, Side]:
    nix = scratch.nix("nix-hash", "--type", "sha256", "--base32", file)
    return nix, scratch.larix(LARIX, "hash", "--serializer=nar", file)


def row_c1(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    file = big_file(scratch)
    limit = scratch.nix("openssl", "sha256", file)
    work = "NAR hash of one file of 1 GiB"
    nix, larix = hash_sides(scratch, file)
    yield compare(
        "C1", work, Bar(1.1, 1.0), nix=nix, larix=larix, runs=runs, reference=("openssl sha256", limit)
    )


def row_c2(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    work = "NAR hash of 50,000 files, 1 GB"
    nix, larix = hash_sides(scratch, big_tree(scratch))
    yield compare("C2", work, Bar(1.5, 0.8), nix=nix, larix=larix, runs=runs)


def row_d1(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    tree = big_tree(scratch)
    scratch.start_empty()
    scratch.keep_as("empty")
    plain = scratch.nix("cp", "-r", tree, os.path.join(scratch.store, "copy"), template="empty")
    yield compare(
        "D1",
        "add that tree to the store",
        Bar(1.2, 0.8),
        nix=scratch.nix("nix-store", "--add", tree, template="empty"),
        larix=scratch.larix(*larix_script("add.py", tree), template="empty"),
        runs=runs,
        reference=("cp -r", plain),
    )


def row_d2(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    scratch.start_empty()
    shell = scratch.add(find_program("bash-static", "bash-static"))
    busybox = scratch.add(find_program("busybox", "busybox-static"))
    file = scratch.add(big_file(scratch))
    arguments = {"kind": "copy", "shell": shell, "busybox": busybox, "file": file}
    options = [part for name, value in arguments.items() for part in ("--argstr", name, value)]
    derivations = scratch.nix_output("nix-instantiate", os.path.join(BENCH, "builds.nix"), *options)
    output = scratch.nix_output("nix-store", "--query", "--outputs", *derivations)[0]

    def forget_output() -> None:
        scratch.nix_output("nix-store", "--delete", output)
        os.sync()

    scratch.nix_output("nix-store", "--realise", "--quiet", *derivations)
    nix, larix = (side._replace(prepare=forget_output) for side in realise(scratch, derivations, None))
    copied = scratch.file("copied")

    def forget_copy() -> None:
        if os.path.exists(copied):
            os.unlink(copied)
        os.sync()

    plain = Side(
        [find_program("busybox", "busybox-static"), "cp", file, copied], scratch.nix_environment, forget_copy
    )
    yield compare(
        "D2",
        "build with a 1 GiB output, above the copying itself",
        Bar(1.0, 0.6),
        nix=nix,
        larix=larix,
        runs=runs,
        reference=("busybox cp", plain),
        above_reference=True,
    )


def row_d3(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    tree = big_tree(scratch)
    scratch.start_empty()
    scratch.add(tree)
    scratch.keep_as("added")
    yield compare(
        "D3",
        "optimise that tree, first time",
        Bar(1.0, 0.7),
        nix=scratch.nix("nix-store", "--optimise", template="added"),
        larix=scratch.larix(LARIX, "gc", "--optimize", template="added"),
        runs=runs,
    )


def half_dead(scratch: Scratch) -> None:
    """A store of 20,000 items, half of which some 500 roots keep."""
    scratch.start_empty()
    filled = scratch.larix(*larix_script("fill.py", scratch.store, scratch.var, "20000"))
    measure_in_turn([filled], 1)
    dead = scratch.nix_output("nix-store", "--gc", "--print-dead")
    if len(dead) != 10_000:
        raise Failed(f"{len(dead)} items are dead, not 10,000")


def row_f1(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    half_dead(scratch)
    yield compare(
        "F1",
        "list dead among 20,000 paths",
        Bar(1.0, 0.4),
        nix=scratch.nix("nix-store", "--gc", "--print-dead"),
        larix=scratch.larix(LARIX, "gc", "--list-dead"),
        runs=runs,
    )


def row_f2(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    half_dead(scratch)
    scratch.keep_as("half-dead")
    yield compare(
        "F2",
        "collect 10,000 dead paths",
        Bar(1.0, 0.7),
        nix=scratch.nix("nix-store", "--gc", "--quiet", template="half-dead"),
        larix=scratch.larix(LARIX, "gc", template="half-dead"),
        runs=runs,
    )


def packages_in_store(scratch: Scratch) -> list[str]:
    """200 store items of 100 files each, to make a profile of; the template is called `packages`."""
    scratch.start_empty()
    items: list[str] = []
    for number in range(200):
        package = scratch.file(f"package{number}-1.0")
        for kind in ("bin", "share"):
            folder = os.path.join(package, kind, *([] if kind == "bin" else [f"package{number}"]))
            os.makedirs(folder, exist_ok=True)
            for count in range(50):
                with open(os.path.join(folder, f"file-{number}-{count}"), "w", encoding="ascii") as stream:
                    stream.write(f"{number} {count}\n")
        items.append(scratch.add(package))
    scratch.keep_as("packages")
    return items


def row_g1(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    items = packages_in_store(scratch)
    profile = os.path.join(scratch.var, "profiles", "bench")
    yield compare(
        "G1",
        "profile of 200 packages of 100 files each",
        Bar(1.0, 0.5),
        nix=scratch.nix("nix-env", "--quiet", "-p", profile, "-i", *items, template="packages"),
        larix=scratch.larix(
            LARIX, "package", "--verbosity=0", f"--profile={profile}", "-i", *items, template="packages"
        ),
        runs=runs,
    )


def row_g2(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    items = packages_in_store(scratch)[:2]
    profile = os.path.join(scratch.var, "profiles", "bench")
    for number in range(len(items)):
        scratch.nix_output("nix-env", "--quiet", "-p", profile, "-i", *items[: number + 1])
    scratch.keep_as("nix-generations")
    scratch.restore("packages")
    for item in items:
        larix = scratch.larix(LARIX, "package", "--verbosity=0", f"--profile={profile}", "-i", item)
        measure_in_turn([larix], 1)
    scratch.keep_as("larix-generations")
    yield compare(
        "G2",
        "roll back",
        Bar(3.0, 2.0),
        nix=scratch.nix("nix-env", "-p", profile, "--rollback", template="nix-generations"),
        larix=scratch.larix(
            LARIX, "package", f"--profile={profile}", "--roll-back", template="larix-generations"
        ),
        runs=runs,
    )


def row_h1(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    yield compare(
        "H1",
        "`--version`",
        Bar(0.06, 0.04, of="cpu", absolute=True),
        nix=scratch.nix("nix-store", "--version"),
        larix=scratch.larix(LARIX, "--version"),
        runs=runs * 4,
    )


def synthetic_catalogue(scratch: Scratch, count: int) -> str:
    """A folder of so many package modules."""
    folder = scratch.file(f"catalogue-{count}")
    if not os.path.isdir(folder):
        write_catalogue(count, folder)
    return folder


def nix_catalogue(scratch: Scratch, count: int, *words: str) -> Side:
    """The same number of packages in one expression, evaluated by Nix."""
    file = os.path.join(BENCH, "catalogue.nix")
    return scratch.nix("nix-env", "-f", file, "--argstr", "n", str(count), "-qa", *words)


def row_h2(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    scratch.start_empty()
    count = 10_000
    folder = synthetic_catalogue(scratch, count)
    module = os.path.join(folder, sorted(os.listdir(folder))[count // 2])
    name = os.path.basename(module).removeprefix("p_").removesuffix(".py").replace("_", "-")
    queries = {
        "list all": (("package", "-A"), ()),
        "list by expression": (("package", "-A", "^python-al"), ("package77.*",)),
        "search a word": (("search", "gnobrimar"), (".*7777.*",)),
        "search two expressions": (("search", "compil.*mail", "genotype"), (".*7.*7.*",)),
        "show one": (("show", name), ("package7",)),
    }
    limit = Bar(0.3, 0.1, of="cpu", absolute=True)
    for work, (words, nix_words) in queries.items():
        larix = scratch.larix(LARIX, words[0], f"--load-path={folder}", *words[1:])
        measure_in_turn([larix], 1)
        nix = nix_catalogue(scratch, count, *nix_words)
        yield compare("H2", f"{work}, of {count:,} packages", limit, nix=nix, larix=larix, runs=runs)
    larix = scratch.larix(LARIX, "show", f"--load-path={folder}", name)
    nix = nix_catalogue(scratch, count, "package7")
    changed = larix._replace(prepare=lambda: os.utime(module))
    work = "show one, after a module changed"
    yield compare("H2", work, Bar(1.0, 0.5, of="cpu", absolute=True), nix=nix, larix=changed, runs=runs)
    cold = larix._replace(prepare=lambda: clear(scratch.file("home/.cache")))
    work = f"show one, {count:,} modules never read before"
    yield compare("H2", work, Bar(20, 10, of="cpu", absolute=True), nix=nix, larix=cold, runs=min(runs, 3))


def row_h3(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    scratch.start_empty()
    distribution = scratch.larix(*larix_script("evaluate.py"))
    nix = nix_catalogue(scratch, 200, "--drv-path")
    measure_in_turn([distribution], 1)
    work = "evaluate the distribution (Nix: 200 small derivations)"
    yield compare("H3", work, Bar(2, 1, of="cpu", absolute=True), nix=nix, larix=distribution, runs=runs)
    count = 2_000
    synthetic = scratch.larix(*larix_script("evaluate.py", synthetic_catalogue(scratch, count)))
    nix = nix_catalogue(scratch, count, "--drv-path")
    measure_in_turn([synthetic], 1)
    work = f"evaluate it and {count:,} packages more (Nix: small derivations)"
    yield compare(
        "H3", work, Bar(5, 2.5, of="cpu", absolute=True), nix=nix, larix=synthetic, runs=min(runs, 3)
    )


def closure_of_files(scratch: Scratch, size: int) -> list[str]:
    """Store items of 16 MiB and more, made of this machine's own programs, libraries and texts."""
    items: list[str] = []
    folder = scratch.file("item")
    left, filled, number = size, 0, 0
    for top in ("/usr/bin", "/usr/lib", "/usr/share", "/usr/include"):
        for inside, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                file = os.path.join(inside, name)
                if left <= 0 or os.path.islink(file) or not os.access(file, os.R_OK):
                    continue
                os.makedirs(folder + inside, exist_ok=True)
                shutil.copyfile(file, folder + file)
                filled += os.path.getsize(file)
                if filled >= 16 << 20 or filled >= left:
                    named = scratch.file(f"part{number}")
                    os.rename(folder, named)
                    items.append(scratch.add(named))
                    clear(named)
                    left, filled, number = left - filled, 0, number + 1
    if left > 0:
        raise Failed("this machine has too few files to make a closure of")
    return items


def row_p1(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    """An image of 1 GB. No Nix makes any by itself: beside it stand `tar` and `gzip`."""
    scratch.start_empty()
    items = closure_of_files(scratch, GIGABYTE)
    packed = scratch.file("packed.tar.gz")
    tar = f"tar --create --sort=name --directory={scratch.store} . | gzip"
    gzip = scratch.nix("bash", "-c", f"{tar} > {packed}")
    fast = scratch.nix("bash", "-c", f"{tar} -1 > {packed}")
    larix = scratch.larix(LARIX, "pack", "-v0", "-f", "docker", *items)

    def forget_pack() -> None:
        for name in os.listdir(scratch.store):
            if name.endswith("-pack.tar.gz"):
                scratch.nix_output("nix-store", "--delete", os.path.join(scratch.store, name))
        os.sync()

    yield compare(
        "P1",
        f"Docker image of {len(items)} items, 1 GiB (Nix: `tar | gzip`)",
        Bar(12, 4, absolute=True),
        nix=gzip,
        larix=larix._replace(prepare=forget_pack),
        runs=runs,
        reference=("tar | gzip -1", fast),
    )


def row_p2(scratch: Scratch, runs: int) -> Iterator[Comparison]:
    """Nix makes no containers: in its place stands `unshare`, with the same name spaces and no root."""
    items = packages_in_store(scratch)
    shell = scratch.file("shell-1.0")
    os.makedirs(os.path.join(shell, "bin"))
    shutil.copy(find_program("bash-static", "bash-static"), os.path.join(shell, "bin", "bash"))
    profile = scratch.file("profile")
    items.append(scratch.add(shell))
    install = scratch.larix(LARIX, "package", "--verbosity=0", f"--profile={profile}", "-i", *items)
    measure_in_turn([install], 1)
    flags = ("-r", "--user", "--mount", "--pid", "--fork", "--ipc", "--uts", "--net", "--cgroup")
    words = ("--container", f"--profile={profile}", "--", "bash", "-c", ":")
    yield compare(
        "P2",
        f"start a container of {len(items)} items (Nix: `unshare`)",
        Bar(1.0, 0.1, absolute=True),
        nix=scratch.nix("unshare", *flags, "--mount-proc", f"{shell}/bin/bash", "-c", ":"),
        larix=scratch.larix(LARIX, "shell", *words),
        runs=runs,
    )


ROWS: dict[str, Row] = {
    name.removeprefix("row_").upper(): function
    for name, function in sorted(globals().items())
    if name.startswith("row_")
}
