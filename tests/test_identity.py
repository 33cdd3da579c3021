"""Who may do what: rights from the deployment's contract, what a sign-in must say, a journey through it."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
from browser_app import ARGUMENTS, CHROMIUM, need_browser, serve, watch
from oidc_provider import provider, secrets_toml
from report_factory import CONTRACT
from streamlit.testing.v1 import AppTest

from audit_core.contract.access import ALL_RIGHTS, AccessError, checked_claims, rights_of, roles_of
from audit_core.contract.schema import Role, SignOffPolicy
from audit_core.contract.yaml import parse_contract
from audit_core.errors import AuditError
from audit_core.evidence.access import Access, log_access, read_access

ROOT = Path(__file__).resolve().parent.parent
HIRING = ROOT / "sample_data" / "hiring" / "contract.yaml"
NOW = 1_800_000_000.0
CLAIMS = {
    "email": "Ada@Example.com",
    "email_verified": True,
    "name": "Ada",
    "exp": NOW + 60,
    "is_logged_in": True,
}
ANALYST, NOBODY = "ml-owner@example.com", "stranger@example.com"
SHOWN = "@\u2060"  # a word joiner keeps an address from becoming a link


def contract(**roles):
    """A contract whose roles have these contacts: author, owner, signer, approver, changer, revoker, idle."""
    base = parse_contract(CONTRACT.encode(), "c.yaml")
    return replace(
        base,
        author="author",
        checks=tuple(replace(check, owner="owner") for check in base.checks),
        roles=tuple(Role(id=name, name="n", contact=contact) for name, contact in roles.items()),
        signoff=SignOffPolicy(
            require=(("signer", 1),),
            exception_approvers=("approver",),
            change_thresholds=("changer",),
            may_revoke=("revoker",),
        ),
    )


# --- rights


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        ("author", {"analyst"}),
        ("owner", {"analyst"}),
        ("revoker", {"analyst"}),
        ("signer", {"analyst", "sign"}),
        ("changer", {"analyst", "pin"}),
        ("approver", {"analyst", "pin", "grant_exceptions"}),
        ("idle", set()),
    ],
)
def test_each_role_gives_its_rights_and_no_other(role, rights):
    assert rights_of(contract(**{role: "ada@example.com"}), "ada@example.com") == rights


def test_rights_of_several_roles_add_up():
    several = contract(signer="ada@example.com", approver="bo@example.com, ada@example.com")
    assert rights_of(several, "ADA@example.com") == ALL_RIGHTS
    assert rights_of(several, "bo@example.com") == {"analyst", "pin", "grant_exceptions"}
    assert roles_of(several, "ada@example.com") == ("signer", "approver")


@pytest.mark.parametrize(
    "email",
    ["", "@", "ada", "da@example.com", "ada@example.co", "ada@example.com, bo@example.com", "(fill in)", "c"],
)
def test_an_address_counts_whole_or_not_at_all(email):
    assert (
        rights_of(contract(signer="ada@example.com; bo@example.com", author="(fill in)", owner="c"), email)
        == set()
    )


# --- what a sign-in must say


def test_a_sign_in_names_a_person():
    who = checked_claims(CLAIMS, NOW)
    assert (who.email, who.name) == ("ada@example.com", "Ada")
    assert checked_claims(CLAIMS | {"email_verified": "true", "name": " "}, NOW).name == "Ada@Example.com"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"exp": NOW}, "has ended"),
        ({"exp": NOW - 1e6}, "has ended"),
        ({"exp": None}, "until when"),
        ({"exp": "2099"}, "until when"),
        ({"exp": True}, "until when"),
        ({"exp": float("nan")}, "until when"),
        ({"exp": float("inf")}, "until when"),
        ({"nbf": NOW + 600}, "not valid yet"),
        ({"nbf": "x"}, "until when"),
        ({"email": None}, "names no address"),
        ({"email": "ada"}, "names no address"),
        ({"email": "ada@example.com,bo@example.com"}, "names no address"),
        ({"email": "\u212aate@example.com"}, "names no address"),
        ({"email": ["ada@example.com"]}, "names no address"),
        ({"email_verified": False}, "not verified"),
        ({"email_verified": None}, "not verified"),
        ({"email_verified": "false"}, "not verified"),
        ({"email_verified": 1.5}, "not verified"),
    ],
)
def test_a_sign_in_that_does_not_count(change, says):
    with pytest.raises(AccessError, match=says):
        checked_claims(CLAIMS | change, NOW)


def test_a_sign_in_without_its_claims_does_not_count():
    for claim in ("exp", "email", "email_verified"):
        with pytest.raises(AccessError):
            checked_claims({key: value for key, value in CLAIMS.items() if key != claim}, NOW)


# --- the log


def entry(**changes):
    line = {
        "at": "2026-11-22T05:00:00+00:00", "person": "Ada", "email": "ada@example.com", "assurance": "oidc",
        "right": "analyst", "audit": "A-20261122-00000000", "screen": "Summary",
    }  # fmt: skip
    return Access(**(line | changes))


def test_the_log_keeps_every_line_for_its_owner_alone(tmp_path):
    for screen in ("Summary", "Input drift\nforged", "\u202e“x”"):
        path = log_access(tmp_path, entry(screen=screen))
    assert [line.screen for line in read_access(tmp_path)] == ["Summary", "Input drift\nforged", "\u202e“x”"]
    assert path.read_bytes().count(b"\n") == 3 and path.read_bytes().isascii()
    assert path.stat().st_mode & 0o777 == 0o600
    log_access(tmp_path, entry(person="x" * 10_000))
    assert len(read_access(tmp_path)[-1].person) == 200


def test_half_a_line_costs_no_other(tmp_path):
    path = log_access(tmp_path, entry())
    path.write_bytes(path.read_bytes() + b'{"at": "2026')  # what a power cut leaves
    log_access(tmp_path, entry(screen="Input drift"))
    assert [line.screen for line in read_access(tmp_path)] == ["Summary", "Input drift"]


def test_a_log_that_can_not_be_written_is_a_refusal(tmp_path):
    (tmp_path / "access.jsonl").mkdir()
    with pytest.raises(AuditError, match="access log can't be written"):
        log_access(tmp_path, entry())


def test_a_log_is_never_written_through_a_link(tmp_path):
    (tmp_path / "else").write_text("")
    (tmp_path / "access.jsonl").symlink_to(tmp_path / "else")
    with pytest.raises(AuditError):
        log_access(tmp_path, entry())


# --- the screens


@pytest.fixture
def app(hiring_workspace, hiring_audit, monkeypatch):
    """The dashboard with the worked example open, before its first run."""
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(hiring_workspace.root))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    monkeypatch.delenv("EVENHAND_CONTRACT", raising=False)
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["audit"] = hiring_audit.id
    return test


def signed_in(app, email, **claims):
    """The app for somebody who signed in."""
    app.secrets["auth"] = {"client_id": "x", "client_secret": "y", "server_metadata_url": "z"}
    app.secrets["evenhand"] = {"contract": str(HIRING)}
    app.user = {**CLAIMS, "email": email, "exp": time.time() + 60, **claims}
    return app.run()


def said(app):
    parts = [*app.title, *app.header, *app.markdown, *app.caption, *app.error, *app.metric, *app.table]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def assert_no_numbers(app):
    assert not app.exception
    assert not app.metric and not app.table and not app.header
    assert not re.findall(r"\d+ ?%|\d\.\d|A-\d{8}", said(app))


def test_without_sign_in_the_mode_is_on_every_screen(app, hiring_workspace):
    shown = app.run()
    assert "Single-user mode: anyone who can open this address has every right." in said(shown)
    for page in ("gaps", "data", "contract"):
        assert "Single-user mode" in said(app.switch_page(f"pages/{page}.py").run())


def test_each_screen_is_logged_once_per_visit(app, hiring_workspace, hiring_audit):
    before = len(read_access(hiring_workspace.root))
    app.run().run()
    app.switch_page("pages/gaps.py").run().run()
    new = read_access(hiring_workspace.root)[before:]
    assert [(line.screen, line.right, line.audit) for line in new] == [
        ("Summary", "analyst", hiring_audit.id),
        ("Group differences", "analyst", hiring_audit.id),
    ]
    assert {line.assurance for line in new} == {"single-user"}


def test_each_act_is_logged_each_time(app, hiring_workspace):
    before = len(read_access(hiring_workspace.root))

    def act():
        from pages.ui import identity

        identity.require("pin", "accept a model file")
        identity.require("pin", "accept a model file")

    assert not AppTest.from_function(act).run().exception
    new = read_access(hiring_workspace.root)[before:]
    assert [(line.right, line.screen) for line in new] == [("pin", "accept a model file")] * 2


def test_a_right_that_is_not_held_is_refused(app, hiring_workspace):
    def act():
        import streamlit as st

        from audit_core.contract.access import AccessError
        from pages.ui import identity

        for right in ("pin", "sign", "grant_exceptions"):
            try:
                identity.require(right, "x")
                st.write(f"{right} done")
            except AccessError as error:
                st.write(f"{right} refused: {error}")

    author = AppTest.from_function(act)
    shown = said(signed_in(author, "data-science@example.com"))
    assert [word for word in shown.split() if word in ("done", "refused:")] == ["refused:"] * 3
    counsel = AppTest.from_function(act)
    assert said(signed_in(counsel, "counsel@example.com")).count("done") == 3


def test_an_analyst_sees_the_screens_and_is_named(app, hiring_workspace):
    shown = signed_in(app, ANALYST)
    assert not shown.exception and shown.metric
    assert "ml owner" in said(shown) and "Single-user" not in said(shown)
    assert read_access(hiring_workspace.root)[-1].email == ANALYST
    assert any(button.label == "Sign out" for button in shown.button)


@pytest.mark.parametrize("email", [NOBODY, "ml-owner@example.com.evil.example"])
def test_somebody_without_a_role_sees_a_sentence(app, hiring_workspace, email):
    before = len(read_access(hiring_workspace.root))
    shown = signed_in(app, email)
    assert shown.title[0].value == "No role on this server"
    assert_no_numbers(shown)
    assert len(read_access(hiring_workspace.root)) == before


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"is_logged_in": False}, "not signed in"),
        ({"is_logged_in": "true"}, "not signed in"),
        ({"email_verified": False}, "not verified"),
        ({"exp": 1.0}, "has ended"),
    ],
)
@pytest.mark.parametrize("page", ["summary", "drift", "data"])
def test_who_is_not_signed_in_sees_no_number(app, claims, says, page):
    shown = signed_in(app, ANALYST, **claims)
    if page != "summary":
        shown = app.switch_page(f"pages/{page}.py").run()
    assert says in said(shown)
    assert_no_numbers(shown)


def test_an_uploaded_contract_gives_its_uploader_nothing(app, tmp_path):
    """Somebody's own contract names them as everything; only the deployment's counts."""
    mine = HIRING.read_text(encoding="utf-8").replace(ANALYST, NOBODY)
    shown = signed_in(app, NOBODY)
    app.session_state["evenhand_draft"] = mine
    app.query_params["contract"] = mine
    assert_no_numbers(app.run())
    assert shown.title[0].value == "No role on this server"


@pytest.mark.parametrize(
    ("secrets", "variable", "says"),
    [
        ({"auth": {"client_id": "x"}}, "", "has no contract"),
        ({"auth": {"redirect_uri": "x"}, "evenhand": {"contract": str(HIRING)}}, "", "names no provider"),
        ({"evenhand": {"contract": str(HIRING)}}, "", "sign-in is not set up"),
        ({}, str(HIRING), "sign-in is not set up"),
    ],
)
def test_half_a_configuration_lets_nobody_in(app, monkeypatch, secrets, variable, says):
    if variable:
        monkeypatch.setenv("EVENHAND_CONTRACT", variable)
    app.secrets.update(secrets)
    shown = app.run()
    assert says in said(shown)
    assert_no_numbers(shown)


def test_secrets_that_can_not_be_read_let_nobody_in(app, monkeypatch, tmp_path):
    broken = tmp_path / "secrets.toml"
    broken.write_text("[auth\n", encoding="utf-8")
    monkeypatch.setattr("streamlit.get_option", lambda _name: [str(broken)])
    shown = app.run()
    assert "secrets can't be read" in said(shown)
    assert_no_numbers(shown)


@pytest.mark.parametrize("text", [None, "{", "id: no contract\n"])
def test_a_deployment_contract_that_can_not_be_read_lets_nobody_in(app, tmp_path, text):
    file = tmp_path / "contract.yaml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    app.secrets["evenhand"] = {"contract": str(file)}
    app.secrets["auth"] = {"client_id": "x"}
    app.user = {**CLAIMS, "exp": time.time() + 60}
    shown = app.run()
    assert "names the roles can't be read" in said(shown)
    assert str(tmp_path) not in said(shown)


def test_without_a_line_in_the_log_nothing_is_shown(app, monkeypatch):
    def full(*_):
        raise AuditError("The access log can't be written: no space left")

    monkeypatch.setattr("pages.ui.identity.log_access", full)
    shown = app.run()
    assert "access log can't be written" in said(shown)
    assert not shown.metric and not shown.table


# --- the whole way, with a browser and a provider


@pytest.fixture(scope="module")
def running(hiring_workspace, hiring_audit, tmp_path_factory):
    """A dashboard that asks a local provider, a provider, and a browser."""
    need_browser()
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("sign-in")
    with provider() as idp, pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        secrets = folder / "secrets.toml"
        secrets.write_text(secrets_toml(idp, str(HIRING)), encoding="utf-8")
        environment.setenv("STREAMLIT_SECRETS_FILES", str(secrets))
        with serve(hiring_workspace.root, folder / "server.log") as server:
            idp.redirect_uri = f"{server.url}/oauth2callback"
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
            yield server, idp, browser
            browser.close()
        assert not server.trouble()


def came_in(running, audit_id, path="/", **claims):
    """A fresh visitor who pressed the button and came back from the provider."""
    server, idp, browser = running
    idp.claims = {"email": ANALYST, "email_verified": True, "name": "Ada"} | claims
    page = browser.new_context().new_page()
    visitor = watch(page, server.url)
    visitor.open(f"{path}?audit={audit_id}")
    assert page.get_by_role("heading", name="Sign in").count() == 1
    assert page.locator("table").count() == 0
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{server.url}/**", wait_until="load")
    page.locator(".st-key-sign_out").wait_for()
    visitor.settle()
    return visitor


@pytest.mark.browser
def test_an_analyst_signs_in_sees_the_evidence_and_signs_out(running, hiring_workspace, hiring_audit):
    server, idp, _ = running
    before = len(read_access(hiring_workspace.root))
    visitor = came_in(running, hiring_audit.id)
    page = visitor.page
    visitor.open(f"/group-differences?audit={hiring_audit.id}")
    page.get_by_role("heading", name="Group differences").wait_for()
    assert page.get_by_text(f"Signed in as {ANALYST.replace('@', SHOWN)}").count() == 1
    assert page.locator("table").count() > 0
    assert not visitor.axe()
    lines = read_access(hiring_workspace.root)[before:]
    assert ("Group differences", ANALYST, "oidc") in {(x.screen, x.email, x.assurance) for x in lines}
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies(server.url)}
    assert cookies["_streamlit_user"]["httpOnly"]
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()
    assert idp.signed_out == 1
    assert page.locator("table").count() == 0
    elsewhere = [problem for problem in visitor.problems if not problem.startswith(f"request: {idp.issuer}")]
    assert not elsewhere


@pytest.mark.browser
def test_somebody_without_a_role_comes_back_to_a_sentence(running, hiring_workspace, hiring_audit):
    before = len(read_access(hiring_workspace.root))
    page = came_in(running, hiring_audit.id, "/input-drift", email=NOBODY).page
    page.get_by_role("heading", name="No role on this server").wait_for()
    assert page.get_by_text(NOBODY.replace("@", SHOWN)).count() == 1
    assert page.locator("table").count() == 0 and page.locator(".js-plotly-plot").count() == 0
    assert hiring_audit.id not in page.content()
    assert len(read_access(hiring_workspace.root)) == before


@pytest.mark.browser
@pytest.mark.parametrize(
    ("claims", "says"), [({"email_verified": False}, "not verified"), ({"email": None}, "names no address")]
)
def test_an_address_that_is_not_verified_is_refused(running, hiring_audit, claims, says):
    page = came_in(running, hiring_audit.id, **claims).page
    page.get_by_text(says).wait_for()
    assert page.locator("table").count() == 0
    assert page.get_by_role("button", name="Sign out").count() == 1


@pytest.mark.browser
def test_a_sign_in_ends_when_its_token_does(running, hiring_audit):
    visitor = came_in(running, hiring_audit.id, exp=int(time.time()) + 8)
    visitor.page.get_by_text(f"Signed in as {ANALYST.replace('@', SHOWN)}").wait_for()
    visitor.page.wait_for_timeout(9_000)
    visitor.open(f"/input-drift?audit={hiring_audit.id}")
    visitor.page.get_by_text("The sign-in has ended").wait_for()
    assert visitor.page.locator("table").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("cookie", ["", "_streamlit_user=forged", f"_streamlit_user={ANALYST}"])
def test_nobody_uploads_before_they_sign_in(running, cookie):
    server, _, _ = running
    request = urllib.request.Request(
        f"{server.url}/_stcore/upload_file/any/any", data=b"rows", method="PUT", headers={"Cookie": cookie}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    with caught.value as answer:
        assert (answer.code, answer.read()) == (403, b"Sign in first.\n")


@pytest.mark.browser
def test_a_forged_cookie_signs_nobody_in(running, hiring_audit):
    server, _, browser = running
    context = browser.new_context()
    forged = json.dumps({"email": ANALYST, "email_verified": True, "exp": 2**40, "is_logged_in": True})
    context.add_cookies([{"name": "_streamlit_user", "value": forged.replace('"', "%22"), "url": server.url}])
    visitor = watch(context.new_page(), server.url)
    visitor.open(f"/?audit={hiring_audit.id}")
    assert visitor.page.get_by_role("heading", name="Sign in").count() == 1
