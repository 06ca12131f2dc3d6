"""The licences that packages name. `name` is how listings show one."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["License"]


class License(NamedTuple):
    name: str
    uri: str = ""
    comment: str = ""


_SPDX = "https://spdx.org/licenses/"

gpl1 = License("GPL 1", "https://www.gnu.org/licenses/old-licenses/gpl-1.0.html")
gpl1_plus = License("GPL 1+", "https://www.gnu.org/licenses/old-licenses/gpl-1.0.html")
gpl2 = License("GPL 2", "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html")
gpl2_plus = License("GPL 2+", "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html")
gpl3 = License("GPL 3", "https://www.gnu.org/licenses/gpl.html")
gpl3_plus = License("GPL 3+", "https://www.gnu.org/licenses/gpl.html")
agpl3 = License("AGPL 3", "https://www.gnu.org/licenses/agpl.html")
agpl3_plus = License("AGPL 3+", "https://www.gnu.org/licenses/agpl.html")
lgpl2_0 = License("LGPL 2.0", "https://www.gnu.org/licenses/old-licenses/lgpl-2.0.html")
lgpl2_0_plus = License("LGPL 2.0+", "https://www.gnu.org/licenses/old-licenses/lgpl-2.0.html")
lgpl2_1 = License("LGPL 2.1", "https://www.gnu.org/licenses/old-licenses/lgpl-2.1.html")
lgpl2_1_plus = License("LGPL 2.1+", "https://www.gnu.org/licenses/old-licenses/lgpl-2.1.html")
lgpl3 = License("LGPL 3", "https://www.gnu.org/licenses/lgpl.html")
lgpl3_plus = License("LGPL 3+", "https://www.gnu.org/licenses/lgpl.html")
fdl1_1_plus = License("FDL 1.1+", "https://www.gnu.org/licenses/old-licenses/fdl-1.1.html")
fdl1_2_plus = License("FDL 1.2+", "https://www.gnu.org/licenses/old-licenses/fdl-1.2.html")
fdl1_3_plus = License("FDL 1.3+", "https://www.gnu.org/licenses/fdl.html")
apache2 = License("ASL 2.0", "https://www.apache.org/licenses/LICENSE-2.0")
artistic1 = License("Artistic License 1.0", f"{_SPDX}Artistic-1.0-Perl.html")
artistic2 = License("Artistic License 2.0", f"{_SPDX}Artistic-2.0.html")
boost1 = License("Boost 1.0", f"{_SPDX}BSL-1.0.html")
bsd_0 = License("Zero-Clause BSD", f"{_SPDX}0BSD.html")
bsd_2 = License("FreeBSD", f"{_SPDX}BSD-2-Clause.html")
bsd_3 = License("Modified BSD", f"{_SPDX}BSD-3-Clause.html")
bsd_4 = License("Original BSD", f"{_SPDX}BSD-4-Clause.html")
bzip2 = License("bzip2", f"{_SPDX}bzip2-1.0.6.html")
cc0 = License("CC0", f"{_SPDX}CC0-1.0.html")
expat = License("Expat", f"{_SPDX}MIT.html")
isc = License("ISC", f"{_SPDX}ISC.html")
mpl2_0 = License("MPL 2.0", "https://www.mozilla.org/MPL/2.0/")
openssl = License("OpenSSL", f"{_SPDX}OpenSSL.html")
psfl = License("Python Software Foundation License", f"{_SPDX}PSF-2.0.html")
public_domain = License("Public Domain")
unlicense = License("Unlicense", "https://unlicense.org/")
vim = License("Vim", f"{_SPDX}Vim.html")
x11 = License("X11", f"{_SPDX}X11.html")
zlib = License("Zlib", f"{_SPDX}Zlib.html")
non_copyleft = License("non-copyleft")
