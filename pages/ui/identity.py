"""Who is here and what they may do: sign-in where it is configured, else the visible single-user mode.

The rule is closed where in doubt: half a configuration, a contract that can't be read, a sign-in that has
ended or whose address is not verified all mean that nobody sees a number.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from audit_core.contract.access import (
    ALL_RIGHTS,
    RIGHT_WORDS,
    AccessError,
    Right,
    checked_claims,
    rights_of,
    roles_of,
)
from audit_core.contract.schema import ReleaseContract
from audit_core.errors import AuditError
from audit_core.evidence.access import Access, log_access
from audit_core.report.escape import for_markdown
from pages.ui import cached, session
from pages.ui.controls import show_error

CONTRACT_VARIABLE = "EVENHAND_CONTRACT"
SINGLE_USER = "Single-user mode: anyone who can open this address has every right."
OPERATOR = "Ask whoever runs this server; docs/sign-in.md says how it is set up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is here. `email` is verified by the sign-in, or None in single-user mode."""

    name: str
    email: str | None
    assurance: Literal["oidc", "single-user"]
    rights: frozenset[Right]
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How this server knows people: the providers of `[auth]` ("" is the unnamed one), and the contract."""

    providers: tuple[str, ...] = ()
    contract: str = ""


def setting() -> Setting:
    """Return what the server's secrets and environment say about sign-in.

    Raises
    ------
    AccessError
        Something was set up, and not all of it: everybody would come in, or nobody.
    """
    secrets: Mapping[str, Any] = st.secrets if st.secrets.load_if_toml_exists() else {}
    if not secrets and any(Path(file).exists() for file in st.get_option("secrets.files")):
        raise AccessError("The server's secrets can't be read", remedy=OPERATOR)
    contract = str(secrets.get("evenhand", {}).get("contract") or os.environ.get(CONTRACT_VARIABLE) or "")
    if "auth" not in secrets:
        if contract:
            raise AccessError("A contract names who may do what, but sign-in is not set up", remedy=OPERATOR)
        return Setting()
    auth = secrets["auth"]
    named = tuple(name for name, value in auth.items() if isinstance(value, Mapping) and "client_id" in value)
    providers = ("",) if "client_id" in auth else named
    if not providers or not contract:
        missing = "names no provider" if not providers else "has no contract that says who may do what"
        raise AccessError(f"The sign-in of this server {missing}", remedy=OPERATOR)
    if find_spec("authlib") is None:
        raise AccessError("Sign-in needs the package Authlib", remedy=OPERATOR)
    return Setting(providers=providers, contract=contract)


def person() -> Person:
    """Return who is here.

    Raises
    ------
    AccessError
        Nobody is signed in where sign-in is set up, or the sign-in does not count.
    """
    return person_of(st.user.to_dict())


def person_of(claims: Mapping[str, object]) -> Person:
    """Return whom the claims of a sign-in name; Streamlit has checked their signature.

    Raises
    ------
    AccessError
        Nobody is signed in where sign-in is set up, or the sign-in does not count.
    """
    found = setting()
    if not found.providers:
        return Person(name="single user", email=None, assurance="single-user", rights=ALL_RIGHTS)
    if claims.get("is_logged_in") is not True:
        raise AccessError("You are not signed in", remedy="Sign in to see the audits of this server")
    checked = checked_claims(claims, time.time())
    contract = _contract(found.contract)
    return Person(
        name=checked.name,
        email=checked.email,
        assurance="oidc",
        rights=rights_of(contract, checked.email),
        roles=roles_of(contract, checked.email),
    )


def _contract(path: str) -> ReleaseContract:
    """The deployment's contract; why it can't be read is for the server's log alone."""
    try:
        return cached.deployment_contract(Path(path).read_bytes())
    except (OSError, AuditError) as error:
        logging.getLogger("evenhand").error("the deployment's contract can't be used: %s", error)
        raise AccessError("The contract that names the roles can't be read", remedy=OPERATOR) from error


def may(right: Right) -> bool:
    """Return whether the person here has a right."""
    try:
        return right in person().rights
    except AccessError:
        return False


def require(right: Right, what: str) -> Person:
    """Return the person here if they have a right, and note it in the access log.

    A screen is noted once per visit and audit; an act (accept, sign, grant) each time.

    Parameters
    ----------
    right
        What is asked for.
    what
        The screen or the act, in words without data: it is written to the access log.

    Raises
    ------
    AccessError
        They do not have it.
    AuditError
        The access log can't be written; then nothing is shown and nothing is done.
    """
    here = person()
    if right not in here.rights:
        raise AccessError(
            f"You may not {RIGHT_WORDS[right]}",
            remedy="The roles of this server's contract decide; " + OPERATOR,
        )
    audit = session.read().audit_id or ""
    line = (right, audit, what)
    if right != "analyst" or line not in session.read().logged:
        entry = Access(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            person=here.name,
            email=here.email or "",
            assurance=here.assurance,
            right=right,
            audit=audit,
            screen=what,
        )
        log_access(cached.workspace().root, entry)
        session.change(logged=session.read().logged | {line})
    return here


def known() -> Person | None:
    """Return the person here if they may see the screens, else None: show them the door."""
    try:
        here = person()
    except AccessError:
        return None
    return here if "analyst" in here.rights else None


def show_door() -> None:
    """Say why somebody may not come in, and what they can do; no audit, no number."""
    try:
        here = person()
    except AccessError as error:
        st.title("Sign in", anchor=False)
        show_error(error)
        _show_ways()
        return
    st.title("No role on this server", anchor=False)
    st.markdown(
        f"You are signed in as **{for_markdown(here.email or here.name)}**. The contract of this server "
        "gives you no role that may see the numbers of an audit."
    )
    st.caption("Whoever keeps the contract can add your address as the contact of a role.")
    st.button("Sign out", key="sign_out", on_click=st.logout)


def _show_ways() -> None:
    """Buttons to sign in or out, where that could help."""
    try:
        providers = setting().providers
    except AccessError:
        return
    if st.user.to_dict().get("is_logged_in") is True:
        st.button("Sign out", key="sign_out", on_click=st.logout)
        return
    for name in providers:
        st.button(
            f"Sign in with {for_markdown(name)}" if name else "Sign in",
            key=f"sign_in_{name}",
            type="primary",
            icon=":material/login:",
            on_click=st.login,
            args=(name,) if name else (),
        )


def show_who(here: Person) -> None:
    """One quiet line: who is signed in, or that nobody has to be."""
    with st.container(key="who", horizontal=True, vertical_alignment="center", width="content"):
        if here.email is None:
            st.caption(SINGLE_USER, width="content")
            return
        roles = ", ".join(role.replace("_", " ") for role in here.roles)
        st.caption(for_markdown(f"Signed in as {here.email} ({roles})"), width="content")
        st.button("Sign out", key="sign_out", type="tertiary", on_click=st.logout)
