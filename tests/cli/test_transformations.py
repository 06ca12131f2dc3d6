"""Transformation options, on packages whose results show what they were made from."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import threading

import pytest

from upstream.signing import signer

pytestmark = pytest.mark.slow

PACKAGES = r"""
from larix.derivation import Lowered, derivation
from larix.packages import Origin
from larix.packages.bag import Bag
from small import SHELL, alpha, beta, simple


class Teller:
    '''Its result is a program that tells name and version, the flags, the inputs and the source.'''

    name = "teller"
    description = "tells what it was made from"
    argument_names = ("configure_flags", "tests", "strip_binaries", "toolchain")

    def lower(self, package, lowering):
        shell = lowering.lower(SHELL)
        inputs = [lowering.lower(each.value) for each in (*package.inputs, *package.native_inputs)]
        source = None if package.source is None else lowering.lower(package.source)
        made = [(each.origin, [each.output or "out"]) for each in inputs]
        plain = [shell.origin]
        if source is not None and isinstance(source.origin, Lowered):
            made.append((source.origin, [source.output or "out"]))
        elif source is not None:
            plain.append(source.origin)
        words = [f"{package.name}@{package.version}", *package.arguments.get("configure_flags", ())]
        words += [f"tests={package.arguments['tests']}"] if "tests" in package.arguments else []
        words += [each.origin.name for each in inputs]

        def build(bag, lowering):
            return derivation(
                f"{package.name}-{package.version}",
                store_dir=lowering.store_dir,
                system=lowering.system,
                builder=f"{shell.path}/bin/busybox",
                args=["sh", "-ec", '''
                    mkdir -p $out/bin; echo "$words" > $out/words
                    if [ -d "$source" ]; then cp -r $source $out/source
                    elif [ -n "$source" ]; then cp $source $out/source; fi
                    printf '#!/bin/sh\ncat %s/words\n' $out > $out/bin/$program; chmod +x $out/bin/$program
                '''],
                env={"words": " ".join(words), "source": "" if source is None else source.path,
                     "program": package.name},
                inputs=made,
                sources=plain,
            )

        return Bag(
            name=package.name, system=lowering.system, target=None, source=package.source, build_inputs=(),
            host_inputs=package.inputs, target_inputs=(), outputs=package.outputs, search_paths=(),
            arguments=package.arguments, build=build,
        )


def teller(name, version, **fields):
    return simple(name, version, **({"build_system": Teller(), "arguments": {}} | fields))


lib = teller("lib", "1.0")
other_lib = teller("lib-ng", "2.0")
middle = teller("middle", "1.0", inputs=lambda: [lib])
top = teller("top", "@TOP@", inputs=lambda: [middle], native_inputs=lambda: [lib])
fetched = teller(
    "fetched", "1.0",
    source=lambda p: Origin(uri=f"@URL@/fetched-{p.version}.txt", sha256="@HASH@"),
)
fixed = teller("fixed", "1.0", source=Origin(uri="@URL@/fixed.txt", sha256="@HASH@"))
"""


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    """A web server of the files in a folder, and the folder."""
    folder = tmp_path / "web"
    folder.mkdir()
    made = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *arguments: Files(*arguments, directory=str(folder))
    )
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_address[1]}", folder
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def shop(builder, server):
    """A larix with the packages above, whose version of `top` can be set."""
    url, folder = server
    (folder / "fetched-1.0.txt").write_text("the first\n")
    digest = hashlib.sha256(b"the first\n").hexdigest()

    def write(top="1.0"):
        text = PACKAGES.replace("@URL@", url).replace("@HASH@", digest).replace("@TOP@", top)
        (builder.folder / "packages" / "tellers.py").write_text(text)

    builder.set_top = write
    builder.web = folder
    write()
    return builder


def words(larix, *command):
    (path,) = larix.succeed("build", "-q", *command).split()
    with open(f"{path}/words") as stream:
        return stream.read().split()


def installed(larix, name):
    (entry,) = json.loads(larix.succeed("package", "-p", "profile", "-I", f"^{name}$", "--json"))["packages"]
    return entry


def test_an_input_is_replaced_everywhere_and_what_does_not_need_it_stays(shop):
    plain = shop.succeed("build", "-d", "top").strip()
    planned = json.loads(shop.succeed("build", "-n", "--json", "top", "--with-input=lib=lib-ng"))
    names = {os.path.basename(each).rpartition("-")[0].partition("-")[2] for each in planned["derivations"]}
    assert names == {"lib-ng", "middle", "top"}
    assert words(shop, "top", "--with-input=lib@1=lib-ng") == ["top@1.0", "middle-1.0", "lib-ng-2.0"]
    assert words(shop, "top", "--with-input=middle=lib-ng") == ["top@1.0", "lib-ng-2.0", "lib-1.0"]
    done = shop("build", "-d", "top", "--with-input=alpha=beta")
    assert (done.stdout.strip(), done.returncode) == (plain, 0)
    assert "warning: transformation 'with-input' had no effect on top@1.0" in done.stderr
    done = shop("build", "-d", "top", "--with-input=lib@2=beta")
    assert "had no effect on top@1.0" in done.stderr


def test_flags_and_tests_are_changed_of_what_is_meant_alone(shop):
    assert words(shop, "lib", "--with-configure-flag=lib=--a", "--with-configure-flag=lib=--b=c") == [
        "lib@1.0",
        "--a",
        "--b=c",
    ]
    assert words(shop, "lib", "--without-tests=lib") == ["lib@1.0", "tests=False"]
    assert words(shop, "middle", "--without-tests=lib") == ["middle@1.0", "lib-1.0"]


@pytest.mark.parametrize(
    ("option", "message", "hint"),
    [
        ("--with-input=lib", "invalid replacement specification: lib", "--with-input=PACKAGE=VALUE"),
        ("--with-graft==lib", "invalid replacement specification: =lib", "--with-graft=PACKAGE=VALUE"),
        ("--with-input=lib=lbi", "lbi: unknown package", "Did you mean `lib'?"),
        (
            "--with-input=midle=beta",
            "midle: unknown package, in '--with-input=midle=beta'",
            "Did you mean `middle'?",
        ),
        ("--with-configure-flag=alpha=--x", "build system `script` of package `alpha` takes no", ""),
        ("--with-patch=lib=absent.patch", "absent.patch': no such file", "--with-patch=lib="),
        ("--with-source=absent-1.tar", "absent-1.tar': no such file", "--with-source="),
        ("--with-c-toolchain=lib=gccc", "gccc: unknown package", ""),
        ("--tune=x86-64-v9", "is called `x86-64-v9`", "x86-64-v"),
        ("--without-tests=a b", "`a b` names no package", ""),
        (
            "--with-latest=lib",
            "package `lib@1.0`: no updater knows where it comes from",
            "--with-source=lib=URL",
        ),
        ("--with-version=fixed=2", "its address does not follow its version", "--with-source=fixed=URL"),
    ],
)
def test_mistakes_are_one_line_and_a_hint(shop, option, message, hint):
    done = shop("build", "-n", "top", "alpha", "fixed", option)
    assert done.returncode == 1, done.stderr
    assert f"error: {message}" in done.stderr or message in done.stderr
    assert hint in done.stderr
    assert "Traceback" not in done.stderr


def test_a_list_of_the_options_is_to_be_had_with_every_command(shop):
    for command in ("build", "install", "upgrade", "package", "shell", "run"):
        text = shop.succeed(command, "--help-transform")
        assert "--with-input=PKG=SPEC" in text
        assert "--help-transform" in shop.succeed(command, "--help")


def test_sources_are_files_folders_and_addresses(shop):
    (shop.folder / "lib-3.1.txt").write_text("a file\n")
    (shop.folder / "tree").mkdir()
    (shop.folder / "tree" / ".git").mkdir()
    (shop.folder / "tree" / "a").write_text("in a folder\n")
    (shop.web / "lib-4.txt").write_text("from the net\n")
    url = shop("build", "-S", "fetched").stdout.strip()
    assert url.endswith("-fetched-1.0.txt")
    assert words(shop, "lib", "--with-source=lib-3.1.txt")[0] == "lib@3.1.txt"
    assert words(shop, "lib", "--with-source=lib@3.1=lib-3.1.txt")[0] == "lib@3.1"
    (path,) = shop.succeed("build", "-q", "lib", "--with-source=lib=tree").split()
    assert os.listdir(f"{path}/source") == ["a"]
    with open(shop.folder / "packages" / "tellers.py") as stream:
        address = stream.read().partition('uri=f"')[2].partition("/fetched")[0]
    done = shop("build", "-q", "lib", f"--with-source=lib@4={address}/lib-4.txt")
    assert done.returncode == 0, done.stderr
    with open(f"{done.stdout.strip()}/source") as stream:
        assert stream.read() == "from the net\n"
    assert f"warning: lib@4: nothing vouches for {address}/lib-4.txt, which is taken on trust" in done.stderr
    assert "note: its hash is sha256:" in done.stderr


def test_form_is_looked_at_though_nothing_is_to_be_transformed(shop):
    """Else the option would take the name of the package for its value, and nothing would be said."""
    done = shop("install", "-p", "profile", "--with-input", "lib")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "larix install: error: invalid replacement specification: lib\n"
        "hint: Write `--with-input=PACKAGE=VALUE'.\n"
    )


def test_another_version_comes_from_the_address_of_that_version(shop):
    (shop.web / "fetched-2.0.txt").write_text("the second\n")
    done = shop("build", "-q", "fetched", "--with-version=fetched=2.0")
    assert done.returncode == 0, done.stderr
    with open(f"{done.stdout.strip()}/source") as stream:
        assert stream.read() == "the second\n"
    assert done.stdout.strip().endswith("-fetched-2.0")
    assert "fetched@2.0: nothing vouches for" in done.stderr
    done = shop("build", "-q", "fetched", "--with-version=fetched=3.0")
    assert done.returncode == 1
    assert "download failed" in done.stderr


def test_newest_release_is_found_verified_and_built(shop):
    """From one server to the program: its listing, the signature, the key in the user's keyring."""
    keyring = pathlib.Path(shop.environment["HOME"], ".config", "larix", "upstream", "trustedkeys.gpg")
    keyring.parent.mkdir(parents=True)
    for version in ("2.0", "10.0", "11.0rc1"):
        (shop.web / f"fetched-{version}.txt").write_text(f"release {version}\n")
    with signer() as ada:
        (shop.web / "fetched-10.0.txt.asc").write_bytes(ada.sign(b"release 10.0\n", "--armor"))
        (shop.web / "fetched-2.0.txt.sig").write_bytes(ada.sign(b"something else\n"))
        done = shop("build", "-q", "fetched", "--with-latest=fetched")
        assert done.returncode == 0, done.stderr
        assert (
            f"warning: fetched@10.0: `{keyring}' lacks the key {ada.fingerprint} that signed http://"
            in done.stderr
        )
        assert "fetched-10.0.txt, which is taken on trust\nnote: its hash is sha256:" in done.stderr
        keyring.write_bytes(ada.key())
        done = shop("build", "-q", "fetched", "--with-latest=fetched")
        assert (
            done.stderr == f"note: fetched@10.0 is signed by Ada <ada@example.org>, key {ada.fingerprint}\n"
        )
        with open(f"{done.stdout.strip()}/source") as stream:
            assert stream.read() == "release 10.0\n"
        done = shop("build", "-q", "fetched", "--with-version=fetched=2.0")
        assert (done.returncode, done.stdout) == (1, "")
        assert "fetched-2.0.txt.sig is not a signature of what came: the file was changed\n" in done.stderr


def test_what_was_trusted_is_remembered_and_not_asked_for_again(shop):
    (shop.web / "fetched-2.0.txt").write_text("the second\n")
    shop.succeed("install", "-p", "profile", "fetched", "--with-version=fetched=2.0")
    entry = installed(shop, "fetched")
    (trusted,) = entry["trusted-sources"].values()
    assert trusted["version"] == "2.0"
    assert trusted["hash"].startswith("sha256:")
    (shop.web / "fetched-2.0.txt").write_text("another\n")
    done = shop("upgrade", "-p", "profile")
    assert done.returncode == 0, done.stderr
    assert "nothing to be done" in done.stderr
    assert installed(shop, "fetched") == entry


def test_upgrades_apply_again_what_was_applied(shop):
    done = shop("install", "-p", "profile", "top", "--with-input=lib=lib-ng", "--without-tests=top")
    assert done.returncode == 0, done.stderr
    assert "   top 1.0 (--with-input=lib=lib-ng, --without-tests=top)" in done.stderr
    expected = [["with-input", "lib=lib-ng"], ["without-tests", "top"]]
    assert installed(shop, "top")["transformations"] == expected
    assert "nothing to be done" in shop("upgrade", "-p", "profile").stderr
    shop.set_top("1.1")
    assert shop("upgrade", "-p", "profile").returncode == 0
    entry = installed(shop, "top")
    assert (entry["version"], entry["transformations"]) == ("1.1", expected)
    with open(f"{entry['path']}/words") as stream:
        assert stream.read().split() == ["top@1.1", "tests=False", "middle-1.0", "lib-ng-2.0"]
    done = shop("upgrade", "-p", "profile", "--with-configure-flag=top=--more")
    assert done.returncode == 0, done.stderr
    assert installed(shop, "top")["transformations"] == [*expected, ["with-configure-flag", "top=--more"]]
    shop.succeed("install", "-p", "profile", "top")
    assert "transformations" not in installed(shop, "top")


def git(folder, *words):
    settings = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *settings, *words], cwd=folder, check=True, capture_output=True)


def test_branches_and_commits_of_repositories_are_built(shop):
    if shutil.which("git") is None:
        pytest.skip("no git")
    tree = shop.folder / "repository"
    tree.mkdir()
    git(tree, "init", "-q")
    for text, tag in (("one", "v1"), ("two", "v2")):
        (tree / "text").write_text(f"{text}\n")
        git(tree, "add", "text")
        git(tree, "commit", "-q", "-m", text)
        git(tree, "tag", tag)
    git(tree, "branch", "old", "v1")
    url = f"--with-git-url=lib=file://{tree}"

    def content(*options):
        (path,) = shop.succeed("build", "-q", "lib", *options).split()
        with tarfile.open(f"{path}/source") as archive:
            member = archive.extractfile("lib/text")
            assert member is not None
            return os.path.basename(path)[33:], member.read()

    name, text = content(url)
    assert (name.startswith("lib-git."), text) == (True, b"two\n")
    assert content(url, "--with-branch=lib=old") == ("lib-git.old", b"one\n")
    assert content(url, "--with-commit=lib=v1") == ("lib-git.v1", b"one\n")
    (tree / "text").write_text("three\n")
    git(tree, "commit", "-q", "-a", "-m", "three")
    assert content(url)[1] == b"three\n"
    for option, message in (
        ("--with-branch=lib=none", "no such branch `none`"),
        ("--with-commit=lib=0123", "no such commit `0123`"),
        (f"--with-git-url=lib=file://{tree}/absent", "the repository cannot be fetched"),
    ):
        done = shop("build", "lib", url, option)
        assert (done.returncode, message in done.stderr) == (1, True), done.stderr
    done = shop("build", "lib", "--with-branch=lib=main")
    assert "package `lib@1.0`: no repository is known" in done.stderr


def test_what_is_run_and_entered_is_transformed(shop):
    flag = "--with-configure-flag=lib=--x"
    shell = f"{shop.folder}/shell/bin/busybox"
    done = shop("shell", "lib", flag, "--", shell, "sh", "-c", "cat $LARIX_ENVIRONMENT/words")
    assert done.stdout == "lib@1.0 --x\n", done.stderr
    assert shop.succeed("run", flag, "lib") == "lib@1.0 --x\n"


def test_file_names_are_recorded_so_that_another_folder_finds_them(shop):
    (shop.folder / "lib-9").write_text("nine\n")
    shop.succeed("install", "-p", "profile", "lib", "--with-source=./lib-9")
    assert installed(shop, "lib")["transformations"] == [["with-source", f"{shop.folder}/lib-9"]]
    os.unlink(shop.folder / "lib-9")
    done = shop("upgrade", "-p", "profile")
    assert done.returncode == 1
    assert f"'{shop.folder}/lib-9': no such file" in done.stderr
