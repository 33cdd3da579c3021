"""Monitoring plan: what is watched after the release, by whom, and what the plan can and cannot see."""

from __future__ import annotations

from functools import partial

import streamlit as st

from audit_core.decision.plan import Plan
from audit_core.report.charts.plan import detection_alt, detection_figure
from audit_core.report.escape import for_markdown
from audit_core.report.plan import (
    LEVELS,
    alert_rows,
    escalation_rows,
    label_sentence,
    plan_headline,
    review_sentence,
    silence_sentence,
    trend_sentence,
    watch_rows,
    window_sentence,
)
from audit_core.report.plan_detection import (
    CHART_MARKS,
    READ_DETECTION,
    cannot_see,
    detection_rows,
    detection_sentence,
    precision_sentence,
)
from audit_core.report.plan_release import release_sentences
from audit_core.report.table_rows import Rows
from audit_core.report.words import NOT_DISCRIMINATION, NOT_SIGNED, VERDICT_WORDS
from pages.ui import cached
from pages.ui.controls import csv_button, download, opened, show_chart, show_table
from pages.ui.plan_files import PlanFile, plan_file

DOWNLOADS: tuple[tuple[str, PlanFile, str, str], ...] = (
    ("The plan (YAML, for evenhand monitor)", "yaml", "plan.yaml", "application/yaml"),
    ("The plan in words (text)", "text", "plan.txt", "text/plain"),
    ("Prometheus rules", "rules", "rules.yml", "application/yaml"),
    ("Crontab", "crontab", "crontab.txt", "text/plain"),
)
MOST_CARDS = 4
UNRELEASED = ("BLOCKED", "INCONCLUSIVE")
ONLY_IF = "The plan is for the day this release is approved; nothing is watched before."


def show_watches(plan: Plan) -> None:
    """Every line of the plan, and what its alerts do."""
    st.header("What is watched", anchor=False)
    for said in release_sentences(plan):
        st.markdown(for_markdown(said))
    rows = watch_rows(plan)
    show_table(rows, "Every watch with its limit, state at release, cadence, alerts, owner and hours")
    csv_button(rows, f"{plan.id}-watches.csv")
    st.header("What an alert does", anchor=False)
    st.markdown(LEVELS)
    show_table(alert_rows(plan), "Each kind of alert, what it means and what it does")
    show_escalation(escalation_rows(plan))


def show_escalation(steps: Rows) -> None:
    """Where a page goes while nobody acknowledges it: a few steps side by side, many as a table."""
    said = "Where a page goes while nobody acknowledges it."
    if not 0 < len(steps) <= MOST_CARDS:
        show_table(steps, said)
        return
    for column, step in zip(st.columns(len(steps)), steps, strict=True):
        when, who = step.values()
        with column.container(border=True):
            st.caption(for_markdown(when))
            st.markdown(f"**{for_markdown(who)}**")
    st.caption(said)


def show_time(plan: Plan) -> None:
    """Outcomes that are late, silence, reviews, slow changes."""
    st.header("Late outcomes, silence and reviews", anchor=False)
    for said in (label_sentence(plan), silence_sentence(plan), review_sentence(plan)):
        st.markdown(for_markdown(said))
    if trend := trend_sentence(plan):
        st.header("Slow changes", anchor=False)
        st.markdown(for_markdown(trend))


def show_sight(plan: Plan) -> None:
    """What the plan can see, by simulation, and what it can't."""
    st.header("What this plan can see", anchor=False)
    st.markdown(f"**{for_markdown(detection_sentence(plan))}**")
    if plan.detection:
        with st.container(border=True):
            show_chart(detection_figure(plan), detection_alt(plan), "detection_chart")
        with st.expander("How to read this"):
            st.markdown(f"{READ_DETECTION} {CHART_MARKS} {for_markdown(precision_sentence(plan))}")
        rows = detection_rows(plan)
        show_table(rows, detection_alt(plan))
        csv_button(rows, f"{plan.id}-detection.csv")
    st.header("What this plan cannot see", anchor=False)
    st.markdown("\n".join(f"- {for_markdown(said)}" for said in cannot_see(plan)))


audit = opened()
st.title("Monitoring plan", anchor=False)
plan = cached.plan_of(audit, cached.key_of(audit))
if not plan.watches:
    st.info("Nothing of this release can be watched: no check of the contract compares rates of its rows.")
    st.stop()
st.markdown(f"**{for_markdown(plan_headline(plan))}** :gray-badge[{NOT_SIGNED}]")
st.markdown(for_markdown(window_sentence(plan)))
if audit.decision.verdict in UNRELEASED:
    st.info(f"The verdict is “{VERDICT_WORDS[audit.decision.verdict]}”. {ONLY_IF}")
with st.container(horizontal=True, key="plan_downloads"):
    for words, kind, name, mime in DOWNLOADS:
        download(words, partial(plan_file, plan, kind), f"{plan.id}-{name}", mime)
show_watches(plan)
show_time(plan)
show_sight(plan)
st.caption(NOT_DISCRIMINATION)
