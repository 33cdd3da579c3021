"""Text → placed nodes, with every mistake of the YAML itself (its grammar, its keys, its traps)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml import events as yaml_events
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from audit_core.contract.nodes import Entry, Node
from audit_core.errors import Problem

LARGEST = 1 << 20
_DEEPEST = 24
# After aliases are followed: a few lines of nested aliases can stand for billions of values.
_MOST_NODES = 20_000

_GRAMMAR = {
    "mapping values are not allowed here": "a colon is not expected here; put text with a colon in quotes",
    "found unexpected end of stream": "a quotation mark opened here is never closed",
    "could not find expected ':'": "this line has no “key: value” form; a colon and a space are missing",
    "found undefined alias": "this name after the * was never set with an &",
    "cannot start any token": "a tab or reserved character; indent with spaces, put text in quotes",
    "expected <block end>": "this line is indented differently from the lines it belongs to",
    "expected ',' or ']'": "a comma or a closing ] is missing",
    "expected ',' or '}'": "a comma or a closing } is missing",
}


class _UnreadableError(Exception):
    """The text stops making sense here; what follows it can't be placed."""

    def __init__(self, index: int, code: str, message: str) -> None:
        self.index, self.code, self.message = index, code, message
        super().__init__(message)


def file_text(path: Path) -> tuple[bytes, tuple[Problem, ...]]:
    """Return the bytes of a file, one more than may be read at most, or the problem of opening it."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1), ()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable file name"
        message = f"The file can't be opened: {reason}"
        return b"", (Problem(line=1, column=1, code="unreadable", message=message),)


def decoded(text: bytes) -> tuple[str | None, list[Problem]]:
    """Return the characters of a file of at most 1 MiB of UTF-8, or the problem that prevents it."""
    if len(text) > LARGEST:
        message = "The file is larger than 1 MiB; a contract is a few pages of text"
        return None, [Problem(line=1, column=1, code="too-large", message=message)]
    try:
        return text.decode("utf-8").removeprefix("\ufeff"), []
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = "This character is not UTF-8; save the file with UTF-8 encoding"
        return None, [Problem(line=line, column=column, code="not-utf-8", message=message)]


def composed(text: str, most: int = _MOST_NODES) -> tuple[Node | None, list[Problem]]:
    """Return the root node of a text and the problems of its YAML; no root where it can't be read at all.

    More than `most` keys and values, aliases followed, are too many.
    """
    return _Composer(text, most).run()


class _Composer:
    """Folds the parser's events into nodes and collects what is wrong on the way."""

    def __init__(self, text: str, most: int) -> None:
        self.text = text
        self.most = most
        self.breaks = [i for i, character in enumerate(text) if character == "\n"]
        self.events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
        self.anchors: dict[str, Node] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def run(self) -> tuple[Node | None, list[Problem]]:
        root = None
        try:
            root = self._document()
        except _UnreadableError as error:
            self.note(error.index, error.code, error.message)
        except MarkedYAMLError as error:
            self._note_grammar(error)
        except (YAMLError, ArithmeticError, LookupError, ValueError, TypeError, RuntimeError) as error:
            # The reader's error carries a position; a bad escape ("\UFFFFFFFF") surfaces as a bare one.
            index = getattr(error, "position", None) or 0
            self.note(index, "syntax", "A character here can't be part of a text file; delete or retype it")
        return root, self.problems

    def place(self, index: int) -> tuple[int, int]:
        row = bisect_right(self.breaks, index - 1)
        return row + 1, index - (self.breaks[row - 1] + 1 if row else 0) + 1

    def note(self, index: int, code: str, message: str) -> None:
        line, column = self.place(index)
        self.problems.append(Problem(line=line, column=column, code=code, message=message))

    def _note_grammar(self, error: MarkedYAMLError) -> None:
        said = f"{error.problem or ''}"
        sentence = next((plain for heard, plain in _GRAMMAR.items() if heard in said), said)
        # An unclosed quotation mark is noticed at the end of the file but made where it was opened.
        opened = "end of stream" in said and error.context_mark is not None
        mark = error.context_mark if opened else error.problem_mark or error.context_mark
        self.note(mark.index if mark else 0, "syntax", f"This can't be read as YAML: {sentence}")

    def _document(self) -> Node | None:
        root = None
        for event in self.events:
            if isinstance(event, yaml_events.DocumentStartEvent):
                start = event.start_mark.index
                if root is not None:
                    raise _UnreadableError(
                        start, "several-documents", "A second contract starts here; keep one"
                    )
                if event.version not in {None, (1, 2)}:
                    self.note(0, "yaml-version", "A contract is YAML 1.2; delete the line with %YAML")
                root = self._node(next(self.events), 0)
        if root is None or (root.kind == "scalar" and root.plain and not root.text):
            raise _UnreadableError(0, "empty", "The contract is empty; “evenhand init” writes a first one")
        return root

    def _node(self, event: Any, depth: int) -> Node:
        start = event.start_mark.index
        self._check_depth(depth, start)
        if isinstance(event, yaml_events.AliasEvent):
            return self._alias(event, depth)
        self._count(1, start)
        if event.tag is not None:
            self.note(start, "explicit-tag", "Words that start with ! (YAML tags) are not used in a contract")
        node = self._collection(event, depth)
        if not node.finite:
            self.note(start, "not-a-number", f"“{node.text}” is not a number that a limit can use")
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _collection(self, event: Any, depth: int) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        line, column = self.place(start)
        if isinstance(event, yaml_events.ScalarEvent):
            plain = event.style in {None, ""}
            return Node(
                kind="scalar", start=start, end=end, line=line, column=column, text=event.value, plain=plain
            )
        kind = "list" if isinstance(event, yaml_events.SequenceStartEvent) else "map"
        node = Node(kind=kind, start=start, end=end, line=line, column=column, flow=bool(event.flow_style))  # type: ignore[arg-type]
        if kind == "map":
            return self._mapping(node, depth)
        items = []
        while not isinstance(inner := next(self.events), yaml_events.SequenceEndEvent):
            items.append(self._node(inner, depth + 1))
        return replace(_grown(node, items), items=tuple(items), end=inner.end_mark.index)

    def _mapping(self, node: Node, depth: int) -> Node:
        entries: dict[str, Entry] = {}
        while not isinstance(inner := next(self.events), yaml_events.MappingEndEvent):
            key = self._node(inner, depth + 1)
            value = self._node(next(self.events), depth + 1)
            if value.plain and not value.text:  # an absent value: its mark is wherever the next token is
                value = replace(value, start=key.end, end=key.end, line=key.line, column=key.column)
            if key.kind != "scalar":
                self.note(key.start, "key-not-text", "A key must be a word, not a list or a block of keys")
            elif (first := entries.get(key.text)) is not None:
                message = (
                    f"“{short(key.text)}” is already given on line {first.key.line}; keep one of the two"
                )
                self.note(key.start, "duplicate-key", message)
            else:
                entries[key.text] = Entry(key=key, value=value)
        node = _grown(node, [entry.value for entry in entries.values()])
        return replace(node, entries=tuple(entries.values()), end=inner.end_mark.index)

    def _alias(self, event: Any, depth: int) -> Node:
        start = event.start_mark.index
        target = self.anchors.get(event.anchor)
        if target is None:
            self._undefined(event)
        self._check_depth(depth + target.height, start)
        self._count(target.size, start)
        return target

    def _undefined(self, event: Any) -> NoReturn:
        message = (
            f"“*{short(event.anchor)}” repeats a value that is not set above it with “&{short(event.anchor)}”"
        )
        raise _UnreadableError(event.start_mark.index, "undefined-alias", message)

    def _check_depth(self, depth: int, index: int) -> None:
        if depth > _DEEPEST:
            raise _UnreadableError(
                index, "too-deep", "Values are nested too deeply here; keep the form of the example"
            )

    def _count(self, nodes: int, index: int) -> None:
        self.nodes += nodes
        if self.nodes > self.most:
            message = "Repeated values (&name and *name) make the contract too large to read from here on"
            raise _UnreadableError(index, "too-many-values", message)


def _grown(node: Node, below: list[Node]) -> Node:
    """Return a collection with the count and the levels of the values it holds."""
    height = 1 + max((inner.height for inner in below), default=0)
    return replace(node, size=1 + sum(inner.size for inner in below), height=height)


def short(text: str) -> str:
    """Return a value for a message: one line, at most 60 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
