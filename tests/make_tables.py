"""Small files, contracts and cubes for the tests of tables and counting."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from audit_core.contract.yaml import parse_contract
from audit_core.cube.build import count_table, rank_groups, take_in
from audit_core.cube.coding import code_table
from audit_core.sources.tables import connect, open_table

DATA = "label: {column: y}, score: {column: s, threshold: 0.5}, attributes: [{name: g, basis: test}]"

CONTRACT = """\
schema: evenhand/contract/v1
id: test
version: 1
status: draft
domain: other
decision: {{question: q, population: p, favourable: {good}, harm: h, harmed_by: wrong_no}}
data: {{{data}}}
checks:
  - {{id: presence, stage: data, metric: coverage, of: [{of}], severity: critical, owner: owner, why: w}}
roles:
  owner: {{name: n, contact: c}}
author: owner
"""


def contract_bytes(data=DATA, of="g", good="1"):
    return CONTRACT.format(data=data, of=of, good=good).encode()


def contract(data=DATA, of="g", good="1"):
    return parse_contract(contract_bytes(data, of, good), "contract.yaml")


@contextmanager
def opened(path, role="evaluation", name=None, threads=None):
    # The folder too: some tests open a second file beside the first.
    con = connect((path,), folders=(Path(path).absolute().parent,), threads=threads)
    try:
        yield con, open_table(con, path, role, name=name)
    finally:
        con.close()


def rows_of(path, name=None):
    """(header, rows) of a file as the tool reads it."""
    with opened(path, name=name) as (con, table):
        rows = con.execute(f"SELECT * FROM {table.scan}").fetchall()
        return table.source.columns, rows


def written(folder: Path, name: str, text: str | bytes) -> Path:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def saved(folder: Path, frame: pd.DataFrame, name="rows.csv") -> Path:
    file = folder / name
    if name.endswith(".parquet"):
        frame.to_parquet(file, index=False)
    elif name.endswith((".arrow", ".feather")):
        frame.to_feather(file)
    else:
        frame.to_csv(file, index=False)
    return file


def counted(path, spec):
    """(cube, intake, ranks) of a file under a contract."""
    with opened(path) as (con, table):
        coding = code_table(con, table, spec)
        intake = take_in(con, table, coding, spec)
        cube = count_table(con, table, coding)
        return cube, intake, rank_groups(con, table, coding, cube)


def cube_of(path, spec=None, threads=None):
    """The cube of a file, without the checks of the intake."""
    spec = spec or contract()
    with opened(path, threads=threads) as (con, table):
        return count_table(con, table, code_table(con, table, spec))
