"""Column roles, guessed and editable, and what else a draft contract is written from."""

from __future__ import annotations

import streamlit as st

from audit_core.contract.draft import AGE_EDGES, DraftChoices
from audit_core.contract.test_plan import Harmed
from audit_core.report.escape import for_markdown, visible
from audit_core.report.numbers import count
from audit_core.sources.profile import ROLES, ColumnProfile, TableLook

MOST_FIELDS = 60
CHOOSE = "Choose a value"
YES = ("1", "1.0", "true", "yes", "y")
ROLE_NAMES: list[str] = list(ROLES)
DOMAINS = ("employment", "lending", "housing", "health", "service", "other")
HARMED: dict[Harmed, str] = {
    "wrong_no": "Someone wrongly refused (a wrong no)",
    "wrong_yes": "Someone wrongly flagged or accepted (a wrong yes)",
    "both": "Both harm about equally",
}


def role_fields(look: TableLook, *, with_model: bool) -> dict[str, str]:
    """Let each column's part be changed; return the part of every column.

    A model makes the score itself, so beside one no column of the file is taken for it.
    """
    st.header("What each column is", anchor=False)
    st.caption(
        "Guessed from names and values. Correct what is wrong: a protected attribute must be marked as one."
    )
    roles: dict[str, str] = dict(look.roles)
    if with_model:
        roles = {name: "feature" if role == "score" else role for name, role in roles.items()}
    shown = look.columns[:MOST_FIELDS]
    with st.grid(3, min_column_width=260):
        for column in shown:
            roles[column.name] = _role_field(
                column, roles[column.name], f"{look.source.sha256[:12]}_{with_model}"
            )
    if len(look.columns) > len(shown):
        st.caption(f"{len(look.columns) - len(shown)} more columns keep the part that was guessed.")
    return roles


def _role_field(column: ColumnProfile, guessed: str, key: str) -> str:
    found = st.selectbox(
        for_markdown(column.name),
        ROLE_NAMES,
        index=ROLE_NAMES.index(guessed),
        key=f"role_{key}_{column.name}",
        help=f"{column.kind}, {count(column.distinct)} distinct values, {count(column.missing)} of "
        f"{count(column.rows)} missing",
    )
    return found or guessed


def draft_fields(
    look: TableLook, roles: dict[str, str], *, with_train: bool, with_model: bool
) -> DraftChoices:
    """Ask what columns alone do not tell; return what a draft contract is written from."""
    st.header("What the contract should ask", anchor=False)
    with st.grid(3, min_column_width=260):
        positive = _value_field(look, roles, "label", "Value of the outcome that means yes")
        scored = with_model or "score" in roles.values()
        selected = () if scored else _selected_field(look, roles)
        threshold = (
            st.text_input(
                "Score threshold", "0.5", key="draft_threshold", help="Selected from this score on."
            )
            if scored
            else "0.5"
        )
        domain = st.selectbox("Field", DOMAINS, index=len(DOMAINS) - 1, key="draft_domain")
        harmed = st.selectbox(
            "Who is harmed by a mistake?", list(HARMED), format_func=HARMED.__getitem__, key="draft_harm"
        )
        limit = st.text_input(
            "Largest gap allowed (0 to 1)", "0.10", key="draft_limit", help="0.10 is 10 points."
        )
        cuts = {
            column.name: st.text_input(
                f"Cut {for_markdown(column.name)} into bands at", AGE_EDGES, key=f"cuts_{column.name}",
                help="Numbers with commas. Each band becomes a group.",
            )
            for column in look.columns
            if roles[column.name] == "protected attribute" and column.kind == "number" and column.distinct > 5
        }  # fmt: skip
    return DraftChoices(
        id=look.source.name.rpartition(".")[0] or look.source.name,
        roles=roles,
        positive=positive,
        threshold=threshold.strip() or "0.5",
        selected=selected,
        domain=domain or "other",
        harmed_by=harmed or "wrong_no",
        limit=limit.strip() or "0.10",
        cuts=cuts,
        with_train=with_train,
        with_model=with_model,
    )


def _selected_field(look: TableLook, roles: dict[str, str]) -> tuple[str, ...]:
    """The values of the decision column that mean selected; none where no column is a decision."""
    column = next((name for name, found in roles.items() if found == "decision"), None)
    if column is None:
        return ()
    label = f"Values of the decision that mean selected ({for_markdown(column)})"
    values = next((values for name, values in look.label_values if name == column), ())
    if not values:
        text = st.text_input(label, key=f"selected_{column}", help="Several values with commas.")
        return tuple(part.strip() for part in text.split(",") if part.strip())
    likely = [value for value in values if value.lower() in YES]
    found = st.multiselect(
        label, values, default=likely, format_func=visible, placeholder=CHOOSE, key=f"selected_{column}"
    )
    return tuple(found)


def _value_field(look: TableLook, roles: dict[str, str], role: str, label: str) -> str:
    """The value that counts as yes in the column of a role; "" where no column plays it."""
    column = next((name for name, found in roles.items() if found == role), None)
    if column is None:
        return ""
    values = next((values for name, values in look.label_values if name == column), ())
    if not values:
        return st.text_input(f"{label} ({for_markdown(column)})", key=f"value_{role}_{column}").strip()
    likely = next(
        (i for i, value in enumerate(values) if value.lower() in YES),
        len(values) - 1 if len(values) <= 2 else None,
    )
    chosen = st.selectbox(
        f"{label} ({for_markdown(column)})",
        values,
        index=likely,
        format_func=visible,
        placeholder=CHOOSE,
        key=f"value_{role}_{column}",
    )
    return chosen or ""
