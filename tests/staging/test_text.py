"""The canonical text of functions, on difficult functions and on those of the standard library."""

import ast
import copy
import inspect
import textwrap

import pytest

from larix.staging.text import make_template

# Modules with much variety of syntax; each function of each is cut and compared.
MODULES = ("argparse", "ast", "contextlib", "dataclasses", "enum", "functools", "inspect", "shutil", "typing")
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def text_of(source: str, number: int = 0) -> str:
    source = textwrap.dedent(source)
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTION)]
    return fill(source.split("\n"), functions[number])


def fill(lines: list[str], node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    arguments = node.args
    defaults = [*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)]
    return "\n".join(make_template(lines, node).fill(node.name, [ast.unparse(each) for each in defaults]))


class Strip(ast.NodeTransformer):
    """What the cutter is to leave, told on the syntax tree."""

    def __init__(self) -> None:
        self.around: list[ast.AST] = []

    def generic_visit(self, node: ast.AST) -> ast.AST:
        self.around.append(node)
        super().generic_visit(node)
        self.around.pop()
        return node

    def visit_FunctionDef(self, node):
        node.returns = None
        self.strip_docstring(node)
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815  (the name that `ast` calls)

    def visit_ClassDef(self, node):
        self.strip_docstring(node)
        return self.generic_visit(node)

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        scope = next(each for each in reversed(self.around) if isinstance(each, (*FUNCTION, ast.ClassDef)))
        if isinstance(scope, ast.ClassDef):
            return self.generic_visit(node)
        if node.value is None:
            return ast.Pass()
        return self.generic_visit(ast.Assign(targets=[node.target], value=node.value))

    @staticmethod
    def strip_docstring(node):
        first = node.body[0]
        is_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        if is_text and isinstance(first.value.value, str):
            node.body[:1] = [] if len(node.body) > 1 else [ast.Pass()]


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_text_of_each_function_has_the_syntax_tree_of_its_source_less_what_goes(name):
    source = inspect.getsource(__import__(name))
    lines = source.split("\n")
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTION)]
    assert len(functions) > 15
    for node in functions:
        text = fill(lines, node)
        copied = copy.deepcopy(node)
        copied.decorator_list = []
        expected = ast.dump(Strip().visit(copied))
        assert ast.dump(ast.parse(text).body[0]) == expected, text
        assert text.startswith(("def ", "async def "))


def test_comments_blank_lines_docstrings_and_annotations_go():
    text = text_of('''
        def f(a: int, *rest: "str", b: dict[str, int] = 3, **more: object) -> tuple[int, ...]:  # noqa
            """Says what it does.

            At length.
            """

            # why
            count: int = a  # and how
            total: int

            return count, rest, b, more
    ''')
    assert text == (
        "def f(a, *rest, b = 3, **more):\n    count = a\n    pass\n    return count, rest, b, more"
    )


def test_a_docstring_alone_leaves_pass():
    assert text_of('def f():\n    """Nothing."""\n') == "def f():\n    pass"
    assert text_of('def f(): "Nothing."\n') == "def f(): pass"


def test_a_docstring_with_a_statement_after_it_in_the_line_stays():
    assert text_of('def f(): "text"; return 1\n') == 'def f(): "text"; return 1'


def test_a_number_sign_in_a_string_is_no_comment():
    assert text_of("def f():\n    return '# no' # yes\n") == "def f():\n    return '# no'"


def test_the_inside_of_strings_is_left_alone():
    source = (
        "class C:\n"
        "    def f(x):\n"
        '        a = """first\n'
        "    # not a comment\n"
        "\n"
        '  last   \n""" + f"""{x\n'
        '    }   \n  # neither\n"""\n'
        "        return a\n"
    )
    text = text_of(source)
    assert text == (
        "def f(x):\n"
        '    a = """first\n'
        "    # not a comment\n"
        "\n"
        '  last   \n""" + f"""{x\n'
        '    }   \n  # neither\n"""\n'
        "    return a"
    )


def test_lines_that_are_continued_keep_the_empty_line_that_ends_them():
    assert text_of("def f():\n    x = 1 + \\\n        2 \\\n\n    return x\n").endswith(
        "2 \\\n\n    return x"
    )


def test_lines_in_brackets_may_stand_left_of_the_function():
    source = "if True:\n    def f():\n        return [\n  1,\n    2]\n"
    assert text_of(source) == "def f():\n    return [\n1,\n2]"


def test_the_text_does_not_depend_on_the_indentation_of_the_function():
    inner = "def f(x):\n    if x:\n        return (1 +\n                2)\n"
    assert text_of(inner) == text_of("if True:\n" + textwrap.indent(inner, "        "))


def test_annotations_in_classes_stay_for_those_who_read_them():
    source = """
        def f():
            class Point:
                x: int
                y: int = 0
                def g(self, z: int) -> int:
                    w: int = z
                    return w
            return Point
    """
    assert text_of(source) == (
        "def f():\n    class Point:\n        x: int\n        y: int = 0\n        def g(self, z):\n"
        "            w = z\n            return w\n    return Point"
    )


def test_names_and_columns_are_counted_in_characters():
    assert text_of("def f(naïve: int, ü: 'é' = 1) -> 'ñ':\n    é: int = naïve; return 'ö'  # ß\n") == (
        "def f(naïve, ü = 1):\n    é = naïve; return 'ö'"
    )


def test_parentheses_around_annotations_and_defaults():
    source = (
        "def f(a: (int) = (1), *, b: (\n  str # c\n ) = 2) -> (\n  int):\n"
        "    (x): (int) = (1)\n    return x\n"
    )
    assert text_of(source) == "def f(a = (1), *, b = 2):\n    (x) = (1)\n    return x"


def test_each_line_knows_where_it_was_written():
    source = ["", "def f(a,", "      b: int = (  # c", "        2)):", "    # why", "    return a"]
    node = ast.parse("\n".join(source)).body[0]
    assert isinstance(node, ast.FunctionDef)
    template = make_template(source, node)
    assert [line.replace("\0", "|") for line in template.lines] == [
        "def |name|(a,",
        "      b = (",
        "        |default 0|)):",
        "    return a",
    ]
    assert template.host_lines == (2, 3, 4, 6)
