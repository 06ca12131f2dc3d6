"""Explanations of builds in words, and as JSON."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from larix.cli import diagnostics
from larix.words import mark, plural, tr

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from larix.cli.explaining import Explanation, Told
    from larix.graphs.changes import Change

__all__ = ["explanation_fields", "tell_explanations"]

_MOST = 12  # names, and causes, that are told one by one
_INLINE, _WIDTH = 70, 100
_TEXTS = ("file", "function", "module", "patch")  # what is told of these are lines
_NOUNS = {
    "argument": mark("argument `{name}'"),
    "builder": mark("builder"),
    "environment-variable": mark("environment variable `{name}'"),
    "file": mark("file `{name}'"),
    "function": mark("function `{name}'"),
    "input": mark("input `{name}'"),
    "module": mark("module `{name}'"),
    "outputs": mark("outputs"),
    "patch": mark("patch `{name}'"),
    "source": mark("source `{name}'"),
    "system": mark("system"),
    "version": mark("version"),
}


def tell_explanations(explanations: Sequence[Explanation]) -> None:
    """Those with the same causes together."""
    alike: dict[object, list[Explanation]] = {}
    for each in explanations:
        key = (each.compared is None, tuple((told.subjects, told.changes) for told in each.causes))
        alike.setdefault(key, []).append(each)
    for same in alike.values():
        for line in _lines(same):
            diagnostics.say(line)


def _lines(same: Sequence[Explanation]) -> Iterator[str]:
    first, names = same[0], _listed([each.name for each in same])
    if first.compared is None:
        yield plural(
            "Reasons to build {names}: nothing of this name is there yet",
            "Reasons to build {names}: nothing of these names is there yet",
            len(same),
            names=names,
        )
        yield ""
        return
    if len(same) == 1:
        path, moment = first.compared
        made = time.strftime("%F %T", time.localtime(moment))
        yield tr(
            "Reasons to build {names}, compared with {path} of {time}:", names=names, path=path, time=made
        )
    else:
        yield tr("Reasons to build {names}, compared with what is there:", names=names)
    if not first.causes:
        yield "   " + tr("nothing changed: it was deleted")
    for told in first.causes[:_MOST]:
        yield f"   {_subjects(told)}{_way(told, first.name) if len(same) == 1 else ''}:"
        for change in told.changes:
            yield from (f"      {line}" for line in _change_lines(change))
    if len(first.causes) > _MOST:
        yield "   " + tr("and {count} others; `--json' tells all", count=len(first.causes) - _MOST)
    yield ""


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MOST:
        return tr("{names} and {count} others", names=", ".join(names[:_MOST]), count=len(names) - _MOST)
    if len(names) == 1:
        return names[0]
    return tr("{names} and {name}", names=", ".join(names[:-1]), name=names[-1])


def _subjects(told: Told) -> str:
    first = told.subjects[0]
    if len(told.subjects) == 1:
        return f"{first.name} ({first.place})" if first.place is not None else first.name
    return _listed([each.name for each in told.subjects])


def _way(told: Told, name: str) -> str:
    text = ""
    between = [each for each in told.way if each != name]
    if between and len(told.subjects) == 1:
        text = tr(", by way of {names}", names=" → ".join(reversed(between)))
    if told.builds > 1:
        text += plural(
            "; {number} derivation is built for this",
            "; {number} derivations are built for this",
            told.builds,
        )
    return text


def _change_lines(change: Change) -> Iterator[str]:
    place = f" ({change.place})" if change.place is not None else ""
    noun = _NOUNS[change.kind]
    what = tr(noun, name=change.name) if "{" in noun else tr(noun)
    old, new = change.old, change.new
    if change.kind in ("version", "system", "outputs"):
        yield f"{what} {old} → {new}"
    elif change.kind == "source" and new == change.name and old and old != new:
        yield tr("source {old} → {new}", old=old, new=new) + place
    elif old in ("", change.name) and new in ("", change.name) and old != new:
        yield (tr("{what} is new", what=what) if new else tr("{what} is gone", what=what)) + place
    elif not old and not new:
        yield tr("{what} changed", what=what) + place
    elif change.kind in _TEXTS or len(old) + len(new) > _INLINE:
        yield tr("{what} changed", what=what) + f"{place}:"
        texts = zip("-+", _shortened(old, new), strict=True)
        yield from (f"  {sign} {text}" for sign, text in texts if text)
    elif old and new:
        yield f"{what}: `{old}' → `{new}'{place}"
    else:
        told = f"`{old or new}'"
        yield f"{what}: {tr('{what} is new', what=told) if new else tr('{what} is gone', what=told)}{place}"


def _shortened(old: str, new: str) -> tuple[str, str]:
    """Both on one line each, which begins near to where they part."""
    old, new = (" ".join(text.split()) for text in (old, new))
    start = 0
    if max(len(old), len(new)) > _WIDTH:
        pairs = enumerate(zip(old, new, strict=False))
        parting = next((index for index, (one, other) in pairs if one != other), min(len(old), len(new)))
        start = max(parting - _WIDTH // 3, 0)
    cut = [f"{'…' if start else ''}{text[start:]}" if text else "" for text in (old, new)]
    first, second = (f"{text[: _WIDTH - 1]}…" if len(text) > _WIDTH else text for text in cut)
    return first, second


def explanation_fields(explanations: Iterable[Explanation] | None) -> dict[str, Any]:
    """The field of a plan in JSON; none where nothing was to be explained."""
    return {} if explanations is None else {"explanations": _data(explanations)}


def _data(explanations: Iterable[Explanation]) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "derivation": each.drv,
            "compared": None
            if each.compared is None
            else {"path": each.compared[0], "time": each.compared[1]},
            "causes": [_told_data(told) for told in each.causes],
        }
        for each in explanations
    ]


def _told_data(told: Told) -> dict[str, Any]:
    return {
        "subjects": [
            {"name": each.name, "location": None if each.place is None else str(each.place)}
            for each in told.subjects
        ],
        "way": list(told.way),
        "builds": told.builds,
        "derivations": [{"from": old, "to": new} for old, new in told.derivations],
        "changes": [
            {
                "kind": change.kind,
                "name": change.name,
                "from": change.old,
                "to": change.new,
                "location": None if change.place is None else str(change.place),
            }
            for change in told.changes
        ],
    }
