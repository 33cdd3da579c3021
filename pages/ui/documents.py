"""Documents that are made on click."""

from __future__ import annotations

from audit_core.decision.record import Audit
from pages.ui import cached
from pages.ui.controls import FULL_COUNTS, download


def show_downloads(audit: Audit) -> None:
    """Offer the documents of an audit; each is made when it is asked for."""
    download("One-page PDF", lambda: pdf_of(audit), f"{audit.id}.pdf", "application/pdf", type="primary")
    download("Whole report (HTML)", lambda: html_of(audit), f"{audit.id}.html", "text/html")
    download(
        "Audit result with full counts (audit.json)",
        lambda: cached.artifact(audit.id, "audit.json"),
        f"{audit.id}{FULL_COUNTS}.json",
        "application/json",
    )
    download(
        "Published part (JSON)", lambda: published_of(audit), f"{audit.id}-published.json", "application/json"
    )


def pdf_of(audit: Audit) -> bytes:
    """Return the one-page PDF of an audit."""
    from audit_core.report.pdf import summary_pdf

    return summary_pdf(audit)


def published_of(audit: Audit) -> bytes:
    """Return the part of the result that may leave the workspace."""
    from audit_core.report.published_result import published_result_bytes

    return published_result_bytes(audit)


def html_of(audit: Audit) -> bytes:
    """Return the whole report of an audit as HTML, without its small groups."""
    from audit_core.report.html import report_html

    return report_html(audit)
