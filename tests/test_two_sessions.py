"""Two visitors with canaries in their cells: neither meets the other's, and no cell stays behind."""

from __future__ import annotations

import os
import random
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from browser_app import ARGUMENTS, CHROMIUM, SCREENS, need_browser, serve, watch
from streamlit.testing.v1 import AppTest

from audit_core.audit import AuditRequest, look_at, run_audit
from audit_core.errors import AuditError
from audit_core.evidence.workspace import Workspace
from audit_core.report.pdf_page import page_values
from audit_core.report.summary import summary

ROOT = Path(__file__).resolve().parent.parent
CANARY = re.compile(rb"CANARY\w*")
CONTRACT = """\
schema: evenhand/contract/v1
id: contract-of-{who}
version: 1
status: draft
domain: other
decision: {{question: q, population: p, favourable: 1, harm: h, harmed_by: wrong_no}}
data:
  label: {{column: y, positive: 1}}
  score: {{column: s, threshold: 0.5}}
  id: person
  attributes: [{{name: g, basis: test}}]
  features: {features}
checks:
  - {{id: gap, stage: training, metric: tpr, compare: difference, of: [g], limit: {{max: 0.1}},
     severity: major, owner: owner, why: w}}
  - {{id: drift, stage: predeploy, metric: psi, features: all, limit: {{warn: 0.1, max: 0.25}},
     severity: major, owner: owner, why: w}}
roles:
  owner: {{name: n, contact: c}}
author: owner
"""


def table(who, rows=600, seed=1):
    """A table of one visitor: every person, note and token is theirs; groups are named after them."""
    draw = random.Random(f"{who}{seed}")
    lines = ["person,g,y,s,note,size,token"]
    for k in range(rows):
        lines.append(
            f"CANARY{who}id{seed}x{k},{who}{'xy'[k % 2]},{draw.randint(0, 1)},{draw.random():.4f},"
            f"CANARY{who}note{k},{draw.randint(1, 9)},CANARY{who}token{k % 7}"
        )
    return "\n".join(lines) + "\n"


def files_of(who, folder):
    """The three files of one visitor."""
    texts = {
        "evaluation": table(who, seed=1), "train": table(who, seed=2),
        "contract": CONTRACT.format(who=who, features="[size]"),
    }  # fmt: skip
    found = {}
    for role, text in texts.items():
        found[role] = folder / f"{who}-{role}.{'yaml' if role == 'contract' else 'csv'}"
        found[role].write_text(text, encoding="utf-8")
    return found


def canaries(folder, *, but=()):
    """Every file under a folder that holds a canary, but for those below the named folders."""
    return {
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file()
        and file.relative_to(folder).parts[0] not in but
        and CANARY.search(file.read_bytes())
    }


def audited(workspace, folder, features="[size]"):
    given = files_of("ada", folder)
    return run_audit(
        AuditRequest(
            contract=CONTRACT.format(who="ada", features=features).encode(),
            contract_name="c.yaml",
            evaluation=given["evaluation"],
            train=given["train"],
            as_of=datetime(2026, 11, 22, tzinfo=UTC),
        ),
        workspace,
    )


# --- without a browser


def test_the_evidence_of_an_audit_holds_no_cell(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    audit = audited(workspace, tmp_path)
    assert canaries(workspace.root) == set()
    assert "CANARY" not in str(page_values(summary(audit)))
    assert (
        b"adax" in (workspace.root / "audits" / audit.id / "audit.json").read_bytes()
    )  # a group's name is shown


def test_the_evidence_holds_no_cell_of_a_text_feature(tmp_path):
    workspace = Workspace(tmp_path / "workspace")
    audited(workspace, tmp_path, features="[size, note]")
    assert canaries(workspace.root) == set()


BROKEN = {
    "a row too long": "y,s\n1,0.5\n1,0.5,CANARYlong\n",
    "a row too short": "y,s,g\n1,0.5,CANARYa\nCANARYshort\n",
    "an open quote": 'y,s\n1,"CANARYopen\n2,3\n',
    "not UTF-8": b"y,s\n1,CANARY\xff\xfe\n",
    "a NUL": "y,s\n1,CANARY\x00nul\n",
    "no header": "CANARYone,CANARYone\n1,2\n",
    "empty": "",
    "one line": "CANARYonly",
    "words for numbers": "y,s,g\nCANARYlabel,CANARYscore,a\n" * 3,
    "not parquet": b"PAR1CANARYparquet",
}


@pytest.mark.parametrize("fault", [fault for fault in BROKEN if fault != "no header"])
def test_an_error_names_no_cell(tmp_path, fault):
    """A header is no cell: a message may name a column. Everything else of a file stays in it."""
    content = BROKEN[fault]
    file = tmp_path / ("rows.parquet" if fault == "not parquet" else "rows.csv")
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    request = AuditRequest(
        contract=CONTRACT.format(who="x", features="auto").encode(), contract_name="c.yaml", evaluation=file,
        as_of=datetime(2026, 11, 22, tzinfo=UTC),
    )  # fmt: skip
    said = ""
    for attempt in (lambda: look_at(file, file.name), lambda: run_audit(request, Workspace(tmp_path / "w"))):
        try:
            attempt()
        except AuditError as error:
            said += str(error)
    assert "CANARY" not in said or fault == "one line"
    assert canaries(tmp_path / "w") == set()


@pytest.fixture
def visitor(tmp_path, monkeypatch):
    """A new visit to the dashboard, on the screen for uploads."""
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")

    def new():
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.query_params["audit"] = "none"
        app.run()
        return app.switch_page("pages/data.py").run()

    return new


def given(app, role, file):
    """Give a file to a card."""
    field = next(field for field in app.file_uploader if field.key.startswith(f"upload_{role}"))
    return field.set_value((file.name, file.read_bytes(), "text/csv")).run()


def words(app):
    """Everything on a screen: texts, tables, and the options of every choice."""
    parts = [*app.markdown, *app.caption, *app.error, *app.info, *app.warning, *app.code]
    lists = [*app.selectbox, *app.multiselect, *app.radio]
    return "\n".join(
        [*(str(part.value) for part in parts), *(str(choice.options) for choice in lists)]
        + [str(part.value.to_dict()) for part in [*app.table, *app.dataframe]]
    )


def test_choices_on_one_visit_do_not_reach_another(visitor, tmp_path):
    ada, bob = files_of("ada", tmp_path), files_of("bob", tmp_path)
    first, second = visitor(), visitor()
    first = given(first, "evaluation", ada["evaluation"])
    second = given(second, "evaluation", bob["evaluation"])
    for _ in range(2):
        first, second = first.run(), second.run()
        assert not first.exception and not second.exception
        assert "ada" in words(first) and "bob" not in words(first)
        assert "bob" in words(second) and "ada" not in words(second)


def test_the_copy_in_memory_is_dropped_and_the_file_goes_when_it_is_removed(visitor, tmp_path, monkeypatch):
    dropped = []
    monkeypatch.setattr("pages.ui.session.forget_upload", lambda file: dropped.append(file.name))
    app = given(visitor(), "evaluation", files_of("ada", tmp_path)["evaluation"])
    assert dropped == ["ada-evaluation.csv"]
    assert canaries(tmp_path / "workspace")
    app.button(key="remove_evaluation").click().run()
    assert canaries(tmp_path / "workspace") == set()


def test_no_room_is_one_sentence(visitor, tmp_path, monkeypatch):
    app = visitor()
    monkeypatch.setenv("EVENHAND_UPLOAD_QUOTA", "0.000001")
    app = given(app, "evaluation", files_of("ada", tmp_path)["evaluation"])
    assert not app.exception and "no room for this file" in app.error[0].value
    assert canaries(tmp_path / "workspace") == set()


def test_a_contract_that_is_no_short_text_is_not_taken(visitor, tmp_path):
    file = tmp_path / "contract.yaml"
    file.write_bytes(b"# CANARY\n" * 200_000)
    app = given(visitor(), "contract", file)
    assert not app.exception and "short text" in app.error[0].value
    assert canaries(tmp_path / "workspace") == set()


# --- two browsers, one server


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A server whose temporary files are ours to look at, with two browsers' files beside it."""
    need_browser()
    folder = tmp_path_factory.mktemp("two")
    (folder / "tmp").mkdir()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TMPDIR", str(folder / "tmp"))
        with serve(folder / "workspace", folder / "server.log") as server:
            yield server, folder
    assert not server.trouble()


def upload(visitor, title, path):
    """Give a file to the card of that title and wait until it was read."""
    heading = visitor.page.get_by_role("heading", name=title)
    card = visitor.page.get_by_test_id("stVerticalBlock").filter(has=heading).last
    card.locator("input[type=file]").set_input_files(str(path))
    visitor.page.get_by_text(path.name, exact=True).first.wait_for(timeout=30_000)
    visitor.settle()


def listening(frames):
    """What keeps every message the server sends over a new connection."""

    def keep(data):
        frames.append(data)

    return lambda wire: wire.on("framereceived", keep)


@pytest.mark.browser
def test_two_visitors_meet_nothing_of_each_other(house, tmp_path):
    from playwright.sync_api import sync_playwright

    server, folder = house
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        visitors, received = {}, {"ada": [], "bob": []}
        for who, frames in received.items():
            visitor = visitors[who] = watch(browser.new_context().new_page(), server.url)
            visitor.page.on("websocket", listening(frames))
            visitor.open("/data-and-model?audit=none")
        given_files = {who: files_of(who, tmp_path) for who in visitors}
        for role, title in (("train", "Training sample"), ("evaluation", "Next month")):
            for who, visitor in visitors.items():
                upload(visitor, title, given_files[who][role])
        for who, visitor in visitors.items():
            visitor.page.get_by_text("I have a release contract").click()
            upload(visitor, "Release contract (optional)", given_files[who]["contract"])
        for visitor in visitors.values():
            visitor.page.get_by_role("button", name="Run the audit").click()
        for who, visitor in visitors.items():
            visitor.page.get_by_role("heading", name="Summary for sign-off").wait_for(timeout=60_000)
            visitor.settle()
            own = re.search(r"audit=(A-[\w-]+)", visitor.page.url)[1]
            for screen in SCREENS:
                visitor.open(f"{screen}?audit={own}")
            assert visitor.page.content().count(f"contract-of-{who}")
        for who, other in (("ada", "bob"), ("bob", "ada")):
            sent = b"".join(data if isinstance(data, bytes) else data.encode() for data in received[who])
            assert sent.count(f"{who}x".encode())  # the groups of one's own audit are shown
            for theirs in (f"CANARY{other}", f"{other}x", f"{other}y", f"{other}-", f"contract-of-{other}"):
                assert theirs.encode() not in sent
            assert not visitors[who].problems
        before = canaries(folder / "workspace", but=("inputs", "scored"))
        browser.close()
    time.sleep(1)
    assert before == canaries(folder / "workspace", but=("inputs", "scored")) == set()
    assert canaries(folder / "tmp") == set()
    assert not CANARY.search(server.log.read_bytes())


@pytest.mark.browser
def test_broken_files_leave_no_cell_on_screen_or_in_the_log(house, tmp_path):
    from playwright.sync_api import sync_playwright

    server, folder = house
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        visitor = watch(browser.new_context().new_page(), server.url)
        for fault in ("a row too long", "an open quote", "not UTF-8", "not parquet"):
            content = BROKEN[fault]
            file = tmp_path / ("rows.parquet" if fault == "not parquet" else "rows.csv")
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
            visitor.open("/data-and-model?audit=none")
            upload(visitor, "Next month", file)
            assert "CANARY" not in visitor.page.content()
        browser.close()
    assert not CANARY.search(server.log.read_bytes())
    assert canaries(folder / "tmp") == set()


def test_uploads_of_a_visit_that_ended_are_gone(tmp_path, monkeypatch):
    """What the server does every minute, a while after a tab was closed."""
    from pages.ui import server

    monkeypatch.setenv("EVENHAND_WORKSPACE", str(tmp_path / "workspace"))
    workspace = Workspace()
    for who in ("ada", "bob"):
        with files_of(who, tmp_path)["evaluation"].open("rb") as rows:
            workspace.store_upload("rows.csv", rows, f"visit of {who}")
    long_ago = time.time() - server.LEASE_SECONDS - 1
    for hold in (workspace.root / "holds").iterdir():
        os.utime(hold, (long_ago, long_ago))
    server.sweep(["visit of bob"])
    left = b"".join(file.read_bytes() for file in (workspace.root / "inputs").rglob("*.csv"))
    assert b"CANARYbob" in left and b"CANARYada" not in left
