"""How Sphinx builds the manual; `tools/manual.py` calls it."""

project = "larix"
author = "the larix developers"
extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
html_theme = "alabaster"
html_theme_options = {"description": "packages by pure functions, in Python", "fixed_sidebar": True}
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
exclude_patterns: list[str] = []
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]
smartquotes = False  # it would make dashes of the hyphens that options begin with
