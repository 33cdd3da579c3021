"""The core's verbs behind caches keyed by audit and content; the only place that uses Streamlit's caches.

What is cached is frozen or read-only, so it is shared, never copied. Two kinds, and no third:

* what is read of an upload is cached for its visit alone (`scope="session"`) and goes with it;
* what is worked out of a stored audit holds counts and no row, and is shared. `app.py` asks for the right to
  see audits before any screen runs; an audit of the workspace is open to everybody who has that right.
"""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from pathlib import Path

import streamlit as st

from audit_core.audit import (
    AuditRequest,
    Progress,
    look_at,
    run_audit,
    with_limit,
    worked_example,
)
from audit_core.audit.watched import watched
from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.contract.yaml import parse_contract
from audit_core.cube.count_cube import Group
from audit_core.cube.redecide import Cut
from audit_core.decision.alternatives import Target
from audit_core.decision.followed import Followed
from audit_core.decision.plan import Plan
from audit_core.decision.planning import plan_for
from audit_core.decision.record import Audit
from audit_core.decision.robustness import Robustness, RobustnessMap, Setting, robustness, robustness_map
from audit_core.decision.trial import at_thresholds
from audit_core.evidence.kept_plans import state_of
from audit_core.evidence.workspace import AuditEntry, Workspace
from audit_core.findings.conflicts import SubjectConflicts
from audit_core.findings.lint import Caution, lint
from audit_core.metrics.hiring_tables import HiringTables, hiring_tables
from audit_core.metrics.slice_found import SliceHunt
from audit_core.metrics.slices import worst_slices
from audit_core.metrics.thresholds import Costs, Cuts, Strategy, Trial, strategy_cuts, try_cuts
from audit_core.report.conflicts import found_conflicts
from audit_core.report.summary import Summary, summary
from audit_core.sources.admission import inspect_model
from audit_core.sources.baseline import AuditResult, is_result, read_result
from audit_core.sources.evaluations import EvaluationResult, read_evaluations
from audit_core.sources.model import ModelFile, identify_model
from audit_core.sources.model_inspect import Inspection
from audit_core.sources.profile import TableLook
from audit_core.sources.tables import Source
from audit_core.sources.waiting import WaitingWorkers


def workspace() -> Workspace:
    """Return the workspace the environment names."""
    return Workspace()


def audit_of(audit_id: str) -> Audit:
    """Return a stored audit.

    Raises
    ------
    AuditError
        There is none of this id, or it can't be read.
    """
    return _loaded(str(workspace().root.resolve()), audit_id)


@st.cache_resource(max_entries=24, show_spinner=False)
def _loaded(root: str, audit_id: str) -> Audit:
    return Workspace(Path(root)).load(audit_id)


@st.cache_resource(max_entries=64, show_spinner=False)
def tried(_audit: Audit, key: str, check: str, limit: Fraction) -> Audit:
    """Return an audit under another limit. `key` names the audit: its id and contract."""
    del key
    return with_limit(_audit, check, limit)


@st.cache_resource(max_entries=24, show_spinner=False)
def summary_of(_audit: Audit, key: str) -> Summary:
    """Return what the summary page shows. `key` names the audit."""
    del key
    return summary(_audit)


@st.cache_resource(max_entries=64, show_spinner=False)
def worst_slices_of(_audit: Audit, key: str, metric: str) -> SliceHunt:
    """Return the search for the worst slices of one metric. `key` names the audit."""
    del key
    return worst_slices(_audit.contract, _audit.counted.cube, metric)


@st.cache_resource(max_entries=24, show_spinner=False)
def hiring_of(_audit: Audit, key: str) -> HiringTables | None:
    """Return an audit's impact tables, or None where nothing was decided. `key` names the audit."""
    del key
    return hiring_tables(_audit.contract, _audit.counted)


@st.cache_resource(max_entries=64, show_spinner=False)
def threshold_trial(
    _audit: Audit,
    key: str,
    subject: Subject,
    strategy: Strategy,
    costs: Costs,
    free: tuple[tuple[Group, Cut], ...],
) -> tuple[Trial, Audit]:
    """Return a strategy's thresholds tried on an audit, and the audit as they would decide it.

    `key` names the audit; `free` holds the cuts of the free strategy.
    """
    del key
    cube, contract = _audit.counted.cube, _audit.contract
    cuts = strategy_cuts(contract, cube, subject, strategy, costs)
    if strategy == "free":
        cuts = Cuts(strategy=strategy, one=None, groups=free, left=())
    trial = try_cuts(contract, cube, subject, cuts, costs)
    return trial, at_thresholds(_audit, subject, cuts.by_group)


@st.cache_resource(max_entries=24, show_spinner=False)
def robustness_of(_audit: Audit, key: str) -> Robustness:
    """Return what an audit's verdict hangs on. `key` names the audit."""
    del key
    return robustness(_audit)


@st.cache_resource(max_entries=64, show_spinner=False)
def robustness_map_of(_audit: Audit, key: str, target: Target, setting: Setting) -> RobustnessMap:
    """Return one check of an audit over limit × threshold. `key` names the audit."""
    del key
    return robustness_map(_audit, target, setting)


@st.cache_resource(max_entries=24, show_spinner=False)
def conflicts_of(_audit: Audit, key: str) -> tuple[SubjectConflicts, ...]:
    """Return what cannot hold together in an audit. `key` names the audit."""
    del key
    return found_conflicts(_audit)


@st.cache_resource(max_entries=24, show_spinner=False)
def plan_of(_audit: Audit, key: str) -> Plan:
    """Return the monitoring plan of an audit, made on its own day. `key` names the audit."""
    del key
    return plan_for(_audit)


def cautions_of(contract: ReleaseContract, audit: Audit | None) -> tuple[Caution, ...]:
    """Return the statistical warnings about a contract, on an audit's data where there is one."""
    return _cautions(contract, audit, contract.sha256, key_of(audit) if audit is not None else "")


@st.cache_resource(max_entries=24, show_spinner=False)
def _cautions(_contract: ReleaseContract, _audit: Audit | None, sha256: str, key: str) -> tuple[Caution, ...]:
    del sha256, key
    data = (_audit.counted, _audit.measurements) if _audit is not None else (None, None)
    return lint(_contract, *data)


def key_of(audit: Audit) -> str:
    """Return what names an audit in a cache: its id, and the counts and contract it was decided from."""
    return f"{audit.id} {audit.counted.cube.fingerprint} {audit.contract.sha256}"


@st.cache_resource(max_entries=24, show_spinner=False, scope="session")
def look(path: str, name: str) -> TableLook:
    """Return a first look at an uploaded table; its path is named by its content."""
    return look_at(Path(path), name)


@st.cache_resource(max_entries=8, show_spinner=False, scope="session")
def benchmarks(path: str, name: str) -> tuple[Source, tuple[EvaluationResult, ...]]:
    """Return an uploaded table of benchmark results; its path is named by its content.

    Raises
    ------
    SourceError
        It is no such table.
    """
    return read_evaluations(Path(path), name)


@st.cache_resource(max_entries=8, show_spinner=False, scope="session")
def baseline(path: str, name: str) -> AuditResult | None:
    """Return an uploaded result that releases are compared with, or None where the file is a table of rows.

    Raises
    ------
    SourceError
        It is an archive, or a damaged result.
    """
    return read_result(Path(path), name) if is_result(path, name) else None


def example(progress: Progress | None = None) -> Audit:
    """Return the worked example, run on first use."""
    return worked_example(workspace(), progress)


def audited(request: AuditRequest, progress: Progress) -> Audit:
    """Return the audit of somebody's own files; never cached, it is kept in the workspace."""
    return run_audit(request, workspace(), progress)


def followed_of(audit: Audit, as_of: datetime) -> Followed | None:
    """Return what following a release has shown so far, or None where no plan was executed for it.

    Raises
    ------
    AuditError
        The plan, or what is kept of a period, does not hold together.
    """
    root = workspace().root.resolve()
    return _followed(audit, key_of(audit), str(root), state_of(root), as_of.date().isoformat(), as_of)


@st.cache_resource(max_entries=24, show_spinner=False)
def _followed(_audit: Audit, key: str, root: str, state: str, day: str, _as_of: datetime) -> Followed | None:
    del key, state, day
    return watched(_audit, Workspace(Path(root)), _as_of)


def entries() -> tuple[AuditEntry, ...]:
    """Return the audits of the workspace, the newest first."""
    return workspace().entries()


def contract_text(audit_id: str) -> bytes:
    """Return the exact bytes of the contract an audit was decided under."""
    return workspace().contract_bytes(audit_id)


def artifact(audit_id: str, name: str) -> bytes:
    """Return a file of an audit's folder."""
    return workspace().artifact(audit_id, name)


@st.cache_resource(max_entries=24, show_spinner=False, scope="session")
def contract_in(text: bytes, name: str) -> ReleaseContract:
    """Return the contract in a text that a visitor gave or wrote.

    Raises
    ------
    ContractError
        With every problem of it.
    """
    return parse_contract(text, name)


@st.cache_resource(max_entries=2, show_spinner=False)
def deployment_contract(text: bytes) -> ReleaseContract:
    """Return the contract whose roles decide who may do what on this server; its operator's, no visitor's.

    Raises
    ------
    ContractError
        With every problem of it.
    """
    return parse_contract(text, "the deployment's contract")


@st.cache_resource(max_entries=8, show_spinner=False, scope="session")
def identified(path: str, name: str) -> ModelFile:
    """Return an uploaded model file by its bytes, hashed once a visit; a run hashes them again.

    Raises
    ------
    ModelError
        It is no model file at all.
    """
    return identify_model(Path(path), name)


@st.cache_resource(max_entries=8, show_spinner=False, scope="session")
def inspected(path: str, name: str) -> Inspection:
    """Return what an uploaded model file is, read without running it; its path is named by its content."""
    return inspect_model(identified(path, name))


@st.cache_resource(show_spinner=False)
def workers() -> WaitingWorkers:
    """Return the scoring process that waits for the next model; it has seen none, and serves one."""
    return WaitingWorkers()
