"""What a model file may name, and what it may use each name for: exact names, exact uses.

The table in model_policy.json is derived from the pinned libraries by tests/make_model_policy.py and read
by a person before it is committed. A name is used in one of five ways: as a `value`, to `call`, to create
something `new` without a call, to `build` an object from its state, or to `fill` one with items; each use
that takes anything is tied to a rule here. A whole package is never allowed, and nothing a file says of
itself adds to the table.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from audit_core.sources.model_arrays import (
    is_array,
    is_array_state,
    is_bit_generator_call,
    is_dtype_call,
    is_dtype_state,
    is_frombuffer_call,
    is_generator_call,
    is_generator_state,
    is_masked_state,
    is_reconstruct_call,
    is_scalar_call,
    is_shape,
    is_wrapper_state,
)
from audit_core.sources.model_stream import written_bytes
from audit_core.sources.model_symbols import Items, Made, Named, Pairs, freeze

_FILE: Final = Path(__file__).with_name("model_policy.json")
_FIELD: Final = re.compile(r"(?!__)[^\W\d]\w*", re.ASCII)
_METHOD_FIELDS: Final = frozenset(
    {"stack_method", "stack_method_", "chain_method", "chain_method_", "response_method", "_response_method"}
)
_METHODS: Final = frozenset(
    {"auto", "drop", "predict", "predict_proba", "decision_function", "predict_log_proba"}
)
_CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "input": frozenset({"content"}),
    "_sklearn_output_config": frozenset({"default", "pandas"}),
}
_COLLECTIONS: Final = frozenset(
    {"collections:OrderedDict", "builtins:dict", "builtins:int", "builtins:float", "builtins:list"}
)

Rule = Callable[[Made, Any], bool]


@dataclass(frozen=True, slots=True)
class Policy:
    """The table: name → use → rule, the packages it speaks for, and what it was derived from.

    `audited` are the packages whose every name was decided on, beside Python's own modules: what is not in
    the table is refused there, while a name of any other package is a question for a reviewer.
    """

    names: Mapping[str, Mapping[str, str]]
    audited: frozenset[str]
    made_from: Mapping[str, str]

    def rule(self, label: str, use: str) -> Rule | None:
        """The rule of a use; None where the name is not used so."""
        name = self.names.get(label, {}).get(use)
        return None if name is None else RULES[use, name]

    def speaks_for(self, module: str) -> bool:
        """Whether the package of a module was decided on as a whole."""
        package = module.partition(".")[0]
        return package in self.audited or package in sys.stdlib_module_names


@lru_cache(maxsize=1)
def read_policy() -> Policy:
    """The table of this release."""
    stored = json.loads(_FILE.read_bytes())
    return Policy(names=stored["names"], audited=frozenset(stored["audited"]), made_from=stored["made_from"])


def _fields(_made: Made, state: object) -> bool:
    """A dict of plain attribute names: no slots, nothing with two underscores in front, no unknown method."""
    return isinstance(state, Pairs) and all(
        isinstance(name, str) and _FIELD.fullmatch(name) is not None and _harmless(name, value)
        for name, value in state
    )


def _harmless(name: str, value: object) -> bool:
    """Whether a field that names a method, a way to read or a library names one of the known ones.

    Estimators look these up by their text: `tofile` would be a method of an array, `filename` a way to read.
    """
    known = _METHODS if name in _METHOD_FIELDS else _CHOICES.get(name)
    if known is None:
        return True
    freeze(value)
    if isinstance(value, Pairs):
        several: Sequence[object] = [choice for _, choice in value]
    else:
        several = value if isinstance(value, list | tuple) else [value]
    return all(choice is None or (isinstance(choice, str) and choice in known) for choice in several)


def _item_names(_made: Made, items: Sequence[object]) -> bool:
    """Items that are read as attributes too: NumPy asks every object for names with two underscores."""
    return all(isinstance(key, str) and _FIELD.fullmatch(key) is not None for key in items[::2])


def _numbers(made: Made, _state: object) -> bool:
    return len(made.args) <= 4 and all(type(arg) in (int, float, bool) for arg in made.args)


def _one_buffer(made: Made, _state: object) -> bool:
    return len(made.args) == 1 and type(made.args[0]) is bytes


def _slice(made: Made, _state: object) -> bool:
    return len(made.args) == 3 and all(arg is None or type(arg) is int for arg in made.args)


def _plain_items(made: Made, _state: object) -> bool:
    """A set of texts and numbers, from one list."""
    items = made.args[0] if len(made.args) == 1 else None
    return isinstance(items, Items) and all(isinstance(item, str | int | float) for item in items)


def _plain_factory(made: Made, _state: object) -> bool:
    """A defaultdict whose new values are empty collections or zeros."""
    args = made.args
    return not args or (len(args) == 1 and isinstance(args[0], Named) and args[0].label in _COLLECTIONS)


def _own_class(made: Made, _state: object) -> bool:
    """A module's `newObj(Class)`, for a class of the same module."""
    assert isinstance(made.maker, Named)
    arg = made.args[0] if len(made.args) == 1 else None
    return isinstance(arg, Named) and arg.module == made.maker.module and arg.name != made.maker.name


def _tree(made: Made, _state: object) -> bool:
    """`Tree(features, array of class counts, outputs)`."""
    if len(made.args) != 3:
        return False
    features, classes, outputs = made.args
    whole = all(_is_count(number) for number in (features, outputs))
    return whole and is_array(classes)


def _is_count(value: object) -> bool:
    """Whether a value is a positive number of things, NumPy's own integers included."""
    if isinstance(value, Made):
        return value.label.endswith(".multiarray:scalar")
    return type(value) is int and 0 <= value < 2**31


def _masked(made: Made, _state: object) -> bool:
    labels = [arg.label for arg in made.args[:2] if isinstance(arg, Named)]
    return (
        len(made.args) == 4
        and labels[:1] in (["numpy.ma:MaskedArray"], ["numpy.ma.core:MaskedArray"])
        and labels[1:] == ["numpy:ndarray"]
        and is_shape(made.args[2])
        and made.args[3] in ("b", b"b")
    )


def _seeds(made: Made, _state: object) -> bool:
    args = made.args
    return (
        len(args) == 3
        and isinstance(args[0], Named)
        and args[0].label == "numpy.random.bit_generator:SeedSequence"
        and type(args[1]) is int
        and args[2] is None
    )


RULES: Final[Mapping[tuple[str, str], Rule]] = {
    ("value", "any"): lambda _made, _state: True,
    ("new", "nothing"): lambda made, _state: not made.args,
    ("new", "three parts"): lambda made, _state: len(made.args) == 3,
    ("call", "nothing"): lambda made, _state: not made.args,
    ("call", "numbers"): _numbers,
    ("call", "one buffer"): _one_buffer,
    ("call", "slice"): _slice,
    ("call", "latin text"): lambda made, _state: written_bytes(made) is not None,
    ("call", "plain items"): _plain_items,
    ("call", "plain factory"): _plain_factory,
    ("call", "own class"): _own_class,
    ("call", "tree"): _tree,
    ("call", "dtype"): lambda made, _state: is_dtype_call(made),
    ("call", "empty array"): lambda made, _state: is_reconstruct_call(made.args),
    ("call", "scalar"): lambda made, _state: is_scalar_call(made.args),
    ("call", "buffer array"): lambda made, _state: is_frombuffer_call(made.args),
    ("call", "masked array"): _masked,
    ("call", "bit generator"): lambda made, _state: is_bit_generator_call(made.args),
    ("call", "generator"): lambda made, _state: is_generator_call(made.args),
    ("call", "seed sequence"): _seeds,
    ("build", "fields"): _fields,
    ("build", "tuple"): lambda _made, state: isinstance(state, tuple),
    ("build", "dtype"): is_dtype_state,
    ("build", "array"): lambda _made, state: is_array_state(state),
    ("build", "masked array"): lambda _made, state: is_masked_state(state),
    ("build", "joblib array"): lambda _made, state: is_wrapper_state(state),
    ("build", "generator"): lambda _made, state: is_generator_state(state),
    ("fill", "fields"): _item_names,
    ("fill", "pairs"): lambda _made, items: all(isinstance(key, str | int) for key in items[::2]),
}
