"""Where evidence can come from: each kind of evaluation source, the layer it tests, and its limit.

The catalogue is the product's; a contract lists which sources it draws on. Benchmarks test their own prompts
and labels, so a result of one is shown beside a decision and never makes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from audit_core.contract.nodes import Node
from audit_core.contract.schema import EvaluationSource, ReleaseContract
from audit_core.contract.shape import problem
from audit_core.errors import Problem

Layer = Literal[
    "representation", "model output", "evaluator", "decision", "people’s experience", "not stated"
]
OTHER = "other"
NO_LIMIT_STATED = "No limit is stated for this source; read its numbers with care."
NEVER_APPROVES = (
    "Benchmark results stand beside the decision and are no part of it: none of them can approve a release."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceKind:
    """One kind of evaluation source.

    `tests` says what it asks, `limit` what it cannot show, `use` what it is good for here. `aliases` are
    other names that a table of results may use for it.
    """

    id: str
    name: str
    layer: Layer
    tests: str
    limit: str
    use: str
    aliases: tuple[str, ...] = ()


_CATALOGUE = (
    SourceKind(
        id="matched_pairs",
        name="Own matched pairs",
        layer="decision",
        tests="Whether the same case is decided alike when only one condition, such as its wording, changes.",
        limit="Written pairs are test conditions and not people: they find where decisions flip, and say "
        "nothing about how often real people meet it.",
        use="Release test of the product’s own route; a flip can fail a release.",
        aliases=("pairs",),
    ),
    SourceKind(
        id="reviewed_set",
        name="Representative reviewed set",
        layer="people’s experience",
        tests="How often people of each group are decided rightly and wrongly, on cases reviewers labelled.",
        limit="It is worth what its sampling and its reviewers are worth: who is missing from it, or was "
        "labelled wrongly, is missing from every rate.",
        use="The evidence a release is decided on.",
        aliases=("reviewed", "evaluation_set"),
    ),
    SourceKind(
        id="weat_seat",
        name="WEAT / SEAT",
        layer="representation",
        tests="Whether word or sentence vectors lie closer to some attributes for one group than another.",
        limit="An association in the vectors need not reach a decision, and a decision can harm without one.",
        use="Probe of representations where they can be looked into.",
        aliases=("weat", "seat"),
    ),
    SourceKind(
        id="stereoset",
        name="StereoSet",
        layer="representation",
        tests="Whether a language model finds a stereotyped continuation more probable than its opposite.",
        limit="It reads probabilities of its own sentences; what the product tells its users is not in it.",
        use="Regression probe between versions of a language model.",
    ),
    SourceKind(
        id="realtoxicityprompts_bold",
        name="RealToxicityPrompts / BOLD",
        layer="model output",
        tests="How often open-ended text turns toxic, or differs in tone by the group it is about.",
        limit="An automatic scorer rates the text and carries its own errors; people have to read a sample, "
        "and prompts of the product itself are needed beside it.",
        use="Generation test set that people review.",
        aliases=("realtoxicityprompts", "bold"),
    ),
    SourceKind(
        id="bbq",
        name="BBQ",
        layer="model output",
        tests="Whether answers lean on a stereotype when the text leaves the answer open, or denies it.",
        limit="Its questions are short, in English and about US groups; other tasks, languages and places "
        "are not tested.",
        use="Regression probe for question answering.",
    ),
    SourceKind(
        id="toxicity_slices",
        name="Reviewed toxicity slices",
        layer="evaluator",
        tests="Whether the safety evaluator itself flags one language variety more often than another.",
        limit="It audits the judge and not the product: an even-handed evaluator can still sit in a process "
        "that harms.",
        use="Audit of the evaluator that other tests rely on.",
    ),
)
KINDS: Mapping[str, SourceKind] = {kind.id: kind for kind in _CATALOGUE}
_BY_NAME = {name.casefold(): kind for kind in _CATALOGUE for name in (kind.id, kind.name, *kind.aliases)}


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSource:
    """A source as a report shows it: its name, its layer, its limit, and whether a contract declares it.

    `limit` is "" where nobody has stated one.
    """

    name: str
    kind: str
    layer: Layer
    limit: str
    use: str
    declared: bool


def source_problems(root: Node) -> Iterator[Problem]:
    """Yield every source of kind `other` that does not say what it is called; its limit may be missing."""
    for node in root.listed("evaluation_sources"):
        kind = node.get("kind")
        if not node.damaged and kind is not None and kind.text == OTHER and node.get("name") is None:
            message = "A source of kind “other” needs a name: add name"
            yield problem(node, "source-without-name", message)


def known_source(name: str, contract: ReleaseContract) -> KnownSource:
    """Return what is known of a source by its id in the contract, or by its name in the catalogue.

    Guarantee: a name that is neither is no error; it comes back without a limit and is shown as such.
    """
    wanted = name.strip().casefold()
    for source in contract.evaluation_sources:
        if wanted in (source.id.casefold(), source.name.casefold()):
            return declared_source(source)
    kind = _BY_NAME.get(wanted)
    if kind is None:
        return KnownSource(name=name, kind=OTHER, layer="not stated", limit="", use="", declared=False)
    for source in contract.evaluation_sources:
        if source.kind == kind.id:
            return declared_source(source)
    return KnownSource(
        name=kind.name, kind=kind.id, layer=kind.layer, limit=kind.limit, use=kind.use, declared=False
    )


def declared_source(source: EvaluationSource) -> KnownSource:
    """Return a source of the contract with what the catalogue adds to it."""
    kind = KINDS.get(source.kind)
    return KnownSource(
        name=source.name or (kind.name if kind else source.id),
        kind=source.kind,
        layer=kind.layer if kind else "not stated",
        limit=source.limit or (kind.limit if kind else ""),
        use=source.use or (kind.use if kind else ""),
        declared=True,
    )
