from __future__ import annotations

from pathlib import Path

import pytest

from packs import PackShop


@pytest.fixture
def shop(tmp_path: Path) -> PackShop:
    return PackShop(tmp_path)


@pytest.fixture
def inside(shop: PackShop) -> str:
    """The store directory as names in archives have it."""
    return str(shop.store).lstrip("/")
