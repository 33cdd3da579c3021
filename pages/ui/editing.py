"""The text of a contract while it is being edited."""

from __future__ import annotations

from audit_core.contract.yaml import edit_contract
from audit_core.errors import AuditError
from pages.ui import session
from pages.ui.controls import show_error
from pages.ui.questions import Changes

EDITOR = "contract_text"


def begin(text: str) -> None:
    """Put a text into the editor where it holds none."""
    if session.widget(EDITOR) is None:
        session.set_widget(EDITOR, text)


def apply_answers(text: str, wanted: Changes) -> None:
    """Change the text where the answers ask for it; comments and order stay."""
    try:
        edited = edit_contract(text.encode(), wanted).decode()
    except AuditError as error:
        show_error(error)
        return
    session.change(draft=edited)
    session.set_widget(EDITOR, edited)


def give_up() -> None:
    """Drop what was edited."""
    session.change(draft=None)
    session.drop_widget(EDITOR)
