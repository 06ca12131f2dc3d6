"""Derivations as values: what to build, from what, and under which names the results will stand.

Pure, one layer above `formats`. Everything here is computed from its arguments alone: no store is asked,
nothing is written; a `Lowered` derivation carries all that a store later needs to make it real.
"""

from larix.derivation.lowered import FixedOutput, Lowered, derivation, instantiation_order
from larix.derivation.modulo import ModuloHashes, check_output_paths, hash_modulo
from larix.derivation.record import BadDerivation, Derivation, Output
from larix.derivation.source import (
    FileContent,
    Source,
    TextContent,
    TreeContent,
    text_source,
    tree_source,
)
from larix.derivation.text import parse_derivation, print_derivation

__all__ = [
    "BadDerivation",
    "Derivation",
    "FileContent",
    "FixedOutput",
    "Lowered",
    "ModuloHashes",
    "Output",
    "Source",
    "TextContent",
    "TreeContent",
    "check_output_paths",
    "derivation",
    "hash_modulo",
    "instantiation_order",
    "parse_derivation",
    "print_derivation",
    "text_source",
    "tree_source",
]
