"""Definitions as text: what importers know of a package, laid out as a person would write it.

The text is a module that can be evaluated as it is. What the catalogue lacks stands in it as comments.
"""

from __future__ import annotations

import keyword
import re
import textwrap
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["WIDTH", "Draft", "Need", "print_drafts", "tidy_description", "tidy_synopsis", "variable_name"]

WIDTH = 110
_TEXT_WIDTH = 96


class Need(NamedTuple):
    """Something that a package needs, as upstream calls it.

    `module` and `variable` tell where the catalogue has it; with a variable alone it is in the same text, and
    with neither it is unknown.
    """

    called: str
    module: str = ""
    variable: str = ""

    @property
    def reference(self) -> str:
        return f"{self.module.rpartition('.')[2]}.{self.variable}" if self.module else self.variable


class Draft(NamedTuple):
    """A package to be. `licenses` are names in `larix.packages.licenses`, `said` what upstream said of it.

    `arguments` are lines of the build system's arguments, with their comments.
    """

    name: str
    version: str
    uris: Sequence[str]
    sha256: str
    build_system: str
    synopsis: str
    description: str
    home_page: str | None
    licenses: Sequence[str] = ()
    license_said: str = ""
    native: Sequence[Need] = ()
    inputs: Sequence[Need] = ()
    propagated: Sequence[Need] = ()
    arguments: Sequence[str] = ()
    remarks: Sequence[str] = ()

    @property
    def variable(self) -> str:
        return variable_name(self.name)

    def needs(self) -> Iterator[Need]:
        yield from (*self.native, *self.inputs, *self.propagated)


def variable_name(name: str) -> str:
    made = re.sub(r"\W", "_", name)
    return f"package_{made}" if made[:1].isdigit() else f"{made}_" if keyword.iskeyword(made) else made


def print_drafts(drafts: Sequence[Draft]) -> str:
    """A module with the packages, in their order."""
    first = drafts[-1]
    head = [f'"""{_one_line(first.synopsis)}."""', "", "from __future__ import annotations", ""]
    head += sorted(_imports(drafts), key=lambda line: (line.startswith("from"), line.split()[1]))
    names = sorted(draft.variable for draft in drafts)
    head += ["", *_list("__all__ = [", [f'"{name}"' for name in names], "]"), ""]
    parts = ["\n".join(head)]
    parts += ["\n".join(_lines(draft)) for draft in drafts]
    return "\n\n".join(parts) + "\n"


def _imports(drafts: Iterable[Draft]) -> Iterator[str]:
    drafts = list(drafts)
    for name in sorted({draft.build_system for draft in drafts}):
        yield f"from larix.buildsystems.{name} import {name}"
    licenses = ["licenses"] if any(draft.licenses for draft in drafts) else []
    yield f"from larix.packages import {', '.join(['Origin', 'Package', *licenses])}"
    folders: dict[str, set[str]] = {}
    for need in (need for draft in drafts for need in draft.needs() if need.module):
        package, _, module = need.module.rpartition(".")
        folders.setdefault(package, set()).add(module)
    for package, modules in folders.items():
        if package:
            yield "\n".join(_imported(package, sorted(modules)))
        else:
            yield from (f"import {module}" for module in sorted(modules))


def _imported(package: str, modules: Sequence[str]) -> list[str]:
    line = f"from {package} import {', '.join(modules)}"
    if len(line) <= WIDTH:
        return [line]
    return [f"from {package} import (", *(f"    {module}," for module in modules), ")"]


def _lines(draft: Draft) -> Iterator[str]:
    yield from (f"# {line}" for remark in draft.remarks for line in textwrap.wrap(remark, _TEXT_WIDTH))
    yield f"{draft.variable} = Package("
    yield f'    name="{draft.name}",'
    yield f'    version="{draft.version}",'
    yield from _source(draft)
    yield f"    build_system={draft.build_system},"
    if draft.arguments:
        yield "    arguments={"
        yield from (f"        {line}" for line in draft.arguments)
        yield "    },"
    yield from _needs("native_inputs", draft.native)
    yield from _needs("inputs", draft.inputs)
    yield from _needs("propagated_inputs", draft.propagated)
    yield from _text("synopsis", draft.synopsis)
    yield from _text("description", draft.description)
    yield f"    home_page={_quoted(draft.home_page) if draft.home_page else 'None'},"
    yield from _license(draft)
    yield ")"


def _source(draft: Draft) -> Iterator[str]:
    uris = [_with_version(uri, draft.version) for uri in draft.uris]
    late = any(uri.startswith("f") for uri in uris)
    yield f"    source={'lambda p: ' if late else ''}Origin("
    if len(uris) == 1:
        yield f"        uri={uris[0]},"
    else:
        yield "        uri=("
        yield from (f"            {uri}," for uri in uris)
        yield "        ),"
    yield f'        sha256="{draft.sha256}",'
    yield "    ),"


def _with_version(uri: str, version: str) -> str:
    """The address as a string that follows the version, which stands in its last part."""
    head, slash, file = uri.rpartition("/")
    if version not in file or re.search(r"[{}]", uri):
        return _quoted(uri)
    return f"f{_quoted(head + slash + file.replace(version, '{p.version}'))}"


def _needs(field: str, needs: Sequence[Need]) -> Iterator[str]:
    if not needs:
        return
    known = list(dict.fromkeys(need.reference for need in needs if need.variable))
    unknown = list(dict.fromkeys(need.called for need in needs if not need.variable))
    known.sort()
    if not unknown:
        yield from (f"    {line}" for line in _list(f"{field}=lambda: [", known, "],"))
        return
    comments = [f"# not in the catalogue: {called}" for called in unknown]
    if not known:
        yield f"    # {field}:"
        yield from (f"    {line}" for line in comments)
        return
    yield f"    {field}=lambda: ["
    yield from (f"        {reference}," for reference in known)
    yield from (f"        {line}" for line in comments)
    yield "    ],"


def _list(begin: str, items: Sequence[str], end: str) -> list[str]:
    """On one line if it fits, else one line for each."""
    line = begin + ", ".join(items) + end
    if len(line) <= WIDTH - 4:
        return [line]
    return [begin, *(f"    {item}," for item in items), end]


def _text(field: str, text: str) -> Iterator[str]:
    text = _one_line(text)
    line = f"    {field}={_quoted(text)},"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"    {field}=("
    pieces = textwrap.wrap(text, _TEXT_WIDTH, break_long_words=False, break_on_hyphens=False)
    for number, piece in enumerate(pieces, 1):
        yield f"        {_quoted(piece + ('' if number == len(pieces) else ' '))}"
    yield "    ),"


def _license(draft: Draft) -> Iterator[str]:
    names = [f"licenses.{name}" for name in dict.fromkeys(draft.licenses)]
    if not names:
        yield f"    license=(),  # upstream says: {_one_line(draft.license_said)[:60] or 'nothing'}"
    elif len(names) == 1:
        yield f"    license={names[0]},"
    else:
        yield f"    license=({', '.join(names)}),"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _quoted(text: str) -> str:
    """A string in double quotes, unless that takes more backslashes."""
    if '"' in text and "'" not in text:
        return "'" + text.replace("\\", "\\\\") + "'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tidy_synopsis(text: str, name: str) -> str:
    """A summary in the form that synopses have: without article, name and full stop."""
    words = _one_line(text).rstrip(".").strip()
    words = re.sub(rf"^{re.escape(name)}\s*[-:,\u2013\u2014]+\s*", "", words, flags=re.IGNORECASE)
    words = re.sub(r"^(?:an?|the)\s+", "", words, flags=re.IGNORECASE)
    if len(words) > 80:
        words = textwrap.shorten(words, 80, placeholder="")
    if words and words.split()[0].islower():
        words = words[:1].upper() + words[1:]
    return words or name


def tidy_description(text: str, otherwise: str) -> str:
    """The first paragraph of a text that is made of sentences, without markup; else `otherwise` as one."""
    for paragraph in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        plain = _without_markup(paragraph)
        if (
            len(plain) >= 40
            and re.search(r"[a-z][.!?:]", plain)
            and not paragraph.lstrip().startswith(("..", "<", "|", ">", "`"))
        ):
            return _shortened(plain)
    return f"{_one_line(otherwise).rstrip('.')}."


def _without_markup(paragraph: str) -> str:
    lines = paragraph.strip().splitlines()
    if any(
        re.match(r"\s*([-=~^*#+`]{3,}|#+ |[-*+] |\d+\. |\$ |>>> |!\[|\[!\[|:\w+:)", line) for line in lines
    ):
        return ""
    text = _one_line(paragraph)
    text = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])?", r"\1", text)  # links of Markdown
    text = re.sub(r"`([^`<]+?)\s*<[^>]+>`_+", r"\1", text)  # and of reStructuredText
    text = re.sub(r"<((?:https?|mailto):[^>]+)>", r"\1", text)
    text = re.sub(r"\|[^|]+\|_?", "", text)
    text = re.sub(r":\w+:`([^`]*)`", r"\1", text)
    text = re.sub(r"[*_]{2}([^*_]+)[*_]{2}|\*([^*\s][^*]*)\*", r"\1\2", text)
    text = re.sub(r"(?<!\w)_([^_\s]+)_(?!\w)", r"\1", text)
    text = re.sub(r"``?([^`]+)``?_*", r"\1", text)
    return _one_line(re.sub(r"<[^>]+>", "", text))


def _shortened(text: str) -> str:
    """At most some five lines, cut between sentences, ending with a full stop."""
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z0-9])", text)
    if len(sentences) > 1 and text.endswith(":"):
        del sentences[-1]  # it leads to a list, which is left out
    kept = sentences[0]
    for sentence in sentences[1:]:
        if len(kept) + len(sentence) > 420:
            break
        kept = f"{kept} {sentence}"
    return kept if kept[-1] in ".!?" else kept.rstrip(":; ") + "."
