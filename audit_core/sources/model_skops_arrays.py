"""Arrays, sparse matrices, types and random generators of NumPy and SciPy, as skops writes them.

References
----------
skops 0.16, `skops/io/_numpy.py`, `_scipy.py`: what each loader does.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from audit_core.sources.model_archive import read_npy
from audit_core.sources.model_reader import StreamError
from audit_core.sources.model_skops_nodes import Loader, Nodes, State, damaged, exactly, written
from audit_core.sources.model_symbols import Array, Made, Named, Pairs

_SCALARS: Final = (
    *("bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "longdouble", "complex64", "complex128"),
    *("str_", "bytes_", "datetime64", "timedelta64"),
)
_SPARSE: Final = tuple(
    f"scipy.sparse._{layout}:{layout}_{kind}" for layout in ("csr", "csc") for kind in ("matrix", "array")
)
_GENERATORS: Final = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})
_SEEDS: Final = frozenset({"entropy", "spawn_key", "pool_size", "n_children_spawned"})
_PLACES: Final = MappingProxyType({"pos": 624, "buffer_pos": 4, "pool_size": 64})
"""The largest value of fields that NumPy takes for places in a buffer, unchecked, or as the size of one."""


def _array(nodes: Nodes, named: Named, state: State) -> object:
    """An array, or one number or text as NumPy holds it."""
    if state["type"] == "json":
        exactly(named, "numpy:ndarray")
        if "content" not in state:
            raise damaged("an array")
        items, shape = nodes.several(state["content"]), nodes.read(state["shape"])
        if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
            raise damaged("an array")
        content = Made("json", None, ())
        content.state = (items,)
        return Array(None, shape, content)
    if state["type"] != "numpy" or "file" not in state:
        raise damaged("an array")
    shape = read_npy(nodes.member(state, ".npy")).shape
    if named.label == "numpy:ndarray":
        return Array(None, shape, None)
    exactly(named, *(f"numpy:{name}" for name in _SCALARS))
    if shape:
        raise damaged("a number")
    return Made("call", Named("numpy._core.multiarray", "scalar"), ())


def _masked_array(nodes: Nodes, named: Named, state: State) -> object:
    exactly(named, "numpy.ma:MaskedArray", "numpy.ma.core:MaskedArray")
    data, mask = nodes.parts(state["content"], "data", "mask")
    if not isinstance(data, Array) or not isinstance(mask, Array | Made):
        raise damaged("a masked array")
    return data


def _dtype(nodes: Nodes, named: Named, state: State) -> object:
    """A type of NumPy, saved as an empty array of that type."""
    exactly(named, "numpy:dtype")
    nodes.judge.refer(named)
    if not isinstance(nodes.read(state["content"]), Array):
        raise damaged("a type")
    return Made("call", named, ())


def _sparse(nodes: Nodes, named: Named, state: State) -> object:
    exactly(named, *_SPARSE)
    nodes.judge.refer(named)
    nodes.member(state, ".npz")
    return Made("new", named, ())


def _random_state(nodes: Nodes, named: Named, state: State) -> object:
    exactly(named, "numpy.random.mtrand:RandomState")
    _check_generator(nodes.read(state["content"]), frozenset({"MT19937"}))
    return Made("call", named, ())


def _random_generator(nodes: Nodes, named: Named, state: State) -> object:
    exactly(named, "numpy.random._generator:Generator")
    if nodes.protocol != 2:  # before, the seeds were left out, and skops would not read them
        raise StreamError("it holds a random generator of an early skops")
    generator, seeds = nodes.parts(state["content"], "bit_generator", "seed_seq")
    _check_generator(generator, _GENERATORS)
    if not isinstance(seeds, Pairs) or not {name for name, _ in seeds} <= _SEEDS:
        raise damaged("a random generator")
    _check_places(seeds)
    return Made("call", named, ())


def _check_generator(state: object, kinds: frozenset[str]) -> None:
    """Refuse a state that names another class, which skops would look up in NumPy and call."""
    if not isinstance(state, Pairs) or state.find("bit_generator") not in kinds:
        raise damaged("a random generator")
    _check_places(state)


def _check_places(state: Pairs, depth: int = 2) -> None:
    """A generator's state holds one dict, and that one no further: a deeper one is nobody's."""
    if depth == 0 or len(state) > 12:
        raise damaged("a random generator")
    for name, value in state:
        if isinstance(value, Pairs):
            _check_places(value, depth - 1)
        most = _PLACES.get(name) if isinstance(name, str) else None
        if most is not None and (type(value) is not int or not 0 <= value <= most):
            raise damaged("a random generator")


LOADERS: Final[Mapping[str, Loader]] = MappingProxyType(
    {
        "NdArrayNode": (written("file type", "content shape type"), _array),
        "MaskedArrayNode": (written("content"), _masked_array),
        "DTypeNode": (written("content"), _dtype),
        "SparseMatrixNode": (written("file type"), _sparse),
        "RandomStateNode": (written("content"), _random_state),
        "RandomGeneratorNode": (written("content"), _random_generator),
    }
)
