"""Every screen in a browser, on an audit of nasty names: nothing runs, and the names are read as they are."""

from __future__ import annotations

import pytest
from browser_app import ARGUMENTS, CHROMIUM, SCREENS, need_browser, serve, watch
from nasty import ATTRIBUTE, NASTY, OTHER, hidden, nasty_audit, plain

from audit_core.report.charts.compared import group_gaps
from audit_core.report.escape import clip, visible

pytestmark = pytest.mark.browser

KEYS = [
    *(
        "script",
        "image",
        "bold",
        "entity",
        "link",
        "picture",
        "address",
        "colour",
        "icon",
        "emoji_code",
        "arrow",
    ),
    *("maths", "latex", "formula", "template", "proto", "rich", "ansi", "lines", "rlo", "long"),
]
# What the names would have made: elements, handlers, formulas, links, a variable.
MADE = """() => [
  ...document.querySelectorAll('img[src="x"], [onerror], [data-testid="stApp"] script, .katex'),
  ...document.querySelectorAll('a[href^="javascript"], a[href*="x.example"], svg a, [data-math="Y"]'),
].map(found => found.outerHTML.slice(0, 200)).concat(
  window.evenhandHacked === undefined ? [] : ['a script of a name ran'])"""
READ = "() => document.querySelector('[data-testid=\"stMain\"]').innerText"
CHART = ".js-plotly-plot"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A visitor of the dashboard on the nasty audit; (what was watched, the audit)."""
    need_browser()
    from playwright.sync_api import sync_playwright

    audit, workspace = nasty_audit(tmp_path_factory.mktemp("nasty"), KEYS)
    log = tmp_path_factory.mktemp("log") / "server.log"
    with serve(workspace.root, log) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1440, "height": 1200})
        visitor = watch(page, server.url)
        page.on(
            "dialog", lambda dialog: (visitor.problems.append(f"dialog: {dialog.message}"), dialog.dismiss())
        )
        yield visitor, audit
        browser.close()
    assert not server.trouble()


def shown(name):
    """A name as a person reads it; a browser runs several spaces into one."""
    return " ".join(clip(visible(name), 48).split())


def read(visitor):
    """The text of the screen without the sink's own joiners."""
    return " ".join(plain(visitor.page.evaluate(READ)).split())


@pytest.mark.parametrize("screen", SCREENS)
def test_no_name_becomes_anything_but_text(page, screen):
    visitor, audit = page
    visitor.open(f"{screen}?audit={audit.id}")
    assert visitor.page.evaluate(MADE) == []
    assert not visitor.problems
    assert not hidden(visitor.page.evaluate(READ), allowed="\u2060\n\t\u200b")


def test_names_are_read_whole_in_table_chart_and_hover_text(page):
    visitor, audit = page
    visitor.open(f"/group-differences?audit={audit.id}")
    said = read(visitor)
    assert shown(ATTRIBUTE) in said and shown(OTHER) in said
    table = plain(visitor.page.locator("table").first.inner_text())
    table = " ".join(table.split())
    assert not [name for name in map(shown, (NASTY[key] for key in KEYS)) if name not in table]
    chart = visitor.page.locator(CHART).first
    ticks = [" ".join(text.split()) for text in chart.locator(".ytick text").all_text_contents()]
    for key in ("bold", "maths", "entity", "template", "colour", "rich"):
        assert clip(visible(NASTY[key]), 28) in ticks
    order = [mark.group[0] for mark in group_gaps(audit, (ATTRIBUTE,), "tpr").marks]
    for key in ("script", "image", "maths", "entity", "template"):
        assert clip(visible(NASTY[key]), 40) in hover_text(visitor, order.index(NASTY[key]))
    assert visitor.page.evaluate(MADE) == []
    assert not visitor.problems


def hover_text(visitor, place):
    """The text over the mark of one group, read from the chart itself."""
    mark = visitor.page.locator(f"{CHART} .scatterlayer .trace").nth(place).locator(".points path")
    mark.scroll_into_view_if_needed()
    visitor.page.wait_for_timeout(150)
    box = mark.bounding_box()
    for step in (0, 1):  # a chart notices that the pointer moves, not that it stands
        visitor.page.mouse.move(box["x"] + box["width"] / 2 + step, box["y"] + box["height"] / 2)
    label = visitor.page.locator(f"{CHART} .hoverlayer .hovertext")
    label.first.wait_for(timeout=5_000)
    return plain("".join(label.all_text_contents()))
