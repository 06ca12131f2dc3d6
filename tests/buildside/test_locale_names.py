import locale

import pytest

from larix.buildside.failure import BuildSideError
from larix.buildside.locale_names import NAMES, locale_category_name


@pytest.mark.parametrize("name", NAMES)
def test_category_has_the_name_of_its_variable(name):
    assert locale_category_name(getattr(locale, name)) == name


def test_other_numbers_have_none():
    with pytest.raises(BuildSideError, match="99 is no category"):
        locale_category_name(99)
