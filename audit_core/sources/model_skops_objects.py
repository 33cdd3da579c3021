"""Python's own values, classes, functions and objects with a state, as skops writes them.

References
----------
skops 0.16, `skops/io/_general.py`, `_sklearn.py`: what each loader does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from audit_core.sources.model_reader import StreamError
from audit_core.sources.model_skops_nodes import Loader, Nodes, State, damaged, exactly, written
from audit_core.sources.model_symbols import Bag, Made, Named, Pairs

_KEYS: Final = frozenset({"builtins:str", "builtins:int", "builtins:float", "builtins:bool"})
_NUMPY_KEYS: Final = frozenset(
    ("str_", "bool", "bool_", "int8", "int16", "int32", "int64", "uint8", "float32", "float64")
)


def _name(nodes: Nodes, named: Named, _state: State) -> object:
    """A class or a function, handed on and not called."""
    nodes.judge.refer(named)
    nodes.judge.place(named)
    return named


def _json(_nodes: Nodes, named: Named, state: State) -> object:
    """A text, a number, true, false or nothing."""
    exactly(named, "builtins:str")
    content = state["content"]
    if not isinstance(content, str) or content.lstrip()[:1] in ("[", "{"):
        raise damaged("a plain value")
    try:
        return json.loads(content)
    except ValueError as error:
        raise damaged("a plain value") from error


def _dict(nodes: Nodes, named: Named, state: State) -> object:
    """A dict, or an object of a class derived from it."""
    plain = named.label == "builtins:dict"
    if not plain:
        nodes.judge.refer(named)
    types, content = nodes.read(state["key_types"]), state["content"]
    if not isinstance(types, list) or not isinstance(content, dict) or len(types) != len(content):
        raise damaged("a dict")
    pairs = Pairs()
    for kind, (text, value) in zip(types, content.items(), strict=True):
        pairs.append((_key(kind, text), nodes.read(value)))
    if plain:
        return pairs
    policy = nodes.judge.policy
    # skops calls the class. One that the table lets be created, not called, takes no arguments; of a
    # stranger's nobody knows what a call does.
    created = named.label in policy.names and policy.rule(named.label, "call") is None
    return _filled(nodes, Made("new" if created else "call", named, ()), pairs)


def _key(kind: object, text: str) -> object:
    """A key as skops makes it: its type called with the text that JSON holds."""
    numpy = isinstance(kind, Named) and kind.module == "numpy" and kind.name in _NUMPY_KEYS
    if not isinstance(kind, Named) or not (numpy or kind.label in _KEYS):
        raise StreamError("a dict in it has keys of an unusual type")
    if kind.label != "builtins:int":
        return text if kind.label == "builtins:str" else (kind.name, text)
    try:
        return int(text)
    except ValueError as error:
        raise damaged("a dict") from error


def _filled(nodes: Nodes, made: Made, pairs: Pairs) -> Made:
    nodes.judge.make(made)
    nodes.judge.fill(made, [part for pair in pairs for part in pair])
    return made


def _default_dict(nodes: Nodes, named: Named, state: State) -> object:
    exactly(named, "collections:defaultdict")
    nodes.judge.refer(named)
    main, factory = nodes.parts(state["content"], "main", "default_factory")
    if not isinstance(main, Pairs) or not all(isinstance(key, str) for key, _ in main):
        raise damaged("a dict")
    return _filled(nodes, Made("call", named, () if factory is None else (factory,)), main)


def _list(nodes: Nodes, named: Named, state: State) -> object:
    exactly(named, "builtins:list")
    return nodes.several(state["content"])


def _set(nodes: Nodes, named: Named, state: State) -> object:
    exactly(named, "builtins:set")
    return Bag(nodes.several(state["content"]))


def _tuple(nodes: Nodes, named: Named, state: State) -> object:
    """A tuple, plain or with named parts."""
    if named.label == "builtins:tuple":
        return tuple(nodes.several(state["content"]))
    nodes.judge.refer(named)
    made = Made("new", named, tuple(nodes.several(state["content"])))
    nodes.judge.make(made)
    return made


def _slice(nodes: Nodes, named: Named, state: State) -> object:
    exactly(named, "builtins:slice")
    nodes.judge.refer(named)
    ends = state["content"]
    if not isinstance(ends, dict) or ends.keys() != {"start", "stop", "step"}:
        raise damaged("a slice")
    made = Made("call", named, (ends["start"], ends["stop"], ends["step"]))
    nodes.judge.make(made)
    return made


def _bytes(nodes: Nodes, named: Named, state: State) -> object:
    exactly(named, "builtins:bytes")
    return nodes.member(state, ".bin")


def _bytearray(nodes: Nodes, named: Named, state: State) -> object:
    exactly(named, "builtins:bytearray")
    nodes.judge.refer(named)
    made = Made("call", named, (nodes.member(state, ".bin"),))
    nodes.judge.make(made)
    return made


def _object(nodes: Nodes, named: Named, state: State) -> object:
    """An object made without its constructor, then given its state."""
    nodes.judge.refer(named)
    helper = Named(named.module, "newObj")
    policy = nodes.judge.policy
    if policy.rule(named.label, "new") is None and policy.rule(helper.label, "call") is not None:
        # scikit-learn's trees of neighbours and distances pickle as a call of this, which does the same.
        made = Made("call", helper, (named,))
    else:
        made = Made("new", named, ())
    nodes.judge.make(made)
    given = nodes.read(state["content"])
    if given is not None:
        made.built, made.state = True, given
        nodes.judge.build(made, given)
    return made


def _loss(nodes: Nodes, named: Named, state: State) -> object:
    """A loss function of scikit-learn: its class called with a few numbers."""
    nodes.judge.refer(named)
    given = nodes.read(state["content"])
    (args,) = nodes.parts(state["__reduce__"], "args")
    if not isinstance(args, tuple) or given not in ((), Pairs()):
        raise damaged("a loss")
    made = Made("call", named, args)
    nodes.judge.make(made)
    return made


def _tree(nodes: Nodes, named: Named, state: State) -> object:
    """The tree inside a decision tree; whether its numbers make sense shows when it runs, locked in."""
    exactly(named, "sklearn.tree._tree:Tree")
    nodes.judge.refer(named)
    given = nodes.read(state["content"])
    (args,) = nodes.parts(state["__reduce__"], "args")
    if not isinstance(args, tuple):
        raise damaged("a tree")
    made = Made("call", named, args)
    nodes.judge.make(made)
    nodes.judge.build(made, given)
    return made


LOADERS: Final[Mapping[str, Loader]] = MappingProxyType(
    {
        "JsonNode": (written("content is_json"), _json),
        "DictNode": (written("content key_types"), _dict),
        "DefaultDictNode": (written("content"), _default_dict),
        "ListNode": (written("content"), _list),
        "SetNode": (written("content"), _set),
        "TupleNode": (written("content"), _tuple),
        "SliceNode": (written("content"), _slice),
        "BytesNode": (written("file"), _bytes),
        "BytearrayNode": (written("file"), _bytearray),
        "TypeNode": (written(""), _name),
        "FunctionNode": (written(""), _name),
        "ObjectNode": (written("content"), _object),
        "LossNode": (written("__reduce__ content"), _loss),
        "TreeNode": (written("__reduce__ content"), _tree),
    }
)
