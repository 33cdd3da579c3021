"""The style sheet. Streamlit sets `color-scheme`, so colours follow the theme menu without a rerun.

It holds no data, and hooks on test ids and `st-key-…` classes only.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_SHEET = Path(__file__).with_name("theme.css")


def apply() -> None:
    """Put the style sheet into the page."""
    st.html(_SHEET)
