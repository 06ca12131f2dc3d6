"""Attacks on the database: they are found, it is made again from what is there, and no path is lost.

`LARIX_TEST_ROUNDS=50` makes so many of each kind.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from larix.derivation import Lowered, derivation, text_source, tree_source
from larix.formats.hashes import Hash
from larix.formats.nar import Directory, File
from larix.formats.storepath import StoreDir, StorePath
from larix.protocol import PathInfo
from larix.store import Layout, LocalStore, open_local_store
from larix.store.database import DatabaseCorrupt
from larix.store.gc import collect
from larix.store.rebuilding import rebuild_database
from larix.store.soundness import database_problem
from larix.store.verify import verify

pytestmark = pytest.mark.slow

SEED = 20261129
ROUNDS = int(os.environ.get("LARIX_TEST_ROUNDS", "8"))

KILLED = """
import os, signal, sys
from larix.store import Layout, open_local_store
store = open_local_store(Layout(*sys.argv[1:4]))
for number in range(20):
    first = store.add_text(f"late-{number}", b"late %d" % number)
    store.add_text(f"later-{number}", first.encode(), [first])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    base = tmp_path / "larix"
    return Layout(StoreDir(f"{base}/store"), f"{base}/var", f"{base}/log")


def fill(store: LocalStore, count: int = 60) -> None:
    """Sources, derivations, and outputs whose names tell nothing of what is in them."""
    above: Lowered | None = None
    for number in range(count):
        source = text_source(store.store_dir, f"source-{number}", b"%d\n" % number * 200)
        tree = tree_source(store.store_dir, f"tree-{number}", Directory({b"a": File(b"%d" % number)}))
        above = derivation(
            f"package-{number}",
            store_dir=store.store_dir,
            system="x86_64-linux",
            builder="/bin/sh",
            args=[source.path],
            sources=[source, tree],
            inputs=[(above, ("out",))] if above is not None else [],
        )
        store.instantiate([above])
        output = above.output_path()
        taken = store.layout.state_dir + "/made"
        Path(taken).write_text(f"{number} uses {tree.path} and {output}\n")
        ingested = store.ingest(taken, output, candidates=[tree.path, source.path, output])
        store.register_outputs([ingested], deriver=above.path)
        store.database.add_signatures(output, [f"key:{number}"])


def die_adding(layout: Layout) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *layout[:3]],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert os.path.getsize(layout.database_file + "-wal") > 0


def said(store: LocalStore) -> dict[StorePath, tuple[PathInfo, dict[str, StorePath]]]:
    infos = store.path_infos(store.all_valid_paths())
    outputs = store.outputs_of(infos)
    return {path: (info, outputs.get(path, {})) for path, info in infos.items()}


def flip(chance: random.Random, layout: Layout) -> None:
    """One byte, some bytes, or all of a page."""
    size = os.path.getsize(layout.database_file)
    page = chance.randrange(size // 4096) * 4096
    length = chance.choice((1, 16, 4096))
    start = page + chance.randrange(4096 - length + 1)
    with open(layout.database_file, "r+b") as file:
        file.seek(start)
        old = file.read(length)
        file.seek(start)
        file.write(bytes(byte ^ chance.randrange(1, 256) for byte in old))


def truncate(chance: random.Random, layout: Layout) -> None:
    os.truncate(layout.database_file, chance.randrange(os.path.getsize(layout.database_file)))


def lose_log(_chance: random.Random, layout: Layout) -> None:
    os.unlink(layout.database_file + "-wal")


def lose_database(chance: random.Random, layout: Layout) -> None:
    for suffix in chance.choice((("",), ("", "-wal", "-shm"))):
        if os.path.exists(layout.database_file + suffix):
            os.unlink(layout.database_file + suffix)
    if chance.random() < 0.5:
        os.unlink(layout.schema_file)


ATTACKS = {
    "flip a page": (flip, False),
    "truncate": (truncate, False),
    "delete the write-ahead log": (lose_log, True),
    "delete the database": (lose_database, True),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_is_found_and_nothing_is_lost(
    layout: Layout, attack: str, capsys: pytest.CaptureFixture[str], record_property: Callable[..., None]
) -> None:
    damage, is_unclean = ATTACKS[attack]
    with open_local_store(layout) as store:
        fill(store)
    if is_unclean:
        die_adding(layout)
    saved = layout.state_dir + ".saved"
    shutil.copytree(layout.state_dir, saved, symlinks=True)
    with open_local_store(layout) as store:
        before = said(store)
        assert database_problem(store) is None
    chance = random.Random(f"{SEED} {attack}")
    found = harmless = 0
    for number in range(ROUNDS):
        shutil.rmtree(layout.state_dir)
        shutil.copytree(saved, layout.state_dir, symlinks=True)
        damage(chance, layout)
        problem = problem_of(layout)
        if problem is None:
            with open_local_store(layout) as store:
                assert said(store) == before, f"round {number}"
            harmless += 1
            continue
        found += 1
        assert "\n" not in problem
        rebuilt = rebuild_database(layout)
        assert (rebuilt.damaged, rebuilt.lost) == ([], {}), f"round {number}: {problem}"
        with open_local_store(layout) as store:
            assert said(store) == before, f"round {number}: {problem}"
            assert verify(store, check_contents=True).is_sound
            os.unlink(store.add_text("more", b"more"))
    text = (
        f"{attack}: {found + harmless}/{ROUNDS} ({found} found, {harmless} changed nothing of what the"
        f" database says); 0 of {len(before)} paths lost"
    )
    record_property("database", text)
    with capsys.disabled():
        print(f"\n{text}")
    assert found


def problem_of(layout: Layout) -> str | None:
    try:
        with open_local_store(layout) as store:
            return database_problem(store)
    except DatabaseCorrupt as error:
        return f"{error.message}; {error.hint}"


def test_a_collection_deletes_nothing_by_a_damaged_database(layout: Layout) -> None:
    with open_local_store(layout) as store:
        path = store.add_text("kept", b"kept")
        store.add_permanent_root(path, f"{layout.state_dir}/root")
        with store.database.transaction() as connection:  # as a flipped page may do
            connection.execute("delete from ValidPaths where path = ?", (path,))
        with pytest.raises(DatabaseCorrupt, match="is missing in it"):
            collect(store)
        assert os.path.exists(path)
    rebuild_database(layout)
    with open_local_store(layout) as store:
        collect(store)
        assert store.all_valid_paths() == {path}


def test_without_the_log_what_can_be_read_and_what_names_itself_is_saved(layout: Layout) -> None:
    with open_local_store(layout) as store:
        fill(store, 10)
        before = said(store)
    for name in ("registered", "registered.lock"):
        os.unlink(f"{layout.journal_dir}/{name}")
    shutil.copytree(layout.state_dir, layout.state_dir + ".saved", symlinks=True)
    rebuilt = rebuild_database(layout)
    assert rebuilt.lost == {}
    with open_local_store(layout) as store:
        assert said(store) == before
    shutil.rmtree(layout.state_dir)
    os.rename(layout.state_dir + ".saved", layout.state_dir)
    os.unlink(layout.database_file)
    rebuilt = rebuild_database(layout)
    outputs = {path for path, (info, _) in before.items() if info.content_address is None}
    assert len(outputs) == 10
    assert rebuilt.lost.keys() == outputs
    with open_local_store(layout) as store:
        assert store.all_valid_paths() == before.keys() - outputs
        assert verify(store, check_contents=True).is_sound
        infos = store.path_infos(store.all_valid_paths())
        for path, info in infos.items():
            assert (info.nar_hash, info.references, info.content_address) == (
                before[path][0].nar_hash,
                before[path][0].references,
                before[path][0].content_address,
            )


def test_damaged_items_stay_registered_where_others_need_them(layout: Layout) -> None:
    with open_local_store(layout) as store:
        needed = store.add_text("needed", b"1")
        user = store.add_text("user", needed.encode(), [needed])
        gone = store.add_text("gone", b"2")
        for path in (needed, gone):
            os.chmod(path, 0o644)
        Path(needed).write_bytes(b"another")
        os.unlink(gone)
    os.unlink(layout.database_file)
    rebuilt = rebuild_database(layout)
    assert rebuilt.damaged == [needed]
    assert rebuilt.lost == {gone: "it is gone"}
    with open_local_store(layout) as store:
        assert store.all_valid_paths() == {needed, user}


def test_the_database_is_not_replaced_while_others_use_it(layout: Layout) -> None:
    with open_local_store(layout), pytest.raises(Exception, match="is in use"):
        rebuild_database(layout)


def test_rows_of_others_are_noted_with_the_next_ones_of_ours(layout: Layout) -> None:
    with open_local_store(layout) as store:
        store.add_text("first", b"1")
        foreign = StorePath(f"{layout.store_dir}/{'0' * 32}-foreign")
        Path(foreign).write_bytes(b"x")
        with store.database.transaction() as connection:  # as real Nix, which counts no transactions
            connection.execute(
                "insert into ValidPaths (path, hash, registrationTime) values (?, ?, 1)",
                (foreign, f"sha256:{Hash('sha256', bytes(32)).base16()}"),
            )
        assert database_problem(store) is None
        store.add_text("second", b"2")
        state = store.registrations.read()
        assert {record.path for record in state.records()} == store.all_valid_paths()
        assert state.is_complete


def test_a_torn_log_is_passed_over_and_written_anew(layout: Layout) -> None:
    with open_local_store(layout) as store:
        paths = {store.add_text(f"text-{number}", b"%d" % number) for number in range(5)}
    file = Path(layout.journal_dir) / "registered"
    whole = file.read_bytes()
    for length in range(0, len(whole), 97):
        file.write_bytes(whole[:length])
        with open_local_store(layout) as store:
            assert database_problem(store) is None
            assert {record.path for record in store.registrations.read().records()} == paths
        file.write_bytes(whole[:length] + b"\xff" * 40)
        with open_local_store(layout) as store:
            store.database.add_signatures(min(paths), ["a:b"])
            assert {record.path for record in store.registrations.read().records()} == paths


def test_a_log_of_what_is_gone_shrinks_with_a_collection(layout: Layout) -> None:
    with open_local_store(layout) as store:
        rows = [
            (
                f"{layout.store_dir}/{number:032d}-{'x' * 180}",
                f"sha256:{'0' * 64}",
                1,
                None,
                1,
                None,
                None,
                None,
            )
            for number in range(5000)
        ]
        store.database.register(rows, [()] * len(rows))
        file = f"{layout.journal_dir}/registered"
        large = os.path.getsize(file)
        collect(store)
        collect(store)
        assert os.path.getsize(file) < large / 100
        assert store.registrations.read().is_complete


def test_rows_of_a_damaged_file_that_are_no_rows_are_passed_over(layout: Layout) -> None:
    with open_local_store(layout) as store:
        path = store.add_text("a", b"a")
        with store.database.transaction() as connection:
            connection.execute("pragma ignore_check_constraints = 1")
            connection.execute(
                "insert into ValidPaths (path, hash, registrationTime) values (x'ff', 'x', 'y')"
            )
            connection.execute("insert into Refs (referrer, reference) values (1, 2)")
    os.unlink(f"{layout.journal_dir}/registered")
    rebuilt = rebuild_database(layout)
    assert rebuilt.saved == 1
    with open_local_store(layout) as store:
        assert store.all_valid_paths() == {path}
