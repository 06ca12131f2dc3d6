"""A power cut after registering: what the disk lost is in the journal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from larix.derivation import Lowered, TreeContent
from larix.formats.nar import encode_tree
from larix.formats.storepath import StorePath
from larix.store import Layout, LocalStore, open_local_store
from larix.store.atomic import remove_tree
from larix.store.journal import Journal, Record, boot_id
from larix.testing.store_conformance import TREE, small_graph


def journals(layout: Layout) -> list[str]:
    return sorted(name for name in os.listdir(layout.journal_dir) if name.endswith(".journal"))


def reboot(layout: Layout) -> None:
    """As if the machine had been started again: the journals are of another boot."""
    for name in journals(layout):
        os.rename(
            f"{layout.journal_dir}/{name}",
            f"{layout.journal_dir}/{name.replace(boot_id(), '00000000-dead-beef-0000-000000000000')}",
        )


def instantiated(layout: Layout) -> tuple[Lowered, list[StorePath], StorePath]:
    with open_local_store(layout) as store:
        above, below, source = small_graph(store)
        store.instantiate([above])
        tree = next(one.path for one in above.sources if isinstance(one.content, TreeContent))
        return above, [above.path, below.path, source.path], tree


def contents(store: LocalStore) -> dict[StorePath, bytes]:
    return {path: b"".join(store.dump_nar(path)) for path in store.all_valid_paths()}


def test_files_that_a_power_cut_emptied_or_tore_are_rewritten(layout: Layout) -> None:
    _, texts, tree = instantiated(layout)
    with open_local_store(layout) as store:
        before = contents(store)
    for path, damage in zip(texts, (b"", b"half", None), strict=True):
        os.chmod(path, 0o600)
        if damage is None:
            os.unlink(path)
        else:
            Path(path).write_bytes(damage)
    remove_tree(tree)
    reboot(layout)
    with open_local_store(layout) as store:
        assert contents(store) == before
        assert b"".join(store.dump_nar(tree)) == encode_tree(TREE)
    assert journals(layout) == []


def test_nothing_is_replayed_in_the_same_boot(layout: Layout) -> None:
    above, _, _ = instantiated(layout)
    os.chmod(above.path, 0o600)
    Path(above.path).write_bytes(b"changed by hand")
    with open_local_store(layout):
        assert Path(above.path).read_bytes() == b"changed by hand"
    assert len(journals(layout)) == 1


def test_what_is_whole_is_left_alone(layout: Layout) -> None:
    _, texts, _ = instantiated(layout)
    inodes = [os.stat(path).st_ino for path in texts]
    reboot(layout)
    open_local_store(layout).close()
    assert [os.stat(path).st_ino for path in texts] == inodes


def test_what_was_collected_since_stays_gone(layout: Layout) -> None:
    above, _, _ = instantiated(layout)
    with open_local_store(layout) as store:
        store.database.invalidate([above.path])
        os.unlink(above.path)
    reboot(layout)
    with open_local_store(layout) as store:
        assert not store.is_valid(above.path)
        assert not os.path.exists(above.path)


def test_a_torn_journal_gives_its_whole_records(layout: Layout) -> None:
    _, texts, tree = instantiated(layout)
    (name,) = journals(layout)
    file = Path(f"{layout.journal_dir}/{name}")
    whole = file.read_bytes()
    for length in (0, 5, 16, 40, 100, len(whole) // 2, len(whole) - 1):
        for path in texts:
            os.chmod(path, 0o600)
        reboot(layout)
        for other in journals(layout):
            os.unlink(f"{layout.journal_dir}/{other}")
        Path(f"{layout.journal_dir}/another-boot.1-1.journal").write_bytes(whole[:length])
        with open_local_store(layout) as store:
            assert len(contents(store)) == len(texts) + 1
    assert os.path.exists(tree)


def test_a_record_that_was_tampered_with_is_not_believed(layout: Layout) -> None:
    above, _, _ = instantiated(layout)
    (name,) = journals(layout)
    file = Path(f"{layout.journal_dir}/{name}")
    file.write_bytes(file.read_bytes().replace(b"Derive(", b"Forged("))
    os.chmod(above.path, 0o600)
    Path(above.path).write_bytes(b"")
    reboot(layout)
    open_local_store(layout).close()
    assert Path(above.path).read_bytes() == b""


def test_journals_go_once_they_are_large_and_synced(layout: Layout) -> None:
    layout.create_directories()
    journal = Journal(layout.journal_dir, layout.store_dir, limit=1000)
    batch = journal.begin()
    batch.write([Record(StorePath(f"{layout.store_dir}/{'0' * 32}-a"), bytes(2000), bytes(32))])
    journal.checkpoint_when_large()
    assert len(journals(layout)) == 1, "its batch is still being written"
    batch.close()
    journal.checkpoint_when_large()
    assert journals(layout) == []


def test_small_journals_stay(layout: Layout) -> None:
    layout.create_directories()
    journal = Journal(layout.journal_dir, layout.store_dir, limit=10_000)
    batch = journal.begin()
    batch.write([Record(StorePath(f"{layout.store_dir}/{'0' * 32}-a"), bytes(2000), bytes(32))])
    batch.close()
    journal.checkpoint_when_large()
    assert len(journals(layout)) == 1


def test_the_journal_is_durable_before_anything_is_registered(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order that the argument in the module's text rests upon."""
    events: list[str] = []
    fsync = os.fsync

    def noting_fsync(descriptor: int) -> None:
        events.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    with open_local_store(layout) as store:
        above, _, _ = small_graph(store)
        register = store.database.register

        def noting_register(*arguments: object, **options: object) -> None:
            events.append("register")
            register(*arguments, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "fsync", noting_fsync)
        monkeypatch.setattr(store.database, "register", noting_register)
        store.instantiate([above])
    before = events[: events.index("register")]
    assert any(name.endswith(".journal") for name in before)
    assert layout.journal_dir in before


def test_without_a_boot_id_items_are_synced_themselves(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("larix.store.journal.boot_id", lambda: "")
    synced: list[str] = []
    monkeypatch.setattr("larix.store.instantiate.sync_file_system", synced.append)
    with open_local_store(layout) as store:
        above, _, _ = small_graph(store)
        store.instantiate([above])
        assert store.is_valid(above.path)
    assert synced == [layout.store_dir]
    assert journals(layout) == []
