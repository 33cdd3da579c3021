"""Who vouches for a model file: the inspection, the release itself, a reviewer, or whoever runs the audit.

The inspection alone is enough only where the scoring process is locked. What it refuses nobody can accept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from audit_core.errors import ModelError
from audit_core.sources.model import PREDICTIONS_INSTEAD, ModelFile
from audit_core.sources.model_inspect import Inspection

_PINS: Final = Path(__file__).with_name("pins.json")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
MOST_SHOWN: Final = 5

TrustedBy = Literal["inspection", "pinned", "reviewer", "person"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A reviewer's acceptance of one file: its bytes, and the names that were on the screen."""

    sha256: str
    names: frozenset[str]
    reviewer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who vouches for the bytes with this SHA-256; `reviewer` is the name of the person, where one did."""

    sha256: str
    by: TrustedBy
    reviewer: str = ""


def pinned_models() -> Mapping[str, str]:
    """The models that ship with this release, as SHA-256 → why each one is trusted.

    Raises
    ------
    ModelError
        The list of pins that belongs to this release is damaged.
    """
    try:
        pins = json.loads(_PINS.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise _damaged_pins() from error
    if not isinstance(pins, dict):
        raise _damaged_pins()
    for sha256, reason in pins.items():
        if not _SHA256.fullmatch(sha256) or not isinstance(reason, str):
            raise _damaged_pins()
    return pins


def find_trust(
    model: ModelFile,
    inspection: Inspection,
    *,
    isolated: bool,
    accepted: Collection[str] = (),
    reviews: Collection[Review] = (),
) -> Trust | None:
    """Who vouches for this file, None where nobody does; a refused file has nobody.

    Parameters
    ----------
    isolated
        Whether the scoring process can be locked on this system.
    accepted
        SHA-256 of the files that whoever runs the audit decided to trust.
    reviews
        What reviewers accepted; a review counts while it covers every name in question.
    """
    if inspection.verdict == "refused":
        return None
    if model.sha256 in pinned_models():
        return Trust(sha256=model.sha256, by="pinned")
    if inspection.verdict == "verified" and isolated:
        return Trust(sha256=model.sha256, by="inspection")
    for review in reviews:
        if review.sha256 == model.sha256 and review.names >= set(inspection.extra):
            return Trust(sha256=model.sha256, by="reviewer", reviewer=review.reviewer)
    # A hash is copied from other tools' output: capitals and a "sha256:" prefix name the same bytes.
    if model.sha256 in {text.strip().lower().removeprefix("sha256:") for text in accepted}:
        return Trust(sha256=model.sha256, by="person")
    return None


def require_trust(
    model: ModelFile,
    inspection: Inspection,
    *,
    isolated: bool,
    accepted: Collection[str] = (),
    reviews: Collection[Review] = (),
) -> Trust:
    """Who vouches for this file, as `find_trust`.

    Raises
    ------
    ModelError
        Nobody does, or the inspection refused it: the reason in words.
    """
    trust = find_trust(model, inspection, isolated=isolated, accepted=accepted, reviews=reviews)
    if trust is not None:
        return trust
    if inspection.verdict == "refused":
        more = len(inspection.reasons) - 1
        also = f", and {more} more reason{'s' if more > 1 else ''}" if more else ""
        problem = f"The model file is refused, unopened. {inspection.reasons[0]}{also}"
        raise ModelError(problem, where=model.name, remedy=with_predictions(inspection.remedy))
    raise ModelError(
        f"The model file needs a review before it is opened. {question(inspection)}",
        where=model.name,
        remedy=f"{PREDICTIONS_INSTEAD}; or, if you know where the file comes from, pass "
        f"--trust {model.sha256}, or have a reviewer accept it on the Model page",
    )


def question(inspection: Inspection) -> str:
    """What a reviewer is asked to vouch for, as one sentence without a full stop."""
    if not inspection.extra:
        return "Nothing in it is unusual, but this system can't lock the scoring process"
    shown = ", ".join(inspection.extra[:MOST_SHOWN])
    more = len(inspection.extra) - MOST_SHOWN
    tail = f" and {more} more" if more > 0 else ""
    return f"It also uses {shown}{tail}, which nobody has examined"


def with_predictions(remedy: str) -> str:
    """A remedy after the way that needs no model file."""
    if "predictions" in remedy or not remedy:
        return remedy or PREDICTIONS_INSTEAD
    return f"{PREDICTIONS_INSTEAD}; or {remedy[0].lower()}{remedy[1:]}"


def _damaged_pins() -> ModelError:
    return ModelError(
        "The list of models pinned by this release is damaged", where=_PINS.name, remedy="Install it again"
    )
