"""The whole report as one HTML file: no script, no request to anywhere, and only what may be published."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from audit_core.decision.record import Audit
from audit_core.report.escape import for_html
from audit_core.report.html_page import page_values
from audit_core.report.published import published

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "report.html.j2"


def report_html(audit: Audit) -> bytes:
    """Return the report of an audit as HTML in UTF-8.

    It leaves the workspace, so it is written from the published view alone: small groups, and what would tell
    of them, are taken out before the first word is written.

    Guarantee: the same bytes for the same audit; every text from outside is text, whatever it holds; the page
    forbids itself everything but its own style.
    """
    return _template().render(page_values(published(audit))).encode("utf-8", "xmlcharrefreplace")


@cache
def _template() -> Template:
    from importlib.resources import files

    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def literal(value: Any) -> Any:
        """Every value becomes text by the house's own function; only the template itself is markup."""
        return value if isinstance(value, Markup) else Markup(for_html(str(value)))  # noqa: S704

    environment = Environment(
        autoescape=True, finalize=literal, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(files("audit_core.report").joinpath(TEMPLATE).read_text(encoding="utf-8"))
