"""`larix.buildside.autotest`: groups of a test suite by the file they were written in."""

from __future__ import annotations

import pytest

from larix.buildside.autotest import groups_of_files
from larix.buildside.failure import BuildSideError

LISTING = """\
GNU Example 1.0 test suite test groups:

 NUM: FILE-NAME:LINE     TEST-GROUP-NAME
      KEYWORDS

   1: input.at:36        Invalid number-like character: 3:4
   2: output.at:81       Output file name: `~!@
      output 7: input.at:1
  13: input.at:544       diagnose missing input
 104: a-very-long-name-of-a-file.at:1018
      libtoolize
"""


def test_groups_are_found_by_the_file_they_stand_in() -> None:
    assert groups_of_files(LISTING, ["input.at"]) == [1, 13]


def test_groups_of_several_files_come_in_the_order_of_the_suite() -> None:
    assert groups_of_files(LISTING, ["output.at", "a-very-long-name-of-a-file.at", "input.at"]) == [
        1,
        2,
        13,
        104,
    ]


def test_a_file_without_groups_is_named() -> None:
    with pytest.raises(BuildSideError, match=r"no groups of `inputs\.at`$"):
        groups_of_files(LISTING, ["input.at", "inputs.at"])
