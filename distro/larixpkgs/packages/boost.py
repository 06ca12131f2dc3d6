"""Boost: the libraries that are headers only.

Debian's source has the files of upstream's repository, packed anew.
"""

from __future__ import annotations

from pathlib import Path

from larix.buildside.failure import BuildSideError
from larix.buildside.files import copy_recursively
from larix.buildside.gnu import standard_phases
from larix.buildside.invoke import capture, invoke
from larix.buildsystems.gnu import gnu
from larix.packages import Origin, Package, licenses

__all__ = ["boost"]

PROGRAM = r"""
#include <boost/algorithm/string.hpp>
#include <boost/container/flat_map.hpp>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <boost/lexical_cast.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/multiprecision/cpp_int.hpp>
#include <boost/numeric/ublas/matrix.hpp>
#include <boost/version.hpp>
#include <iostream>
#include <string>
#include <vector>

int main()
{
    std::cout << BOOST_LIB_VERSION << '\n';
    std::vector<std::string> words;
    boost::split(words, std::string("x,yy,zzz"), boost::is_any_of(","));
    std::cout << words.size() << ' ' << boost::to_upper_copy(words[2]) << '\n';
    boost::multiprecision::cpp_int factorial = 1;
    for (int i = 2; i <= 30; i++)
        factorial *= i;
    std::cout << factorial << '\n';
    std::cout << boost::lexical_cast<int>("42") + int(boost::math::tgamma(5.0) + 0.5) << '\n';
    using Weight = boost::property<boost::edge_weight_t, int>;
    using boost::vecS;
    using Graph = boost::adjacency_list<vecS, vecS, boost::directedS, boost::no_property, Weight>;
    Graph graph(4);
    boost::add_edge(0, 1, 5, graph), boost::add_edge(0, 2, 1, graph);
    boost::add_edge(2, 1, 2, graph), boost::add_edge(1, 3, 1, graph);
    std::vector<int> distance(4);
    boost::dijkstra_shortest_paths(graph, 0, boost::distance_map(distance.data()));
    std::cout << distance[3] << '\n';
    boost::numeric::ublas::matrix<double> matrix(2, 2, 3.0);
    boost::container::flat_map<std::string, double> table{{"sum", matrix(0, 0) + matrix(1, 1)}};
    std::cout << table.at("sum") << '\n';
}
"""
EXPECTED = "3 ZZZ\n265252859812191058636308480000000\n66\n4\n6\n"


def gather_headers() -> None:
    """Each library has its own in the source; a release of upstream has them in one folder as well."""
    libraries = Path("libs")
    found = [*libraries.glob("*/include/boost"), *libraries.glob("numeric/*/include/boost")]
    for directory in sorted(found):
        copy_recursively(directory, "boost")
    print(f"headers of {len(found)} libraries", flush=True)


def check(*, version: str) -> None:
    """The tests of its libraries take days; this compiles a program that uses eight of them."""
    Path("use.cpp").write_text(PROGRAM)
    invoke("g++", "-std=c++17", "-I.", "use.cpp", "-o", "use")
    written = capture("./use")
    expected = f"{version.removesuffix('.0').replace('.', '_')}\n{EXPECTED}"
    if written != expected:
        raise BuildSideError(f"the program wrote {written!r}, not {expected!r}")


def install(*, outputs: dict[str, Path]) -> None:
    copy_recursively("boost", outputs["out"] / "include/boost")


boost = Package(
    name="boost",
    version="1.88.0",
    source=lambda p: Origin(
        uri=f"debian://pool/main/b/boost1.88/boost1.88_{p.version}.orig.tar.xz",
        sha256="5fe04fe91e9148c233784082a27a9bc5e0efef2d0eac5ea0940cf455d97f9fdc",
    ),
    build_system=gnu,
    arguments={
        "license_files": r"^LICENSE_1_0\.txt$",
        "phases": standard_phases.delete("configure")
        .replace("build", gather_headers)
        .replace("check", check)
        .replace("install", install),
    },
    synopsis="Libraries for C++ that are headers only",
    description=(
        "Boost is a collection of libraries for C++, many of which became part of the language: containers, "
        "algorithms, graphs, numbers of any size, mathematics, text, parsers, metaprogramming. These are the "
        "headers, which is all that most of its libraries consist of."
    ),
    home_page="https://www.boost.org/",
    license=licenses.boost1,
)
