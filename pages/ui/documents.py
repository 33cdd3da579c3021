"""Documents that are made on click."""

from __future__ import annotations

from audit_core.report.summary import Summary


def pdf_of(page: Summary) -> bytes:
    """Return the one-page PDF of a summary."""
    from audit_core.report.pdf import render_pdf

    return render_pdf(page)
