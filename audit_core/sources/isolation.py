"""What keeps a scoring process from the rest of the machine, as far as it was seen to hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

_RESOURCES: Final = "RLIMIT_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """The lock on one scoring process.

    Parameters
    ----------
    mode
        `strict`: no file can be opened. `lax`: files of Python's own libraries can be read.
    layers
        What was tried from inside, before any byte of a model was there, and held.
    missing
        What this system lacks, or what did not hold.
    """

    mode: Literal["strict", "lax"]
    layers: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing

    def words(self) -> str:
        """One line for the screen and the evidence."""
        if self.complete:
            return f"isolation: full ({self.mode})"
        limits = [name.removeprefix(_RESOURCES) for name in self.missing if name.startswith(_RESOURCES)]
        layers = [name for name in self.missing if not name.startswith(_RESOURCES)]
        lacks = [f"has no {', '.join(layers)}"] if layers else []
        lacks += [f"sets no limit on {', '.join(limits)}"] if limits else []
        return f"isolation: reduced (this system {' and '.join(lacks)})"


def isolation_told(told: dict[str, Any], reduced: list[str]) -> Isolation:
    """The isolation a worker tells of, before it had any byte of a model, and the limits it lacks."""
    return Isolation(
        mode="lax" if told["mode"] == "lax" else "strict",
        layers=tuple(str(name) for name in told["layers"]),
        missing=tuple(str(name) for name in [*told["missing"], *reduced]),
    )
