"""What requests and replies may hold, for generated tests: a strategy for each codec of the table."""

from __future__ import annotations

import functools
from typing import Any

from hypothesis import strategies as st

from larix.derivation import Output
from larix.formats.hashes import Hash
from larix.formats.storepath import StoreDir, StorePath
from larix.protocol import BuildTarget, PathInfo
from larix.protocol.dialect import FEATURES, Dialect
from larix.protocol.ops import Form
from larix.protocol.values import (
    BareDerivation,
    Codec,
    DerivationText,
    Missing,
    Outcome,
    Status,
    Substitutable,
)

STORE_DIR = StoreDir("/x/store")
DIALECTS = [
    *(Dialect(STORE_DIR, "nix", minor) for minor in (10, 16, 21, 23, 25, 28, 31, 34, 37)),
    Dialect(STORE_DIR, "nix", 38, FEATURES),
    Dialect(STORE_DIR, "guix", 0x63),
]

numbers = st.integers(0, (1 << 64) - 1)
texts = st.text(st.characters(codec="utf-8"), max_size=12)
names = st.text("abcxyz019-._", min_size=1, max_size=8).filter(lambda name: name[0] != ".")
paths = st.builds(
    lambda digits, name: StorePath(f"{STORE_DIR}/{digits}-{name}"),
    st.text("0123456789abcdfghijklmnpqrsvwxyz", min_size=32, max_size=32),
    names,
)
sets = st.lists(paths, max_size=3).map(lambda some: tuple(sorted(set(some))))
hashes = st.binary(min_size=32, max_size=32).map(lambda digest: Hash("sha256", digest))
targets = st.builds(BuildTarget, paths, st.just(("",))) | st.builds(
    lambda path, outputs: BuildTarget(StorePath(f"{path}.drv"), outputs),
    paths,
    st.sampled_from([(), ("",), ("out",), ("doc", "out")]),
)


def infos(dialect: Dialect, path: st.SearchStrategy[StorePath]) -> st.SearchStrategy[PathInfo]:
    whole = not (dialect.is_guix or dialect.minor < 16)
    return st.builds(
        PathInfo,
        path,
        hashes,
        numbers,
        sets,
        st.none() | paths,
        numbers,
        st.booleans() if whole else st.just(False),
        st.lists(texts, max_size=2).map(tuple) if whole else st.just(()),
        st.none() | texts.filter(bool) if whole else st.none(),
    )


def outcomes(dialect: Dialect) -> st.SearchStrategy[Outcome]:
    timed = dialect.minor >= 29
    return st.builds(
        Outcome,
        st.sampled_from(Status),
        texts,
        numbers if timed else st.just(0),
        st.booleans() if timed else st.just(False),
        numbers if timed else st.just(0),
        numbers if timed else st.just(0),
        st.dictionaries(texts, texts, max_size=2) if dialect.minor >= 28 else st.just({}),
    )


def spoken(dialect: Dialect, target: BuildTarget) -> BuildTarget:
    """Older clients cannot say of a derivation that it should just be there."""
    if target.outputs == ("",) and target.drv.endswith(".drv") and (dialect.is_guix or dialect.minor < 30):
        return BuildTarget(target.drv)
    return target


words = st.binary(max_size=9)
derivations = st.builds(
    BareDerivation,
    st.lists(st.tuples(texts, st.builds(Output, texts, texts, texts)), max_size=2).map(tuple),
    sets,
    texts,
    words,
    st.lists(words, max_size=3).map(tuple),
    st.lists(st.tuples(words, words), max_size=3).map(tuple),
)


def strategy(codec: Codec[Any], dialect: Dialect) -> st.SearchStrategy[Any]:
    """Values that a codec writes, and reads as they were."""
    return _made(codec.name, dialect)


@functools.cache
def _made(name: str, dialect: Dialect) -> st.SearchStrategy[Any]:
    nameless = st.just(StorePath(""))
    told = targets.map(lambda target: spoken(dialect, target))
    match name:
        case "number":
            return numbers
        case "boolean":
            return st.booleans()
        case "bytes":
            return st.binary(max_size=20)
        case "text":
            return texts
        case "texts":
            return st.lists(texts, max_size=3).map(tuple)
        case "path":
            return paths
        case "paths":
            return sets
        case "path or nothing":
            return st.none() | paths
        case "settings":
            return st.lists(st.tuples(texts, texts), max_size=2).map(tuple)
        case "roots":
            return st.lists(st.tuples(texts, paths), max_size=2).map(tuple)
        case "outputs":
            return st.lists(st.tuples(texts, st.none() | paths), max_size=2).map(tuple)
        case "paths with content addresses":
            return st.lists(st.tuples(paths, texts), max_size=2).map(tuple)
        case "record or nothing" if dialect.is_guix or dialect.minor < 17:
            return infos(dialect, nameless)
        case "record or nothing":
            return st.none() | infos(dialect, nameless)
        case "path and record":
            return infos(dialect, paths)
        case "paths and records":
            return st.lists(infos(dialect, paths), max_size=2).map(tuple)
        case "targets":
            return st.lists(told, max_size=3).map(tuple)
        case "what is missing":
            return st.builds(Missing, sets, sets, sets, numbers, numbers)
        case "result of a build":
            return outcomes(dialect)
        case "results of builds":
            return st.lists(st.tuples(told, outcomes(dialect)), max_size=2).map(tuple)
        case "derivation":
            return derivations
        case "what can be substituted":
            offers = st.builds(Substitutable, paths, st.none() | paths, sets, numbers, numbers)
            return st.lists(offers, max_size=2).map(tuple)
        case "offer or nothing":
            return st.none() | st.builds(Substitutable, nameless, st.none() | paths, sets, numbers, numbers)
        case "texts with references":
            return st.lists(
                st.builds(DerivationText, texts, st.binary(max_size=20), sets, st.booleans()), max_size=2
            ).map(tuple)
        case "acknowledgement":
            return st.none()
        case "what was collected":
            return st.tuples(sets, numbers)
        case _:
            raise AssertionError(f"no values are known for {name}")


def arguments(form: Form, dialect: Dialect) -> st.SearchStrategy[dict[str, Any]]:
    """What a request of this form may say."""
    return st.fixed_dictionaries(
        {
            field.name: strategy(field.codec, dialect)
            if dialect.is_guix or dialect.minor >= field.since
            else st.just(field.default)
            for field in form.fields
        }
    )
