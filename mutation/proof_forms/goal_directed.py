"""A variant's proof from the goal backwards.

A variant is proved from its target: `have h := target`, `rw [lemma] at h`, `exact h`. A prover that has the variant as its goal
goes the other way: it rewrites the goal backwards with the lemma until the target closes it. That form teaches when a lemma is
useful, so it is produced as well. It is only a proposal: Lean has to accept it.
"""

import re

_HAVE = re.compile(r"have (\S+) := (.+)", re.DOTALL)
_REWRITE = re.compile(r"rw \[(← )?(.+)\] at (\S+)( ⊢)?", re.DOTALL)
_WORD = r"[\w.!?'✝«»₀-₉]"
_REST = "all_goals assumption"
"""Closes the side conditions of the lemma."""


def tactics_of(proof: str) -> list[str]:
    """The tactics of a proof `by …` of the corpus, each without its indentation. A line continues the tactic before it if it is indented
    further, or if that tactic has an open bracket."""
    tactics: list[str] = []
    for line in proof.split("\n")[1:]:
        begins = line.startswith("  ") and not line.startswith("   ")
        if tactics and not (begins and _is_closed(tactics[-1])):
            tactics[-1] += "\n" + line[2:]
        elif begins:
            tactics.append(line[2:])
    return tactics


def _is_closed(tactic: str) -> bool:
    return sum(map(tactic.count, "([{⟨")) <= sum(map(tactic.count, ")]}⟩"))


def goal_directed(tactics: list[str], lemma: str) -> list[str] | None:
    """The same proof from the goal backwards; None where it has no such form. lemma: the one used in the last step."""
    opening = [tactic for tactic in tactics if tactic.startswith("have ") and " := by\n" in tactic]
    match tactics[len(opening):]:
        case [have, rewrite, exact, *rest] if (h := _HAVE.fullmatch(have)) and (rw := _REWRITE.fullmatch(rewrite)):
            if exact != f"exact {h[1]}" or rw[3] != h[1] or rest not in ([], [_REST]):
                return None
            return [*opening, f"rw [{'' if rw[1] else '← '}{rw[2]}]", f"exact {h[2]}", *rest]
        case [have, exact] if (h := _HAVE.fullmatch(have)) and exact.startswith("exact "):
            refined = _with_hole(exact.removeprefix("exact "), h[1])
            return [*opening, f"refine {refined}", f"exact {h[2]}"] if refined else None
        case [exact] if exact.startswith("exact "):
            return _by_its_hypothesis(opening, exact.removeprefix("exact "), lemma)
    return None


def _with_hole(term: str, name: str) -> str | None:
    """The term with a hole in place of a hypothesis; None unless the hypothesis occurs exactly once."""
    refined, times = re.subn(rf"(?<!{_WORD}){re.escape(name)}(?!{_WORD})", "?_", term)
    return refined if times == 1 else None


def _by_its_hypothesis(opening: list[str], term: str, lemma: str) -> list[str] | None:
    """For `target (by rw [lemma]; exact h) k` and `target (lemma h) k`: refines with the target, then proves the changed hypothesis."""
    for begin, end in _arguments(term):
        inner = term[begin + 1:end]
        if inner.startswith("by "):
            script = inner.removeprefix("by ").split("; ")
        elif re.match(rf"@?{re.escape(lemma)}(?!{_WORD})", inner):
            script = [f"exact {inner}"]
        else:
            continue
        return [*opening, f"refine {term[:begin]}?_{term[end + 1:]}", *script]
    return None


def _arguments(term: str) -> list[tuple[int, int]]:
    """The positions at which the outermost parentheses of a term open and close."""
    found: list[tuple[int, int]] = []
    depth = begin = 0
    for i, character in enumerate(term):
        if character == "(":
            if depth == 0:
                begin = i
            depth += 1
        elif character == ")":
            depth -= 1
            if depth == 0:
                found.append((begin, i))
    return found
