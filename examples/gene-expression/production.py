"""The profile that runs the service: `larix package -p PROFILE -L catalogue -m production.py`."""

from larix.profiles.manifest import packages  # noqa: F401
