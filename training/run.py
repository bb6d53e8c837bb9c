"""A run of a recipe, in a folder of its own.

    recipe.json      the recipe, with all settings applied
    versions.json    versions of the packages
    data.json        the training data: tokens by source, what was kept out, a fingerprint
    metrics.jsonl    metrics, update by update
    loss.png         a plot of them
    model/           model, tokenizer and a card, for `from_pretrained`
    run.json         the summary, written when the run is done

Until then checkpoints and tokenized data are below `.work`. The same command run again resumes the run.
"""

import hashlib
import platform
import shutil
import time
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from lean_alchemy.lean_workspace.errors import Mistake
from lean_alchemy.pipelines.benchmarks.leandojo import benchmark_path
from lean_alchemy.pipelines.runtime.stage import Report
from lean_alchemy.pipelines.runtime.storage import location_of, write_whole
from lean_alchemy.training.card import model_card
from lean_alchemy.training.data import Prepared, TokenReport, cached_texts, collator, prepare, train_tokenizer, training_texts
from lean_alchemy.training.deferred_interrupt import deferred_interrupt
from lean_alchemy.training.fit import Fitted, Metrics, fit
from lean_alchemy.training.model import load_model, merge_adapters, parameters, with_adapters
from lean_alchemy.training.phases import PHASES
from lean_alchemy.training.plot import plot_losses
from lean_alchemy.training.prompt import GOAL, PROOFSTEP
from lean_alchemy.training.quiet_libraries import silence_libraries
from lean_alchemy.training.recipe import Data, Decoder, Phase, Recipe
from lean_alchemy.training.run_folder import exclusive, save_recipe
from lean_alchemy.training.sources import SOURCES, Source, Sources

PACKAGES = ("lean-alchemy", "torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers")


class TrainingSummary(msgspec.Struct, frozen=True):
    """The summary. parameters: of the model. steps, tokens: updates and tokens of all phases. seconds: since the run was started or last
    resumed. first_loss, final_loss, eval_loss: of the last phase; eval_loss is the mean over the sources' validation losses."""

    recipe: str
    parameters: int
    steps: int
    tokens: int
    seconds: float
    first_loss: float
    final_loss: float
    eval_loss: float
    phases: dict[str, Fitted]


def train(recipe: Recipe, out: Path, report: Report) -> TrainingSummary:
    """Trains as the recipe says, and resumes a run that was interrupted. Raises Mistake if the folder holds something else or a finished
    run, Trouble if the run fails or is interrupted."""
    with exclusive(out, recipe):
        return _Running(recipe, Sources(recipe.data), out, report).run()


class _Running:
    """The state of one run."""

    def __init__(self, recipe: Recipe, sources: Sources, out: Path, report: Report):
        self._recipe, self._sources, self._out, self._report = recipe, sources, out, report
        self._work = out / ".work"
        self._metrics = Metrics(out / "metrics.jsonl")
        self._fingerprint = _fingerprint(recipe.data)
        self._texts: dict[str, Any] = {}
        self._kept_out: dict[str, dict[str, int]] = {}

    def run(self) -> TrainingSummary:
        import torch

        start, recipe = time.monotonic(), self._recipe
        silence_libraries()
        if recipe.threads is not None:
            torch.set_num_threads(recipe.threads)
        torch.manual_seed(recipe.seed)
        self._require_same_data()
        phases = {name: phase for name in PHASES if (phase := getattr(recipe, name)) is not None}
        self._read(phases)
        model, tokenizer = load_model(recipe.base, self._train_tokenizer)
        save_recipe(self._out, recipe)
        write_whole(self._out / "versions.json", msgspec.json.format(msgspec.json.encode(_versions()), indent=2))
        fitted: dict[str, Fitted] = {}
        data: dict[str, TokenReport] = {}
        for name, phase in phases.items():
            prepared = self._prepared(name, phase, tokenizer)
            data[name] = prepared.report
            write_whole(self._out / "data.json", msgspec.json.format(msgspec.json.encode(
                {"fingerprint": self._fingerprint, "phases": data}), indent=2))
            model, fitted[name] = self._phase(name, phase, model, tokenizer, prepared)
        plot_losses(self._out / "metrics.jsonl", {name: f.unigram for name, f in fitted.items()}, self._out / "loss.png")
        done = self._summary(model, fitted, time.monotonic() - start)
        shutil.rmtree(self._out / "model", ignore_errors=True)
        model.save_pretrained(self._out / "model")
        tokenizer.model_max_length = max(phase.block for phase in phases.values())  # positions beyond it were not trained
        tokenizer.save_pretrained(self._out / "model")
        write_whole(self._out / "model" / "README.md", model_card(recipe, done, data, _versions()).encode())
        write_whole(self._out / "run.json", msgspec.json.format(msgspec.json.encode(done), indent=2))
        return done

    # --- data

    def _read(self, phases: dict[str, Phase]) -> None:
        """Reads the texts of each phase and counts what was kept out, or takes both from `.work` if the run is resumed."""
        wanted: dict[str, list[Source]] = {
            name: [source for source in SOURCES if getattr(phase.weights, source)] for name, phase in phases.items()}
        self._sources.require_steps(wanted.get("finetune", []))
        for name in phases:
            self._report("read", len(self._texts), len(phases), name)
            fingerprint = hashlib.sha256(f"{self._fingerprint} {name} {wanted[name]}".encode()).hexdigest()[:16]
            place = self._work / "texts" / fingerprint
            if not (counts := place / "kept_out.json").is_file():
                shutil.rmtree(place, ignore_errors=True)
            texts = self._sources.theorems(wanted[name]) if name == "pretrain" else self._sources.steps(wanted[name])
            self._texts[name] = cached_texts(texts, place, fingerprint)
            if not counts.is_file():
                write_whole(counts, msgspec.json.encode(self._sources.kept_out))
            self._kept_out[name] = msgspec.json.decode(counts.read_bytes())
        self._report("read", len(phases), len(phases), "")

    def _require_same_data(self) -> None:
        """Raises Mistake if a corpus or the benchmark has changed since the run was started."""
        file = self._out / "data.json"
        if file.is_file() and msgspec.json.decode(file.read_bytes())["fingerprint"] != self._fingerprint:
            raise Mistake(f"a corpus or the benchmark has changed since the run in {self._out} began: train in another folder")

    def _prepared(self, name: str, phase: Phase, tokenizer: Any) -> Prepared:
        self._report("pack", 0, 1, name)
        prepared = prepare(self._texts[name], tokenizer, phase, kept_out=self._kept_out[name],
                           evaluation_examples=self._recipe.evaluation_examples, seed=self._recipe.seed)
        self._report("pack", 1, 1, name)
        return prepared

    # --- the model

    def _train_tokenizer(self, shape: Decoder) -> Any:
        self._report("tokenizer", 0, 1, "")
        texts = chain.from_iterable(training_texts(texts, getattr(self._recipe, phase).weights) for phase, texts in self._texts.items())
        tokenizer = train_tokenizer(texts, shape.vocabulary, [GOAL, PROOFSTEP], shape.context)
        self._report("tokenizer", 1, 1, f"{len(tokenizer):,} tokens")
        return tokenizer

    def _phase(self, name: str, phase: Phase, model: Any, tokenizer: Any, data: Prepared) -> tuple[Any, Fitted]:
        """The model after a phase, read from disk, so that it is the same whether the phase was trained now or before resuming."""
        from transformers import AutoModelForCausalLM

        folder, done = self._work / name, self._work / f"{name}.json"
        if not done.is_file():
            adapted = with_adapters(model, phase.lora)
            with deferred_interrupt() as interrupted:
                fitted = fit(name, phase, self._recipe, PHASES[name], adapted, tokenizer, data, collator(tokenizer), folder / "checkpoints",
                             self._metrics, self._report, interrupted)
            merge_adapters(adapted, phase.lora).save_pretrained(folder / "model")
            write_whole(done, msgspec.json.encode(fitted))
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        return (AutoModelForCausalLM.from_pretrained(folder / "model", dtype="float32"),
                msgspec.json.decode(done.read_bytes(), type=Fitted))

    def _summary(self, model: Any, fitted: dict[str, Fitted], seconds: float) -> TrainingSummary:
        last = list(fitted.values())[-1]
        return TrainingSummary(
            recipe=self._recipe.name, parameters=parameters(model), steps=sum(f.updates for f in fitted.values()),
            tokens=sum(f.tokens for f in fitted.values()), seconds=round(seconds, 1),
            first_loss=last.first_loss, final_loss=last.final_loss, phases=fitted,
            eval_loss=round(sum(last.loss.values()) / max(len(last.loss), 1), 5))


def _fingerprint(data: Data) -> str:
    """16 hexadecimal digits, a digest of the recipe's `data`, the manifests of the corpora and the benchmark."""
    place = benchmark_path(data.benchmark)
    files = [place if place.is_file() else place / "metadata.json", *(location_of(out) / "manifest.json" for out in data.corpora)]
    contents = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    return hashlib.sha256(msgspec.json.encode([data, contents])).hexdigest()[:16]


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
