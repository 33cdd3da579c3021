"""Law and standards beside what an audit offers as evidence: data with a date, and careful words.

Nothing here is legal advice, and no line says that anything complies with anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit_core.report.table_rows import Rows

Seen = Literal["primary", "secondary", "memory"]

CHECKED = "mid-2026"
CHECKED_SENTENCE = f"Status checked {CHECKED}; re-verify before each release. This is not legal advice."
FOUR_FIFTHS_SCOPE = (
    "The four-fifths rule is a rule of thumb of US employment law. This contract is about another "
    "field, where the same ratio is a way of looking, not a rule."
)
NOT_THE_BIAS_AUDIT = (
    "We never call this the LL144 audit: the rule asks for an independent auditor. These tables may support "
    "an assessment under New York City Local Law 144; who makes the audit, on which data and when is for "
    "counsel. The rule asks for sex, race/ethnicity and both together; the contract's other attributes are "
    "listed as well."
)
SMALL_CELLS = (
    "Question for counsel: the rule asks for the count and rate of every category, and privacy asks "
    "that small groups are not published. "
)

_SEEN_WORDS: dict[Seen, str] = {
    "primary": "read in the text or an official page",
    "secondary": "secondary sources only",
    "memory": "not verified",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LawNote:
    """One source: what it says in our words, what an audit offers, and its status on the day of checking.

    `employment` marks what concerns employment alone.
    """

    source: str
    says: str
    offers: str
    status: str
    seen: Seen
    employment: bool = False


LAW: tuple[LawNote, ...] = (
    LawNote(
        source="Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4(D)",
        says="A selection rate below four fifths of the highest group's is generally regarded as evidence of "
        "adverse impact. A smaller difference may count where it is significant both statistically and in "
        "practice; a larger one may not, where it rests on small numbers.",
        offers="Exact impact ratios, Fisher's exact test, the difference in standard deviations, the "
        "shortfall in people, the one-more-selected check and the chance of such a gap under "
        "equal rates may support an assessment under this section.",
        status="Status changing: rescission is on the EEOC's agenda (RIN 3046-AB43, final-rule stage); "
        "publication of a final rule was not found.",
        seen="primary",
        employment=True,
    ),
    LawNote(
        source="Title VII, disparate impact, 42 USC 2000e-2(k)",
        says="Disparate impact in employment stands in the statute, whatever becomes of the Guidelines.",
        offers="The same tables may support an assessment of disparate impact.",
        status="In force. Executive Order 14281 (2025) gives its federal enforcement a lower priority.",
        seen="primary",
        employment=True,
    ),
    LawNote(
        source="Title VII, test scores, 42 USC 2000e-2(l)",
        says="In selecting or referring applicants or candidates, it is unlawful to adjust scores, "
        "use different cut-offs or otherwise alter results of employment-related tests by race, "
        "color, religion, sex or national origin.",
        offers="The threshold is one and the same for every group, as the contract states it.",
        status="In force.",
        seen="primary",
        employment=True,
    ),
    LawNote(
        source="New York City Local Law 144, 6 RCNY 5-300 to 5-304",
        says="Selection rates, or scoring rates (the share above the whole sample's median), and "
        "impact ratios against the highest, by sex, by race/ethnicity and by both together. "
        "Categories under 2 % may be left out of the ratios with a justification, their count "
        "and rate still shown; unknowns are counted. The audit is independent, at most a year "
        "old and published. It sets no line between good and bad.",
        offers="The selection and scoring tables of this screen may support an assessment under this rule. "
        "That a category left out does not set the reference is our reading.",
        status="In force. 5-300 and 5-302 were read; 5-301 and 5-303 are from secondary sources.",
        seen="primary",
        employment=True,
    ),
    LawNote(
        source="EU AI Act, Regulation 2024/1689",
        says="High-risk systems (Annex III; employment among them) need risk management (Art. 9), "
        "examination of data for bias, gaps and representativeness (Art. 10), technical "
        "documentation with accuracy for specific groups (Art. 11, Annex IV), logs (Art. 12), "
        "transparency, oversight and accuracy (Art. 13 to 15), duties of deployers (Art. 26) and "
        "monitoring (Art. 72).",
        offers="The contract and its severities, coverage of groups, drift, gaps and accuracy by "
        "group with their intervals, and the hashes of what was read may support documentation "
        "under Art. 9 to 15.",
        status="Annex III duties apply from 2 December 2027 under the Digital Omnibus on AI, adopted by the "
        "Council on 29 June 2026; its publication in the Official Journal was not verified. It also changes "
        "the basis for using sensitive data against bias.",
        seen="secondary",
    ),
    LawNote(
        source="GDPR, Article 9",
        says="Special categories of personal data may be processed only under an exception.",
        offers="The contract records each attribute's basis, purpose and who approved its use.",
        status="In force.",
        seen="memory",
    ),
    LawNote(
        source="NIST AI Risk Management Framework 1.0",
        says="Fairness and bias are evaluated and the results documented (MEASURE 2.11); owners, context and "
        "monitoring are named (GOVERN, MAP, MANAGE).",
        offers="Rates and gaps of every group with their intervals; owners and harms in the contract.",
        status="Voluntary framework. MEASURE 2.11 was read, the rest not verified.",
        seen="primary",
    ),
    LawNote(
        source="ISO/IEC 42001:2023 and TR 24027:2021",
        says="Controls for impact assessment (A.5), verification and validation, operation, "
        "documentation and event logs (A.6.2.4 to A.6.2.8) and data (A.7); bias in AI systems.",
        offers="The same artefacts may serve as records for these controls.",
        status="Voluntary standards; known by their titles alone.",
        seen="secondary",
    ),
    LawNote(
        source="Colorado SB 24-205",
        says="Asked developers and deployers for impact assessments. Its successor, SB 26-189, is about "
        "disclosure, notices and human review, without such a duty.",
        offers="Nothing here is an assessment under SB 24-205. The one-page summary may help with notices.",
        status="Repealed before taking effect: SB 26-189 was signed on 14 May 2026 and takes effect on "
        "1 January 2027.",
        seen="primary",
    ),
    LawNote(
        source="Model-risk practice (Federal Reserve SR 26-2, OCC 2026-13)",
        says="Principles for outcomes analysis, monitoring and independent review of models; not "
        "binding, and generative AI is out of scope.",
        offers="Outcome rates, drift and the release contract may support outcomes analysis and review.",
        status="SR 11-7 was superseded by SR 26-2 on 17 April 2026.",
        seen="secondary",
    ),
)
NOT_COVERED = (
    "Not covered and not verified: Illinois HB 3773, the rules of California's Civil Rights "
    "Department, tests under the ADEA and the ADA, and what the Guidelines' questions and answers say "
    "about small numbers."
)


def law_notes(domain: str) -> tuple[LawNote, ...]:
    """Return the sources that concern a domain; those about employment alone only there."""
    return tuple(note for note in LAW if domain == "employment" or not note.employment)


def law_rows(domain: str) -> Rows:
    """Return one row per source, with the date its status was checked."""
    return [
        {
            "Source": note.source,
            "What it says, in short": note.says,
            "What this audit offers": note.offers,
            "Status": note.status,
            "Checked": f"{CHECKED}, {_SEEN_WORDS[note.seen]}",
        }
        for note in law_notes(domain)
    ]
