"""False statements, each with a readable theorem of its negation that a fresh engine accepts."""

import json
from pathlib import Path

import golden
import msgspec
import pytest
from commands import LIBRARY, summary, synthesize, table, work_of

from lean_alchemy.lean_workspace.protocol import Change, Refusal, Refutation
from lean_alchemy.mutation import terms
from lean_alchemy.mutation.false_statements import FALSE_RULES, WrongWay
from lean_alchemy.mutation.policy.rules import NewStatement, first_objection
from lean_alchemy.mutation.search.candidates import Key
from lean_alchemy.mutation.search.classes import Classes
from lean_alchemy.pipelines.corpus.mutate import shards_of
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.corpus.refute import REFUTE, Refuter, RefuteTally
from lean_alchemy.pipelines.data.schema import Refuted
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.manifest import UsageError, manifest_at


def refute(engine, target: str, kind: str, lemma: str | None = None, at: str = "conclusion", occurrence: int = 0) -> Refutation | Refusal:
    """The negation of one changed statement, proved under the name `v`, or the reason why not."""
    prepared = engine.workspace.target(engine.number(target))
    site = next(s.site for s in prepared.sites if s.name == at)
    ((_, outcome),) = prepared.refute([Change(kind, site, engine.number(lemma) if lemma else None, occurrence, "v")])
    return outcome


@pytest.mark.parametrize(("target", "change", "statement", "counterexample", "theorem"), [
    pytest.param(
        "Nat.mul_pos", {"kind": "apply", "lemma": "Nat.le_of_lt", "at": "hn", "occurrence": 1},
        "{n m : Nat} (hn : 0 ≤ n) (hm : 0 < m) : 0 < n * m", "n := 0, m := 1",
        "theorem v : ¬∀ {n m : Nat}, 0 ≤ n → 0 < m → 0 < n * m := by\n"
        "  intro h\n  exact absurd (h (n := 0) (m := 1) (by decide) (by decide)) (by decide)",
        id="a lemma used forward at a hypothesis"),
    pytest.param(
        "Small.lt_three", {"kind": "apply", "lemma": "Nat.lt_of_succ_lt"},
        "{a b : Nat} (h : a < b) (k : b < 3) : (a + 1).succ < 3", "a := 1, b := 2",
        "theorem v : ¬∀ {a b : Nat}, a < b → b < 3 → (a + 1).succ < 3 := by\n"
        "  intro h\n  exact absurd (h (a := 1) (b := 2) (by decide) (by decide)) (by decide)",
        id="a lemma used backward at the conclusion"),
    pytest.param(
        "Small.lt_three", {"kind": "drop", "at": "k"},
        "{a b : Nat} (h : a < b) : a + 1 < 3", "a := 2, b := 3",
        "theorem v : ¬∀ {a b : Nat}, a < b → a + 1 < 3 := by\n"
        "  intro h\n  exact absurd (h (a := 2) (b := 3) (by decide)) (by decide)",
        id="a hypothesis dropped"),
    pytest.param(
        "Nat.add_sub_cancel", {"kind": "exchange", "occurrence": 1},
        "(n m : Nat) : n + m - m = m", "n := 0, m := 1",
        "theorem v : ¬∀ (n m : Nat), n + m - m = m := by\n  intro h\n  exact absurd (h 0 1) (by decide)",
        id="two variables exchanged"),
    pytest.param(
        "Small.numeral", {"kind": "numeral", "occurrence": 1},
        "(n : Nat) (h : n + 2 = 5) : n = 4", "n := 3",
        "theorem v : ¬∀ (n : Nat), n + 2 = 5 → n = 4 := by\n  intro h\n  exact absurd (h 3 (by decide)) (by decide)",
        id="a larger numeral"),
    pytest.param(
        "List.reverse_append", {"kind": "exchange", "occurrence": 1},
        "{α : Type} {as bs : List α} : (as ++ bs).reverse = as.reverse ++ bs.reverse", "α := Nat, as := [0], bs := [1]",
        "theorem v : ¬∀ {α : Type} {as bs : List α}, (as ++ bs).reverse = as.reverse ++ bs.reverse := by\n"
        "  intro h\n  exact absurd (h (α := Nat) (as := [0]) (bs := [1])) (by decide)",
        id="a type is chosen, and the universe is the least"),
    pytest.param(
        "Array.reverse_append", {"kind": "exchange", "occurrence": 1},
        "{α : Type} {xs ys : Array α} : (xs ++ ys).reverse = xs.reverse ++ ys.reverse", "α := Nat, xs := #[0], ys := #[1]",
        "theorem v : ¬∀ {α : Type} {xs ys : Array α}, (xs ++ ys).reverse = xs.reverse ++ ys.reverse := by\n"
        "  intro h\n  exact absurd (h (α := Nat) (xs := #[0]) (ys := #[1])) (by simp)",
        id="simp where evaluation gets stuck"),
    pytest.param(
        "iff_false_left", {"kind": "drop", "at": "ha"},
        "{a b : Prop} : (a ↔ b) ↔ ¬b", "a := True, b := True",
        "theorem v : ¬∀ {a b : Prop}, (a ↔ b) ↔ ¬b := by\n  intro h\n  exact absurd (h (a := True) (b := True)) (by decide)",
        id="propositions"),
    pytest.param(
        "Int.sub_nonneg_of_le", {"kind": "drop", "at": "h"},
        "{a b : Int} : 0 ≤ a - b", "a := 0, b := 1",
        "theorem v : ¬∀ {a b : Int}, 0 ≤ a - b := by\n  intro h\n  exact absurd (h (a := 0) (b := 1)) (by decide)",
        id="integers"),
])
def test_a_false_statement(engine, target, change, statement, counterexample, theorem):
    made = refute(engine, target, **change)
    assert isinstance(made, Refutation), made
    assert (made.statement, made.counterexample, made.theorem) == (statement, counterexample, theorem)
    assert made.theorem.endswith(f" := {made.proof}")
    fresh = engine.workspace.check(made.theorem)
    assert fresh.refused is None and fresh.term == made.negation


@pytest.mark.parametrize(("target", "change"), [
    pytest.param("Nat.lt_irrefl", {"kind": "apply", "lemma": "Nat.not_lt_of_ge"}, id="n ≤ n for ¬n < n"),
    pytest.param("Nat.add_sub_cancel_left", {"kind": "numeral", "occurrence": 1}, id="there is no numeral"),
    pytest.param("Nat.add_comm", {"kind": "exchange", "occurrence": 1}, id="a + b = a + b"),
    pytest.param("Int.neg_add", {"kind": "exchange", "occurrence": 1}, id="-(a + b) = -b + -a"),
    pytest.param("Small.bare", {"kind": "apply", "lemma": "Nat.le_of_lt", "at": "h", "occurrence": 1}, id="h : 2 ≤ 1 is false, too"),
])
def test_a_changed_statement_that_is_true_is_not_refuted(engine, target, change):
    made = refute(engine, target, **change)
    assert isinstance(made, Refusal) and made.stage in ("search", "change"), made


def test_a_hypothesis_is_not_weakened_by_a_lemma_that_asks_for_more(engine):
    """`n ≤ m` and `m ≤ n` give `n = m`, which `n ≤ m` alone does not."""
    made = refute(engine, "Nat.sub_le_sub_left", "apply", "Nat.le_antisymm", at="h", occurrence=1)
    assert made == Refusal("change", "side goals")


def test_the_negation_of_a_true_statement_is_refused(engine):
    """The check of the text decides, not the search: a wrong proof of a negation is rejected."""
    text = "theorem v : ¬∀ (a b : Nat), a + b = b + a := by\n  intro h\n  exact absurd (h 0 1) (by {})"
    assert engine.refused(text.format("decide")) == "proof"
    assert engine.refused(text.format("simp")) == "proof"
    assert engine.refused(text.format("sorry")) == "sorry"


def test_the_places_of_a_target(engine):
    prepared = engine.workspace.target(engine.number("Small.lt_three"))
    assert [(p.kind, p.site, p.occurrence) for p in prepared.places()] == [
        ("drop", 3, 0), ("drop", 4, 0), ("numeral", 0, 1), ("numeral", 0, 2)]


def test_lemmas_are_found_in_the_wrong_direction(engine):
    """Lemmas that fit every equation of a type are not used."""
    names = ("Nat.le_of_lt", "Nat.lt_of_succ_lt", "Nat.le_antisymm")
    numbers = {name: engine.number(name) for name in names}
    keys = [Key(*row) for number in numbers.values() for row in engine.workspace.keys(number, 1).rows]
    wrong_way = WrongWay(keys, set(numbers.values()), classes=Classes(engine.workspace.instances()))

    def found(target):
        prepared = engine.workspace.target(engine.number(target))
        sites = {s.site: s.name for s in prepared.sites}
        by_number = {number: name for name, number in numbers.items()}
        return {(sites[site], by_number[rule]) for site, rule, _ in wrong_way.places(engine.number(target), prepared.sites)}

    assert found("Small.lt_three") == {
        ("conclusion", "Nat.lt_of_succ_lt"), ("conclusion", "Nat.le_of_lt"),  # `a + 1 < 3` is `a + 2 ≤ 3`
        ("h", "Nat.le_of_lt"), ("k", "Nat.le_of_lt")}  # `a < b` is `a + 1 ≤ b`, and no `n + 2 ≤ m`
    assert found("Nat.add_comm") == set()


@pytest.mark.parametrize(("target", "change", "reason"), [
    ("Nat.div_eq_iff_eq_mul_left", {"kind": "apply", "lemma": "Nat.mod_eq_of_lt", "at": "H", "occurrence": 1}, "speaks of something else"),
    ("Nat.div_eq_iff_eq_mul_left", {"kind": "apply", "lemma": "Nat.le_of_lt", "at": "H", "occurrence": 1}, None),
    ("ByteArray.size_empty", {"kind": "numeral", "occurrence": 1}, "closed"),
])
def test_which_false_statements_are_kept(engine, target, change, reason):
    made = refute(engine, target, **change)
    (row,) = engine.workspace.theorems(engine.number(target), 1)
    rule = first_objection(NewStatement(terms.parse(made.term), terms.parse(row.term)), FALSE_RULES)
    assert (rule.name if rule else None) == reason


# --- the whole command ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def refuted(corpus, tmp_path_factory) -> tuple[Path, dict]:
    """The first targets of the session's corpus with their false statements. Their variants are reused."""
    out = tmp_path_factory.mktemp("refute") / "corpus"
    work_of(corpus[0], out)
    return out, summary(synthesize(out, "--targets", "20", "--workers", "1", "--refute"))


def test_refute_results_match_the_golden_ones(refuted):
    """On the twenty targets, without the columns of versions and times."""
    golden.check(REFUTE, table(refuted[0], "refuted", "toolchain"))


def test_the_table_of_false_statements(refuted):
    out, said = refuted
    rows = table(out, "refuted")
    assert len(rows) == said["refuted"] > 10 and said["checked"] == said["valid"] > 20  # of both tables
    assert {row["change"] for row in rows} >= {"dropped hypothesis", "exchanged variables", "weaker hypothesis"}
    assert all((row["lemma"] is None) == (row["kind"] != "apply") == (row["direction"] is None) for row in rows)
    for column in ("refuted_id", "statement_key", "theorem"):
        assert len({row[column] for row in rows}) == len(rows)
    counts = json.loads((out / "manifest.json").read_text())["counts"]
    assert (counts["refuted"], counts["changed"]) == (said["refuted"], said["changed"])


def test_no_row_states_a_theorem_or_a_variant(refuted):
    true = {row["statement_key"] for name in ("variants", "theorems") for row in table(refuted[0], name)}
    assert not {row["statement_key"] for row in table(refuted[0], "refuted")} & true


def test_refuted_and_rejected_add_up_to_the_changed_statements(refuted):
    out, said = refuted
    rejects = table(out, "rejects")
    assert said["changed"] == said["refuted"] + sum(row["n"] for row in rejects if row["stage"] == "refute")
    assert said["candidates"] == said["variants"] + sum(row["n"] for row in rejects if row["stage"] not in ("target", "refute"))
    assert sum(said["rejects"].values()) == sum(row["n"] for row in rejects)


def test_another_worker_finds_the_same_in_another_order(refuted):
    out = refuted[0]
    job = Job(out, msgspec.json.decode(manifest_at(out).options, type=Options))
    refuter, tally = Refuter(job), RefuteTally()
    written = table(out, "refuted")
    targets = sorted({row["target"] for row in written})[:6]
    found = [row for name in reversed(targets) for row in refuter.refuted_of(name, tally) if isinstance(row, Refuted)]
    refuter.close()
    rows = {row["refuted_id"]: row for row in written if row["target"] in targets}
    again = {row.refuted_id: {k: v for k, v in msgspec.structs.asdict(row).items() if k != "elapsed_ms"} for row in found}
    assert rows and rows.items() <= again.items()
    assert {row["statement_key"] for row in again.values()} <= {row["statement_key"] for row in written}


def test_the_table_can_be_added_to_a_corpus_but_not_removed(tmp_path):
    options = Options(library=[LIBRARY], targets=24, kinds=["rw"])
    more = msgspec.structs.replace(options, refute=True)
    with Job(tmp_path, options).begin():
        Job(tmp_path, options).accept()
    with Job(tmp_path, more).begin():
        Job(tmp_path, more).accept()
    assert [shard.key for shard in shards_of(Job(tmp_path, options), ["Nat.add_comm"])] == [
        shard.key for shard in shards_of(Job(tmp_path, more), ["Nat.add_comm"])]
    with pytest.raises(UsageError, match="refute was True, is False"), Job(tmp_path, options).begin():
        pass
