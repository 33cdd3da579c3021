"""The one-page PDF: tagged, archival, the same bytes for the same audit, and always exactly one page."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from audit_core.decision.record import Audit
from audit_core.errors import RendererError
from audit_core.report.glyphs import FONTS
from audit_core.report.pdf_page import page_values
from audit_core.report.published import published
from audit_core.report.published_result import published_result_bytes
from audit_core.report.summary import summary

Paper = Literal["a4", "us-letter"]
_TEMPLATE = Path(__file__).with_name("summary.typ")
_PAGES = re.compile(rb"/Type\s*/Pages\b[^>]*?/Count (\d+)")


def summary_pdf(audit: Audit, paper: Paper = "a4") -> bytes:
    """Return the summary of an audit as one page of PDF/A-3a and PDF/UA-1, the published result attached.

    Guarantee: exactly one page whatever the names and counts; what does not fit is counted on the page;
    nothing of a group below the privacy floor.

    Raises
    ------
    RendererError
        The page could not be made.
    """
    return page_pdf(page_values(summary(published(audit))), published_result_bytes(audit), paper)


def page_pdf(values: dict[str, Any], source: bytes, paper: Paper = "a4") -> bytes:
    """Return the page of these values; a character without a glyph is written out, never an error."""
    import typst

    try:
        made = _compiled(values, source, paper)
    except typst.TypstError as error:
        if "could not be displayed" not in error.message:
            raise RendererError("The PDF could not be made", where=error.message) from error
        made = _compiled(_ascii(values), source, paper)
    pages = _PAGES.search(made)
    if pages is None or int(pages[1]) != 1:
        raise RendererError("The summary did not fit on one page", remedy="Use the result file instead")
    return made


def _compiled(values: dict[str, Any], source: bytes, paper: Paper) -> bytes:
    import typst

    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[FONTS])
    compiler = typst.Compiler(input=_TEMPLATE.read_bytes(), font_paths=fonts)
    year, month, day, hour, minute, second = values["stamp"]
    made = compiler.compile(
        format="pdf",
        # One JSON string each: what stands in it can only ever be text, never markup.
        sys_inputs={"page": json.dumps(values), "source": source.decode(), "paper": paper},
        pdf_standards=["a-3a", "ua-1"],
        timestamp=datetime(year, month, day, hour, minute, second, tzinfo=UTC),
    )
    assert isinstance(made, bytes)
    return made


def _ascii(value: Any) -> Any:
    """The values with every character beyond ASCII written out, for a glyph the font only claims to have."""
    if isinstance(value, str):
        return "".join(c if c.isascii() or c == "\u200b" else f"[U+{ord(c):04X}]" for c in value)
    if isinstance(value, dict):
        return {key: _ascii(part) for key, part in value.items()}
    return [_ascii(part) for part in value] if isinstance(value, list) else value
