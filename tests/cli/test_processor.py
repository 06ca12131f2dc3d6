import pytest

from larix.cli.processor import UnknownHost, processor_of
from larix.packages.transform_compilers import check_processor

V2 = "cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"
V3 = f"{V2} abm avx avx2 bmi1 bmi2 f16c fma movbe xsave"
V4 = f"{V3} avx512bw avx512cd avx512dq avx512f avx512vl"


@pytest.mark.parametrize(
    ("features", "level"),
    [
        ("", "x86-64"),
        (V2, "x86-64-v2"),
        (V3, "x86-64-v3"),
        (V4, "x86-64-v4"),
        (V4.replace("movbe ", ""), "x86-64-v2"),
        (V4.replace(" pni", ""), "x86-64"),
    ],
)
def test_a_processor_is_the_level_that_it_reaches_without_gaps(features, level):
    found = processor_of("x86_64", frozenset(features.split()))
    assert found == level
    check_processor(found, "x86_64-linux")


def test_other_machines():
    check_processor(processor_of("aarch64", frozenset()), "aarch64-linux")
    with pytest.raises(UnknownHost, match="this riscv64"):
        processor_of("riscv64", frozenset())
