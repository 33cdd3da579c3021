"""Contract text ⇄ contract: every problem collected with its place, and edits that touch nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from audit_core.contract.compose import composed, decoded, file_text
from audit_core.contract.decode import decoded_contract
from audit_core.contract.nodes import Node, without
from audit_core.contract.rules import rule_problems
from audit_core.contract.schema import ReleaseContract
from audit_core.contract.shape import shape_problems
from audit_core.contract.splice import spliced
from audit_core.errors import ContractError, Problem


def read_contract(path: Path) -> ReleaseContract:
    """Return the contract in a file.

    Raises
    ------
    ContractError
        With every problem of the contract in the order of the text, or when the file can't be opened.
    """
    text, problems = file_text(path)
    if problems:
        raise ContractError(str(path), problems)
    return parse_contract(text, str(path))


def parse_contract(text: bytes, name: str) -> ReleaseContract:
    """Return the contract that a text stands for; `name` is what its problems are listed under.

    Raises
    ------
    ContractError
        With every problem of the contract in the order of the text.
    """
    root, problems = _examined(text)
    if root is None or problems:
        raise ContractError(name, problems)
    return decoded_contract(root, sha256(text).hexdigest())


def contract_problems(text: bytes) -> tuple[Problem, ...]:
    """Return every problem of a contract in the order of its text; none for a contract that can be used."""
    return _examined(text)[1]


def _examined(text: bytes) -> tuple[Node | None, tuple[Problem, ...]]:
    characters, problems = decoded(text)
    root = None
    if characters is not None:
        root, problems = composed(characters)
    if root is not None:
        misshapen, refused = shape_problems(root)
        placed = {(p.line, p.column) for p in problems}  # one mistake is reported once
        problems += [p for p in misshapen if (p.line, p.column) not in placed]
        if root.kind == "map":
            problems += rule_problems(without(root, refused))
    return root, tuple(sorted(set(problems), key=lambda p: (p.line, p.column, p.code, p.message)))


def edit_contract(text: bytes, changes: Mapping[tuple[str | int, ...], object]) -> bytes:
    """Return the contract with some values changed; comments, order and quoting stay as they were written.

    Parameters
    ----------
    text
        The contract as it stands in its file.
    changes
        Path (keys and 0-based positions, such as `("checks", 3, "limit", "max")`) → new value. A new key, or
        the position after the last, adds; None removes. Digits given as text are a number unless they
        replace a text.

    Raises
    ------
    ContractError
        When the text can't be read, or a change would give it a problem that it does not have yet.
    UsageError
        When a path leads nowhere.
    """
    characters, problems = decoded(text)
    if characters is not None and not problems:
        problems = composed(characters)[1]
    if characters is None or problems:
        raise ContractError("contract", tuple(problems))
    for path, value in changes.items():
        characters = spliced(characters, path, value)
    mark = b"\xef\xbb\xbf" if text.startswith(b"\xef\xbb\xbf") else b""
    edited = mark + characters.encode()
    known = {(p.code, p.message) for p in contract_problems(text)}
    added = tuple(p for p in contract_problems(edited) if (p.code, p.message) not in known)
    if added:
        raise ContractError("contract", added)
    return edited
