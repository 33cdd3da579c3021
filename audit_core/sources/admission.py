"""A model file admitted to scoring: identified, inspected without being run, and vouched for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit_core.errors import ModelError
from audit_core.sources.model import Format, ModelFile, Opening, identify_model
from audit_core.sources.model_bytes import model_payload
from audit_core.sources.model_inspect import Inspection, inspect_payload, refused
from audit_core.sources.model_onnx import inspect_onnx
from audit_core.sources.model_skops import inspect_skops
from audit_core.sources.model_trust import Review, Trust, require_trust

_INSPECT: Final[Mapping[Format, Callable[[bytes], Inspection]]] = {
    "joblib": inspect_payload,
    "skops": inspect_skops,
    "onnx": inspect_onnx,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A model file that may be opened: its bytes by hash, what is in it, and who vouches for it."""

    model: ModelFile
    inspection: Inspection
    trust: Trust

    @property
    def opening(self) -> Opening:
        """What the scoring process may import for it, and nothing else."""
        found, kind = self.inspection, self.model.format
        return Opening(format=kind, modules=found.modules, names=None if kind == "onnx" else found.names)


def inspect_model(model: ModelFile) -> Inspection:
    """What an identified file is, without executing it; what can't even be read is a refusal too."""
    try:
        return _INSPECT[model.format](model_payload(model))
    except ModelError as error:
        return refused(error.problem, error.remedy)


def admit_model(
    path: Path,
    name: str | None,
    *,
    isolated: bool,
    accepted: Collection[str] = (),
    reviews: Collection[Review] = (),
) -> Admitted:
    """The file, admitted; the parameters are those of `require_trust`.

    Raises
    ------
    ModelError
        It is no model file, is refused, or nobody vouches for it.
    """
    model = identify_model(path, name)
    inspection = inspect_model(model)
    trust = require_trust(model, inspection, isolated=isolated, accepted=accepted, reviews=reviews)
    return Admitted(model=model, inspection=inspection, trust=trust)
