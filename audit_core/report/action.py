"""What the contract says is to be done now, and who is to be told, in words."""

from __future__ import annotations

from audit_core.contract.schema import Check
from audit_core.decision.record import Audit
from audit_core.report.judged_rows import rows_words
from audit_core.report.summary_facts import FILL_IN

ACTION_WORDS = {
    "block": "block: do not release this model",
    "hold": "hold: release nothing until this is settled",
    "halt": "halt: stop the rollout where it is",
    "rollback": "rollback: put the approved model back",
    "page": "page: somebody looks now",
    "ticket": "ticket: somebody looks this week",
    "notify": "notify",
    "review": "review: somebody looks before anything goes on",
}
"""The contract's word for what is done, with what it means."""


def action_lines(audit: Audit) -> tuple[str, ...]:
    """Return, for every check that failed, what the contract says is done and who is told.

    One line per check in the contract's order; none where nothing failed.
    """
    failed = {finding.check for finding in audit.findings if finding.status == "FAIL"}
    return tuple(
        _line(check, audit) for check in audit.contract.checks if check.id in failed and check.on_fail
    )


def _line(check: Check, audit: Audit) -> str:
    assert check.on_fail is not None
    done = ACTION_WORDS.get(check.on_fail.action, check.on_fail.action)
    return f"{check.id} failed → {done}; tell {role_words(check.on_fail.notify, audit)}"


def role_words(role_id: str, audit: Audit) -> str:
    """Return a role with who holds it and how to reach them, as far as the contract says."""
    role = next((role for role in audit.contract.roles if role.id == role_id), None)
    if role is None:
        return role_id
    told = [part for part in (role.name, role.contact) if part and part != FILL_IN]
    return f"{role_id} ({', '.join(told)})" if told else role_id


def window_lines(audit: Audit) -> tuple[str, ...]:
    """Return, for every windowed check of a canary, which rows it was judged on."""
    rows = {finding.check: finding.window for finding in audit.findings if finding.window is not None}
    return tuple(f"{name}: {rows_words(found)}" for name, found in rows.items())
