"""The synopses of the distribution in other languages."""

from pathlib import Path

import pytest

import larixpkgs
from larix.packages.catalogue import Catalogue
from larix.packages.translation import read_messages

FILES = sorted((Path(larixpkgs.__file__).parent / "po").glob("*.po"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_translations_are_of_texts_that_packages_have(file: Path) -> None:
    texts = read_messages(str(file))
    own = {text for entry in Catalogue().entries for text in (entry.synopsis, entry.description)}
    assert len(texts) > 40
    assert len(texts.keys() & own) > 0.8 * len(texts), "merge it anew: larix messages -m"


def test_there_is_a_french_catalogue() -> None:
    assert "fr.po" in [file.name for file in FILES]
