from __future__ import annotations

import pytest

from larix.packages import licenses
from larix.packages.licenses import License
from larix.packages.spdx import spdx_id


@pytest.mark.parametrize(
    ("license_", "identifier"),
    [
        (licenses.gpl3_plus, "GPL-3.0-or-later"),
        (licenses.gpl2, "GPL-2.0-only"),
        (licenses.agpl3, "AGPL-3.0-only"),
        (licenses.lgpl2_1_plus, "LGPL-2.1-or-later"),
        (licenses.fdl1_3_plus, "GFDL-1.3-or-later"),
        (licenses.expat, "MIT"),
        (licenses.apache2, "Apache-2.0"),
        (licenses.psfl, "PSF-2.0"),
        (licenses.zlib, "Zlib"),
        (licenses.public_domain, None),
        (licenses.bsd_style("https://example.org/"), None),
    ],
)
def test_licences_have_the_identifiers_of_the_list(license_: License, identifier: str | None) -> None:
    assert spdx_id(license_) == identifier


def test_only_licences_without_a_page_of_the_list_have_none() -> None:
    """A licence added to the module without a thought for this is found here."""
    every = {name: each for name, each in vars(licenses).items() if isinstance(each, License)}
    without = {name for name, each in every.items() if spdx_id(each) is None}
    assert without == {"public_domain", "non_copyleft"}
