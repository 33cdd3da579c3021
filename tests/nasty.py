"""Names that try to be something else, by what they try; and what every reader must find of them."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from audit_core.audit import AuditRequest, run_audit
from audit_core.decision.record import Audit
from audit_core.evidence.workspace import Workspace

WORD_JOINER = "\u2060"
"""The one invisible character a sink may put between two others."""

NASTY: dict[str, str] = {
    "script": "<script>window.evenhandHacked=1</script>",
    "image": '<img src=x onerror="window.evenhandHacked=1">',
    "bold": "<b>bold</b>",
    "entity": "&lt;&#60;&amp;",
    "comment": "]]><!-- x",
    "link": "[x](javascript:alert(1))",
    "picture": "![x](https://x.example/y.png)",
    "address": "https://x.example www.x.example a@x.example",
    "colour": ":red[x]",
    "icon": ":material/delete:",
    "emoji_code": ":smile: :+1:",
    "arrow": "a -> b >= c -- d <-> e",
    "maths": r"$\frac{1}{2}$",
    "latex": r"\input{/etc/passwd}",
    "typst_read": '#read("/etc/passwd")',
    "typst_let": r"#let x = 1; \u{202e} *x* _y_ <z>",
    "formula": '=HYPERLINK("http://x")',
    "at": "@SUM(1+1)",
    "plus": "+1+1",
    "minus": "-2+3",
    "full_width": "＝1＋1",
    "space_formula": "  =1+1",
    "semicolon": "x;=1+1",
    "pipe": "a|b| c",
    "backticks": "`rm -rf` ```x",
    "mention": "@octocat #1 GH-1",
    "heading": "# x",
    "list": "1. x",
    "quote": "> x \"y\" 'z'",
    "template": "%{x} %{customdata[0]} {0} {{x}}",
    "proto": "__proto__",
    "rich": "[bold red]x[/] \\[y]",
    "ansi": "\x1b[31mred\x1b[0m",
    "title_bar": "\x1b]0;x\x07",
    "c1": "\x9b31mred",
    "lines": "\r\nInjected: 1",
    "tab": "\t=1+1",
    "nul": "a\x00b",
    "delete": "a\x7fb",
    "rlo": "model\u202egpj.exe",
    "isolate": "a\u2066b\u2069",
    "joiner": "a\u200db",
    "zero_space": "a\u200bb",
    "mark_of_order": "\ufeffa",
    "line_separator": "a\u2028b",
    "blank_letter": "a\u3164b",
    "selector": "a\ufe0fb",
    "tags": "a\U000e0041b",
    "accents": "e" + "\u0301" * 12,
    "accent_first": "\u0338x",
    "no_character": "a\ufffeb",
    "emoji": "👩\u200d💻",
    "long": "x" * 5000,
}
SURROGATE = "a\ud800b"
"""A contract can write it as an escape; UTF-8 can't hold it."""

FILE_NAMES = {
    "html": "<img src=x onerror=alert(1)>.joblib",
    "dash": "-rf.joblib",
    "rlo": "model\u202egpj.exe",
    "long": "a" * 400,
}


def hidden(text: str, allowed: str = WORD_JOINER) -> list[str]:
    """Every character of a text that a reader would not see, or that a terminal would obey."""
    return [
        f"U+{ord(mark):04X}"
        for mark in text
        if unicodedata.category(mark) in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"} and mark not in allowed
    ]


def plain(text: str) -> str:
    """The text as it is read: without the sink's own joiners."""
    return text.replace(WORD_JOINER, "")


# An audit whose data and contract hold such names

FEATURE = '<i>k"m</i> $x$ |a| :red[y] [z](javascript:1)'
HIDDEN_FEATURE = "km\u202eback"
ATTRIBUTE = "<b>g</b> `=a|b` $z$ \u202egnp"
OTHER = ":material/home: __proto__ \u200b{0}"
PROSE = r"<script>window.evenhandHacked=2</script> $\\frac{1}{2}$ \u202e |x| @me \x1b[31m =1+1"
"""As YAML writes it between double quotes."""
FILE = "<img src=x onerror=alert(1)> $x$ \u202egpj.csv"
ARRIVE = [key for key in NASTY if key not in ("nul", "no_character")]
"""What a CSV file of UTF-8 can hold; a NUL is no text there."""

CONTRACT = f"""\
schema: evenhand/contract/v1
id: nasty-names
version: "1 <b>$x$</b> \\u202e"
status: approved
domain: other
decision: {{question: "{PROSE}", population: "{PROSE}", favourable: 1, harm: "{PROSE}", harmed_by: wrong_no}}
data:
  label: {{column: y}}
  score: {{column: score, threshold: 0.5}}
  id: person
  versions: {{model: "<b>2</b> $y$", evaluation: "=1+1 \\u202e"}}
  attributes:
    - {{name: {{attribute}}, basis: none}}
    - {{name: {{other}}, basis: none}}
  intersections: [[{{attribute}}, {{other}}]]
support: {{positives: 10, negatives: 10, rows: 20}}
requirements:
  - {{id: owner_named, met: false, by: o, evidence: "{PROSE}"}}
checks:
  - {{id: everyone, stage: data, metric: coverage, of: [{{attribute}}, {{other}}], severity: critical, owner: o, why: "{PROSE}"}}
  - {{id: tpr_gap, stage: training, metric: tpr, compare: difference, of: [{{attribute}}], limit: {{max: 0.10}}, severity: critical, primary: true, owner: o, why: w}}
  - {{id: fpr_gap, stage: training, metric: fpr, compare: difference, of: [{{other}}], limit: {{max: 0.10}}, severity: minor, owner: o, why: w}}
  - {{id: pairs_gap, stage: training, metric: tpr, compare: difference, of: [[{{attribute}}, {{other}}]], limit: {{max: 0.20}}, severity: major, owner: o, why: w}}
  - {{id: moved, stage: predeploy, metric: psi, features: all, limit: {{warn: 0.10, max: 0.25}}, severity: major, owner: o, why: w}}
  - {{id: watched, stage: monitor, metric: tpr, compare: difference, of: [{{other}}], window: 28d, limit: {{max: 0.10}}, severity: minor, owner: o, on_fail: {{action: page, notify: o}}, why: w}}
roles:
  o: {{name: "{PROSE}", contact: "<a href=x>"}}
author: o
signoff: {{require: {{o: 1}}}}
"""  # noqa: E501


def contract_of_names() -> bytes:
    """A contract over two attributes with nasty names, nasty prose in every free text."""
    text = CONTRACT
    for place, name in (("{attribute}", ATTRIBUTE), ("{other}", OTHER)):
        text = text.replace(place, json.dumps(name))
    return text.encode()


def write_people(path: Path, groups: list[str], rows: int, shift: int = 0) -> Path:
    """A CSV with every group, both outcomes, and features that `shift` moves."""
    header = ["person", ATTRIBUTE, OTHER, "y", "score", FEATURE, HIDDEN_FEATURE]
    others = [NASTY["script"], NASTY["link"]]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(header)
        for g, group in enumerate(groups):
            for i in range(rows):
                label, selected = i % 2, (i // 2 + g) % 3 != 0 if i % 2 else i % 8 == 0
                category = NASTY["image"] if (i + shift) % 3 else NASTY["rlo"]
                cells = [f"{g}-{i}-{shift}", group, others[i // 2 % 2], label, 0.9 if selected else 0.1]
                writer.writerow([*cells, (i * 7 + 40 * shift) % 101, category])
    return path


def nasty_audit(folder: Path, keys: Sequence[str] = ARRIVE) -> tuple[Audit, Workspace]:
    """An audit of these people, run as the screens run one, with nasty names of its files."""
    groups = [NASTY[key] for key in keys]
    workspace = Workspace(folder / "workspace")
    request = AuditRequest(
        contract=contract_of_names(),
        contract_name="contract.yaml",
        evaluation=write_people(folder / "evaluation.csv", groups, 48),
        train=write_people(folder / "train.csv", groups, 24, shift=1),
        names={"evaluation": FILE, "train": f"=cmd{FILE}"},
        as_of=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
    )
    return run_audit(request, workspace), workspace
