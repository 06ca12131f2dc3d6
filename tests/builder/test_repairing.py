"""Damage of all kinds that a disk, or a careless root, does to items of a store."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.conftest import Workshop
from builder.servers import HttpServer, answer
from larix.builder.errors import HashMismatch, OutputRejected
from larix.builder.repairing import CannotRepair, repair
from larix.derivation import FixedOutput, Lowered, derivation
from larix.formats.hashes import Hash
from larix.formats.storepath import StorePath
from larix.protocol import BuildStarted
from larix.store.verify import verify


def overwrite(path: Path) -> None:
    file = path / "text"
    file.chmod(0o644)
    file.write_text("tampered with\n")


def add_a_file(path: Path) -> None:
    path.chmod(0o755)
    (path / "more").write_text("x")


def remove_a_file(path: Path) -> None:
    path.chmod(0o755)
    (path / "text").unlink()


def make_it_a_file(path: Path) -> None:
    remove(path)
    path.write_text("")


def make_executable(path: Path) -> None:
    (path / "text").chmod(0o555)


def remove(path: Path) -> None:
    path.chmod(0o755)
    shutil.rmtree(path)


def tree(workshop: Workshop, name: str, *inputs: Lowered) -> Lowered:
    words = " ".join([name, *(each.output_path() for each in inputs)])
    return workshop.script(name, f"mkdir $out; echo {words} > $out/text", inputs=inputs)


def repaired(workshop: Workshop, *paths: StorePath) -> list[StorePath]:
    workshop.events.clear()
    return repair(workshop.store, paths, sink=workshop.events.append)


@pytest.mark.parametrize(
    "damage", [overwrite, add_a_file, remove_a_file, make_executable, make_it_a_file, remove]
)
def test_damaged_item_is_what_it_was(workshop: Workshop, damage: Callable[[Path], None]) -> None:
    lowered = tree(workshop, "thing")
    workshop.build(lowered)
    path = lowered.output_path()
    damage(Path(path))
    assert repaired(workshop, path) == [path]
    assert (Path(path) / "text").read_text() == "thing\n"
    assert os.listdir(path) == ["text"]
    assert verify(workshop.store, check_contents=True).is_sound
    assert repaired(workshop, path) == []
    assert workshop.events == []


def test_what_is_sound_is_not_built_again(workshop: Workshop) -> None:
    below = tree(workshop, "below")
    above = tree(workshop, "above", below)
    workshop.build(above)
    overwrite(Path(above.output_path()))
    assert repaired(workshop, *workshop.store.closure([above.output_path()])) == [above.output_path()]
    assert [each.drv for each in workshop.events if isinstance(each, BuildStarted)] == [above.path]


def test_inputs_are_repaired_before_what_is_made_from_them(workshop: Workshop) -> None:
    """Though the result does not refer to them: made from damaged ones it would be something else."""
    below = tree(workshop, "below")
    above = workshop.script(
        "above", f"mkdir $out; tr a-z A-Z < {below.output_path()}/text > $out/text", inputs=[below]
    )
    workshop.build(above)
    assert workshop.store.closure([above.output_path()]) == {above.output_path()}
    overwrite(Path(above.output_path()))
    overwrite(Path(below.output_path()))
    assert repaired(workshop, above.output_path()) == [below.output_path(), above.output_path()]
    assert (Path(above.output_path()) / "text").read_text() == "BELOW\n"


def test_what_does_not_come_out_the_same_is_left_alone(workshop: Workshop) -> None:
    lowered = workshop.script("noise", "mkdir $out; head -c 16 /dev/urandom > $out/text")
    workshop.build(lowered)
    path = lowered.output_path()
    overwrite(Path(path))
    with pytest.raises(OutputRejected, match=r"cannot be repaired: building .* again made something else"):
        repaired(workshop, path)
    assert (Path(path) / "text").read_text() == "tampered with\n"


def test_nothing_is_built_when_something_cannot_be(workshop: Workshop, tmp_path: Path) -> None:
    lowered = tree(workshop, "thing")
    workshop.build(lowered)
    (tmp_path / "text").write_text("given\n")
    given = workshop.store.add_path("given", str(tmp_path / "text"), recursive=True)
    Path(given).chmod(0o644)
    Path(given).write_text("tampered with\n")
    overwrite(Path(lowered.output_path()))
    with pytest.raises(CannotRepair, match="-given` is damaged, and no derivation of it is in the store"):
        repaired(workshop, given, lowered.output_path())
    assert workshop.events == []


def test_open_files_of_a_replaced_item_stay_readable(workshop: Workshop) -> None:
    """The whole item changes at once: a program that runs from it goes on with what it has."""
    lowered = tree(workshop, "thing")
    workshop.build(lowered)
    path = Path(lowered.output_path())
    add_a_file(path)
    folder = os.open(path, os.O_RDONLY)
    with open(path / "text") as stream:
        repaired(workshop, lowered.output_path())
        assert stream.read() == "thing\n"
    os.close(folder)
    assert not [name for name in os.listdir(workshop.store.store_dir) if name.endswith("-incoming")]


def test_damaged_download_is_fetched_again(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    body = b"what upstream has\n"
    content = Hash("sha256", hashlib.sha256(body).digest())
    with HttpServer(answer(body), answer(body), answer(b"what it has now\n")) as server:
        lowered = derivation(
            "file",
            store_dir=workshop.store.store_dir,
            system="builtin",
            builder="builtin:download",
            env={"url": f"{server.url}/file"},
            fixed=FixedOutput(content),
        )
        workshop.build(lowered)
        path = Path(lowered.output_path())
        for expected in (body, b"tampered with\n"):
            path.chmod(0o644)
            path.write_bytes(b"tampered with\n")
            if expected == body:
                assert repaired(workshop, lowered.output_path()) == [lowered.output_path()]
            else:
                with pytest.raises(HashMismatch):
                    repaired(workshop, lowered.output_path())
            assert path.read_bytes() == expected
