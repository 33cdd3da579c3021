"""What may stand where: the nodes compared with the contract's JSON Schema, in words a reader can act on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from importlib import resources
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from audit_core.contract.compose import short
from audit_core.contract.nodes import Node
from audit_core.errors import Problem

_KINDS = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list, such as [a, b]",
    "object": "a block of keys",
}
_MISSING = {
    ("check", "owner"): ("check-without-owner", "names no owner: add owner and the role that answers for it"),
    ("check", "why"): ("check-without-why", "does not say why it is here: add why and one sentence"),
    ("harm", "trigger"): ("harm-without-trigger", "has no trigger: add the id of the check that notices it"),
    ("harm", "owner"): ("harm-without-owner", "names no owner: add owner and the role that answers for it"),
}


@cache
def schema_text() -> bytes:
    """Return the JSON Schema of the contract, as editors read it."""
    return resources.files(__package__).joinpath("contract.schema.json").read_bytes()


def shape_problems(
    root: Node, schema: bytes | None = None, whole: str = "contract"
) -> tuple[list[Problem], frozenset[int]]:
    """Return what a schema refuses, and the identities of the keys and values it refuses.

    `schema` is the contract's where none is given; `whole` is what messages call the file.
    """
    problems: list[Problem] = []
    refused: set[int] = set()
    for error in _validator(schema or schema_text()).iter_errors(cast(Any, root.data())):
        path = list(error.absolute_path)
        node = _at(root, path)
        if error.validator == "additionalProperties":
            known = sorted(cast(Any, error.schema)["properties"])
            unknown = [entry.key for entry in node.entries if entry.key.text not in known]
            problems += _unknown_keys(node, unknown, known)
            refused.update(id(key) for key in unknown)
        elif error.validator == "required":
            problems += _missing_keys(node, error, path, whole)
        else:
            problems.append(problem(node, *_refusal(node, error, path, whole)))
            refused.add(id(node))
    return list(dict.fromkeys(problems)), frozenset(refused)


def problem(node: Node, code: str, message: str) -> Problem:
    """Return a problem at a node's place."""
    return Problem(line=node.line, column=node.column, code=code, message=message)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean …?)`` when one of the known words is close, or nothing."""
    lowered = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return f" (did you mean “{lowered[close[0]]}”?)" if close else ""


def one_of(words: Sequence[str]) -> str:
    """Return the words as they are listed in a sentence: “a”, “b” or “c”."""
    quoted = [f"“{word}”" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


@cache
def _validator(schema: bytes) -> Any:
    """Return a schema's validator; it knows exact decimals, and a pattern's $ ends the whole text."""
    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "number", lambda _, value: isinstance(value, int | Decimal) and not isinstance(value, bool)
    )
    validator = cast(Any, extend)(Draft202012Validator, {"pattern": _pattern}, type_checker=types)
    return validator(json.loads(schema))


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not re.search(pattern.replace("$", r"\Z"), value):
        yield ValidationError("does not match")


def _at(root: Node, path: Sequence[str | int]) -> Node:
    node = root
    for step in path:
        below = node.child(step)
        assert below is not None  # the schema only walks what the nodes hold
        node = below
    return node


def _unknown_keys(node: Node, unknown: list[Node], known: list[str]) -> Iterator[Problem]:
    # A key that is missing is the likelier guess than one that is already there.
    free = sorted(set(known) - {entry.key.text for entry in node.entries})
    for key in unknown:
        guess = did_you_mean(key.text, free) or did_you_mean(key.text, known)
        yield problem(key, "unknown-key", f"“{short(key.text)}” is not a key that is used here{guess}")


def _missing_keys(node: Node, error: ValidationError, path: list[str | int], whole: str) -> Iterator[Problem]:
    thing, said = _thing(node, path, whole)
    for key in cast(list[str], error.validator_value):
        if node.get(key) is None:  # every missing key, although jsonschema reports them one by one
            code, message = _MISSING.get((thing, key), ("missing-key", f"needs the key “{key}”"))
            yield problem(node, code, f"{said} {message}")


def _thing(node: Node, path: list[str | int], whole: str) -> tuple[str, str]:
    """Return the kind of thing at a path, and its name as the start of a sentence."""
    if not path:
        return whole, f"The {whole}"
    keys = [step for step in path if isinstance(step, str)]
    if isinstance(path[-1], str):
        return keys[-1], f"“{keys[-1]}”"
    thing = {
        "checks": "check",
        "harms": "harm",
        "attributes": "attribute",
        "evaluation_sources": "source",
        "watches": "watch",
    }.get(keys[-1], keys[-1].rstrip("s"))
    named = next(
        (v for key in ("id", "name") if (v := node.get(key)) and v.kind == "scalar" and v.text), None
    )
    return thing, f"The {thing} “{short(named.text)}”" if named else f"This {thing}"


def _refusal(node: Node, error: ValidationError, path: list[str | int], whole: str) -> tuple[str, str]:
    """Return the code and the sentence for a value that the schema refuses."""
    keys = [step for step in path if isinstance(step, str)]
    name = f"The {whole}" if not path else f"“{short(keys[-1])}”"
    if path and isinstance(path[-1], int):
        name = f"An entry of {name}"
    wanted: Any = error.validator_value
    if node.kind == "scalar" and node.data() in {None, ""} and path:
        return "empty-value", f"{name} is empty; fill it in or delete the line"
    match error.validator:
        case "enum":
            return "unknown-value", _not_in_list(node, name, wanted)
        case "type":
            if wanted == "string" and node.kind == "scalar" and "description" in cast(Any, error.schema):
                return "wrong-form", f"{name} can't be “{short(node.text)}”{_described(error.schema)}"
            return "wrong-type", _wrong_type(node, name, [wanted] if isinstance(wanted, str) else wanted)
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            return "out-of-range", f"{name} is {short(node.text)}; it must be {_range(error.schema)}"
        case "minItems" | "maxItems" | "minProperties":
            return "wrong-length", f"{name} {_length(error.schema)}"
        case _:
            hint = _described(error.schema)
            return "wrong-form", f"{name} can't be “{short(node.text)}”{hint}"


def _not_in_list(node: Node, name: str, known: list[str]) -> str:
    if node.kind != "scalar":
        return f"{name} must be one word: {one_of(known)}"
    guess = did_you_mean(node.text, known) if len(known) > 1 else ""
    listed = f"; it must be {one_of(known)}" if not guess or len(known) <= 8 else ""
    return f"{name} can't be “{short(node.text)}”{listed}{guess}"


def _wrong_type(node: Node, name: str, wanted: list[str]) -> str:
    sentence = f"{name} must be {' or '.join(_KINDS[kind] for kind in wanted)}"
    if node.kind != "scalar" or "object" in wanted:
        return sentence
    if "string" in wanted and node.plain:
        return f"{sentence}; put “{short(node.text)}” in quotes"
    return f"{sentence}, not “{short(node.text)}”"


def _range(schema: Any) -> str:
    words = (
        ("minimum", "at least"),
        ("exclusiveMinimum", "more than"),
        ("maximum", "at most"),
        ("exclusiveMaximum", "less than"),
    )
    return " and ".join(f"{word} {schema[key]}" for key, word in words if key in schema)


def _length(schema: Any) -> str:
    least, most = schema.get("minItems", schema.get("minProperties", 1)), schema.get("maxItems")
    if most is None:
        return f"needs at least {least} {'entry' if least == 1 else 'entries'}"
    return f"needs exactly {least} entries" if least == most else f"needs {least} to {most} entries"


def _described(schema: Any) -> str:
    said = str(schema.get("description", ""))
    return f"; expected: {said[0].lower()}{said[1:].rstrip('.')}" if said else ""
