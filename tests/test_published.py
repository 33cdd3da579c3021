"""What leaves the workspace: documents and the published part say nothing of a small group."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import numpy as np
import pypdf
import pytest
from report_factory import AS_OF, CONTRACT, audit_of, contract_of, counted, drift_table
from scipy.optimize import linprog

from audit_core.audit import AuditRequest, run_audit
from audit_core.cube.axes import UNKNOWN
from audit_core.cube.count_cube import build_cube
from audit_core.decision.verdict import RequirementState
from audit_core.evidence.workspace import Workspace
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Suppressed
from audit_core.report.junit import junit_bytes
from audit_core.report.pdf import summary_pdf
from audit_core.report.published import published
from audit_core.report.published_result import published_result, published_result_bytes
from audit_core.report.release import masks_of
from audit_core.report.result import result_bytes
from audit_core.report.sarif import sarif_bytes
from audit_core.report.sentences import sentence
from audit_core.report.step_summary import step_summary_bytes
from audit_core.report.withheld import PublishedAudit, WithheldFinding, counts_digest

GENDERS = {"man": 0.5, "nonbinary": 0.001, "woman": 0.499}
REQUIRED = CONTRACT.replace("required: [man, woman]", "required: [man, woman, nonbinary]")


@pytest.fixture(scope="module")
def audit():
    """An audit in which nonbinary people are few, in a check, in a requirement and in the combinations."""
    made = audit_of(contract_of(REQUIRED), counted(rows=5000, gender=GENDERS, seed=3))
    people = made.counted.cube.outcomes(("gender",))[("nonbinary",)]
    assert 0 < people.sum() < 10
    state = RequirementState(
        id="minimum_positive_and_negative_support", met=False, blocking=True, by="", computed=True,
        evidence=f"nonbinary has {people[1].sum()} positives and {people[0].sum()} negatives",
    )  # fmt: skip
    return replace(made, requirements=(*made.requirements, state))


@pytest.fixture(scope="module")
def documents(audit):
    """Every document as text, by name."""
    pdf = pypdf.PdfReader(io.BytesIO(summary_pdf(audit)))
    return {
        "junit": junit_bytes(audit).decode(),
        "sarif": sarif_bytes(audit).decode(),
        "step summary": step_summary_bytes(audit).decode(),
        "pdf": pdf.pages[0].extract_text(),
        "attached": pdf.attachments["published.json"][0].decode(),
        "published": published_result_bytes(audit).decode(),
    }


def told_of(audit, group="nonbinary"):
    """Ways in which the analyst's own sentences and result speak of a group with its numbers."""
    result = json.loads(result_bytes(audit))
    for rate in result["rates"]:
        if rate["group"] == [group] and rate["value"] is not None:
            yield f"{rate['value']}"
    for finding in audit.findings:
        yield from re.findall(rf"{group}[^,;·]*\(n=\d+\)", sentence(finding, audit))
        yield from re.findall(r"more \w+ of " + group, sentence(finding, audit))


def test_no_document_has_a_number_of_a_small_group(audit, documents):
    told = {text for text in told_of(audit) if len(text) > 4}
    assert any("n=" in text for text in told)  # the analyst is told
    people = int(audit.counted.cube.outcomes(("gender",))[("nonbinary",)].sum())
    for name, text in documents.items():
        for number in told:
            assert number not in text, name
        assert not re.search(rf"nonbinary[^.\n]{{0,40}}\(n={people}\)", text), name
        assert "positives and" not in text or "has" not in text.split("positives and")[0][-12:], name


def test_every_document_says_that_a_group_is_not_shown(documents):
    words = "One or more groups under 10 people were checked and are not shown"
    for name, text in documents.items():
        assert words in " ".join(text.replace("\u200b", "").split()), name


def test_the_verdict_and_every_status_are_those_of_all_counts(audit):
    shown = published(audit)
    assert shown.decision == audit.decision
    assert [(f.check, f.subject, f.status) for f in shown.findings] == [
        (f.check, f.subject, f.status) for f in audit.findings
    ]


def test_publishing_twice_changes_nothing(audit):
    shown = published(audit)
    assert isinstance(shown, PublishedAudit) and published(shown) is shown
    assert published_result_bytes(audit) == published_result_bytes(audit)


def test_rates_of_a_hidden_group_are_suppressed_in_every_view(audit):
    shown = published(audit)
    hidden = {cell.group[0] for cell in shown.release.table(("gender",)).cells if cell.shown == "hidden"}
    assert "nonbinary" in hidden and len(hidden) == 2
    for rate in shown.measurements.rates:
        if rate.subject == ("gender",) and rate.group[0] in hidden:
            assert isinstance(rate.estimate, Suppressed)
    for rate in published_result(audit)["rates"]:
        if set(rate["group"]) & {"nonbinary"}:
            assert rate["status"] != "measured" or rate["attribute"] != ["gender"]
            assert rate["numerator"] is None or rate["denominator"] >= 10


def test_no_exported_count_is_small(audit):
    result = published_result(audit)
    for group in result["groups"]:
        assert group["people"] is None or group["people"] >= 10
        assert (group["people"] is None) == (group["status"] == "suppressed")
    for rate in result["rates"]:
        if rate["numerator"] is not None:
            assert rate["numerator"] == 0 or rate["numerator"] >= 10
            rest = rate["denominator"] - rate["numerator"]
            assert rest == 0 or rest >= 10
        if rate["status"] == "too_few":
            assert rate["value"] is rate["low"] is rate["denominator"] is None
        if rate["status"] == "rounded":
            assert (rate["value"] * 20) == pytest.approx(round(rate["value"] * 20))


def test_a_check_of_a_hidden_group_has_no_number_and_a_sentence_that_says_so(audit):
    shown = published(audit)
    found = next(f for f in shown.findings if (f.check, f.subject) == ("tpr_gap_gender", ("gender",)))
    assert isinstance(found, WithheldFinding)
    assert (found.value, found.lower, found.upper, found.chance, found.needs) == (None,) * 5
    assert "nor are the numbers of this check" in sentence(found, shown)
    encoded = next(f for f in published_result(audit)["findings"] if f["check"] == "tpr_gap_gender")
    assert encoded["privacy"] == "suppressed" and encoded["value"] is encoded["high_group"] is None


def test_that_a_required_group_holds_nobody_is_not_told():
    """“No row of it” is a count of none."""
    contract = contract_of(CONTRACT.replace("required: [man, woman]", "required: [man, woman, agender]"))
    audit = audit_of(contract, counted(rows=3000, gender={"man": 0.5, "woman": 0.5}))
    assert audit.finding("slice_coverage", ("gender",)).reason == "missing_group"
    shown = published(audit)
    found = shown.finding("slice_coverage", ("gender",))
    assert (
        found.status == "FAIL" and found.reason != "missing_group" and "agender" not in sentence(found, shown)
    )
    assert (
        "missing_group" not in sarif_bytes(audit).decode()
        and "no row" not in step_summary_bytes(audit).decode()
    )


def test_without_small_groups_everything_is_published():
    genders = {"man": 0.5, "woman": 0.5}
    audit = audit_of(counts=counted(rows=6000, gender=genders, ethnicity={"Asian": 0.4, "White": 0.6}))
    shown = published(audit)
    assert shown.findings == audit.findings and not shown.release.mask
    result = published_result(audit)
    assert result["privacy"] == {"floor": 10, "suppressed": False, "sentence": None}
    assert {gap["status"] for gap in result["gaps"]} == {"measured"}
    assert "not shown" not in junit_bytes(audit).decode()


def test_the_floor_is_the_contracts():
    contract = contract_of(CONTRACT.replace("requirements:", "support: {privacy_floor: 60}\nrequirements:"))
    result = published_result(audit_of(contract, counted(rows=3000)))
    assert result["privacy"]["floor"] == 60
    assert all(group["people"] is None or group["people"] >= 60 for group in result["groups"])


def test_unknown_people_are_a_group_like_any_other():
    counts = counted(rows=4000, ethnicity={UNKNOWN: 0.0015, "Asian": 0.3, "Black": 0.2, "White": 0.4985})
    audit = audit_of(counts=counts)
    few = int(counts.cube.outcomes(("ethnicity",))[(UNKNOWN,)].sum())
    assert 0 < few < 10
    text = (
        step_summary_bytes(audit).decode()
        + pypdf.PdfReader(io.BytesIO(summary_pdf(audit))).pages[0].extract_text()
    )
    assert "no known ethnicity" not in text
    unknown = [g for g in published_result(audit)["groups"] if g["group"] == ["unknown"]]
    assert unknown == [
        {"attribute": ["ethnicity"], "group": ["unknown"], "people": None, "status": "suppressed"}
    ]


def test_bands_are_without_counts_and_figures_of_scores_have_three_decimals(audit):
    rows = published_result(audit)["calibration"]
    assert any(row["status"] == "suppressed" for row in rows)
    shown = [row for row in rows if row["status"] == "measured"]
    assert shown
    for row in shown:
        assert "n" not in row and round(row["brier"], 3) == row["brier"]
        for band in row["bands"]:
            assert set(band) == {"low", "high", "status", "observed"}
            assert band["observed"] is None or (band["observed"] * 20) == pytest.approx(
                round(band["observed"] * 20)
            )


def test_bins_are_rounded_shares_and_edges_are_nobodys_values():
    numeric = replace(
        drift_table("salary", (1000, 1000, 1000), (900, 1100, 1003), kind="numeric"),
        labels=("up to 41,217.35", "41,217.35 to 58,120.4", "above 58,120.4"), edges=(41217.35, 58120.4),
    )  # fmt: skip
    rare = drift_table("village", (2000, 1000, 4), (2000, 1100, 3), labels=("North", "South", "Smithfield"))
    told = drift_table("club", (90, 60, 4), (90, 50, 3), labels=("Chess", "Go", "Smith's own"))
    own = drift_table("gender", (2000, 4, 2000), (2000, 5, 1000), labels=("man", "nonbinary", "woman"))
    audit = audit_of(counts=counted(drift=(numeric, rare, told, own)))
    drift = {row["feature"]: row for row in published_result(audit)["drift"]}
    text = json.dumps(drift)
    for secret in ("41,217", "58120", "Smithfield", "Smith's own"):
        assert secret not in text
    assert [b["label"] for b in drift["salary"]["bins"]] == ["bin 1 of 3", "bin 2 of 3", "bin 3 of 3"]
    assert drift["village"]["bins"][2] == {"label": None, "reference": None, "current": None}
    assert drift["club"]["bins"] is None  # a share of so few rows, rounded, would still tell them
    assert drift["gender"]["bins"] is None  # the groups of an attribute are counted once, in its table


def test_the_next_audit_under_the_contract_hides_what_this_one_hid(tmp_path, audit):
    """A small group that grows by less than the floor stays hidden, and so does the one hidden for it."""
    workspace, contract = Workspace(tmp_path), REQUIRED.encode()
    workspace.save(audit, contract)
    grown = _with_more(audit, "nonbinary", 8)
    later = replace(grown, id="A-20261121-0117abce", created_at="2026-11-21T12:00:00+00:00")
    alone = {c.group[0]: c.shown for c in published(later).release.table(("gender",)).cells}
    later = replace(later, previous=workspace.withheld_before(later))
    kept = {c.group[0]: c.shown for c in published(later).release.table(("gender",)).cells}
    assert alone["nonbinary"] != "hidden" and kept["nonbinary"] == "hidden"
    workspace.save(later, contract)
    assert workspace.load(later.id).previous == later.previous
    assert workspace.withheld_before(later) == later.previous
    assert published_result_bytes(workspace.load(later.id)) == published_result_bytes(later)


def _with_more(audit, group, more):
    """The audit with a group's cells made larger by so many people."""
    cube = audit.counted.cube
    place = [axis.name for axis in cube.axes].index("gender")
    mine = np.flatnonzero(cube.codes[:, place] == cube.axes[place].levels.index(group))
    measures = cube.measures.copy()
    for at in range(more):
        row = mine[at % len(mine)]
        measures[row] += measures[row] // max(1, measures[row, 0])
    larger = replace(audit.counted, cube=replace(cube, measures=measures))
    return audit_of(audit.contract, larger)


def json_constraints(result, levels):
    """What the file says of counts by gender × ethnicity × outcome × decision: sums, and bounds."""
    sides = {
        "tpr": ({(1, 1)}, {(1, 0), (1, 1)}), "fnr": ({(1, 0)}, {(1, 0), (1, 1)}),
        "fpr": ({(0, 1)}, {(0, 0), (0, 1)}), "tnr": ({(0, 0)}, {(0, 0), (0, 1)}),
        "ppv": ({(1, 1)}, {(0, 1), (1, 1)}), "fdr": ({(0, 1)}, {(0, 1), (1, 1)}),
        "npv": ({(0, 0)}, {(0, 0), (1, 0)}), "for": ({(1, 0)}, {(0, 0), (1, 0)}),
        "selection_rate": ({(0, 1), (1, 1)}, None), "base_rate": ({(1, 0), (1, 1)}, None),
        "accuracy": ({(0, 0), (1, 1)}, None),
    }  # fmt: skip

    def row(entry, pairs):
        made = np.zeros((len(levels["gender"]), len(levels["ethnicity"]), 2, 2))
        place = [slice(None), slice(None)]
        for name, level in zip(entry["attribute"], entry["group"], strict=True):
            place[("gender", "ethnicity").index(name)] = levels[name].index(level)
        for label, decision in pairs or {(0, 0), (0, 1), (1, 0), (1, 1)}:
            made[(*place, label, decision)] = 1
        return made.ravel()

    known = [(row(group, None), group["people"]) for group in result["groups"] if group["people"] is not None]
    bounds = []
    for rate in result["rates"]:
        top, bottom = (row(rate, pairs) for pairs in sides.get(rate["metric"], (set(), None)))
        if rate["metric"] in sides and rate["numerator"] is not None:
            known += [(top, rate["numerator"]), (bottom, rate["denominator"])]
        if rate["metric"] in sides and rate["status"] == "rounded":
            bounds += [top - (rate["value"] + 0.025) * bottom, (rate["value"] - 0.025) * bottom - top]
    return known, bounds


@pytest.mark.parametrize(("policy", "fewest"), [("protected", 9), ("rounded", 5)])
def test_the_published_json_tells_of_no_small_count(audit, policy, fewest):
    """The attack reads nothing but the file; small counts of larger groups are aims where protected."""
    support = replace(audit.contract.support, small_counts=policy)
    audit = replace(audit, contract=replace(audit.contract, support=support))
    result = json.loads(published_result_bytes(audit))
    levels = {
        name: [g["group"][0] for g in result["groups"] if g["attribute"] == [name]]
        for name in ("gender", "ethnicity")
    }
    known, bounds = json_constraints(result, levels)
    rows, at = np.unique(np.array([row for row, _ in known]), axis=0, return_index=True)
    sums = np.array([float(value) for _, value in known])[at]
    true = audit.counted.cube.outcomes(("gender", "ethnicity"))
    attacked = 0
    for g, gender in enumerate(levels["gender"]):
        for e, ethnicity in enumerate(levels["ethnicity"]):
            table = true.get((gender, UNKNOWN if ethnicity == "unknown" else ethnicity), np.zeros((3, 4)))
            aim = np.zeros((len(levels["gender"]), len(levels["ethnicity"]), 2, 2))
            if table.sum() < 10:
                aim[g, e] = 1
            elif policy == "protected" and 0 < table[0, 1] < 10:
                aim[g, e, 0, 1] = 1
            else:
                continue
            ends = [
                sign
                * linprog(
                    sign * aim.ravel(), np.array(bounds or [0 * aim.ravel()]),
                    np.full(max(1, len(bounds)), 1e-7), rows, sums, bounds=(0, None),
                ).fun
                for sign in (1, -1)
            ]  # fmt: skip
            assert ends[1] - ends[0] >= 10 - 1e-4 and ends[1] >= 10 - 1e-4, (gender, ethnicity, ends)
            attacked += 1
    assert attacked >= fewest


def test_every_screen_says_that_it_shows_full_counts():
    from pages.ui.strip import full_counts

    said = "Full counts, for analysts. What leaves this workspace hides cells under 10 people."
    assert full_counts(10) == said


def test_published_tables_that_cross_tell_nothing_of_each_other(tmp_path):
    """Tables without rows have no cells in common, so a margin and its parts could be subtracted."""
    sizes = {"X": 3, "A": 310, "B": 290, "Y": 62, "Z": 31}
    lines = ["attribute,group,n,selected"]
    for sex in ("M", "F"):
        lines += [
            f"sex × race,{sex} × {race},{n if sex == 'M' else n + 100},{n // 2}" for race, n in sizes.items()
        ]
    lines += ["sex,M,696,347", "sex,F,1196,347"]
    lines += [f"race,{race},{2 * n + 100},{2 * (n // 2)}" for race, n in sizes.items()]
    (tmp_path / "counts.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = (
        CONTRACT[: CONTRACT.index("data:")]
        + "data:\n  attributes: [{name: sex}, {name: race}]\n  intersections: [[sex, race]]\ntable: {}\n"
        + "checks:\n  - {id: ratio, stage: training, metric: selection_rate, compare: ratio, of: [sex],"
        + " limit: {min: 0.8},"
        + " severity: major, owner: ml_owner, why: w}\n"
        + CONTRACT[CONTRACT.index("roles:") :]
    )
    request = AuditRequest(
        contract=text.encode(), contract_name="c", table=tmp_path / "counts.csv", as_of=AS_OF
    )
    made = run_audit(request, Workspace(tmp_path / "w"))
    people = {(*g["attribute"], *g["group"]): g["people"] for g in published_result(made)["groups"]}
    assert people["sex", "M"] == 696
    assert all(people["sex", "race", sex, race] is None for sex in "MF" for race in sizes)


def test_a_psi_with_a_small_bin_is_told_to_one_decimal(audit):
    rows = replace(audit.counted, drift=(drift_table("club", (1000, 1400, 100), (1100, 1300, 7)),))
    made = audit_of(audit.contract, rows)
    assert made.measurements.drift[0].statistics.psi not in (
        round(made.measurements.drift[0].statistics.psi, 1),
    )
    shown = published(made)
    told = shown.measurements.drift[0].statistics.psi
    assert told == round(made.measurements.drift[0].statistics.psi, 1)
    finding = shown.finding("input_drift")
    assert finding.value == round(finding.value, 1)


def test_a_rate_with_few_outside_it_is_rounded_too(audit):
    release = published(audit).release
    for table in release.tables:
        for cell in table.cells:
            for name in ("tpr", "fpr"):
                counts = cell.rate(masks_of(RATES[name])) if cell.shown != "hidden" else None
                assert counts is None or all(n == 0 or n >= 10 for n in (counts[0], counts[1] - counts[0]))


def test_an_audit_remembers_what_every_earlier_one_hid(tmp_path, audit):
    """By the order of writing, and past an audit in between that hid less."""
    workspace, contract = Workspace(tmp_path), REQUIRED.encode()
    workspace.save(replace(audit, id="A-20261119-0117abcd", created_at="2026-11-19T12:00:00+00:00"), contract)
    between = audit_of(audit.contract, counted(rows=5000, gender={"man": 0.5, "woman": 0.5}, seed=4))
    workspace.save(
        replace(between, id="A-20261118-0117abcd", created_at="2026-11-18T12:00:00+00:00"), contract
    )
    later = replace(audit, id="A-20261117-0117abcd", created_at="2026-11-17T12:00:00+00:00")
    hidden = {(cell.subject, cell.group) for cell in workspace.withheld_before(later)}
    assert (("gender",), ("nonbinary",)) in hidden


def test_counts_without_scores_that_hide_something_have_no_hash_to_try_out(audit):
    cube = audit.counted.cube
    codes = cube.codes.copy()
    codes[:, -1] = -1
    bare = replace(
        audit, counted=replace(audit.counted, cube=build_cube(cube.axes, cube.bands, codes, cube.measures))
    )
    fingerprint = bare.counted.cube.fingerprint
    assert counts_digest(bare) == fingerprint  # the analyst's
    assert counts_digest(published(bare)) == "Withheld for privacy"
    assert fingerprint not in published_result_bytes(bare).decode() + junit_bytes(bare).decode()
    assert counts_digest(published(audit)) == audit.counted.cube.fingerprint
