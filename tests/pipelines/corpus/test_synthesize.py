"""Whole commands on a small library, as a user runs them: the corpus is the same after interruptions."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import golden
import msgspec
import psutil
import pyarrow.dataset as ds
import pytest
from commands import ALCHEMY, LIBRARY, alchemy, program, same, summary, synthesize, table, without_package, work_of
from places import TESTS

from lean_alchemy.mutation.terms import statement_key
from lean_alchemy.pipelines.corpus.catalogue import Catalogue
from lean_alchemy.pipelines.corpus.extract import EXTRACT
from lean_alchemy.pipelines.corpus.mutate import MUTATE
from lean_alchemy.pipelines.runtime import run_log


def test_a_corpus_has_the_documented_files_and_columns(corpus):
    out, said = corpus
    variants, theorems = table(out, "variants"), table(out, "theorems")
    assert said["variants"] == len(variants) > 100
    assert {row["kind"] for row in variants} == {"rw", "apply"}
    assert {(row["kind"], row["direction"], row["site"] == "conclusion") for row in variants} == {
        ("rw", "forward", True), ("rw", "backward", True), ("rw", "forward", False), ("rw", "backward", False),
        ("apply", "forward", True), ("apply", "backward", False)}
    for column in ("variant_id", "statement_key", "theorem"):
        assert len({row[column] for row in variants}) == len(variants)
    assert all(row["kernel_checked"] and row["elaborated"] and row["depth"] == 1 and row["parents"] == [] for row in variants)
    names = {row["name"]: row for row in theorems}
    assert all(row["target"] in names and row["lemma"] in names for row in variants)
    assert all(names[row["target"]]["module"] == LIBRARY for row in variants)
    assert not {row["statement_key"] for row in variants} & {row["statement_key"] for row in theorems}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["library"] == [LIBRARY] and manifest["toolchain"].startswith("4.28.0")
    assert manifest["counts"]["variants"] == len(variants)
    assert manifest["seed"] == 0 and manifest["versions"]["engine"] and len(manifest["shards"]) == 3
    assert not (out / "refuted").exists() and "refuted" not in manifest["counts"]  # without --refute


def test_mutate_results_match_the_golden_ones(corpus):
    """On 60 targets."""
    golden.check(MUTATE, *(table(corpus[0], name, "toolchain") for name in ("variants", "rejects")))


def test_extract_results_match_the_golden_ones(corpus):
    """The theorems and keys of the library, and the sites of the sampled targets."""
    (folder,) = (corpus[0] / ".work" / "extract").iterdir()
    library = Catalogue(folder, [LIBRARY])
    keys, sample = list(library.keys()), [{"target": number, "sites": sites} for number, sites in library.sample()]
    assert len(library.theorems) > 1000 and len(keys) > 1000 and len(sample) > 100
    golden.check(EXTRACT, msgspec.to_builtins(library.theorems), msgspec.to_builtins(keys), msgspec.to_builtins(sample))


def test_kept_and_rejected_add_up_to_the_candidates(corpus):
    out, said = corpus
    rejects = table(out, "rejects")
    assert said["candidates"] == said["variants"] + sum(row["n"] for row in rejects if row["stage"] != "target")
    assert sum(said["rejects"].values()) == sum(row["n"] for row in rejects)
    assert said["kernel_checked"] - said["elaborated"] == sum(
        row["n"] for row in rejects if row["stage"] == "verify" and row["reason"] not in ("kernel", "budget"))


def test_the_kernel_accepts_every_term(corpus):
    assert not any(reason == "verify: kernel" for reason in corpus[1]["rejects"])


@pytest.mark.slow
def test_more_targets_and_more_workers_make_the_same_corpus(corpus, tmp_path):
    first = summary(synthesize(tmp_path / "grown", "--targets", "20"))
    again = summary(synthesize(tmp_path / "grown", "--targets", "60", "--workers", "2"))
    assert first["targets"] == 20 and again["targets"] == 60
    assert same(corpus[0], tmp_path / "grown")
    fewer = synthesize(tmp_path / "grown", "--targets", "20")
    assert fewer.returncode == 2 and "60 targets" in fewer.stderr


def wait_for(condition, seconds: float = 120.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


def engines_of(process: subprocess.Popen) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            if any("host.cjs" in word for word in child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found


@pytest.mark.slow
def test_killed_engines_and_a_killed_run_change_nothing(corpus, tmp_path):
    out = tmp_path / "killed"
    arguments = [*ALCHEMY, "synthesize", str(out), "--library", LIBRARY, "--targets", "60", "--verify", "20"]
    run = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    started = wait_for(lambda: [e for e in engines_of(run) if e.cpu_times().user > 5])
    for engine in started:
        engine.kill()  # during a shard, or during start-up
    wait_for(lambda: (out / ".work" / "mutate").is_dir() and any((out / ".work" / "mutate").iterdir()))
    second = synthesize(out, "--targets", "60")
    assert second.returncode == 1 and "another run" in second.stderr
    ours = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not (out / "manifest.json").exists()
    psutil.wait_procs(ours, timeout=30)
    for left in ours:  # Ray's own processes may linger; engines may not
        assert not (left.is_running() and left.status() != psutil.STATUS_ZOMBIE and any("host.cjs" in w for w in left.cmdline()))
    summary(synthesize(out, "--targets", "60"))
    assert same(corpus[0], out)


def test_ctrl_c_is_a_clean_end(lean, tmp_path):
    arguments = [*ALCHEMY, "synthesize", str(tmp_path / "c"), "--library", LIBRARY, "--targets", "all"]
    run = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    engines = wait_for(lambda: engines_of(run))
    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=60)[1]
    assert run.returncode == 1 and "run the command again to resume" in said and "Traceback" not in said, said
    assert not psutil.wait_procs(engines, timeout=15)[1]


def test_the_log_of_a_run_has_its_events(corpus):
    lines = run_log.read(corpus[0] / "run.log")
    assert lines[0]["event"] == "begin" and lines[0]["options"]["library"] == [LIBRARY]
    shards = [line for line in lines if line["event"] == "shard" and line["stage"] == "mutate"]
    tallies = [line["tally"] for line in shards]
    assert sum(tally["targets"] for tally in tallies) == 60 and sum(tally["elaborated"] for tally in tallies) == corpus[1]["elaborated"]
    assert all(0 < sum(tally["lean_s"].values()) <= tally["seconds"] for tally in tallies) and shards[0]["driver_mb"] > 50
    assert next(line for line in lines if line["event"] == "end")["outcome"] == "done"


@pytest.mark.slow
def test_a_dry_run_estimates_a_run_and_leaves_no_files(lean, tmp_path):
    said = summary(synthesize(tmp_path / "c", "--target", "Nat.succ_le_of_lt", "--target", "Nat.sub_lt_left_of_lt_add", "--dry-run"))
    assert said["targets"] == said["sampled"] == 2 and not (tmp_path / "c").exists()
    assert said["variants"]["value"] > 10 and said["variants"]["error"] == 0  # the sample has all targets
    assert said["hours"]["value"] > 0 and said["disk_gb"]["value"] > 0 and 1 < said["memory_gb"] < 12


def test_the_report_is_self_contained_and_adds_up(corpus, tmp_path):
    from lean_alchemy.pipelines.publishing.figures import collect_figures

    said = summary(alchemy("report", str(corpus[0]), "--examples", "5", "--json"))
    page = Path(said["page"]).read_text()
    assert len(said["plots"]) == 9 and all(Path(file).read_bytes().startswith(b"\x89PNG") for file in said["plots"])
    assert page.count("data:image/png;base64,") == 9 and page.count('class="pair"') == 5 and "http" not in page
    assert f"{corpus[1]['variants']:,} variants of {LIBRARY}" in page
    figures = collect_figures(corpus[0])
    n = corpus[1]["variants"]
    assert sum(figures.per_target) == figures.uses.total() == figures.lemmas.total() == figures.marks.total() == n
    assert len(figures.per_target) == 60 and figures.tally.elaborated == corpus[1]["elaborated"]
    assert sum(figures.tally.rejects.values()) == sum(n for r, n in corpus[1]["rejects"].items() if not r.startswith("select: "))
    for example in figures.examples:
        assert "".join(piece.text for piece in example.statement) == example.variant.statement
        assert any(piece.changed for piece in example.statement)


def test_verify_finds_every_text_valid_in_a_fresh_engine(corpus):
    assert summary(alchemy("verify", str(corpus[0]), "--sample", "200", "--workers", "1", "--json")) == {
        "version": 1, "checked": 200, "valid": 200, "failures": 0}


def test_verify_rejects_a_falsified_corpus(corpus, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = ds.dataset(corpus[0] / "variants", format="parquet").to_table().slice(0, 3).to_pylist()
    rows[0]["theorem"] = rows[0]["theorem"].rsplit(":= by", 1)[0] + ":= by\n  sorry"
    rows[1]["theorem"] = f"theorem {rows[1]['theorem'].split()[1]} : 1 + 1 = 2 := rfl"
    (tmp_path / "variants").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "variants" / "part.parquet")
    (tmp_path / "manifest.json").write_bytes((corpus[0] / "manifest.json").read_bytes())
    done = alchemy("verify", str(tmp_path), "--workers", "1", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout.splitlines()[-1]) == {"version": 1, "checked": 3, "valid": 1, "failures": 0}
    assert "sorry" in done.stderr and "something else" in done.stderr


@pytest.mark.slow
def test_held_out_theorems_are_excluded(corpus, tmp_path):
    rows = table(corpus[0], "variants")
    name, key = rows[0]["target"], next(r["statement_key"] for r in rows if r["target"] != rows[0]["target"])
    held_out = tmp_path / "held_out.txt"
    held_out.write_text(f"{name}\n{key}\n")
    work_of(corpus[0], tmp_path / "corpus")
    said = summary(synthesize(tmp_path / "corpus", "--targets", "60", "--held-out", str(held_out)))
    kept = table(tmp_path / "corpus", "variants")
    assert not any(row["target"] == name or row["statement_key"] == key for row in kept)
    assert said["rejects"]["select: held out"] > 0  # their duplicates may come in instead
    assert said["candidates"] == said["variants"] + sum(n for r, n in said["rejects"].items() if not r.startswith("target: "))
    held_out.write_text("No.such.theorem\n")
    assert synthesize(tmp_path / "corpus", "--targets", "60", "--held-out", str(held_out)).returncode == 2


@pytest.mark.slow
def test_a_held_out_premise_is_not_used_as_a_lemma(corpus, tmp_path):
    rows = table(corpus[0], "variants")
    lemma = rows[0]["lemma"]
    held_out = tmp_path / "held_out.txt"
    held_out.write_text(f"{lemma}\n")
    work_of(corpus[0], tmp_path / "corpus")
    said = summary(synthesize(tmp_path / "corpus", "--targets", "60", "--held-out", str(held_out), "--held-out-premises"))
    assert said["rejects"]["select: held-out premise"] > 0
    assert not any(lemma in (row["lemma"], row["target"]) for row in table(tmp_path / "corpus", "variants"))
    assert synthesize(tmp_path / "other", "--held-out-premises").returncode == 2


@pytest.mark.slow
def test_a_chain_of_variants_names_its_parents_and_reads_back(lean, tmp_path):
    said = summary(synthesize(tmp_path / "c", "--target", "Nat.succ_le_of_lt", "--depth", "2", "--target-cap", "12", "--workers", "1"))
    assert said["checked"] == said["valid"] > 0
    rows = table(tmp_path / "c", "variants")
    deep = [row for row in rows if row["depth"] == 2]
    assert deep and all(len(row["parents"]) == 1 and "have step₁ " in row["proof"] for row in deep)
    assert all(row["target"] == "Nat.succ_le_of_lt" for row in rows) and all(not row["parents"] for row in rows if row["depth"] == 1)
    assert said["candidates"] == said["variants"] + sum(n for r, n in said["rejects"].items() if not r.startswith("target: "))


@pytest.mark.slow
def test_a_rule_that_is_switched_off_rejects_nothing(corpus, tmp_path):
    assert corpus[1]["rejects"]["quality: near duplicate"] > 0
    said = summary(synthesize(tmp_path / "c", "--target", "Nat.succ_le_of_lt", "--without", "near duplicate", "--workers", "1"))
    assert "quality: near duplicate" not in said["rejects"]
    wrong = synthesize(tmp_path / "d", "--without", "tautologie")
    assert wrong.returncode == 2 and "there is no rule" in wrong.stderr and "tautology" in wrong.stderr


def test_mutate_prints_the_variants_of_one_theorem(corpus):
    done = alchemy("mutate", "Nat.le_antisymm", "--library", LIBRARY, "--json")
    said = summary(done)
    assert said["statement"] == "{n m : Nat} (h₁ : n ≤ m) (h₂ : m ≤ n) : n = m"
    assert len(said["variants"]) > 5 and all(v["target"] == "Nat.le_antisymm" for v in said["variants"])
    shown = alchemy("mutate", "Nat.le_antisymm", "--library", LIBRARY, "--limit", "2")
    assert shown.returncode == 0 and "theorem variant_" in shown.stdout and "variants of Nat.le_antisymm, 2 shown" in shown.stdout
    assert said["variants"][0]["theorem"].split(" := ")[0].split()[1] in shown.stdout


@pytest.mark.parametrize(("arguments", "status", "says"), [
    (["mutate", "Nat.le_antisym", "--library", LIBRARY], 2, "did you mean Nat.le_antisymm"),
    (["mutate", "Nat.le_antisymm", "--library", "Nowhere"], 2, "Nowhere"),
    (["mutate", "Nat.le_antisymm", "--library", "missing.lean"], 2, "missing.lean"),
    (["mutate", "Nat.le_antisymm", "--kinds", "rw,simp"], 2, "no kind simp"),
    (["synthesize", "{tmp}/c", "--library", "Mathlib"], 2, "Mathlib"),
    (["synthesize", "{tmp}/c", "--library", LIBRARY, "--target", "Nat.nothing"], 2, "no theorem Nat.nothing"),
    (["synthesize", "{tmp}/c", "--library", LIBRARY, "--module", "Init.Nothing"], 2, "Init.Nothing"),
    (["synthesize", "{tmp}/c", "--library", LIBRARY, "--target", "and_comm"], 2, "and_comm is not a theorem of Init.Data.Nat.Basic"),
    (["synthesize", "{tmp}/c", "--targets", "²"], 2, "²"),
    (["synthesize", "{tmp}/c", "--targets", "many"], 2, "many"),
    (["synthesize", "{tmp}/c", "--targets", "0"], 2, "0"),
    (["synthesize", "{tmp}/c", "--workers", "0"], 2, "workers"),
    (["synthesize", "{tmp}/c", "--held-out", "{tmp}/nothing"], 2, "nothing"),
    (["synthesize", "/proc/c", "--library", LIBRARY], 2, "/proc"),
    (["verify", "{tmp}/c"], 2, "holds no variants"),
    (["verify", "{tmp}/c", "--sample", "some"], 2, "some"),
    (["grade", "{tmp}/c"], 2, "holds no variants"),
    (["report", "{tmp}/c"], 2, "holds no variants"),
    (["grade", "{tmp}/c", "--sample", "some"], 2, "some"),
    (["nonsense"], 2, "nonsense"),
])
def test_wrong_use_gives_a_message_and_status_2(corpus, tmp_path, arguments, status, says):
    done = alchemy(*(a.replace("{tmp}", str(tmp_path)) for a in arguments))
    assert done.returncode == status, done.stderr
    said = "".join(done.stderr.replace("│", " ").split())  # Rich may break lines anywhere
    assert "".join(says.split()) in said and "Traceback" not in done.stderr
    assert not (tmp_path / "c" / ".work" / "options.json").exists()  # a valid call works afterwards


def test_other_options_on_the_same_folder_are_refused_by_name(corpus):
    done = synthesize(corpus[0], "--targets", "60", "--kinds", "rw")
    assert done.returncode == 2 and "kinds was ['rw', 'apply'], is ['rw']" in done.stderr
    done = synthesize(corpus[0], "--targets", "60", "--seed", "1")
    assert done.returncode == 2 and "seed was 0, is 1" in done.stderr


@pytest.mark.slow
def test_a_truncated_shard_is_made_again(corpus, tmp_path):
    work_of(corpus[0], tmp_path / "corpus")
    shard = next((tmp_path / "corpus" / ".work" / "mutate").iterdir())
    os.truncate(shard / "variants.parquet", 100)
    summary(synthesize(tmp_path / "corpus", "--targets", "60"))
    assert same(corpus[0], tmp_path / "corpus")


MINE = """prelude
import Init.Data.Nat.Basic
namespace Mine
/-- Addition. -/
theorem add (a b : Nat) (h : a ≤ b) : a + 1 ≤ b + 1 := Nat.add_le_add_right h 1

@[simp]
theorem zero (n : Nat) : n + 0 = n := rfl

theorem wrong (n : Nat) : n + 1 = n := rfl
theorem sorried (n : Nat) : n + 2 = n := sorry
end Mine
"""


def test_a_users_file(lean, tmp_path):
    """Its theorems are the targets, and Lean's theorems are lemmas, too. Errors are reported, and their theorems skipped."""
    here = TESTS
    mine = tmp_path / "Mine.lean"
    mine.write_text(MINE)
    out = tmp_path / "corpus"
    done = alchemy("synthesize", str(out), "--library", "Mine.lean", "--verify", "1", "--workers", "1", "--json", cwd=tmp_path)
    summary(done)
    assert f"skipped: {mine}:10: " in done.stderr
    assert summary(alchemy("verify", str(out), "--sample", "5", "--workers", "1", "--json", cwd=here))["valid"] == 5
    rows = table(out, "variants")
    assert {row["target"] for row in rows} == {"Mine.add", "Mine.zero"}
    assert {row["library"] for row in rows} == {row["module"] for row in rows} == {"Mine.lean"}
    theorems = {row["name"]: row for row in table(out, "theorems")}
    assert theorems["Mine.add"]["docstring"] == "Addition." and theorems["Mine.add"]["position"] == 5
    assert theorems["Mine.zero"]["tags"] == ["simp"] and "Mine.wrong" not in theorems and "Mine.sorried" not in theorems
    assert theorems["Nat.add_comm"]["library"] == "Init" and theorems["Nat.add_comm"]["position"] is None


@pytest.mark.slow
def test_a_file_without_theorems_is_an_error(lean, tmp_path):
    empty = tmp_path / "Wrong.lean"
    empty.write_text("prelude\nimport Init.Core\ntheorem wrong : 1 = 2 := rfl\n")
    done = alchemy("synthesize", str(tmp_path / "c"), "--library", str(empty))
    assert done.returncode in (1, 2) and "Wrong.lean:3" in done.stderr and "Traceback" not in done.stderr


def test_doctor_reports_what_is_installed(lean, monkeypatch):
    without_package(monkeypatch, "matplotlib")
    done = alchemy("doctor", "--json")
    said = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0 and said["embedded_lean"]["ok"] and "4.28.0" in said["embedded_lean"]["found"]
    assert {"python", "native_lean", "ray", "torch", "disk", "memory"} <= set(said)
    assert said["extra_hub"]["ok"] and not said["extra_report"]["ok"]
    assert said["extra_report"]["advice"] == "pip install 'lean-alchemy[report]'" and said["extra_report"]["advice"] in done.stderr
    done = program("doctor", "--json", env={**os.environ, "ALCHEMY_HOME": "/nonexistent/home"})
    assert done.returncode == 1 and "alchemy setup" in json.loads(done.stdout.splitlines()[-1])["embedded_lean"]["advice"]


def test_keys_are_made_from_the_terms(corpus):
    (folder,) = (corpus[0] / ".work" / "extract").iterdir()
    catalogue = Catalogue(folder, [LIBRARY])
    assert all(entry.statement_key == statement_key(entry.term) for entry in catalogue.theorems if entry.term)
