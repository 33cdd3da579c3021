"""The verdict's banner and the cards under it."""

from __future__ import annotations

import streamlit as st

from audit_core.report.escape import for_markdown
from audit_core.report.headline import Headline
from audit_core.report.summary import Card
from pages.ui.verdict import BANNER_KEYS, icon


def show_banner(head: Headline) -> None:
    """Draw the verdict in words, its sentence, and the check behind it."""
    with st.container(key=BANNER_KEYS.get(head.mark, "banner_open")):
        st.header(f"{icon(head.mark)} {head.word}", anchor=False)
        st.markdown(f"**{for_markdown(head.sentence)}**")
        more = f" {head.more} more reasons stand under Release decision." if head.more > 1 else ""
        st.caption(for_markdown(head.check + more))


def show_card(card: Card) -> None:
    """Draw one number with what qualifies it."""
    with st.container(border=True, height="stretch"):
        st.metric(for_markdown(card.label), card.number)
        st.caption(for_markdown(card.qualifier))
