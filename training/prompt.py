"""The prompt format, shared by training and the prover: from a goal state to a prompt, from a completion to a tactic.

The format is the *proofstep* objective (Han et al., 2022, arXiv 2102.06203), in the form that llmstep (Welleck and Saha, 2023,
arXiv 2310.18457) introduced for Lean 4:

    [GOAL]state[PROOFSTEP]tactic<end of text>
"""

from collections.abc import Sequence
from typing import Any

GOAL = "[GOAL]"
PROOFSTEP = "[PROOFSTEP]"


def prompt(state: str) -> str:
    """state: all goals as Lean prints them, separated by empty lines."""
    return f"{GOAL}{state}{PROOFSTEP}"


def tactic_of(completion: str) -> str:
    """The tactic at the beginning of a completion. A model that continues with the next goal has finished its tactic."""
    return completion.partition(GOAL)[0].partition(PROOFSTEP)[0].strip()


def prompt_ids(tokenizer: Any, texts: Sequence[str], limits: Sequence[int]) -> list[list[int]]:
    """The token ids of prompts, each cut to its limit. The beginning is cut off, because the goal is at the end."""
    start = tokenizer("")["input_ids"]  # what the tokenizer puts before every text
    return [[*start, *ids[max(0, len(ids) + len(start) - limit):]] for ids, limit in zip(_ids(tokenizer, texts), limits, strict=True)]


def completion_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """The token ids of completions, each with the end-of-text token."""
    return [[*ids, tokenizer.eos_token_id] for ids in _ids(tokenizer, texts)]


def _ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    return tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
