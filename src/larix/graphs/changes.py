"""In what two derivations differ by themselves, whatever became of their inputs."""

from __future__ import annotations

import ast
import os
import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from larix.buildside.phases import changed_phases
from larix.errors import Location
from larix.formats.nar import Directory, File
from larix.formats.storepath import StorePath, name_part
from larix.graphs.programs import Program, mentioned_strings, read_program
from larix.graphs.sides import Pairs, Side, stem_of
from larix.staging import places
from larix.staging.modules import MODULES_NAME
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from larix.formats.nar import Tree

__all__ = ["Change", "changes_between"]

# Arguments that follow from something else, which is told by itself.
_FOLLOWING = {"build_triplet", "name", "search_paths", "system", "top", "version"}
_INPUTS = ("inputs", "native_inputs")
_MOST_FILES = 20
_DIGITS = 32
_HASH_PART = re.compile(r"/([0-9a-z]{32})-")
_LONGEST_TEXT = 1 << 20


class Change(NamedTuple):
    """What is called `name` among things of a kind became another; `place` is where the new one stands.

    Kinds are version, source, patch, file, module, input, argument, function, environment-variable, system,
    outputs and builder. `old` is empty for what is new, `new` for what is gone. Of texts they are the first
    lines that differ, and both empty for what is no text.
    """

    kind: str
    name: str
    old: str = ""
    new: str = ""
    place: Location | None = None


def changes_between(one: Side, other: Side, pairs: Pairs) -> list[Change]:
    """Nothing for two that are alike but for versions of their inputs."""
    if other.fixed is not None and one.fixed is not None:
        return [_fetched(one, other)]
    if other.fixed is not None or one.fixed is not None:
        return list(_repacked(one, other))
    old_tokens, new_tokens = pairs.tokens(one, other)
    old, new = _Texts(old_tokens), _Texts(new_tokens)
    found: list[Change] = []
    if one.name != other.name:
        found.append(_version(one.name, other.name))
    if one.system != other.system:
        found.append(Change("system", "", one.system, other.system))
    if list(one.outputs) != list(other.outputs):
        found.append(Change("outputs", "", " ".join(one.outputs), " ".join(other.outputs)))
    found += _sources(one, other, pairs)
    found += _stands(pairs)
    found += [Change("input", _shown(path), old=_shown(path)) for path in pairs.gone if path in one.inputs]
    found += [Change("input", _shown(path), new=_shown(path)) for path in pairs.added if path in other.inputs]
    found += _programs(one, other, old, new)
    found += _process(one, other, old, new)
    return _without_echoes(found, pairs.lone_paths(one, other))


def _fetched(one: Side, other: Side) -> Change:
    """Of a file that is fetched only what must come counts, not from where."""
    if one.name != other.name:
        return Change("source", other.name, one.name, other.name)
    return Change("source", other.name, (one.fixed or "")[:16], (other.fixed or "")[:16])


def _repacked(one: Side, other: Side) -> Iterator[Change]:
    """Between a file as it is fetched, and what patches and snippets made of one."""
    fetched, made = (one, other) if one.fixed is not None else (other, one)
    inputs = {path for outputs in made.inputs.values() for path in outputs.values()}
    if inputs.isdisjoint(fetched.outputs.values()):
        yield Change("source", other.name, one.name, other.name)
    program = read_program(made.program_text())
    strings = dict(mentioned_strings(program)) if program is not None else {}
    patches = {text for role, text in strings.items() if role.startswith("patches")}
    for path in made.sources:
        if path in patches:
            yield (
                _came(path, made) if made is other else Change(_kind(path), name_part(path), name_part(path))
            )
    snippet = program.values.get("snippet") if program is not None else None
    if snippet is not None and not isinstance(snippet, ast.Constant):
        what = "snippet"
        yield Change("function", what, "" if made is other else what, what if made is other else "")


def _came(path: StorePath, side: Side) -> Change:
    content = side.content(path)
    place = Location(content, 1) if isinstance(content, str) and content != path else None
    return Change(_kind(path), name_part(path), new=name_part(path), place=place)


def _version(old: str, new: str) -> Change:
    stem = stem_of(new)
    if stem != stem_of(old) or stem in (old, new):
        return Change("version", "", old, new)
    return Change("version", "", old[len(stem) + 1 :], new[len(stem) + 1 :])


def _shown(path: StorePath) -> str:
    return name_part(path).removesuffix(".drv")


def _stands(pairs: Pairs) -> Iterator[Change]:
    for role, old, new in pairs.stands:
        base, _, rest = role.partition("[")
        if base in _INPUTS:
            yield Change("input", rest.rstrip("]"), _shown(old), _shown(new))
        else:
            kind = "source" if base in ("source", "archive") else "input"
            yield Change(kind, _shown(new), _shown(old), _shown(new))


def _sources(one: Side, other: Side, pairs: Pairs) -> Iterator[Change]:
    for old, new in pairs.sources:
        if name_part(new) == MODULES_NAME:
            yield from _modules(one.content(old), other.content(new))
        else:
            yield from _contents(name_part(new), one.content(old), other.content(new))
    for path in pairs.gone:
        if path not in one.inputs:
            yield Change(_kind(path), name_part(path), old=name_part(path))
    for path in pairs.added:
        if path not in other.inputs:
            yield _came(path, other)


def _kind(path: str) -> str:
    return "patch" if path.endswith((".patch", ".diff")) else "file"


def _modules(old: Tree | bytes | str, new: Tree | bytes | str) -> Iterator[Change]:
    before, after = _files(old), _files(new)
    for file in sorted({*before, *after}):
        first, second = before.get(file), after.get(file)
        module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        if first is None or second is None:
            yield Change("module", module, "" if first is None else module, "" if second is None else module)
            continue
        old_text, new_text = _read(first), _read(second)
        if old_text != new_text:
            line, was, now = _first_difference(old_text, new_text)
            spec = find_spec(module)
            place = Location(spec.origin, line) if spec is not None and spec.origin is not None else None
            yield Change("module", module, was, now, place)


def _contents(name: str, old: Tree | bytes | str, new: Tree | bytes | str) -> Iterator[Change]:
    """One change for a file; for a tree the files in it that differ, up to a number."""
    before, after = _files(old), _files(new)
    kind = _kind(name)
    count = 0
    for file in sorted({*before, *after}):
        first, second = before.get(file), after.get(file)
        shown = f"{name}/{file}" if file else name
        place = new if isinstance(new, str) else None
        where = Location(os.path.join(place, file) if file else place, 1) if place is not None else None
        if first is None or second is None:
            changed = Change(
                kind, shown, "" if first is None else shown, "" if second is None else shown, where
            )
        else:
            old_text, new_text = _read(first), _read(second)
            if old_text == new_text:
                continue
            line, was, now = _first_difference(old_text, new_text)
            changed = Change(kind, shown, was, now, where._replace(line=line) if where is not None else None)
        count += 1
        if count > _MOST_FILES:
            yield Change(kind, tr("{name}: more files", name=name))
            return
        yield changed


def _files(content: Tree | bytes | str) -> dict[str, bytes | str]:
    """What is below by name, the name of a lone file being empty: bytes, or a file to be read."""
    if isinstance(content, bytes):
        return {"": content}
    if isinstance(content, str):
        if not os.path.isdir(content):
            return {"": content}
        return {
            os.path.relpath(os.path.join(folder, name), content): os.path.join(folder, name)
            for folder, _, names in os.walk(content)
            for name in names
        }
    if isinstance(content, File):
        return {"": content.contents}
    if isinstance(content, Directory):
        return {
            f"{name.decode(errors='surrogateescape')}{'/' if file else ''}{file}": text
            for name, each in content.entries.items()
            for file, text in _files(each).items()
        }
    return {"": content.target}


def _read(file: bytes | str) -> bytes:
    if isinstance(file, bytes):
        return file
    try:
        if os.path.islink(file):
            return os.fsencode(os.readlink(file))
        with open(file, "rb") as stream:
            return stream.read()
    except OSError:
        return b""


def _first_difference(old: bytes, new: bytes) -> tuple[int, str, str]:
    """The number of the first line that differs, and the two lines; empty for what is no text."""
    if b"\0" in old or b"\0" in new or max(len(old), len(new)) > _LONGEST_TEXT:
        return 1, "", ""
    before, after = old.splitlines(), new.splitlines()
    number = next(
        (index for index, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]),
        min(len(before), len(after)),
    )
    texts = [
        lines[number].decode(errors="replace").strip() if number < len(lines) else ""
        for lines in (before, after)
    ]
    return number + 1, texts[0], texts[1]


class _Texts:
    """Replaces the store paths of one side by its tokens; compiling a pattern of them all would cost more."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = {path.rpartition("/")[2][:_DIGITS]: (path, token) for path, token in tokens.items()}

    def __call__(self, text: str) -> str:
        pieces: list[str] = []
        at = 0
        for match in _HASH_PART.finditer(text):
            path, token = self._tokens.get(match[1], ("", ""))
            start = match.start() - path.rfind("/")
            if path and start >= at and text.startswith(path, start):
                pieces += (text[at:start], token)
                at = start + len(path)
        return "".join([*pieces, text[at:]])


def _process(one: Side, other: Side, old: _Texts, new: _Texts) -> Iterator[Change]:
    """What the builder's process is given."""
    was, now = old(one.builder), new(other.builder)
    if was != now:
        yield Change("builder", "", was, now)
    before, after = [old(each) for each in one.args], [new(each) for each in other.args]
    if before != after:
        yield from _words("builder", "", before, after)
    for name in sorted({*one.env, *other.env}):
        first, second = one.env.get(name), other.env.get(name)
        if first is None or second is None or old(first) != new(second):
            yield Change("environment-variable", name, old(first or ""), new(second or ""))


def _words(kind: str, name: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Change]:
    """Words that one list has and the other has not; the whole lists where only the order differs."""
    gone = [each for each in old if each not in new]
    added = [each for each in new if each not in old]
    if not gone and not added:
        yield Change(kind, name, " ".join(old), " ".join(new))
    elif len(gone) == len(added) == 1:
        yield Change(kind, name, gone[0], added[0])
    else:
        yield from (Change(kind, name, old=each) for each in gone)
        yield from (Change(kind, name, new=each) for each in added)


def _programs(one: Side, other: Side, old: _Texts, new: _Texts) -> Iterator[Change]:
    first, second = old(one.program_text()), new(other.program_text())
    if first == second:
        return
    before, after = read_program(first), read_program(second)
    if before is None or after is None or other.program is None:
        yield Change("builder", "", "", "")
        return
    changed = list(_arguments(before, after))
    functions = list(_functions(before, after, other.program))
    yield from changed
    yield from functions
    if not changed and not functions and before.imports != after.imports:
        yield from _words("function", "imports", sorted(before.imports), sorted(after.imports))


def _arguments(before: Program, after: Program) -> Iterator[Change]:
    for old, new in ((before.arguments, after.arguments), (before.values, after.values)):
        for name in dict.fromkeys([*old, *new]):
            first, second = old.get(name), new.get(name)
            if first is not None and second is not None and ast.dump(first) == ast.dump(second):
                continue
            yield from _values(name, first, second)


def _values(name: str, old: ast.expr | None, new: ast.expr | None) -> Iterator[Change]:
    if isinstance(old, ast.Dict) and isinstance(new, ast.Dict):
        first, second = _entries(old), _entries(new)
        for key in dict.fromkeys([*first, *second]):
            if first.get(key) != second.get(key):
                yield Change("argument", f"{name}[{key}]", first.get(key, ""), second.get(key, ""))
    elif isinstance(old, ast.List | ast.Tuple) and isinstance(new, ast.List | ast.Tuple):
        yield from _words(
            "argument", name, [_text(each) for each in old.elts], [_text(each) for each in new.elts]
        )
    elif isinstance(old or new, ast.List | ast.Tuple) and not (old and new):
        listed = old or new
        words = [_text(each) for each in listed.elts] if isinstance(listed, ast.List | ast.Tuple) else []
        yield from _words("argument", name, words if old else [], words if new else [])
    elif _is_steps(old) or _is_steps(new):
        yield from _words("argument", name, _steps(old), _steps(new))
    else:
        yield Change("argument", name, _text(old), _text(new))


def _is_steps(node: ast.expr | None) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == changed_phases.__name__
    )


def _steps(node: ast.expr | None) -> list[str]:
    """Phases as the changes that made them, in their order; the phases at the start are the first."""
    if node is None:
        return []
    if not isinstance(node, ast.Call) or not _is_steps(node):
        return [_text(node)]
    inner, *words = node.args
    return [*_steps(inner), " ".join(map(_text, words))]


def _entries(node: ast.Dict) -> dict[str, str]:
    return {_text(key): _text(value) for key, value in zip(node.keys, node.values, strict=True)}


def _text(node: ast.expr | None) -> str:
    """An expression as people would write it: strings bare, paths as their names."""
    if node is None:
        return ""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Path"
        and node.args
    ):
        return _text(node.args[0])
    return ast.unparse(node)


def _functions(before: Program, after: Program, program: StorePath) -> Iterator[Change]:
    for name in dict.fromkeys([*before.functions, *after.functions]):
        old, new = before.functions.get(name), after.functions.get(name)
        if old is not None and new is not None and old.text == new.text:
            continue
        if old is None or new is None:
            place = places.locate(program, new.line) if new is not None else None
            yield Change(
                "function", name, name if old is not None else "", name if new is not None else "", place
            )
            continue
        line, was, now = _first_difference(
            old.text.encode(errors="replace"), new.text.encode(errors="replace")
        )
        yield Change("function", name, was, now, places.locate(program, new.line + line - 1))


def _without_echoes(found: list[Change], lone: set[str]) -> list[Change]:
    """Leave out what only follows from another change, unless it is all there is.

    Arguments that mention what only one side has follow from its coming or going.
    """
    kept = [
        each
        for each in dict.fromkeys(found)
        if each.kind != "argument"
        or (each.name not in _FOLLOWING and not any(path in each.old or path in each.new for path in lone))
    ]
    return kept or list(dict.fromkeys(found))
