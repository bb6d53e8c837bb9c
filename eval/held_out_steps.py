"""A model on the steps of held-out proofs: its loss on their tactics, and how often its greedy tactic is exactly the proof's.

A pass rate over some hundred theorems can't resolve a difference of a few points; some thousand steps can.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lean_alchemy.eval.provers.model import Model
from lean_alchemy.eval.score import Interval, interval
from lean_alchemy.pipelines.benchmarks.leandojo import PartName, SplitName
from lean_alchemy.pipelines.runtime.stage import Report, chunks
from lean_alchemy.training.data import collator, packed_rows
from lean_alchemy.training.loss import nats_on
from lean_alchemy.training.prompt import prompt
from lean_alchemy.training.quiet_libraries import silence_libraries
from lean_alchemy.training.sources import TrainingText, benchmark_of

STATES_AT_ONCE = 64
"""States for which the model generates tactics at once."""


class StepsScore(msgspec.Struct, frozen=True):
    """loss: nats per token of the tactics, in the model's own tokens. bits_per_byte: the same per byte of text, which can be compared
    between models with different tokenizers. exact: the share of steps whose greedy tactic is exactly the proof's. interval: of exact."""

    steps: int
    loss: float
    bits_per_byte: float
    exact: float
    interval: Interval


def score_steps(folder: Path, benchmark: str, split: SplitName, part: PartName, report: Report) -> StepsScore:
    """folder: of the model. benchmark: `core`, or the path of one. Raises UsageError if the benchmark can't be read."""
    silence_libraries()
    steps = [step for theorem in benchmark_of(benchmark).part(split, part) for step in theorem.traced_tactics]
    model = Model(folder)
    rows = packed_rows([TrainingText("original", "validation", prompt(step.state_before), step.tactic) for step in steps], model.tokenizer,
                       model.tokenizer.model_max_length)
    nats, tokens = nats_on(model.model, rows, collator(model.tokenizer), "fp32")
    size = sum(len(step.tactic.encode()) for step in steps)
    ordered = sorted(steps, key=lambda step: len(step.state_before))  # states of similar length together need little padding
    exact: list[bool] = []
    for batch in chunks(ordered, STATES_AT_ONCE):
        report("steps", len(exact), len(ordered), "")
        exact += _exact(model, [step.state_before for step in batch], [step.tactic for step in batch])
    report("steps", len(ordered), len(ordered), "")
    values = [float(is_same) for is_same in exact]
    return StepsScore(steps=len(steps), loss=round(nats / max(1, tokens), 4), bits_per_byte=round(nats / math.log(2) / max(1, size), 4),
                      exact=sum(values) / max(1, len(values)), interval=interval(values))


def _exact(model: Model, states: Sequence[str], tactics: Sequence[str]) -> list[bool]:
    greedy = model.tactics(states, 1)
    return [bool(candidates) and candidates[0].tactic == tactic.strip() for candidates, tactic in zip(greedy, tactics, strict=True)]
