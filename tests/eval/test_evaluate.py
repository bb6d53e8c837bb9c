"""`alchemy eval` as a user runs it, and a model from its training to its proofs."""

import json
from pathlib import Path

import golden
import pytest
from commands import alchemy, summary, table
from made import manifest, put, step, variant

from lean_alchemy.eval.prove import PROVE
from lean_alchemy.pipelines.benchmarks.leandojo import CORE
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.schema import Step, Variant

LIBRARY = "Init.Data.Nat.Lemmas"  # it may use `omega`
EASY = ["Nat.sub_lt_add_one", "Nat.one_le_of_lt", "Nat.add_add_add_comm", "Nat.le_sub_iff_add_le'", "Nat.le_add_one_iff",
        "Nat.lt_add_one_iff", "Nat.add_mul_div_left", "Nat.mul_self_le_mul_self", "Nat.sub_one_sub_lt", "Nat.add_sub_add_right",
        "No.such_theorem"]


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory) -> Path:
    """A benchmark of some theorems of a small library; every part has all of them."""
    folder = tmp_path_factory.mktemp("eval") / "benchmark"
    rows = [{"url": "u", "commit": "c", "file_path": "src/Init/Data/Nat/Lemmas.lean", "full_name": name, "start": [1, 1], "end": [1, 2],
             "traced_tactics": [], "round": 1} for name in EASY]
    for split in ("random", "novel_premises"):
        (folder / split).mkdir(parents=True)
        for part in ("train", "val", "test"):
            (folder / split / f"{part}.json").write_text(json.dumps(rows if part == "test" else []), encoding="utf-8")
    (folder / "metadata.json").write_text(json.dumps({"name": "easy", "version": 1, "library": [LIBRARY]}), encoding="utf-8")
    (folder / "corpus.jsonl").write_text("", encoding="utf-8")
    return folder


def evaluate(benchmark: Path, out: Path, model: str, *more: str):
    return alchemy("eval", "--benchmark", "core", "--data", str(benchmark), "--model", model, "--out", str(out), "--workers", "1", "--json",
                   *more)


@pytest.fixture(scope="module")
def automated(lean, benchmark) -> tuple[Path, dict]:
    out = benchmark.parent / "automation"
    return out, summary(evaluate(benchmark, out, "automation"))


def test_an_evaluation_leaves_a_table_and_a_picture(automated, engine):
    out, said = automated
    rows = {row["name"]: row for row in table(out, "results")}
    assert set(rows) == set(EASY[:-1]) and (said["theorems"], said["attempted"]) == (len(EASY), len(EASY) - 1)
    assert said["proved"] == sum(row["ending"] == "proved" for row in rows.values()) >= 4
    not_run = json.loads((out / "evaluation.json").read_bytes())["not_run"]
    assert not_run == {"No.such_theorem": "the library has no theorem of this name"}
    for row in rows.values():
        if row["ending"] == "proved":
            assert engine.refused(row["proof"]) is None and row["proof"].startswith("theorem alchemy_goal")
    assert (out / "budget.png").read_bytes().startswith(b"\x89PNG") and said["interval"][0] <= said["pass_rate"] <= said["interval"][1]


def test_eval_results_match_the_golden_ones(automated):
    """Ten searches."""
    golden.check(PROVE, table(automated[0], "results", "lean_seconds", "model_seconds", "seconds"))


def test_an_evaluation_resumes_and_is_not_mixed_with_another(automated, benchmark):
    out, said = automated
    again = summary(evaluate(benchmark, out, "automation"))
    assert {k: v for k, v in again.items()} == said
    other = evaluate(benchmark, out, "random")
    assert other.returncode == 2 and "prover" in other.stderr and "Traceback" not in other.stderr


@pytest.mark.slow
def test_the_random_prover_runs(benchmark, tmp_path):
    drawn = summary(evaluate(benchmark, tmp_path / "random", "random", "--expansions", "2", "--candidates", "3"))
    assert drawn["theorems"] == len(EASY) and drawn["expansions"] <= 2 * len(EASY) and drawn["tried"] > drawn["refused"] > 0


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "--benchmark"), (("--benchmark", "core"), "--model"), (("--benchmark", "gsm8k", "--model", "random"), "is not one of"),
    (("--benchmark", "core", "--model", "random", "--part", "train"), "is not one of"),
    (("--benchmark", "core", "--model", "nobody"), "no prover"),
    (("--benchmark", "leandojo", "--model", "random"), "--data"),
    (("--benchmark", "leandojo", "--model", "random", "--data", str(CORE)), "--workspace")])
def test_wrong_use_is_an_error(arguments, said, tmp_path):
    done = alchemy("eval", *arguments, *(("--out", str(tmp_path / "out")) if arguments else ()))
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


# --- a model, from its training to its proofs -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def omega(lean, benchmark, tmp_path_factory) -> Path:
    """A model that was trained only on `omega`, and its folder."""
    pytest.importorskip("trl")
    corpus, out = tmp_path_factory.mktemp("omega") / "corpus", tmp_path_factory.mktemp("omega") / "run"
    rows = [variant(n, f"Nat.t{n}", theorem=f"theorem variant_{n:016x} (a b : Nat) (h : a < b) : a + {n} < b + {n} := by\n  omega")
            for n in range(400)]
    put(corpus, rows, Variant, "variants")
    put(corpus, [step(row, "proof", tactic="omega", state_before=f"a b : Nat\nh : a < b\n⊢ a + {n} < b + {n}")
                 for n, row in enumerate(rows)], Step, "steps")
    manifest(corpus, Options(library=["Init"], targets=400, kinds=["rw"]), {"variants": len(rows)}, {})
    settings = ["base.decoder={vocabulary: 400, hidden: 32, layers: 2, heads: 2, feed_forward: 64, context: 256}",
                f"data={{benchmark: {benchmark}, corpora: [{corpus}]}}",
                *(f"{phase}={{updates: {updates}, rows: 4, block: 128, learning_rate: 1e-2, weights: {{original: 0}}}}"
                  for phase, updates in (("pretrain", 10), ("finetune", 60))), "precision=fp32", "evaluation_examples=20"]
    said = summary(alchemy("train", "tiny", "--out", str(out), *(f"--set={setting}" for setting in settings), "--json"))
    phase = said["phases"]["finetune"]
    assert phase["loss"]["rw"] < 0.1 < phase["before"]["rw"]
    return out


def test_a_trained_model_proves_theorems(omega, automated, benchmark, tmp_path):
    """End to end: texts, pretraining, finetuning, search, valid proofs, and a comparison. The model knows a single tactic."""
    said = summary(evaluate(benchmark, tmp_path / "out", str(omega), "--expansions", "4", "--candidates", "4"))
    proofs = {row["name"]: row["tactics"] for row in table(tmp_path / "out", "results") if row["ending"] == "proved"}
    assert said["proved"] == len(proofs) >= 3 and {tactics[-1] for tactics in proofs.values()} == {"omega"}
    assert said["model_seconds"] > 0 and said["prover"] == omega.name
    other, its = automated
    found = summary(alchemy("eval", "compare", str(other), str(tmp_path / "out"), "--plot", str(tmp_path / "both.png"), "--json"))
    assert (found["both"] + found["only_first"], found["both"] + found["only_second"]) == (its["proved"], said["proved"])
    assert (tmp_path / "both.png").is_file() and alchemy("eval", "compare", str(other), str(tmp_path)).returncode == 2


def test_the_log_probability_of_a_candidate_is_the_sum_over_its_tokens(omega):
    """It does not depend on the padding or on the rest of the batch."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from lean_alchemy.eval.provers.model import Model
    from lean_alchemy.training.prompt import completion_ids, prompt, prompt_ids

    states = ["a b : Nat\nh : a < b\n⊢ a + 3 < b + 3", "⊢ p"]
    prover = Model(omega / "model")
    found = prover.tactics(states, 3)
    alone = [prover.tactics([state], 3)[0] for state in states]
    tokenizer, model = AutoTokenizer.from_pretrained(omega / "model"), AutoModelForCausalLM.from_pretrained(omega / "model")
    for state, candidates, again in zip(states, found, alone, strict=True):
        assert [c.tactic for c in candidates] == [c.tactic for c in again]
        assert candidates[0].tactic == "omega" and len({c.tactic for c in candidates}) == len(candidates)
        assert [c.log_prob for c in candidates] == pytest.approx([c.log_prob for c in again], abs=1e-3)
        before, after = prompt_ids(tokenizer, [prompt(state)], [1000])[0], completion_ids(tokenizer, ["omega"])[0]
        with torch.no_grad():
            logits = torch.log_softmax(model(torch.tensor([before + after])).logits[0], -1)
        says = sum(float(logits[len(before) - 1 + i, token]) for i, token in enumerate(after))
        assert candidates[0].log_prob == pytest.approx(says, abs=1e-3)
    assert [c.tactic for c in prover.tactics(states, 1)[0]] == ["omega"]
