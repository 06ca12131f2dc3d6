"""The programs that the service starts. A package puts their file names here, so that no PATH decides."""

from __future__ import annotations

__all__ = ["GEMMA", "REDIS_SERVER"]

GEMMA = "gemma"
REDIS_SERVER = "redis-server"
