"""Contracts to start from: complete, commented, and not approved by anyone."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from audit_core.contract.shape import did_you_mean, one_of, schema_text
from audit_core.errors import UsageError

_NAMES = ("hiring", "lending", "service-judge", "blank")


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets."""
    return _NAMES


def preset(name: str) -> bytes:
    """Return the text of a preset.

    Raises
    ------
    UsageError
        When there is no preset of that name.
    """
    if name not in _NAMES:
        problem = f"There is no preset “{name}”{did_you_mean(name, _NAMES)}"
        raise UsageError(problem, where="--preset", remedy=f"Choose {one_of(_NAMES)}")
    return resources.files(__package__).joinpath("presets", f"{name}.yaml").read_bytes()


def write_preset(directory: Path, name: str) -> tuple[Path, Path]:
    """Write contract.yaml and contract.schema.json into a directory, and return where they are.

    Raises
    ------
    UsageError
        When a contract is there already, or another schema (nothing is written then), or the directory can't
        be written to.
    """
    contract, schema = directory / "contract.yaml", directory / "contract.schema.json"
    text = preset(name)
    try:
        if schema.exists() and schema.read_bytes() != schema_text():
            raise _taken(schema)
        directory.mkdir(parents=True, exist_ok=True)
        with contract.open("xb") as file:  # x: a contract someone has worked on is never overwritten
            file.write(text)
        schema.write_bytes(schema_text())
    except FileExistsError:
        raise _taken(contract) from None
    except OSError as error:
        problem = f"The folder can't be written to: {error.strerror}"
        raise UsageError(problem, where=str(directory), remedy="Choose a folder you may write to") from None
    return contract, schema


def _taken(path: Path) -> UsageError:
    return UsageError("A file of this name is there already", where=str(path), remedy="Choose another folder")
