"""Why the index does not find a lemma: how far its pattern matches the forms of a term."""

from collections.abc import Sequence

from lean_alchemy.lean_workspace.protocol import Form
from lean_alchemy.mutation.search.index import WALK_STEPS, PatternTokens, arity


def stops_at(pattern: PatternTokens, forms: list[Form]) -> int:
    """The place of the first token of the pattern that no form has; the pattern's length where all tokens match, without
    regard to variables that occur twice. The walk that gets farthest within WALK_STEPS counts."""
    after = _ends(pattern)
    farthest = steps = 0
    seen: set[tuple[int, int]] = set()
    stacks: dict[tuple[int, int], tuple] = {}
    todo: list[tuple[int, tuple | None]] = [(0, (forms, None))]
    while todo and steps < WALK_STEPS:
        steps += 1
        place, stack = todo.pop()
        farthest = max(farthest, place)
        if stack is None or place == len(pattern) or (place, id(stack)) in seen:
            continue
        seen.add((place, id(stack)))
        term, rest = stack
        token = pattern[place]
        if token[0] in "*?" or term == "**":
            todo.append((after[place], rest))
        elif term != "*":
            for form in term:
                if form[0] == token:
                    below = rest
                    for argument in reversed(form[1:]):
                        below = stacks.setdefault((id(argument), id(below)), (argument, below))
                    todo.append((place + 1, below))
    return farthest


def _ends(pattern: PatternTokens) -> list[int]:
    """For each place, the place after the subpattern that begins there."""
    ends = [0] * len(pattern)
    for place in reversed(range(len(pattern))):
        end = place + 1
        for _ in range(arity(pattern[place])):
            end = ends[end]
        ends[place] = end
    return ends


def why_not_rewritten(pattern: PatternTokens, needs: str, terms: Sequence[tuple[str, list[Form]]]) -> str:
    """For `rw`. terms: (root, forms) of the subterms that have a motive. needs: the column of the key."""
    roots = [forms for root, forms in terms if root == pattern[0]]
    if not roots:
        return f"no subterm that has a motive has the root {_plain(pattern[0].removeprefix('R:'))}"
    return _where(pattern[1:], needs, max(stops_at(pattern[1:], forms) for forms in roots))


def why_not_applied(pattern: PatternTokens, needs: str, forms: list[Form]) -> str:
    """For `apply`. forms: those of the site."""
    return _where(pattern, needs, stops_at(pattern, forms)) if forms else "the site has no forms: the budget for them ran out"


def _where(pattern: PatternTokens, needs: str, place: int) -> str:
    if place == len(pattern):
        needed = f", or what it needs is missing: {needs.replace(chr(9), ', ')}" if needs else ""
        return f"a variable occurs twice in the pattern, and the terms it meets have no form in common{needed}"
    return f"no form has {_plain(pattern[place])} where the pattern has it (token {place + 1} of {len(pattern)})"


def _plain(token: str) -> str:
    """`c:Nat.add/2` as `Nat.add`."""
    return token.removeprefix("c:").rsplit("/", 1)[0]
