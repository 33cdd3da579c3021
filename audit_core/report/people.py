"""The contract's own words for people and decisions, where they can be taken from it without guessing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.axes import level_word, same_value
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Group
from audit_core.metrics.measure import rate_metric
from audit_core.report.escape import clip, visible
from audit_core.report.numbers import decimal

_YES = ("1", "true", "yes")
_ADJECTIVE = re.compile(r"[a-z]+(ed|able|ible|worthy|ready)")
_NOUN = re.compile(
    r"([A-Za-z]{3,}s)(?:$|[,.;]| (?:to|of|in|for|who|whose|at|from|with|by|on|and|[a-z]+(?:ing|ed))\b)"
)
_VERB = re.compile(r"([A-Za-z]+) (?:the|an|a|this|each|every)\b")
# Verb of the question → its past form, by whether saying yes is good for the person.
_GOOD = {
    "accept": "accepted", "admit": "admitted", "advance": "advanced", "approve": "approved",
    "award": "awarded", "enrol": "enrolled", "enroll": "enrolled", "grant": "granted", "hire": "hired",
    "interview": "interviewed", "invite": "invited", "offer": "offered", "promote": "promoted",
    "recommend": "recommended", "release": "released", "select": "selected", "send": "sent",
    "serve": "served", "shortlist": "shortlisted",
}  # fmt: skip
_BAD = {
    "block": "blocked", "decline": "declined", "deny": "denied", "dismiss": "dismissed", "flag": "flagged",
    "investigate": "investigated", "refuse": "refused", "reject": "rejected", "remove": "removed",
    "stop": "stopped", "suspend": "suspended",
}  # fmt: skip
_PLURALS = {
    "man": "men",
    "woman": "women",
    "men": "men",
    "women": "women",
    "male": "males",
    "female": "females",
}
_NAME_LENGTH = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who is judged (“applicants”), and what being selected means (“advance”, “advanced”)."""

    noun: str
    positives: str
    negatives: str
    positive_is: str
    verb: str
    past: str


def people(contract: ReleaseContract) -> People:
    """Return the contract's words for people, neutral ones where it has none that fit."""
    noun = _noun(contract.decision.population)
    verb, past = _verb(contract)
    adjective = _adjective(contract)
    if adjective:
        positives, negatives = f"{adjective} {noun}", f"{noun} who were not {adjective}"
    else:
        positives, negatives = f"{noun} with a positive outcome", f"{noun} with a negative outcome"
    return People(
        noun=noun,
        positives=positives,
        negatives=negatives,
        positive_is=adjective or "of a positive outcome",
        verb=verb,
        past=past,
    )


def selected_is_favourable(contract: ReleaseContract) -> bool:
    """Whether being selected is what is good for the person."""
    return rate_metric(contract, "selection_rate", favourable=True) is RATES["selection_rate"]


def group_words(group: Group) -> str:
    """Return a group as a person reads it: hidden characters written out, long names cut."""
    return " × ".join(_name(level_word(level)) for level in group) if group else "everybody"


def subject_words(subject: tuple[str, ...]) -> str:
    """Return the attributes of a subject as a person reads them, as groups are."""
    return " × ".join(map(_name, subject)) if subject else "everybody"


def _name(text: str) -> str:
    return clip(visible(text), _NAME_LENGTH)


def of_every_hundred(
    metric: str,
    pair: tuple[tuple[Group, Fraction], tuple[Group, Fraction]],
    contract: ReleaseContract,
    *,
    favourable: bool = False,
    base: int | None = None,
) -> str:
    """Return one metric of two groups as a sentence about people, or "" where there is none.

    `favourable`: a selection rate is that of the decision that is good for the person (impact ratios).
    `base`: of how many people; by itself a hundred, or a thousand where a hundred would hide a difference.

    “Of every 100 qualified applicants in each group, the model advanced about 71 men and 57 women.”
    """
    if metric == "calibration_in_the_large":
        return _meaning_of_scores(pair)
    words = people(contract)
    template = _template(metric, words, "in each group")
    if metric == "selection_rate" and favourable and not selected_is_favourable(contract):
        template = f"{words.noun} in each group, about {{}} received the favourable decision"
    if template is None:
        return ""
    base = base or people_base(*(rate for _, rate in pair))
    shown = [_group_count(group, rate, base) for group, rate in pair]
    return f"Of every {base:,} " + template.format(" and ".join(shown)) + "."


def of_one_group(
    metric: str, group: Group, rates: tuple[Fraction, Fraction], contract: ReleaseContract
) -> str:
    """Return one group's rate before and now as a sentence about people, or "" where there is none.

    “Of every 100 qualified applicants in “woman”, the model did not advance about 47. Under the baseline it
    was about 39.”
    """
    template = _template(metric, people(contract), f"in “{group_words(group)}”")
    if template is None or not group:
        return ""
    before, now = rates
    base = people_base(before, now)
    said = f"Of every {base:,} " + template.format(decimal(now * base, 0))
    return f"{said}. Under the baseline it was about {decimal(before * base, 0)}."


def _template(metric: str, words: People, where: str) -> str | None:
    """What a metric says of people, with a gap for their number."""
    where = where.replace("{", "{{").replace("}", "}}")
    return {
        "tpr": f"{words.positives} {where}, the model {words.past} about {{}}",
        "fnr": f"{words.positives} {where}, the model did not {words.verb} about {{}}",
        "fpr": f"{words.negatives} {where}, the model {words.past} about {{}}",
        "tnr": f"{words.negatives} {where}, the model did not {words.verb} about {{}}",
        "selection_rate": f"{words.noun} {where}, the model {words.past} about {{}}",
        "ppv": f"{words.noun} the model {words.past} {where}, about {{}} were {words.positive_is}",
    }.get(metric)


def _meaning_of_scores(pair: tuple[tuple[Group, Fraction], tuple[Group, Fraction]]) -> str:
    (first, above), (second, other) = pair
    return (
        f"On average, outcomes in “{group_words(first)}” were {_off(above)} what the scores say; "
        f"in “{group_words(second)}” they were {_off(other)}."
    )


def _off(residual: Fraction) -> str:
    side = "above" if residual >= 0 else "below"
    return f"{decimal(abs(residual) * 100, 1)} pts {side}"


def people_base(first: Fraction, second: Fraction) -> int:
    """Return of how many people two rates are told: 100, or 1000 where 100 would make them look alike."""
    return 100 if first == second or round(first * 100) != round(second * 100) else 1000


def _group_count(group: Group, rate: Fraction, base: int) -> str:
    number = decimal(rate * base, 0)
    plural = _PLURALS.get(group[0].lower()) if len(group) == 1 else None
    return f"{number} {plural}" if plural else f"{number} in “{group_words(group)}”"


def _noun(population: str) -> str:
    found = _NOUN.match(population.strip())
    return found[1].lower() if found else "people"


def _adjective(contract: ReleaseContract) -> str:
    label = contract.data.label
    if label is None:
        return ""
    named = label.column.lower()
    means_yes = not label.positive or any(same_value(cell, yes) for cell in label.positive for yes in _YES)
    return named if means_yes and _ADJECTIVE.fullmatch(named) else ""


def _verb(contract: ReleaseContract) -> tuple[str, str]:
    """The question's verb, only where its meaning agrees with which side is favourable."""
    found = _VERB.match(contract.decision.question.strip())
    known = _GOOD if selected_is_favourable(contract) else _BAD
    verb = found[1].lower() if found else ""
    return (verb, known[verb]) if verb in known else ("select", "selected")
