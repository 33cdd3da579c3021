"""An uploaded model file on the screen: where it stands, and the dialog in which a reviewer accepts it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import streamlit as st

from audit_core.errors import AuditError
from audit_core.evidence.pins import LONGEST, Pin, keep_pin, read_pins
from audit_core.report.escape import for_markdown, visible
from audit_core.report.model_file import VERDICT_WORDS, verdict_sentence
from audit_core.report.numbers import counted
from audit_core.sources.isolation import Isolation
from audit_core.sources.model import PREDICTIONS_INSTEAD, ModelFile
from audit_core.sources.model_inspect import Inspection
from audit_core.sources.model_trust import Trust, find_trust, question, with_predictions
from audit_core.sources.waiting import available_isolation
from pages.ui import cached, identity
from pages.ui.controls import show_error
from pages.ui.session import Upload
from pages.ui.verdict import badge

MODEL = "pages/model.py"
TRUST_WORDS = {
    "pinned": "It is one of the files of the worked example; its bytes are pinned by this release.",
    "inspection": "It needs nobody's word: the inspection was enough.",
    "person": "Whoever ran the audit decided to trust it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a model file: its bytes, what is in them, who vouches for it, and the lock."""

    model: ModelFile
    inspection: Inspection
    trust: Trust | None
    isolation: Isolation


def standing(upload: Upload) -> Standing:
    """Return where an uploaded model file stands; nothing of it is run.

    Raises
    ------
    AuditError
        It is no model file at all.
    """
    model = cached.identified(str(upload.path), upload.name)
    inspection = cached.inspected(str(upload.path), upload.name)
    isolation = available_isolation()
    reviews = tuple(pin.review() for pin in read_pins(cached.workspace().root))
    trust = find_trust(model, inspection, isolated=isolation.complete, reviews=reviews)
    return Standing(model=model, inspection=inspection, trust=trust, isolation=isolation)


def trust_words(trust: Trust | None) -> str:
    """Return who vouches for the file, as a sentence."""
    if trust is None:
        return "Nobody has accepted it."
    return TRUST_WORDS.get(trust.by, f"{trust.reviewer} accepted it.")


def show_verdict(found: Standing) -> None:
    """The verdict as a badge and a sentence, and what to do where it may not be opened."""
    word = VERDICT_WORDS[found.inspection.verdict]
    st.markdown(f"{badge(word)} {for_markdown(verdict_sentence(found.inspection))}")
    if found.trust is not None:
        if found.trust.by != "inspection":
            st.caption(for_markdown(trust_words(found.trust)))
    elif found.inspection.verdict == "refused":
        st.caption(for_markdown(f"{with_predictions(found.inspection.remedy)}."))
    else:
        st.caption(for_markdown(f"{question(found.inspection)}. {PREDICTIONS_INSTEAD}, or ask for a review."))


def may_open(upload: Upload, *, approved: bool = False) -> bool:
    """Say on the Data page where the file stands; return whether it may be opened.

    Parameters
    ----------
    approved
        Whether it is the approved model: the page of the model file is about the audited one.
    """
    found = standing(upload)
    with st.container(border=True, key="standing_approved" if approved else "standing"):
        show_verdict(found)
        if not approved:
            st.page_link(MODEL, label="What is in this file", icon=":material/frame_inspect:")
        elif _may_accept(found) and st.button(
            "Review and accept", icon=":material/fact_check:", key="review_approved"
        ):
            accept(found)
    return found.trust is not None


def _may_accept(found: Standing) -> bool:
    """Whether this person could make the file one that may be opened."""
    return found.trust is None and found.inspection.verdict != "refused" and identity.may("pin")


@st.dialog("Accept this model file?", width="large")
def accept(found: Standing) -> None:
    """Let a named reviewer accept the file, with every name in question on the screen."""
    here = identity.person()
    st.markdown(
        f"**{for_markdown(found.model.name)}**, SHA-256 `{found.model.sha256}`. Opening it runs the code of "
        "what is listed here, in a process that can't write files, start programs or reach the network."
    )
    names = found.inspection.extra
    if names:
        st.markdown(f"**{counted(len(names), 'names')} that nobody here has examined:**")
        st.code("\n".join(map(visible, names)), language=None, wrap_lines=True)
    if not found.isolation.complete:
        st.warning(for_markdown(found.isolation.words()), icon=":material/lock_open:")
    typed = here.email is None
    reviewer = st.text_input("Your name", max_chars=100, key="pin_reviewer") if typed else here.name
    reason = st.text_area("Why: who made it, what you examined", max_chars=LONGEST, key="pin_reason")
    sure = st.checkbox("I examined what is listed, or I know who wrote it and answer for it", key="pin_sure")
    ready = sure and bool(reviewer.strip()) and bool(reason.strip())
    if st.button("Accept this file", type="primary", disabled=not ready, key="pin_accept"):
        _keep(found, reviewer, reason, "typed" if typed else "oidc")


def _keep(found: Standing, reviewer: str, reason: str, assurance: str) -> None:
    pin = Pin(
        sha256=found.model.sha256,
        model=found.model.name,
        names=found.inspection.extra,
        reviewer=reviewer.strip(),
        assurance=assurance,
        reason=reason.strip(),
        isolation=found.isolation.words(),
        at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    try:
        identity.require("pin", "accept a model file")
        keep_pin(cached.workspace().root, pin)
    except AuditError as error:
        show_error(error)
        return
    st.rerun()
