"""The nodes of a skops file, read into symbols in the order in which skops makes objects of them.

Each node names its loader, and a loader is code that will run. Those that rebuild data, and objects from
their state, are known here (`model_skops_objects`, `model_skops_arrays`). The others call whatever the file
names (bound methods, partial functions, operators, constructors with arguments) and are refused: no
classifier of scikit-learn needs them.

skops asks each loader only whether the class of its node is trusted, not whether it is the right one: a list
of a trusted class calls that class. So every loader is held to the classes skops itself writes it for.

References
----------
skops 0.16, `skops/io/_audit.py`: how nodes are found and remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from audit_core.sources.model_inspect import PolicyJudge
from audit_core.sources.model_reader import StreamError
from audit_core.sources.model_symbols import Named

_COMMON: Final = frozenset({"__class__", "__module__", "__loader__", "__id__"})
_UNFINISHED: Final = object()

State = dict[str, Any]


class Nodes:
    """Reads the nodes of one schema into symbols.

    A node whose number occurred before stands for the node that had it first, and skops never looks at what
    the later one says; neither may this reader, or the two would see different objects.

    Parameters
    ----------
    members
        The members of the archive, each checked by its ending, without the schema.
    loaders
        What is done for each loader.
    """

    def __init__(
        self, members: Mapping[str, bytes], judge: PolicyJudge, protocol: int, loaders: Mapping[str, Loader]
    ) -> None:
        self.members = members
        self.loaders = loaders
        self.judge = judge
        self.protocol = protocol
        self._known: dict[int, tuple[tuple[str, str, str], object]] = {}

    def read(self, state: object) -> object:
        """The symbol of one node."""
        if not isinstance(state, dict):
            raise StreamError("a part of it is no node")
        loader, module, name = (state.get(key) for key in ("__loader__", "__module__", "__class__"))
        number = state.get("__id__")
        if not (isinstance(loader, str) and isinstance(module, str) and isinstance(name, str)):
            raise StreamError("a part of it does not say what it is")
        if type(number) is not int or number <= 0:
            raise StreamError("a part of it has no number")
        kind = (loader, module, name)
        if number in self._known:
            before, made = self._known[number]
            if made is _UNFINISHED or before != kind:
                raise StreamError("a part of it holds itself, or stands for something else")
            return made
        if loader not in self.loaders:
            raise StreamError(f"it uses {loader[:60]!r} of skops, which no classifier needs")
        written, make = self.loaders[loader]
        if state.keys() - _COMMON not in written:
            raise StreamError(f"a {loader} in it has other parts than skops writes")
        self._known[number] = kind, _UNFINISHED
        made = make(self, Named(module, name), state)
        self._known[number] = kind, made
        return made

    def member(self, state: State, ending: str) -> bytes:
        """The member a node refers to."""
        name = state["file"]
        if not isinstance(name, str) or not name.endswith(ending) or name not in self.members:
            raise StreamError("it refers to a member that its archive does not hold")
        return self.members[name]

    def several(self, states: object) -> list[object]:
        """The symbols of a list of nodes."""
        if not isinstance(states, list):
            raise StreamError("a part of it is no list")
        return [self.read(state) for state in states]

    def parts(self, state: object, *names: str) -> list[object]:
        """The symbols of nodes under fixed names, in this order."""
        if not isinstance(state, dict) or state.keys() != set(names):
            raise StreamError("a part of it lacks something, or has too much")
        return [self.read(state[name]) for name in names]


Loader = tuple[frozenset[frozenset[str]], Callable[[Nodes, Named, State], object]]
"""The sets of parts that a node of this loader may have, and what makes a symbol of it."""


def written(*forms: str) -> frozenset[frozenset[str]]:
    """The sets of parts that skops writes, beside those of every node."""
    return frozenset(frozenset(form.split()) for form in forms)


def exactly(named: Named, *labels: str) -> None:
    """Refuse a node of another class than those its loader is for."""
    if named.label not in labels:
        raise StreamError(f"it rebuilds {named.label[:120]!r} in a way that skops never does")


def damaged(what: str) -> StreamError:
    """The refusal of a part that is not as skops writes it."""
    return StreamError(f"{what} in it is damaged")
