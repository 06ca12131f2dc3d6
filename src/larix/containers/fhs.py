"""A profile's files where programs of other systems look for them: /bin, /lib, /usr and a loader.

Links alone. The loader is the one that the closure brings; it looks in the folders below by itself, so what
the profile has in `lib` is found by programs that know nothing of the store.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["SEARCH_PATH", "fhs_links", "find_loader"]

SEARCH_PATH = "/bin:/usr/bin:/sbin:/usr/sbin"

# Where loaders are in packages, and the name by which the programs of their machine ask for them.
_LOADERS = {
    "ld-linux-x86-64.so.2": "/lib64/ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1": "/lib/ld-linux-aarch64.so.1",
}
_LIBRARIES = ("lib", "lib64", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu")


def find_loader(items: Sequence[str]) -> str | None:
    """The dynamic loader that is in one of the store items."""
    for item in items:
        for folder in _LIBRARIES:
            for name in _LOADERS:
                file = f"{item}/{folder}/{name}"
                if os.path.exists(file):
                    return file
    return None


def fhs_links(profile: str, items: Sequence[str], shell: str) -> list[tuple[str, str]]:
    """Names and targets of the links; `shell` is the file that /bin/sh is."""
    links: dict[str, str] = {"/bin": "usr/bin", "/sbin": "usr/sbin", "/lib": "usr/lib", "/lib64": "usr/lib64"}
    links["/usr/bin/sh"] = shell
    for folder in ("bin", "sbin", "lib", "include", "libexec", "share"):
        for name, file in _listed(f"{profile}/{folder}"):
            links.setdefault(f"/usr/{folder}/{name}", file)
    for name, file in _listed(f"{profile}/etc"):
        links.setdefault(f"/etc/{name}", file)
    loader = find_loader(items)
    if loader is not None:
        links[_LOADERS[os.path.basename(loader)].replace("/lib", "/usr/lib", 1)] = loader
        folder = os.path.dirname(loader)
        for name, file in _listed(folder):
            if ".so" in name:
                links.setdefault(f"/usr/lib/{name}", file)
    return list(links.items())


def _listed(folder: str) -> Iterator[tuple[str, str]]:
    if os.path.isdir(folder):
        for name in sorted(os.listdir(folder)):
            yield name, f"{folder}/{name}"
