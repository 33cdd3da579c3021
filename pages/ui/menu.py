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
        "slices": ("Worst slices", "troubleshoot"),
        "calibration": ("Score meaning", "speed"),
        "thresholds": ("Threshold lab", "tune"),
        "drift": ("Input drift", "waves"),
        "regression": ("Against baseline", "compare_arrows"),
        "hiring": ("Hiring tables", "work"),
    },
    "Decide": {
        "decision": ("Release decision", "gavel"),
        "plan": ("Monitoring plan", "event_repeat"),
    },
    "Records": {"windows": ("Windows over time", "timeline")},
    SET_UP: {
        "data": ("Data and model", "upload_file"),
        "model": ("Model file", "frame_inspect"),
        "contract": ("Release contract", "contract"),
    },
}


def screens() -> dict[str, list[StreamlitPage]]:
    """Return the screens of each group; the first one opens where none is asked for."""
    return {group: [_screen(*line) for line in lines.items()] for group, lines in MENU.items()}


def addresses() -> dict[str, str]:
    """Return the address of every screen by its file's name; "/" is the one that opens first."""
    return {file: f"/{_path(file, words)}" for lines in MENU.values() for file, words in lines.items()}


def _path(file: str, words: tuple[str, str]) -> str:
    return "" if file == "summary" else words[0].lower().replace(" ", "-")


def _screen(file: str, words: tuple[str, str]) -> StreamlitPage:
    title, icon = words
    return st.Page(
        f"pages/{file}.py", title=title, icon=f":material/{icon}:", url_path=_path(file, words),
        default=file == "summary",
    )  # fmt: skip
