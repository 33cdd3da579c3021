"""The baseline of a release: how it comes in, what is counted of it, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from streamlit.testing.v1 import AppTest

from audit_core.audit import AuditRequest, count, run_audit
from audit_core.audit.baseline import given_baseline
from audit_core.audit.request import LAST_APPROVED
from audit_core.cli import main
from audit_core.cli.outputs import print_decision
from audit_core.contract.yaml import contract_problems, parse_contract
from audit_core.cube.axes import ABSENT, NEITHER, NO, YES
from audit_core.cube.baseline import BASELINE_DECISION
from audit_core.cube.build import count_table
from audit_core.cube.build_baseline import beside_by_column, beside_by_id, count_paired, count_result
from audit_core.cube.coding import code_table
from audit_core.cube.latest import judged_rows, within
from audit_core.errors import AuditError, ModelError, SourceError, UsageError
from audit_core.evidence.record_file import seal
from audit_core.evidence.stored import cells_to_bytes, counted_from_json, counted_to_json
from audit_core.evidence.workspace import Workspace
from audit_core.report.headline import headline
from audit_core.report.pdf_page import page_values
from audit_core.report.published import published
from audit_core.report.published_result import published_result
from audit_core.report.result import result_bytes, result_schema
from audit_core.report.step_summary import step_summary_bytes
from audit_core.report.summary import summary
from audit_core.report.summary_notes import not_known
from audit_core.sources.baseline import LARGEST, is_result, read_result, result_in
from audit_core.sources.tables import connect, open_table
from pages.ui.running import inputs_of

ROOT = Path(__file__).resolve().parent.parent
HIRING = ROOT / "sample_data" / "hiring"
AS_OF = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
CONTRACT = """\
schema: evenhand/contract/v1
id: small
version: 7
status: approved
domain: other
decision: {question: q, population: p, favourable: 1, harm: h, harmed_by: both}
data:
  label: {column: y}
  score: {column: score, threshold: 0.5}
  id: person
  window: day
  attributes:
    - {name: g, basis: none}
    - {name: h, basis: none}
  intersections: [[g, h]]
support: {positives: 20, negatives: 20, rows: 20}
requirements:
  - {id: owner_named, met: true, by: o, evidence: memo}
checks:
  - {id: everyone, stage: data, metric: coverage, of: [g], severity: critical, owner: o, why: w}
  - {id: no_regression, stage: predeploy, metric: tpr, against: baseline, of: [g], limit: {max_increase: 0.02}, severity: minor, owner: o, why: w}
  - {id: live, stage: canary, metric: selection_rate, compare: ratio, of: [g], window: 2d, limit: {min: 0.80}, severity: critical, owner: o, on_fail: {action: rollback, notify: oncall}, why: w}
roles:
  o: {name: n, contact: c}
  oncall: {name: Night shift, contact: night@example.com}
author: o
"""  # noqa: E501
SPEC = parse_contract(CONTRACT.encode(), "contract.yaml")
BY_COLUMN = "baseline: {policy: given, column: approved}\n"


def table(n=240, seed=3, **columns):
    """Rows of two attributes with scores of a model and of the one before it."""
    draw = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "person": [f"P{i}" for i in range(n)],
            "g": np.where(np.arange(n) % 2, "A", "B"),
            "h": np.where(np.arange(n) % 3, "x", "z"),
            "y": draw.integers(0, 2, n),
            "score": np.round(draw.random(n), 3),
            "approved": np.round(draw.random(n), 3),
            "day": [f"2026-11-{1 + i % 4:02d}" for i in range(n)],
        }
    )
    return found.assign(**columns)


def csv(folder, rows, name="rows.csv"):
    path = folder / name
    rows.to_csv(path, index=False)
    return path


def request_of(evaluation, contract=CONTRACT, **more):
    return AuditRequest(
        contract=contract.encode(), contract_name="contract.yaml", evaluation=evaluation, as_of=AS_OF, **more
    )


def audited(folder, rows=None, contract=CONTRACT, **more):
    """An audit of rows, and the path of its result."""
    evaluation = csv(folder, table() if rows is None else rows, f"rows{len(list(folder.iterdir()))}.csv")
    workspace = Workspace(folder / "w")
    audit = run_audit(request_of(evaluation, contract, **more), workspace)
    return audit, workspace.root / "audits" / audit.id / "audit.json"


def counted(folder, rows=None, contract=CONTRACT, separator=",", **more):
    """The counts and the sources of a run on rows, before anything is judged."""
    evaluation = folder / f"rows{len(list(folder.iterdir()))}.csv"
    (table() if rows is None else rows).to_csv(evaluation, index=False, sep=separator)
    spec = parse_contract(contract.encode(), "contract.yaml")
    request = request_of(evaluation, contract, **more)
    return count(request, spec, Workspace(folder / "w"), lambda _stage, _share: None)[:2]


def same(left, right):
    """Whether two cubes count the same people by label and decision in every group of every subject."""
    return all(
        left.outcomes(subject).keys() == right.outcomes(subject).keys()
        and all(np.array_equal(cells, right.outcomes(subject)[group])
                for group, cells in left.outcomes(subject).items())
        for subject in ((), ("g",), ("h",), ("g", "h"))
    )  # fmt: skip


# The audited rows with both decisions


@settings(max_examples=12)
@given(st.data())
def test_the_paired_cube_sums_to_the_audits_own_and_crosses_both_decisions(tmp_path_factory, data):
    n = data.draw(st.integers(4, 40))
    scores = st.lists(st.sampled_from([0.1, 0.5, 0.9, None]), min_size=n, max_size=n)
    one, other = data.draw(scores), data.draw(scores)
    one[0], other[0] = 0.9, 0.1
    rows = table(n, score=one, approved=other)
    rows["y"] = rows["y"].where(np.arange(n) % 5 > 0)
    path = csv(tmp_path_factory.mktemp("t"), rows)
    con = connect((path,))
    opened = open_table(con, path, "evaluation")
    spec = parse_contract((CONTRACT + BY_COLUMN).encode(), "c")
    paired = count_paired(con, beside_by_column(con, opened, "approved", spec), spec)
    assert same(paired, count_table(con, opened, code_table(con, opened, spec)))
    counts = {(int(level[0]), decision): int(cells[:, decision].sum())
              for level, cells in paired.outcomes((BASELINE_DECISION,)).items()
              for decision in (NO, YES) if cells[:, decision].sum()}  # fmt: skip
    kept = rows[rows["score"].notna()]
    before = np.where(kept["approved"].isna(), ABSENT, np.where(kept["approved"] >= 0.5, YES, NO))
    expected = pd.Series(list(zip(before, np.where(kept["score"] >= 0.5, YES, NO), strict=True)))
    assert counts == {tuple(map(int, key)): count for key, count in expected.value_counts().items()}
    assert (paired.codes[:, -1] == -1).all()  # no bands: it stays small


@settings(max_examples=10)
@given(st.integers(2, 60), st.randoms(use_true_random=False))
def test_rows_are_paired_by_id_as_pandas_merges_them(tmp_path_factory, n, random):
    folder = tmp_path_factory.mktemp("t")
    rows = table(n, person=range(n), score=[random.choice([0.2, 0.5, 0.8]) for _ in range(n)])
    stable = pd.DataFrame({"score": [random.choice([0.2, 0.5, 0.8]) for _ in range(n)], "person": range(n)})
    stable["person"] = stable["person"].astype(float)  # as pandas writes ids once a column had a gap
    stable = stable.sample(frac=1, random_state=random.randrange(100))
    paths = csv(folder, rows), csv(folder, stable, "stable.csv")
    con = connect(paths)
    first, second = (open_table(con, path, "evaluation") for path in paths)
    paired = count_paired(con, beside_by_id(con, first, second, SPEC), SPEC)
    merged = rows.merge(stable, on="person", validate="1:1")
    expected = pd.crosstab([merged["g"], merged["score_y"] >= 0.5], [merged["y"], merged["score_x"] >= 0.5])
    for (group, level), cells in paired.outcomes(("g", BASELINE_DECISION)).items():
        for label in (NO, YES):
            for decision in (NO, YES):
                key = (label, bool(decision))
                wanted = expected.loc[(group, level == "1"), key] if key in expected else 0
                assert cells[label, decision] == wanted


@pytest.mark.parametrize(
    "change",
    [
        lambda ids: [*ids[:-1], "Q"],
        lambda ids: [*ids[:-1], ids[0]],
        lambda ids: [*ids[:-1], None],
        lambda ids: ids[:-1],
    ],
    ids=["another id", "an id twice", "no id", "one row less"],
)
def test_rows_whose_ids_do_not_pair_are_compared_unpaired(tmp_path, change):
    rows = table()
    stable = rows.head(len(change(list(rows["person"])))).assign(
        person=change(list(rows["person"])), score=rows["approved"]
    )
    now, sources = counted(tmp_path, rows, baseline=csv(tmp_path, stable, "stable.csv"))
    found = now.baseline
    assert found.paired is None and found.other.rows == len(stable)
    assert found.approval == "not_shown" and found.name == "stable.csv"
    selected = stable[(stable["g"] == "A") & (stable["score"] >= 0.5)]
    assert found.other.outcomes(("g",))[("A",)][:, YES].sum() == len(selected)
    assert (sources[-1].role, sources[-1].name, sources[-1].rows) == ("baseline", "stable.csv", len(stable))


def test_a_stable_release_of_scores_and_ids_alone_is_enough_to_pair(tmp_path):
    rows = table()
    stable = rows[["person", "approved"]].rename(columns={"approved": "score"}).iloc[::-1]
    now, _ = counted(tmp_path, rows, baseline=csv(tmp_path, stable, "stable.csv"))
    found = now.baseline
    assert found.other is None and same(found.paired, now.cube)
    yes = found.paired.at(BASELINE_DECISION, "1")
    assert yes.rows == (rows["approved"] >= 0.5).sum()


# A column of the audited file


def test_a_column_holds_the_baselines_scores_with_a_cut_off_of_its_own(tmp_path):
    contract = CONTRACT + "baseline: {policy: given, column: approved, threshold: 0.7}\n"
    rows = table()
    found = counted(tmp_path, rows, contract)[0].baseline.paired.outcomes((BASELINE_DECISION,))
    levels = {level: int(cells.sum()) for (level,), cells in found.items()}
    above = int((rows["approved"] >= 0.7).sum())
    assert levels == {"0": len(rows) - above, "1": above}


def test_a_column_holds_the_baselines_decisions_where_the_file_holds_decisions(tmp_path):
    contract = (
        CONTRACT.replace(
            "score: {column: score, threshold: 0.5}",
            "decision: {column: route, positive: yes, abstain: later}",
        ).replace("favourable: 1", "favourable: yes")
        + BY_COLUMN
    )
    words = np.array(["yes", "no", "later"], dtype=object)
    rows = table(route=words[np.arange(240) % 3], approved=words[np.arange(240) // 80])
    audit, path = audited(tmp_path, rows, contract)
    found = audit.counted.baseline.paired
    assert {group[0]: int(cells.sum()) for group, cells in found.outcomes((BASELINE_DECISION,)).items()} == {
        "0": 80, "1": 80, str(NEITHER): 80,
    }  # fmt: skip
    # and a result keeps abstentions apart from refusals
    counted = count_result(read_result(path), audit.contract)
    for group, cells in audit.counted.cube.outcomes(("g",)).items():
        read = counted.outcomes(("g",))[group]
        assert read[:, NEITHER].sum() == cells[:, NEITHER].sum()
        assert read[YES, YES] == cells[YES, YES] and read[:, YES].sum() == cells[:, YES].sum()


@pytest.mark.parametrize(
    ("approved", "said"),
    [
        ([50.0, 70.0], "lie outside the scale from 0 to 1"),
        (["0,5", "0,7"], "decimal"),
        (["low", "high"], "no usable score or decision"),
        ([None, None], "no usable score or decision"),
    ],
)
def test_scores_of_the_baseline_that_cannot_be_compared_are_refused(tmp_path, approved, said):
    rows = table().assign(approved=[approved[i % 2] for i in range(240)])
    with pytest.raises(SourceError, match=said):
        counted(tmp_path, rows, CONTRACT + BY_COLUMN, separator=";")


def test_a_column_the_contract_names_and_the_file_lacks_is_an_error_where_a_check_needs_it(tmp_path):
    rows = table().drop(columns="approved")
    with pytest.raises(UsageError, match="no column named “approved”"):
        counted(tmp_path, rows, CONTRACT + BY_COLUMN)
    now, _ = counted(tmp_path, rows, CONTRACT + BY_COLUMN, stages=("data",))
    assert now.baseline is None


def test_the_baselines_column_is_no_input_of_the_model(tmp_path):
    train = csv(tmp_path, table(seed=8, person=[f"T{i}" for i in range(240)], pay=1.5), "train.csv")
    rows = table(pay=np.arange(240) / 10)
    features = {
        drift.feature for drift in counted(tmp_path, rows, CONTRACT + BY_COLUMN, train=train)[0].drift
    }
    assert "pay" in features and "approved" not in features


@pytest.mark.parametrize(
    ("section", "code"),
    [
        ("baseline: {policy: given, column: score}", "same-column"),
        ("baseline: {policy: given, column: y}", "same-column"),
        ("baseline: {policy: given, threshold: 1.5}", "out-of-range"),
        ("baseline: {policy: given, column: approved, threshold: 0.7}", None),
        ("baseline: {column: approved}", "missing-key"),
    ],
)
def test_the_contract_says_what_is_wrong_with_its_baseline(section, code):
    problems = contract_problems(f"{CONTRACT}{section}\n".encode())
    assert [problem.code for problem in problems] == ([code] if code else [])


def test_a_cut_off_without_a_score_is_not_used():
    text = CONTRACT.replace("score: {column: score, threshold: 0.5}", "decision: {column: d, positive: 1}")
    problems = contract_problems(f"{text}baseline: {{policy: given, threshold: 0.5}}\n".encode())
    assert [problem.code for problem in problems] == ["key-not-used"]


# The model itself, and the result of its audit


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two models of one feature, the audit of each, and the folder they lie in."""
    folder = tmp_path_factory.mktemp("models")
    rows = table(400, seed=5).drop(columns=["score", "approved"])
    draw = np.random.default_rng(5)
    rows["pay"] = np.round(rows["y"] + draw.normal(size=400), 2)
    rows["years"] = np.round(draw.normal(size=400), 2)
    for name, columns in (("new", ["pay", "years"]), ("old", ["pay"])):
        joblib.dump(LogisticRegression().fit(rows[columns], rows["y"]), folder / f"{name}.joblib")
    csv(folder, rows)
    return folder, rows


def test_result_and_model_give_both_comparisons_and_the_approval(trained, tmp_path):
    folder, rows = trained
    before = run_audit(
        request_of(folder / "rows.csv", model=folder / "old.joblib", stages=("data",)), Workspace(tmp_path)
    )
    result = tmp_path / "audit.json"
    result.write_bytes(result_bytes(before))
    given_to = {"baseline": result, "baseline_model": folder / "old.joblib"}
    audit = run_audit(
        request_of(folder / "rows.csv", model=folder / "new.joblib", **given_to), Workspace(tmp_path)
    )
    found = audit.counted.baseline
    assert (found.approval, found.audit_id, found.name) == ("approved", before.id, "old.joblib")
    assert found.model_sha256 == before.model.sha256
    assert same(found.paired, audit.counted.cube) and same(found.other, before.counted.cube)
    old = joblib.load(folder / "old.joblib").predict_proba(rows[["pay"]])[:, 1] >= 0.5
    new = joblib.load(folder / "new.joblib").predict_proba(rows[["pay", "years"]])[:, 1] >= 0.5
    for (level,), cells in found.paired.outcomes((BASELINE_DECISION,)).items():
        there = old == (level == "1")
        assert cells[:, :2].sum(axis=0).tolist() == [(~new & there).sum(), (new & there).sum()]
    roles = [(source.role, source.name) for source in audit.sources]
    assert roles[-2:] == [("baseline", "audit.json"), ("baseline", "old.joblib")]
    kept = Workspace(tmp_path).load(audit.id)
    assert kept.counted.baseline == found and kept.findings == audit.findings
    with pytest.raises(UsageError, match="not the one that audit"):
        given_to["baseline_model"] = folder / "new.joblib"
        run_audit(
            request_of(folder / "rows.csv", model=folder / "new.joblib", **given_to), Workspace(tmp_path)
        )


def test_a_baseline_model_is_refused_like_any_other(tmp_path):
    (tmp_path / "bad.joblib").write_bytes(b"\x80\x04cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ModelError):
        counted(tmp_path, baseline_model=tmp_path / "bad.joblib")


def test_another_baseline_is_another_audit(tmp_path):
    rows = csv(tmp_path, table())
    stables = [csv(tmp_path, table(seed=seed), f"s{seed}.csv") for seed in (1, 2)]
    ids = {run_audit(request_of(rows, baseline=given), Workspace(tmp_path / "w")).id for given in stables}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"baseline": "rows.csv", "baseline_model": Path("m.joblib")}, "given twice, as rows and as a model"),
        ({"baseline": "pack.zip"}, "archive"),
        ({"baseline": "gone.json"}, "no such file"),
        ({"baseline": "gone.csv"}, "no such file"),
    ],
)
def test_what_cannot_be_a_baseline_is_one_error(tmp_path, more, said):
    csv(tmp_path, table())
    (tmp_path / "pack.zip").write_bytes(b"PK\x03\x04rest")
    more = {key: tmp_path / value for key, value in more.items()}
    with pytest.raises(AuditError, match=said) as caught:
        run_audit(request_of(tmp_path / "rows.csv", **more), Workspace(tmp_path / "w"))
    assert caught.value.remedy


# Result files of strangers


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A result file's own values."""
    _, path = audited(tmp_path_factory.mktemp("good"))
    return json.loads(path.read_bytes())


def test_a_result_gives_back_the_counts_it_was_made_from(tmp_path):
    audit, path = audited(tmp_path, table(y=[1, 0, None] * 80))
    read = count_result(read_result(path), SPEC)
    assert same(read, audit.counted.cube)
    again = result_in(path.read_bytes(), "x")
    assert (again.audit_id, again.verdict, again.model_sha256) == (audit.id, audit.decision.verdict, "")


def rate(data, metric, group=("A",)):
    return next(r for r in data["rates"] if r["metric"] == metric and r["group"] == list(group))


HOSTILE = {
    "no JSON": lambda _: b"{",
    "not UTF-8": lambda _: b"\xff\xfe{}",
    "a list": lambda _: b"[]",
    "nested deeply": lambda _: b"[" * 200_000,
    "an endless number": lambda _: b'{"schema": ' + b"9" * 10_000 + b"}",
    "a key twice": lambda _: b'{"schema": "evenhand/audit/v1", "schema": "evenhand/audit/v1"}',
    "NaN": lambda d: json.dumps(d | {"rates": float("nan")}).encode(),
    "another schema": lambda d: d | {"schema": "evenhand/audit/v9"},
    "no rates": lambda d: {k: v for k, v in d.items() if k != "rates"},
    "a strange verdict": lambda d: d | {"decision": d["decision"] | {"verdict": "FINE"}},
    "a verdict that is a list": lambda d: d | {"decision": d["decision"] | {"verdict": ["APPROVED"]}},
    "decided under another contract": lambda d: d | {"contract": d["contract"] | {"sha256": "0" * 64}},
    "a contract that is a word": lambda d: d | {"contract": "small"},
    "a contract without a version": lambda d: d["contract"].pop("version") and d,
    "a contract whose id is a number": lambda d: d | {"contract": d["contract"] | {"id": 7}},
    "a strange id": lambda d: d | {"audit_id": "A-20261116-../../ff"},
    "an id of other digits": lambda d: d | {"audit_id": "A-٢٠٢٦١١١٦-abcdef01"},
    "a strange moment": lambda d: d | {"created_at": "yesterday"},
    "a moment that is a number": lambda d: d | {"created_at": 3},
    "sources of another kind": lambda d: d | {"sources": "none"},
    "a rate twice": lambda d: d | {"rates": [*d["rates"], d["rates"][0]]},
    "more selected than people": lambda d: rate(d, "selection_rate").update(numerator=10**6) or d,
    "a count below nothing": lambda d: rate(d, "tpr").update(numerator=-1) or d,
    "a share for a count": lambda d: rate(d, "tpr").update(numerator=0.5) or d,
    "truth for a count": lambda d: rate(d, "tpr").update(numerator=True) or d,
    "more people than the world": lambda d: rate(d, "selection_rate").update(denominator=10**15) or d,
    "more positives than people": lambda d: rate(d, "tpr").update(denominator=10**6) or d,
    "outcomes that do not fit": lambda d: rate(d, "fpr").update(numerator=0, denominator=0) or rate(
        d, "tpr").update(numerator=0, denominator=120) or d,
    "a group of other names": lambda d: rate(d, "tpr").update(group=["A", "x"]) or d,
    "four names": lambda d: rate(d, "tpr").update(group=list("abcd"), attribute=list("abcd")) or d,
    "a name that is a number": lambda d: rate(d, "tpr").update(group=[7]) or d,
    "an endless name": lambda d: rate(d, "tpr").update(group=["x" * 5_000]) or d,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_result_is_refused_in_one_sentence(good, name):
    made = HOSTILE[name](json.loads(json.dumps(good)))
    content = made if isinstance(made, bytes) else json.dumps(made).encode()
    with pytest.raises(SourceError) as caught:
        result_in(content, "audit.json")
    assert caught.value.exit_code == 4 and caught.value.remedy and caught.value.where == "audit.json"
    assert "\n" not in str(caught.value)


def test_a_result_of_nothing_or_of_other_attributes_is_refused(good):
    for rates in ([], [r | {"attribute": ["other"]} for r in good["rates"] if r["attribute"] == ["g"]]):
        result = result_in(json.dumps(good | {"rates": rates}).encode(), "audit.json")
        with pytest.raises(SourceError, match="no counts to compare with"):
            count_result(result, SPEC)


def test_a_hidden_group_is_left_out_and_the_others_stay(good):
    data = json.loads(json.dumps(good))
    for entry in data["rates"]:
        if entry["group"] == ["A"]:
            entry.update(status="suppressed", numerator=None, denominator=None)
    counted = count_result(result_in(json.dumps(data).encode(), "audit.json"), SPEC)
    assert list(counted.outcomes(("g",))) == [("B",)]


# The contract a result was decided under


def with_result(folder, good, terms, **changed):
    """The baseline that a result gives under a contract."""
    data = {key: value for key, value in (good | changed).items() if value is not None}
    path = folder / "audit.json"
    path.write_text(json.dumps(data))
    request = request_of(folder / "rows.csv", terms, baseline=path)
    return given_baseline(request, parse_contract(terms.encode(), "c"), Workspace(folder / "w")).known


def test_a_result_names_its_contract_and_the_baseline_its_version(tmp_path, good):
    assert good["contract"] == {"id": "small", "version": "7", "sha256": SPEC.sha256}
    for policy in ("last_approved", "given"):
        found = with_result(tmp_path, good, f"{CONTRACT}baseline: {{policy: {policy}}}\n")
        assert (found.contract_version, found.other_contract) == ("7", "")
        assert found.by_file  # its approval is what the file says: nobody signed it
    older = with_result(tmp_path, good, f"{CONTRACT}baseline: {{policy: last_approved}}\n", contract=None)
    assert (older.contract_version, older.other_contract) == ("", "")  # from before results named it
    assert older.audit_id == found.audit_id and same(older.other, found.other)


def test_a_result_of_another_contract_is_refused_as_the_last_approved_and_labelled_as_a_given_one(
    tmp_path, good
):
    other = good["contract"] | {"id": "loans"}
    last, given_one = (f"{CONTRACT}baseline: {{policy: {name}}}\n" for name in ("last_approved", "given"))
    with pytest.raises(UsageError, match=r"decided under contract “loans”.*approved under “small”") as caught:
        with_result(tmp_path, good, last, contract=other)
    assert "policy: given" in caught.value.remedy
    found = with_result(tmp_path, good, given_one, contract=other)
    assert (found.contract_version, found.other_contract) == ("", "loans, version 7")
    assert found.fingerprint != with_result(tmp_path, good, given_one).fingerprint
    with_result(tmp_path, good, given_one, contract=other)  # written again, to be audited against
    workspace = Workspace(tmp_path / "w")
    rows = csv(tmp_path, table(seed=4))
    audit = run_audit(request_of(rows, given_one, baseline=tmp_path / "audit.json"), workspace)
    told = "decided under another contract (loans, version 7); its approval says nothing about the limits"
    assert any(told in line for line in not_known(audit))
    assert (
        json.loads(result_bytes(audit))["regression"][0]["baseline"]["other_contract"] == "loans, version 7"
    )
    assert workspace.load(audit.id).counted.baseline == audit.counted.baseline


def test_a_result_too_large_is_not_read_whole(tmp_path):
    path = tmp_path / "audit.json"
    with path.open("wb") as stream:
        stream.write(b"{")
        stream.truncate(LARGEST + 2)
    assert is_result(path)
    with pytest.raises(SourceError, match="larger than 32 MiB"):
        read_result(path)


# The last approved audit of the workspace


def at(day):
    return datetime(2026, 11, day, 9, 0, tzinfo=UTC)


def test_last_is_the_newest_approved_release_before_and_never_the_audited_model_itself(tmp_path):
    calm = CONTRACT.replace("max_increase: 0.02", "max_increase: 0.9")
    easy = "\n".join(line for line in calm.splitlines() if "no_regression" not in line)
    easy = easy.replace("stage: data, metric: coverage", "stage: predeploy, metric: coverage")
    workspace = Workspace(tmp_path / "w")
    rows = [csv(tmp_path, table(seed=seed), f"r{seed}.csv") for seed in range(4)]

    def released(path, day, contract=easy, **more):
        return run_audit(replace(request_of(path, contract, **more), as_of=at(day)), workspace)

    assert counted(tmp_path, baseline=LAST_APPROVED)[0].baseline is None  # nothing was there
    older, newer = released(rows[0], 3), released(rows[1], 5)
    assert newer.decision.verdict == "APPROVED"
    released(rows[3], 6, stages=("data",))  # no release decision

    def last(path, day, contract=calm):
        request = replace(request_of(path, contract, baseline=LAST_APPROVED), as_of=at(day))
        return given_baseline(request, parse_contract(contract.encode(), "c"), workspace).known

    assert last(rows[2], 9, calm.replace("id: small", "id: other")) is None  # another contract
    found = last(rows[2], 9)
    assert not found.by_file  # decided here, in this workspace
    assert (found.audit_id, found.approval, found.contract_version) == (newer.id, "approved", "7")
    assert same(found.other, newer.counted.cube) and found.paired is None
    assert not found.other.has("day") and (found.other.codes[:, -1] == -1).all()
    assert last(rows[1], 9).audit_id == older.id  # the rows audited now are no baseline of themselves
    assert last(rows[2], 4).audit_id == older.id  # what came later was not there then


# What is kept


def test_a_stored_baseline_is_read_back_and_bound_by_the_record(tmp_path):
    rows = table()
    audit, path = audited(tmp_path, rows, baseline=csv(tmp_path, rows.head(200), "stable.csv"))
    counted = audit.counted
    data, cells = counted_to_json(counted), cells_to_bytes(counted.cube, counted.baseline)
    assert counted_from_json(json.loads(json.dumps(data)), cells) == counted
    other = replace(counted.baseline, other=counted.cube.marginal(["g"]))
    with pytest.raises(ValueError, match="baseline"):
        counted_from_json(data, cells_to_bytes(counted.cube, other))
    record = json.loads((path.parent / "record.json").read_text())
    record["counted"]["baseline"]["approval"] = "approved"
    (path.parent / "record.json").write_text(json.dumps(record))
    with pytest.raises(AuditError, match="does not hold together"):
        Workspace(tmp_path / "w").load(audit.id)


def test_a_record_from_before_baselines_still_loads(tmp_path):
    audit, path = audited(tmp_path)
    record = json.loads((path.parent / "record.json").read_text())
    del record["counted"]["baseline"], record["sha256"]
    (path.parent / "record.json").write_text(json.dumps({**record, "sha256": seal(record)}))
    assert Workspace(tmp_path / "w").load(audit.id).counted.baseline is None


# The command line


def test_the_command_line_takes_a_result_and_names_it_among_the_sources(tmp_path, capfd):
    _, result = audited(tmp_path)
    contract = tmp_path / "contract.yaml"
    contract.write_text(CONTRACT)
    (tmp_path / "pack.zip").write_bytes(b"PK\x03\x04rest")
    arguments = [
        "audit",
        "--contract",
        contract,
        "--eval",
        csv(tmp_path, table(seed=4)),
        "--as-of",
        "2026-11-16",
    ]
    arguments = [str(argument) for argument in [*arguments, "--workspace", tmp_path / "w", "--json", "-"]]
    capfd.readouterr()
    main([*arguments, "--baseline", str(result)])
    found = json.loads(capfd.readouterr().out)
    assert {source["role"]: source["name"] for source in found["sources"]}["baseline"] == "audit.json"
    finding = next(finding for finding in found["findings"] if finding["check"] == "no_regression")
    assert finding["status"] != "NOT_RUN"
    assert main([*arguments, "--baseline", str(tmp_path / "pack.zip")]) == 4
    out, err = capfd.readouterr()
    assert out == "" and err.count("\n") == 1 and "Unpack it and give the audit.json" in err


# The canary


def live(folder, rate_of_a, n=600, days=4):
    """Live rows without outcomes: group A is selected at a rate of its own on the last two days."""
    day = np.arange(n) % days
    chance = np.where((np.arange(n) // days % 2 == 1) & (day >= days - 2), rate_of_a, 0.5)
    rows = table(
        n, day=[f"2026-11-{12 + d:02d}" for d in day], g=np.where(np.arange(n) // days % 2, "A", "B")
    )
    place = pd.Series(range(n)).groupby([rows["g"], rows["day"]]).rank(pct=True).to_numpy()
    return csv(folder, rows.assign(score=np.where(place <= chance, 0.9, 0.1)).drop(columns="y"), "live.csv")


@pytest.mark.parametrize(
    ("rate_of_a", "code"), [(0.5, 0), (0.38, 2), (0.1, 1)], ids=["as before", "a point beyond", "a breach"]
)
def test_the_canary_is_judged_alone_on_its_latest_days(tmp_path, capfd, rate_of_a, code):
    contract = tmp_path / "contract.yaml"
    contract.write_text(CONTRACT)
    arguments = ["gate", "canary", "--contract", contract, "--eval", live(tmp_path, rate_of_a)]
    arguments += ["--workspace", tmp_path / "w", "--as-of", "2026-11-16", "--json", tmp_path / "a.json"]
    assert main([str(argument) for argument in arguments]) == code
    out = " ".join(capfd.readouterr().out.split())
    found = json.loads((tmp_path / "a.json").read_bytes())
    assert [finding["check"] for finding in found["findings"]] == ["live"]
    assert "live: the 300 rows of 2026-11-14 to 2026-11-15 (window 2d)" in out
    word = ("Canary within its limits", "Halt or roll back", "Cannot decide yet")[code]
    assert word in out and "Do not release" not in out and "Approved within contract" not in out
    days = {"asked": "2d", "from": "2026-11-14", "to": "2026-11-15", "rows": 300, "whole_file": None}
    assert found["findings"][0]["window"] == days
    said = "Judged on the 300 rows of 2026-11-14 to 2026-11-15 (window 2d)."
    assert found["findings"][0]["sentence"].endswith(said)
    assert list(result_schema()["properties"]) == list(result_schema()["required"])
    told = "rollback: put the approved model back; tell oncall (Night shift, night@example.com)"
    assert (told in out) == (code == 1)
    kept = Workspace(tmp_path / "w").entries()[0]
    assert kept.verdict == ("APPROVED", "BLOCKED", "INCONCLUSIVE")[code]
    if code == 1:
        finding = Workspace(tmp_path / "w").load(kept.id).findings[0]
        assert (finding.status, finding.evidence) == ("FAIL", "CONFIRMED")
        assert float(finding.value) == pytest.approx(0.2, abs=0.02)  # over all four days it would be .6


def test_a_window_is_the_latest_days_of_the_calendar_that_fit_in_it(tmp_path):
    days = ["2026-11-01", "2026-11-08", "2026-11-09T08:30", "2026-11-15"]
    now, _ = counted(tmp_path, table(day=[days[i % 4] for i in range(240)]), CONTRACT + BY_COLUMN)
    for window, first, rows in (
        ("7d", days[2], 120),
        ("1w", days[2], 120),
        ("2w", days[1], 180),
        ("24h", days[3], 60),
    ):
        found = judged_rows(now, window, "selection_rate")
        assert (found.first, found.last, found.rows, found.whole) == (first, days[3], rows, None)
    cut = within(now, "7d")
    assert cut.cube.rows == cut.baseline.paired.rows == 120 and cut.ranks == ()
    assert same(cut.baseline.paired, cut.cube)
    reasons = {
        "under_a_day": judged_rows(now, "12h", "selection_rate"),
        "not_by_day": judged_rows(now, "7d", "auc"),
        "repeated": judged_rows(replace(now, people=(None,)), "7d", "selection_rate"),
        "no_window": judged_rows(replace(now, cube=now.cube.marginal(["g"])), "7d", "selection_rate"),
    }
    assert all(found.whole == reason and found.rows == 240 for reason, found in reasons.items())


def test_a_window_that_cannot_be_cut_is_judged_on_all_rows_and_says_so(tmp_path, capfd):
    contract = tmp_path / "contract.yaml"
    contract.write_text(CONTRACT)
    rows = csv(tmp_path, table(day="2026-11"), "live.csv")
    arguments = ["gate", "canary", "--contract", contract, "--eval", rows, "--as-of", "2026-11-16"]
    main([str(argument) for argument in [*arguments, "--workspace", tmp_path / "w"]])
    out = " ".join(capfd.readouterr().out.split())
    assert "live: all 240 rows, not the last 2d alone: its periods are not single days" in out
    entry = Workspace(tmp_path / "w").entries()[0]
    (finding,) = json.loads(result_bytes(Workspace(tmp_path / "w").load(entry.id)))["findings"]
    assert finding["window"] == {
        "asked": "2d", "from": None, "to": None, "rows": 240, "whole_file": "its periods are not single days",
    }  # fmt: skip


@pytest.fixture
def breach(tmp_path):
    """A canary that has to stop, and its workspace."""
    request = replace(request_of(live(tmp_path, 0.1)), stages=("canary",))
    return run_audit(request, Workspace(tmp_path / "w"))


def test_documents_of_a_canary_name_its_days_and_speak_of_a_model_in_use(breach):
    assert headline(breach).word == "Halt or roll back"
    page = page_values(summary(published(breach)))
    assert page["verdict"]["word"] == "Halt or roll back"
    (told,) = published_result(breach)["findings"]
    assert told["privacy"] == "shown" and told["window"]["rows"] == 300
    assert published_result(breach)["contract"] == {"id": "small", "version": "7", "sha256": SPEC.sha256}
    said = step_summary_bytes(breach).decode()
    assert "Halt or roll back" in said and "Do not release" not in said


def test_days_whose_counts_would_tell_of_a_few_people_are_withheld_in_documents(tmp_path):
    def told(**few):
        rows = pd.read_csv(live(tmp_path, 0.5))
        late = rows["day"] >= "2026-11-14"
        keep = rows["g"].eq("A") & (late if few["late"] else ~late) & rows["score"].ge(0.5)
        drop = rows[keep].index[few["left"] :]  # selected of A: a few in the window, or a few before it
        path = csv(tmp_path, rows.drop(drop), "few.csv")
        audit = run_audit(replace(request_of(path), stages=("canary",)), Workspace(tmp_path / "w"))
        assert audit.findings[0].window.whole is None
        return published_result(audit)["findings"][0]

    assert told(late=True, left=30)["privacy"] == "shown"
    for late in (True, False):
        hidden = told(late=late, left=4)
        assert hidden["privacy"] == "suppressed" and hidden["window"] is None
        assert hidden["high_group"] is None and hidden["value"] is None and "300" not in hidden["sentence"]


def test_the_release_decision_page_names_the_days_and_what_is_to_be_done(breach, tmp_path, monkeypatch):
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(tmp_path / "w"))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["audit"] = breach.id
    app = app.run().switch_page("pages/decision.py").run()
    assert not app.exception
    assert any("Halt or roll back" in header.value for header in app.header)
    said = words(app).replace("\\", "")
    assert "the 300 rows of 2026-11-14 to 2026-11-15 (window 2d)" in said
    assert "rollback: put the approved model back; tell oncall" in said and "Do not release" not in said


def test_a_failure_before_release_says_what_the_contract_wants_done(capfd, hiring_workspace, hiring_audit):
    print_decision(hiring_audit, hiring_workspace)
    out = " ".join(capfd.readouterr().out.split())
    assert (
        "tpr_gap_gender failed → block: do not release this model; tell ml_owner (ml-owner@example.com)"
        in out
    )


# On the screens


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The screen for uploads, on a new visit."""
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(tmp_path / "w"))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["audit"] = "none"
    return test.run().switch_page("pages/data.py").run()


def dropped(app, role, path):
    field = next(field for field in app.file_uploader if field.key.startswith(f"upload_{role}_"))
    return field.set_value((path.name, path.read_bytes(), "text/plain")).run()


def words(app):
    return "\n".join(str(part.value) for part in (*app.caption, *app.error, *app.markdown))


def test_the_screen_takes_a_baseline_says_what_it_read_and_offers_the_last_approved(app, tmp_path):
    easy = "\n".join(line for line in CONTRACT.splitlines() if "no_regression" not in line)
    easy = easy.replace("stage: data, metric: coverage", "stage: predeploy, metric: coverage")
    audit, result = audited(tmp_path, contract=easy)
    contract = tmp_path / "contract.yaml"
    contract.write_text(easy)
    app = dropped(dropped(app, "contract", contract), "evaluation", csv(tmp_path, table(seed=9), "new.csv"))
    assert not app.exception
    (box,) = app.checkbox
    assert audit.id in box.label.replace("\\", "") and box.value
    app = next(button for button in app.button if button.label == "Run the audit").click().run()
    assert not app.exception
    entries = Workspace(tmp_path / "w").entries()
    made = Workspace(tmp_path / "w").load(next(entry.id for entry in entries if entry.id != audit.id))
    assert made.counted.baseline.audit_id == audit.id
    app = app.switch_page("pages/data.py").run()
    app = dropped(app, "baseline", result)
    assert f"Audit {audit.id} of 2026-11-16: approved within contract" in words(app).replace("\\", "")
    assert not app.checkbox  # the one that was given is the one
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    app = app.button(key="remove_baseline").click().run()
    app = dropped(app, "baseline", bad)
    assert not app.exception and "not a result of the schema" in words(app)
    app = app.button(key="remove_baseline").click().run()
    app = dropped(app, "baseline_model", HIRING / "baseline.joblib")
    assert not app.exception and "inspected without running it: verified" in words(app)


def test_a_contract_is_tried_again_with_the_same_baseline(hiring_audit, hiring_workspace, monkeypatch):
    monkeypatch.setattr("pages.ui.cached.workspace", lambda: hiring_workspace)
    files = inputs_of(hiring_audit)
    assert {role: path.name for role, (path, _) in files.items()} == {
        "evaluation": "evaluation.csv", "train": "train.csv", "model": "model.joblib",
        "baseline": "audit.json", "baseline_model": "baseline.joblib",
    }  # fmt: skip
    assert all(path.is_file() for path, _ in files.values())
