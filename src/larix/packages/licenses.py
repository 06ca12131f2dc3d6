"""The licences that packages name. `name` is how listings show one.

They are values: `license=licenses.gpl3_plus`, or a list of them. `_plus` means "or any later version".
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["License", "bsd_style", "fsf_free", "x11_style"]


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
afl2_1 = License("AFL 2.1", f"{_SPDX}AFL-2.1.html")
afl3_0 = License("AFL 3.0", f"{_SPDX}AFL-3.0.html")
apache1_1 = License("ASL 1.1", f"{_SPDX}Apache-1.1.html")
artistic1 = License("Artistic License 1.0", f"{_SPDX}Artistic-1.0-Perl.html")
artistic2 = License("Artistic License 2.0", f"{_SPDX}Artistic-2.0.html")
boost1 = License("Boost 1.0", f"{_SPDX}BSL-1.0.html")
blue_oak1 = License("Blue Oak 1.0.0", "https://blueoakcouncil.org/license/1.0.0")
bsd_0 = License("Zero-Clause BSD", f"{_SPDX}0BSD.html")
bsd_2 = License("FreeBSD", f"{_SPDX}BSD-2-Clause.html")
bsd_3 = License("Modified BSD", f"{_SPDX}BSD-3-Clause.html")
bsd_4 = License("Original BSD", f"{_SPDX}BSD-4-Clause.html")
bzip2 = License("bzip2", f"{_SPDX}bzip2-1.0.6.html")
cc_by3_0 = License("CC-BY 3.0", "https://creativecommons.org/licenses/by/3.0/")
cc_by4_0 = License("CC-BY 4.0", "https://creativecommons.org/licenses/by/4.0/")
cc_by_sa3_0 = License("CC-BY-SA 3.0", "https://creativecommons.org/licenses/by-sa/3.0/")
cc_by_sa4_0 = License("CC-BY-SA 4.0", "https://creativecommons.org/licenses/by-sa/4.0/")
cc0 = License("CC0", f"{_SPDX}CC0-1.0.html")
cddl1_0 = License("CDDL 1.0", f"{_SPDX}CDDL-1.0.html")
cecill2_1 = License("CeCILL 2.1", f"{_SPDX}CECILL-2.1.html")
cecill_b = License("CeCILL-B", f"{_SPDX}CECILL-B.html")
cpl1_0 = License("CPL 1.0", f"{_SPDX}CPL-1.0.html")
curl = License("curl", f"{_SPDX}curl.html")
edl1_0 = License("EDL 1.0", "https://www.eclipse.org/org/documents/edl-v10.php")
epl1_0 = License("EPL 1.0", "https://www.eclipse.org/legal/epl-v10.html")
epl2_0 = License("EPL 2.0", "https://www.eclipse.org/legal/epl-2.0/")
eupl1_2 = License("EUPL 1.2", f"{_SPDX}EUPL-1.2.html")
expat = License("Expat", f"{_SPDX}MIT.html")
expat_0 = License("MIT No Attribution", f"{_SPDX}MIT-0.html")
freetype = License("Freetype", f"{_SPDX}FTL.html")
hpnd = License("HPND", f"{_SPDX}HPND.html")
ibm_public1 = License("IBM Public License 1.0", f"{_SPDX}IPL-1.0.html")
ijg = License("IJG", f"{_SPDX}IJG.html")
imlib2 = License("Imlib2", f"{_SPDX}Imlib2.html")
info_zip = License("Info-ZIP", f"{_SPDX}Info-ZIP.html")
isc = License("ISC", f"{_SPDX}ISC.html")
knuth = License("Knuth", f"{_SPDX}Knuth-CTAN.html")
libpng = License("Libpng", f"{_SPDX}libpng-2.0.html")
libtiff = License("libtiff", f"{_SPDX}libtiff.html")
lppl1_3c = License("LPPL 1.3c", "https://www.latex-project.org/lppl/lppl-1-3c/")
mpl1_1 = License("MPL 1.1", "https://www.mozilla.org/MPL/1.1/")
mpl2_0 = License("MPL 2.0", "https://www.mozilla.org/MPL/2.0/")
ncsa = License("NCSA", f"{_SPDX}NCSA.html")
ofl1_1 = License("OFL 1.1", "https://openfontlicense.org/")
openldap2_8 = License("OpenLDAP 2.8", f"{_SPDX}OLDAP-2.8.html")
openssl = License("OpenSSL", f"{_SPDX}OpenSSL.html")
postgresql = License("PostgreSQL", f"{_SPDX}PostgreSQL.html")
psfl = License("Python Software Foundation License", f"{_SPDX}PSF-2.0.html")
public_domain = License("Public Domain")
ruby = License("Ruby", f"{_SPDX}Ruby.html")
sendmail = License("Sendmail", f"{_SPDX}Sendmail.html")
sgi_free_b2_0 = License("SGI Free Software B 2.0", f"{_SPDX}SGI-B-2.0.html")
tcltk = License("Tcl/Tk", f"{_SPDX}TCL.html")
unicode = License("Unicode", "https://www.unicode.org/license.txt")
unlicense = License("Unlicense", "https://unlicense.org/")
vim = License("Vim", f"{_SPDX}Vim.html")
w3c = License("W3C", f"{_SPDX}W3C.html")
wtfpl2 = License("WTFPL 2", f"{_SPDX}WTFPL.html")
wxwindows3_1_plus = License("wxWindows 3.1+", f"{_SPDX}wxWindows.html")
x11 = License("X11", f"{_SPDX}X11.html")
zlib = License("Zlib", f"{_SPDX}Zlib.html")
zpl2_1 = License("Zope Public License 2.1", f"{_SPDX}ZPL-2.1.html")
non_copyleft = License("non-copyleft")


def bsd_style(uri: str, comment: str = "") -> License:
    """A licence of a project's own, as free and as short as the BSD's."""
    return License("non-copyleft", uri, comment or "a licence in the manner of the BSD's")


def x11_style(uri: str, comment: str = "") -> License:
    """A licence of a project's own that allows what X11's does."""
    return License("X11-style", uri, comment or "a licence in the manner of X11's")


def fsf_free(uri: str, comment: str = "") -> License:
    """Another licence that the Free Software Foundation holds to be free."""
    return License("FSF-free", uri, comment or "free software by the definition of the FSF")
