"""One edit of a contract's text: the characters of one value change, every other character stays.

Writing the whole document anew, even with its comments, would move its line breaks and spacing; a reviewer of
the change would then have to search for what was really changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from audit_core.contract.compose import composed
from audit_core.contract.nodes import Node
from audit_core.errors import UsageError

Path = tuple[str | int, ...]


def spliced(text: str, path: Path, value: object) -> str:
    """Return the text with one value replaced, added (a new key, the item after the last) or removed (None).

    Raises
    ------
    UsageError
        When the path leads nowhere, or the text around it can't be changed without touching the rest.
    """
    root = composed(text)[0]
    parent = root
    for step in path[:-1]:
        parent = parent.child(step) if parent is not None else None
    if root is None or parent is None or not path or not _fits(parent, path[-1]):
        raise _refused(path)
    old = parent.child(path[-1])
    if value is None:
        edited = _removed(text, parent, path[-1])
    elif old is not None:
        edited = text[: old.start] + _gap(text, old) + rendered(value, old) + text[old.last :]
    else:
        edited = _added(text, parent, path[-1], value)
    after = composed(edited)[0]
    if after is None or after.data() != _expected(root, path, value):
        raise _refused(path)
    return edited


def rendered(value: object, old: Node | None = None) -> str:
    """Return a value as YAML on one line, quoted like the value it replaces where that is possible."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal | Fraction):
        return _digits(value)
    if isinstance(value, str):
        return _scalar(value, old)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(str(k), None)}: {rendered(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(rendered(item) for item in value) + "]"
    raise UsageError("A contract holds text, numbers, true/false, lists and blocks of keys")


def _digits(value: float | Decimal | Fraction) -> str:
    """Return a number with all its digits; a fraction without an end in decimals can't be written exactly."""
    if not isinstance(value, Fraction):
        return str(value)
    digits = str(Decimal(value.numerator) / Decimal(value.denominator))
    if Fraction(digits) != value:
        raise UsageError("This number has no exact decimal form", remedy="Round it first")
    return digits


def _scalar(text: str, old: Node | None) -> str:
    """Return a text as a scalar: in the old quotes, or plain where that keeps it what it is."""
    if old is not None and old.kind == "scalar" and not old.plain:
        return _quoted(text)
    again, problems = composed(f"[{text}]") if text and "\n" not in text else (None, [])
    if (
        again is None
        or problems
        or len(again.items) != 1
        or not again.items[0].plain
        or again.items[0].text != text
    ):
        return _quoted(text)
    item = again.items[0]
    # Digits typed into a field are a number, unless they replace a text.
    number = item.number is not None and (old is None or old.kind != "scalar" or old.number is not None)
    return text if number or isinstance(item.data(), str) else _quoted(text)


def _quoted(text: str) -> str:
    if text.isprintable():
        return json.dumps(text, ensure_ascii=False)
    escaped = (
        json.dumps(c, ensure_ascii=False)[1:-1] if c.isprintable() else f"\\U{ord(c):08x}" for c in text
    )
    return f'"{"".join(escaped)}"'


def _fits(parent: Node, step: str | int) -> bool:
    if isinstance(step, str):
        return parent.kind == "map"
    return parent.kind == "list" and 0 <= step <= len(parent.items)


def _refused(path: Path) -> UsageError:
    where = ".".join(str(step) for step in path)
    return UsageError(
        "This part of the contract can't be changed here", where=where, remedy="Edit the file as text"
    )


def _gap(text: str, old: Node) -> str:
    """Return the space that an empty value lacks after its colon."""
    return " " if old.start == old.end and text[old.start - 1 : old.start] == ":" else ""


def _added(text: str, parent: Node, step: str | int, value: object) -> str:
    """Return the text with a new last entry, in the style of the mapping or list it joins."""
    entry = rendered(value) if isinstance(step, int) else f"{_scalar(step, None)}: {rendered(value)}"
    last = parent.items[-1] if parent.items else parent.entries[-1].value if parent.entries else None
    if parent.flow:
        at = parent.end - 1 if last is None else last.last
        return text[:at] + ("" if last is None else ", ") + entry + text[at:]
    margin = _margin(text, parent)
    line_end = text.find("\n", parent.last)
    at = len(text) if line_end < 0 else line_end
    at -= text[:at].endswith("\r")
    newline = "\r\n" if "\r\n" in text else "\n"
    return text[:at] + newline + margin + ("- " if isinstance(step, int) else "") + entry + text[at:]


def _margin(text: str, parent: Node) -> str:
    """Return the spaces before an entry of a block; the first key of a list item stands after its dash."""
    first = parent.entries[0].key.start if parent.entries else text.rfind("-", 0, parent.items[0].start)
    return " " * (first - (text.rfind("\n", 0, first) + 1))


def _removed(text: str, parent: Node, step: str | int) -> str:
    """Return the text without one entry: its lines in a block, its place between the commas in a line."""
    spans = [(item.start, item.last) for item in parent.items]
    spans += [(entry.key.start, entry.value.last) for entry in parent.entries]
    keys: list[str | int] = [entry.key.text for entry in parent.entries] or list(range(len(spans)))
    if step not in keys or (len(spans) == 1 and not parent.flow):
        raise _refused((step,))
    position = keys.index(step)
    start, end = spans[position]
    if not parent.flow:
        start = text.rfind("\n", 0, start) + 1
        line_end = text.find("\n", end)
        return text[:start] + (text[line_end + 1 :] if line_end >= 0 else "")
    if position + 1 < len(spans):
        return text[:start] + text[spans[position + 1][0] :]
    return text[: spans[position - 1][1] if position else start] + text[end:]


def _expected(root: Node, path: Path, value: object) -> object:
    """Return the data the edited text must stand for: the old data with this one change."""
    whole = root.data()
    target: object = whole
    for step in path[:-1]:
        target = target[step]  # type: ignore[index]
    assert isinstance(target, dict | list)
    step = path[-1]
    if value is None:
        del target[step]  # type: ignore[arg-type]
        return whole
    old = _node_at(root, path)
    written = composed(f"[{rendered(value, old)}]")[0]
    assert written is not None
    new = written.items[0].data()
    if isinstance(target, list) and step == len(target):
        target.append(new)
    else:
        target[step] = new  # type: ignore[index]
    return whole


def _node_at(root: Node, path: Path) -> Node | None:
    node: Node | None = root
    for step in path:
        node = node.child(step) if node is not None else None
    return node
