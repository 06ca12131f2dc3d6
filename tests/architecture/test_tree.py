"""What must stand nowhere in the tree: hosts of package registries, paths of the machine it is made on."""

from __future__ import annotations

import configparser
import ipaddress
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
MAY_BE_NAMED = {"snapshot.debian.org"}  # an upstream source of its own right, whatever a machine's apt names
COMMON_FOLDERS = {"/", "/build", "/home", "/mnt", "/opt", "/root", "/srv", "/tmp", "/usr/src", "/var/tmp"}


def files_of_the_tree() -> list[Path]:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    listing = subprocess.run(
        ["git", "-C", CHECKOUT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a git checkout")
    names = [name.decode() for name in listing.stdout.split(b"\0") if name]
    return [CHECKOUT / name for name in names if (CHECKOUT / name).is_file()]


def lines_with(needles: set[str]) -> list[str]:
    pattern = re.compile("|".join(map(re.escape, sorted(needles))).encode())
    return [
        f"{file.relative_to(CHECKOUT)}:{number}"
        for file in files_of_the_tree()
        for number, line in enumerate(file.read_bytes().splitlines(), 1)
        if pattern.search(line)
    ]


def hosts_in(text: str) -> set[str]:
    return set(re.findall(r"https?://(?:[^/@\s]*@)?([^/:\s\"']+)", text))


def hosts_of_apt() -> set[str]:
    files = [Path("/etc/apt/sources.list"), *Path("/etc/apt").glob("sources.list.d/*")]
    lines = [
        line for file in files if file.is_file() for line in file.read_text(errors="replace").splitlines()
    ]
    return hosts_in("\n".join(line for line in lines if re.match(r"\s*(URIs|deb)\b", line)))


def hosts_of_pip() -> set[str]:
    found: set[str] = set()
    for name in ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf"):
        settings = configparser.RawConfigParser()
        settings.read(Path(name).expanduser())
        found |= {
            host
            for section in settings.sections()
            for value in settings[section].values()
            for host in hosts_in(value)
        }
    built_in = subprocess.run(
        [
            "python3",
            "-c",
            "from pip._internal.models.index import PyPI as p; print(p.netloc, p.file_storage_domain)",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return found | set(built_in.stdout.split())


def hosts_of_npm() -> set[str]:
    if shutil.which("npm") is None:
        return set()
    asked = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=False)
    return hosts_in(asked.stdout)


def is_a_public_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host
    return False


def test_no_host_of_a_package_registry_is_named() -> None:
    """Which mirror a machine uses is its own business: larix and its tools ask the machine."""
    hosts = {
        host for host in hosts_of_apt() | hosts_of_pip() | hosts_of_npm() if is_a_public_name(host)
    } - MAY_BE_NAMED
    if not hosts:
        pytest.skip("this machine names no registry by host")
    assert lines_with(hosts) == []


def test_no_path_of_this_machine_is_named() -> None:
    paths = {f"{CHECKOUT}/"}
    if str(CHECKOUT.parent) not in COMMON_FOLDERS:
        paths.add(f"{CHECKOUT.parent}/")
    assert lines_with(paths) == []
