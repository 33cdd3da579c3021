"""The menu: every screen, its group, its name and its icon; the address of a screen is made of its name."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

SET_UP = "Set up"
MENU = {
    "": {"summary": ("Summary", "summarize")},
    "Evidence": {
        "gaps": ("Group differences", "balance"),
        "grid": ("Combined groups", "grid_on"),
        "calibration": ("Score meaning", "speed"),
        "drift": ("Input drift", "waves"),
    },
    "Decide": {"decision": ("Release decision", "gavel")},
    SET_UP: {
        "data": ("Data and model", "upload_file"),
        "model": ("Model file", "frame_inspect"),
        "contract": ("Release contract", "contract"),
    },
}


def screens() -> dict[str, list[StreamlitPage]]:
    """Return the screens of each group; the first one opens where none is asked for."""
    return {group: [_screen(*line) for line in lines.items()] for group, lines in MENU.items()}


def _screen(file: str, words: tuple[str, str]) -> StreamlitPage:
    title, icon = words
    first = file == "summary"
    address = "" if first else title.lower().replace(" ", "-")
    return st.Page(
        f"pages/{file}.py", title=title, icon=f":material/{icon}:", url_path=address, default=first
    )
