"""A small followed release: a contract, its audit, and files of live rows, all made in about a second."""

from __future__ import annotations

import atexit
import tempfile
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import permutations
from pathlib import Path

import numpy as np

from audit_core.audit import AuditRequest, run_audit
from audit_core.contract.periods import period as days_of
from audit_core.cube.axes import NEITHER, NO, YES, Axis
from audit_core.cube.bands import score_bands
from audit_core.cube.calendar import period_name
from audit_core.cube.count_cube import build_cube
from audit_core.cube.windows import WindowCounts
from audit_core.decision.plan import TrendChart
from audit_core.decision.planning import plan_for
from audit_core.evidence.workspace import Workspace

CONTRACT = """\
schema: evenhand/contract/v1
id: small
version: 1
status: approved
domain: other
decision: {question: Advance?, population: Invented, favourable: 1, harm: None., harmed_by: wrong_no}
data:
  label: {column: outcome, positive: 1}
  score: {column: score, threshold: 0.5}
  window: month
  attributes:
    - {name: gender, reference: man, required: [man, woman]}
support: {positives: 30, negatives: 30, rows: 60, band: 20, privacy_floor: 5}
checks:
  - {id: tpr_gap, stage: training, metric: tpr, compare: difference, of: [gender], limit: {max: 0.10},
     severity: critical, primary: true, owner: ml, why: The harm.}
  - {id: live_gap, stage: monitor, metric: tpr, compare: difference, of: [gender],
     limit: {warn: 0.08, max: 0.10}, severity: critical, owner: ml,
     on_fail: {action: rollback, notify: ml}, why: It can decay.}
roles:
  ml: {name: Owner, contact: ml@example.com}
author: ml
"""
MADE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
MONTHS = ("2026-11", "2026-12", "2027-01", "2027-02")
COLUMNS = ("month", "gender", "score", "outcome", "age")
_FOLDER = tempfile.TemporaryDirectory(prefix="evenhand-monitor-")
atexit.register(_FOLDER.cleanup)
LIVE = "live_gap.gender"


def rows_of(periods, *, seed=1, rows=400, harm=0.0, labelled=1.0, older=0.0):
    """Rows of these periods, as texts by column; `harm` is what a qualified woman's score loses."""
    draw = np.random.default_rng(seed)
    for period in periods:
        woman, outcome = draw.random(rows) < 0.5, draw.random(rows) < 0.5
        score = np.clip(draw.normal(0.55 * outcome + 0.25, 0.15) - harm * (woman & outcome), 0, 1)
        back, age = draw.random(rows) < labelled, draw.normal(40 + older, 9, rows)
        for w, s, o, b, a in zip(woman, score, outcome, back, age, strict=True):
            yield {"month": period, "gender": "woman" if w else "man", "score": f"{s:.4f}",
                   "outcome": str(int(o)) if b else "", "age": f"{a:.0f}"}  # fmt: skip


def write_window(folder: Path, name: str, periods, *, columns=COLUMNS, **how) -> Path:
    """A file of live rows."""
    return write_cells(folder / name, rows_of(periods, **how), columns)


def write_cells(path: Path, rows, columns=COLUMNS) -> Path:
    """Rows of texts as CSV."""
    lines = [",".join(columns), *(",".join(row[name] for name in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@cache
def small_release(*, drift=False):
    """(workspace, audit, plan) of a release whose groups do not differ, made once for all tests.

    With `drift` it has a training sample to compare windows with. The plan's charts are written by hand: its
    simulation is tested where it is made.
    """
    folder = Path(_FOLDER.name)
    workspace = Workspace(folder / "workspace")
    train = write_window(folder, "train.csv", ("2026-08",), rows=1000, seed=6) if drift else None
    evaluation = write_window(folder, "evaluation.csv", ("2026-10",), rows=2000, seed=7)
    request = AuditRequest(
        contract=CONTRACT.encode(), contract_name="contract.yaml", evaluation=evaluation, train=train,
        as_of=MADE,
    )  # fmt: skip
    audit = run_audit(request, workspace)
    plan = plan_for(audit, date(2026, 11, 2), detect=False)
    counts = {("man",): (480, 487), ("woman",): (500, 513)}
    charts = tuple(
        TrendChart(watch=LIVE, metric="tpr", subject=("gender",), high=high, low=low,
                   baseline=(counts[high], counts[low]), people=(480, 510), h=10.0)
        for high, low in permutations(counts)
    )  # fmt: skip
    return workspace, audit, replace(plan, trend=replace(plan.trend, charts=charts))


def window_of(period: str, release, *, men=(90, 100), women=(90, 100), others=200, waiting=0) -> WindowCounts:
    """A period by its counts: (selected, qualified) men and women, `others` unqualified, half of each group.

    `waiting` rows have no outcome yet.
    """
    cells = []
    for group, (selected, qualified) in enumerate((men, women)):
        cells += [(group, YES, YES, 80, selected), (group, YES, NO, 20, qualified - selected)]
        cells += [(group, NO, NO, 20, others // 2), (group, NEITHER, NO, 20, waiting // 2)]
    kept = np.array([cell for cell in cells if cell[-1]], dtype=np.int64)
    measures = np.zeros((len(kept), 4), dtype=np.int64)
    measures[:, 0] = kept[:, -1]
    axes = (Axis(name="gender", kind="attribute", levels=("man", "woman")),)
    bands = release.counted.cube.bands
    assert bands == score_bands(bands.low, bands.high, bands.threshold, ())
    cube = build_cube(axes, bands, kept[:, :-1], measures)
    first, last = days_of(period)
    return WindowCounts(
        period=period_name(first, last), first=first, last=last, cube=cube, drift=(), rows=cube.rows,
        unlabelled=2 * (waiting // 2), source=f"{period}.csv", sha256=period.encode().hex().zfill(64),
    )  # fmt: skip


def without_drift(plan):
    """The plan with the watches of rates alone."""
    return replace(plan, watches=tuple(w for w in plan.watches if w.check.metric != "psi"))
