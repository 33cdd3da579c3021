"""Documents that are made on click."""

from __future__ import annotations

from audit_core.decision.record import Audit


def pdf_of(audit: Audit) -> bytes:
    """Return the one-page PDF of an audit."""
    from audit_core.report.pdf import summary_pdf

    return summary_pdf(audit)
