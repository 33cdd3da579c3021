"""The result file of an earlier audit, read as a baseline: outside text, every part checked before use."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from audit_core.errors import SourceError
from audit_core.sources.published import MOST_PEOPLE, OutcomeCounts, PublishedLine
from audit_core.sources.tables import Source

SCHEMA = "evenhand/audit/v1"
LARGEST = 32 << 20
MOST_RATES = 200_000
MOST_PARTS = 1_000_000
"""Lists and objects in a result; small ones take twenty times the bytes they are written with."""

MOST_NAMES = 3
"""Attributes of a combination that a result counts."""

LONGEST_NAME = 1_000
VERDICTS = ("APPROVED", "APPROVED_WITH_CONDITIONS", "INCONCLUSIVE", "BLOCKED")
_GIVE = "Give the audit.json of an audit by this program"
_AUDIT = re.compile(r"A-\d{8}-[0-9a-f]{8}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)

Key = tuple[tuple[str, ...], tuple[str, ...]]
"""Names of the attributes, and the group of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCounts:
    """Counts of one group, by the names the result gives attributes and groups; both empty for everybody."""

    subject: tuple[str, ...]
    group: tuple[str, ...]
    counts: PublishedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditResult:
    """What is read of a result file: its decision, the model it was made on, and the counts of its rates.

    `model_sha256` is empty where the result was made on scores alone; `contract_id` and `contract_version`
    are empty in results from before they were written.
    """

    name: str
    sha256: str
    bytes: int
    audit_id: str
    created_at: str
    verdict: str
    contract_id: str
    contract_version: str
    model_sha256: str
    groups: tuple[GroupCounts, ...]

    def source(self) -> Source:
        """Return the file as a source of the audit that is compared with it; it holds no rows."""
        return Source(
            role="baseline", name=self.name, sha256=self.sha256, bytes=self.bytes, rows=0, columns=()
        )  # fmt: skip


def is_result(path: Path | str, name: str | None = None) -> bool:
    """Return whether a file is a result by its first bytes or its name; anything else is a table of rows.

    Raises
    ------
    SourceError
        It is an archive, or can't be read.
    """
    file, shown = Path(path), name or Path(path).name
    if not file.is_file():
        return shown.lower().endswith(".json")
    try:
        with file.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise SourceError("The file can't be read", where=shown, remedy="Check the path") from error
    packed = head[:4] in (b"PK\x03\x04", b"PK\x05\x06")
    if packed or shown.lower().endswith(".zip"):
        raise SourceError(
            "A baseline can't be read from an archive", where=shown,
            remedy="Unpack it and give the audit.json that is in it",
        )  # fmt: skip
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") or shown.lower().endswith(".json")


def read_result(path: Path | str, name: str | None = None) -> AuditResult:
    """Return what a result file says that later releases are compared with.

    Raises
    ------
    SourceError
        The file is missing, too large or no JSON, is not a result of this schema, or its counts contradict
        each other.
    """
    shown = name or Path(path).name
    return result_in(_bytes(Path(path), shown), shown)


def result_in(content: bytes, name: str) -> AuditResult:
    """Return what the bytes of a result file say; errors as in `read_result`."""
    data = _decoded(content, name)
    if data.get("schema") != SCHEMA:
        raise SourceError(f"The file is not a result of the schema {SCHEMA}", where=name, remedy=_GIVE)
    try:
        contract_id, contract_version = _contract(data)
        return AuditResult(
            name=name,
            sha256=hashlib.sha256(content).hexdigest(),
            bytes=len(content),
            audit_id=_text(data["audit_id"], _AUDIT),
            created_at=_moment(data["created_at"]),
            verdict=_one_of(data["decision"]["verdict"], VERDICTS),
            contract_id=contract_id,
            contract_version=contract_version,
            model_sha256=_model(data["sources"]),
            groups=tuple(_groups(_rates(data["rates"]))),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError("The result file does not hold together", where=name, remedy=_GIVE) from error


def _bytes(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise SourceError("There is no such file", where=name, remedy="Check the path") from error
    if len(content) > LARGEST:
        problem = f"The file is larger than {LARGEST >> 20} MiB; a result is far smaller"
        raise SourceError(problem, where=name, remedy=_GIVE)
    return content


def _decoded(content: bytes, name: str) -> dict[str, Any]:
    """The one object of a JSON text; no key twice and no NaN."""
    if content.count(b"[") + content.count(b"{") > MOST_PARTS or content.count(b",") > 3 * MOST_PARTS:
        raise SourceError("The file holds more parts than any result", where=name, remedy=_GIVE)
    try:
        data = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError, MemoryError) as error:  # one nested too deeply is a RecursionError
        raise SourceError("The file can't be read as JSON", where=name, remedy=_GIVE) from error
    if not isinstance(data, dict):
        raise SourceError(f"The file is not a result of the schema {SCHEMA}", where=name, remedy=_GIVE)
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found


def _refuse(_constant: str) -> None:
    raise ValueError("not a number of JSON")


def _text(value: Any, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError("not of the form it must have")
    return value


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise ValueError("none of the words it must be")
    return value


def _moment(value: Any) -> str:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or moment.isoformat() != value:
        raise ValueError("no moment")
    return str(value)


def _contract(data: Mapping[str, Any]) -> tuple[str, str]:
    """Id and version of the contract it was decided under; both empty where the result is an older one."""
    decided_under = _text(data["decision"]["contract_sha256"], _HASH)
    if "contract" not in data:
        return "", ""
    contract = data["contract"]
    if contract["sha256"] != decided_under:
        raise ValueError("decided under another contract than it names")
    told = contract["id"], contract["version"]
    if not all(isinstance(text, str) and len(text) <= LONGEST_NAME for text in told):
        raise ValueError("no id or version of a contract")
    return told


def _model(sources: Any) -> str:
    """SHA-256 of the model a result was made on; empty where it was made on scores."""
    found = [source for source in _listed(sources, MOST_RATES) if source["role"] == "model"]
    if len(found) > 1:
        raise ValueError("two models")
    return _text(found[0]["sha256"], _HASH) if found else ""


def _listed(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("no list, or too long a one")
    return value


def _rates(entries: Any) -> dict[Key, dict[str, tuple[int, int]]]:
    """Numerator and denominator of every rate of every group; rates of single windows are left out."""
    found: dict[Key, dict[str, tuple[int, int]]] = {}
    for entry in _listed(entries, MOST_RATES):
        if entry["window"] is not None:
            continue
        subject, group = _names(entry["attribute"]), _names(entry["group"])
        metric = entry["metric"]
        if len(subject) != len(group) or len(set(subject)) != len(subject) or not isinstance(metric, str):
            raise ValueError("no group of these attributes")
        rates = found.setdefault((subject, group), {})
        if metric in rates:
            raise ValueError("a rate is given twice")
        counts = _fraction(entry)
        if counts is not None:
            rates[metric] = counts
    return found


def _names(value: Any) -> tuple[str, ...]:
    names = _listed(value, MOST_NAMES)
    if not all(isinstance(name, str) and 0 < len(name) <= LONGEST_NAME for name in names):
        raise ValueError("no names")
    return tuple(names)


def _fraction(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    """Counts of a rate; (0, 0) where nobody was counted, None where they are not shown."""
    numerator, denominator = entry["numerator"], entry["denominator"]
    if numerator is None and denominator is None:
        return (0, 0) if entry["status"] == "undefined" else None
    if type(numerator) is not int or type(denominator) is not int:
        raise ValueError("no counts")
    if not 0 <= numerator <= denominator <= MOST_PEOPLE:
        raise ValueError("counts that contradict each other")
    return numerator, denominator


def _groups(rates: Mapping[Key, Mapping[str, tuple[int, int]]]) -> Iterator[GroupCounts]:
    """Groups whose people and decisions are shown; one that is hidden in a published part is left out."""
    for (subject, group), found in rates.items():
        if "selection_rate" not in found:
            continue
        selected, people = found["selection_rate"]
        abstained = found.get("abstain_rate", (0, people))[0]
        outcomes = _outcomes(found, people, selected)
        if abstained > people - selected:
            raise ValueError("more people without a decision than are left")
        line = PublishedLine(
            line=0, attribute="", group="", n=people, selected=selected, outcomes=outcomes,
            abstained=abstained,
        )  # fmt: skip
        yield GroupCounts(subject=subject, group=group, counts=line)


def _outcomes(found: Mapping[str, tuple[int, int]], people: int, selected: int) -> OutcomeCounts | None:
    """People by outcome, where both are shown."""
    if "tpr" not in found or "fpr" not in found:
        return None
    (tp, positives), (fp, negatives) = found["tpr"], found["fpr"]
    if positives + negatives > people or tp + fp > selected:
        raise ValueError("more outcomes than people")
    if (positives - tp) + (negatives - fp) > people - selected:
        raise ValueError("the outcomes do not fit the number of people selected")
    return OutcomeCounts(positives=positives, tp=tp, negatives=negatives, fp=fp)
