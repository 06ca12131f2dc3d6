"""Checks of package definitions: `checkers/` holds one module for each, found by listing the folder."""
