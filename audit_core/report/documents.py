"""The documents an audit is written as, by the name of the option that asks for them."""

from __future__ import annotations

from typing import Literal

from audit_core.decision.record import Audit
from audit_core.report.collection import collection_csv
from audit_core.report.junit import junit_bytes
from audit_core.report.sarif import sarif_bytes
from audit_core.report.step_summary import step_summary_bytes

Document = Literal["pdf", "html", "junit", "sarif", "summary", "collect"]


def document_bytes(name: Document, audit: Audit, contract: str) -> bytes:
    """Return one document; `contract` is the contract's path as a reader of the document knows it."""
    if name == "junit":
        return junit_bytes(audit)
    if name == "sarif":
        return sarif_bytes(audit, contract)
    if name == "collect":
        return collection_csv(audit)
    if name == "summary":
        return step_summary_bytes(audit)
    if name == "html":
        from audit_core.report.html import report_html  # a template engine no other document needs

        return report_html(audit)
    from audit_core.report.pdf import summary_pdf  # typst: only a run that asks for the page pays for it

    return summary_pdf(audit)
