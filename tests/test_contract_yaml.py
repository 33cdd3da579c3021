"""YAML's own traps: each is refused at its place, and no text whatever stops the tool."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit_core.contract.presets import preset
from audit_core.contract.yaml import contract_problems, edit_contract, parse_contract
from audit_core.errors import AuditError, ContractError

BLANK = preset("blank").decode()


def found(text: str | bytes) -> list[tuple[int, int, str]]:
    raw = text.encode() if isinstance(text, str) else text
    return [(p.line, p.column, p.code) for p in contract_problems(raw)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", (1, 1, "empty")),
        (b"# only a comment\n", (1, 1, "empty")),
        (b"---\n...\n", (1, 1, "empty")),
        (b"id: caf\xe9\n", (1, 8, "not-utf-8")),
        (b"a: 1\nb: \xff\n", (2, 4, "not-utf-8")),
        (b"x" * (1024 * 1024 + 1), (1, 1, "too-large")),
        (b"- a\n- b\n", (1, 1, "wrong-type")),
        (b"just text\n", (1, 1, "wrong-type")),
        (b"a: b: c\n", (1, 5, "syntax")),
        (b"a: [1, 2\nb: 3\n", (2, 2, "syntax")),
        (b"a: 'never closed\n", (1, 4, "syntax")),
        (b"a: 1\n\tb: 2\n", (2, 1, "syntax")),
        (b'a: "\\UFFFFFFFF"\n', (1, 1, "syntax")),
        (b"a: x\x00y\n", (1, 5, "syntax")),
        (b"a: *nowhere\n", (1, 4, "undefined-alias")),
        (b"a: &x [*x]\n", (1, 8, "undefined-alias")),
        (b"a: 1\n---\nb: 2\n", (2, 1, "several-documents")),
        (b"[" * 100_000, (1, 26, "too-deep")),
    ],
)
def test_unreadable_texts(text: bytes, expected: tuple[int, int, str]) -> None:
    assert found(text) == [expected]


@pytest.mark.parametrize(
    ("old", "new", "column", "code"),
    [
        ("limit: {max: 0.10}", "limit: {max: .nan}", 96, "not-a-number"),
        ("limit: {max: 0.10}", "limit: {max: -.INF}", 96, "not-a-number"),
        ("id: my-model", "id: !!str my-model", 5, "explicit-tag"),
        ("id: my-model", "id: ! my-model", 5, "explicit-tag"),
        ("id: my-model", "id: !!python/object:os.system my-model", 5, "explicit-tag"),
        ("roles:", "[roles]: {}\nroles:", 1, "key-not-text"),
    ],
)
def test_refused_values(old: str, new: str, column: int, code: str) -> None:
    text = BLANK.replace(old, new, 1)
    line = text[: text.index(new)].count("\n") + 1
    assert found(text)[0] == (line, column, code)
    assert (line, column, "wrong-type") not in found(text)


def test_another_version_of_yaml_is_refused() -> None:
    assert found("%YAML 1.1\n---\n" + BLANK) == [(1, 1, "yaml-version")]
    assert found("%YAML 1.2\n---\n" + BLANK) == []


def test_every_duplicate_key_is_reported() -> None:
    text = BLANK + "author: owner\nauthor: owner\n"
    text = text.replace("metric: coverage", "metric: coverage, stage: data, metric: coverage", 1)
    assert [code for _, _, code in found(text)] == ["duplicate-key"] * 4
    assert "already given on line" in contract_problems(text.encode())[0].message


def test_only_true_and_false_are_booleans() -> None:
    for word in ("yes", "on", "y", "1", '"true"'):
        assert [code for *_, code in found(BLANK.replace("met: false", f"met: {word}"))] == ["wrong-type"]
    assert found(BLANK.replace("met: false", "met: true")) == []


def test_dates_and_odd_numbers_stay_text() -> None:
    text = BLANK.replace("status: draft", "status: draft\nreview_by: 2027-05-01")
    assert parse_contract(text.encode(), "c").review_by == "2027-05-01"
    for number in ("1_000", "0x1f", "1e999999999", "9" * 5000, "12:30"):
        assert [code for *_, code in found(BLANK.replace("threshold: 0.50", f"threshold: {number}"))] == [
            "wrong-type"
        ]


def test_billion_laughs_end_quickly() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    started = time.perf_counter()
    assert [code for *_, code in found("\n".join(lines))] == ["too-many-values"]
    assert time.perf_counter() - started < 5
    chain = "\n".join(["a0: &a0 [x]", *(f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 200))])
    assert [code for *_, code in found(chain)] == ["too-deep"]


def test_an_alias_is_followed() -> None:
    text = BLANK.replace("limit: {max: 0.10}", "limit: &gap {max: 0.10}", 1).replace(
        "limit: {max: 0.10}", "limit: *gap"
    )
    first, second = parse_contract(text.encode(), "c").checks[1:]
    assert first.limit == second.limit


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    windows = b"\xef\xbb\xbf" + BLANK.replace("\n", "\r\n").encode()
    assert parse_contract(windows, "c").id == "my-model"
    assert found(windows.replace(b"id: my-model", b"id: my model"))[0][:2] == (5, 5)


def survives(text: bytes) -> None:
    """Whatever is read, problems are the only answer besides a contract, and each has a place."""
    problems = contract_problems(text)
    assert all(p.line >= 1 and p.column >= 1 and p.code and p.message for p in problems)
    try:
        parse_contract(text, "fuzz")
        assert not problems
    except ContractError as error:
        assert error.problems == problems


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(st.binary(max_size=300))
def test_any_bytes(text: bytes) -> None:
    survives(text)


@FUZZ
@given(st.text(alphabet="abc:-[]{}&*!|>'\"%@#,? \n\t.0159~<\\U", max_size=80))
def test_any_text_of_yaml_characters(text: str) -> None:
    survives(text.encode())


SNIPPETS = st.sampled_from(
    [
        *(
            "[]",
            "{}",
            "[[]]",
            "{a: {}}",
            "null",
            "~",
            ".nan",
            "true",
            "yes",
            "0",
            "-1",
            "1e99",
            '""',
            "'",
            '"',
        ),
        *("#", "|", ">", "%", "? ", "é", "*x", "&x", "!!set", "<<: *x", "- ", ": ", "\n", "\t", "\r\n", "  "),
        *("\x00", ""),
    ]
)


@FUZZ
@given(
    name=st.sampled_from(["service-judge", "blank"]),
    edits=st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 25), SNIPPETS), min_size=1, max_size=4),
)
def test_mutated_contracts(name: str, edits: list[tuple[int, int, str]]) -> None:
    text = preset(name).decode()
    for start, length, snippet in edits:
        at = start % len(text)
        text = text[:at] + snippet + text[at + length :]
    survives(text.encode())


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
STEPS = st.sampled_from(
    ["checks", "data", "limit", "max", "of", "why", "roles", "owner", "name", "new"]
) | st.integers(-1, 3)


@FUZZ
@given(path=st.lists(STEPS, max_size=4).map(tuple), value=VALUES)
def test_any_edit_is_made_or_refused(path: tuple[str | int, ...], value: object) -> None:
    try:
        edited = edit_contract(BLANK.encode(), {path: value})
    except AuditError:
        return
    assert contract_problems(edited) == ()
