"""Drift tables become rows: statistics, a status under the contract's limits, distances and q-values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from audit_core.contract.schema import Check, ReleaseContract
from audit_core.cube.counted import Counted
from audit_core.cube.drift import DriftTable
from audit_core.metrics.distances import distances_of
from audit_core.metrics.drift import DriftStatistics, drift_status, ks_from_counts, psi
from audit_core.metrics.measurements import DriftRow
from audit_core.metrics.multiplicity import benjamini_hochberg


def drift_rows(contract: ReleaseContract, counted: Counted) -> tuple[DriftRow, ...]:
    """Return the drift of every feature and group, under the limits of the contract's drift check."""
    return rows_of(counted.drift, drift_limits(contract))


def rows_of(tables: Sequence[DriftTable], limits: tuple[Fraction, Fraction]) -> tuple[DriftRow, ...]:
    """Return one row for each table, in their order, under (warn, limit) of PSI.

    q-values are of all rows together: every feature inside every group is one more comparison looked at.
    """
    warn, limit = limits
    rows = []
    for table in tables:
        found, apart = psi(table.reference, table.current), distances_of(table.values)
        status = drift_status(found, warn=float(warn), limit=float(limit))
        ks = apart.ks if apart else _ks(table)
        rows.append(DriftRow(table=table, statistics=found, status=status, ks=ks, distances=apart))
    return _adjusted(rows)


def drift_limits(contract: ReleaseContract) -> tuple[Fraction, Fraction]:
    """Return (warn, limit) of PSI: those of the contract's first drift check, or the customary ones."""
    return psi_limits(next((check for check in contract.checks if check.metric == "psi"), None))


def psi_limits(check: Check | None) -> tuple[Fraction, Fraction]:
    """Return (warn, limit) of a drift check; .10 and .25 (METHODS §10) where it names none."""
    warn, most = (check.limit.warn, check.limit.max) if check else (None, None)
    return Fraction(10, 100) if warn is None else warn, Fraction(25, 100) if most is None else most


def _adjusted(rows: Sequence[DriftRow]) -> tuple[DriftRow, ...]:
    """The rows with the q-value of their χ², of all that have one."""
    tested = {
        place: row.statistics.chi2_p
        for place, row in enumerate(rows)
        if isinstance(row.statistics, DriftStatistics) and row.statistics.chi2_df > 0
    }
    adjusted = dict(zip(tested, benjamini_hochberg(list(tested.values())), strict=True))
    return tuple(replace(row, q=adjusted.get(place), tests=len(tested)) for place, row in enumerate(rows))


def _ks(table: DriftTable) -> float | None:
    """KS over the bins of values; cells without one have no place in the order."""
    size = table.value_bins
    return ks_from_counts(table.reference[:size], table.current[:size]) if table.edges else None
