"""Sources from Git repositories, for options that ask for a branch or a commit: fetched with the user's git.

A repository is kept in the cache, and only what is new is fetched. What is built is an archive of one commit,
the same bytes for the same commit; submodules are not part of it. What is downloaded is the tree of one, with
submodules if wanted, as `git clone` would lay it out where no setting of the user's has a say.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from typing import NamedTuple

from larix.cli import diagnostics
from larix.errors import LarixError
from larix.words import tr

__all__ = ["Checkout", "GitFailed", "cache_folder", "check_out_tree", "checkout", "repository_of"]

# Settings of the user's that would change what is in a tree.
_PLAIN = [
    word
    for setting in ("core.autocrlf=false", "core.eol=lf", "core.symlinks=true", "core.hooksPath=/dev/null")
    for word in ("-c", setting)
]
_HOSTED = re.compile(r"(https://(?:github\.com|gitlab\.com|codeberg\.org)/[^/]+/[^/]+)/")


class GitFailed(LarixError):
    """A repository cannot be fetched, or has no such branch or commit."""


class Checkout(NamedTuple):
    """The archive of a commit, and a version for what is built from it."""

    file: str
    version: str


def repository_of(uris: tuple[str, ...]) -> str | None:
    """The repository that a source's addresses tell, where a forge keeps both in one place."""
    found = (_HOSTED.match(uri) for uri in uris)
    return next((each[1] for each in found if each is not None), None)


def cache_folder() -> str:
    """Where copies of repositories are kept."""
    return f"{os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache')}/larix/git"


def checkout(cache: str, name: str, url: str, *, branch: str | None, commit: str | None) -> Checkout:
    """The tip of a branch, of the default one when none is named, or a commit; a tag is one, too."""
    repository = _fetched(cache, url)
    digits = _resolved(repository, url, branch=branch, commit=commit)
    label = commit if commit and not digits.startswith(commit) else branch or digits[:12]
    version = "git." + re.sub(r"[^A-Za-z0-9+._-]", "-", label)
    file = f"{cache}/{name}-{digits}.tar"
    if not os.path.exists(file):
        temporary = f"{file}.{os.getpid()}"
        archive = ["archive", "--format=tar", f"--prefix={name}/", f"--output={temporary}", digits]
        if _git(["-C", repository, *archive]) is None:
            raise GitFailed(
                tr("{url}: commit {digits} cannot be taken out of the repository", url=url, digits=digits)
            )
        os.replace(temporary, file)
    return Checkout(file, version)


def check_out_tree(
    cache: str, url: str, folder: str, *, branch: str | None, commit: str | None, submodules: bool
) -> str:
    """Make `folder` the tree of a commit, without its history; which commit, in digits, is returned.

    Submodules come from where the tree says. They may be on this machine only if the repository is.
    """
    repository = _fetched(cache, url)
    digits = _resolved(repository, url, branch=branch, commit=commit)
    local = ["-c", "protocol.file.allow=always"] if url.startswith("file://") else []
    steps = [
        ["clone", "--quiet", "--no-checkout", "--shared", "--template=", "--", repository, folder],
        ["-C", folder, "remote", "set-url", "origin", url],
        ["-C", folder, *_PLAIN, "checkout", "--quiet", "--detach", digits],
    ]
    if submodules:
        update = ["submodule", "--quiet", "update", "--init", "--recursive"]
        steps.append(["-C", folder, *_PLAIN, *local, *update])
    for step in steps:
        if _git(step, quiet=True) is None:
            raise GitFailed(
                tr("{url}: commit {digits} cannot be checked out", url=url, digits=digits),
                hint=tr("what git says stands above"),
            )
    _forget_history(folder)
    return digits


def _forget_history(folder: str) -> None:
    """A submodule's `.git` is a file."""
    for place, folders, files in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
            shutil.rmtree(os.path.join(place, ".git"))
        if ".git" in files:
            os.unlink(os.path.join(place, ".git"))


def _resolved(repository: str, url: str, *, branch: str | None, commit: str | None) -> str:
    """The digits of the commit that is meant."""
    wanted = commit or (f"refs/heads/{branch}" if branch else "HEAD")
    found = _git(
        ["-C", repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{wanted}^{{commit}}"]
    )
    if found is None:
        what = (
            tr("commit `{commit}`", commit=commit)
            if commit
            else tr("branch `{branch}`", branch=branch)
            if branch
            else tr("commit")
        )
        raise GitFailed(tr("{url}: no such {what}", url=url, what=what))
    return found.strip()


def _fetched(cache: str, url: str) -> str:
    """A copy of the repository that has all that is there now."""
    os.makedirs(cache, exist_ok=True)
    repository = f"{cache}/{hashlib.sha256(url.encode()).hexdigest()[:32]}.git"
    if not os.path.isdir(repository):
        temporary = f"{repository}.{os.getpid()}"
        steps = [["clone", "--quiet", "--mirror", "--", url, temporary]]
    else:
        temporary = ""
        steps = [["-C", repository, "fetch", "--quiet", "--prune", "--", url, "+refs/*:refs/*"]]
    for step in steps:
        if _git(step) is None:
            shutil.rmtree(temporary, ignore_errors=True)
            raise GitFailed(
                tr("{url}: the repository cannot be fetched", url=url), hint=tr("what git says stands above")
            )
    if temporary:
        os.rename(temporary, repository)
    return repository


def _git(arguments: list[str], *, quiet: bool = False) -> str | None:
    """What git prints, or None when it fails; what it has to say of that goes to standard error.

    `quiet` keeps that back as long as it does not fail.
    """
    program = shutil.which("git")
    if program is None:
        raise GitFailed(
            tr("git is needed to fetch from a repository"), hint=tr("install it: `larix install git`")
        )
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        [program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if quiet else None,
        env=environment,
        check=False,
        text=True,
        errors="replace",
    )
    if quiet and done.returncode:
        diagnostics.say(done.stderr.rstrip())
    return done.stdout if done.returncode == 0 else None
