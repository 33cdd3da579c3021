"""The first visit to a fresh server, when Streamlit does not yet know that app.py builds the menu itself.

Until `st.navigation` has run once, Streamlit 1.67 takes the pages folder for its own older kind of menu, and
greets a visitor who comes by the address of a screen with “Page not found”. Loading the address again is all
it takes: by then the menu is known.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

_RELOAD = "<script>window.location.reload()</script>"


def knows_menu() -> bool:
    """Return whether Streamlit knows the menu; ask before `st.navigation`."""
    return not PagesManager.uses_pages_directory


def load_again() -> None:
    """Load the address of a screen again, and end this run; the root needs no second try."""
    if urlsplit(st.context.url or "").path.strip("/"):
        st.html(_RELOAD, unsafe_allow_javascript=True)
        st.stop()
