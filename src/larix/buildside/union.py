"""The union of directories, made of symbolic links: what a profile is.

A directory that only one input has becomes one link, so that a profile of two hundred packages costs
thousands of links and not hundreds of thousands. Where two inputs have a file of one name, the first input
wins, and the clash is told unless both are the same file or have the same contents.
"""

from __future__ import annotations

import filecmp
import os
from typing import TYPE_CHECKING, NamedTuple

from larix.buildside.failure import BuildSideError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

__all__ = ["Collision", "union_build"]


class Collision(NamedTuple):
    """`chosen` is what `file` (relative to the union) links to, `others` what it hides."""

    file: str
    chosen: str
    others: tuple[str, ...]

    def __str__(self) -> str:
        return f"collision at `{self.file}`: {', '.join(self.others)} hidden by {self.chosen}"


def union_build(
    output: str | os.PathLike[str],
    inputs: Iterable[str | os.PathLike[str]],
    *,
    directories: Collection[str] = (),
    choose: Callable[[str, Sequence[str]], str] | None = None,
) -> list[Collision]:
    """Make `output`, a new directory, the union of the inputs; return the clashes in order of their names.

    `directories` (relative names) become real directories even when one input alone has them or none, so that
    the caller may add files there. `choose` picks among clashing files, given the relative name.
    """
    roots = list(dict.fromkeys(os.fspath(each) for each in inputs))
    for root in roots:
        if not os.path.isdir(root):
            raise BuildSideError(f"cannot make a union with `{root}`: it is not a directory")
    real = {""} | {parent for name in directories for parent in _with_parents(name)}
    collisions: list[Collision] = []
    pending = [("", roots)]
    while pending:
        relative, sources = pending.pop()
        target = os.path.join(os.fspath(output), relative) if relative else os.fspath(output)
        os.makedirs(target) if not relative else os.mkdir(target)
        has_real = relative in real
        for name, candidates in _children(sources).items():
            if len(candidates) == 1 and not has_real:  # nearly all, in a large profile
                os.symlink(candidates[0], f"{target}/{name}")
                continue
            below = f"{relative}/{name}" if relative else name
            if len(candidates) == 1 and below not in real:
                os.symlink(candidates[0], f"{target}/{name}")
                continue
            trees = _distinct([each for each in candidates if os.path.isdir(each)])
            if (
                trees
                and all(os.path.isdir(each) for each in candidates)
                and (below in real or len(trees) > 1)
            ):
                pending.append((below, trees))
                continue
            chosen, clash = _settle(below, candidates, choose)
            os.symlink(chosen, os.path.join(target, name))
            collisions += clash
    for name in sorted(real - {""}):
        os.makedirs(os.path.join(os.fspath(output), name), exist_ok=True)
    return sorted(collisions)


def _with_parents(name: str) -> Iterable[str]:
    parts = name.strip("/").split("/")
    return ("/".join(parts[: count + 1]) for count in range(len(parts)))


def _children(sources: Sequence[str]) -> dict[str, list[str]]:
    """Names in byte order, each with the inputs' files in the order of the inputs."""
    found: dict[str, list[str]] = {}
    for source in sources:
        for name in os.listdir(source):
            found.setdefault(name, []).append(f"{source}/{name}")
    if all(map(str.isascii, found)):  # the order of letters is that of bytes
        return {name: found[name] for name in sorted(found)}
    return dict(sorted(found.items(), key=lambda item: os.fsencode(item[0])))


def _distinct(files: Sequence[str]) -> list[str]:
    """One name for each file that the names stand for, the first."""
    found: dict[str, str] = {}
    for each in files:
        found.setdefault(os.path.realpath(each), each)
    return list(found.values())


def _settle(
    relative: str, candidates: list[str], choose: Callable[[str, Sequence[str]], str] | None
) -> tuple[str, list[Collision]]:
    distinct = _distinct(candidates)
    first = distinct[0]
    different = [each for each in distinct[1:] if not _same_contents(first, each)]
    if not different:
        return first, []
    chosen = choose(relative, distinct) if choose else first
    return chosen, [Collision(relative, chosen, tuple(each for each in distinct if each != chosen))]


def _same_contents(one: str, other: str) -> bool:
    if not (os.path.isfile(one) and os.path.isfile(other)):
        return False
    return filecmp.cmp(one, other, shallow=False)
