"""Build expressions: functions whose call, in a build, makes a derivation's outputs.

The program that a derivation runs defines the staged function and calls it. The function is given those of
these that it has parameters for, by name (all of them if it takes `**anything`):

    output   Path              the first output                  system   str          what runs the build
    outputs  dict[str, Path]   all outputs by name               target   str | None   what it compiles for
    inputs   dict[str, Path]   the inputs given, by label        and the caller's own arguments

What it returns is ignored; raising fails the build. It runs in the build's directory, in a Python without
`site` that reads UTF-8 and hashes strings the same way each time, so that nothing a build writes depends on
that.
"""

from __future__ import annotations

from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from larix.derivation import FixedOutput, Lowered, Source, derivation, text_source
from larix.errors import Location
from larix.staging import advice, places
from larix.staging.compile_modules import compile_modules
from larix.staging.errors import LoweringError, StagingError, type_name
from larix.staging.files import StoreFile, caller_location, checked_name
from larix.staging.lower import Interpreter, Item, Lowering, inputs_of, is_lowerable
from larix.staging.modules import MODULES_NAME, is_build_side, modules_source
from larix.staging.snapshot import snapshot
from larix.staging.source import describe_function
from larix.staging.stage import Staged, Stager
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = [
    "BuildExpression",
    "ExpressionOutput",
    "Options",
    "build_expression",
    "build_expression_to_derivation",
    "computed_file",
]

# Flags of code objects, spelled out because `inspect` is slow to import.
_TAKES_ANY_KEYWORD = 0x08
_YIELDS_OR_WAITS = 0x20 | 0x80 | 0x200

_EMPTY: Mapping[str, object] = MappingProxyType({})
# Unsafe paths, the user's packages, `site` and bytecode stay out; output appears line by line.
_FLAGS = ("-P", "-s", "-S", "-B", "-u", "-X", "utf8")
# Sets of strings would else be ordered anew each time, and some code writes them in their order.
_ENVIRONMENT = {"PYTHONHASHSEED": "0"}


class Options(NamedTuple):
    """What a build expression may have beside its name and function; see `build_expression_to_derivation`."""

    inputs: Mapping[str, object] = _EMPTY
    outputs: Sequence[str] = ("out",)
    arguments: Mapping[str, object] = _EMPTY
    env: Mapping[str, object] = _EMPTY
    modules: Iterable[str] = ()
    python: Interpreter | None = None
    fixed: FixedOutput | None = None


def build_expression_to_derivation(
    name: str,
    function: Callable[..., object],
    *,
    lowering: Lowering,
    inputs: Mapping[str, object] = _EMPTY,
    outputs: Sequence[str] = ("out",),
    arguments: Mapping[str, object] = _EMPTY,
    env: Mapping[str, object] = _EMPTY,
    modules: Iterable[str] = (),
    python: Interpreter | None = None,
    fixed: FixedOutput | None = None,
) -> Lowered:
    """The derivation that calls `function` in a build.

    `inputs` are Lowerables by label; what the function mentions itself needs no label. `arguments` are
    further keyword arguments, staged like captured values. `env` holds strings, bytes and Lowerables.
    `modules` are build-side modules wanted beside those that the staged code imports. `python` runs it
    instead of the lowering's own.
    """
    options = Options(inputs, tuple(outputs), arguments, env, modules, python, fixed)
    return lower_expression(name, function, options, lowering)


def lower_expression(
    name: str,
    function: Callable[..., object],
    options: Options,
    lowering: Lowering,
    place: Location | None = None,
) -> Lowered:
    python = options.python or lowering.python
    if python is None:
        raise LoweringError(
            tr("no Python was chosen to run the build expression `{name}`", name=name),
            place=place,
            hint=tr("a toolchain brings one; set `Lowering.python`"),
        )
    checked_name(f"{name}-builder", place)
    stager = Stager(lowering)
    stager.modules.update(_checked_modules(options.modules, place))
    labelled = {label: stager.add_item(value).path for label, value in options.inputs.items()}
    given = _given(stager, options.outputs, labelled)
    call = call_lines(stager, function, given, options.arguments, place)
    given_environment = _environment(stager, options.env, name, place)
    interpreter, staged = program_of(stager, call, python)
    # A builder is started under its base name alone; Python then needs PATH to find its own files.
    environment = {"PATH": interpreter.rpartition("/")[0], **_ENVIRONMENT, **given_environment}
    derivations, sources = inputs_of(staged.items)
    program = text_source(
        lowering.store_dir, f"{name}-builder", staged.text.encode(), [each.path for each in sources]
    )
    places.remember(program.path, staged.lines)
    return derivation(
        name,
        store_dir=lowering.store_dir,
        system=lowering.system,
        builder=interpreter,
        args=(*_FLAGS, program.path),
        env=environment,
        inputs=derivations,
        sources=(*sources, program),
        outputs=options.outputs,
        fixed=options.fixed,
    )


def program_of(stager: Stager, call: Iterable[str], python: Interpreter) -> tuple[str, Staged]:
    """The file name of a Python, and the program that it runs: what was staged, its modules, and a call."""
    interpreter = f"{stager.add_item(python.package).path}/{python.file}"
    path = None
    if stager.modules:
        modules = frozenset(stager.modules)
        path = stager.add_item(compiled_modules(stager.lowering, modules, python, interpreter)).path
    return interpreter, stager.program("", path_of_modules=path, end=call)


def compiled_modules(
    lowering: Lowering, modules: frozenset[str], python: Interpreter, interpreter: str
) -> Lowered:
    """The derivation of the modules' closure, with the bytecode of one Python beside each."""

    def lower() -> Lowered:
        source: Source = modules_source(lowering, modules)
        options = Options(arguments={"modules": source}, python=python)
        return lower_expression(f"{MODULES_NAME}-compiled", compile_modules, options, lowering)

    return lowering.cached((MODULES_NAME, "compiled", modules, interpreter), lower)


def _checked_modules(modules: Iterable[str], place: Location | None) -> set[str]:
    names = set(modules)
    stray = next((name for name in sorted(names) if not is_build_side(name)), None)
    if stray is not None:
        raise StagingError(
            tr("`{stray}` is no build-side module", stray=stray),
            name=stray,
            place=place,
            hint=tr(advice.MODULES),
        )
    return names


def _given(
    stager: Stager, outputs: Sequence[str], labelled: Mapping[str, str]
) -> dict[str, Callable[[], str]]:
    """How to spell what a build gives its function, for what that asks for."""

    def output(name: str) -> str:
        return f"{stager.imported('pathlib', 'Path')}({stager.imported('os', 'environ')}[{name!a}])"

    def path(file: str) -> str:
        return f"{stager.imported('pathlib', 'Path')}({file!a})"

    return {
        "output": lambda: output(outputs[0]),
        "outputs": lambda: _dictionary({name: output(name) for name in outputs}),
        "inputs": lambda: _dictionary({label: path(file) for label, file in labelled.items()}),
        "system": lambda: stager.value(stager.lowering.system),
        "target": lambda: stager.value(stager.lowering.target),
    }


def call_lines(
    stager: Stager,
    function: Callable[..., object],
    given: Mapping[str, Callable[[], str]],
    arguments: Mapping[str, object],
    place: Location | None,
) -> list[str]:
    """The lines that call a function with what it takes of `given`, and with all of `arguments`."""
    called = stager.function_name(function, place)
    taken = _parameters(function, given, arguments, place)
    lines = [f"    {name}={spell()}," for name, spell in given.items() if name in taken]
    lines += [
        f"    {name}={stager.value(value, place=place, what=name)}," for name, value in arguments.items()
    ]
    return [f"{called}(", *lines, ")"]


def _dictionary(entries: Mapping[str, str]) -> str:
    return "{" + ", ".join([f"{key!a}: {value}" for key, value in entries.items()]) + "}"


def _parameters(
    function: Callable[..., object],
    given: Iterable[str],
    arguments: Mapping[str, object],
    place: Location | None,
) -> set[str]:
    """The names it will be called with; refuses a function that cannot be called with them."""
    if not isinstance(function, FunctionType):
        raise StagingError(
            tr("a `{kind}` is no build function", kind=type_name(function)),
            name=type_name(function),
            place=place,
        )
    name = describe_function(function)
    code = function.__code__
    here = Location(code.co_filename, code.co_firstlineno)
    if code.co_flags & _YIELDS_OR_WAITS:
        raise StagingError(
            tr("build function `{name}` is a generator or coroutine: calling it does nothing", name=name),
            name=name,
            place=here,
            hint=tr("call it in an ordinary function, and do there what is to be done with what it gives"),
        )
    clash = next((each for each in given if each in arguments), None)
    if clash is not None:
        raise StagingError(
            tr("`{clash}` cannot be an argument of `{name}`: builds give it", clash=clash, name=name),
            name=clash,
            place=place or here,
        )
    available = {*given, *arguments}
    positional, by_name, needed = _signature(function)
    missing = next((each for each in needed if each in positional or each not in available), None)
    if missing is not None:
        raise StagingError(
            tr(
                "nothing is given for parameter `{missing}` of build function `{name}`",
                missing=missing,
                name=name,
            ),
            name=missing,
            place=here,
            hint=tr("builds give, by name: {names}", names=", ".join([*given, *arguments]) or tr("nothing")),
        )
    takes_all = bool(code.co_flags & _TAKES_ANY_KEYWORD)
    unknown = next((each for each in arguments if each not in by_name), None)
    if unknown is not None and not takes_all:
        raise StagingError(
            tr("build function `{name}` has no parameter `{unknown}`", name=name, unknown=unknown),
            name=unknown,
            place=here,
        )
    return available - positional if takes_all else available & by_name


def _signature(function: FunctionType) -> tuple[set[str], set[str], list[str]]:
    """The parameters given by position alone, those that can be named, and those without a default."""
    code = function.__code__
    count = code.co_argcount
    ordinary = code.co_varnames[:count]
    keywords = code.co_varnames[count : count + code.co_kwonlyargcount]
    needed = [
        *ordinary[: count - len(function.__defaults__ or ())],
        *[each for each in keywords if each not in (function.__kwdefaults__ or {})],
    ]
    positional = set(ordinary[: code.co_posonlyargcount])
    return positional, {*ordinary, *keywords} - positional, needed


def _environment(
    stager: Stager, env: Mapping[str, object], name: str, place: Location | None
) -> dict[str, str | bytes]:
    variables: dict[str, str | bytes] = {}
    for variable, value in env.items():
        if isinstance(value, str | bytes):
            variables[variable] = value
        elif is_lowerable(value):
            variables[variable] = stager.add_item(value).path
        else:
            raise StagingError(
                tr(
                    "the environment variable `{variable}` of `{name}` is a `{kind}`",
                    variable=variable,
                    name=name,
                    kind=type_name(value),
                ),
                name=variable,
                place=place,
                hint=tr("use text, bytes, or something with a store file"),
            )
    return variables


class ExpressionOutput(StoreFile):
    """One output of a build expression."""

    __slots__ = ("expression", "output")

    def __init__(self, expression: BuildExpression, output: str) -> None:
        self.expression = expression
        self.output = output

    @property
    def name(self) -> str:
        return f"{self.expression.name}:{self.output}"

    @property
    def location(self) -> Location | None:
        return self.expression.location

    def __repr__(self) -> str:
        return f"<output {self.output} of {self.expression!r}>"

    def __lower__(self, lowering: Lowering) -> Item:
        origin = lowering.lower(self.expression).origin
        if isinstance(origin, Source):
            raise LoweringError(
                tr("`{expression}` has no outputs", expression=self.expression.name), place=self.location
            )
        return Item(origin.output_path(self.output), origin, self.output)


class BuildExpression(StoreFile):
    """A build expression that is lowered when something asks for it; its first output stands for it."""

    __slots__ = ("function", "location", "name", "options")

    def __init__(
        self, name: str, function: Callable[..., object], options: Options, location: Location | None
    ) -> None:
        self.name = checked_name(name, location)
        self.function = function
        self.options = options
        self.location = location
        snapshot(function)

    def __repr__(self) -> str:
        return f"<build expression {self.name}>"

    def output(self, name: str) -> ExpressionOutput:
        """Another of its outputs."""
        if name not in self.options.outputs:
            raise StagingError(
                tr("`{name}` has no output `{output}`", name=self.name, output=name),
                name=name,
                place=caller_location(),
                hint=tr("it has {outputs}", outputs=", ".join(self.options.outputs)),
            )
        return ExpressionOutput(self, name)

    def __lower__(self, lowering: Lowering) -> Item:
        lowered = lower_expression(self.name, self.function, self.options, lowering, self.location)
        first = lowered.output_names[0]
        return Item(lowered.output_path(first), lowered, first)


def build_expression(
    name: str,
    function: Callable[..., object],
    *,
    inputs: Mapping[str, object] = _EMPTY,
    outputs: Sequence[str] = ("out",),
    arguments: Mapping[str, object] = _EMPTY,
    env: Mapping[str, object] = _EMPTY,
    modules: Iterable[str] = (),
    python: Interpreter | None = None,
    fixed: FixedOutput | None = None,
) -> BuildExpression:
    """What `build_expression_to_derivation` makes, as something that other build code can mention.

    The mappings are copied. What the function captured is noted, and lowering refuses it if it was changed.
    """
    options = Options(dict(inputs), tuple(outputs), dict(arguments), dict(env), tuple(modules), python, fixed)
    return BuildExpression(name, function, options, caller_location())


def computed_file(
    name: str,
    function: Callable[..., object],
    *,
    inputs: Mapping[str, object] = _EMPTY,
    arguments: Mapping[str, object] = _EMPTY,
    env: Mapping[str, object] = _EMPTY,
) -> BuildExpression:
    """The file or tree that `function` makes at `output`."""
    options = Options(dict(inputs), ("out",), dict(arguments), dict(env))
    return BuildExpression(name, function, options, caller_location())
