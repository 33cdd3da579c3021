"""Where the random numbers of a simulated figure begin."""

from __future__ import annotations

import hashlib


def seed_of(fingerprint: str, metric: str = "ece_null95") -> int:
    """Return the recorded seed of a simulated figure: first 8 bytes of SHA-256 of cube hash + metric id."""
    return int.from_bytes(hashlib.sha256((fingerprint + metric).encode()).digest()[:8], "big")
