"""Ranking between groups and exposure: against sklearn and the definition, through the fold of a table."""

import itertools
import json
import math
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from make_tables import contract, counted, saved
from report_factory import counted as factory_counts

from audit_core.cube.ranks import NANO, ExposureSums, RankedRows, mean_exposures
from audit_core.evidence.stored import cells_to_bytes, counted_from_json, counted_to_json
from audit_core.metrics import exposure as ex
from audit_core.metrics.ranking import between_groups, binned_auc, ranked_attributes, ranked_between
from audit_core.metrics.treatment import treatment_equality

GOLDEN = Path(__file__).parent / "golden"
RANKED = json.loads((GOLDEN / "group_ranking.json").read_text(encoding="utf-8"))
ROWS = json.loads((GOLDEN / "group_auc.json").read_text(encoding="utf-8"))["rows"]
LIST = json.loads((GOLDEN / "exposure.json").read_text(encoding="utf-8"))


def area(positive, negative):
    """The share of pairs in which the positive is scored higher, ties half."""
    wins = [(p > m) + Fraction(p == m, 2) for p in positive for m in negative]
    return Fraction(sum(wins), len(wins))


def test_reference_areas_between_groups():
    group, label, score = zip(*ROWS, strict=True)
    found = between_groups(group, label, score)
    assert found.groups == ("A", "B", "C")
    for pair, expected in RANKED["xauc"].items():
        assert found.xauc(*pair.split(">")).value == pytest.approx(expected, abs=RANKED["tol_abs"])
    for name in found.groups:
        assert found.bpsn(name).value == pytest.approx(RANKED["bpsn"][name], abs=RANKED["tol_abs"])
        assert found.bnsp(name).value == pytest.approx(RANKED["bnsp"][name], abs=RANKED["tol_abs"])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABCD"), st.integers(0, 1), st.integers(0, 8)), min_size=2, max_size=50
    )
)
def test_areas_between_groups_are_the_definition(rows):
    assume(len({g for g, _, _ in rows}) >= 2)
    found = between_groups(*zip(*rows, strict=True))
    for a in found.groups:
        mine = {y: [s for g, label, s in rows if g == a and label == y] for y in (0, 1)}
        rest = {y: [s for g, label, s in rows if g != a and label == y] for y in (0, 1)}
        for got, positive, negative in (
            (found.bnsp(a), mine[1], rest[0]),
            (found.bpsn(a), rest[1], mine[0]),
            (found.within(a), mine[1], mine[0]),
        ):
            assert (got.fraction if got else None) == (
                area(positive, negative) if positive and negative else None
            )
        for b in found.groups:
            other = [s for g, label, s in rows if g == b and label == 0]
            got = found.xauc(a, b)
            if a != b and mine[1] and other:
                assert got.fraction == area(mine[1], other)
                assert got.low <= got.value <= got.high
                assert (got.positives, got.negatives) == (len(mine[1]), len(other))
            else:
                assert got is None


def test_rows_without_all_three_are_refused():
    with pytest.raises(ValueError, match="every row"):
        between_groups(["A"], [1, 0], [0.5, 0.2])
    assert between_groups(["A", "A"], [1, 0], [0.5, 0.2]) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 99)), min_size=2, max_size=60))
def test_an_area_from_bands_is_within_its_error(rows):
    yes, no = [s for y, s in rows if y], [s for y, s in rows if not y]
    bands = [np.bincount(np.array(part, dtype=int) // 10, minlength=10) for part in (yes, no)]
    found = binned_auc(*bands)
    if yes and no:
        assert abs(found.value - float(area(yes, no))) <= found.error + 1e-12
        expected = sum(p * m for p, m in zip(*bands, strict=True)) / (2 * len(yes) * len(no))
        assert found.error == pytest.approx(expected)
    else:
        assert found is None


def table_of(rows, seed=1):
    """Rows of two attributes with ties in the scores, some without a label or a known group."""
    draw = np.random.default_rng(seed)
    label = draw.integers(0, 2, rows).astype(object)
    label[draw.random(rows) < 0.1] = None
    return pd.DataFrame(
        {
            "g": draw.choice(["x", "y", "z", None], rows, p=[0.5, 0.3, 0.15, 0.05]),
            "y": label,
            "s": draw.integers(0, 60, rows) / 60,
        }
    )


def test_a_table_folds_into_the_areas_and_exposures_of_its_rows(tmp_path):
    frame = table_of(400)
    _, _, ranks = counted(saved(tmp_path, frame), contract())
    (found,) = ranked_attributes(ranks)
    known = frame[frame.g.notna() & frame.y.notna()]
    expected = between_groups(known.g, known.y.astype(int), known.s)
    assert (found.attribute, found.groups) == ("g", ("x", "y", "z"))
    for a in found.groups:
        assert found.bpsn(a) == expected.bpsn(a) and found.bnsp(a) == expected.bnsp(a)
        assert all(found.xauc(a, b) == expected.xauc(a, b) for b in found.groups)
    places = frame.s.rank(method="first", ascending=False)
    each = pd.Series(1 / np.log2(places + 1)).groupby(frame.s).transform("mean")
    for rank in ranks:
        if rank.group:
            mine = frame.g == rank.group
            labelled = mine & frame.y.notna()
            sums = rank.exposure
            assert (sums.rows, sums.labelled) == (mine.sum(), labelled.sum())
            assert sums.relevant == (frame.y[mine] == 1).sum()
            assert sums.exposure / NANO == pytest.approx(each[mine].sum(), abs=1e-6)
            assert sums.squares / NANO == pytest.approx((each[mine] ** 2).sum(), abs=1e-6)
            assert sums.labelled_exposure / NANO == pytest.approx(each[labelled].sum(), abs=1e-6)
    everybody = ranks[0].exposure
    assert everybody.exposure / NANO == pytest.approx((1 / np.log2(np.arange(2, 402))).sum(), abs=1e-6)


def test_more_than_twenty_groups_are_not_ranked_against_each_other(tmp_path):
    frame = pd.DataFrame(
        {"g": [f"g{i:02}" for i in range(21)] * 4, "y": [0, 1] * 42, "s": np.arange(84) / 84}
    )
    _, _, ranks = counted(saved(tmp_path, frame), contract())
    (found,) = ranked_attributes(ranks)
    assert found.too_many == 21
    assert found.areas == found.backgrounds == ()
    assert found.xauc("g00", "g01") is None
    _, _, ranks = counted(saved(tmp_path, frame[frame.g < "g20"], "fewer.csv"), contract())
    (found,) = ranked_attributes(ranks)
    assert found.too_many is None and len(found.areas) == 20 * 19


def test_one_known_group_has_nobody_to_rank_against(tmp_path):
    frame = pd.DataFrame({"g": ["x", None] * 20, "y": [0, 1, 1, 0] * 10, "s": np.arange(40) / 40})
    _, _, ranks = counted(saved(tmp_path, frame), contract())
    assert ranked_attributes(ranks) == ()


def test_ranks_are_stored_and_read_again_and_old_records_still_open(tmp_path):
    _, _, ranks = counted(saved(tmp_path, table_of(120)), contract())
    stored = counted_to_json(factory_counts())
    stored["ranks"] = json.loads(json.dumps([asdict(rank) for rank in ranks]))
    cells = cells_to_bytes(factory_counts().cube, None)
    assert counted_from_json(json.loads(json.dumps(stored)), cells).ranks == ranks
    for rank in stored["ranks"]:
        for key in ("against", "background_positive", "background_negative", "exposure"):
            del rank[key]
    old = counted_from_json(json.loads(json.dumps(stored)), cells).ranks
    assert [rank.sums for rank in old] == [rank.sums for rank in ranks]
    assert ranked_between(old, "g") is None
    assert all(rank.exposure is None for rank in old)


def test_reference_exposure():
    ranking = LIST["ranking_best_first"]
    means = ex.exposure_by_group(ranking)
    assert means == pytest.approx(LIST["mean_exposure"], abs=LIST["tol_abs"])
    assert ex.exposure_ratio(means) == pytest.approx(LIST["exposure_ratio_min_over_max"], abs=LIST["tol_abs"])
    rates = ex.top_k_rates(ranking, LIST["top_k"])
    assert {g: float(c.value) for g, c in rates.items()} == LIST["top_k_selection_rate"]
    low, high = ex.top_k_differences(ranking, LIST["top_k"])["A", "B"]
    assert low < 0.5 < high


def test_exposure_for_merit_divides_by_relevance():
    found = ex.merit_normalised("ABB", [2, 1, 0])
    assert found == pytest.approx({"A": 0.5, "B": 1 / math.log2(3) + 0.5})
    assert ex.merit_normalised("AB", [0, 1])["A"] is None
    with pytest.raises(ValueError, match="relevance"):
        ex.merit_normalised("AB", [1])
    with pytest.raises(ValueError, match="relevance"):
        ex.merit_normalised("AB", [1, -1])


def test_lists_have_a_first_place():
    assert ex.exposure_at(1) == 1
    with pytest.raises(ValueError, match="begin at 1"):
        ex.exposure_at(0)
    with pytest.raises(ValueError, match="k is"):
        ex.top_k_rates("AB", -1)
    assert ex.exposure_ratio({"A": 0.5}) is None
    with pytest.raises(ValueError, match="exposure"):
        ex.exposure_ratio({"A": 0.5, "B": 0.0})


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_rows_of_one_score_share_their_places(rows):
    counts = np.array(rows, dtype=np.int64)
    each = mean_exposures(counts) / NANO
    alone = 1 / np.log2(np.arange(2, counts.sum() + 2))
    ends = np.concatenate([[0], np.cumsum(counts[::-1])])
    expected = [alone[a:b].mean() for a, b in itertools.pairwise(ends)][::-1]
    assert each == pytest.approx(expected, abs=1e-8)
    assert all(a < b for a, b in itertools.pairwise(each))


def test_a_long_list_is_walked_in_pieces(monkeypatch):
    from audit_core.cube import ranks

    counts = np.array([7, 1, 5, 12, 3], dtype=np.int64)
    whole = mean_exposures(counts)
    for size in (1, 2, 5, 28):
        monkeypatch.setattr(ranks, "_PLACES", size)
        assert mean_exposures(counts).tolist() == whole.tolist()
    assert mean_exposures(np.array([], dtype=np.int64)).size == 0


def test_a_groups_exposure_has_the_spread_of_its_rows():
    each = np.array([1, 0.5, 0.4])
    sums = ExposureSums(rows=3, exposure=int(each.sum() * NANO), squares=round((each**2).sum() * NANO),
                        labelled=2, labelled_exposure=round(1.4 * NANO), relevant=2)  # fmt: skip
    found = ex.group_exposure(("a",), sums)
    assert float(found.mean) == pytest.approx(each.mean())
    assert found.se == pytest.approx(each.std(ddof=1) / math.sqrt(3), abs=1e-8)
    assert float(found.per_merit) == pytest.approx(0.7)
    assert found.interval.low >= 0
    none = ExposureSums(rows=0, exposure=0, squares=0, labelled=0, labelled_exposure=0, relevant=0)
    assert ex.group_exposure(("a",), none) is None
    one = ExposureSums(rows=1, exposure=NANO, squares=NANO, labelled=0, labelled_exposure=0, relevant=0)
    assert ex.group_exposure(("a",), one).se == math.inf
    assert ex.group_exposure(("a",), one).per_merit is None


def test_reference_treatment_equality():
    for group, (fn, fp, expected) in RANKED["treatment"].items():
        found = treatment_equality((group,), fn, fp)
        assert float(found.ratio) == pytest.approx(expected, abs=RANKED["tol_abs"])
        assert found.interval.low < float(found.ratio) < found.interval.high


def test_treatment_equality_without_a_wrong_yes_has_no_value():
    found = treatment_equality(("a",), 3, 0)
    assert found.ratio is None and (found.fn, found.fp) == (3, 0)
    assert found.interval.high == math.inf
    none = treatment_equality(("a",), 0, 0)
    assert none.ratio is None and none.interval is None
    with pytest.raises(ValueError, match="count"):
        treatment_equality(("a",), -1, 0)
    wide = treatment_equality(("a",), 30, 20, design_effect=2.0)
    assert wide.interval.high > treatment_equality(("a",), 30, 20).interval.high


def test_the_fold_keeps_every_group_in_its_place():
    ranked = RankedRows(
        group=np.array([0, 0, 2]), score=np.array([1, 5, 1]), positives=np.array([1, 0, 2]),
        negatives=np.array([0, 2, 0]), rows=np.array([1, 3, 2]),
    )  # fmt: skip
    assert ranked.of(0).rows.tolist() == [1, 3]
    assert ranked.of(1).rows.tolist() == []
    assert ranked.of(2).positives.tolist() == [2]
