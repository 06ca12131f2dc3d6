"""The example in `examples/gene-expression`: its package, and the service as an operator runs it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from larix.formats.storepath import DEFAULT_STORE_DIR
from larix.packages.catalogue import Catalogue
from larix.packages.toolchain import lowering_for

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).parents[2]
EXAMPLE = CHECKOUT / "examples/gene-expression"
EVERYTHING = "LARIX_TEST_BUILD_EVERYTHING"


def larix(*words: str) -> subprocess.CompletedProcess[str]:
    command = [str(CHECKOUT / "larix"), *words]
    return subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True, check=False)


def run_in(directory: Path) -> list[int]:
    """The processes that work in a directory or have a file below it open."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"HOME={directory}".encode() in environment:
                found.append(int(entry.name))
    return sorted(found)


def mapped_files(process: int) -> set[str]:
    """What programs and libraries a process is made of."""
    lines = Path(f"/proc/{process}/maps").read_text(errors="replace").splitlines()
    names = {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6}
    return {name for name in names if name.startswith("/") and not name.startswith(("/dev/", "/memfd:"))}


class Service:
    def __init__(self, running: subprocess.Popen[str], address: str) -> None:
        self.running = running
        self.address = urlsplit(address)

    def ask(self, method: str, path: str, given: object = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port)
        headers = {"Content-Type": "application/json"} if given is not None else {}
        connection.request(method, path, json.dumps(given) if given is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        is_json = answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(text) if is_json else text.decode()

    def mapping(self, name: str) -> list[dict[str, Any]]:
        status, answer = self.ask("POST", f"/api/traits/{name}/mapping")
        while status == 202:  # the worker is another process
            status, answer = self.ask("GET", f"/api/traits/{name}/mapping")
        assert status == 200, answer
        return answer["markers"]


def test_the_catalogue_has_the_package_and_its_manifests_name_what_there_is() -> None:
    catalogue = Catalogue([str(EXAMPLE / "catalogue")])
    package = catalogue.find("gene-expression").package
    lowering_for(DEFAULT_STORE_DIR, "x86_64-linux").lower(package)
    for file in ("production.py", "development.py"):
        names: dict[str, Any] = {}
        exec(compile((EXAMPLE / file).read_text(), file, "exec"), names)
        for name in names["manifest"]:
            assert catalogue.find(name).package.name == name


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In the machine's own store: all that is below the service would take hours to build anew."""
    made = tmp_path_factory.mktemp("profiles") / "production"
    words = ["-L", "catalogue", "-m", "production.py", "-p", str(made)]
    planned = larix("package", "-n", "--json", *words)
    assert planned.returncode == 0, planned.stderr
    derivations = [name.partition("-")[2] for name in json.loads(planned.stdout)["derivations"]]
    missing = [name for name in derivations if not name.startswith(("gene-expression", "profile"))]
    if missing and EVERYTHING not in os.environ:
        pytest.skip(
            f"{len(missing)} packages are not built; set {EVERYTHING} to build them, which takes hours"
        )
    done = larix("package", *words)
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture(scope="module")
def service(profile: Path) -> Iterator[Service]:
    # The name of a socket must be short, and those of pytest's directories are not.
    with tempfile.TemporaryDirectory(prefix="service-") as name:
        command = [profile / "bin/gene-expression", "serve", "--directory", name, "--port", "0"]
        # No PATH, no home, no PYTHONPATH: whatever is found is found in the store. Without a locale, Python
        # would take one whose files are the machine's.
        environment = {"LC_ALL": "C"}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env=environment, cwd="/"
        ) as running:
            assert running.stdout is not None
            address = next(
                (line.split()[-1] for line in running.stdout if line.startswith("serving on")), None
            )
            assert address is not None
            yield Service(running, address)
            running.send_signal(signal.SIGTERM)
            running.stdout.read()
            assert running.wait() == 0
        assert run_in(Path(name)) == []


@pytest.mark.build
@pytest.mark.slow
class TestService:
    def test_it_is_healthy_and_shows_pages(self, service: Service) -> None:
        assert service.ask("GET", "/health") == (200, {"probes": 150, "store": True, "strains": 64})
        status, page = service.ask("GET", "/?q=chr:12")
        assert status == 200
        assert "Expression of genes in 64 strains" in page

    def test_correlations_are_symmetric(self, service: Service) -> None:
        _, rows = service.ask("GET", "/api/traits/P0001/correlations?limit=500")
        first = rows[0]
        _, back = service.ask("GET", f"/api/traits/{first['probe']}/correlations?limit=500")
        (again,) = [row for row in back if row["probe"] == "P0001"]
        assert again["r"] == pytest.approx(first["r"])
        assert (again["n"], first["p"] < 1e-3) == (first["n"], True)

    def test_gemma_finds_the_locus_that_the_simulation_has(self, service: Service) -> None:
        best = max(service.mapping("P0002"), key=lambda row: row["score"])
        assert best["chromosome"] == "12"
        assert abs(best["megabases"] - 56) < 20
        assert best["score"] > 3
        assert "circle" in service.ask("GET", "/traits/P0002")[1]

    def test_a_trait_of_a_visitor_is_mapped_to_the_gene_that_it_follows(self, service: Service) -> None:
        _, gene = service.ask("GET", "/api/traits/P0002")
        values = {strain: round(2 * value, 2) for strain, value in gene["values"].items()}
        status, made = service.ask("POST", "/api/traits", {"title": "weight", "values": values})
        assert status == 201
        _, rows = service.ask("GET", f"/api/traits/{made['name']}/correlations?limit=1")
        assert rows[0]["probe"] == "P0002"
        assert max(service.mapping(made["name"]), key=lambda row: row["score"])["chromosome"] == "12"

    def test_mistakes_are_told(self, service: Service) -> None:
        assert service.ask("GET", "/api/traits/nothing")[0] == 404
        assert service.ask("POST", "/api/traits", {"values": {"BXD1": "heavy"}})[0] == 400

    def test_nothing_of_the_machine_takes_part(self, service: Service) -> None:
        """Every file that the processes are made of stands in the store, and no variable is the machine's."""
        home = Path(service.running.args[3])  # type: ignore[index]
        processes = run_in(home)
        assert len(processes) >= 4  # Redis, the worker, Gunicorn and a process of it
        for process in [service.running.pid, *processes]:
            assert {name for name in mapped_files(process) if not name.startswith("/larix/store/")} == set()
        for process in processes:
            environment = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
            path = next(each for each in environment if each.startswith(b"PATH="))
            assert path.startswith(b"PATH=/larix/store/")
            assert sys.prefix.encode() not in b"".join(environment)
