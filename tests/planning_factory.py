"""Audits of counts written by hand, with periods: what a plan is made of, and no row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import numpy as np
from report_factory import CONTRACT, MODEL, counted, drift_table

from audit_core.contract.yaml import parse_contract
from audit_core.cube.axes import NO_BAND, Axis
from audit_core.cube.bands import score_bands
from audit_core.cube.count_cube import CountCube, build_cube
from audit_core.decision.record import Audit
from audit_core.decision.verdict import Decision
from audit_core.metrics.measurements import Measurements

TEXT = CONTRACT.replace("id: applicant_id", "id: applicant_id\n  window: applied")
NO_MONITOR = "\n".join(line for line in TEXT.splitlines() if "stage: monitor" not in line) + "\n"
DRIFT = (
    drift_table("job_family", (80, 120), (40, 60)),
    drift_table("score", (100, 100), (50, 50), kind="score"),
    drift_table("decision", (100, 100), (50, 50), kind="decision"),
    drift_table("qualified", (100, 100), (50, 50), kind="label"),
    drift_table("gender", (100, 100), (50, 50), kind="group"),
)
COUNTS = {"man": (800, 1000, 200, 800), "woman": (640, 800, 150, 600), "nonbinary": (6, 9, 1, 7)}
"""Group → selected positives, positives, selected negatives, negatives."""
WEEKS = ("2026-W40", "2026-W41", "2026-W42", "2026-W43")
DAYS = tuple(f"2026-10-{day:02d}" for day in range(1, 29))
MONTH = ("2026-10",)


def cube_with(
    counts: Mapping[str, tuple[int, int, int, int]] = COUNTS, periods: tuple[str, ...] = MONTH, times: int = 1
) -> CountCube:
    """A cube of genders by period; the last period has what does not divide evenly."""
    codes, rows = [], []
    names = tuple(sorted(counts))
    for place, name in enumerate(names):
        tp, p, fp, n = counts[name]
        for label, decision, whole in ((1, 1, tp), (1, 0, p - tp), (0, 1, fp), (0, 0, n - fp)):
            each, rest = divmod(whole * times, len(periods))
            for t in range(len(periods)):
                codes.append((place, 0, t, label, decision, NO_BAND))
                rows.append((each + (rest if t == len(periods) - 1 else 0), 0, 0, 0))
    axes = (
        Axis(name="gender", kind="attribute", levels=names),
        Axis(name="ethnicity", kind="attribute", levels=("Asian",)),
        Axis(name="applied", kind="window", levels=periods),
    )
    kept = [place for place, row in enumerate(rows) if row[0]]
    bands = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ())
    return build_cube(axes, bands, np.array(codes)[kept], np.array(rows)[kept])


def planned(text: str = TEXT, **made) -> Audit:
    """An audit that a plan can be made of; nothing of it was judged."""
    cube = cube_with(**made)
    counts = counted(rows=50, drift=DRIFT)
    intake = replace(counts.intake, rows=cube.rows, counted=cube.rows, missing_label=0)
    return Audit(
        id="A-20261116-0117abcd", created_at="2026-11-16T09:00:00+00:00", tool_version="0.1.0",
        contract=parse_contract(text.encode(), "contract.yaml"), stages=("data", "training", "predeploy"),
        sources=(), model=MODEL, counted=replace(counts, cube=cube, ranks=(), intake=intake),
        measurements=Measurements(subjects=(), groups=(), rates=(), gaps=(), calibration=(), drift=()),
        findings=(), requirements=(), decision=Decision(verdict="INCONCLUSIVE", exit_code=2, reasons=()),
    )  # fmt: skip
