"""Build expressions, really built: isolated, by the Python of the seed, in a store of their own."""

import os
import platform
import subprocess
import tempfile
from pathlib import Path

import pytest

from larix.builder import realise
from larix.buildside.files import mkdir_p, which
from larix.formats.storepath import StoreDir
from larix.packages.toolchain import lowering_for
from larix.protocol import BuildLog, BuildOptions, BuildTarget
from larix.staging import build_expression, build_expression_to_derivation, plain_text, program_file
from larix.staging.places import translate
from larix.store import Layout, open_local_store
from larix.store.atomic import remove_tree

pytestmark = [
    pytest.mark.build,
    pytest.mark.slow,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="the seed is for x86_64"),
]

GREETING = {"en": "hello", "is": "halló"}


class Shop:
    def __init__(self, store):
        self.store = store
        self.lowering = lowering_for(store.store_dir, "x86_64-linux")
        self.log = []

    def build(self, lowered, **options):
        self.store.instantiate([lowered])
        self.log = []
        target = BuildTarget(lowered.path)
        (result,) = realise(self.store, [target], BuildOptions(**options), self.note)
        return {name: Path(path) for name, path in result.outputs.items()}

    def note(self, event):
        if isinstance(event, BuildLog):
            self.log.append(translate(event.line).decode())


@pytest.fixture(scope="module")
def shop():
    # Build users read the store, so it cannot be below pytest's folder, which is private.
    base = tempfile.mkdtemp(prefix="lxstg")
    os.chmod(base, 0o755)
    try:
        with open_local_store(Layout(StoreDir(f"{base}/store"), f"{base}/var", f"{base}/var/log")) as store:
            yield Shop(store)
    finally:
        remove_tree(base)


def test_the_papers_third_figure_is_built(shop):
    def write_hello(output: Path) -> None:
        output.write_text("hello")

    lowered = build_expression_to_derivation("example-1.0", write_hello, lowering=shop.lowering)
    outputs = shop.build(lowered)
    assert outputs["out"].read_text() == "hello"
    assert outputs["out"].name.endswith("-example-1.0")
    shop.build(lowered, check=True)


def test_several_outputs_modules_and_store_files(shop):
    motd = plain_text("motd", "é")

    def greet() -> int:
        print(GREETING["is"], motd.read_text(), which("no such program"))
        return 3

    program = program_file("greet", greet)

    def make(outputs: dict[str, Path], system: str) -> None:
        mkdir_p(outputs["out"] / "bin")
        (outputs["out"] / "bin" / "greet").symlink_to(program)
        outputs["doc"].write_text(f"{system} {sorted({'b', 'a'})} {Path.cwd().name}")

    expression = build_expression("both", make, outputs=("out", "doc"))
    lowered = shop.lowering.lower(expression).origin
    outputs = shop.build(lowered)
    assert outputs["doc"].read_text() == "x86_64-linux ['a', 'b'] larix-build-both.drv-0"
    done = subprocess.run([outputs["out"] / "bin" / "greet"], capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode()) == (3, "halló é None\n")
    assert str(program_item := shop.lowering.lower(program).path) in shop.store.references(
        str(outputs["out"])
    )
    assert any(path.endswith("-motd") for path in shop.store.references(program_item))
    (compiled,) = [each for each, _ in lowered.inputs if each.name == "module-import-compiled"]
    shop.build(compiled, check=True)


def test_a_failing_build_names_the_host_file_and_line(shop):
    def divide(one: int, other: int) -> float:
        """Says no."""
        return one / other

    def make(output: Path) -> None:
        output.write_text(str(divide(1, 0)))

    lowered = build_expression_to_derivation("failing", make, lowering=shop.lowering)
    with pytest.raises(Exception, match="failing") as caught:
        shop.build(lowered)
    assert caught.value.exit_code == 100
    line = divide.__code__.co_firstlineno + 2
    assert f'  File "{__file__}", line {line}, in divide' in shop.log
    assert "ZeroDivisionError: division by zero" in shop.log
