"""Who may do what: rights from a contract's roles, and what a sign-in must say of a person to count.

Pure rules. Whose contract is asked is the deployment's choice, never a visitor's: a contract somebody
uploads gives its uploader nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from audit_core.contract.schema import ReleaseContract
from audit_core.errors import AuditError

Right = Literal["analyst", "pin", "sign", "grant_exceptions"]
ALL_RIGHTS: frozenset[Right] = frozenset(("analyst", "pin", "sign", "grant_exceptions"))
RIGHT_WORDS: Mapping[Right, str] = {
    "analyst": "see the numbers of an audit",
    "pin": "accept a model file for scoring",
    "sign": "sign a release decision",
    "grant_exceptions": "grant an exception",
}
CLOCK_SKEW = 30.0
"""Seconds by which a provider's clock may be ahead of ours."""
_BETWEEN = re.compile(r"[,;\s]+")
_ADDRESS = re.compile(r"^[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,255}$")


class AccessError(AuditError):
    """A person who may not do what they asked for."""

    exit_code = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a sign-in says of a person, once it is checked: an address of theirs, lower case, and a name."""

    email: str
    name: str


def checked_claims(claims: Mapping[str, object], now: float) -> Claims:
    """Return who a sign-in names.

    Parameters
    ----------
    claims
        The claims of an identity token whose signature was already checked.
    now
        Seconds since 1970.

    Raises
    ------
    AccessError
        The sign-in has ended or is not valid yet, or its address is missing or not verified.
    """
    again = "Sign out, and sign in again"
    expires, begins = claims.get("exp"), claims.get("nbf", 0)
    if not _is_time(expires) or not _is_time(begins):
        raise AccessError("The sign-in does not say until when it holds", remedy=again)
    if float(expires) <= now:  # type: ignore[arg-type]  # _is_time
        raise AccessError("The sign-in has ended", remedy=again)
    if float(begins) > now + CLOCK_SKEW:  # type: ignore[arg-type]  # _is_time
        raise AccessError("The sign-in is not valid yet", remedy="Compare this machine's clock")
    email = claims.get("email")
    # ASCII alone: lower case folds other letters onto these (the Kelvin sign becomes a k).
    if not isinstance(email, str) or not email.isascii() or not _ADDRESS.fullmatch(email):
        raise AccessError(
            "The sign-in names no address",
            remedy="Ask whoever runs your provider to send the claim “email”",
        )
    if claims.get("email_verified") not in (True, "true"):  # some providers write it as a text
        raise AccessError(
            "The address of this sign-in is not verified", remedy="Verify it with your provider, then sign in"
        )
    name = claims.get("name")
    return Claims(email=email.lower(), name=name if isinstance(name, str) and name.strip() else email)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def roles_of(contract: ReleaseContract, email: str) -> tuple[str, ...]:
    """Return the roles whose contact is this address; a contact may list several, apart by commas."""
    wanted = email.lower()
    return tuple(
        role.id
        for role in contract.roles
        if _ADDRESS.fullmatch(wanted) and wanted in _BETWEEN.split(role.contact.lower())
    )


def rights_of(contract: ReleaseContract, email: str) -> frozenset[Right]:
    """Return what a person of this address may do under the deployment's contract.

    Derived from what the contract already says: `sign` from the roles of `signoff: require`,
    `grant_exceptions` from its approvers, `pin` from the approvers and from those who may change
    thresholds, `analyst` from all of these, the author, the owners of checks and those who may revoke.
    """
    policy = contract.signoff
    signers = {role for role, _ in policy.require}
    approvers = set(policy.exception_approvers)
    pinners = approvers | set(policy.change_thresholds)
    owners = {check.owner for check in contract.checks}
    holders: dict[Right, set[str]] = {
        "analyst": signers | pinners | owners | set(policy.may_revoke) | {contract.author},
        "pin": pinners,
        "sign": signers,
        "grant_exceptions": approvers,
    }
    held = set(roles_of(contract, email))
    return frozenset(right for right, roles in holders.items() if held & roles)
