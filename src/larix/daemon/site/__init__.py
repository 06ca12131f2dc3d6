"""What a machine needs so that one daemon keeps its store for all users: made, told, and taken away again.

`plan` makes what is missing, step by step; `record` remembers what was really made, so that nothing else is
ever taken away.
"""

from __future__ import annotations

from larix.daemon.site.places import Site, SiteError
from larix.daemon.site.plan import Report, install, uninstall
from larix.daemon.site.programs import require_roots_own

__all__ = ["Report", "Site", "SiteError", "install", "require_roots_own", "uninstall"]
