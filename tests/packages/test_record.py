import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from larix.errors import LarixError, Location
from larix.packages.kinds import frozen, frozen_mapping, optional, sequence_of, text, thawed
from larix.packages.platform import current_system, platform
from larix.packages.record import BadRecord, Field, Record, field


class Thing(Record):
    noun = "thing"

    name: Field[str, str] = field(text)
    version: Field[str, str] = field(text, default="1")
    parts: Field[list[str], tuple[str, ...]] = field(sequence_of(text, "parts"), default=())
    home: Field[str | None, str | None] = field(optional(text), default=lambda t: f"/{t.name}")
    hook: Field[object, object] = field(lambda value: value, default=None, late=False)
    extra: Field[dict[str, object], dict[str, object]] = field(frozen_mapping, default=None)


def test_fields_given_as_values_functions_and_functions_of_the_record():
    thing = Thing(name="a", version=lambda: "2", parts=lambda t: [f"{t.name}-{t.version}"])
    assert (thing.name, thing.version, thing.parts, thing.home) == ("a", "2", ("a-2",), "/a")


def test_variant_follows_what_it_changes_and_leaves_the_original_alone():
    thing = Thing(name="a", parts=lambda t: [t.version])
    variant = thing.inherit(version="9")
    assert (variant.parts, thing.parts) == (("9",), ("1",))
    assert variant.name == "a"


def test_methods_and_partial_functions_are_late_too():
    class Holder:
        def of(self, thing):
            return thing.name * 2

        def plain(self):
            return "plain"

    assert Thing(name="a", version=Holder().of).version == "aa"
    assert Thing(name="a", version=Holder().plain).version == "plain"
    assert Thing(name="a", version=functools.partial(lambda x, t: x + t.name, "x")).version == "xa"
    assert Thing(name="a", version=functools.partial(lambda x: x, "x")).version == "x"
    assert Thing(name="a", version=functools.partial(str, 3)).version == "3"
    assert Thing(name="a", version=lambda own="default": own).version == "default"


def test_functions_run_once_for_each_platform():
    calls = []

    def version():
        calls.append(current_system())
        return current_system()

    thing = Thing(name="a", version=version)
    with platform("x86_64-linux"):
        assert thing.version == thing.version == "x86_64-linux"
    with platform("i686-linux"):
        assert thing.version == "i686-linux"
    assert calls == ["x86_64-linux", "i686-linux"]


def test_field_that_is_not_late_keeps_a_function_as_its_value():
    def hook():
        raise AssertionError

    assert Thing(name="a", hook=hook).hook is hook


def here(offset: int) -> int:
    import sys

    return sys._getframe(1).f_lineno + offset


def test_unknown_field_names_the_one_meant_and_the_place_of_the_definition():
    line = here(2)
    with pytest.raises(BadRecord) as caught:
        Thing(
            nmae="a",
        )
    assert caught.value.message == "thing has no field `nmae`"
    assert caught.value.hint == "Did you mean `name'?"
    assert caught.value.place == Location(__file__, line, 9)


def test_unknown_field_of_a_variant_is_told_at_the_variant():
    thing = Thing(name="a")
    line = here(2)
    with pytest.raises(BadRecord, match=r"thing has no field `verison`") as caught:
        thing.inherit(verison="2")
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_missing_field_is_told():
    with pytest.raises(BadRecord, match=r"thing needs `name`"):
        Thing(version="1")


def test_positional_fields_are_refused_with_what_to_write():
    with pytest.raises(BadRecord, match=r"given by name") as caught:
        Thing("a")
    assert caught.value.hint == "write `Thing(name='a', …)`"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": 3}, "field `name` of thing: expected a string, found the int 3"),
        (
            {"name": "a", "parts": "abc"},
            "field `parts` of thing `a`: expected a list of parts, found the str 'abc'",
        ),
        ({"name": "a", "parts": [1]}, "field `parts` of thing `a`: expected a string, found the list [1]"),
        ({"name": "a", "home": 3}, "field `home` of thing `a`: expected a string, or None, found the int 3"),
        ({"name": "a", "extra": {1: 2}}, "expected names as keys, found the key 1"),
    ],
)
def test_wrong_value_is_told_when_the_record_is_made(fields, words):
    with pytest.raises(BadRecord) as caught:
        Thing(**fields)
    assert words in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.file == __file__


def test_wrong_result_of_a_function_is_told_at_the_definition():
    thing = Thing(name="a", version=lambda: 3)
    with pytest.raises(
        BadRecord, match=r"field `version` of thing `a`: expected a string, found the int 3"
    ) as caught:
        _ = thing.version
    assert caught.value.place == thing.location


def test_unknown_name_in_a_function_is_told_at_its_line_with_a_hint():
    line = here(1)
    thing = Thing(name="a", version=lambda: frozenn("x"))  # noqa: F821
    with pytest.raises(BadRecord) as caught:
        _ = thing.version
    assert caught.value.message == "field `version` of thing `a`: unknown name `frozenn`"
    assert caught.value.hint == "Did you mean `frozen'?"
    assert caught.value.place == Location(__file__, line)


def test_own_errors_of_larix_pass_as_they_are():
    def version():
        raise LarixError("mine")

    with pytest.raises(LarixError, match=r"^mine$"):
        _ = Thing(name="a", version=version).version


def test_field_that_needs_itself_is_told():
    thing = Thing(name=lambda t: t.version, version=lambda t: t.name)
    with pytest.raises(BadRecord, match=r"field `name` of thing needs itself"):
        _ = thing.name


def test_field_is_readable_after_a_failure_is_mended():
    box = []
    thing = Thing(name="a", version=lambda: box[0])
    with pytest.raises(BadRecord, match=r"IndexError"):
        _ = thing.version
    box.append("2")
    assert thing.version == "2"


def test_records_cannot_be_changed_and_say_what_to_do():
    thing = Thing(name="a")
    with pytest.raises(BadRecord, match=r"cannot be changed") as caught:
        thing.name = "b"
    assert "inherit(name=" in (caught.value.hint or "")
    with pytest.raises(AttributeError):
        thing.other = 1


def test_values_are_copied_so_that_changing_them_later_changes_nothing():
    parts = ["x"]
    extra = {"flags": ["-a"]}
    thing = Thing(name="a", parts=parts, extra=extra)
    parts.append("y")
    extra["flags"].append("-b")
    assert thing.parts == ("x",)
    assert thawed(thing.extra) == {"flags": ("-a",)}
    with pytest.raises(TypeError):
        thing.extra["more"] = 1


def test_location_can_be_given():
    place = Location("elsewhere.py", 7)
    assert Thing(name="a", location=place).location == place
    assert Thing(name="a").inherit(name="b", location=place).location == place


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=10,
)


def tuples(value):
    if isinstance(value, (list, tuple)):
        return tuple(tuples(each) for each in value)
    return {key: tuples(each) for key, each in value.items()} if isinstance(value, dict) else value


@given(values)
def test_thawing_what_was_frozen_gives_the_same_with_lists_as_tuples(value):
    assert thawed(frozen(value)) == tuples(value)
    assert thawed(frozen(frozen(value))) == tuples(value)
