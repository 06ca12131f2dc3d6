"""A toolchain of nothing, and short packages, for tests that lower and do not build."""

from larix.buildsystems.gnu import gnu
from larix.buildsystems.trivial import trivial
from larix.formats.storepath import DEFAULT_STORE_DIR
from larix.packages import Package, licenses
from larix.packages.inputs import Input
from larix.packages.toolchain import Toolchain, lowering_for, register_toolchain, using_toolchain
from larix.staging import FileAppend, Interpreter, plain_text
from larix.staging.files import caller_location

TOOLS = plain_text("tools", "no real toolchain")


def make_toolchain() -> Toolchain:
    return Toolchain("test", (Input("tools", TOOLS),), Interpreter(TOOLS), FileAppend(TOOLS, "bin/bash"))


register_toolchain("test", make_toolchain)


def lower(value, system="x86_64-linux"):
    with using_toolchain("test"):
        return lowering_for(DEFAULT_STORE_DIR, system).lower(value)


def package(name="hello", **fields) -> Package:
    given = {
        "name": name,
        "version": "1.0",
        "source": None,
        "build_system": gnu,
        "synopsis": "Say hello",
        "description": "It says hello.",
        "home_page": None,
        "license": licenses.gpl3_plus,
        **fields,
    }
    return Package(location=caller_location(), **given)


def program(lowered) -> str:
    """The text of the builder."""
    (source,) = [each for each in lowered.sources if each.path.endswith("-builder")]
    return source.content.contents.decode()


__all__ = ["TOOLS", "gnu", "licenses", "lower", "package", "program", "trivial", "using_toolchain"]
