"""Incidents of a followed release: what is open and whose it is, what is closed, and the records."""

from __future__ import annotations

import json

import streamlit as st

from audit_core.decision.followed import Followed, Incident
from audit_core.decision.record import Audit
from audit_core.report.escape import for_markdown
from audit_core.report.headline import people_sentence
from audit_core.report.incident_words import told_sentence
from audit_core.report.incidents import LEVEL_WORDS, in_order, incident_json, kind_word, leading, time_words
from audit_core.report.table_rows import RESULT
from audit_core.report.window_tables import incident_rows
from pages.ui.controls import csv_button, download, show_table
from pages.ui.verdict import badge

SHOWN = (RESULT, "Found", "Owner", "Acknowledge by")
"""What a screen shows of an incident; its files hold the rest."""

TOLD = (
    "A page goes to its owner at once, at any hour; a ticket waits for the owner’s working day. PSI, of "
    "drift, says how far an input’s values have moved away from the training sample: 0 is not at all."
)


def show_incidents(followed: Followed, audit: Audit) -> None:
    """Open incidents, the most urgent first: what, whose, by when, and what the contract says happens."""
    st.header("Open incidents", anchor=False)
    shown = leading(followed.incidents)
    st.caption(TOLD if shown else "None. Nothing that was judged asks for anybody to act.")
    for one in shown:
        if one.level == "page":
            _show_page(one, followed, audit)
    tickets = {one.id for one in shown if one.level != "page"}
    if tickets:
        _show_rows(followed, tickets, "Open tickets: since when, what was found, whose, and by when")
    rest = [one for one in followed.incidents if one not in shown]
    if rest:
        with st.expander(f"Earlier and closed incidents ({len(rest)})"):
            kept = {one.id for one in rest}
            _show_rows(followed, kept, "Incidents that are closed, and tickets that became a worse alert")


def _show_rows(followed: Followed, kept: set[str], alt: str) -> None:
    rows = [row for row in incident_rows(followed) if row["Incident"] in kept]
    show_table([{head: row[head] for head in SHOWN} for row in rows], alt)


def _show_page(one: Incident, followed: Followed, audit: Audit) -> None:
    with st.container(border=True):
        said = for_markdown(told_sentence(one, followed.plan, trends=followed.trends))
        st.markdown(f"{badge(LEVEL_WORDS[one.level])} {badge(kind_word(one))}  \n{said}")
        found = one.finding
        people = people_sentence(found, audit) if found is not None and found.change is None else ""
        if people:
            st.markdown(f"**{for_markdown(people)}**")
        parts = [
            f"Owner: {one.owner or 'nobody named'}",
            f"acknowledge by {time_words(one.due)}",
            f"held in {', '.join(one.windows)}",
            f"the contract’s action: {one.action}" if one.action else "",
            f"incident {one.id}",
        ]
        st.caption(for_markdown(" · ".join(part for part in parts if part)))


def show_records(followed: Followed, audit: Audit) -> None:
    """Offer the incidents as records and as a table."""
    if not followed.incidents:
        return
    st.header("Records", anchor=False)
    floor = audit.contract.support.privacy_floor
    st.caption(
        f"A record is for a ticket system. It holds no number that stands on a count under {floor} people."
    )
    with st.container(horizontal=True):
        download(
            "Download the incident records (JSON)",
            lambda: _records(followed, floor),
            f"{audit.id}-incidents.json",
            "application/json",
        )
        csv_button(incident_rows(followed), f"{audit.id}-incidents.csv", "Download the incidents (CSV)")


def _records(followed: Followed, floor: int) -> bytes:
    plan, found = followed.plan, in_order(followed.incidents)
    records = [incident_json(one, plan, privacy_floor=floor, followed=followed) for one in found]
    return (json.dumps(records, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()
