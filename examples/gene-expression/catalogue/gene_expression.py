"""The web service of this example, from the source beside it."""

from __future__ import annotations

import os
from pathlib import Path

from larix.buildside.files import mkdir_p, substitute
from larix.buildside.invoke import invoke
from larix.buildside.pyproject import standard_phases
from larix.buildsystems.pyproject import pyproject
from larix.packages import Package, licenses
from larix.staging import local_file
from larixpkgs.packages import (
    gemma,
    gunicorn,
    python_flask,
    python_flit_core,
    python_numpy,
    python_pytest,
    python_redis,
    redis,
)

__all__ = ["gene_expression"]


def is_source(name: str, _status: os.stat_result) -> bool:
    """What tools leave behind is no part of the package, which would be another one each time."""
    base = os.path.basename(name)
    return base != "__pycache__" and not base.startswith(".")


def name_programs(*, inputs: dict[str, Path]) -> None:
    """The service starts these by their file names: no PATH decides which they are."""
    substitute(
        "src/gene_expression/programs.py",
        ('"gemma"', f'"{inputs["gemma"]}/bin/gemma"'),
        ('"redis-server"', f'"{inputs["redis"]}/bin/redis-server"'),
    )


def make_data(*, outputs: dict[str, Path], inputs: dict[str, Path]) -> None:
    """The data set that the service shows when it is given no other."""
    directory = mkdir_p(outputs["out"] / "share/gene-expression")
    python = inputs["python"] / "bin/python3"
    invoke(python, "-P", "-m", "gene_expression.cli", "simulate", directory)


gene_expression = Package(
    name="gene-expression",
    version="1.0",
    source=local_file("../service", name="gene-expression-source", select=is_source),
    build_system=pyproject,
    arguments={
        "phases": standard_phases.add_before("build", name_programs).add_before("check", make_data),
    },
    native_inputs=lambda: [python_flit_core.python_flit_core, python_pytest.python_pytest],
    inputs=lambda: [
        gemma.gemma,
        gunicorn.gunicorn,
        python_flask.python_flask,
        python_numpy.python_numpy,
        python_redis.python_redis,
        redis.redis,
    ],
    synopsis="Expression of genes in recombinant inbred strains, on the web",
    description=(
        "A web service that shows how strongly genes are expressed in a family of inbred strains. It "
        "summarises and correlates traits, maps them to the genome by GEMMA in the background, takes traits "
        "of visitors, and keeps what was computed in Redis."
    ),
    home_page=None,
    license=licenses.gpl3_plus,
)
