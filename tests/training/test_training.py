"""Training: the training data and what is held out, prompts, rows, losses and recipes."""

import itertools
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from made import learnable, manifest, put, variant

pytest.importorskip("trl")

import torch

from lean_alchemy.lean_workspace.errors import Trouble
from lean_alchemy.pipelines.benchmarks.leandojo import CORE, Benchmark
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.held_out import HeldOut
from lean_alchemy.pipelines.data.schema import Variant
from lean_alchemy.pipelines.data.splits import split_of
from lean_alchemy.pipelines.runtime.manifest import UsageError
from lean_alchemy.pipelines.runtime.parquet import DamagedTable
from lean_alchemy.pipelines.runtime.stage import silent
from lean_alchemy.training.data import IGNORED, cached_texts, collator, draw_examples, prepare, train_tokenizer, training_texts
from lean_alchemy.training.fit import Metrics, fit
from lean_alchemy.training.loss import loss_on
from lean_alchemy.training.model import load_model
from lean_alchemy.training.prompt import GOAL, PROOFSTEP, prompt, prompt_ids, tactic_of
from lean_alchemy.training.recipe import Base, Data, Decoder, Phase, Recipe, RecipeError, Weights, differences, load_recipe, shipped
from lean_alchemy.training.run import PHASES
from lean_alchemy.training.sources import _PRIVATE, Sources, TrainingText, with_theorem_name, without_variant_id

CORE_BENCHMARK = Benchmark(CORE)
SMALL = Decoder(vocabulary=400, hidden=32, layers=2, heads=2, feed_forward=64, context=256)


# --- what is kept out -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return learnable(tmp_path_factory.mktemp("training") / "corpus")


def test_held_out_theorems_are_not_trained_on(corpus):
    """No theorem of val or test of either split, neither itself nor as the target of a variant; each exclusion is counted."""
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


def test_no_training_example_has_a_state_of_a_held_out_proof(corpus):
    sources = Sources(Data(corpora=[str(corpus)]))
    steps = list(sources.steps())
    theorems = {t.full_name: t for part in ("train", "val", "test") for t in CORE_BENCHMARK.part("random", part)}
    kept = [t for t in theorems.values() if sources.held_out.objection(t.full_name, t.statement_key) is None]
    assert sum(text.source == "original" and text.part == "train" for text in steps) == sum(len(t.traced_tactics) for t in kept)


def test_novel_premises_can_be_included(corpus):
    sources = Sources(Data(corpora=[str(corpus)], novel_premises="loose"))
    assert sum(text.source != "original" for text in sources.theorems()) == 301 and sources.kept_out["variant: held-out premise"] == 0


def test_theorems_equal_to_a_held_out_one_are_excluded():
    held_out = HeldOut(frozenset({"T"}), frozenset({"key"}), frozenset({"p"}))
    assert held_out.objection("T", None) == "held out"
    assert held_out.objection("U", "key") == "states what is held out"
    assert held_out.objection("U", "other", "p") == "held-out premise"
    assert held_out.objection("U", "other", "q") is None and held_out.objection("U", None) is None


def test_variants_of_a_target_are_all_in_one_split(corpus):
    parts = {}
    for text in Sources(Data(corpora=[str(corpus)])).steps():
        if text.source != "original":
            number = int(text.completion.rsplit(" ", 1)[1])
            parts.setdefault(f"Nat.t{number // 3}", set()).add(text.part)
    assert all(part == {split_of(target)} for target, part in parts.items())


def test_the_forms_of_a_proof_can_be_selected(corpus):
    both, one = (list(Sources(Data(corpora=[str(corpus)], forms=forms)).steps()) for forms in (["proof", "goal-directed"], ["proof"]))
    assert sum(t.source != "original" for t in both) == 600 and sum(t.source != "original" for t in one) == 300


def test_a_corpus_without_steps_is_an_error_with_advice(corpus, tmp_path):
    put(tmp_path, [variant(1, "Nat.t1")], Variant, "variants")
    manifest(tmp_path, Options(library=["Init"], targets=1, kinds=["rw"]), {"variants": 1}, {})
    sources = Sources(Data(corpora=[str(tmp_path)]))
    for asked in (lambda: list(sources.steps()), lambda: sources.require_steps(["original", "rw"])):
        with pytest.raises(UsageError, match=r"has no steps.*alchemy steps .*finetune.weights.rw=0"):
            asked()


def test_a_corpus_without_steps_is_enough_if_no_step_of_a_variant_is_wanted(tmp_path):
    """As in the recipes that ship, which give variants no weight in finetuning."""
    put(tmp_path, [variant(1, "Nat.t1")], Variant, "variants")
    manifest(tmp_path, Options(library=["Init"], targets=1, kinds=["rw"]), {"variants": 1}, {})
    sources = Sources(Data(corpora=[str(tmp_path)]))
    sources.require_steps(["original"])
    assert {text.source for text in sources.steps(["original"])} == {"original"}
    assert {text.source for text in sources.theorems()} == {"original", "rw"}


def test_an_error_while_texts_are_read_is_raised_as_it_is(tmp_path):
    """`datasets` would wrap it."""
    def texts():
        yield TrainingText("original", "train", "", "theorem t : True := trivial")
        raise UsageError("the table is gone")

    with pytest.raises(UsageError, match="the table is gone"):
        cached_texts(texts(), tmp_path, "f" * 16)


def test_a_damaged_table_is_named(corpus, tmp_path):
    damaged = tmp_path / "c"
    shutil.copytree(corpus, damaged)
    file = sorted((damaged / "variants").glob("*.parquet"))[0]
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(DamagedTable, match="variants can't be read"):
        list(Sources(Data(corpora=[str(damaged)])).theorems())


def test_a_harvested_proof_is_trained_on_under_its_theorems_name():
    assert with_theorem_name("theorem alchemy_goal.{u} : p := by\n  alchemy_goal", "A.b") == "theorem A.b.{u} : p := by\n  alchemy_goal"
    assert with_theorem_name("theorem _root_.alchemy_goal (a : Nat) : p := q", "A.b") == "theorem A.b (a : Nat) : p := q"
    assert with_theorem_name("lemma b : p := q", "A.b") == "lemma b : p := q", "as in its source"


def test_a_private_theorem_is_held_out_under_the_name_that_a_benchmark_has():
    assert _PRIVATE.sub("", "_private.Pears.Basic.0.Pears.hidden") == "Pears.hidden" and _PRIVATE.sub("", "Pears.hidden") == "Pears.hidden"


def test_a_variant_is_trained_on_without_its_name():
    assert without_variant_id("theorem variant_12ab.{u} {α : Type u} : variant_x := by\n  theorem") == (
        "theorem variant.{u} {α : Type u} : variant_x := by\n  theorem")


# --- prompts --------------------------------------------------------------------------------------------------------------------


def test_the_tactic_is_read_from_a_prompt():
    assert prompt("⊢ p") == "[GOAL]⊢ p[PROOFSTEP]"
    assert tactic_of(" rw [h]\n") == "rw [h]" and tactic_of("simp[GOAL]⊢ q[PROOFSTEP]rfl") == "simp"


# --- rows -----------------------------------------------------------------------------------------------------------------------


TEXTS = [TrainingText("original" if i % 3 else "rw", "validation" if i % 10 == 0 else "train",
                      prompt(f"n k : Nat\n⊢ n + {i} = {i % 7} + n") if i % 4 else "", f"rw [Nat.add_comm n {i}, ← foo_{i}]")
         for i in range(400)]
PHASE = Phase(updates=10, rows=2, block=128, learning_rate=1e-3)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    of_tests = texts(tmp_path_factory.mktemp("texts"))
    return train_tokenizer(training_texts(of_tests, Weights()), SMALL.vocabulary, [GOAL, PROOFSTEP], SMALL.context)


def texts(folder: Path):
    return cached_texts(iter(TEXTS), folder, "of-the-tests")


def prepared(tmp_path, tokenizer, phase=PHASE):
    return prepare(texts(tmp_path), tokenizer, phase, evaluation_examples=20, seed=0, kept_out={})


def test_a_tokenizer_decodes_what_it_encoded(tokenizer):
    for text in ("n : ℕ\n⊢ ∀ x ∈ s, f x ≤ g «odd name»", "case inl\nα✝ : Type u_1\n  two  spaces\tand a tab\n"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert len(tokenizer(prompt("p"))["input_ids"]) == 2 + len(tokenizer("p")["input_ids"])


def documents(batch):
    """Row, first token and end of each document; each padding token is a document."""
    for row, positions in enumerate(batch["position_ids"]):
        starts = [*torch.nonzero(positions == 0).flatten().tolist(), len(positions)]
        yield from ((row, start, end) for start, end in itertools.pairwise(starts))


def test_a_tokenizer_is_trained_on_the_training_texts(tmp_path):
    mine = set(training_texts(texts(tmp_path), Weights(original=0)))
    assert mine == {part for text in TEXTS if text.source == "rw" and text.part == "train" for part in (text.prompt, text.completion)}


def test_the_loss_is_on_all_tokens_of_tactics_and_none_of_prompts(tmp_path, tokenizer):
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


def test_packed_documents_do_not_attend_to_each_other(tmp_path, tokenizer):
    """The logits of a document in a packed row are those of the document alone."""
    torch.manual_seed(0)
    model, _ = load_model(Base(decoder=SMALL), lambda _: tokenizer)
    train = prepared(tmp_path, tokenizer).train
    batch = collator(tokenizer)([train[0], train[1]])
    assert len(list(documents(batch))) > 6
    with torch.no_grad():
        together = model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits
        for row, start, end in documents(batch):
            alone = model(input_ids=batch["input_ids"][row:row + 1, start:end], use_cache=False).logits[0]
            assert torch.allclose(together[row, start:end], alone, atol=1e-5)


@pytest.mark.parametrize("make", PHASES.values(), ids=PHASES)
def test_the_micro_batch_size_does_not_change_the_update(tmp_path, tokenizer, make):
    """A batch of four padded rows gives the same update as four batches of one row."""
    weights = []
    for at_once in (4, 1):
        phase = Phase(updates=3, rows=4, at_once=at_once, block=256, learning_rate=1e-3)
        torch.manual_seed(0)
        model, _ = load_model(Base(decoder=SMALL), lambda _: tokenizer)
        recipe = Recipe(name="r", base=Base(decoder=SMALL), finetune=phase)
        fit("finetune", phase, recipe, make, model, tokenizer, prepared(tmp_path / str(at_once), tokenizer, phase), collator(tokenizer),
            tmp_path / f"run-{at_once}", Metrics(tmp_path / f"{at_once}.jsonl"), silent, lambda: False)
        weights.append(model.state_dict())
    for name, weight in weights[0].items():
        assert torch.allclose(weight, weights[1][name], atol=2e-4), name


def test_a_phase_has_the_given_number_of_rows_with_little_padding(tmp_path, tokenizer):
    data = prepared(tmp_path, tokenizer, Phase(updates=25, rows=4, block=256, learning_rate=1e-3))
    assert len(data.train) == 100 == data.report.rows and data.report.wasted < 0.02
    assert max(map(len, data.train["input_ids"])) <= 256
    assert data.report.sources["original"].passes > 1  # it is small, so it is repeated


def test_the_rows_depend_on_the_recipe_and_the_seed(tmp_path, tokenizer):
    one, two = (prepared(tmp_path / name, tokenizer) for name in "ab")
    assert one.train["input_ids"] == two.train["input_ids"]
    other = prepare(texts(tmp_path), tokenizer, PHASE, evaluation_examples=20, seed=1, kept_out={})
    assert other.train["input_ids"] != one.train["input_ids"]


def test_sources_are_mixed_by_weight():
    places = {"original": np.arange(10), "rw": np.arange(10, 1000)}
    drawn = draw_examples(places, {"original": 3.0, "rw": 1.0}, np.full(1000, 10), 40_000, seed=0)
    assert len(drawn) == 4000 and 0.7 < np.mean(drawn < 10) < 0.8
    rw = drawn[drawn >= 10]
    assert len(set(rw[:990].tolist())) == 990  # each row once before any is repeated
    assert draw_examples({"original": np.arange(10)}, {"original": 1.0}, np.full(10, 7), 70, seed=0).tolist() != list(range(10))


def test_validation_is_not_trained_on(tmp_path, tokenizer):
    data = prepared(tmp_path, tokenizer)
    out = {text.completion for text in TEXTS if text.part == "validation"}
    for rows in data.train:
        text = tokenizer.decode(rows["input_ids"])
        assert not any(completion + "<|end|>" in text for completion in out)
    assert set(data.report.validation) == {"original", "rw"}


def test_the_unigram_baseline_is_the_loss_of_token_frequencies(tmp_path, tokenizer):
    """A model that predicts the token frequencies has the reported loss."""
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


def test_a_long_prompt_is_cut_and_keeps_the_goal(tokenizer):
    (ids,) = prompt_ids(tokenizer, [prompt("h : p\n" * 100 + "⊢ the_goal")], [20])
    assert len(ids) == 20 and tokenizer.decode(ids).endswith("⊢ the_goal[PROOFSTEP]")


def test_nothing_to_train_on_is_an_error(tmp_path, tokenizer):
    with pytest.raises(UsageError, match="nothing to train on"):
        prepared(tmp_path, tokenizer, Phase(updates=25, rows=4, block=256, learning_rate=1e-3, weights=Weights(original=0, rw=0, apply=1)))


def test_too_little_memory_is_an_error_with_advice(tmp_path, tokenizer):
    class Poor:
        def __init__(self, **_):
            pass

        def remove_callback(self, _):
            pass

        def train(self, **_):
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes")

    with pytest.raises(Trouble, match=r"finetune\.at_once"):
        fit("finetune", PHASE, load_recipe("tiny"), Poor, None, tokenizer, prepared(tmp_path, tokenizer), None, tmp_path / "checkpoints",
            Metrics(tmp_path / "metrics.jsonl"), silent, lambda: False)


# --- recipes --------------------------------------------------------------------------------------------------------------------


def test_the_recipes_of_the_package_are_valid():
    assert shipped() == ["smollm2", "tiny"]
    for name in shipped():
        assert load_recipe(name).name == name


@pytest.mark.parametrize(("setting", "said"), [
    ("finetune.update=3", "update"), ("finetune.updates=0", "updates"), ("finetune.updates=many", "updates"),
    ("finetune.updates", "key=value"), ("pretrain.at_once=5", "at_once"),
    ("base.decoder.hidden=250", "hidden"), ("base.model=x", "one of"), ("finetune.weights.rw=-1", "rw"),
    ("data.forms=[]", "forms"), ("precision=fp8", "precision"), ("name.x=1", "no keys below"), ("pretrain.block=4096", "context"),
    ("finetune.weights={original: 0, rw: 0, apply: 0}", "all of them are 0"), ("finetune=[", "not YAML")])
def test_a_wrong_value_is_an_error_with_its_key(setting, said):
    with pytest.raises(RecipeError, match=said):
        load_recipe("tiny", [setting])


def test_set_overrides_the_file(tmp_path):
    recipe = load_recipe("tiny", ["finetune.updates=7", "finetune.learning_rate=2e-3", "data.corpora=[a, b]", "pretrain=null"])
    assert recipe.finetune.learning_rate == 0.002
    assert recipe.finetune.updates == 7 and recipe.data.corpora == ["a", "b"] and recipe.pretrain is None
    assert "finetune.updates: 400, 7" in differences(load_recipe("tiny"), recipe)
    with pytest.raises(RecipeError, match="no recipe"):
        load_recipe("no-such")
    (tmp_path / "r.yaml").write_text("- 1\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="not a recipe"):
        load_recipe(str(tmp_path / "r.yaml"))
