"""ShopFlow: ten requests in two wordings each, a teaching example's test fixtures and not people."""

from __future__ import annotations

from pathlib import Path
from typing import Final

HEADER: Final = "pair_id,variant,expected_auto_serve,judge_score,channel,evidence_passed"
CHANNELS: Final = {
    "p1": "chat",
    "p2": "chat",
    "p3": "chat",
    "p4": "email",
    "p5": "email",
    "p6": "email",
    "n1": "chat",
    "n2": "chat",
    "n3": "email",
    "n4": "email",
}
Scores = dict[str, tuple[str, str]]
# Judge scores as published, formal wording first; text, because the files keep every digit as it stands.
BASELINE: Final[Scores] = {
    "p1": ("0.92", "0.88"),
    "p2": ("0.88", "0.73"),
    "p3": ("0.84", "0.72"),
    "p4": ("0.78", "0.67"),
    "p5": ("0.74", "0.56"),
    "p6": ("0.66", "0.61"),
    "n1": ("0.71", "0.6"),
    "n2": ("0.62", "0.55"),
    "n3": ("0.6", "0.52"),
    "n4": ("0.68", "0.63"),
}
CANDIDATE: Final[Scores] = {
    "p1": ("0.92", "0.91"),
    "p2": ("0.86", "0.84"),
    "p3": ("0.81", "0.8"),
    "p4": ("0.77", "0.75"),
    "p5": ("0.72", "0.71"),
    "p6": ("0.66", "0.65"),
    "n1": ("0.62", "0.61"),
    "n2": ("0.6", "0.58"),
    "n3": ("0.55", "0.56"),
    "n4": ("0.64", "0.62"),
}


def write_shopflow(folder: Path) -> None:
    """Write the baseline run and the candidate rerun as CSV."""
    for name, scores in (("baseline", BASELINE), ("candidate", CANDIDATE)):
        lines = [HEADER]
        for pair, both in scores.items():
            for variant, score in zip(("formal", "conversational"), both, strict=True):
                lines.append(f"{pair},{variant},{pair.startswith('p')},{score},{CHANNELS[pair]},True")
        (folder / f"{name}.csv").write_bytes(("\n".join(lines) + "\n").encode())
