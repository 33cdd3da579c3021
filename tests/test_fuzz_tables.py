"""Mutated tables are read or refused in a sentence: no other exception, no crash, nobody kept waiting."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from mutants import COUNT, SEED
from table_mutants import KINDS, SECONDS_EACH

HERE = Path(__file__).resolve().parent
FEW = 60
BATCH = 250


def outcomes(kind: str, first: int, count: int) -> tuple[Counter[str], list[str]]:
    """(how often what was said, faults) of the mutants of some seeds, read in processes that may crash."""
    said: Counter[str] = Counter()
    faults: list[str] = []
    last = first + count
    while first < last:
        until = min(first + BATCH, last)
        script = str(HERE / "table_mutants.py")
        done = subprocess.run(
            [sys.executable, script, kind, str(first), str(until)],
            capture_output=True,
            text=True,
            cwd=HERE.parent,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE.parent), str(HERE)))},
            timeout=SECONDS_EACH * BATCH,
            check=False,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        said.update(re.sub(r"\d+", "N", line["said"]) for line in lines if "said" in line)
        faults += [f"{kind} seed {line['seed']}: {line['fault']}" for line in lines if "fault" in line]
        if done.returncode == 0:
            first = until
            continue
        assert lines, done.stderr[-2000:]
        culprit = int(lines[-1]["seed"])
        faults.append(f"{kind} seed {culprit}: exit {done.returncode}, {done.stderr[-300:]}")
        first = culprit + 1
    return said, faults


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_mutants(kind):
    few = FEW if kind != "arrow" else FEW // 5
    said, faults = outcomes(kind, SEED, few)
    assert not faults
    assert said.total() == few
    assert said["read"] and len(said) > 1  # neither everything nor nothing is refused


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", KINDS)
def test_mutants_by_the_thousand(kind):
    count = COUNT if kind != "arrow" else COUNT // 10  # each Arrow file starts a process of its own
    said, faults = outcomes(kind, SEED, max(count, FEW))
    print(kind, dict(said.most_common()))
    assert not faults, "\n".join(faults)
