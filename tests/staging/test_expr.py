"""Build expressions as derivations; the paper's Figure 3 among them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from larix.buildside.files import mkdir_p
from larix.derivation import FixedOutput, TextContent
from larix.formats.hashes import Hash
from larix.staging import (
    Interpreter,
    Lowering,
    LoweringError,
    StagingError,
    build_expression,
    build_expression_to_derivation,
    computed_file,
)
from larix.staging.compile_modules import compile_modules


def write_hello(output: Path) -> None:
    output.write_text("hello")


def program_of(lowered):
    [source] = [each for each in lowered.sources if each.name == f"{lowered.name}-builder"]
    assert isinstance(source.content, TextContent)
    return source.content.contents.decode()


def run_builder(lowered, tmp_path, text=None):
    """Run the program as the build would, with outputs in a directory of the test's own."""
    file = tmp_path / "builder"
    file.write_text(program_of(lowered) if text is None else text)
    flags = [each.decode() for each in lowered.derivation.args[:-1]]
    env = {name: str(tmp_path / name) for name in lowered.output_names}
    done = subprocess.run(
        [sys.executable, *flags, file],
        env={"PYTHONHASHSEED": "0", **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_papers_third_figure(lowering, tmp_path):
    example = build_expression_to_derivation("example-1.0", write_hello, lowering=lowering)
    assert example.path.endswith("-example-1.0.drv")
    record = example.derivation
    assert record.system == "x86_64-linux"
    assert record.builder.decode() == f"{lowering.lower(lowering.python.package).path}/bin/python3"
    assert [path.rpartition("-")[2] for path in record.input_drvs] == ["python.drv"]
    run_builder(example, tmp_path)
    assert (tmp_path / "out").read_text() == "hello"


def test_a_function_is_given_what_it_has_parameters_for(lowering, made, tmp_path):
    bash = made("bash")

    def everything(output, outputs, inputs, system, target, first, *, second=2):
        for path in outputs.values():
            path.write_text(repr((output.name, sorted(outputs), inputs, system, target, first, second)))

    lowered = build_expression_to_derivation(
        "everything",
        everything,
        lowering=lowering,
        inputs={"shell": bash},
        outputs=("lib", "doc"),
        arguments={"first": [bash, "é"]},
    )
    run_builder(lowered, tmp_path)
    shell = bash.output_path()
    expected = (
        f"('lib', ['doc', 'lib'], {{'shell': PosixPath('{shell}')}}, 'x86_64-linux', None, "
        f"[PosixPath('{shell}'), 'é'], 2)"
    )
    assert (tmp_path / "lib").read_text() == (tmp_path / "doc").read_text() == expected
    assert lowered.output_names == ("lib", "doc")


def test_a_function_of_any_keywords_is_given_all(lowering, tmp_path):
    def everything(**keywords):
        print(sorted(keywords))

    lowered = build_expression_to_derivation("x", everything, lowering=lowering, arguments={"flags": ()})
    assert run_builder(lowered, tmp_path) == "['flags', 'inputs', 'output', 'outputs', 'system', 'target']\n"


def test_modules_are_compiled_by_the_builders_python_in_their_own_derivation(lowering):
    def make(output: Path) -> None:
        mkdir_p(output)

    one = build_expression_to_derivation("one", make, lowering=lowering)
    two = build_expression_to_derivation("two", make, lowering=lowering)
    [compiled] = [each for each, _ in one.inputs if each.name == "module-import-compiled"]
    assert compiled in [each for each, _ in two.inputs]
    assert compiled.derivation.builder == one.derivation.builder
    assert [each.name for each in compiled.sources] == [
        "module-import",
        "module-import-compiled-builder",
    ] or {each.name for each in compiled.sources} == {"module-import", "module-import-compiled-builder"}
    assert f"sys.path.append('{compiled.output_path()}')" in program_of(one)
    assert "module-import" not in {each.name for each in one.sources}


@pytest.mark.slow
def test_compiled_modules_are_the_same_each_time_and_need_no_source_to_be_read(tmp_path):
    source = tmp_path / "source" / "pack"
    source.mkdir(parents=True)
    (source / "__init__.py").write_text("")
    (source / "inner.py").write_text("KINDS = {'a', 'b', 'c'}\ndef f(x): return x in {'p', 'q', 'r', 's'}\n")
    code = (
        "import sys; from pathlib import Path; from larix.staging.compile_modules import compile_modules; "
        "compile_modules(output=Path('out'), modules=Path(sys.argv[1]))"
    )
    path = os.pathsep.join(sys.path)
    contents = set()
    for seed in ("1", "2"):
        directory = tmp_path / seed
        directory.mkdir()
        env = {"PYTHONPATH": path, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, source.parent], cwd=directory, env=env, check=True)
        [cached] = (directory / "out" / "pack" / "__pycache__").glob("inner.*.pyc")
        contents.add(cached.read_bytes())
    assert len(contents) == 1
    assert contents.pop()[4:8] == b"\1\0\0\0"  # hashed, and not to be compared with the source
    (directory / "out" / "pack" / "inner.py").write_text("raise SystemExit('the source was read')")
    shown = subprocess.run(
        [sys.executable, "-c", "from pack.inner import f; print(f('p'))"],
        env={"PYTHONPATH": str(directory / "out")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown == "True\n"


def test_compiling_modules_on_the_host_is_the_same_function(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.py").write_text("x = 1\n")
    compile_modules(output=tmp_path / "out", modules=tmp_path / "source")
    assert sorted(file.name.partition(".")[0] for file in (tmp_path / "out").rglob("*.*")) == ["a", "a"]


def test_the_environment_holds_text_and_store_files(lowering, made):
    bash = made("bash")
    lowered = build_expression_to_derivation(
        "x", write_hello, lowering=lowering, env={"SHELL": bash, "A": "b", "RAW": b"\xff"}
    )
    env = lowered.derivation.env
    assert (env[b"SHELL"], env[b"A"], env[b"RAW"]) == (bash.output_path().encode(), b"b", b"\xff")
    assert bash.path in lowered.derivation.input_drvs
    assert env[b"PYTHONHASHSEED"] == b"0"


def test_a_fixed_output(lowering):
    fixed = FixedOutput(Hash("sha256", bytes(32)), recursive=True)
    lowered = build_expression_to_derivation("x", write_hello, lowering=lowering, fixed=fixed)
    assert lowered.derivation.outputs["out"].hash == "00" * 32


def test_one_expression_mentions_another(lowering):
    sh = computed_file("sh", write_hello)
    both = build_expression("both", write_hello, outputs=("out", "doc"))
    documentation = both.output("doc")

    def use(output: Path) -> None:
        output.symlink_to(sh / "bin" / "sh")
        print(documentation)

    lowered = build_expression_to_derivation("use", use, lowering=lowering)
    inputs = {each.name: names for each, names in lowered.inputs}
    assert inputs == {"sh": ("out",), "both": ("doc",), "python": ("out",)}
    assert f"sh = Path('{lowering.lower(sh).path}')" in program_of(lowered)


def test_an_expression_that_needs_itself_is_a_cycle(lowering):
    def use(output: Path) -> None:
        output.symlink_to(mine / "x")

    mine = computed_file("mine", use)
    with pytest.raises(LoweringError, match=r"a cycle of inputs: mine \(.*test_expr.py:[0-9]+\) → mine"):
        lowering.lower(mine)


def test_lowering_twice_gives_the_same_derivation(made):
    paths = set()
    for _ in range(2):
        new = Lowering(system="x86_64-linux", python=Interpreter(made("python")))
        paths.add(build_expression_to_derivation("x", write_hello, lowering=new).path)
    assert len(paths) == 1


def raises(error, message, function, lowering, **options):
    with pytest.raises(error, match=message) as caught:
        build_expression_to_derivation("x", function, lowering=lowering, **options)
    return caught.value


def test_functions_that_cannot_be_called_are_refused(lowering):
    def needs_more(output, flags):
        return output, flags

    def generates(output):
        yield output

    async def waits(output):
        return output

    def by_position(output, /):
        return output

    error = raises(StagingError, "nothing is given for parameter `flags`", needs_more, lowering)
    assert (error.place.file, error.place.line) == (__file__, needs_more.__code__.co_firstlineno)
    assert "output, outputs, inputs, system, target" in error.hint
    raises(StagingError, "by_position`", by_position, lowering)
    raises(StagingError, "is a generator or coroutine", generates, lowering)
    raises(StagingError, "is a generator or coroutine", waits, lowering)
    raises(StagingError, "has no parameter `flags`", write_hello, lowering, arguments={"flags": 1})
    raises(StagingError, "`output` cannot be an argument", write_hello, lowering, arguments={"output": 1})
    raises(StagingError, "`A` of `x` is a `int`", write_hello, lowering, env={"A": 1})
    raises(
        StagingError,
        "`larix.errors` is no build-side module",
        write_hello,
        lowering,
        modules=["larix.errors"],
    )


def test_an_expression_without_a_python_is_refused(made):
    bare = Lowering(system="x86_64-linux")
    raises(LoweringError, "no Python was chosen", write_hello, bare)
    chosen = build_expression_to_derivation(
        "x", write_hello, lowering=bare, python=Interpreter(made("other"), "python")
    )
    assert chosen.derivation.builder.endswith(b"-other/python")


def test_a_name_that_no_store_item_can_have_is_refused_where_it_was_given():
    with pytest.raises(LoweringError, match="store item name") as caught:
        computed_file("no/name", write_hello)
    assert caught.value.place.file == __file__
    with pytest.raises(StagingError, match="has no output `doc`"):
        computed_file("x", write_hello).output("doc")
