"""Counts the baseline: beside the candidate on the audited rows, or alone on rows of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.axes import ABSENT, NO_BAND
from audit_core.cube.bands import MICRO, score_bands
from audit_core.cube.baseline import BASELINE_DECISION
from audit_core.cube.build import count_table, identity_sql, take_in
from audit_core.cube.build_published import Tables, contract_level, published_cube
from audit_core.cube.coding import CodedAxis, code_table, decision_sql
from audit_core.cube.count_cube import CountCube, build_cube
from audit_core.cube.marginal import MarginalCube
from audit_core.cube.sql import finite, micro_sql
from audit_core.errors import SourceError, UsageError
from audit_core.sources.baseline import AuditResult
from audit_core.sources.profile import refuse_decimal_commas
from audit_core.sources.tables import Table, run

if TYPE_CHECKING:
    import duckdb

BASELINE_COLUMN = "score of the baseline"
"""Column of the approved model's scores, beside the audited rows."""

_JOINED = "decision of the baseline"
_NO_SCORE = "cast(NULL AS BIGINT)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """The audited rows with the baseline's answer beside each: `decision` is SQL of it over the table."""

    table: Table
    decision: str


def beside_by_column(
    con: duckdb.DuckDBPyConnection, table: Table, column: str, contract: ReleaseContract
) -> Beside:
    """Return the audited rows whose column holds the baseline's score, or its decision.

    It is read as a score, with the baseline's own cut-off, unless the audited decisions come from a decision
    column and no cut-off is given.

    Raises
    ------
    UsageError
        There is no such column, or nothing says how a score decides.
    SourceError
        Scores lie outside the contract's scale, or no cell can be used.
    """
    chosen = contract.data.decision
    own = contract.baseline.threshold if contract.baseline else None
    if chosen and table.has(chosen.column) and own is None and column != BASELINE_COLUMN:
        there = replace(contract, data=replace(contract.data, decision=replace(chosen, column=column)))
        return Beside(table=table, decision=decision_sql(con, table, there))
    cut = approved(contract).data.score
    if cut is None or cut.threshold is None:
        raise UsageError(
            "The contract does not say at which score the approved model decides yes",
            where=table.source.name,
            remedy="Add threshold under baseline, or under data: score",
        )
    there = replace(contract, data=replace(contract.data, decision=None, score=replace(cut, column=column)))
    _require_scores(con, table, column, there)
    return Beside(table=table, decision=decision_sql(con, table, there))


def beside_by_id(
    con: duckdb.DuckDBPyConnection, audited: Table, stable: Table, contract: ReleaseContract
) -> Beside | None:
    """Return the audited rows joined with a stable release's decisions, or None where ids do not pair them.

    They pair where the contract names an id, every row of both files has one, none is there twice, and both
    files have the same ones.
    """
    key = contract.data.id
    if not key or not audited.has(key) or not stable.has(key):
        return None
    ids = [identity_sql(table, key) for table in (audited, stable)]
    if not _one_to_one(con, audited, stable, ids):
        return None
    there = approved(contract)
    if there.data.score is not None and stable.has(there.data.score.column):
        _require_scores(con, stable, there.data.score.column, there)
    decision = decision_sql(con, stable, there)
    if decision == str(ABSENT):
        raise UsageError(
            "The baseline's rows hold no score and no decision",
            where=stable.source.name,
            remedy="Give the columns the contract names, or the approved model with --baseline-model",
        )
    columns = ", ".join(f"c{i}" for i in range(len(audited.types)))
    scan = (
        f"(SELECT {columns}, baseline_d AS c{len(audited.types)} FROM "
        f"(SELECT *, {ids[0]} AS audited_id FROM {audited.scan}) AS audited INNER JOIN "
        f"(SELECT {ids[1]} AS stable_id, {decision} AS baseline_d FROM {stable.scan}) AS stable "
        f"ON audited_id = stable_id)"
    )
    source = replace(audited.source, columns=(*audited.source.columns, _JOINED))
    table = replace(audited, source=source, scan=scan, types=(*audited.types, "INTEGER"))
    return Beside(table=table, decision=f"c{len(audited.types)}")


def count_paired(con: duckdb.DuckDBPyConnection, beside: Beside, contract: ReleaseContract) -> CountCube:
    """Return the audited rows by both decisions: the axes of the audit's cube, then `BASELINE_DECISION`.

    Guarantee: summed over that axis, its people by label and decision are those of the audit's cube. It
    holds no scores. A row whose baseline gave no answer stands at the level of ABSENT.
    """
    coding = code_table(con, beside.table, contract)
    answered = CodedAxis(
        name=BASELINE_DECISION, kind="slice", sql=f"cast({beside.decision} AS VARCHAR)", folded=0
    )
    coded = replace(coding, axes=(*coding.axes, answered), score=None, micro=_NO_SCORE)
    cube = count_table(con, beside.table, coded)
    if cube.axis(BASELINE_DECISION).levels == (str(ABSENT),):
        raise SourceError(
            "The baseline has no usable score or decision for any of the rows",
            where=beside.table.source.name,
            remedy="Check its column, or give the approved model with --baseline-model",
        )
    return cube


def count_stable(con: duckdb.DuckDBPyConnection, stable: Table, contract: ReleaseContract) -> CountCube:
    """Return the counts of a stable release on rows of its own, read under the same contract.

    Raises
    ------
    UsageError, SourceError
        The file can't be read under this contract, or holds no decisions.
    """
    there = approved(contract)
    coding = code_table(con, stable, there)
    if not coding.decides:
        raise UsageError(
            "The baseline's rows hold no score and no decision",
            where=stable.source.name,
            remedy="Give the columns the contract names, or the approved model with --baseline-model",
        )
    take_in(con, stable, coding, there)
    axes = tuple(axis for axis in coding.axes if axis.kind != "window")
    return count_table(con, stable, replace(coding, axes=axes, score=None, micro=_NO_SCORE))


def count_result(result: AuditResult, contract: ReleaseContract) -> MarginalCube:
    """Return the counts of a result, each of its tables beside the others.

    A subject with a name that the contract lacks is left out, and so is a group whose counts are not shown.

    Raises
    ------
    SourceError
        Nothing is left to compare with, or a group is there twice.
    """
    spec = contract.data
    places = {name: i for i, name in enumerate((*(a.name for a in spec.attributes), *spec.slices))}
    found: Tables = {}
    for counts in result.groups:
        if not places.keys() >= set(counts.subject):
            continue
        pairs = sorted(zip(counts.subject, counts.group, strict=True), key=lambda pair: places[pair[0]])
        group = tuple(contract_level(level, name, contract) for name, level in pairs)
        table = found.setdefault(tuple(name for name, _ in pairs), {})
        if group in table:
            raise SourceError(
                "Two groups of the result are one group of the contract", where=result.name,
                remedy="Give a result that was made under this contract",
            )  # fmt: skip
        table[group] = counts.counts
    if not any(line.n for table in found.values() for line in table.values()):
        raise SourceError(
            "The result shows no counts to compare with", where=result.name,
            remedy="Give the audit.json of an audit whose rows hold decisions",
        )  # fmt: skip
    return published_cube(found, contract)


def without_scores(cube: CountCube) -> CountCube:
    """Return the cube with people alone, without scores and windows; published tables stay as they are."""
    if isinstance(cube, MarginalCube):
        return cube
    kept = cube.marginal([axis.name for axis in cube.axes if axis.kind != "window"])
    codes, measures = kept.codes.copy(), kept.measures.copy()
    codes[:, -1] = NO_BAND
    measures[:, 1:] = 0
    return build_cube(kept.axes, kept.bands, codes, measures)


def approved(contract: ReleaseContract) -> ReleaseContract:
    """Return the contract as it reads the approved model: with that model's own cut-off, where it has one."""
    score, own = contract.data.score, contract.baseline.threshold if contract.baseline else None
    if score is None or own is None:
        return contract
    return replace(contract, data=replace(contract.data, score=replace(score, threshold=own)))


def _require_scores(
    con: duckdb.DuckDBPyConnection, table: Table, column: str, contract: ReleaseContract
) -> None:
    """Refuse scores that are on another scale than the contract's, or that are no numbers at all."""
    named = contract.data.score
    assert named is not None
    bands, score = score_bands(named.low, named.high, None, ()), finite(table.number(column))
    q = micro_sql(score, bands)
    outside, usable, given = run(
        con,
        f"SELECT count(*) FILTER (WHERE q < 0 OR q > {MICRO}), count(q), count(v) FROM "
        f"(SELECT {q} AS q, {table.value(column)} AS v FROM {table.scan}) AS scored",
        table.source.name,
    )[0]
    if outside:
        raise SourceError(
            f"The baseline's scores lie outside the scale from {bands.low} to {bands.high}",
            where=table.source.name,
            remedy="Give them on the scale of the contract's score, under data: score: range",
        )
    if usable < given:
        refuse_decimal_commas(con, table, (column,))


def _one_to_one(con: duckdb.DuckDBPyConnection, audited: Table, stable: Table, ids: Sequence[str]) -> bool:
    """Whether two files hold the same ids, each of them once and on every row."""
    (left, right), both = ids, (audited, stable)
    counted = "SELECT count(*), count(k), count(DISTINCT k) FROM"
    told = [
        run(con, f"{counted} (SELECT {key} AS k FROM {table.scan}) AS keys", table.source.name)[0]
        for key, table in zip(ids, both, strict=True)
    ]
    if len({count for counts in told for count in counts}) != 1:
        return False
    shared = run(
        con,
        f"SELECT count(*) FROM (SELECT {left} AS k FROM {audited.scan}) AS a "
        f"INNER JOIN (SELECT {right} AS j FROM {stable.scan}) AS b ON k = j",
        audited.source.name,
    )[0][0]
    return bool(shared == told[0][0])
