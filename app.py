"""Evenhand's dashboard: the menu and the audit strip; every screen is a file in pages/."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.ui import fresh, strip, theme
from pages.ui.controls import guarded

HERE = Path(__file__).parent
ICON = HERE / "static" / "icon.svg"

st.set_page_config(page_title="Evenhand", page_icon=str(ICON), layout="wide")
theme.apply()
st.logo(str(ICON), size="large")

knows_menu = fresh.knows_menu()
SET_UP = [
    st.Page(
        "pages/data.py", title="Data and model", icon=":material/upload_file:", url_path="data-and-model"
    ),
    st.Page(
        "pages/contract.py", title="Release contract", icon=":material/contract:", url_path="release-contract"
    ),
]
EVIDENCE = [
    st.Page(
        "pages/gaps.py", title="Group differences", icon=":material/balance:", url_path="group-differences"
    ),
    st.Page("pages/grid.py", title="Combined groups", icon=":material/grid_on:", url_path="combined-groups"),
    st.Page("pages/calibration.py", title="Score meaning", icon=":material/speed:", url_path="score-meaning"),
    st.Page("pages/drift.py", title="Input drift", icon=":material/waves:", url_path="input-drift"),
]
page = st.navigation(
    {
        "": [st.Page("pages/summary.py", title="Summary", icon=":material/summarize:", default=True)],
        "Evidence": EVIDENCE,
        "Decide": [
            st.Page(
                "pages/decision.py",
                title="Release decision",
                icon=":material/gavel:",
                url_path="release-decision",
            )
        ],
        "Set up": SET_UP,
    },
    position="top",
)
if not knows_menu:
    fresh.load_again()
strip.find_audit(needed=page not in SET_UP)
strip.show_strip(own_files=page == SET_UP[0])
guarded(page.run)
