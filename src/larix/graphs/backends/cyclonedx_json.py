"""A bill of materials: CycloneDX 1.6 in JSON.

Names, versions, licences, hashes and what needs what, and no package URLs, which would claim that the bytes
are some registry's. The same graph gives the same bytes: there is no time in it, and the serial number is
made from the rest. What is a node more than once in different builds is a component for each.

Hashes of packages are those of their sources as upstream has them; hashes of store items are those of their
archives (NAR).
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

import larix
from larix.graphs.facts import Facts, facts_of
from larix.packages.origin import Origin
from larix.packages.spdx import spdx_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from larix.formats.hashes import Hash
    from larix.graphs.graph import Graph, Node
    from larix.packages.licenses import License

DESCRIPTION = "a bill of materials (SBOM) in JSON"
WANTS_PACKAGES = True

_ALGORITHMS = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
_ADDRESSES = ("https://", "http://", "ftp://")


def write(graph: Graph, kind: str) -> Iterator[str]:
    components = [_component(node) for node in graph.nodes.values()]
    metadata: dict[str, Any] = {
        "tools": {"components": [{"type": "application", "name": "larix", "version": larix.__version__}]},
        "properties": [{"name": "larix:graph", "value": kind}],
    }
    if len(graph.roots) == 1:
        metadata["component"] = next(each for each in components if each["bom-ref"] == graph.roots[0])
        components = [each for each in components if each is not metadata["component"]]
    content: dict[str, Any] = {
        "metadata": metadata,
        "components": components,
        "dependencies": [
            {"ref": key, "dependsOn": sorted(targets)} if targets else {"ref": key}
            for key, targets in graph.arrows.items()
        ],
    }
    digest = sha256(json.dumps(content, sort_keys=True).encode()).digest()
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{UUID(bytes=digest[:16], version=5)}",
        "version": 1,
        **content,
    }
    yield json.dumps(document, indent=2) + "\n"


def _component(node: Node) -> dict[str, Any]:
    facts = facts_of(node.subject, node.label)
    # "library" is what the format asks for where the kind is not known.
    kind = "file" if isinstance(node.subject, Origin) else "library"
    made: dict[str, Any] = {"type": kind, "bom-ref": node.key, "name": facts.name}
    if facts.version:
        made["version"] = facts.version
    if facts.summary:
        made["description"] = facts.summary
    hashes = _hashes(facts.hash)
    if hashes:
        made["hashes"] = hashes
    if facts.licenses:
        made["licenses"] = list(_licenses(facts.licenses))
    references = list(_references(facts))
    if references:
        made["externalReferences"] = references
    if facts.store_path is not None:
        made["properties"] = [{"name": "larix:store-path", "value": facts.store_path}]
    return made


def _hashes(known: Hash | None) -> list[dict[str, str]]:
    if known is None or known.algo not in _ALGORITHMS:
        return []
    return [{"alg": _ALGORITHMS[known.algo], "content": known.base16()}]


def _licenses(licenses: Iterable[License]) -> Iterator[dict[str, Any]]:
    for each in dict.fromkeys(licenses):
        identifier = spdx_id(each)
        chosen: dict[str, Any] = {"id": identifier} if identifier is not None else {"name": each.name}
        if each.uri.startswith(_ADDRESSES):
            chosen["url"] = each.uri
        yield {"license": chosen}


def _references(facts: Facts) -> Iterator[dict[str, Any]]:
    hashes = _hashes(facts.source_hash)
    if facts.home_page is not None:
        yield {"type": "website", "url": facts.home_page}
    for uri in facts.sources:
        made: dict[str, Any] = {"type": "source-distribution", "url": uri}
        yield made | ({"hashes": hashes} if hashes else {})
