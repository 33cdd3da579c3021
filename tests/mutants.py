"""Valid files changed a little: every mutant is made from a seed, so that a failure can be made again."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

SEED = int(os.environ.get("EVENHAND_SEED", "0"))
COUNT = int(os.environ.get("EVENHAND_FUZZ", "2000"))


def mutated(raw: bytes, seed: int) -> bytes:
    """One mutant: bits flipped, bytes set, cut, doubled, moved, or joined with another place."""
    rng = random.Random(seed)
    data = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if not data:
            break
        at = rng.randrange(len(data))
        length = min(rng.choice((1, 2, 4, 8, 64, 512)), len(data) - at)
        kind = rng.randrange(7)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice((0, 1, 0x2E, 0x52, 0x62, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            del data[at : at + length]
        elif kind == 3:
            data[at:at] = data[at : at + length]
        elif kind == 4:
            data[at : at + length] = rng.randbytes(length)
        elif kind == 5:
            other = rng.randrange(len(data))
            data[at : at + length] = data[other : other + length]
        else:
            del data[at:]
    return bytes(data)


def mutants(raw: bytes, count: int, start: int = SEED) -> Iterator[tuple[int, bytes]]:
    """So many mutants, each with the seed that makes it again."""
    for seed in range(start, start + count):
        yield seed, mutated(raw, seed)
