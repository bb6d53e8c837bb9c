"""How much a variant may teach, as one number. Caps keep the best by it; with `--keep-all` the user can filter by it.

    score = 0.35 rarity + 0.35 distance + 0.2 brevity + 0.1 company

- **rarity**: 1 for a lemma whose pattern fits no other target, 0 for one that fits them all (on a logarithmic scale:
  of two lemmas that fit 1 % and 2 %, the first says twice as much).
- **distance** from the target: the share of constants that only one of the two statements has (Jaccard distance;
  instances do not count, and the types of implicit arguments cancel out, as both share them).
- **brevity**: size of the target over size of the variant, at most 1.
- **company**: 1 if the constants that the variant adds are of the target's namespaces, 0 if none is:
  `Int8.ofNat a < Int8.ofNat b` in a theorem about `Nat` is true and odd. Such variants have a cap of their own
  (`foreign cap`): a few show how subjects meet, more would flood the corpus.
"""

import math

from lean_alchemy.mutation.policy.rules import NewStatement

WEIGHTS = {"rarity": 0.35, "distance": 0.35, "brevity": 0.2, "company": 0.1}
SMALLEST_SHARE = 1 / 2000
"""Smaller shares count as this one: the sample of targets can't resolve them."""

_EVERYWHERE = frozenset({"Eq", "Iff", "And", "Or", "Not", "Ne", "Exists", "True", "False", "HAdd", "HSub", "HMul", "HDiv", "HMod", "HPow",
                         "HAppend", "LT", "LE", "GE", "GT", "Min", "Max", "Membership", "OfNat", "Neg", "Dvd", "GetElem", "decide",
                         "Decidable", "ite", "dite", "Bool", "Nat", "Function", "BEq"})
"""Root namespaces that belong to every subject."""


def score(new: NewStatement, share: float) -> float:
    """Between 0 and 1, rounded to four digits. share: the share of targets that the lemma's pattern fits."""
    after, before = new.statement.visible_constants, new.target.visible_constants
    parts = {
        "rarity": math.log(max(share, SMALLEST_SHARE)) / math.log(SMALLEST_SHARE),
        "distance": len(after ^ before) / len(after | before) if after | before else 0.0,
        "brevity": min(1.0, new.target.size / new.statement.size),
        "company": company(new),
    }
    return round(sum(WEIGHTS[name] * value for name, value in parts.items()), 4)


def company(new: NewStatement) -> float:
    """The share of the root namespaces added by a variant that its target has too; 0: all are foreign, 1: nothing is added."""
    after, before = new.statement.visible_constants, new.target.visible_constants
    added = {_root(name) for name in after - before} - _EVERYWHERE
    return len(added & {_root(name) for name in before}) / len(added) if added else 1.0


def _root(name: str) -> str:
    return name.split(".", 1)[0]
