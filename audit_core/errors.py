"""What can go wrong, said once: the problem, where it is, and the remedy.

Messages name files, columns and settings; they never carry a cell of anyone's data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class AuditError(Exception):
    """An audit that cannot be run as asked.

    Parameters
    ----------
    problem
        What is wrong, as a sentence.
    where
        File, column or setting at fault; empty when the problem names it.
    remedy
        What the reader can do next, as a sentence.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, problem: str, *, where: str = "", remedy: str = "") -> None:
        self.problem = problem
        self.where = where
        self.remedy = remedy
        super().__init__(" · ".join(part for part in (problem, where, remedy) if part))


class UsageError(AuditError):
    """The command or the screen was asked for something that does not hold together."""

    exit_code = 3


class SourceError(AuditError):
    """A file that can't be read as what it claims to be."""


class ModelError(AuditError):
    """A model file that is refused, can't be loaded, or fails while scoring."""


class RendererError(AuditError):
    """A document that could not be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in a contract, at its place in the text (1-based line and column)."""

    line: int
    column: int
    code: str
    message: str


class ContractError(AuditError):
    """A contract with one or more mistakes, all of them reported together."""

    exit_code = 3
    whole: ClassVar[str] = "contract"

    def __init__(self, name: str, problems: tuple[Problem, ...]) -> None:
        self.name = name
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(
            f"The {self.whole} has {count}",
            where=name,
            remedy="Correct each line listed and check again",
        )

    def lines(self) -> list[str]:
        """One `file:line:column: code message` per problem, in the order of the text."""
        return [f"{self.name}:{p.line}:{p.column}: {p.code} {p.message}" for p in self.problems]


class PlanError(ContractError):
    """A monitoring plan with one or more mistakes, all of them reported together."""

    whole = "plan"
