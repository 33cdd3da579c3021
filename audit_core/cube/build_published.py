"""Turns a table of published counts into a cube: each attribute's table beside the others, never crossed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.axes import NEITHER, NO, NO_BAND, UNKNOWN, UNKNOWN_WORD, YES, Axis, AxisKind, same_value
from audit_core.cube.bands import score_bands
from audit_core.cube.count_cube import CountCube, Group, build_cube
from audit_core.cube.counted import Counted, Intake
from audit_core.cube.marginal import MarginalCube, marginal_cube
from audit_core.errors import SourceError
from audit_core.sources.published import PublishedLine
from audit_core.sources.tables import MISSING

Tables = dict[tuple[str, ...], dict[Group, PublishedLine]]
_CROSSED = re.compile(r"\s*[×|*]\s*|\s+x\s+")
"""What stands between the names of a combination: “sex × race”, “sex | race”, “sex*race”, “sex x race”."""

_JOINED = re.compile(r"\s*[&+/:]\s*|\s+(?:and|by)\s+")
"""The same in other hands; tried second, since “race/ethnicity” may be one name."""


def count_published(lines: Sequence[PublishedLine], contract: ReleaseContract, name: str) -> Counted:
    """Return the counts of a published table, as far as a table of counts can tell.

    Raises
    ------
    SourceError
        A line counts an attribute the contract does not name, a combination without a group for each of its
        names, or a group for the second time; or nobody is counted.
    """
    tables = _tables(lines, contract, name)
    cube = published_cube(tables, contract)
    if not cube.rows:
        raise SourceError("The table counts nobody", where=name, remedy="Give a table with people in it")
    unlabelled = sum(int(table[NEITHER].sum()) for table in cube.outcomes(()).values())
    intake = Intake(
        rows=cube.rows, counted=cube.rows, dropped=(), missing_label=unlabelled, edge_rows=0, repeated=0,
        folded=(), last_window="",
    )  # fmt: skip
    return Counted(cube=cube, intake=intake, ranks=(), drift=(), overlap=None, has_train=False)


def _tables(lines: Sequence[PublishedLine], contract: ReleaseContract, name: str) -> Tables:
    """Lines by subject and group; names in the contract's order, so that each table is one table."""
    found: Tables = {}
    order = _known(contract) or {part: part for line in lines for part in _CROSSED.split(line.attribute)}
    places = {attribute: place for place, attribute in enumerate(dict.fromkeys(order.values()))}
    for line in lines:
        where = f"{name}, line {line.line} under the header"
        subject = _subject(line.attribute, order, where)
        group = _group(line.group, subject, contract, where)
        pairs = sorted(zip(subject, group, strict=True), key=lambda pair: places[pair[0]])
        ordered, group = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
        groups = found.setdefault(ordered, {})
        if group in groups:
            raise SourceError(
                f"The same group is counted on line {groups[group].line} already",
                where=where,
                remedy="Give every group one line; people of unknown group too",
            )
        groups[group] = line
    return found


def _known(contract: ReleaseContract) -> dict[str, str]:
    """Names a table may use → the contract's names of its attributes and slices."""
    spec = contract.data
    columns = {attribute.column: attribute.name for attribute in spec.attributes if not attribute.bands}
    names = {attribute.name: attribute.name for attribute in spec.attributes}
    return names | {name: name for name in spec.slices} | {c: n for c, n in columns.items() if c not in names}


def _subject(text: str, known: Mapping[str, str], where: str) -> tuple[str, ...]:
    if text in known:
        return (known[text],)
    for between in (_CROSSED, _JOINED):
        parts = between.split(text)
        if len(set(parts)) == len(parts) and all(part in known for part in parts):
            return tuple(known[part] for part in parts)
    listed = ", ".join(dict.fromkeys(known.values()))
    raise SourceError(
        "A line counts an attribute the contract does not name",
        where=where,
        remedy=f"Write it as in the contract ({listed}; a combination with × between), or add it there",
    )


def _group(text: str, subject: tuple[str, ...], contract: ReleaseContract, where: str) -> Group:
    parts = [text]
    if len(subject) > 1:
        split = [between.split(text) for between in (_CROSSED, _JOINED)]
        parts = next((found for found in split if len(found) == len(subject)), split[0])
    levels = tuple(contract_level(part, name, contract) for part, name in zip(parts, subject, strict=False))
    if len(parts) == 1 and levels == (UNKNOWN,):
        return (UNKNOWN,) * len(subject)
    if len(parts) != len(subject):
        raise SourceError(
            f"A combination of {len(subject)} attributes has a group of {len(parts)}",
            where=where,
            remedy="Name one group of each attribute with × between them, such as Female × Asian",
        )
    return levels


def contract_level(text: str, name: str, contract: ReleaseContract) -> str:
    """Return the contract's spelling of a group; unknown where it means that nothing is known."""
    attribute = contract.attribute(name)
    unknown = (UNKNOWN_WORD, *(attribute.unknown if attribute else ()))
    if text in MISSING or text.lower() == UNKNOWN_WORD or any(same_value(text, word) for word in unknown):
        return UNKNOWN
    named = [*(attribute.required or ()), attribute.reference or ""] if attribute else []
    return next((word for word in named if word and same_value(text, word)), text)


def published_cube(tables: Tables, contract: ReleaseContract) -> MarginalCube:
    """Return the cube of these tables, each beside the others; there is at least one, and none is empty."""
    bands = score_bands(Fraction(0), Fraction(1), None, ())
    slices = set(contract.data.slices)
    found: list[CountCube] = []
    for subject, groups in tables.items():
        levels = [tuple(sorted({group[i] for group in groups})) for i in range(len(subject))]
        kinds: list[AxisKind] = ["slice" if name in slices else "attribute" for name in subject]
        axes = tuple(
            Axis(name=name, kind=kind, levels=held)
            for name, kind, held in zip(subject, kinds, levels, strict=True)
        )
        codes, people = [], []
        for group, line in groups.items():
            place = [held.index(level) for held, level in zip(levels, group, strict=True)]
            for (label, decision), count in _cells(line).items():
                codes.append([*place, label, decision, NO_BAND])
                people.append([count, 0, 0, 0])
        cells = np.array(codes, dtype=np.int64).reshape(len(codes), len(subject) + 3)
        found.append(build_cube(axes, bands, cells, np.array(people, dtype=np.int64)))
    return marginal_cube(found)


def _cells(line: PublishedLine) -> dict[tuple[int, int], int]:
    """People by label and decision; those whose outcome is not in the table have no label."""
    made = line.outcomes
    known: dict[tuple[int, int], int] = {}
    if made is not None:
        known = {
            (YES, YES): made.tp,
            (YES, NO): made.positives - made.tp,
            (NO, YES): made.fp,
            (NO, NO): made.negatives - made.fp,
        }
    taken = sum(count for (_, decision), count in known.items() if decision == YES)
    left = sum(known.values()) - taken
    cells = known | {(NEITHER, YES): line.selected - taken, (NEITHER, NO): line.n - line.selected - left}
    for label in (NO, YES, NEITHER):  # of whom a model did not decide, the sum alone is known
        moved = min(
            cells.get((label, NO), 0), line.abstained - sum(n for (_, d), n in cells.items() if d == NEITHER)
        )
        cells |= {(label, NO): cells.get((label, NO), 0) - moved, (label, NEITHER): moved}
    # A group of nobody keeps one empty cell: it is in the table, so it is not absent.
    return {place: count for place, count in cells.items() if count} or {(NEITHER, NO): 0}
