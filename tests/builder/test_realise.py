"""The order of builds, what counts as done, and what is reported when something fails."""

from __future__ import annotations

import getpass
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.conftest import SYSTEM, Workshop
from builder.servers import HttpServer, answer
from larix.builder import plan, realise
from larix.builder.errors import (
    BuilderFailed,
    BuildsFailed,
    BuildTimedOut,
    CannotBuild,
    HashMismatch,
    NotDeterministic,
    OutputRejected,
)
from larix.builder.local import LocalBuilder
from larix.derivation import FixedOutput, Lowered, derivation
from larix.formats.hashes import Hash
from larix.protocol import (
    BuildFailed,
    BuildOptions,
    BuildPhase,
    BuildStarted,
    BuildTarget,
    BuildWaiting,
    Event,
)
from larix.store import open_local_store


def started(workshop: Workshop) -> list[str]:
    return [event.drv for event in workshop.events if isinstance(event, BuildStarted)]


def test_inputs_are_built_before_their_users_and_each_once(workshop: Workshop) -> None:
    bottom = workshop.script("bottom", "echo bottom > $out")
    left = workshop.script("left", f"cat {bottom.output_path()} > $out", inputs=[bottom])
    right = workshop.script("right", f"cat {bottom.output_path()} > $out", inputs=[bottom])
    top = workshop.script(
        "top", f"cat {left.output_path()} {right.output_path()} > $out", inputs=[left, right]
    )
    [result] = workshop.build(top, options=BuildOptions(max_jobs=3))
    assert Path(result.outputs["out"]).read_text() == "bottom\nbottom\n"
    order = started(workshop)
    assert order[0] == bottom.path
    assert order[-1] == top.path
    assert sorted(order) == sorted(each.path for each in (bottom, left, right, top))


def test_what_is_valid_is_not_built_again_nor_looked_into(workshop: Workshop) -> None:
    bottom = workshop.script("bottom", "echo bottom > $out")
    top = workshop.script("top", f"cat {bottom.output_path()} > $out", inputs=[bottom])
    workshop.build(top)
    workshop.events.clear()
    workshop.build(top)
    assert workshop.events == []
    assert plan(workshop.store, [BuildTarget(top.path)]) == ([], [top.output_path()])


def test_plan_names_what_would_be_built_in_order(workshop: Workshop) -> None:
    bottom = workshop.script("bottom", "echo bottom > $out")
    top = workshop.script("top", f"cat {bottom.output_path()} > $out", inputs=[bottom])
    workshop.store.instantiate([top])
    assert plan(workshop.store, [BuildTarget(top.path)]).to_build == [bottom.path, top.path]
    assert not workshop.store.is_valid(top.output_path())


def test_outputs_are_canonical_and_registered_with_their_references(workshop: Workshop) -> None:
    drv = workshop.script(
        "tree",
        f"mkdir $out; echo {workshop.shell} > $out/plain; echo > $out/program;"
        "chmod 700 $out/program; ln -s x $out/l",
    )
    [result] = workshop.build(drv)
    out = result.outputs["out"]
    modes = {name: oct(os.lstat(f"{out}/{name}").st_mode & 0o7777) for name in ("plain", "program")}
    assert modes == {"plain": "0o444", "program": "0o555"}
    assert {os.lstat(f"{out}/{name}").st_mtime for name in ("plain", "program", "l", ".")} == {1.0}
    assert os.lstat(f"{out}/plain").st_uid == os.geteuid()
    info = workshop.store.path_info(out)
    assert info.references == (workshop.shell,)
    assert info.deriver == drv.path
    assert info.ultimate


def test_references_to_what_only_inputs_refer_to_are_found(workshop: Workshop) -> None:
    """A program finds a library through the flags file of another: it is used, and was never named."""
    library = workshop.script("library", "echo code > $out")
    flags = workshop.script("flags", f"echo -L{library.output_path()} > $out", inputs=[library])
    program = workshop.script("program", f"cut -c3- {flags.output_path()} > $out", inputs=[flags])
    workshop.build(program)
    assert workshop.store.references(program.output_path()) == {library.output_path()}


def test_several_outputs_may_refer_to_each_other_one_way_and_to_themselves(workshop: Workshop) -> None:
    drv = workshop.script(
        "several", "mkdir $out $lib; echo $lib $out > $out/x; echo $lib > $lib/x", outputs=("out", "lib")
    )
    [result] = workshop.build(drv)
    out, lib = result.outputs["out"], result.outputs["lib"]
    assert workshop.store.references(out) == {out, lib}
    assert workshop.store.references(lib) == {lib}


def test_outputs_that_refer_to_each_other_in_a_circle_are_refused(workshop: Workshop) -> None:
    drv = workshop.script("circle", "echo $lib > $out; echo $out > $lib", outputs=("out", "lib"))
    with pytest.raises(OutputRejected, match="in a circle"):
        workshop.build(drv)
    assert not workshop.store.is_valid(drv.output_path())
    assert workshop.leftovers() == []


def test_missing_output_is_named(workshop: Workshop) -> None:
    drv = workshop.script("lazy", ": > $out", outputs=("out", "lib"))
    with pytest.raises(OutputRejected) as caught:
        workshop.build(drv)
    assert drv.output_path("lib") in caught.value.message
    assert not workshop.store.is_valid(drv.output_path())


def test_pipes_and_sockets_cannot_be_outputs(workshop: Workshop) -> None:
    with pytest.raises(OutputRejected, match="a named pipe"):
        workshop.build(workshop.script("pipe", "mkdir $out; mkfifo $out/pipe"))
    assert workshop.leftovers() == []


@pytest.mark.parametrize(
    ("variable", "listed", "passes"),
    [
        ("allowedReferences", "", False),
        ("allowedReferences", "{dep}", True),
        ("allowedReferences", "{shell}", False),
        ("disallowedReferences", "{dep}", False),
        ("disallowedReferences", "{shell}", True),
        ("allowedRequisites", "{dep}", False),
        ("allowedRequisites", "{dep} {shell}", True),
        ("disallowedRequisites", "{shell}", False),
        ("disallowedReferences", "out", True),
    ],
)
def test_references_are_held_to_the_derivations_lists(
    workshop: Workshop, variable: str, listed: str, passes: bool
) -> None:
    """The output refers to `dep`, which refers to the shell."""
    dep = workshop.script("dep", f"echo {workshop.shell} > $out")
    words = listed.format(dep=dep.output_path(), shell=workshop.shell)
    drv = workshop.script("user", f"echo {dep.output_path()} > $out", inputs=[dep], env={variable: words})
    if passes:
        workshop.build(drv)
        return
    with pytest.raises(OutputRejected, match=variable) as caught:
        workshop.build(drv)
    offender = workshop.shell if "Requisites" in variable else dep.output_path()
    assert offender in caught.value.message
    assert not workshop.store.is_valid(drv.output_path())


def test_reference_to_itself_must_be_allowed_like_any_other(workshop: Workshop) -> None:
    text = "echo $out > $out"
    with pytest.raises(OutputRejected, match="allowedReferences"):
        workshop.build(workshop.script("self", text, env={"allowedReferences": ""}))
    workshop.build(workshop.script("self-allowed", text, env={"allowedReferences": "out"}))
    workshop.build(workshop.script("self-requisite", text, env={"allowedRequisites": ""}))


def test_nonsense_in_a_reference_list_is_an_error(workshop: Workshop) -> None:
    with pytest.raises(OutputRejected, match="neither a store path nor an output"):
        workshop.build(workshop.script("odd", ": > $out", env={"allowedReferences": "lib"}))


def test_first_failure_ends_everything(workshop: Workshop) -> None:
    endless = workshop.script("endless", "while :; do sleep 1000; done")
    failing = workshop.script("failing", "exit 1")
    with pytest.raises(BuilderFailed):
        workshop.build(endless, failing, options=BuildOptions(max_jobs=2))
    assert workshop.leftovers() == []


def test_keep_going_builds_what_can_be_built_and_reports_all(workshop: Workshop) -> None:
    bad = workshop.script("bad", "exit 1")
    user = workshop.script("user", ": > $out", inputs=[bad])
    worse = workshop.script("worse", "sleep 1000")
    good = workshop.script("good", ": > $out")
    with pytest.raises(BuildsFailed) as caught:
        workshop.build(bad, user, worse, good, options=BuildOptions(keep_going=True, timeout=1))
    assert {error.drv for error in caught.value.errors} == {bad.path, worse.path}
    assert caught.value.exit_code == 100 | 101
    assert workshop.store.is_valid(good.output_path())
    assert user.path not in started(workshop)
    assert {event.drv for event in workshop.events if isinstance(event, BuildFailed)} == {
        bad.path,
        worse.path,
    }


def test_single_failure_under_keep_going_is_itself(workshop: Workshop) -> None:
    with pytest.raises(BuildTimedOut):
        workshop.build(
            workshop.script("slow", "sleep 1000"), options=BuildOptions(keep_going=True, timeout=1)
        )


def test_failed_build_directory_is_kept_with_its_environment(workshop: Workshop) -> None:
    drv = workshop.script("kept", "mkdir deep; echo data > deep/file; exit 1", env={"quoted": "it's\nodd"})
    with pytest.raises(BuilderFailed) as caught:
        workshop.build(drv, options=BuildOptions(keep_failed=True))
    assert caught.value.hint is not None
    kept = Path(caught.value.hint.split("`")[1].rstrip("'"))
    try:
        assert kept.name.startswith("larix-build-kept.drv-")
        assert (kept / "deep" / "file").read_text() == "data\n"
        assert (kept / "deep" / "file").stat().st_uid == os.geteuid()
        assert kept.stat().st_mode & 0o777 == 0o700
        command = f'. {kept}/environment-variables; printf %s "$quoted"'
        shown = subprocess.run(["sh", "-c", command], capture_output=True, check=True, env={})
        assert shown.stdout == b"it's\nodd"
    finally:
        subprocess.run(["rm", "-rf", kept], check=True)
    assert workshop.leftovers() == []


def test_hard_links_in_a_kept_directory_keep_their_owner(workshop: Workshop) -> None:
    """What else such a link is, is unknown: handing it over would hand that over too."""
    drv = workshop.script("linked", "echo x > one; ln one two; echo y > three; exit 1")
    with pytest.raises(BuilderFailed) as caught:
        workshop.build(drv, options=BuildOptions(keep_failed=True))
    kept = Path(str(caught.value.hint).split("`")[1].rstrip("'"))
    try:
        assert kept.joinpath("three").stat().st_uid == os.geteuid()
        if os.geteuid() == 0:
            assert kept.joinpath("one").stat().st_uid != 0
    finally:
        subprocess.run(["rm", "-rf", kept], check=True)


def test_phases_are_events_and_not_lines(workshop: Workshop) -> None:
    drv = workshop.script(
        "phases",
        "echo @ phase-start configure; echo working;"
        "echo @ phase-end configure 1.5; echo @ phase-odd; : > $out",
    )
    workshop.build(drv)
    assert [event for event in workshop.events if isinstance(event, BuildPhase)] == [
        BuildPhase(drv.path, "configure"),
        BuildPhase(drv.path, "configure", 1.5),
    ]
    assert workshop.lines() == ["working", "@ phase-odd"]
    assert "@ phase-start configure" in workshop.log(drv.path)


def test_no_more_builders_run_at_once_than_jobs(workshop: Workshop) -> None:
    """Each builder tells when it starts and ends; a third may start before the first's output is taken in."""
    several = [workshop.script(f"job-{number}", "echo +; sleep 0.1; echo -; : > $out") for number in range(6)]
    workshop.build(*several, options=BuildOptions(max_jobs=2))
    running = highest = 0
    for line in workshop.lines():
        running += {"+": 1, "-": -1}[line]
        highest = max(highest, running)
    assert highest == 2


def test_no_jobs_means_no_builds(workshop: Workshop) -> None:
    with pytest.raises(CannotBuild, match="max-jobs=0"):
        workshop.build(workshop.script("any", ": > $out"), options=BuildOptions(max_jobs=0))


def test_nothing_runs_without_isolation(workshop: Workshop) -> None:
    with pytest.raises(CannotBuild, match="without isolation"):
        workshop.build(workshop.script("any", ": > $out"), options=BuildOptions(sandbox=False))


def test_other_systems_features_and_builtins_are_refused(workshop: Workshop) -> None:
    with pytest.raises(CannotBuild, match="offers `kvm`"):
        workshop.build(
            workshop.script("virtual", ": > $out", env={"requiredSystemFeatures": "kvm big-parallel"})
        )
    for system, builder, text in (
        ("riscv128-linux", f"{workshop.shell}/bin/busybox", "must be built on `riscv128-linux`"),
        (SYSTEM, "builtin:magic", "which larix does not have"),
    ):
        drv = derivation(
            "odd",
            store_dir=workshop.store.store_dir,
            system=system,
            builder=builder,
            sources=[workshop.shell],
        )
        with pytest.raises(CannotBuild, match=text):
            workshop.build(drv)


def test_builder_that_is_not_there_is_told(workshop: Workshop) -> None:
    drv = derivation(
        "none", store_dir=workshop.store.store_dir, system=SYSTEM, builder="/bin/sh", args=["-c", "true"]
    )
    with pytest.raises(CannotBuild, match="cannot run the builder `/bin/sh`") as caught:
        workshop.build(drv)
    assert caught.value.hint is not None


def test_check_passes_what_is_the_same_and_names_what_differs(workshop: Workshop) -> None:
    same = workshop.script("same", "mkdir $out; echo x > $out/x")
    random = workshop.script(
        "random",
        "mkdir -p $out/bin; echo x > $out/same; cat /proc/sys/kernel/random/uuid > $out/bin/id;"
        "if [ $(od -An -N1 -tu1 /dev/urandom) -ge 0 ]; then cat /proc/uptime > $out/time; fi",
    )
    workshop.build(same, random)
    before = Path(random.output_path(), "bin/id").read_text()
    workshop.build(same, options=BuildOptions(check=True))
    with pytest.raises(NotDeterministic) as caught:
        workshop.build(random, options=BuildOptions(check=True))
    assert caught.value.exit_code == 104
    assert "bin/id: different contents" in caught.value.differing
    assert not any("same" in name for name in caught.value.differing)
    assert Path(random.output_path(), "bin/id").read_text() == before
    assert workshop.leftovers() == []


def test_check_keeps_the_other_result_beside_the_item(workshop: Workshop) -> None:
    random = workshop.script("random", "cat /proc/sys/kernel/random/uuid > $out")
    workshop.build(random)
    with pytest.raises(NotDeterministic) as caught:
        workshop.build(random, options=BuildOptions(check=True, keep_failed=True))
    kept = caught.value.kept
    assert kept == f"{random.output_path()}-check"
    assert Path(kept).read_text() != Path(random.output_path()).read_text()
    assert not workshop.store.is_valid(kept)


def test_check_of_what_is_not_built_yet_builds_it_twice(workshop: Workshop) -> None:
    drv = workshop.script("fresh", "echo x > $out")
    workshop.build(drv, options=BuildOptions(check=True))
    rounds = [event.round for event in workshop.events if isinstance(event, BuildStarted)]
    assert rounds == [1, 2]


def test_rounds_are_all_compared(workshop: Workshop) -> None:
    workshop.build(workshop.script("same", "echo x > $out"), options=BuildOptions(rounds=3))
    assert [event.round for event in workshop.events if isinstance(event, BuildStarted)] == [1, 2, 3]
    with pytest.raises(NotDeterministic):
        workshop.build(
            workshop.script("random", "cat /proc/sys/kernel/random/uuid > $out"),
            options=BuildOptions(rounds=2),
        )


def test_two_processes_build_a_derivation_once(workshop: Workshop, tmp_path: Path) -> None:
    """This process holds the lock, so the other has to wait, says for whom, and then builds nothing."""
    drv = workshop.script("shared", "echo x > $out")
    workshop.store.instantiate([drv])
    program = f"""
import sys
from larix.builder import realise
from larix.protocol import BuildTarget, BuildOptions, BuildStarted, BuildWaiting
from larix.store import Layout, open_local_store, waiting
waiting.FIRST_SECONDS = 0
def sink(event):
    if isinstance(event, (BuildStarted, BuildWaiting)):
        print(type(event).__name__, getattr(event, "holder", ""), getattr(event, "user", ""), flush=True)
with open_local_store(Layout(*{tuple(workshop.store.layout)!r})) as store:
    realise(store, [BuildTarget({drv.path!r})], BuildOptions(), sink)
print("done", flush=True)
"""
    with workshop.store.lock_paths([drv.output_path()]) as locks:
        other = subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert other.stdout is not None
        assert other.stdout.readline().split() == ["BuildWaiting", str(os.getpid()), getpass.getuser()]
        locks.release()
        workshop.build(drv)
    lines = other.stdout.read().split()
    other.stdout.close()
    assert other.wait() == 0
    assert len([*started(workshop), *(line for line in lines if line == "BuildStarted")]) == 1
    assert lines[-1] == "done"
    del tmp_path


def test_many_processes_build_a_derivation_once(workshop: Workshop) -> None:
    drv = workshop.script("contended", "sleep 0.3; echo x > $out")
    workshop.store.instantiate([drv])
    children: list[int] = []
    reading, writing = os.pipe()
    for _ in range(4):
        child = os.fork()
        if child == 0:
            _build_and_count(workshop, drv, writing)
        children.append(child)
    os.close(writing)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    assert os.read(reading, 100) == b"s"
    os.close(reading)
    assert workshop.leftovers() == []


def _build_and_count(workshop: Workshop, drv: Lowered, writing: int) -> None:
    def sink(event: object) -> None:
        if isinstance(event, BuildStarted):
            os.write(writing, b"s")

    status = 1
    try:
        with open_local_store(workshop.store.layout) as store:
            realise(store, [BuildTarget(drv.path)], BuildOptions(), sink)
        status = 0
    finally:
        os._exit(status)


def test_waiting_event_is_not_sent_without_cause(workshop: Workshop) -> None:
    workshop.build(workshop.script("alone", ": > $out"))
    assert not [event for event in workshop.events if isinstance(event, BuildWaiting)]


def test_deep_chain_is_built_without_recursion(workshop: Workshop) -> None:
    """Valid from some depth on: the graph is deeper than Python's stack, the work is not."""
    drv = workshop.script("link-0", "echo x > $out")
    chain = [drv]
    for number in range(1, 1500):
        drv = workshop.script(f"link-{number}", "exit 1", inputs=[drv])
        chain.append(drv)
    workshop.store.instantiate([drv])
    assert len(plan(workshop.store, [BuildTarget(drv.path)]).to_build) == 1500
    with pytest.raises(BuilderFailed):
        realise(workshop.store, [BuildTarget(drv.path)], BuildOptions(), workshop.events.append)
    assert workshop.store.is_valid(chain[0].output_path())


def test_fixed_output_of_an_ordinary_builder_reaches_the_network(workshop: Workshop) -> None:
    """Its content is known beforehand; a socket by which to hand out descriptors it cannot have."""
    body = b"from the network\n"
    fixed = FixedOutput(Hash("sha256", hashlib.sha256(body).digest()))
    with HttpServer(answer(body)) as server:
        text = f"wget -q -O $out {server.url}/file; test $NIX_OUTPUT_CHECKED = 1; test -e /etc/nsswitch.conf"
        workshop.build(workshop.script("fetched", text, fixed=fixed))
        assert len(server.requests) == 1
        with pytest.raises(BuilderFailed):
            workshop.build(workshop.script("not-fixed", f"wget -q -O $out {server.url}/file"))
        assert len(server.requests) == 1


def test_fixed_output_gets_the_host_variables_it_asks_for(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANTED", "yes")
    fixed = FixedOutput(Hash("sha256", hashlib.sha256(b"yes\n").digest()))
    env = {"impureEnvVars": "WANTED MISSING"}
    workshop.build(workshop.script("fixed", "echo $WANTED$MISSING > $out", env=env, fixed=fixed))
    with pytest.raises(OutputRejected, match="did not make"):
        workshop.build(workshop.script("ordinary", 'test -z "$WANTED"', env=env))


def test_fixed_output_with_other_content_is_a_mismatch(workshop: Workshop) -> None:
    fixed = FixedOutput(Hash("sha256", bytes(32)), recursive=True)
    with pytest.raises(HashMismatch) as caught:
        workshop.build(workshop.script("wrong", "mkdir $out; echo x > $out/x", fixed=fixed))
    assert caught.value.exit_code == 102
    assert caught.value.kept is not None
    assert Path(caught.value.kept, "x").read_text() == "x\n"


def test_flat_fixed_output_must_be_a_file(workshop: Workshop) -> None:
    fixed = FixedOutput(Hash("sha256", bytes(32)))
    with pytest.raises(OutputRejected, match="not a regular file"):
        workshop.build(workshop.script("folder", "mkdir $out", fixed=fixed))
    assert workshop.leftovers() == []


def test_fixed_output_may_not_refer_to_anything(workshop: Workshop) -> None:
    content = f"{workshop.shell}\n".encode()
    fixed = FixedOutput(Hash("sha256", hashlib.sha256(content).digest()))
    with pytest.raises(OutputRejected, match="refers to store items"):
        workshop.build(workshop.script("referring", f"echo {workshop.shell} > $out", fixed=fixed))


def test_checking_a_fixed_output_makes_it_again(workshop: Workshop, tmp_path: Path) -> None:
    body = b"first\n"
    fixed = FixedOutput(Hash("sha256", hashlib.sha256(body).digest()))
    with HttpServer(answer(body), answer(body), answer(b"second\n")) as server:
        drv = workshop.script("fetched", f"wget -q -O $out {server.url}/file", fixed=fixed)
        workshop.build(drv)
        workshop.build(drv, options=BuildOptions(check=True))
        with pytest.raises(HashMismatch):
            workshop.build(drv, options=BuildOptions(check=True))
        assert len(server.requests) == 3
    assert Path(drv.output_path()).read_bytes() == body
    assert tmp_path.exists()


def test_outputs_that_nobody_may_read_are_taken_in(workshop: Workshop) -> None:
    drv = workshop.script("closed", "mkdir -p $out/a/b; cd $out; echo x > a/b/x; chmod 0 a/b/x a/b a .")
    [result] = workshop.build(drv)
    assert Path(result.outputs["out"], "a/b/x").read_text() == "x\n"


def test_rejected_output_keeps_the_build_directory_when_asked(workshop: Workshop) -> None:
    drv = workshop.script("forgetful", "echo note > made-here")
    with pytest.raises(OutputRejected) as caught:
        workshop.build(drv, options=BuildOptions(keep_failed=True))
    kept = Path(str(caught.value.hint).split("`")[-1].rstrip("'"))
    try:
        assert (kept / "made-here").read_text() == "note\n"
    finally:
        subprocess.run(["rm", "-rf", kept], check=True)


def test_death_of_the_launcher_ends_the_builds_and_is_told(workshop: Workshop) -> None:
    builder, events = local_builder(workshop), workshop.events
    drv = workshop.script("endless", "echo started; while :; do sleep 1000; done")
    workshop.store.instantiate([drv])

    def sink(event: Event) -> None:
        events.append(event)
        if getattr(event, "line", b"") == b"started":
            [launcher] = builder._launchers.values()
            os.kill(launcher.pid, 9)

    builder.sink = sink
    try:
        with pytest.raises(CannotBuild, match="ended from outside"):
            realise(workshop.store, [BuildTarget(drv.path)], BuildOptions(), sink, builder)
    finally:
        builder.close()
    assert workshop.leftovers() == []


def test_death_of_the_keeper_ends_its_build_alone(workshop: Workshop) -> None:
    builder = local_builder(workshop)
    drv = workshop.script("endless", "echo started; while :; do sleep 1000; done")
    other = workshop.script("other", "sleep 0.5; : > $out")
    workshop.store.instantiate([drv, other])

    def sink(event: Event) -> None:
        if getattr(event, "line", b"") == b"started":
            [launcher] = builder._launchers.values()
            children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
            os.kill(int(children[0]), 9)

    builder.sink = sink
    try:
        options = BuildOptions(keep_going=True, max_jobs=2)
        with pytest.raises(CannotBuild, match="ended from outside"):
            realise(workshop.store, [BuildTarget(each.path) for each in (drv, other)], options, sink, builder)
    finally:
        builder.close()
    assert workshop.store.is_valid(other.output_path())


def local_builder(workshop: Workshop) -> LocalBuilder:
    layout = workshop.store.layout
    return LocalBuilder(
        store_dir=layout.store_dir,
        state_dir=layout.state_dir,
        log_dir=layout.log_dir,
        options=BuildOptions(),
        sink=workshop.events.append,
    )
