"""How what a plan watches stood at the release: in a cell, and in the sentences that are read first."""

from __future__ import annotations

from collections.abc import Sequence

from audit_core.decision.plan import AtRelease, Plan, Watch
from audit_core.report.escape import visible
from audit_core.report.numbers import count
from audit_core.report.table_rows import NONE
from audit_core.report.watch_words import watch_words

KNOWN = "A first alert on one of these may repeat what has been known since the release."
FIRST = "the windows are the first evidence"
MOST = 12
"""Watches that a sentence names; the table has them all."""
_STATUS = {
    "PASS": "measured within its limit",
    "FAIL": "measured outside its limit",
    "INCONCLUSIVE": "not judged: too few people",
    "NOT_RUN": "not judged: nobody to count",
    "stable": "stable",
    "moderate": "moderate drift",
    "major": "major drift",
    "insufficient": "not judged: too few rows",
}
_SURER = {
    ("PASS", "CONFIRMED"): "within its limit",
    ("FAIL", "CONFIRMED"): "outside its limit, confirmed",
    ("INCONCLUSIVE", "UNCONFIRMED"): "left open: its range holds the limit",
}


def release_words(stood: AtRelease) -> str:
    """Return how it stood, in a few words; a dash where the audit judged nothing of the kind."""
    if not stood.status:
        return NONE
    said = _SURER.get((stood.status, stood.evidence)) or _STATUS[stood.status]
    return f"{said}; accepted by an exception" if stood.waived else said


def release_sentences(plan: Plan) -> tuple[str, ...]:
    """Return which watches were outside their limit at the release and which were undecided; () for none."""
    outside = [watch for watch in plan.watches if watch.at_release.outside]
    undecided = [watch for watch in plan.watches if watch.at_release.undecided]
    open_ = [watch for watch in undecided if watch.at_release.evidence == "UNCONFIRMED"]
    lacking = [watch for watch in undecided if watch not in open_]
    return tuple(
        f"{head}: {_named(watches, states=watches is outside)}.{tail}"
        for head, watches, tail in (
            ("Already outside a limit or a warning at release", outside, f" {KNOWN}"),
            (f"Could not be judged at release for lack of people, so {FIRST}", lacking, ""),
            ("Left open at release, where the range held the limit", open_, ""),
        )
        if watches
    )


def known_words(watch: Watch) -> str:
    """Return that an alert of this watch is no news, as an alert says it; "" where it is."""
    stood = watch.at_release
    return f"Known since the release: {release_words(stood)}." if stood.outside else ""


def _named(watches: Sequence[Watch], *, states: bool) -> str:
    """The watches by name, each with how it stood where they differ in that."""
    shown = [
        visible(watch_words(watch)) + (f" ({release_words(watch.at_release)})" if states else "")
        for watch in watches[:MOST]
    ]
    if len(watches) > MOST:
        return f"{'; '.join(shown)}; and {count(len(watches) - MOST)} more"
    return "; ".join(shown)
