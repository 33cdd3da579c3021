"""Summary: the verdict, what was found, what follows, what is not known, and the page to sign."""

from __future__ import annotations

import streamlit as st

from audit_core.report.escape import for_markdown
from audit_core.report.summary import Summary
from audit_core.report.tables import RESULT
from pages.ui import cached
from pages.ui.banner import show_banner, show_card
from pages.ui.controls import link, opened, show_table
from pages.ui.documents import show_downloads
from pages.ui.verdict import badge

FIRST = 6


def show_found(page: Summary) -> None:
    """Every gap with its interval, limit and status."""
    st.header("What we found", anchor=False)
    rows = [
        {
            "Finding": f"{row.title}, {row.subject}" if row.subject else row.title,
            "In words": row.people or "–",
            "Measured": row.value or "–",
            "Range": row.interval or row.bounds or "–",
            "Counts": row.counts or "–",
            "Contract": row.limit,
            RESULT: row.status,
        }
        for row in page.found
    ]
    show_table(rows, "What was measured for each group, with its interval, limit and result")


def show_notes(page: Summary) -> None:
    """What follows, beside what is not known."""
    left, right = st.columns(2, gap="large")
    with left:
        st.header("What we recommend", anchor=False)
        items = [
            f"{i}. {for_markdown(line.text)}" + (f" *({for_markdown(line.owner)})*" if line.owner else "")
            for i, line in enumerate(page.recommend, 1)
        ]
        st.markdown("\n".join(items[:FIRST]))
        if items[FIRST:]:
            with st.expander(f"{len(items) - FIRST} more"):
                st.markdown("\n".join(items[FIRST:]))
    with right:
        st.header("What we cannot say", anchor=False)
        st.markdown("\n".join(f"- {for_markdown(text)}" for text in page.not_known))


def show_sign_off(page: Summary) -> None:
    """Requirements and signatures; nothing is signed on this screen."""
    left, right = st.columns(2, gap="large")
    with left:
        st.header("Requirements", anchor=False)
        rows = [
            {
                "Requirement": line.name,
                "Stated": "met"
                if line.met
                else "not met, blocks the release"
                if line.blocking
                else "not met",
                "By": line.by or "–",
                "Evidence": line.evidence or "–",
            }
            for line in page.requirements
        ]
        if rows:
            show_table(rows, "Requirements of the contract and who stated them")
        else:
            st.caption("The contract states no requirements.")
    with right:
        st.header("Sign-off", anchor=False)
        signs = [
            {"Role": line.role, "Name": line.name or "(fill in)", RESULT: line.state}
            for line in page.sign_off
        ]
        st.markdown(badge(page.signed) + " Nobody has signed this decision.")
        if signs:
            show_table(signs, "Signatures the contract requires")
        else:
            st.caption("The contract asks for no signature.")


audit = opened()
page = cached.summary_of(audit, cached.key_of(audit))
st.title("Summary for sign-off", anchor=False)
st.caption(
    for_markdown(f"{page.identity.question} · {page.identity.population} · prepared {page.identity.date}")
)
show_banner(page.headline)
with st.container(key="cards"), st.grid(4, min_column_width=220):
    for card in page.cards:
        show_card(card)
show_found(page)
show_notes(page)
with st.container(key="no_print", horizontal=True):
    show_downloads(audit)
    link("pages/decision.py", "Release decision, line by line", ":material/gavel:")
show_sign_off(page)
st.header("What was audited", anchor=False)
show_table(
    [
        {"Item": a.item, "Name": a.name, "Rows": a.rows or "–", "SHA-256": a.sha256[:16] + "…"}
        for a in page.audited
    ],
    "Files, contract and counts with their hashes",
)
st.caption(for_markdown(page.footnote))
