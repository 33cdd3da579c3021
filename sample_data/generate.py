"""Make every generated file of the worked examples: `python sample_data/generate.py [--seed N] [--out DIR]`.

The contracts beside the files are written by hand and stay as they are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __package__ in (None, ""):  # run as a script: the package is beside us, not above us
    sys.path.insert(0, str(ROOT))

from sample_data.approved import approved_audit  # noqa: E402
from sample_data.hiring import SEED, hiring_tables  # noqa: E402
from sample_data.models import fit_models, save_model  # noqa: E402
from sample_data.shopflow import write_shopflow  # noqa: E402
from sample_data.tables import write_table  # noqa: E402

HERE = ROOT / "sample_data"
PINS = ROOT / "audit_core" / "sources" / "pins.json"


def write_all(folder: Path, seed: int = SEED) -> dict[str, str]:
    """Write tables, models and the approved audit below `folder`; the pins of the two models, by SHA-256."""
    for name in ("hiring", "shopflow"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_shopflow(folder / "shopflow")
    tables = hiring_tables(seed)
    for block, table in tables.items():
        write_table(table, folder / "hiring" / f"{block}.csv")
    candidate, baseline = fit_models(tables["train"])
    pins = {}
    for name, model, title in (("model", candidate, "candidate"), ("baseline", baseline, "baseline")):
        path = folder / "hiring" / f"{name}.joblib"
        save_model(model, path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        pins[digest] = f"bundled worked example: hiring {title} model"
    _, result = approved_audit(folder / "hiring", seed)
    (folder / "hiring" / "approved").mkdir(exist_ok=True)
    (folder / "hiring" / "approved" / "audit.json").write_bytes(result)
    return pins


def main(arguments: list[str] | None = None) -> int:
    """Run the command; models written to their own place are also pinned as the bundled ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=HERE)
    chosen = parser.parse_args(arguments)
    pins = write_all(chosen.out, chosen.seed)
    target = PINS if chosen.out.resolve() == HERE else chosen.out / "pins.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes((json.dumps(pins, indent=2) + "\n").encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
