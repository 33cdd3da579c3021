"""Evenhand's dashboard: the server, and the script it runs for every visit; each screen is a file in pages/.

Streamlit imports this file once for `app`, the server, and runs it again as a script for every visit.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from pages.ui import identity, menu, server, strip, theme
from pages.ui.controls import guarded

ICON = str(Path(__file__).parent / "static" / "icon.svg")


def show() -> None:
    """Draw the screen that was asked for, once it is known who asks."""
    st.set_page_config(page_title="Evenhand", page_icon=ICON, layout="wide")
    theme.apply()
    st.logo(ICON, size="large")
    screens = menu.screens()
    known = identity.known()
    page = st.navigation(screens, position="top" if known else "hidden")
    if not known:
        guarded(identity.show_door)
        return
    strip.find_audit(needed=page not in screens[menu.SET_UP])
    guarded(lambda: show_screen(page, own_files=page == screens[menu.SET_UP][0]))


def show_screen(page: StreamlitPage, *, own_files: bool) -> None:
    """Draw one screen, after the right to see it: without a line in the access log there is none."""
    here = identity.require("analyst", page.title)
    strip.show_strip(own_files=own_files)
    with st.container(key="notes", horizontal=True, gap="medium"):
        strip.show_full_counts()
        identity.show_who(here)
    page.run()


if __name__ == "__main__":
    show()
else:
    app = st.App(__file__, **server.parts())
