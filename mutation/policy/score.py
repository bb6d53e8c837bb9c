"""How much a variant may teach, as one number: what caps choose by, and what `--keep-all` leaves to the user.

    score = 0.35 rarity + 0.35 distance + 0.2 brevity + 0.1 company

- **rarity**: 1 for a lemma whose pattern fits no other target, 0 for one that fits them all (on a logarithmic scale:
  of two lemmas that fit 1 % and 2 %, the first says twice as much).
- **distance** from the target: the share of constants that only one of the two statements has (Jaccard distance; the
  instances and the types of implicit arguments are left out with the constants that both share).
- **brevity**: size of the target over size of the variant, at most 1.
- **company**: 1 if what the variant brings in belongs to what the target speaks of (the same namespaces), 0 if all of it
  comes from elsewhere: `Int8.ofNat a < Int8.ofNat b` in a theorem about `Nat` is true and odd. Such variants have a cap of
  their own (`foreign cap`): a few show how subjects meet, more would flood.
"""

import math

from lean_alchemy.mutation.policy.rules import Judged

WEIGHTS = {"rarity": 0.35, "distance": 0.35, "brevity": 0.2, "company": 0.1}
SMALLEST_SHARE = 1 / 2000
"""Shares below this are taken for this: the sample of targets tells no less."""

_EVERYWHERE = frozenset({"Eq", "Iff", "And", "Or", "Not", "Ne", "Exists", "True", "False", "HAdd", "HSub", "HMul", "HDiv", "HMod", "HPow",
                         "HAppend", "LT", "LE", "GE", "GT", "Min", "Max", "Membership", "OfNat", "Neg", "Dvd", "GetElem", "decide",
                         "Decidable", "ite", "dite", "Bool", "Nat", "Function", "BEq"})
"""Root namespaces that are at home in every subject."""


def score(judged: Judged, share: float) -> float:
    """Between 0 and 1, rounded to four digits. share: of the targets that the lemma's pattern fits."""
    new, old = judged.statement.words, judged.target.words
    parts = {
        "rarity": math.log(max(share, SMALLEST_SHARE)) / math.log(SMALLEST_SHARE),
        "distance": len(new ^ old) / len(new | old) if new | old else 0.0,
        "brevity": min(1.0, judged.target.size / judged.statement.size),
        "company": company(judged),
    }
    return round(sum(WEIGHTS[name] * value for name, value in parts.items()), 4)


def company(judged: Judged) -> float:
    """The share of what a variant brings in that belongs to what its target speaks of; 0: it goes to foreign subjects alone."""
    new, old = judged.statement.words, judged.target.words
    brought = {_root(name) for name in new - old} - _EVERYWHERE
    return len(brought & {_root(name) for name in old}) / len(brought) if brought else 1.0


def _root(name: str) -> str:
    return name.split(".", 1)[0]
