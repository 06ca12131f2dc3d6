"""`larix gc`: what it says it would free is what it frees, by hand and through a daemon."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemons import running_daemon
from larix.formats.storepath import StorePath
from larix.store import Layout, LocalStore, open_local_store

pytestmark = pytest.mark.slow

KIB = 1024


class Items:
    """Files: `left`, `right` and `dead` refer to `base`, `top` refers to `left`, and `lone` to nothing."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        with open_local_store(layout) as store:
            self.base = self._add(store, "base", 100)
            self.left = self._add(store, "left", 20, self.base)
            self.right = self._add(store, "right", 3, self.base)
            self.top = self._add(store, "top", 1, self.left)
            self.lone = self._add(store, "lone", 400)
            self.dead = self._add(store, "dead", 50, self.base)
            self.sizes = {
                info.path: info.nar_size for info in store.path_infos(store.all_valid_paths()).values()
            }

    def _add(self, store: LocalStore, name: str, kibibytes: int, *references: StorePath) -> StorePath:
        text = "".join(references).encode()
        return store.add_text(name, text + os.urandom(kibibytes * KIB - len(text)), references)

    def size(self, *paths: StorePath) -> int:
        return sum(self.sizes[path] for path in paths)

    def root(self, name: str, path: StorePath) -> str:
        link = f"{self.layout.gc_roots_dir}/{name}"
        os.symlink(path, link)
        return link

    def generation(self, profile: str, number: int, path: StorePath) -> str:
        folder = f"{self.layout.profiles_dir}/per-user/me"
        os.makedirs(folder, exist_ok=True)
        link = f"{folder}/{profile}-{number}-link"
        os.symlink(path, link)
        current = f"{folder}/{profile}"
        if os.path.islink(current):
            os.unlink(current)
        os.symlink(os.path.basename(link), current)
        return link

    def age(self, path: StorePath, days: int) -> None:
        """Have it registered so long ago."""
        with sqlite3.connect(self.layout.database_file) as database:
            when = int(time.time()) - days * 86400
            database.execute("update ValidPaths set registrationTime = ? where path = ?", (when, path))
        database.close()

    def valid(self) -> set[StorePath]:
        with open_local_store(self.layout) as store:
            return store.all_valid_paths()


@pytest.fixture(params=["alone", "daemon"])
def larix(request, larix_in, tmp_path) -> Iterator[object]:
    """Larix on a store of its own, without a daemon and with one."""
    if request.param == "alone":
        yield larix_in(tmp_path, tmp_path / "store", tmp_path / "var")
        return
    with running_daemon() as daemon:
        made = larix_in(daemon.folder, Path(daemon.layout.store_dir), Path(daemon.layout.state_dir))
        made.environment["LARIX_DAEMON_SOCKET"] = daemon.socket
        yield made


@pytest.fixture
def items(larix) -> Items:
    return Items(larix.layout)


def freed(larix, *words: str) -> tuple[int, list[str]]:
    """What a dry run would free, in bytes and by path."""
    told = json.loads(larix.succeed("gc", "-n", "--json", *words))
    assert sum(row["size"] for row in told["paths"]) == told["size"]
    return told["size"], [row["path"] for row in told["paths"]]


def test_a_report_tells_what_each_deletion_frees(larix, items: Items) -> None:
    links = {
        items.root("first", items.top): items.size(items.top, items.left),
        items.root("second", items.right): items.size(items.right),
        items.generation("p", 1, items.lone): items.size(items.lone),
        items.generation("p", 2, items.right): 0,
    }
    links[f"{larix.layout.gc_roots_dir}/second"] = 0  # another generation holds the same
    told = json.loads(larix.succeed("gc", "--report", "--json"))
    assert told["version"] == 1
    assert told["total"] == sum(items.sizes.values())
    assert told["unheld"] == items.size(items.dead) == freed(larix)[0]
    (user,) = told["holders"]
    assert user["alone"] == user["total"] == told["total"] - told["unheld"]
    (profile,) = [part for part in user["parts"] if part["kind"] == "profile"]
    assert profile["total"] == items.size(items.lone, items.right, items.base)
    assert profile["alone"] == items.size(items.lone)
    roots = json.loads(larix.succeed("gc", "--by-root", "--json"))["holders"]
    assert {row["name"]: row["alone"] for row in roots} == links
    assert [row["alone"] for row in roots] == sorted((row["alone"] for row in roots), reverse=True)
    (user,) = json.loads(larix.succeed("gc", "--by-user", "--json"))["holders"]
    assert "parts" not in user
    before = told["unheld"]
    for row in roots:
        target = os.readlink(row["name"])
        os.unlink(row["name"])
        assert freed(larix)[0] == before + row["alone"], row["name"]
        os.symlink(target, row["name"])
    assert "held by nothing: 0.0 MiB; `larix gc' frees them" in larix.succeed("gc", "--report")


def test_a_dry_run_tells_sizes_and_deletes_nothing(larix, items: Items) -> None:
    items.root("keep", items.top)
    size, paths = freed(larix)
    assert sorted(paths) == sorted([items.right, items.lone, items.dead])
    done = larix("gc", "--dry-run")
    assert f"would delete '{items.lone}' (400 KiB)\n" in done.stderr
    assert done.stderr.endswith("would free 453 KiB\n")
    assert items.valid() == set(items.sizes)
    done = larix("gc")
    told = re.fullmatch(r"freed (\d+) KiB", done.stderr.splitlines()[-1])
    assert told is not None
    assert int(told[1]) * KIB >= size - KIB, "blocks of the disk are a little more"
    assert items.valid() == {items.top, items.left, items.base}


def test_enough_is_enough(larix, items: Items) -> None:
    """`-C MIN`: no more goes than is wanted, and referrers before what they refer to."""
    assert larix("gc", "-C", "1k").returncode == 0
    assert len(items.valid()) == len(items.sizes) - 1
    _, paths = freed(larix, "-C", "1k")
    assert len(paths) == 1
    assert larix("gc", "-C").returncode == 0
    assert items.valid() == set()


def test_enough_is_enough_where_files_are_shared(larix, items: Items) -> None:
    """As a daemon shares those of all that it adds."""
    for number, path in enumerate(items.sizes):
        os.link(path, f"{items.layout.store_dir}/.links/{number}")
    link = items.root("keep", items.lone)
    assert larix("gc", "-C", "1k").returncode == 0
    assert len(items.valid()) == len(items.sizes) - 1
    os.unlink(link)
    done = larix("gc", "-D", items.lone)
    assert "freed 400 KiB" in done.stderr


def test_so_much_is_to_be_free(larix, items: Items) -> None:
    done = larix("gc", "-F", "1B")
    assert re.fullmatch(r"already .* available on .*, nothing to do\n", done.stderr)
    assert items.valid() == set(items.sizes)
    status = os.statvfs(items.layout.store_dir)
    wanted = status.f_bavail * status.f_frsize + (1 << 34)
    done = larix("gc", "-F", str(wanted))
    assert done.stderr.startswith("freeing ")
    assert items.valid() == set()


def test_old_generations_go_first_and_a_dry_run_knows(larix, items: Items) -> None:
    first = items.generation("p", 1, items.lone)
    items.generation("p", 2, items.top)
    assert items.lone not in freed(larix)[1]
    if "LARIX_DAEMON_SOCKET" not in larix.environment:  # a daemon tells what is dead as things are
        assert items.lone in freed(larix, "-d")[1]
    assert f"would delete {first}\n" in larix("gc", "-n", "-d").stderr
    assert os.path.islink(first)
    assert items.lone not in freed(larix, "-d", "1d")[1]
    done = larix("gc", "-d")
    assert f"deleting {first}\n" in done.stderr
    assert items.valid() == {items.top, items.left, items.base}


def test_what_is_alive_is_not_deleted(larix, items: Items) -> None:
    link = items.root("keep", items.top)
    done = larix("gc", "-D", items.base)
    assert done.returncode == 1
    assert f"error: cannot delete path `{items.base}' since it is still alive\n" in done.stderr
    assert link in done.stderr
    larix.succeed("gc", "-D", items.lone, items.dead)
    assert items.valid() == {items.top, items.left, items.base, items.right}


def test_a_dry_deletion_deletes_nothing(larix, items: Items) -> None:
    link = items.root("keep", items.top)
    refused = larix("gc", "-n", "-D", items.base)
    assert refused.returncode == 1
    assert f"error: cannot delete path `{items.base}' since it is still alive\n" in refused.stderr
    assert f"hint: `{items.top}` is kept by `{link}`; remove that root first\n" in refused.stderr
    told = larix("gc", "-n", "-D", items.lone, items.dead)
    assert f"would delete '{items.lone}' (400 KiB)\n" in told.stderr
    assert f"would delete '{items.dead}' (50 KiB)\n" in told.stderr
    assert freed(larix, "-D", items.dead) == (items.size(items.dead), [items.dead])
    assert items.valid() == set(items.sizes)


CONTRADICTIONS = [
    ("list-dead", "delete-generations"),
    ("list-live", "list-dead"),
    ("references", "referrers"),
    ("delete", "collect-garbage"),
    ("delete", "verify"),
    ("report", "list-roots"),
    ("by-user", "by-root"),
    ("optimize", "dry-run"),
    ("rebuild-database", "dry-run"),
    ("vacuum-database", "dry-run"),
    ("clear-failures", "dry-run"),
]


def test_two_things_at_once_are_refused(larix_in, tmp_path: Path) -> None:
    """With one line that names both, before anything is done."""
    larix = larix_in(tmp_path, tmp_path / "store", tmp_path / "var")
    for one, other in CONTRADICTIONS:
        done = larix("gc", f"--{one}", f"--{other}", "/nowhere")
        assert done.returncode == 1
        assert f"'--{one}'" in done.stderr
        assert f"'--{other}'" in done.stderr
        assert "cannot be used together" in done.stderr.splitlines()[0]
    assert "'--verify' and '--dry-run'" in larix("gc", "-n", "--verify=repair").stderr
    assert not (tmp_path / "store").exists()
    assert larix("gc", "--report", "--by-user").returncode == 0
    assert larix("gc", "-d", "-C", "1k", "--keep-dead=1d", "-n").returncode == 0


def test_what_is_new_is_spared(larix, items: Items) -> None:
    """With all that it refers to."""
    for path in items.sizes:
        items.age(path, 30)
    items.age(items.right, 3)
    _, paths = freed(larix, "--keep-dead=1w")
    assert sorted(paths) == sorted([items.top, items.left, items.lone, items.dead])
    larix.succeed("gc", "--keep-dead=1w")
    assert items.valid() == {items.right, items.base}
    larix.succeed("gc", "--keep-dead=1d")
    assert items.valid() == set()
    assert larix("gc", "--keep-dead=soon").stderr == "larix gc: error: soon does not denote a duration\n"


def test_the_database_is_written_anew(larix, items: Items) -> None:
    with open_local_store(items.layout) as store:
        store.add_texts([(f"text{number}", str(number).encode(), (), False) for number in range(3000)])
    done = larix("gc")
    assert done.returncode == 0
    before = os.stat(items.layout.database_file).st_size
    done = larix("gc", "--vacuum-database")
    if "LARIX_DAEMON_SOCKET" in larix.environment:
        assert done.returncode == 1
        assert "the store is kept by a daemon" in done.stderr
        return
    assert re.fullmatch(r"freed \d+ [KM]iB\n", done.stderr)
    assert os.stat(items.layout.database_file).st_size < before
    assert larix("gc", "--verify").returncode == 0


def test_what_vanished_is_told_and_stays_registered_where_it_is_needed(larix, items: Items) -> None:
    items.root("keep", items.lone)
    os.unlink(items.lone)
    os.unlink(items.dead)
    done = larix("gc", "--verify")
    assert done.returncode == 1
    assert f"path `{items.lone}' disappeared, but is needed\n" in done.stderr
    assert f"path `{items.dead}' disappeared; it is no longer registered\n" in done.stderr
    assert "`larix gc --verify=contents,repair`" in done.stderr
    assert items.valid() == set(items.sizes) - {items.dead}
    assert larix("gc", "--verify").returncode == 1


def test_what_was_done_is_told_to_programs(larix, items: Items) -> None:
    def told(*words: str) -> dict[str, object]:
        told = json.loads(larix("gc", *words, "--json").stdout)
        assert told.pop("version") == 1
        return told

    assert told("--verify") == {"sound": True, "problems": []}
    os.chmod(items.top, 0o644)
    assert told("--verify=contents") == {
        "sound": False,
        "problems": [{"path": items.top, "problem": "was modified: mode 0644, not 0444"}],
    }
    assert told("--optimize") == {"files": 0, "freed": 0}
    assert told("-F", "1B") == {"paths": [], "freed": 0}
    lone = told("-D", items.lone)
    assert lone["paths"] == [items.lone]
    assert int(str(lone["freed"])) >= items.size(items.lone) - KIB
    link = items.root("keep", items.right)
    done = told()
    assert done["paths"] == sorted([items.left, items.top, items.dead])
    os.unlink(link)
    done = larix("gc")
    assert done.stderr.count(f"deleting '{items.right}'\n") == 1
    assert "freed" in done.stderr.splitlines()[-1]


def test_what_the_settings_say_is_kept(larix_in, tmp_path: Path) -> None:
    """`keep-outputs` and `keep-derivations` hold without a daemon, too."""
    larix = larix_in(tmp_path, tmp_path / "store", tmp_path / "var")
    items = Items(larix.layout)
    items.root("keep", items.top)
    with sqlite3.connect(items.layout.database_file) as database:
        database.execute("update ValidPaths set deriver = ? where path = ?", (items.lone, items.top))
    database.close()
    assert items.lone not in freed(larix)[1]
    configuration = tmp_path / "etc"
    configuration.mkdir()
    larix.environment["LARIX_CONFIGURATION_DIRECTORY"] = str(configuration)
    (configuration / "daemon.toml").write_text("keep-derivations = false\n")
    assert items.lone in freed(larix)[1]
    assert items.lone in larix.succeed("gc", "--list-dead").splitlines()
    larix.succeed("gc", "-D", items.lone)
    (configuration / "daemon.toml").write_text("keep-derivation = false\n")
    done = larix("gc", "-n")
    assert done.returncode == 1
    assert "unknown setting `keep-derivation`" in done.stderr


def test_a_report_by_a_daemon_knows_what_is_kept(larix_in) -> None:
    with running_daemon(settings="keep-derivations = false\n") as daemon:
        larix = larix_in(daemon.folder, Path(daemon.layout.store_dir), Path(daemon.layout.state_dir))
        items = Items(larix.layout)
        items.root("keep", items.top)
        with sqlite3.connect(items.layout.database_file) as database:
            database.execute("update ValidPaths set deriver = ? where path = ?", (items.lone, items.top))
        database.close()
        larix.environment["LARIX_CONFIGURATION_DIRECTORY"] = str(daemon.folder / "etc")
        larix.environment["LARIX_DAEMON_SOCKET"] = daemon.socket
        told = json.loads(larix.succeed("gc", "--report", "--json"))
        assert told["unheld"] == freed(larix)[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be others")
def test_each_user_is_told_apart(larix_in, tmp_path: Path) -> None:
    larix = larix_in(tmp_path, tmp_path / "store", tmp_path / "var")
    items = Items(larix.layout)
    mine, other = items.root("mine", items.top), items.root("other", items.right)
    os.lchown(other, 54321, 0)
    told = json.loads(larix.succeed("gc", "--by-user", "--json"))["holders"]
    assert {row["name"]: (row["total"], row["alone"]) for row in told} == {
        subprocess.check_output(["id", "-un"], text=True).strip(): (
            items.size(items.top, items.left, items.base),
            items.size(items.top, items.left),
        ),
        "54321": (items.size(items.right, items.base), items.size(items.right)),
    }
    assert os.path.islink(mine)
