"""V10, V11, V19: builtin builders, whose derivations come from whoever likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from larix.derivation import Lowered, derivation
from security.den import SYSTEM, Den, FixedOutput

pytestmark = pytest.mark.slow


def builtin(den: Den, builder: str, fixed: FixedOutput | None = None, **env: str) -> Lowered:
    return derivation(
        "made", store_dir=den.store_dir, system=SYSTEM, builder=f"builtin:{builder}", env=env, fixed=fixed
    )


def profile_of(den: Den, entries: str) -> Lowered:
    return builtin(den, "profile", entries=entries, manifest="{}", searchPaths="[]")


@pytest.fixture
def bait(den: Den) -> Path:
    """A file of the host's that everybody may read, in a folder of its own."""
    folder = den.folder / "bait"
    (folder / "etc/ssl/certs").mkdir(parents=True)
    (folder / "secret").write_text("of the host")
    (folder / "etc/ssl/certs/some.pem").write_text("-----BEGIN CERTIFICATE-----\nof the host\n")
    return folder


@pytest.mark.parametrize("kind", ["profile", "buildenv", "unpack-debs", "pack"])
def test_builtins_see_nothing_of_the_host(den: Den, bait: Path, kind: str) -> None:
    """V11: they make trees of store items, and a derivation may say of which."""
    lowered = {
        "profile": profile_of(den, str(bait)),
        "buildenv": builtin(den, "buildenv", derivations=f"true 5 1 {bait}"),
        "unpack-debs": builtin(den, "unpack-debs", debs=f"{bait}/secret"),
        "pack": builtin(den, "pack", pack="{}", exportReferencesGraph=f"graph {bait}"),
    }[kind]
    told = den.build(lowered)
    assert told.error
    assert "Traceback" not in den.daemon.log()
    assert not told.outputs
    if kind != "pack":
        assert "is not among the derivation's inputs" in told.error
