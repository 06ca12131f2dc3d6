"""Lowering: from what people write (packages, origins, files, expressions) to derivations.

A `Lowering` is the context of one evaluation. Lowering is pure and memoised by identity: an object is
lowered once for each system and target, so what is shared stays shared; whatever happens to the object
afterwards changes nothing in that evaluation. An object that needs itself raises `LoweringCycle`, which
tells the way round.
"""

from __future__ import annotations

import contextlib
import contextvars
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar, cast, runtime_checkable

from larix.derivation import Lowered, Source
from larix.errors import Location
from larix.formats.storepath import DEFAULT_STORE_DIR, StoreDir, StorePath
from larix.staging.errors import LoweringCycle, LoweringError, type_name
from larix.words import plural, tr

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Iterable

__all__ = [
    "Interpreter",
    "Item",
    "Lowerable",
    "Lowering",
    "describe",
    "inputs_of",
    "is_lowerable",
    "place_of",
]

# Each level of a graph takes some ten frames, so the usual limit of 1000 would allow a hundred levels. Where
# C code stands between frames they take the stack of the thread as well, of which a main thread has 8 MB.
# What needs more is lowered again in a thread that has enough.
_FRAMES = 4000
_FRAMES_IN_THREAD = 50_000
_STACK_OF_THREAD = 256 << 20
_SHOWN = 6
_SAME: Any = object()
T = TypeVar("T")


class Item(NamedTuple):
    """What an object became: a file name in the store, and what makes its store item.

    `path` is the item, or a file in it. `output` is the output's name where `origin` is a derivation.
    """

    path: str
    origin: Lowered | Source
    output: str | None = None


@runtime_checkable
class Lowerable(Protocol):
    """Anything that stands for a file of the store."""

    def __lower__(self, lowering: Lowering) -> Item: ...


class Interpreter(NamedTuple):
    """The Python that runs builds: `file`, relative, in what `package` lowers to."""

    package: object
    file: str = "bin/python3"


class _Step(NamedTuple):
    value: object
    system: str
    target: str | None


class _Family:
    """What the lowerings of one evaluation share, whatever their system and target."""

    def __init__(self) -> None:
        self.variants: dict[tuple[str, str | None], Lowering] = {}
        self.steps: dict[tuple[int, str, str | None], _Step] = {}  # in progress, the outermost first
        self.is_in_thread = False


class Lowering:
    """Lowers objects for `system`; when `target` is set, for a system that `system` compiles for.

    `python` is what runs build expressions; the toolchain sets it.
    """

    def __init__(
        self,
        store_dir: StoreDir = DEFAULT_STORE_DIR,
        *,
        system: str,
        target: str | None = None,
        python: Interpreter | None = None,
    ) -> None:
        self.store_dir = store_dir
        self.system = system
        self.target = target
        self.python = python
        self._items: dict[int, tuple[object, Item]] = {}
        self._computed: dict[Hashable, Any] = {}
        self._family = _Family()
        self._family.variants[system, target] = self

    def __repr__(self) -> str:
        target = f" for {self.target}" if self.target else ""
        return f"<Lowering to {self.store_dir} on {self.system}{target}>"

    def variant(self, *, system: str = _SAME, target: str | None = _SAME) -> Lowering:
        """The lowering of the same evaluation for another system or target; the same one whenever asked."""
        key = (self.system if system is _SAME else system, self.target if target is _SAME else target)
        known = self._family.variants.get(key)
        if known is None:
            known = Lowering(self.store_dir, system=key[0], target=key[1], python=self.python)
            known._family = self._family
            self._family.variants[key] = known
        return known

    def cached(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What `compute` gave the first time that it was asked for under this key here."""
        if key not in self._computed:
            self._computed[key] = compute()
        return cast("T", self._computed[key])

    def made(self) -> list[tuple[object, Item]]:
        """All that this evaluation has lowered so far, each with its item."""
        return [pair for each in list(self._family.variants.values()) for pair in each._items.values()]

    def lower(self, value: object) -> Item:
        """The item of anything that has one: a Lowerable, a derivation (its output `out`) or a source."""
        known = self._items.get(id(value))
        if known is not None:
            return known[1]
        if isinstance(value, Lowered):
            first = value.output_names[0]
            output = "out" if "out" in value.output_names else first
            item = Item(value.output_path(output), value, output)
        elif isinstance(value, Source):
            item = Item(value.path, value)
        elif not is_lowerable(value):
            raise LoweringError(
                tr(
                    "{value} is a {kind}, which is nothing that can be built",
                    value=describe(value),
                    kind=type_name(value),
                ),
                place=place_of(value),
                hint=tr("a package, an origin, a local file, a derivation or a build expression can"),
            )
        else:
            item = self._lower_deeply(cast("Lowerable", value))
        # The value is kept, so that its identity is not given to another.
        self._items[id(value)] = value, item
        return item

    def _lower_deeply(self, value: Lowerable) -> Item:
        steps = self._family.steps
        key = (id(value), self.system, self.target)
        if key in steps:
            names = list(steps)
            chain = [steps[name].value for name in names[names.index(key) :]]
            raise LoweringCycle(
                [_describe_with_place(each) for each in (*chain, value)], place=place_of(value)
            )
        if steps:
            return self._lower_step(key, value)
        try:
            with _recursion_limit(_FRAMES):
                return self._lower_step(key, value)
        except RecursionError:
            self._family.is_in_thread = True
            try:
                return _call_in_thread(lambda: self._lower_step(key, value))
            finally:
                self._family.is_in_thread = False

    def _lower_step(self, key: tuple[int, str, str | None], value: Lowerable) -> Item:
        steps = self._family.steps
        steps[key] = _Step(value, self.system, self.target)
        try:
            return value.__lower__(self)
        except RecursionError as error:
            if not self._family.is_in_thread:
                raise
            # Told where it was met, while the way there is known; handlers further out let it pass.
            raise _too_deep([step.value for step in steps.values()], error) from error
        finally:
            del steps[key]


def _too_deep(chain: list[object], error: RecursionError) -> LoweringError:
    shown = [describe(each) for each in chain]
    if len(shown) > 2 * _SHOWN:
        shown = [
            *shown[:_SHOWN],
            plural("({number} more)", "({number} more)", len(shown) - 2 * _SHOWN),
            *shown[-_SHOWN:],
        ]
    return LoweringError(
        tr("lowering went too deep: {shown}", shown=" → ".join(shown)),
        place=place_of(chain[-1]),
        hint=tr("a field of the last one that asks for itself, perhaps ({error})", error=error),
    )


@contextlib.contextmanager
def _recursion_limit(frames: int) -> Generator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, frames))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _call_in_thread(function: Callable[[], T]) -> T:
    """Call where there is much stack; the caller waits, so that nothing runs at the same time."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with _recursion_limit(_FRAMES_IN_THREAD):
                results.append(function())
        except BaseException as error:  # noqa: BLE001  (it is the caller's, and raised there)
            errors.append(error)

    context = contextvars.copy_context()
    before = threading.stack_size(_STACK_OF_THREAD)
    try:
        thread = threading.Thread(target=context.run, args=(run,), daemon=True)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def is_lowerable(value: object) -> bool:
    return isinstance(value, Lowered | Source) or (
        hasattr(type(value), "__lower__") and not isinstance(value, type)
    )


def describe(value: object) -> str:
    """What to call an object in a message."""
    name: object = getattr(value, "name", None)
    return name if isinstance(name, str) else f"{value!r:.80}"


def place_of(value: object) -> Location | None:
    """Where an object was made, if it tells."""
    location: object = getattr(value, "location", None)
    return location if isinstance(location, Location) else None


def _describe_with_place(value: object) -> str:
    place = place_of(value)
    return f"{describe(value)} ({place})" if place else describe(value)


def inputs_of(
    items: Iterable[Item],
) -> tuple[list[tuple[Lowered, tuple[str, ...]]], list[Source]]:
    """What `derivation()` wants to know of items: the derivations with the outputs used, and the sources."""
    derivations: dict[StorePath, tuple[Lowered, set[str]]] = {}
    sources: dict[StorePath, Source] = {}
    for item in items:
        origin = item.origin
        if isinstance(origin, Source):
            sources[origin.path] = origin
        else:
            derivations.setdefault(origin.path, (origin, set()))[1].add(item.output or "out")
    return (
        [(lowered, tuple(sorted(outputs))) for lowered, outputs in derivations.values()],
        list(sources.values()),
    )
