"""A synthetic catalogue, the same on every machine: one module a package, inputs named inside functions.

catalogue.py COUNT FOLDER    write it
"""

import os
import random
import sys

SYLLABLES = ("al", "bri", "co", "den", "fer", "gno", "hal", "ix", "jun", "kor", "lum", "mar", "nex", "opt")
NOUNS = (
    "library",
    "program",
    "compiler",
    "server",
    "editor",
    "viewer",
    "toolkit",
    "archive",
    "parser",
    "game",
)
VERBS = ("align", "browse", "compress", "draw", "edit", "format", "genotype", "index", "measure", "render")
TOPICS = ("sequences", "images", "mail", "numbers", "text", "networks", "sounds", "genomes", "maps", "tables")
LICENSES = ("gpl3_plus", "gpl2_plus", "expat", "bsd_3", "apache2", "lgpl2_1_plus")

MODULE = '''"""{synopsis}."""

from __future__ import annotations

from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["{variable}"]


def inputs():
{inputs}

{variable} = Package(
    name="{name}",
    version="{version}",
    source=lambda p: Origin(
        uri=f"https://example.org/{name}/{name}-{{p.version}}.tar.gz",
        sha256="{digest}",
    ),
    build_system=gnu,
    inputs=inputs,
    outputs={outputs},
    arguments={{"configure_flags": ["--disable-static"]}},
    synopsis="{synopsis}",
    description=(
        "{description}"
    ),
    home_page="https://example.org/{name}/",
    license=licenses.{license},
)
'''


def names(count: int) -> list[str]:
    """Different names of two to four syllables, some with a prefix as collections of libraries have."""
    chance = random.Random(1)
    found: dict[str, None] = {}
    while len(found) < count:
        word = "".join(chance.choices(SYLLABLES, k=chance.randint(2, 4)))
        prefix = chance.choice(("", "", "python-", "perl-", "r-"))
        found[f"{prefix}{word}" if chance.random() < 0.3 else f"{prefix}{word}{len(found)}"] = None
    return list(found)


def variable(name: str) -> str:
    return f"p_{name.replace('-', '_')}"


def module(number: int, known: list[str]) -> str:
    """The text of a package's module; it needs up to four packages before it."""
    chance = random.Random(number)
    name = known[number]
    inputs = chance.sample(known[:number], min(number, chance.randint(0, 4)))
    lines = [f"    from {variable(each)} import {variable(each)}" for each in inputs]
    lines.append(f"    return [{', '.join(variable(each) for each in inputs)}]\n")
    verb, topic = chance.choice(VERBS), chance.choice(TOPICS)
    sentences = [
        f"It can {chance.choice(VERBS)} {chance.choice(TOPICS)} as a {chance.choice(NOUNS)} "
        f"that {chance.choice(NOUNS)}s of {chance.choice(TOPICS)} build upon."
        for _ in range(chance.randint(2, 7))
    ]
    return MODULE.format(
        variable=variable(name),
        name=name,
        version=f"{chance.randint(0, 9)}.{chance.randint(0, 20)}.{chance.randint(0, 9)}",
        digest=chance.randbytes(32).hex(),
        inputs="\n".join(lines),
        outputs='("out", "doc")' if chance.random() < 0.1 else '("out",)',
        synopsis=f"{verb.capitalize()} {topic} with a {chance.choice(NOUNS)}",
        description=f"{name} can {verb} {topic}. " + ' "\n        "'.join(sentences),
        license=chance.choice(LICENSES),
    )


def write_catalogue(count: int, folder: str) -> None:
    os.makedirs(folder)
    known = names(count)
    for number, name in enumerate(known):
        with open(os.path.join(folder, f"{variable(name)}.py"), "w", encoding="utf-8") as file:
            file.write(module(number, known))


if __name__ == "__main__":
    write_catalogue(int(sys.argv[1]), sys.argv[2])
