"""Build expressions: ordinary Python functions, written on the host and run in builds.

Layer: above `derivation`, below `packages`. It turns functions and the values they capture into the text of
a program, finds the build-side modules that it imports, and makes the derivation that runs it. It reads
source files and the local files that are to be interned; it starts nothing, asks no store, no clock and no
environment.
"""

from larix.staging.errors import LoweringCycle, LoweringError, StagingError
from larix.staging.expr import (
    BuildExpression,
    build_expression,
    build_expression_to_derivation,
    computed_file,
)
from larix.staging.files import FileAppend, LocalFile, PlainText, StoreFile, local_file, plain_text
from larix.staging.lower import Interpreter, Item, Lowerable, Lowering
from larix.staging.modules import is_build_side, module_closure, modules_source
from larix.staging.programs import MixedText, ProgramFile, file_union, mixed_text, program_file
from larix.staging.snapshot import build_side, snapshot
from larix.staging.stage import Staged, Stager, stage

__all__ = [
    "BuildExpression",
    "FileAppend",
    "Interpreter",
    "Item",
    "LocalFile",
    "Lowerable",
    "Lowering",
    "LoweringCycle",
    "LoweringError",
    "MixedText",
    "PlainText",
    "ProgramFile",
    "Staged",
    "Stager",
    "StagingError",
    "StoreFile",
    "build_expression",
    "build_expression_to_derivation",
    "build_side",
    "computed_file",
    "file_union",
    "is_build_side",
    "local_file",
    "mixed_text",
    "module_closure",
    "modules_source",
    "plain_text",
    "program_file",
    "snapshot",
    "stage",
]
