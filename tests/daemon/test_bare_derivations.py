"""Derivations that come by themselves (`build_derivation`), and logs that were written elsewhere."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from daemon.conftest import shell_build
from daemon.test_session import as_stranger
from daemons import Daemon
from larix.client.store import DaemonStore
from larix.derivation import Derivation, FixedOutput, Lowered, Output, parse_derivation
from larix.formats.hashes import hash_bytes
from larix.formats.storepath import StorePath, make_output_path, name_part
from larix.protocol.eventtext import RemoteError
from larix.protocol.values import BareDerivation, Outcome, Status

pytestmark = pytest.mark.slow


def bare(lowered: Lowered, *, inputs: tuple[StorePath, ...] = ()) -> BareDerivation:
    """As a machine sends it that has it built elsewhere: outputs of its inputs in their place."""
    read: Derivation = parse_derivation(lowered.text, name_part(lowered.path).removesuffix(".drv"))
    return BareDerivation(
        tuple(read.outputs.items()),
        (*read.input_srcs, *inputs),
        read.system,
        read.builder,
        read.args,
        tuple(read.env.items()),
    )


def build(store: DaemonStore, drv: StorePath, derivation: BareDerivation) -> Outcome:
    return store._call("build_derivation", drv=drv, derivation=derivation, mode=0)


def bring_sources(store: DaemonStore, lowered: Lowered) -> None:
    store.instantiate([], lowered.sources)


def test_one_without_inputs_is_built_and_is_not_in_the_store(daemon: Daemon) -> None:
    with daemon.store() as store:
        lowered = shell_build(store.store_dir, "greeting", "echo hi > $out")
        bring_sources(store, lowered)
        outcome = build(store, lowered.path, bare(lowered))
        assert outcome.status == Status.BUILT, outcome
        out = lowered.output_path()
        assert Path(out).read_text() == "hi\n"
        assert store.path_info(out).deriver == lowered.path
        assert not store.is_valid(lowered.path)
        assert build(store, lowered.path, bare(lowered)).status == Status.ALREADY_VALID


def test_one_whose_inputs_were_copied_is_built_for_a_trusted_user(daemon: Daemon) -> None:
    with daemon.store() as store:
        below = shell_build(store.store_dir, "below", "echo below > $out")
        bring_sources(store, below)
        build(store, below.path, bare(below))
        above = shell_build(
            store.store_dir,
            "above",
            f"read x < {below.output_path()}; echo $x > $out",
            inputs=[(below, ("out",))],
        )
        outcome = build(store, above.path, bare(above, inputs=(below.output_path(),)))
        assert outcome.status == Status.BUILT, outcome
        assert Path(above.output_path()).read_text() == "below\n"


def test_a_failure_and_a_missing_input_are_told(daemon: Daemon) -> None:
    with daemon.store() as store:
        lowered = shell_build(store.store_dir, "bad", "exit 3")
        missing = build(store, lowered.path, bare(lowered))
        assert missing.status != Status.BUILT
        assert "not valid" in missing.message
        bring_sources(store, lowered)
        outcome = build(store, lowered.path, bare(lowered))
        assert outcome.status == Status.PERMANENT_FAILURE
        assert "exit code 3" in outcome.message


STRANGER = """
from larix.derivation import Output
from larix.protocol.eventtext import RemoteError
from larix.protocol.values import BareDerivation
from larix.formats.storepath import StorePath
import json, sys
bare = BareDerivation(*eval({bare!r}))
try:
    outcome = connection.call('build_derivation', drv=StorePath({drv!r}), derivation=bare, mode=0)
    print(outcome.status.name)
except RemoteError as error:
    print(error.kind)
assert store.is_valid(store.add_text('still', b'usable'))
"""


def as_text(derivation: BareDerivation) -> str:
    return repr(tuple(derivation))


def test_a_stranger_builds_what_proves_its_name_and_nothing_else(daemon: Daemon, stranger: int) -> None:
    with daemon.store() as store:
        honest = shell_build(store.store_dir, "honest", "echo > $out")
        bring_sources(store, honest)
        fixed = shell_build(
            store.store_dir, "fixed", "echo > $out", fixed=FixedOutput(hash_bytes(b"\n"), recursive=False)
        )
        bring_sources(store, fixed)
        victim = StorePath(make_output_path(store.store_dir, bytes(32), "out", "bash"))
        evil = bare(honest)._replace(outputs=(("out", Output(victim)),))
        evil = evil._replace(env=tuple((n, victim.encode() if n == b"out" else v) for n, v in evil.env))
        for derivation, drv, told in (
            (evil, f"{store.store_dir}/{'1' * 32}-bash.drv", "NotPermitted"),
            (bare(honest), honest.path, "BUILT"),
            (bare(fixed), fixed.path, "BUILT"),
        ):
            script = STRANGER.format(bare=as_text(derivation), drv=str(drv))
            done = as_stranger(daemon, stranger, script)
            assert (done.returncode, done.stdout) == (0, f"{told}\n"), done.stderr
        assert not store.is_valid(victim)
        assert store.is_valid(fixed.output_path())


def test_logs_are_taken_from_trusted_users_and_never_replace_ours(daemon: Daemon, stranger: int) -> None:
    with daemon.store() as store:
        lowered = shell_build(store.store_dir, "greeting", "echo ours; echo > $out")
        name = name_part(lowered.path)
        digits = lowered.path.rpartition("/")[2]
        log = Path(f"{daemon.layout.log_dir}/drvs/{digits[:2]}/{digits[2:]}.gz")
        store._call("add_build_log", item=digits, body=[b"from else", b"where\n"])
        assert gzip.decompress(log.read_bytes()) == b"from elsewhere\n"
        store._call("add_build_log", item=lowered.path, body=[b"again\n"])
        assert gzip.decompress(log.read_bytes()) == b"from elsewhere\n"
        with pytest.raises(RemoteError, match="is no derivation"):
            store._call("add_build_log", item=lowered.output_path(), body=[b"x"])
        script = (
            "from larix.protocol.eventtext import RemoteError\n"
            "try:\n"
            f"    connection.call('add_build_log', item={digits!r}, body=[b'x'])\n"
            "except RemoteError as error:\n"
            "    print(error.kind)\n"
        )
        assert as_stranger(daemon, stranger, script).stdout == "NotPermitted\n"
        assert name.endswith(".drv")
        assert not [each for each in log.parent.iterdir() if each != log]
