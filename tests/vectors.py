"""The golden vectors of tests/data, and trees as they spell them."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

from larix.formats.nar import Directory, File, Symlink, Tree

DATA = Path(__file__).parent / "data"


def load(tool: str, name: str) -> Any:
    return json.loads((DATA / tool / f"{name}.json").read_text(encoding="utf-8"))


def nix_tree(node: dict[str, Any]) -> Tree:
    """A tree as `nix/archives.json` spells it: names, targets and contents in base64."""
    if node["type"] == "symlink":
        return Symlink(b64decode(node["target_b64"]))
    if node["type"] == "regular":
        if "contents_b64" in node:
            return File(b64decode(node["contents_b64"]), node["executable"])
        return File(bytes((7 * i + 3) & 255 for i in range(node["size"])), node["executable"])
    return Directory({b64decode(entry["name_b64"]): nix_tree(entry["node"]) for entry in node["entries"]})


def guix_tree(node: dict[str, Any]) -> Tree:
    if node["type"] == "symlink":
        return Symlink(node["target"].encode())
    if node["type"] == "regular":
        return File(b64decode(node["contents_base64"]), node["executable"])
    return Directory({name.encode(): guix_tree(entry) for name, entry in node["entries"].items()})
