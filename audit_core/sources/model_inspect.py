"""What a model file is and what it would import, found without executing any of it.

`inspect_payload` reads the stream into symbols (model_stream) and judges every use of a name by the policy
(model_policy) at the moment the stream makes it: a list may be filled after it was used. The verdict is

* verified: every name is in the table, and used as the table says;
* needs review: it also names classes of packages nobody decided on; a person may accept them, by name;
* refused: anything else. A refusal can't be accepted away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from audit_core.sources.model_policy import Policy, read_policy
from audit_core.sources.model_reader import StreamError
from audit_core.sources.model_stream import read_stream
from audit_core.sources.model_symbols import Array, Bag, Items, Made, Named, Pairs, texts_in

Verdict = Literal["verified", "needs review", "refused"]

MOST_REASONS: Final = 20
MOST_NAMES: Final = 2_000
_VERSION: Final = re.compile(r"[0-9A-Za-z.+-]{1,20}")
_NOTEBOOK: Final = "Move the class into a module that can be installed"
_SEARCH: Final = "Save search.best_estimator_ instead of the search"
_ITSELF: Final = "Save the fitted classifier itself with joblib.dump"
_RESAVE: Final = "Save the model again with the scikit-learn used here"
_SAVE: Final = "Save the fitted classifier with joblib.dump and the libraries used here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found in a model file. Every text in it was chosen by the file's author.

    Parameters
    ----------
    verdict
        As in the module's description.
    reasons
        Why it is refused, as sentences without a full stop; empty otherwise.
    remedy
        What to do about a refusal.
    extra
        The names a reviewer would have to accept, `module:name`.
    barred
        The names it may not use at all, `module:name`.
    names
        Every name the file uses, `module:name`, in the order of the file.
    class_name
        Full name of the class of the root object, or what it is instead.
    versions
        The scikit-learn versions its estimators were saved with.
    features
        The columns the model says it was fitted on; None where it does not say.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    remedy: str
    extra: tuple[str, ...]
    barred: tuple[str, ...]
    names: tuple[str, ...]
    class_name: str
    versions: tuple[str, ...]
    features: tuple[str, ...] | None

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules of its names, each once."""
        return tuple(dict.fromkeys(name.partition(":")[0] for name in self.names))


class PolicyJudge:
    """Collects what a stream does that the policy does not allow."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.reasons: dict[str, str] = {}
        self.extra: dict[str, None] = {}
        self.barred: dict[str, None] = {}
        self.names: dict[str, None] = {}
        self.versions: dict[str, None] = {}

    def refuse(self, reason: str, remedy: str = _SAVE) -> None:
        """Note why the file is refused; the first reasons are enough."""
        if len(self.reasons) < MOST_REASONS:
            self.reasons.setdefault(reason, remedy)

    def refer(self, named: Named) -> None:
        """A name is asked for: in the table, a question, or refused."""
        label = named.label
        if label in self.names:
            return
        if len(self.names) == MOST_NAMES:
            raise StreamError(f"it names more than {MOST_NAMES:,} things")
        self.names[label] = None
        if label in self.policy.names:
            return
        self.barred[label] = None
        if named.module == "__main__":
            self.refuse(f"It uses {named.name}, which was defined in a notebook or script", _NOTEBOOK)
        elif not named.plain:
            self.refuse(f"It names {label}, which is no plain name of a module's own")
        elif self.policy.speaks_for(named.module):
            search = named.module.startswith("scipy.stats")
            remedy = _SEARCH if search else _SAVE
            self.refuse(f"It names {label}, which is not among the names a model file may use", remedy)
        else:
            del self.barred[label]
            self.extra[label] = None

    def place(self, named: Named) -> None:
        """A name becomes a value."""
        self._use(named, "value", Made("value", named, ()), None)

    def make(self, made: Made) -> None:
        """Something is called, or created without a call."""
        if not isinstance(made.maker, Named):
            self.refuse("It calls an object that it made itself")
        elif made.how == "call" and made.maker.label in self.extra:
            self.refuse(f"It calls {made.label}, and nobody knows what that does")
        else:
            self._use(made.maker, made.how, made, None)

    def build(self, made: Made, state: object) -> None:
        """An object is given its state."""
        if isinstance(state, Pairs):
            version = state.find("_sklearn_version")
            if isinstance(version, str) and _VERSION.fullmatch(version) and len(self.versions) < 5:
                self.versions[version] = None
        if isinstance(made.maker, Named):
            self._use(made.maker, "build", made, state)
        else:
            self.refuse("It sets the state of an object of unknown kind")

    def fill(self, target: object, items: list[object]) -> None:
        """Items are added to an object."""
        if isinstance(target, Made) and isinstance(target.maker, Named):
            self._use(target.maker, "fill", target, items)
        else:
            self.refuse("It adds items to something that can't take any")

    def _use(self, named: Named, use: str, made: Made, given: object) -> None:
        if named.label in self.extra or named.label not in self.policy.names:
            return  # a question for the reviewer, or refused when it was named
        rule = self.policy.rule(named.label, use)
        if rule is None or not rule(made, given):
            words = {"value": "passes on", "call": "calls", "new": "creates", "build": "sets the state of"}
            self.refuse(f"It {words.get(use, 'fills')} {named.label} in a way that no saved model does")


def inspect_payload(payload: bytes, policy: Policy | None = None) -> Inspection:
    """What an unpacked joblib stream is, without executing it."""
    judge = PolicyJudge(policy or read_policy())
    root: object = None
    try:
        root = read_stream(payload, judge)
    except StreamError as error:
        judge.refuse(
            f"The file can't be read as a saved model: {error}", "Copy the file again, or save it again"
        )
    return concluded(judge, root, _ITSELF)


def concluded(judge: PolicyJudge, root: object, itself: str) -> Inspection:
    """The inspection, once the file was read as far as it goes.

    Parameters
    ----------
    itself
        What to do about a file that holds something else than a model.
    """
    if not judge.reasons:
        _judge_root(root, judge, itself)
    barred = bool(judge.reasons)
    skew = _skew(judge) if barred else ""
    if skew:
        # Names that moved between versions look like names out of nowhere.
        judge.reasons = {f"{reason} ({skew})": _RESAVE for reason in judge.reasons}
    return Inspection(
        verdict="refused" if barred else "needs review" if judge.extra else "verified",
        reasons=tuple(judge.reasons),
        remedy=next(iter(judge.reasons.values()), ""),
        extra=tuple(judge.extra),
        barred=tuple(judge.barred),
        names=tuple(judge.names),
        class_name=_class_name(root),
        versions=tuple(judge.versions),
        features=_features(root),
    )


def refused(reason: str, remedy: str) -> Inspection:
    """The inspection of a file that could not even be read."""
    return Inspection(
        verdict="refused",
        reasons=(reason,),
        remedy=remedy,
        extra=(),
        barred=(),
        names=(),
        class_name="nothing that could be read",
        versions=(),
        features=None,
    )


def _skew(judge: PolicyJudge) -> str:
    """The sentence on a model saved by another scikit-learn than the one here; "" for the same."""
    here = judge.policy.made_from["scikit-learn"]
    others = [version for version in judge.versions if version != here]
    return f"saved with scikit-learn {', '.join(others)}, here {here}" if others else ""


def _judge_root(root: object, judge: PolicyJudge, itself: str) -> None:
    """Refuse what is no object with a state of its own: a dict that holds a model is not a model."""
    estimator = isinstance(root, Made) and root.how == "new" and root.built
    label = root.label if isinstance(root, Made) else ""
    known = label in judge.policy.names
    if not estimator or (known and judge.policy.rule(label, "value") is None):
        judge.refuse(f"This file holds {_class_name(root)}, not a model", itself)


def _class_name(root: object) -> str:
    """Full name of the root's class, or what it is in words."""
    if isinstance(root, Made):
        return root.label.replace(":", ".") or "an object of unknown kind"
    if isinstance(root, Named):
        return f"only the name {root.label}"
    kinds = {
        Pairs: "a dict",
        Items: "a list",
        list: "a list",
        tuple: "a tuple",
        Bag: "a set",
        Array: "an array",
        str: "a text",
    }
    return kinds.get(type(root), "a single value" if root is not None else "nothing that could be read")


def _features(root: object, depth: int = 3) -> tuple[str, ...] | None:
    """The columns a model, or the first step of a pipeline, says it was fitted on."""
    state = root.state if isinstance(root, Made) else None
    if not isinstance(state, Pairs):
        return None
    names = tuple(texts_in(state.find("feature_names_in_")))
    if names:
        return names
    steps = state.find("steps")
    if (
        depth
        and isinstance(steps, list)
        and steps
        and isinstance(steps[0], list | tuple)
        and len(steps[0]) == 2
    ):
        return _features(steps[0][1], depth - 1)
    return None
