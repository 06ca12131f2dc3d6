"""Suites and fakes for tests, larix's own and others': what every implementation of an interface must pass.

Layer: above everything, imported by tests alone.
"""

from __future__ import annotations
