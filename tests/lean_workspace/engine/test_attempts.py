"""Each kind of mutation at each site, with the expected statement."""

import pytest

from lean_alchemy.lean_workspace.protocol import Candidate, Refusal, Written
from lean_alchemy.lean_workspace.workspace import Draft, Useless


@pytest.mark.parametrize(("target", "kind", "lemma", "where", "statement", "proof"), [
    pytest.param(
        "Nat.mul_pos", "rw", "Nat.pos_iff_ne_zero", {},
        "{n m : Nat} (hn : 0 < n) (hm : 0 < m) : n * m ≠ 0",
        ["have h := Nat.mul_pos hn hm", "rw [Nat.pos_iff_ne_zero] at h", "exact h"],
        id="rw at the conclusion"),
    pytest.param(
        "Small.unnamed", "rw", "Nat.not_le", {"backward": True},
        "{a b : Nat} (h : a < b) (h₁ : b < 3) : ¬3 ≤ a + 1",
        ["have h₂ := Small.unnamed h h₁", "rw [← Nat.not_le] at h₂", "exact h₂"],
        id="rw backward at the conclusion, hypotheses without names"),
    pytest.param(
        "Small.numeral", "rw", "Nat.add_comm", {"at": "h"},
        "(n : Nat) (h : 2 + n = 5) : n = 3",
        ["exact Small.numeral n (by rw [Nat.add_comm]; exact h)"],
        id="rw at a hypothesis, numerals"),
    pytest.param(
        "Small.lt_three", "rw", "Nat.succ_le_iff", {"at": "h", "backward": True},
        "{a b : Nat} (h : a.succ ≤ b) (k : b < 3) : a + 1 < 3",
        ["exact Small.lt_three (by rw [← Nat.succ_le_iff]; exact h) k"],
        id="rw backward at a hypothesis"),
    pytest.param(
        "Small.lt_three", "apply", "Nat.lt_of_succ_lt", {"at": "h", "backward": True},
        "{a b : Nat} (h : a.succ < b) (k : b < 3) : a + 1 < 3",
        ["exact Small.lt_three (by apply Nat.lt_of_succ_lt <;> assumption) k"],
        id="apply at a hypothesis"),
    pytest.param(
        "Small.lt_three", "apply", "Nat.lt_of_le_of_ne", {"at": "k", "backward": True},
        "{a b : Nat} (h : a < b) (h₁ : b ≤ 3) (h₂ : ¬b = 3) : a + 1 < 3",
        ["exact Small.lt_three h (by apply Nat.lt_of_le_of_ne <;> assumption)"],
        id="apply at a hypothesis, two antecedents"),
    pytest.param(
        "Small.lt_three", "apply", "Nat.le_of_lt", {"occurrence": 1},
        "{a b : Nat} (h : a < b) (k : b < 3) : a + 1 ≤ 3",
        ["have h₁ := Small.lt_three h k", "exact Nat.le_of_lt h₁"],
        id="apply forward at the conclusion"),
    pytest.param(
        "Small.lt_three", "apply", "Nat.add_lt_add", {"occurrence": 2},
        "{a b : Nat} (h : a < b) (k : b < 3) {a₁ b₁ : Nat} (h₁ : a₁ < b₁) : a₁ + (a + 1) < b₁ + 3",
        ["have h₂ := Small.lt_three h k", "exact Nat.add_lt_add h₁ h₂"],
        id="apply forward, two new variables and a new hypothesis"),
    pytest.param(
        "Small.lt_three", "apply", "Nat.lt_of_lt_of_le", {"occurrence": 1},
        "{a b : Nat} (h : a < b) (k : b < 3) {k₁ : Nat} (h₁ : 3 ≤ k₁) : a + 1 < k₁",
        ["have h₂ := Small.lt_three h k", "exact Nat.lt_of_lt_of_le h₂ h₁"],
        id="apply forward at the first antecedent, a new variable above"),
    pytest.param(
        "Small.lt_three", "apply", "Nat.lt_of_lt_of_le", {"at": "h", "backward": True},
        "{a b m : Nat} (h : a < m) (h₁ : m ≤ b) (k : b < 3) : a + 1 < 3",
        ["exact Small.lt_three (Nat.lt_of_lt_of_le h h₁) k"],
        id="apply at a hypothesis, a new variable between"),
    pytest.param(
        "Small.subtraction", "rw", "Nat.add_sub_cancel'", {},
        "(a b : Nat) (h : a + (b - a) = 3) (h₁ : a ≤ b) : 3 = b",
        ["have h₂ := Small.subtraction a b h", "rw [Nat.add_sub_cancel'] at h₂", "exact h₂", "all_goals assumption"],
        id="rw at the conclusion, a side condition becomes a hypothesis"),
    pytest.param(
        "Small.subtraction", "rw", "Nat.add_sub_cancel'", {"at": "h"},
        "(a b : Nat) (h₁ : a ≤ b) (h : b = 3) : 3 = a + (b - a)",
        ["exact Small.subtraction a b (by rw [Nat.add_sub_cancel'] <;> assumption)"],
        id="rw at a hypothesis, a side condition becomes a hypothesis"),
    pytest.param(
        "Small.lt_three", "rw", "Nat.div_lt_one_iff", {"at": "h", "backward": True},
        "{a b : Nat} (hb : 0 < b) (h : a / b < 1) (k : b < 3) : a + 1 < 3",
        ["exact Small.lt_three (by rw [← Nat.div_lt_one_iff] <;> assumption) k"],
        id="rw backward at a hypothesis, the side condition keeps the lemma's name for it"),
    pytest.param(
        "Nat.add_left_comm", "rw", "Nat.add_comm", {"occurrence": 2},
        "(n m k : Nat) : n + (k + m) = m + (n + k)",
        ["have h := Nat.add_left_comm n m k", "rw [Nat.add_comm m k] at h", "exact h"],
        id="rw at the second instance, arguments given"),
    pytest.param(
        "Nat.eq_of_mul_eq_mul_left", "rw", "Nat.mul_comm", {"at": "h", "occurrence": 2},
        "{m k n : Nat} (hn : 0 < n) (h : n * m = k * n) : m = k",
        ["exact Nat.eq_of_mul_eq_mul_left hn (by rw [Nat.mul_comm n k]; exact h)"],
        id="rw at the second instance in a hypothesis"),
    pytest.param(
        "Nat.le_total", "rw", "Nat.not_lt", {"backward": True, "occurrence": 2},
        "(m n : Nat) : m ≤ n ∨ ¬m < n",
        ["have h := Nat.le_total m n", "rw [← Nat.not_lt (a := m) (b := n)] at h", "exact h"],
        id="rw at the second instance, implicit arguments given by name"),
    pytest.param(
        "Nat.mod_le", "rw", "Nat.add_mul_mod_self_left", {"backward": True},
        "(x y z : Nat) : (x + y * z) % y ≤ x",
        ["have h := Nat.mod_le x y", "rw [← Nat.add_mul_mod_self_left (z := z)] at h", "exact h"],
        id="rw backward at the conclusion, a variable of the lemma becomes a variable"),
    pytest.param(
        "Nat.mod_le", "rw", "Nat.mod_mod_of_dvd", {"backward": True},
        "(x y : Nat) {b : Nat} (h : y ∣ b) : x % b % y ≤ x",
        ["have h₁ := Nat.mod_le x y", "rw [← Nat.mod_mod_of_dvd (b := b)] at h₁", "exact h₁", "all_goals assumption"],
        id="rw backward, a new variable with its side condition"),
    pytest.param(
        "Small.lt_three", "rw", "Nat.add_lt_add_iff_left", {"at": "h", "backward": True},
        "{a b k₁ : Nat} (h : k₁ + a < k₁ + b) (k : b < 3) : a + 1 < 3",
        ["exact Small.lt_three (by rw [← Nat.add_lt_add_iff_left (k := k₁)]; exact h) k"],
        id="rw backward at a hypothesis, a new variable that is renamed"),
    pytest.param(
        "Nat.le_total", "rw", "Nat.add_le_add_iff_right", {"backward": True, "occurrence": 2},
        "(m n n₁ : Nat) : m ≤ n ∨ n + n₁ ≤ m + n₁",
        ["have h := Nat.le_total m n", "rw [← Nat.add_le_add_iff_right (m := n) (k := m) (n := n₁)] at h", "exact h"],
        id="rw at the second instance, a new variable"),
    pytest.param(
        "Fin.val_cast", "rw", "Fin.val_castAdd", {"backward": True, "occurrence": 2},
        "{n m : Nat} (h : n = m) (i : Fin n) (m₁ : Nat) : (↑(Fin.cast h i) : Nat) = ↑(Fin.castAdd m₁ i)",
        ["have h₁ := Fin.val_cast h i", "rw [← Fin.val_castAdd (n := n) m₁ i] at h₁", "exact h₁"],
        id="rw at the second instance, a new variable among explicit arguments"),
    pytest.param(
        "Small.dependent", "rw", "Nat.add_comm", {},
        "{xs : Array Nat} (i : Nat) (h : i < xs.size) (e : xs[i] = 0) : 0 + xs[i] = 0",
        ["have h₁ := Small.dependent i h e", "rw [Nat.add_comm] at h₁", "exact h₁"],
        id="hypotheses that depend on each other"),
    pytest.param(
        "UInt8.toNat_lt", "apply", "Nat.lt_of_le_of_lt", {"occurrence": 1},
        "(n : UInt8) {k : Nat} (h₂ : 2 ^ 8 < k) : n.toNat + 1 < k",
        ["have h := UInt8.toNat_lt n", "exact Nat.lt_of_le_of_lt h h₂"],
        id="apply unfolds <, and the statement is written in the usual form"),
    pytest.param(
        "Small.universes", "rw", "List.length_eq_countP_add_countP", {},
        "{α : Type u} {β : Type v} (f : α → β) (xs : List α) (p : β → Bool) : "
        "List.countP p (List.map f xs) + List.countP (fun a => decide ¬p a = true) (List.map f xs) = xs.length",
        ["have h := Small.universes f xs", "rw [List.length_eq_countP_add_countP (p := p)] at h", "exact h"],
        id="rw at the conclusion, a new predicate"),
    pytest.param(
        "Nat.mod_le", "apply", "List.take_prefix_take_left", {"occurrence": 1},
        "(x y : Nat) {α : Type u_1} (l : List α) : List.take (x % y) l <+: List.take x l",
        ["have h := Nat.mod_le x y", "exact List.take_prefix_take_left h"],
        id="apply forward, a new type and its universe"),
    pytest.param(
        "List.length_attach", "rw", "List.length_map", {"backward": True},
        "{α : Type u_1} {l : List α} {β : Type u_2} (f : { x // x ∈ l } → β) : (List.map f l.attach).length = l.length",
        ["have h := List.length_attach (l := l)", "rw [← List.length_map (f := f)] at h", "exact h"],
        id="rw backward, a function into a new type"),
    pytest.param(
        "List.map_map", "rw", "List.map_eq_foldr", {},
        "{β : Type u_1} {γ : Type u_2} {α : Type u_3} {g : β → γ} {f : α → β} {l : List α} : "
        "List.foldr (fun a bs => g a :: bs) [] (List.map f l) = List.map (g ∘ f) l",
        ["have h := @List.map_map β γ α g f l", "rw [List.map_eq_foldr] at h", "exact h"],
        id="universe levels and implicit arguments"),
    pytest.param(
        "Small.instances", "rw", "beq_eq_false_iff_ne", {"at": "h"},
        None, None,
        id="refused where nothing fits"),
    pytest.param(
        "Small.instances", "rw", "Bool.not_eq_false'", {"at": "h", "backward": True},
        "{α : Type u} [BEq α] [LawfulBEq α] (a b : α) (h : (!a == b) = false) : a = b",
        ["exact Small.instances a b (by rw [← Bool.not_eq_false']; exact h)"],
        id="instances"),
    pytest.param(
        "Nat.succ_eq_add_one", "rw", "«odd names».«a b»", {},
        "(n : Nat) : n.succ = 1 + n",
        ["have h := Nat.succ_eq_add_one n", "rw [«odd names».«a b»] at h", "exact h"],
        id="a lemma whose name needs « »"),
    pytest.param(
        "end", "rw", "Nat.add_comm", {},
        "(«from» : Nat) : 0 + «from» = «from»",
        ["have h := «end» «from»", "rw [Nat.add_comm] at h", "exact h"],
        id="a target and a variable whose names are keywords"),
    pytest.param(
        "Small.lt_three", "apply", "Small.bare", {"at": "h", "backward": True},
        "{a b : Nat} (h : 2 < 1) (k : b < 3) : a + 1 < 3",
        ["exact Small.lt_three (by apply Small.bare <;> assumption) k"],
        id="a lemma whose conclusion is a variable"),
    pytest.param(
        "Vector.mapIdx_eq_mapFinIdx", "rw", "Vector.mapIdx_eq_iff", {},
        "{α : Type u_1} {n : Nat} {β : Type u_2} {xs : Vector α n} {f : Nat → α → β} (i : Nat) (h : i < n) : "
        "f i xs[i] = (xs.mapFinIdx fun i a x => f i a)[i]",
        ["have h₁ := Vector.mapIdx_eq_mapFinIdx (xs := xs) (f := f)", "rw [Vector.mapIdx_eq_iff] at h₁", "exact h₁ i h"],
        id="a conclusion that begins with binders"),
])
def test_a_mutation(engine, target, kind, lemma, where, statement, proof):
    made = engine.mutate(target, kind, lemma, **where)
    if statement is None:
        assert isinstance(made, Useless), made
        return
    assert isinstance(made, Written), made
    assert made.statement == statement
    assert made.proof == "by\n  " + "\n  ".join(proof)
    assert made.theorem.endswith(f" {made.statement} := {made.proof}")
    assert engine.refused(made.theorem) is None


def test_instances_stay_unnamed_and_universes_stand_after_the_name(engine):
    made = engine.mutate("Small.instances", "apply", "Eq.symm", occurrence=1)
    assert made.theorem.startswith("theorem v.{u} {α : Type u} [BEq α] [LawfulBEq α] (a b : α) (h : (a == b) = true) :")


def test_an_attempt_that_lean_refuses_says_so(engine):
    assert engine.mutate("Small.lt_three", "rw", "List.map_map") == Useless("refused")


def test_side_conditions_are_counted(engine):
    """`Nat.add_sub_cancel' : m ≤ n → m + (n - m) = n` has the condition `m ≤ n`; `Nat.add_comm` has none."""
    _, asking = engine.draft("Small.subtraction", "rw", "Nat.add_sub_cancel'")
    _, free = engine.draft("Small.subtraction", "rw", "Nat.add_comm")
    assert (asking.conditions, free.conditions) == (1, 0)


def test_a_draft_says_whether_it_introduces_variables(engine):
    _, more = engine.draft("Nat.mod_le", "rw", "Nat.add_mul_mod_self_left", backward=True)
    _, same = engine.draft("Nat.mod_le", "rw", "Nat.mod_mod", backward=True)
    assert more.introduces and not same.introduces


def test_the_first_instance_is_what_rw_finds_without_arguments(engine):
    first, none = (engine.mutate("Nat.add_left_comm", "rw", "Nat.add_comm", occurrence=n) for n in (1, 0))
    assert first.theorem == none.theorem


def test_after_the_last_instance_the_attempt_is_refused(engine):
    """`n + (m + k) = m + (n + k)` has four sums."""
    drafts = [engine.draft("Nat.add_left_comm", "rw", "Nat.add_comm", occurrence=n)[1] for n in range(1, 6)]
    assert len({draft.term for draft in drafts[:4]}) == 4
    assert drafts[4] == Useless("no such occurrence")


def test_a_hypothesis_that_implies_itself_is_unchanged(engine):
    """`n < m` is `n + 1 ≤ m`, which follows from `n < m`: the statement would be that of the target."""
    assert engine.mutate("Small.lt_three", "apply", "Nat.succ_le_of_lt", at="h", backward=True) == Useless("unchanged")


def test_a_statement_that_rfl_proves_is_not_a_draft(engine):
    made = engine.mutate("Small.universes", "rw", "List.length_map")
    assert isinstance(made, Refusal) and made.stage == "proof"


def test_the_verdict_does_not_depend_on_what_came_before(engine):
    """The same candidate first, alone, and after a hundred other candidates."""
    prepared = engine.workspace.target(engine.number("Nat.mul_pos"))
    one = Candidate(0, "rw", engine.number("Nat.mul_comm"), False, 0)
    others = [Candidate(0, "rw", n, b, 0) for n in range(1000, 1050) for b in (False, True)]
    ((_, alone),) = prepared.attempt([one])
    after = dict(prepared.attempt([*others, one]))[one]
    assert alone.term == after.term
    ((_, first),) = prepared.write([(alone, "v")])
    ((_, second),) = prepared.write([(after, "v")])
    assert (first.theorem, first.print_options, first.axioms) == (second.theorem, second.print_options, second.axioms)


def test_the_statement_of_a_second_step_does_not_mention_the_first(engine):
    """`l[0] ∈ l` holds the proof of `0 < l.length`. The target may stand there, but no reader knows the variant before."""
    target, lemma, member = (engine.number(name) for name in ("List.length_pos_of_mem", "List.mem_reverse", "List.getElem_mem"))
    apply = Candidate(0, "apply", member, False, 1)
    prepared = engine.workspace.target(target)
    (site,) = [site.site for site in prepared.sites if site.name == "h"]
    ((_, first),) = prepared.attempt([apply])
    ((_, second),) = engine.workspace.target(target, [Candidate(site, "rw", lemma, True, 0)]).attempt([apply])
    assert isinstance(first, Draft) and second == Useless("metavariables")


def test_an_occurrence_is_one_that_rw_sees(engine):
    """`rw` compares heads first: `a ≥ b` is no instance of `?m ≤ ?n`, although it unfolds to one."""
    _, first = engine.draft("Nat.not_ge_eq", "rw", "Nat.not_lt", backward=True, occurrence=1)
    _, second = engine.draft("Nat.not_ge_eq", "rw", "Nat.not_lt", backward=True, occurrence=2)
    assert isinstance(first, Draft) and second == Useless("no such occurrence")


def test_the_sites_of_a_theorem_are_those_of_the_prepared_target(engine):
    """Asking for them leaves the prepared target as it is: its drafts can still be written."""
    names = ["List.filter_congr", "Nat.sub_add_cancel", "Small.dependent"]
    for name in names:
        assert engine.workspace.sites(engine.number(name)).expanded() == engine.workspace.target(engine.number(name)).sites
    prepared, draft = engine.draft("Nat.sub_add_cancel", "rw", "Nat.add_comm")
    engine.workspace.sites(engine.number(names[0]))
    ((_, written),) = prepared.write([(draft, "v")])
    assert isinstance(written, Written)
