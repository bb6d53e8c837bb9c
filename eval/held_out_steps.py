"""A model on the steps of held-out proofs: how probable it finds their tactics, and how often its first one is the very same.

Some hundred theorems proved or not can't tell a few points apart; some thousand steps can.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lean_alchemy.eval.provers.model import Model
from lean_alchemy.eval.score import Interval, interval
from lean_alchemy.pipelines.benchmarks.leandojo import PartName, SplitName
from lean_alchemy.pipelines.runtime.stage import Report
from lean_alchemy.training.data import collator, packed_rows
from lean_alchemy.training.loss import nats_on
from lean_alchemy.training.prompt import prompt
from lean_alchemy.training.quiet_libraries import silence_libraries
from lean_alchemy.training.sources import Text, benchmark_of

AT_ONCE = 64


class StepsScore(msgspec.Struct, frozen=True):
    """loss: nats a token of the tactics, in tokens of the model's own tokenizer. bits_per_byte: of the tactics' text, which compares models
    whose tokenizers differ. exact: share of steps whose greedy tactic is the one of the proof, with its 95 % interval."""

    steps: int
    loss: float
    bits_per_byte: float
    exact: float
    interval: Interval


def judge_steps(folder: Path, benchmark: str, split: SplitName, part: PartName, report: Report) -> StepsScore:
    """folder: of a model. benchmark: `core`, or a place. Raises UsageError."""
    silence_libraries()
    steps = [step for theorem in benchmark_of(benchmark).part(split, part) for step in theorem.traced_tactics]
    model = Model(folder)
    rows = packed_rows([Text("original", "validation", prompt(step.state_before), step.tactic) for step in steps], model.tokenizer,
                       model.tokenizer.model_max_length)
    nats, tokens = nats_on(model.model, rows, collator(model.tokenizer), "fp32")
    size = sum(len(step.tactic.encode()) for step in steps)
    ordered = sorted(steps, key=lambda step: len(step.state_before))  # alike in length, so that little is padded
    exact: list[bool] = []
    for first in range(0, len(ordered), AT_ONCE):
        report("steps", first, len(ordered), "")
        some = ordered[first:first + AT_ONCE]
        exact += _exact(model, [step.state_before for step in some], [step.tactic for step in some])
    report("steps", len(ordered), len(ordered), "")
    values = [float(is_same) for is_same in exact]
    return StepsScore(steps=len(steps), loss=round(nats / max(1, tokens), 4), bits_per_byte=round(nats / math.log(2) / max(1, size), 4),
                      exact=sum(values) / max(1, len(values)), interval=interval(values))


def _exact(model: Model, states: Sequence[str], tactics: Sequence[str]) -> list[bool]:
    return [bool(found) and found[0].tactic == tactic.strip() for found, tactic in zip(model.tactics(states, 1), tactics, strict=True)]
