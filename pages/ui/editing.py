"""The text of a contract while it is being edited."""

from __future__ import annotations

from collections.abc import Callable

from audit_core.contract.test_plan_edit import edited_plan, plan_changes, with_missing_checks
from audit_core.errors import AuditError
from pages.ui import cached, session
from pages.ui.controls import show_error
from pages.ui.questions import forget_fields, told

EDITOR = "contract_text"
NAME = "contract.yaml"


def begin(text: str) -> None:
    """Put a text into the editor where it holds none."""
    if session.widget(EDITOR) is None:
        session.set_widget(EDITOR, text)


def write_plan(today: str) -> None:
    """Write the form's answers into the text as it stands; comments and order stay."""

    def edited(text: bytes) -> bytes:
        contract = cached.contract_in(text, NAME)
        return edited_plan(text, plan_changes(contract, told(), today))

    _change(edited)


def add_checks() -> None:
    """Add the checks that the plan in the text names and lacks."""
    _change(lambda text: with_missing_checks(text, NAME))


def give_up() -> None:
    """Drop what was edited, in the text and in the form."""
    session.change(draft=None)
    session.drop_widget(EDITOR)
    forget_fields()


def _change(edit: Callable[[bytes], bytes]) -> None:
    """Change the editor's text; one that can't be changed stays, with the reason on screen."""
    text = str(session.widget(EDITOR) or session.read().draft or "")
    try:
        edited = edit(text.encode()).decode()
    except AuditError as error:
        show_error(error)
        return
    session.change(draft=edited)
    session.set_widget(EDITOR, edited)
