"""Score meaning: does the same score mean the same thing in every group?"""

from __future__ import annotations

import streamlit as st

from audit_core.contract.schema import Subject
from audit_core.decision.record import Audit
from audit_core.metrics.calibration import GroupCalibration
from audit_core.metrics.measurements import CalibrationRow
from audit_core.report.charts.calibration import calibration_alt, calibration_figure
from audit_core.report.escape import for_markdown
from audit_core.report.people import group_words
from audit_core.report.tables import calibration_rows, same_score_rows
from audit_core.report.wording import sentence, status_word
from pages.ui.controls import csv_button, opened, show_chart, show_table, subject_choice
from pages.ui.score_meaning import show_between, show_exposure, show_fit
from pages.ui.verdict import badge

SCORE_CHECKS = ("calibration_in_the_large", "auc", "brier", "exposure")
READ = """
Each panel is one group. A point is a band of scores: how high the scores were on average (to the right)
and how often the outcome came true (upwards), with its interval. On the dashed line a score means what
it says; **above it the group does better than its scores say**.

- ● the score is within the interval of what happened; ◆ it is outside; ○ (hollow, not connected) too
  few people.
- The grey bars count the people in each band.
- **ECE** is the average distance from the dashed line. Even a score without any fault has some, by
  chance alone: read it beside “ECE by chance up to”. No check is decided on ECE; the contract judges
  the difference between groups of *outcomes above scores*.
"""


def show_findings(audit: Audit, subject: Subject) -> None:
    """What the contract's checks of scores found for this attribute."""
    found = [f for f in audit.findings if f.metric in SCORE_CHECKS and f.subject == subject]
    if not any(finding.metric == "calibration_in_the_large" for finding in found):
        st.markdown(
            f"{badge('No limit set')} No check of the contract limits calibration for this attribute."
        )
    for finding in found:
        st.markdown(f"{badge(status_word(finding))} {for_markdown(sentence(finding, audit))}")


def show_same_score(audit: Audit, rows: list[CalibrationRow]) -> None:
    """Two groups, band by band."""
    st.header("Same score, different meaning", anchor=False)
    st.caption("In each band of scores: how often the outcome came true in one group and in the other.")
    ordered = sorted(rows, key=lambda row: -people_of(row))
    names = {row.group: group_words(row.group) for row in ordered}
    by_group = {row.group: row for row in rows}
    with st.container(horizontal=True):
        first = st.selectbox("Group", list(names), format_func=names.__getitem__, key="same_first", width=280)
        others = [group for group in names if group != first]
        second = st.selectbox(
            "Against", others, format_func=names.__getitem__, key=f"same_second_{first}", width=280,
        )  # fmt: skip
    table = same_score_rows(audit, by_group[first], by_group[second])
    show_table(table, f"Observed rate in each score band, {names[first]} against {names[second]}")
    csv_button(table, f"{audit.id}-same-score.csv")


def people_of(row: CalibrationRow) -> int:
    """How many people a group's calibration stands on; the two largest groups are compared first."""
    return row.calibration.n if isinstance(row.calibration, GroupCalibration) else 0


audit = opened()
st.title("Score meaning", anchor=False)
st.caption("Does the same score mean the same thing in every group?")
scored = [row for row in audit.measurements.calibration if isinstance(row.calibration, GroupCalibration)]
subjects = list(dict.fromkeys(row.subject for row in scored if len(row.subject) == 1))
if not subjects:
    st.info(
        "There are no scores with outcomes in the file, so there is no score whose meaning could be read."
    )
    st.stop()
subject = subject_choice("Compare by", subjects, "calibration_subject")
rows = [row for row in scored if row.subject == subject]
if not all(row.probability for row in rows):
    st.info("The score’s scale is not 0 to 1, so a score is no probability here; the panels show rank only.")
show_findings(audit, subject)
with st.container(border=True):
    show_chart(calibration_figure(rows), calibration_alt(rows), "calibration_chart")
with st.expander("How to read this"):
    st.markdown(READ)
st.header("Every group", anchor=False)
table = calibration_rows(rows)
show_table(table, calibration_alt(rows))
csv_button(table, f"{audit.id}-calibration.csv")
show_fit(audit, rows)
show_between(audit, subject)
show_exposure(audit, subject)
if len(rows) > 1:
    show_same_score(audit, rows)
