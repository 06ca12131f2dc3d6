import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.buildside.failure import BuildSideError, show_failure
from larix.buildside.files import substitute
from larix.buildside.phases import BadArgument, Phases, UnknownArgument, UnknownPhase


def unpack(**_):
    pass


def build(**_):
    pass


def change_hello(**_):
    pass


TWO = Phases((("unpack", unpack), ("build", build)))


def test_added_phase_is_called_after_its_function_with_hyphens():
    assert TWO.add_after("unpack", change_hello).names == ("unpack", "change-hello", "build")
    assert TWO.add_before("unpack", change_hello).names == ("change-hello", "unpack", "build")


def test_changes_leave_the_original_as_it_was():
    TWO.delete("build")
    TWO.replace("build", change_hello)
    assert TWO.pairs == (("unpack", unpack), ("build", build))


def test_replaced_phase_keeps_its_place():
    assert TWO.replace("unpack", change_hello).pairs == (("unpack", change_hello), ("build", build))


@pytest.mark.parametrize(
    "change",
    [
        lambda: TWO.add_after("unpak", change_hello),
        lambda: TWO.add_before("unpak", change_hello),
        lambda: TWO.replace("unpak", change_hello),
        lambda: TWO.delete("build", "unpak"),
        lambda: TWO["unpak"],
    ],
)
def test_unknown_anchor_is_told_with_the_name_that_was_meant(change):
    with pytest.raises(UnknownPhase, match="no phase is named `unpak`; did you mean `unpack`"):
        change()


def test_two_phases_of_one_name_are_refused():
    with pytest.raises(BuildSideError, match="two phases are named `build`"):
        TWO.add_after("unpack", build)


def test_nameless_function_needs_a_name():
    with pytest.raises(BuildSideError, match="needs a name"):
        TWO.add_after("unpack", lambda **_: None)
    assert TWO.add_after("unpack", lambda **_: None, name="quiet").names == ("unpack", "quiet", "build")


def test_phase_gets_the_arguments_it_names_and_all_when_it_takes_any():
    seen = {}

    def picky(*, outputs):
        seen["picky"] = outputs

    def greedy(**rest):
        seen["greedy"] = rest

    Phases((("picky", picky), ("greedy", greedy))).run(outputs=1, tests=False)
    assert seen == {"picky": 1, "greedy": {"outputs": 1, "tests": False}}


def test_log_tells_start_and_end_of_each_phase(capsys):
    TWO.run()
    words = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[:3] for line in words] == [
        ["@", "phase-start", "unpack"],
        ["@", "phase-end", "unpack"],
        ["@", "phase-start", "build"],
        ["@", "phase-end", "build"],
    ]
    assert all(float(line[3]) >= 0 for line in words[1::2])


def test_failing_phase_stops_the_rest_and_is_named(capsys):
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        Phases((("fail", fail), ("build", build))).run()
    assert caught.value.__notes__[0].startswith("in phase `fail`")
    assert "phase-start build" not in capsys.readouterr().out


names = st.lists(st.text("abc", min_size=1, max_size=3), unique=True, min_size=1, max_size=6)


@given(names, st.data())
def test_deleting_what_was_added_gives_back_the_same_phases(known, data):
    phases = Phases((name, build) for name in known)
    anchor = data.draw(st.sampled_from(known))
    for add in (phases.add_after, phases.add_before):
        assert add(anchor, change_hello).delete("change-hello") == phases


@pytest.mark.parametrize(("error", "is_short"), [(BuildSideError, True), (ZeroDivisionError, False)])
def test_log_of_a_failed_build_ends_with_the_cause(capsys, error, is_short):
    def own_phase():
        raise error("the cause")

    try:
        Phases((("own-phase", own_phase),)).run()
    except error as caught:
        show_failure(type(caught), caught, caught.__traceback__)
    lines = capsys.readouterr().err.splitlines()
    assert any("in own_phase" in line for line in lines)
    assert any("larix/buildside/phases.py" in line for line in lines) is not is_short
    assert lines[-1 if is_short else -2].endswith("the cause")
    assert any("in phase `own-phase`" in line for line in lines)


def test_phase_that_asks_for_what_is_not_there_is_told_with_its_place():
    def change(*, native_input, tests=True):
        pass

    line = change.__code__.co_firstlineno
    with pytest.raises(UnknownArgument) as caught:
        Phases((("change-it", change),)).run(native_inputs={}, outputs={})
    assert str(caught.value) == (
        f'`change` (File "{__file__}", line {line}) asks for `native_input`, which is not given; '
        "did you mean `native_inputs`? there are: native_inputs, outputs"
    )
    assert caught.value.__notes__[0].startswith("in phase `change-it`")


def configure(*, configure_flags=(), test_target="check"):
    pass


@pytest.mark.parametrize("value", [None, "--quiet", 3])
def test_flags_that_are_no_list_are_told_with_the_function_that_gave_them(value):
    def flags(inputs):
        return value

    phases = Phases((("configure", configure),))
    with pytest.raises(BadArgument, match="argument `configure_flags` is to be a list of words") as caught:
        phases.called_arguments({"configure_flags": flags, "inputs": {}})
    assert f"is {value!r}: what `flags` (File" in str(caught.value)
    with pytest.raises(BadArgument, match=r"is to be a list of words, and is None$"):
        phases.called_arguments({"configure_flags": None})


def test_flag_that_is_no_word_is_told():
    with pytest.raises(
        BadArgument, match="argument `configure_flags` is to be a list of words, and holds None"
    ):
        Phases((("configure", configure),)).called_arguments({"configure_flags": ["-q", None]})


def test_functions_of_arguments_are_called_with_what_they_ask_for():
    given = {
        "configure_flags": lambda inputs: [f"--with={inputs['x']}"],
        "test_target": lambda: None,
        "inputs": {"x": "/x"},
    }
    assert Phases((("configure", configure),)).called_arguments(given) == {
        "configure_flags": ["--with=/x"],
        "test_target": None,
        "inputs": {"x": "/x"},
    }


def test_error_of_the_system_is_one_line_below_the_line_that_met_it(capsys, tmp_path):
    def own_phase():
        (tmp_path / "none").unlink()

    try:
        Phases((("own-phase", own_phase),)).run()
    except OSError as caught:
        show_failure(type(caught), caught, caught.__traceback__)
    lines = capsys.readouterr().err.splitlines()
    frames = [line for line in lines if line.startswith("  File")]
    assert frames[1:] == [f'  File "{__file__}", line {own_phase.__code__.co_firstlineno + 1}, in own_phase']
    assert lines[-1] == f"error: `{tmp_path}/none`: No such file or directory"


def test_error_of_a_helper_shows_neither_its_lines_nor_those_of_the_standard_library(capsys, tmp_path):
    def own_phase():
        substitute(tmp_path / "none", ("a", "b"))

    try:
        Phases((("own-phase", own_phase),)).run()
    except BuildSideError as caught:
        show_failure(type(caught), caught, caught.__traceback__)
    lines = capsys.readouterr().err.splitlines()
    frames = [line.rpartition(" ")[2] for line in lines if line.startswith("  File")]
    assert frames[1:] == ["own_phase"]
    assert lines[-1] == f"error: substitute: `{tmp_path}/none`: No such file or directory"
