"""A limit that can be tried on the screen, in the unit people say it in."""

from __future__ import annotations

from fractions import Fraction

import streamlit as st

from audit_core.contract.schema import Check, Subject
from pages.ui import session


def limit_slider(check: Check | None, subject: Subject) -> tuple[Fraction | None, str]:
    """Return the limit being tried, None while it is the contract's, and the key of the slider."""
    key = f"limit_{check.id if check else ''}_{'_'.join(subject)}"
    if check is None:
        return None, key
    ratio = check.compare == "ratio"
    mine = check.limit.min if ratio else check.limit.max
    if mine is None:
        return None, key
    scale = 1 if ratio else 100
    start = float(mine * scale)
    found = st.slider(
        "Smallest ratio allowed" if ratio else "Limit (points)",
        min_value=0.5 if ratio else 0.0,
        max_value=1.0 if ratio else max(30.0, start),
        value=start,
        step=0.01 if ratio else 0.5,
        format="%.2f" if ratio else "%.1f",
        key=key,
        width=280,
        help="Starts at the contract's limit. Moving it shows what the verdict would be; nothing is saved.",
    )
    tried = Fraction(str(found)) / scale
    return (None if tried == mine else tried), key


def reset_limit(key: str) -> None:
    """Offer the way back to the contract's limit."""
    st.button(
        "Back to the contract’s limit",
        key=f"reset_{key}",
        icon=":material/undo:",
        on_click=_forget,
        args=(key,),
    )


def _forget(key: str) -> None:
    session.drop_widget(key)
