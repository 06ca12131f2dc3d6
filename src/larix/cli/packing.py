"""From a command line to the pack that it means: options checked, packages found, one derivation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from larix.cli import diagnostics
from larix.cli.options import CommandLine, UsageError, whole_number
from larix.cli.transformations import chosen_transformations
from larix.cli.wanted import Wanted
from larix.pack.compression import EXTENSIONS
from larix.pack.content import Closure, Contents, extra_entries
from larix.pack.deb import debian_architecture
from larix.pack.derivation import pack_derivation
from larix.pack.image import MOST_LAYERS, image_name
from larix.pack.options import FORMATS, PackOptions, checked_link, pack_file_name
from larix.pack.rpm import rpm_architecture
from larix.packages.platform import host_system, platform
from larix.profiles.manifest import PROVENANCE, Manifest
from larix.profiles.profile import empty_profile, profile_derivation
from larix.profiles.transaction import check_collisions
from larix.words import tr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from larix.cli.grafting import Grafts
    from larix.cli.session import Session
    from larix.derivation import Lowered, Source
    from larix.profiles.manifest import Entry
    from larix.protocol import BuildOptions

__all__ = ["Pack", "check_options", "make_pack"]

_IMAGES = ("docker", "oci", "oci-dir")
_WITH_ENTRY_POINT = (*_IMAGES, "squashfs")
_SHELLS = ("bash", "bash-minimal")
_PROFILE_NAME = "larix-profile"
_SCRIPTS = {
    "deb": {"postinst-file": "postinst", "triggers-file": "triggers"},
    "rpm": {f"{name}-file": name for name in ("prein", "postin", "preun", "postun")},
}
_FOR_FORMAT = {
    **dict.fromkeys(("image-tag", "max-layers"), _IMAGES),
    "control-file": ("deb",),
    **{option: (name,) for name, scripts in _SCRIPTS.items() for option in scripts},
    **dict.fromkeys(("entry-point", "entry-point-argument"), _WITH_ENTRY_POINT),
}


class Pack(NamedTuple):
    """The derivation, and what grafts did to the packages."""

    lowered: Lowered
    grafts: Grafts | None


def check_options(line: CommandLine) -> None:
    """Everything that can be wrong without looking at packages.

    :raises UsageError: something is
    """
    _format_name(line)
    _compression(line)
    for text in line.values("symlink"):
        checked_link(text)
    _layers(line)
    if line.has("manifest") and any(token.name in ("", "expression", "file") for token in line.tokens):
        raise UsageError(tr("both a manifest and a package list were given"))
    if line.has("entry-point-argument") and not line.has("entry-point"):
        raise UsageError(tr("`--entry-point-argument' is given without `--entry-point'"))
    foreign = line.has("target") or line.last("system") not in (None, host_system())
    if line.has("relocatable") and foreign:
        raise UsageError(tr("relocatable packs can only be made for the system of this machine"))
    for option, formats in _FOR_FORMAT.items():
        if line.has(option) and _format_name(line) not in formats:
            diagnostics.warning(
                tr(
                    "`--{option}' means nothing to packs of format {format}",
                    option=option,
                    format=_format_name(line),
                )
            )


def _format_name(line: CommandLine) -> str:
    name = line.last("format") or "tarball"
    if name not in FORMATS:
        hint = diagnostics.did_you_mean(name, FORMATS) or tr("`--list-formats' tells which there are.")
        raise UsageError(tr("{name}: unknown pack format", name=name), hint=hint)
    return name


def _compression(line: CommandLine) -> str:
    kind = FORMATS[_format_name(line)]
    name = line.last("compression") or kind.compressors[0]
    if name not in EXTENSIONS:
        hint = diagnostics.did_you_mean(name, EXTENSIONS) or tr(
            "There are: {names}.", names=", ".join(EXTENSIONS)
        )
        raise UsageError(tr("{name}: compressor not found", name=name), hint=hint)
    if name not in kind.compressors:
        raise UsageError(
            tr("{name} is not a valid {format} compressor", name=name, format=_format_name(line)),
            hint=tr("These are: {names}.", names=", ".join(kind.compressors)),
        )
    return name


def _layers(line: CommandLine) -> int:
    number = whole_number(line, "max-layers", 0, least=1)
    if number > MOST_LAYERS:
        raise UsageError(
            tr("{number} layers are too many: engines take {most}", number=number, most=MOST_LAYERS)
        )
    return number


def make_pack(session: Session, line: CommandLine, options: BuildOptions) -> Pack:
    """The pack as a derivation; what must be built to know about grafts is built."""
    system = line.last("system") or host_system()
    target = line.last("target")
    wanted = Wanted(
        session,
        line.values("load-path"),
        chosen_transformations(line),
        with_provenance=line.has("save-provenance"),
        system=system,
        target=target,
    )
    with platform(system, target):
        entries = _entries(wanted, line)
    wanted.check()
    grafts = None
    if not line.has("no-grafts"):
        entries, grafts = wanted.grafted(entries, options, dry_run=line.has("dry-run"))
    manifest = Manifest(tuple(entries))
    check_collisions(manifest)
    if not entries:
        diagnostics.warning(tr("no packages specified; building an empty pack"))
    return Pack(_lowered(session, line, wanted, manifest, system), grafts)


def _entries(wanted: Wanted, line: CommandLine) -> list[Entry]:
    kinds = {"": "install", "expression": "install-from-expression", "file": "install-from-file"}
    found: dict[str, Entry] = {}
    for token in line.tokens:
        if token.value is None:
            continue
        if token.name == "manifest":
            new = wanted.manifest_file(token.value)
        elif token.name in kinds:
            new = wanted.entries(kinds[token.name], token.value)
        else:
            continue
        found.update((entry.path, entry) for entry in new)
    return list(found.values())


def _lowered(session: Session, line: CommandLine, wanted: Wanted, manifest: Manifest, system: str) -> Lowered:
    store_dir = session.layout.store_dir
    inputs: list[tuple[Lowered, tuple[str, ...]]] = []
    sources: list[Source] = []
    if manifest.entries:
        made = profile_derivation(manifest, wanted.items, store_dir=store_dir, system=host_system())
        inputs.append((made, ("out",)))
        profile = made.output_path()
    else:
        source = empty_profile(store_dir)
        sources.append(source)
        profile = source.path
    launcher = ""
    if line.has("relocatable"):
        from larix.cli.relocating import launcher_derivation

        with_fallback = sum(token.name == "relocatable" for token in line.tokens) > 1
        lowered = launcher_derivation(wanted.evaluation.lowering, with_fallback=with_fallback)
        inputs.append((lowered, ("out",)))
        launcher = lowered.output_path()
    options = _options(session, line, wanted, manifest, system)._replace(profile=profile, launcher=launcher)
    extra_entries(
        Contents(Closure(store_dir, {}), options)
    )  # which refuses links that get in each other's way
    names = [entry.name for entry in manifest.entries]
    name = pack_file_name(options.format, options.compression, names)
    return pack_derivation(
        name, options, store_dir=store_dir, system=host_system(), inputs=inputs, sources=sources
    )


def _options(
    session: Session, line: CommandLine, wanted: Wanted, manifest: Manifest, system: str
) -> PackOptions:
    chosen = _format_name(line)
    names = [entry.name for entry in manifest.entries]
    links = [checked_link(text) for text in line.values("symlink")]
    if chosen == "squashfs":
        if not any(name in _SHELLS for name in names):
            raise UsageError(
                tr("Singularity requires you to provide a shell"),
                hint=tr("Add `bash' to the packages of the pack."),
            )
        links += [each for each in (("/bin", "bin"),) if each[0] not in dict(links)]
    machine = line.last("target") or system
    options = PackOptions(
        format=chosen,
        compression=_compression(line),
        profile="",
        system=machine.partition("-")[0] + "-linux",
        links=tuple(dict.fromkeys(links)),
        search_paths=tuple(tuple(path) for path in manifest.search_paths()),
    )
    if line.has("localstatedir"):
        name = line.last("profile-name") or _PROFILE_NAME
        if not name.strip("/.") or ".." in name.split("/") or name.startswith("/"):
            raise UsageError(tr("`{name}' cannot be the name of a profile", name=name))
        options = options._replace(state_directory=session.layout.state_dir, profile_name=name)
    if chosen in _WITH_ENTRY_POINT and line.has("entry-point"):
        entry = ((line.last("entry-point") or "").lstrip("/"), *line.values("entry-point-argument"))
        options = options._replace(entry_point=entry)
    if chosen in _IMAGES:
        tag = image_name(line.last("image-tag") or "-".join(names) or "empty")
        options = options._replace(image=tag, layers=_layers(line), labels=_labels(wanted, manifest))
    if chosen == "deb":
        options = options._replace(fields=_control(line, wanted, manifest, machine))
    if chosen == "rpm":
        options = options._replace(fields=_rpm_fields(wanted, manifest, machine))
    if chosen in _SCRIPTS:
        options = options._replace(scripts=_scripts(line, _SCRIPTS[chosen]))
    return options


def _labels(wanted: Wanted, manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """What images tell of themselves under the names of the OCI."""
    found = {"title": ", ".join(entry.name for entry in manifest.entries)}
    if len(manifest.entries) == 1:
        found["version"] = manifest.entries[0].version
        found |= _described(wanted, manifest.entries[0])
        found.pop("licenses", None)  # would have to be an SPDX expression
    records: list[dict[str, Any]] = []
    for entry in manifest.entries:
        records += [each for each in dict(entry.properties).get(PROVENANCE, ()) if each not in records]
    if records:
        found |= {"revision": records[0].get("commit", ""), "source": records[0].get("url", "")}
    labels = {f"org.opencontainers.image.{name}": text for name, text in found.items() if text}
    packages = [each._asdict() for each in manifest.entries]
    labels["org.larix.packages"] = json.dumps(
        [{name: each[name] for name in ("name", "version", "output", "path")} for each in packages]
    )
    if records:
        labels["org.larix.provenance"] = json.dumps(records, sort_keys=True)
    return tuple(sorted(labels.items()))


def _described(wanted: Wanted, entry: Entry) -> dict[str, str]:
    """What the catalogue says of the package, if it has this version."""
    package = wanted.evaluation.newest(entry.name)
    if package is None or package.version != entry.version:
        return {}
    return {
        "description": package.synopsis,
        "url": package.home_page or "",
        "licenses": " and ".join(each.name for each in package.license),
    }


def _control(
    line: CommandLine, wanted: Wanted, manifest: Manifest, machine: str
) -> tuple[tuple[str, str], ...]:
    """The fields of the package, those of a file given by the user before ours."""
    names = [entry.name for entry in manifest.entries]
    only = manifest.entries[0] if len(names) == 1 else None
    described = _described(wanted, only) if only is not None else {}
    ours = {
        "Package": _debian_name("-".join(names) or "empty"),
        "Version": only.version if only is not None and only.version[:1].isdigit() else "0.0.0",
        "Architecture": debian_architecture(machine),
        "Maintainer": "larix <larix@localhost>",
        "Section": "misc",
        "Priority": "optional",
        "Homepage": described.get("url", ""),
        # In English for everybody: it is part of the result.
        "Description": described.get("description") or f"Packed by larix: {', '.join(names)}",
    }
    given = _fields(line.last("control-file"))
    return tuple((name, text) for name, text in {**ours, **given}.items() if text)


def _rpm_fields(wanted: Wanted, manifest: Manifest, machine: str) -> tuple[tuple[str, str], ...]:
    names = [entry.name for entry in manifest.entries]
    only = manifest.entries[0] if len(names) == 1 else None
    described = _described(wanted, only) if only is not None else {}
    fields = {
        "Name": "-".join(names) or "empty",
        "Version": only.version.replace("-", "_") if only is not None else "0.0.0",
        "Architecture": rpm_architecture(machine),
        "License": described.get("licenses", "unknown"),
        "URL": described.get("url", ""),
        "Summary": described.get("description") or f"Packed by larix: {', '.join(names)}",
    }
    return tuple((name, text) for name, text in fields.items() if text)


def _debian_name(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "+-." else "-" for letter in name.lower())
    return kept if len(kept) > 1 else f"{kept}-pack"


def _fields(file: str | None) -> dict[str, str]:
    """A `control' file: `Name: value', a value going on in lines that begin with a space."""
    if file is None:
        return {}
    fields: dict[str, str] = {}
    last = ""
    for number, text in enumerate(_read(file).splitlines(), 1):
        name, colon, value = text.partition(":")
        if text[:1] in (" ", "\t") and last:
            fields[last] += f"\n{text}"
        elif colon and name and not name[0].isspace():
            last = name
            fields[name] = value.strip()
        elif text.strip():
            from larix.errors import Location

            raise UsageError(tr("this is no field of a Debian package"), place=Location(file, number))
    return fields


def _scripts(line: CommandLine, names: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, _read(file)) for option, name in names.items() if (file := line.last(option)) is not None
    )


def _read(file: str) -> str:
    try:
        with open(file, encoding="utf-8") as stream:
            return stream.read()
    except OSError as error:
        raise UsageError(tr("cannot read `{file}': {problem}", file=file, problem=error.strerror)) from error
    except UnicodeDecodeError as error:
        raise UsageError(tr("`{file}' is no text in UTF-8", file=file)) from error
