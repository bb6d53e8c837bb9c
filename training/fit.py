"""One phase of training: updates of a model on packed rows, in order, with transformers' Trainer.

Metrics are written to `metrics.jsonl`, one object per line. A checkpoint holds everything that later updates depend on: a run that was
interrupted and resumed ends with the same weights as one that was not.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.pipelines.runtime.stage import Report
from lean_alchemy.pipelines.runtime.storage import write_whole
from lean_alchemy.training.data import Prepared
from lean_alchemy.training.loss import loss_on
from lean_alchemy.training.recipe import Phase, Recipe

MakeTrainer = Callable[..., Any]
"""Makes a Trainer from model, arguments, rows, collator, tokenizer and callbacks: a value of `training.phases.PHASES`."""


class Fitted(msgspec.Struct, frozen=True):
    """The result of a phase. updates, tokens: of the whole phase. seconds: since it was started or last resumed. first_loss, final_loss:
    training loss of the first and the last update. before, loss: on the validation rows of each source, before and after the phase.
    unigram: see `Prepared`. All losses are nats per token."""

    updates: int
    tokens: int
    seconds: float
    first_loss: float
    final_loss: float
    before: dict[str, float]
    loss: dict[str, float]
    unigram: dict[str, float]


class Interrupted(Trouble):
    """Stopped by Ctrl-C or SIGTERM, after a checkpoint was written."""


class Metrics:
    """The file `metrics.jsonl`: measurements by phase and update."""

    def __init__(self, file: Path):
        self._file = file

    def rows(self, phase: str) -> list[dict]:
        return [row for row in self._rows() if row["phase"] == phase]

    def write(self, **row: Any) -> None:
        with self._file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")

    def forget_after(self, phase: str, update: int) -> None:
        """Drops the rows after the update that a run resumes from: they will be measured again."""
        kept = [row for row in self._rows() if row["phase"] != phase or row["update"] <= update]
        write_whole(self._file, "".join(json.dumps(row) + "\n" for row in kept).encode())

    def _rows(self) -> list[dict]:
        """Without a last line that is incomplete because the run was killed."""
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]


class Watcher(TrainerCallback):
    """Records metrics, reports progress, evaluates, and on Ctrl-C stops the training with a checkpoint."""

    def __init__(self, name: str, phase: Phase, recipe: Recipe, data: Prepared, collate: Any, metrics: Metrics, report: Report,
                 interrupted: Callable[[], bool]):
        self._name, self._phase, self._recipe, self._data, self._collate = name, phase, recipe, data, collate
        self._metrics, self._report, self._interrupted = metrics, report, interrupted
        self._tokens = np.cumsum([sum(lengths) for lengths in data.train["seq_lengths"]])

    def tokens_until(self, update: int) -> int:
        return int(self._tokens[update * self._phase.rows - 1]) if update else 0

    def evaluate(self, model: Any, update: int) -> None:
        for source, rows in self._data.validation.items():
            loss = loss_on(model, rows, self._collate, self._recipe.precision)
            self._metrics.write(phase=self._name, update=update, source=source, validation_loss=round(loss, 5))

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any) -> None:
        self._began, self._before = time.monotonic(), state.global_step
        if state.global_step == 0:
            self.evaluate(model, 0)
        self._report(self._name, state.global_step, self._phase.updates, "")

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict | None = None, **_: Any) -> None:
        if not logs or "loss" not in logs:
            return
        update = state.global_step
        done = self.tokens_until(update) - self.tokens_until(self._before)
        speed = done / (time.monotonic() - self._began)
        self._metrics.write(
            phase=self._name, update=update, tokens=self.tokens_until(update), loss=round(logs["loss"], 5),
            learning_rate=logs["learning_rate"], gradient=round(float(logs["grad_norm"]), 5), tokens_per_second=round(speed, 1))
        self._report(self._name, update, self._phase.updates, f"loss {logs['loss']:.3f}, {speed:,.0f} tokens/s")

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any) -> None:
        update = state.global_step
        if update == self._phase.updates or (self._phase.evaluate_every and update % self._phase.evaluate_every == 0):
            self.evaluate(model, update)
        if self._interrupted():
            control.should_save = control.should_training_stop = True


def fit(name: str, phase: Phase, recipe: Recipe, make_trainer: MakeTrainer, model: Any, tokenizer: Any, data: Prepared, collate: Any,
        folder: Path, metrics: Metrics, report: Report, interrupted: Callable[[], bool]) -> Fitted:
    """Trains the model in place. folder: where checkpoints are; the newest one is resumed. interrupted: was Ctrl-C pressed? Raises
    Interrupted, and Trouble if memory runs out."""
    start = time.monotonic()
    last = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    metrics.forget_after(name, int(last.rpartition("-")[2]) if last else -1)
    watcher = Watcher(name, phase, recipe, data, collate, metrics, report, interrupted)
    trainer = make_trainer(model=model, arguments=_arguments(phase, recipe, folder), rows=data.train, collate=collate, tokenizer=tokenizer,
                           callbacks=[watcher])
    trainer.remove_callback(PrinterCallback)
    try:
        trainer.train(resume_from_checkpoint=last)
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if not (isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error) or "out of memory" in str(error)):
            raise
        raise Trouble(f"{name}: out of memory with {phase.at_once} rows of {phase.block} tokens at once. Set a smaller "
                      f"{name}.at_once or {name}.block, or use {name}.lora; {name}.rows can stay") from None
    if trainer.state.global_step < phase.updates:
        raise Interrupted(f"{name} was interrupted at update {trainer.state.global_step} of {phase.updates}; a checkpoint is saved: run "
                          "the command again to resume")
    rows = metrics.rows(name)
    losses = [row["loss"] for row in rows if "loss" in row]

    def validation(update: int) -> dict[str, float]:
        return {row["source"]: row["validation_loss"] for row in rows if row["update"] == update and "source" in row}

    return Fitted(phase.updates, watcher.tokens_until(phase.updates), round(time.monotonic() - start, 1), losses[0], losses[-1],
                  validation(0), validation(phase.updates), {source: round(loss, 5) for source, loss in data.unigram_loss.items()})


def _arguments(phase: Phase, recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Of TrainingArguments: rows in order, no shuffling, no network, nothing printed."""
    return {
        "output_dir": str(folder), "max_steps": phase.updates, "per_device_train_batch_size": phase.at_once,
        "gradient_accumulation_steps": phase.rows // phase.at_once, "train_sampling_strategy": "sequential", "remove_unused_columns": False,
        "learning_rate": phase.learning_rate, "lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr_rate": 0.1},
        "warmup_steps": round(phase.warmup * phase.updates), "weight_decay": phase.weight_decay, "max_grad_norm": phase.clip,
        "adam_beta2": 0.95, "bf16": recipe.precision == "bf16", "seed": recipe.seed, "data_seed": recipe.seed, "logging_steps": 1,
        "save_strategy": "steps" if phase.save_every else "no", "save_steps": phase.save_every or phase.updates, "save_total_limit": 1,
        "report_to": "none", "disable_tqdm": True, "dataloader_num_workers": 0, "use_cpu": not torch.cuda.is_available(),
        "activation_checkpointing": False}
