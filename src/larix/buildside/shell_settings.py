"""A profile's settings for the shells that cannot read `etc/profile`, and for sites with environment modules.

    profile.fish   fish
    profile.csh    csh and tcsh
    modulefile     Environment Modules and Lmod, which reads the same Tcl

Values are places below the profile, so their beginnings are one variable of the script.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    Setting: TypeAlias = tuple[str, str | None, Sequence[str]]

__all__ = ["settings_files"]

_FISH = """\
# Shell settings of this profile, for fish: `source` this file. On LARIX_PROFILE see `profile`.

set -l larix_profile {name}
test -n "$LARIX_PROFILE"; and set larix_profile "$LARIX_PROFILE"
"""
_CSH = """\
# Shell settings of this profile, for csh and tcsh: `source` this file. On LARIX_PROFILE see `profile`.

set larix_profile = {name}
if ($?LARIX_PROFILE) then
  if ("$LARIX_PROFILE" != "") set larix_profile = "$LARIX_PROFILE"
endif
"""
_MODULE = """\
#%Module1.0
# Settings of this profile for Environment Modules and for Lmod. A link to this file in a folder of MODULEPATH
# is a module; a link that goes through a profile's name follows its generations.

set larix_profile {name}
proc ModulesHelp {{ }} {{
    puts stderr {help}
}}
module-whatis {help}
"""


def settings_files(name: str, settings: Iterable[Setting], manifest: str) -> dict[str, str]:
    """File names and contents; each of the settings is a variable, its separator, and places below `name`."""
    listed = list(settings)
    about = _tcl(_about(manifest))
    return {
        "profile.fish": _FISH.format(name=_fish(name)) + _lines(listed, _fish_setting),
        "profile.csh": _CSH.format(name=_csh(name)) + _lines(listed, _csh_setting) + "unset larix_profile\n",
        "modulefile": _MODULE.format(name=_tcl(name), help=about) + _lines(listed, _module_setting),
    }


def _lines(settings: Iterable[Setting], write: Callable[[Setting], str]) -> str:
    return "".join(write(each) for each in settings)


def _about(manifest: str) -> str:
    """The packages of a manifest in one line."""
    document: Any = json.loads(manifest)
    packages = [f"{each['name']} {each['version']}" for each in document.get("packages", ())]
    return f"larix profile of {', '.join(packages) or 'nothing'}"


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish_setting(setting: Setting) -> str:
    """Fish splits variables whose names end in PATH at colons, and joins them again within double quotes."""
    variable, separator, places = setting
    if separator is None:
        return f'set -gx {variable} "$larix_profile"{_fish(places[0])}\n'
    joined = _fish(separator).join('"$larix_profile"' + _fish(place) for place in places)
    return (
        f'if test -n "${variable}"\n    set -gx {variable} {joined}{_fish(separator)}"${variable}"\n'
        f"else\n    set -gx {variable} {joined}\nend\n"
    )


def _csh(text: str) -> str:
    """Single quotes; the mark of the history means something even within them."""
    return "'" + text.replace("'", "'\\''").replace("!", "\\!") + "'"


def _csh_setting(setting: Setting) -> str:
    variable, separator, places = setting
    if separator is None:
        return f'setenv {variable} "${{larix_profile}}"{_csh(places[0])}\n'
    joined = _csh(separator).join('"${larix_profile}"' + _csh(place) for place in places)
    return (
        f'if (! $?{variable}) setenv {variable} ""\nif ("${variable}" == "") then\n'
        f"  setenv {variable} {joined}\nelse\n"
        f'  setenv {variable} {joined}{_csh(separator)}"${{{variable}}}"\nendif\n'
    )


def _tcl(text: str) -> str:
    """A word of Tcl within double quotes."""
    return '"' + re.sub(r'([\\"$\[\]{}])', r"\\\1", text) + '"'


def _module_setting(setting: Setting) -> str:
    variable, separator, places = setting
    values = ['"${larix_profile}' + _tcl(place)[1:] for place in places]
    if separator is None:
        return f"setenv {variable} {values[0]}\n"
    option = "" if separator == ":" else f"--delim {_tcl(separator)} "
    return "".join(f"prepend-path {option}{variable} {value}\n" for value in reversed(values))
