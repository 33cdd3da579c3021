"""The JSON Schema that editors read says what the parser does, and every preset obeys both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor

from audit_core.contract import decode, metrics, schema
from audit_core.contract.presets import preset, preset_names, write_preset
from audit_core.contract.shape import schema_text
from audit_core.contract.yaml import parse_contract
from audit_core.errors import UsageError

SCHEMA: dict[str, Any] = json.loads(schema_text())


class _TextDates(SafeConstructor):
    """Reads dates as text, as the contract does."""


_TextDates.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for below in node.values():
            yield from objects(below)
    elif isinstance(node, list):
        for below in node:
            yield from objects(below)


def test_the_schema_is_a_schema_that_refuses_unknown_keys_and_explains_every_key() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for block in objects(SCHEMA):
        assert block["additionalProperties"] is False
        for key, value in block["properties"].items():
            named = SCHEMA["$defs"].get(value.get("$ref", "").removeprefix("#/$defs/"), {})
            assert value.get("description") or named.get("description"), key


@pytest.mark.parametrize("name", preset_names())
def test_presets_obey_the_schema_and_the_parser(name: str) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _TextDates
    errors = list(Draft202012Validator(SCHEMA).iter_errors(yaml.load(preset(name))))
    assert [error.message for error in errors] == []
    contract = parse_contract(preset(name), name)
    assert contract.status == "draft"
    assert all(role.name == "(fill in)" for role in contract.roles)
    assert any(check.primary for check in contract.checks)


def test_schema_and_parser_know_the_same_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser asks for every key of the schema and for no other.

    What it asks for is recorded while it reads a contract that uses every optional part.
    """
    asked: set[str] = set()
    whole = decode.Node.get

    def recording(self: decode.Node, *path: str) -> decode.Node | None:
        asked.update(path)
        return whole(self, *path)

    monkeypatch.setattr(decode.Node, "get", recording)
    parse_contract(EVERYTHING, "everything")
    sections = {
        "table",
        "mitigation",
        "retention",
    }  # kept as they are for the stage that reads them
    by_name = {f.name for c in (schema.SupportPolicy, schema.Limit) for f in fields(c)}
    kept = {
        key for name in sections for block in objects(section_schema(name)) for key in block["properties"]
    }
    kept |= {"failed", "agreed", "expected", "fixtures"}  # of pairs
    known = {key for block in objects(SCHEMA) for key in block["properties"]}
    assert asked - known == set()
    assert known - asked - by_name - kept == {"schema"}


def section_schema(name: str) -> dict[str, Any]:
    node: dict[str, Any] = SCHEMA["properties"][name]
    return SCHEMA["$defs"][name] if "$ref" in node else node


def test_fields_and_enumerations_are_those_of_the_types() -> None:
    def keys(name: str) -> set[str]:
        return set(section_schema(name)["properties"])

    def names(kind: Any) -> set[str]:
        return {f.name for f in fields(kind)}

    definitions = SCHEMA["$defs"]
    assert keys("support") == names(schema.SupportPolicy)
    assert keys("statistics") == names(schema.Statistics)
    assert set(definitions["limit"]["properties"]) == names(schema.Limit)
    assert set(definitions["check"]["properties"]) == names(schema.Check) - {"line"}
    assert set(definitions["harm"]["properties"]) == names(schema.Harm)
    assert set(definitions["requirement"]["properties"]) == names(schema.Requirement)
    assert set(definitions["response"]["properties"]) == names(schema.Response)
    assert keys("decision") == names(schema.DecisionQuestion)
    check = definitions["check"]["properties"]
    assert tuple(check["stage"]["enum"]) == schema.STAGES
    assert tuple(check["severity"]["enum"]) == get_args(schema.Severity)
    assert tuple(check["compare"]["enum"]) == get_args(schema.Compare)
    assert set(check["metric"]["enum"]) == {*metrics.METRICS, *metrics.ALIASES}
    defaults = schema.SupportPolicy()
    assert {k: v["default"] for k, v in section_schema("support")["properties"].items()} == {
        f.name: getattr(defaults, f.name) for f in fields(defaults)
    }


def test_a_preset_is_written_once(tmp_path: Path) -> None:
    contract, beside = write_preset(tmp_path / "new", "lending")
    assert contract.read_bytes() == preset("lending")
    assert beside.name == "contract.schema.json"
    assert json.loads(beside.read_bytes()) == SCHEMA
    contract.write_bytes(b"mine")
    with pytest.raises(UsageError):
        write_preset(tmp_path / "new", "lending")
    assert contract.read_bytes() == b"mine"
    (tmp_path / "contract.schema.json").write_bytes(b"{}")
    with pytest.raises(UsageError):
        write_preset(tmp_path, "blank")
    assert not (tmp_path / "contract.yaml").exists()
    with pytest.raises(UsageError, match="hiring"):
        write_preset(tmp_path / "other", "hirign")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError):
        write_preset(tmp_path / "file", "blank")


EVERYTHING = preset("service-judge") + b"table: {attribute: a, group: g, n: n, selected: s}\n"
EVERYTHING = EVERYTHING.replace(b"# review_by", b"review_by")
EVERYTHING += (
    b"conflicts: [{checks: [coverage, tpr_gap], person: A, role: policy, reason: b, date: 2026-11-20}]\n"
)
