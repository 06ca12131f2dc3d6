"""The house's layout of an expression such as a definition: tokens in, lines out, comments kept.

An expression is read as a tree of brackets: an `Item` is what stands between two commas, its parts are tokens
and `Group`s, which are brackets with items. It is written

- in one line, if it fits and nothing in it asks for more: a comment, or a comma behind the last item;
- else, inside of brackets, broken before its loosest operators, or before the dots of a chain of calls;
- else with its last bracket opened up: the arguments of a call in a line of their own if they fit there, and
  otherwise each item in its own line, with a comma behind it where there are several.

These are the rules of Python's usual formatters, as far as definitions go; a test compares with one of them.
What they do not reach (a comment amid operators, a text of several lines) stays as it was written.
"""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["WIDTH", "Group", "Item", "Leaf", "flat", "laid_out", "read_expression"]

WIDTH = 110
_INDENT = 4
_OPEN, _CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}
_SPACED_WORDS = frozenset(keyword.kwlist) - {"None", "True", "False"}
_SIGNS = frozenset({"*", "**", "+", "-", "~"})
_PRAGMAS = ("# type:", "# noqa", "# pyright:", "# pylint:")  # they count for no width
_STRING = re.compile(r'(?P<prefix>f?)"(?!"")(?P<body>[^"\n]*|(?:[^"\\\n]|\\.)*)"')
_ENDS_OPEN = re.compile(r"\\[0-7]{1,2}$")  # a digit behind it would change it
_ESCAPED = re.compile(r"\\.", re.DOTALL)
# What an item may be broken at, the loosest first; each stands at the beginning of a line then.
_BREAKS: tuple[frozenset[str], ...] = (
    frozenset({"if", "else"}),
    frozenset({"or", "and"}),
    frozenset({"in", "not", "is", "<", ">", "==", ">=", "<=", "!="}),
    frozenset({"|"}),
    frozenset({"^"}),
    frozenset({"&"}),
    frozenset({"<<", ">>"}),
    frozenset({"+", "-"}),
    frozenset({"*", "/", "//", "%", "@"}),
)


class _Unfit(Exception):
    """There is no rule for this."""


class Leaf(NamedTuple):
    """A token; `is_spaced` from what stands before it in the line, `is_operator` between two operands."""

    text: str
    is_spaced: bool
    is_operator: bool = False
    is_string: bool = False


class Group:
    """Brackets. `follows_value` is true of those of calls and subscripts.

    `head` is the comment behind the opening one, `tail` are those before the closing one.
    """

    __slots__ = ("bracket", "follows_value", "has_comma", "head", "is_spaced", "items", "tail")

    def __init__(self, bracket: str, *, is_spaced: bool, follows_value: bool) -> None:
        self.bracket = bracket
        self.is_spaced = is_spaced
        self.follows_value = follows_value
        self.items: list[Item] = []
        self.has_comma = False
        self.head = ""
        self.tail: list[str] = []

    @property
    def is_single(self) -> bool:
        """A tuple of one, which is written with a comma, or something in brackets without any."""
        return len(self.items) == 1 and (
            not self.has_comma or (self.bracket == "(" and not self.follows_value)
        )

    @property
    def is_forced(self) -> bool:
        """Whether it must be opened up."""
        return bool(self.head) or self.is_forced_apart

    @property
    def is_forced_apart(self) -> bool:
        """Whether its items need lines of their own."""
        wants_lines = self.has_comma and not self.is_single
        return (
            wants_lines or bool(self.tail) or any(each.is_forced or each.has_comments for each in self.items)
        )


class Item:
    """What stands between two commas: `before` are comments above it, `after` is the one behind it.

    `raw` is how it was written.
    """

    __slots__ = ("after", "before", "has_inner_comment", "parts", "raw")

    def __init__(self) -> None:
        self.parts: list[Leaf | Group] = []
        self.before: list[str] = []
        self.after = ""
        self.has_inner_comment = False
        self.raw = ""

    @property
    def has_comments(self) -> bool:
        return bool(self.before or self.after)

    @property
    def is_forced(self) -> bool:
        return self.has_inner_comment or _must_break(self.parts)

    @property
    def keyword(self) -> str | None:
        """`name` of `name=value`."""
        first, second = (*self.parts, None, None)[:2]
        is_named = isinstance(first, Leaf) and isinstance(second, Leaf) and second.text == "="
        return first.text if is_named and isinstance(first, Leaf) else None


def read_expression(text: str) -> Item:
    """The tree of an expression; `text` is a valid one."""
    return _Reader(text).read()


def laid_out(item: Item, *, indent: int, column: int) -> str:
    """The lines of an expression that begins at `column` of a line that is indented by `indent`."""
    try:
        return "\n".join(_layout(item, indent, column, 0, is_inside=False))
    except _Unfit:
        return item.raw


def flat(item: Item) -> str:
    """All in one line."""
    return _flat_parts(item.parts)


def _flat_parts(parts: Iterable[Leaf | Group]) -> str:
    words: list[str] = []
    previous: Leaf | Group | None = None
    for part in parts:
        if isinstance(previous, Leaf) and isinstance(part, Leaf) and previous.is_string and part.is_string:
            words[-1] = _joined(words[-1], part.text) or f"{words[-1]} {part.text}"
        else:
            if part.is_spaced and words:
                words.append(" ")
            words.append(part.text if isinstance(part, Leaf) else _flat_group(part))
        previous = part
    return "".join(words)


def _joined(one: str, other: str) -> str | None:
    """Two strings side by side as one, where they are of a kind."""
    first, second = _STRING.fullmatch(one), _STRING.fullmatch(other)
    if first is None or second is None or _ENDS_OPEN.search(first["body"]):
        return None
    bodies = [first["body"], second["body"]]
    if first["prefix"] != second["prefix"]:
        bodies = [
            each["body"] if each["prefix"] else each["body"].replace("{", "{{").replace("}", "}}")
            for each in (first, second)
        ]
    return f'{first["prefix"] or second["prefix"]}"{"".join(bodies)}"'


def _flat_group(group: Group) -> str:
    comma = "," if group.is_single and group.has_comma else ""
    return f"{group.bracket}{', '.join(map(flat, group.items))}{comma}{_OPEN[group.bracket]}"


def _layout(item: Item, indent: int, column: int, tail: int, *, is_inside: bool) -> list[str]:
    """The lines of an item, the first one without its indentation; `tail` is the width of what follows."""
    if not item.is_forced:
        line = flat(item)
        if column + len(line) + tail <= WIDTH:
            return [line]
    if item.has_inner_comment:
        raise _Unfit
    if len(item.parts) == 1 and isinstance(item.parts[0], Leaf):
        return [item.parts[0].text]
    if is_inside:
        pieces = _broken(item)
        if len(pieces) > 1:
            lines: list[str] = []
            for number, piece in enumerate(pieces):
                rest = tail if number == len(pieces) - 1 else 0
                first, *others = _layout(piece, indent, indent, rest, is_inside=True)
                lines += [first if number == 0 else " " * indent + first, *others]
            return lines
    try:
        return _opened(item, indent, column, tail)
    except _Unfit:
        if item.is_forced:
            raise
        return [flat(item)]  # too long, and nothing to be done


def _opened(item: Item, indent: int, column: int, tail: int) -> list[str]:
    """With the last bracket opened up that leaves what is around it in one line each."""
    for index in range(len(item.parts) - 1, -1, -1):
        group = item.parts[index]
        if isinstance(group, Leaf) or not (group.items or group.tail):
            continue
        if len(group.items) == 1 and _is_long_text(group.items[0]):
            raise _Unfit
        before, after = item.parts[:index], item.parts[index + 1 :]
        if _must_break(before) or _must_break(after):
            continue
        head = _flat_parts(before) + (" " if group.is_spaced and before else "") + group.bracket
        end = _flat_parts(after)
        if after and after[0].is_spaced:
            end = " " + end
        if column + len(head) <= WIDTH and indent + 1 + len(end) + tail <= WIDTH:
            return [
                head + (f"  {group.head}" if group.head else ""),
                *_body(group, indent + _INDENT),
                " " * indent + _OPEN[group.bracket] + end,
            ]
    raise _Unfit


def _is_long_text(item: Item) -> bool:
    first = item.parts[0]
    return isinstance(first, Leaf) and "\n" in first.text


def _must_break(parts: Sequence[Leaf | Group]) -> bool:
    """Whether they cannot stand in one line."""
    strings: list[str] = []
    for part in parts:
        if part.is_forced if isinstance(part, Group) else "\n" in part.text:
            return True
        if isinstance(part, Leaf) and part.is_string:
            joined = _joined(strings.pop(), part.text) if strings else part.text
            if joined is None:
                return True
            strings = [joined]
        else:
            strings = []
    return False


def _body(group: Group, indent: int) -> list[str]:
    margin = " " * indent
    if group.follows_value and not group.is_forced_apart:
        line = ", ".join(map(flat, group.items))
        if indent + len(line) <= WIDTH:
            return [margin + line]
    has_commas = len(group.items) > 1 or group.has_comma
    lines: list[str] = []
    for item in group.items:
        lines += [margin + comment for comment in item.before]
        width = int(has_commas)
        if item.after and not item.after.startswith(_PRAGMAS):
            width += 2 + len(item.after)
        try:
            first, *others = _layout(item, indent, indent, width, is_inside=True)
        except _Unfit:
            first, *others = item.raw.split("\n")
        inner = [margin + first, *others]
        inner[-1] += ("," if has_commas else "") + (f"  {item.after}" if item.after else "")
        lines += inner
    return lines + [margin + comment for comment in group.tail]


def _broken(item: Item) -> list[Item]:
    """The item in pieces: strings side by side, what its loosest operators connect, or calls in a chain."""
    starts = [
        index
        for index, (left, right) in enumerate(zip(item.parts, item.parts[1:], strict=False), 1)
        if isinstance(left, Leaf) and isinstance(right, Leaf) and left.is_string and right.is_string
    ]
    is_lambda = any(isinstance(part, Leaf) and part.text == "lambda" for part in item.parts)
    if not starts and not is_lambda:
        starts = _loops(item) or _loosest(item)
    if not starts:
        starts = [
            index
            for index, part in enumerate(item.parts)
            if isinstance(part, Leaf)
            and part.text == "."
            and index
            and isinstance(item.parts[index - 1], Group)
        ]
        if len(starts) < 2:
            return [item]
    return [_piece(item, start, end) for start, end in zip([0, *starts], [*starts, None], strict=True)]


def _loosest(item: Item) -> list[int]:
    """The places of the loosest operators, if there are any."""
    for words in _BREAKS:
        found = _operators(item, words)
        if found:
            return found
    return []


def _operators(item: Item, words: frozenset[str]) -> list[int]:
    return [
        index
        for index, part in enumerate(item.parts)
        if index and isinstance(part, Leaf) and part.text in words and part.is_operator
    ]


def _loops(item: Item) -> list[int]:
    """The places of `for` in a comprehension, and of the conditions behind it."""
    found: list[int] = []
    for index in _operators(item, frozenset({"for", "async", "if", "else"})):
        word = item.parts[index]
        if isinstance(word, Leaf) and word.text == "else":
            if found:
                found.pop()  # its `if` is no condition of the loop
        elif found or (isinstance(word, Leaf) and word.text in {"for", "async"}):
            found.append(index)
    return found


def _piece(item: Item, start: int, end: int | None) -> Item:
    piece = Item()
    piece.parts = item.parts[start:end]
    return piece


class _Reader:
    """One pass over the tokens."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines(keepends=True)
        # In brackets, so that lines do not end statements.
        tokens = list(tokenize.generate_tokens(io.StringIO(f"(\n{text}\n)").readline))
        self._tokens = list(_joined_strings(tokens[1:-1], f"(\n{text}\n)".splitlines(keepends=True)))
        self._position = 0

    def read(self) -> Item:
        whole = Group("(", is_spaced=False, follows_value=False)
        self._fill(whole)
        (item,) = whole.items
        item.before, item.after = [], ""
        return item

    def _fill(self, group: Group) -> None:
        """Read items up to the closing bracket."""
        item = Item()
        comments: list[str] = []
        row = 0 if self._position == 0 else self._tokens[self._position - 1].end[0]
        start = end = (0, 0)
        lambdas, is_target = 0, False  # whose parameters, or loop variables, have commas between them
        while True:
            token = self._tokens[self._position]
            self._position += 1
            text = token.string
            if token.type in {tokenize.NL, tokenize.NEWLINE}:
                continue
            if token.type == tokenize.COMMENT:
                self._place(group, item, comments, text.rstrip(), is_beside=token.start[0] == row)
                continue
            row = token.end[0]
            if text in _CLOSE or (text == "," and not lambdas and not is_target):
                if item.parts:
                    _settle_spaces(item, in_subscript=group.bracket == "[" and group.follows_value)
                    item.raw = self._slice(start, end)
                    group.items.append(item)
                    group.has_comma = text == ","
                if text != ",":
                    group.tail = comments
                    return
                item, lambdas, is_target = Item(), 0, False
                continue
            if not item.parts:
                item.before, comments = comments, []
                start = token.start
            elif comments:  # they stand amid the item
                item.has_inner_comment, comments = True, []
            if item.after:
                item.has_inner_comment = True
            lambdas += text == "lambda"
            was_target, is_target = is_target, text == "for" or (is_target and text != "in")
            is_spaced, is_operator = self._spacing(item, text)
            is_operator = is_operator and not (text == "in" and was_target)
            if text == ":":
                lambdas = max(lambdas - 1, 0)
            if text in _OPEN and token.type == tokenize.OP:
                previous = item.parts[-1] if item.parts else None
                inner = Group(text, is_spaced=is_spaced, follows_value=_is_value(previous))
                item.parts.append(inner)
                self._fill(inner)
                token = self._tokens[self._position - 1]
                row = token.end[0]
            else:
                is_string = token.type == tokenize.STRING
                item.parts.append(
                    Leaf(_quoted(text) if is_string else text, is_spaced, is_operator, is_string)
                )
            end = token.end

    def _place(self, group: Group, item: Item, comments: list[str], text: str, *, is_beside: bool) -> None:
        if not is_beside:
            comments.append(text)
        elif item.parts:
            item.after = text
        elif group.items and not comments:
            group.items[-1].after = text
        elif not group.items and not comments and not group.head:
            group.head = text
        else:
            comments.append(text)

    def _slice(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """The text between two places, which count the line that was put before it."""
        rows = self._lines[start[0] - 2 : end[0] - 1]
        if len(rows) == 1:
            return rows[0][start[1] : end[1]]
        return "".join([rows[0][start[1] :], *rows[1:-1], rows[-1][: end[1]]])

    @staticmethod
    def _spacing(item: Item, text: str) -> tuple[bool, bool]:
        """Whether a space comes before a token, and whether it is an operator between two operands."""
        previous = item.parts[-1] if item.parts else None
        before = previous.text if isinstance(previous, Leaf) else ")" if previous is not None else ""
        is_operand = _is_value(previous)
        if text in {".", "="} or before in {".", "=", ""}:
            return False, False
        if text in {":", ","}:
            return False, False
        if before == ":":
            return True, False
        if text in {"(", "["} and is_operand:
            return False, False
        if isinstance(previous, Leaf) and before in _SIGNS and not previous.is_operator:
            return False, False
        is_operator = is_operand and (
            text in _SPACED_WORDS or not (text[0].isalnum() or text[0] in "_\"'([{")
        )
        return True, is_operator


def _is_value(part: Leaf | Group | None) -> bool:
    """Whether an operand ends here, so that a bracket is that of a call, and a sign one between operands."""
    if isinstance(part, Leaf):
        return part.text not in _SPACED_WORDS and (part.text[0].isalnum() or part.text[0] in "_\"'")
    return part is not None


def _settle_spaces(item: Item, *, in_subscript: bool) -> None:
    """Spaces that depend on what follows: around the colons of slices, and around powers of simple things."""
    parts = item.parts
    if in_subscript and not any(isinstance(part, Leaf) and part.text == "lambda" for part in parts):
        is_simple = all(isinstance(part, Leaf) and not part.is_operator for part in parts)
        for index, part in enumerate(parts):
            if isinstance(part, Leaf) and part.text == ":":
                parts[index] = part._replace(is_spaced=not is_simple and index > 0)
                if is_simple and index + 1 < len(parts):
                    parts[index + 1] = _unspaced(parts[index + 1])
    for index, part in enumerate(parts[1:-1], 1):
        left, right, further = parts[index - 1], parts[index + 1], (*parts[index + 2 :], None)[0]
        is_power = isinstance(part, Leaf) and part.text == "**" and part.is_operator
        if is_power and _is_name_or_number(left) and _is_name_or_number(right) and not _is_trailer(further):
            parts[index], parts[index + 1] = _unspaced(part), _unspaced(right)


def _is_name_or_number(part: Leaf | Group) -> bool:
    return isinstance(part, Leaf) and _is_value(part) and not part.is_string


def _is_trailer(part: Leaf | Group | None) -> bool:
    return part.follows_value if isinstance(part, Group) else part is not None and part.text == "."


def _unspaced(part: Leaf | Group) -> Leaf | Group:
    if isinstance(part, Leaf):
        return part._replace(is_spaced=False)
    part.is_spaced = False
    return part


def _quoted(text: str) -> str:
    """With the quotes of the house, where these need no backslashes."""
    body = text.lstrip("rRbBuUfF")
    prefix = text[: len(text) - len(body)]
    if not body.startswith("'") or body.startswith("'''") or '"' in body:
        return text
    inner = body[1:-1]
    if "r" not in prefix.lower():
        inner = _ESCAPED.sub(lambda found: "'" if found[0] == "\\'" else found[0], inner)
    elif "\\'" in inner:
        return text
    return f'{prefix}"{inner}"'


def _joined_strings(
    tokens: Iterable[tokenize.TokenInfo], lines: Sequence[str]
) -> Iterator[tokenize.TokenInfo]:
    """Newer Pythons take strings with fields apart; here they are in one piece."""
    begins, ends = getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "FSTRING_END", -1)
    depth = 0
    first: tokenize.TokenInfo | None = None
    for token in tokens:
        if token.type == begins:
            depth += 1
            first = first if first is not None else token
        elif token.type == ends:
            depth -= 1
            if depth == 0 and first is not None:
                text = _between(lines, first.start, token.end)
                yield tokenize.TokenInfo(tokenize.STRING, text, first.start, token.end, first.line)
                first = None
        elif depth == 0:
            yield token


def _between(lines: Sequence[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    rows = list(lines[start[0] - 1 : end[0]])
    rows[-1] = rows[-1][: end[1]]
    rows[0] = rows[0][start[1] :]
    return "".join(rows)
