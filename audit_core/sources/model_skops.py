"""What a skops file is and what it would import, found without executing any of it.

A skops file is a ZIP archive: `schema.json` describes the objects as a tree of nodes, the other members hold
arrays and bytes. The tree becomes the same symbols as a joblib stream, and every name in it is judged by the
same table; nothing is taken from what the file or skops itself would trust.
"""

from __future__ import annotations

import json
import re
from itertools import accumulate
from types import MappingProxyType
from typing import Any, Final

from audit_core.sources.model_archive import check_npz, members_of, read_npy
from audit_core.sources.model_inspect import Inspection, PolicyJudge, concluded
from audit_core.sources.model_policy import Policy, read_policy
from audit_core.sources.model_reader import StreamError
from audit_core.sources.model_skops_arrays import LOADERS as ARRAY_LOADERS
from audit_core.sources.model_skops_nodes import Nodes
from audit_core.sources.model_skops_objects import LOADERS as OBJECT_LOADERS

LONGEST_SCHEMA: Final = 64 * 2**20
MOST_PARTS: Final = 2_000_000
"""Brackets, commas and colons of the description: each can become an object."""
DEEPEST_SCHEMA: Final = 160
"""Levels of brackets; a search over a pipeline of column transformers has about thirty."""
PROTOCOLS: Final = (1, 2)
"""Versions of the format; 0 is that of early skops, which stored functions in another way."""

_MEMBER: Final = re.compile(
    r"schema\.json|\d{1,20}\.np[yz]|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\.bin", re.ASCII
)
# Possessive, so that a text without its end costs one pass and not one for every quote.
_TEXT: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_LEVELS: Final = MappingProxyType({ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1})
_COPY: Final = "Copy the file again, or save it again"
_ITSELF: Final = "Save the fitted classifier itself with skops.io.dump"


def inspect_skops(raw: bytes, policy: Policy | None = None) -> Inspection:
    """What a skops file is, without executing it."""
    judge = PolicyJudge(policy or read_policy())
    root: object = None
    try:
        root = read_skops(raw, judge)
    except (StreamError, RecursionError) as error:
        said = error if isinstance(error, StreamError) else "it nests its parts too deep"
        judge.refuse(f"The file can't be read as a saved model: {said}", _COPY)
    return concluded(judge, root, _ITSELF)


def read_skops(raw: bytes, judge: PolicyJudge) -> object:
    """The symbol of the root object; the judge hears of every use of a name.

    Raises
    ------
    StreamError
        The file holds what no current skops writes, is cut short, damaged, or beyond a bound.
    """
    members = members_of(raw, _MEMBER)
    schema = _schema(members.pop("schema.json", None))
    protocol = schema.pop("protocol", None)
    if type(protocol) is not int or protocol not in PROTOCOLS:
        raise StreamError("it has a version of the skops format that is not read here")
    if not isinstance(schema.pop("_skops_version", ""), str):
        raise StreamError("it does not say which skops wrote it")
    for name, content in members.items():
        # Some are never asked for: skops writes an object again each time it meets it, and reads it once.
        if name.endswith(".npy"):
            read_npy(content)
        elif name.endswith(".npz"):
            check_npz(content)
    return Nodes(members, judge, protocol, {**OBJECT_LOADERS, **ARRAY_LOADERS}).read(schema)


def _schema(raw: bytes | None) -> dict[str, Any]:
    """The root node, parsed within bounds; a key that occurs twice is refused."""
    if raw is None:
        raise StreamError("it is a zip archive without a model of skops")
    if len(raw) > LONGEST_SCHEMA:
        raise StreamError(f"its description is longer than {LONGEST_SCHEMA // 2**20} MiB")
    # What is left without the texts and all else but brackets tells how deep the description goes.
    brackets = _TEXT.sub(b"", raw).translate(None, _NO_BRACKETS)
    if max(accumulate(map(_LEVELS.__getitem__, brackets)), default=0) > DEEPEST_SCHEMA:
        raise StreamError("it nests its parts too deep")
    # Python's reader guesses among encodings by zeros near the start, so there must be none.
    if raw[:1] != b"{" or raw[1:2] == b"\0":
        raise StreamError("its description is not JSON as skops writes it")
    try:
        if sum(map(raw.count, (b"{", b"[", b",", b":"))) > MOST_PARTS:
            raise StreamError(f"its description has more than {MOST_PARTS:,} parts")
        schema: dict[str, Any] = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_doubles)
    except ValueError as error:
        raise StreamError("its description is damaged") from error
    return schema


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise StreamError("its description gives one thing two values")
    return found
