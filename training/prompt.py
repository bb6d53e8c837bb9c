"""How a goal state is put to a model, and how its tactic is read: the one home of the format, for training and for the prover.

The format is the *proofstep* objective (Han et al., 2022, arXiv 2102.06203), in the form that provers of Lean 4 are trained and asked in
since llmstep (Welleck and Saha, 2023, arXiv 2310.18457):

    [GOAL]state[PROOFSTEP]tactic<end of text>
"""

from collections.abc import Sequence
from typing import Any

GOAL = "[GOAL]"
PROOFSTEP = "[PROOFSTEP]"


def prompt(state: str) -> str:
    """state: all goals as Lean prints them, an empty line between two."""
    return f"{GOAL}{state}{PROOFSTEP}"


def tactic_of(completion: str) -> str:
    """The tactic in what a model wrote after a prompt. One that goes on with the next goal has finished its tactic."""
    return completion.partition(GOAL)[0].partition(PROOFSTEP)[0].strip()


def prompt_ids(tokenizer: Any, texts: Sequence[str], rooms: Sequence[int]) -> list[list[int]]:
    """The tokens of prompts, each at most as many as it has room for. Of one that is too long the beginning goes: the goal stands at the
    end."""
    start = tokenizer("")["input_ids"]  # what the tokenizer puts before every text
    return [[*start, *ids[max(0, len(ids) + len(start) - room):]] for ids, room in zip(_ids(tokenizer, texts), rooms, strict=True)]


def completion_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """The tokens of completions, each with its end."""
    return [[*ids, tokenizer.eos_token_id] for ids in _ids(tokenizer, texts)]


def _ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    return tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
