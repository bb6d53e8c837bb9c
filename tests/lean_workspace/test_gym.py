"""The gym: states, steps, proofs that are checked again, and malicious tactics."""

import contextlib
import time

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from lean_alchemy.lean_workspace.gym import Advanced, Closed, Gym, GymStatement, NotOpened, Proved, Refused, State, proves
from lean_alchemy.lean_workspace.process import EngineRefused
from lean_alchemy.lean_workspace.protocol import Message, Request
from lean_alchemy.lean_workspace.workspace import Lost

FALSE = GymStatement("(a b : Nat) : a = b")
COMMUTES = GymStatement("(a b : Nat) : a + b = b + a")
POSITIVE = GymStatement("{n m : Nat} (hn : 0 < n) (hm : 0 < m) : 0 < n * m")


@pytest.fixture(scope="module")
def gym(engine) -> Gym:
    return Gym(engine.workspace)


def after(gym: Gym, statement: GymStatement, *tactics: str) -> State:
    state = gym.start(statement)
    for tactic in tactics:
        outcome = gym.step(state, tactic)
        assert isinstance(outcome, Advanced), outcome
        state = outcome.state
    return state


# --- states ---------------------------------------------------------------------------------------------------------------------


def test_a_goal_reads_as_lean_prints_it(gym):
    assert gym.start(POSITIVE).text == "n m : Nat\nhn : 0 < n\nhm : 0 < m\n⊢ 0 < n * m"
    state = after(gym, GymStatement("{α : Type u} [BEq α] (xs : List α) : xs.length = xs.length + 0", ("u",)), "induction xs")
    assert state.goals == (
        "case nil\nα : Type u\ninst✝ : BEq α\n⊢ [].length = [].length + 0",
        "case cons\nα : Type u\ninst✝ : BEq α\nhead✝ : α\ntail✝ : List α\ntail_ih✝ : tail✝.length = tail✝.length + 0\n"
        "⊢ (head✝ :: tail✝).length = (head✝ :: tail✝).length + 0")


def test_namespaces_that_are_open_in_a_statement(gym):
    start = gym.start(GymStatement("(n : Nat) : succ n = n + 1", opens="Nat"))
    assert isinstance(gym.step(start, "exact succ_eq_add_one n"), Proved)
    both = gym.start(GymStatement("(n : Nat) : succ n = n + 1 ∧ reverse [n] = [n]", opens="Nat\nList (reverse)"))
    assert isinstance(gym.step(both, "exact ⟨rfl, rfl⟩"), Proved)
    for opens in ("Nowhere", "Nat)"):
        with pytest.raises(NotOpened):
            gym.start(GymStatement(": True", opens=opens))
    with pytest.raises(NotOpened):
        gym.start(GymStatement("(n : Nat) : succ n = n + 1"))
    no = gym.start(gym.negation(GymStatement(": succ 0 = 0", opens="Nat")))
    assert isinstance(gym.step(no, "exact succ_ne_zero 0"), Proved)


def test_a_step_that_leaves_a_sorry_is_refused_at_once(gym):
    """The user's macro hides it from the list of forbidden syntax. The other goal is still open."""
    state = after(gym, GymStatement(": 1 = 2 ∧ True"), "constructor")
    refused = gym.step(state, "small_sorry")
    assert isinstance(refused, Refused) and refused.stage == "sorry"


def test_binders_after_the_colon_are_not_introduced(gym):
    assert gym.start(GymStatement("(n : Nat) : ∀ m, n + m = m + n")).text == "n : Nat\n⊢ ∀ (m : Nat), n + m = m + n"


def test_a_theorem_of_the_library_starts_with_its_own_names(gym, engine):
    number = engine.number("Nat.lt_of_lt_of_le")
    statement = gym.theorem(number)
    assert statement.text == "{n m k : Nat} (h : n < m) (h₁ : m ≤ k) : n < k"
    assert gym.start(statement).text == "n m k : Nat\nh : n < m\nh₁ : m ≤ k\n⊢ n < k"


@pytest.mark.parametrize(("text", "why"), [
    ("(n : Nat) : n = missing", "missing"), ("(n : Nat : n = n", "expected"), (": True := trivial", "expected end of input"),
    (": True theorem x : True := trivial", "expected end of input"), ("(n : Nat) : n = sorry", "not complete"), ("", "expected"),
    ("(n : Nat) : n", "type expected")])
def test_an_invalid_statement_is_rejected(gym, text, why):
    with pytest.raises(NotOpened) as told:
        gym.start(GymStatement(text))
    assert why in str(told.value)


def test_a_statement_is_refuted_by_a_proof_of_its_negation(gym):
    false = GymStatement("{n : Nat} (h : n < 5) : n < 4")
    negation = gym.negation(false)
    assert negation.text == ": ¬ (∀ {n : Nat} (h : n < 5), n < 4)"
    assert isinstance(gym.step(gym.start(negation), "exact fun h => absurd (@h 4) (by decide)"), Proved)
    assert isinstance(gym.step(gym.start(false), "omega"), Refused)
    assert gym.negation(GymStatement(": 1 = 2")).text == ": ¬ (1 = 2)"
    with pytest.raises(NotOpened):
        gym.negation(GymStatement("(n : Nat) : n = "))


def test_a_statement_must_match_the_named_theorem(gym, engine):
    with pytest.raises(NotOpened, match="another"):
        gym.start(GymStatement("(a b : Nat) : a + b = a + b", (), engine.number("Nat.add_comm")))


# --- parts ----------------------------------------------------------------------------------------------------------------------


def test_independent_goals_are_separate_parts(gym):
    both = after(gym, GymStatement("(p q : Prop) (hp : p) (hq : q) : p ∧ q"), "constructor")
    assert both.independent
    for goal, closer, other in ((0, "exact hp", "exact hq"), (1, "exact hq", "exact hp")):
        part = gym.focus(both, goal)
        assert part.goals == (both.goals[goal],)
        assert isinstance(gym.step(part, closer), Closed)
        assert isinstance(gym.step(part, other), Refused)
    start = gym.start(both.statement)
    assert proves(list(gym.play(start, ["constructor", "· exact hp", "· exact hq"])))


def test_goals_that_share_a_metavariable_are_one_part(gym):
    shared = after(gym, GymStatement(": ∃ n : Nat, 3 < n"), "refine ⟨?_, ?w⟩")
    assert len(shared.goals) == 2 and not shared.independent
    assert after(gym, COMMUTES, "induction a").independent


def test_closing_a_part_is_not_a_proof_of_the_whole(gym):
    """A part has no proof text, and a `sorry` does not close it."""
    part = gym.focus(after(gym, GymStatement("(p : Prop) (hp : p) : p ∧ False"), "constructor"), 0)
    assert isinstance(gym.step(part, "exact hp"), Closed)
    assert gym.step(part, "sorry").stage == "forbidden"
    with pytest.raises(IndexError):
        gym.focus(part, 1)


# --- steps ----------------------------------------------------------------------------------------------------------------------


def test_a_finished_proof_is_a_theorem(gym, engine):
    state = after(gym, POSITIVE, "rw [Nat.mul_comm]", "apply Nat.mul_pos", "assumption")
    proved = gym.step(state, "exact hn")
    assert isinstance(proved, Proved) and engine.refused(proved.theorem) is None
    assert proved.theorem == (f"theorem alchemy_goal {POSITIVE.text} := by\n"
                              "  rw [Nat.mul_comm]\n  apply Nat.mul_pos\n  assumption\n  exact hn")
    assert [move.tactic for move in proved.moves][-1] == "exact hn" and proved.axioms == ()


def test_a_tactic_of_several_lines_keeps_its_shape(gym):
    proved = gym.step(gym.start(COMMUTES), "induction b with\n| zero => simp\n| succ n ih =>\n  omega")
    assert isinstance(proved, Proved) and "\n  | succ n ih =>\n    omega" in proved.theorem


def test_spaces_around_a_tactic_are_ignored(gym):
    state = after(gym, POSITIVE, "\n  rw [Nat.mul_comm]\n",
                  "   apply Nat.mul_pos  -- a comment", "  first\n    | assumption\n    | skip\n\n")
    assert isinstance(gym.step(state, "  exact hn  "), Proved)


def test_the_axioms_of_a_proof_are_reported(gym):
    """Only axioms that the proof itself uses, because the embedded library has no proofs of its theorems."""
    for statement, tactic, axioms in (
            ("(p q : Prop) (h : p ↔ q) : p = q", "exact propext h", {"propext"}),
            ("(p : Prop) (h : Nonempty Nat) (hp : p) : Nat.pred 1 = 0 ∧ p",
             "exact ⟨congrArg (fun _ => 0) (rfl : Classical.choice h = Classical.choice h), hp⟩", {"Classical.choice"}),
            ("(p : Prop) (h : p) : p", "exact h", set())):
        proved = gym.step(gym.start(GymStatement(statement)), tactic)
        assert isinstance(proved, Proved) and set(proved.axioms) == axioms


def test_a_tactic_sees_all_goals(gym):
    state = after(gym, GymStatement("(p q : Prop) (hp : p) (hq : q) : p ∧ q"), "constructor")
    assert len(state.goals) == 2
    assert isinstance(gym.step(state, "all_goals assumption"), Proved)
    rotated = gym.step(state, "rotate_left")
    assert isinstance(rotated, Advanced) and rotated.state.goals == state.goals[::-1]
    case = gym.step(state, "case right => exact hq")
    assert isinstance(case, Advanced) and case.state.goals == state.goals[:1]


def test_the_premises_of_a_step_are_the_constants_it_names(gym):
    state = gym.start(POSITIVE)
    rewritten = gym.step(state, "rw [Nat.mul_comm, ← Nat.mul_one n]")
    assert isinstance(rewritten, Advanced) and rewritten.premises == ("Nat.mul_comm", "Nat.mul_one")
    assert gym.step(state, "exact Nat.mul_pos hn hm").premises == ("Nat.mul_pos",)


def test_an_unavailable_constant_can_not_be_used_in_any_form(gym):
    guarded = GymStatement(POSITIVE.text, without=("Nat.mul_pos",))
    refused = gym.step(gym.start(guarded), "exact Nat.mul_pos hn hm")
    assert isinstance(refused, Refused) and refused.stage == "leak" and "Nat.mul_pos" in refused.message
    in_auxiliary = "exact (let rec f {n m : Nat} (hn : 0 < n) (hm : 0 < m) : 0 < n * m := Nat.mul_pos hn hm; f hn hm)"
    for tactic in ("exact (have f := @Nat.mul_pos; f hn hm)", in_auxiliary):
        hidden = gym.step(gym.start(guarded), tactic)
        assert isinstance(hidden, Refused) and hidden.stage == "leak", tactic
    assert isinstance(gym.step(gym.start(guarded), "exact Nat.lt_of_lt_of_le hn (Nat.le_mul_of_pos_right n hm)"), Proved)


def test_a_theorem_can_not_prove_itself_in_the_whole_library(gym, engine):
    """Auxiliary declarations that Lean made of it for `simp` can't be used either."""
    state = gym.start(gym.theorem(engine.number("List.map_map")))
    for tactic in ("exact List.map_map", "simp", "simp_all"):
        refused = gym.step(state, tactic)
        assert isinstance(refused, Refused) and refused.stage == "leak" and "List.map_map" in refused.message
    assert isinstance(gym.step(state, "exact List.map_map.symm.symm"), Refused)
    assert isinstance(gym.step(gym.start(gym.theorem(engine.number("Nat.add_zero"))), "rfl"), Proved)


def test_heartbeats_end_a_tactic_and_the_state_can_still_be_used(gym):
    state = gym.start(GymStatement("(a b c d : Nat) (h : a * b < c * d) (k : c * d < a * b + 1) : a * b + 1 = c * d + 7"))
    refused = gym.step(state, "grind", heartbeats=3)
    assert isinstance(refused, Refused) and refused.stage == "budget"
    assert isinstance(gym.step(after(gym, COMMUTES), "omega", heartbeats=500), Proved)
    assert isinstance(gym.step(state, "omega"), Proved)


def test_messages_of_lean_are_reported(gym):
    proved = gym.step(gym.start(GymStatement("{α : Type u} (xs : List α) : (xs ++ []).length = xs.length", ("u",))), "simp?")
    assert isinstance(proved, Proved) and any("simp only [List.append_nil]" in message for message in proved.messages)


def test_hints_describe_the_context_and_name_relevant_theorems(gym):
    state = gym.start(GymStatement(
        "{α : Type u} [BEq α] (xs : List α) (n : Nat) (h : n = 0 ∨ xs = []) : (xs.drop n).reverse = xs.reverse", ("u",)))
    hints = gym.hints(state, premises=8)
    assert [(local.name, local.is_proof, local.type) for local in hints.context] == [
        ("α", False, ""), ("xs", False, "List"), ("n", False, "Nat"), ("h", True, "Or")]
    assert hints.conclusion == "Eq" and {"List.reverse", "List.drop"} & set(hints.definitions)
    assert 0 < len(hints.premises) <= 8 and all("List" in name for name in hints.premises)


# --- before a theorem -----------------------------------------------------------------------------------------------------------


def test_a_theorem_is_not_available_before_it_is_proved(gym, engine):
    state = gym.start(gym.theorem(engine.number("List.map_map"), available=()))
    for tactic in ("exact List.map_map ..", "simp", "grind", "rw [List.map_map]", "apply Small.Again.List.map_map"):
        assert isinstance(gym.step(state, tactic), Refused), tactic
    proved = gym.step(state, "induction l <;> simp_all")
    assert isinstance(proved, Proved) and engine.refused(proved.theorem) is None


def test_earlier_theorems_may_be_used(gym, engine):
    number = engine.number("List.length_reverse")
    use = "have h : List.map id (List.map id as) = List.map (id ∘ id) as := by "
    alone = gym.start(gym.theorem(number, available=()))
    assert "Unknown constant" in gym.step(alone, use + "rw [List.map_map]").message
    assert isinstance(gym.step(alone, use + "simp"), Refused)
    helped = gym.start(gym.theorem(number, available=("List.map_map",)))
    assert isinstance(gym.step(helped, use + "rw [List.map_map]"), Advanced)
    assert isinstance(gym.step(helped, use + "simp only [List.map_map]"), Advanced)


def test_a_theorem_can_not_be_available_to_itself(gym, engine):
    with pytest.raises(NotOpened, match="mentions it"):
        gym.start(gym.theorem(engine.number("List.map_map"), available=("List.map_map",)))


# --- tactics that mean no good --------------------------------------------------------------------------------------------------

OPEN = [
    "sorry", "admit", "stop\nsimp", "exact sorry", "exact (by sorry)", "(intros; exact sorry)", "all_goals sorry", "next => sorry",
    "· sorry", "have h : a = b := sorry", "have h : a = b := by sorry", "first | sorry | skip", "try sorry", "repeat sorry",
    "simp (disch := sorry)", "any_goals sorry", "exact Quot.sound sorry", "exact `(tactic| sorry)"]
NAMES = [
    "exact sorryAx _ false", "exact @sorryAx _ true", "apply sorryAx", "exact _root_.sorryAx _", "exact lcProof",
    "exact (lcProof : a = b)", "exact unsafeCast ()", "exact (unsafeCast rfl : a = b)", "exact lcUnreachable",
    "exact Lean.ofReduceBool _ _ rfl", "exact cast lcProof rfl"]
PROGRAMS = [
    "run_tac Lean.Elab.Tactic.evalTactic (← `(tactic| sorry))", "run_tac do Lean.Elab.admitGoal (← Lean.Elab.Tactic.getMainGoal)",
    "exact by_elab do return Lean.mkConst ``sorryAx", "open Lean Elab Tactic in run_tac admitGoal (← getMainGoal)",
    "exact (unsafe unsafeCast ())"]
LIMITS = [
    "set_option maxHeartbeats 0 in simp", "set_option maxRecDepth 100000000 in simp", "set_option debug.skipKernelTC true in exact rfl",
    "exact (set_option maxHeartbeats 0 in by simp)", "sleep 60000"]
COMPILER = [
    "native_decide", "decide +native", "decide (config := { native := true })", "first | decide +native | skip"]
SEARCHES = [
    "exact?", "apply?", "rw?", "(intros; exact?)", "show_term exact?", "try?", "exact (by apply?)"]
NOT_ONE_TACTIC = [
    "#eval IO.println 1", "initialize pure ()", 'elab "boom" : tactic => pure ()', 'macro "boom" : tactic => `(tactic| sorry)',
    "exact h\n\ntheorem evil : False := sorry", "skip\naxiom evil : False", "skip\nend\nnamespace X",
    "exact rfl theorem evil : 1 = 2 := sorry", "simp\nomega", "simp; omega", "revert a b; decide +native",
    "attribute [simp] Nat.add_comm", "import Lean", "termination_by a", "decreasing_by sorry", "/- unclosed", 'exact "unclosed',
    "exact /- x rfl", "exact (rfl", "exact rfl)", "exact «unclosed", "", "  ", "\0", "let rec f : a = b := f; exact f",
    "local instance : True := trivial"]
TOO_LARGE = [
    "exact " + "(" * 5000 + "rfl" + ")" * 5000, "exact " + "a" * 30000, "exact " + "fun x => " * 3000 + "rfl", "⟨" * 200]
FORBIDDEN = [*OPEN, *NAMES, *PROGRAMS, *LIMITS, *COMPILER, *SEARCHES]


@pytest.fixture
def serving(gym):
    """Checks after each attack that the replies are still correct."""
    yield gym
    assert isinstance(gym.step(gym.start(COMMUTES), "omega"), Proved)
    assert isinstance(gym.step(gym.start(FALSE), "omega"), Refused)


@pytest.mark.parametrize(("tactics", "stage"), [(FORBIDDEN, "forbidden"), (NOT_ONE_TACTIC, "parse"), (TOO_LARGE, "size")],
                         ids=["forbidden", "not one tactic", "too large"])
def test_forbidden_syntax_is_rejected(serving, tactics, stage):
    state = serving.start(FALSE)
    for tactic in tactics:
        refused = serving.step(state, tactic)
        assert isinstance(refused, Refused) and refused.stage == stage, (tactic[:80], refused)
        assert isinstance(serving.step(serving.start(COMMUTES), "omega"), Proved), tactic[:80]


HOSTILE = [
    "small_sorry", "exact small_lie", "exact Small.believed _", "exact undefined", "exact undefined a",
    "exact (let rec f (n : Nat) : a = b := f n; f 0)", "exact alchemy_goal a b", "exact _root_.alchemy_goal a b",
    'exact include_str "/etc/passwd"', 'exact (unsafeIO (IO.FS.readFile "/etc/passwd"))', 'exact (panic "x" : a = b)',
    "exact unreachable!", "exact (default : a = b)", "exact Classical.choice inferInstance", "exact ?_", "exact _",
    "exact Lean.trustCompiler.elim", "exact False.elim ?h", "repeat (have := 1)", "iterate 100000000 skip", "repeat skip",
    "have : 2^2^30 = 0 := by decide", "have : 2^(2^33) % 7 = 1 := by rfl", "have : ∀ n : Nat, n < 2^64 → n*n+1 > 0 := by decide",
    "exact " + "¬ " * 4000 + "rfl", "exact " + "- " * 4000 + "1", "exact " + "1+" * 5000 + "1", "exact " + "id <| " * 3000 + "rfl",
    "intro " + "x " * 8000, "exact " + "(" * 90 + "rfl" + ")" * 90, "have : " + "∀ x : Nat, " * 1200 + "True := by simp"]


def test_malicious_tactics_that_parse_prove_nothing(serving):
    state = serving.start(FALSE)
    for tactic in HOSTILE:
        outcome = serving.step(state, tactic)
        assert isinstance(outcome, Refused) and outcome.stage not in ("forbidden", "size"), (tactic[:80], outcome)
        assert isinstance(serving.step(serving.start(COMMUTES), "omega"), Proved), tactic[:80]


def test_safety_does_not_depend_on_the_syntax_check(serving):
    """An axiom, and a proof that only the kernel rejects. Their syntax is not forbidden."""
    state = serving.start(GymStatement(": 2 + 2 = 5"))
    believed = serving.step(state, "exact Small.believed _")
    assert isinstance(believed, Refused) and believed.stage == "proof: axioms" and "Small.believed" in believed.message
    lie = serving.step(state, "exact small_lie")
    assert isinstance(lie, Refused) and lie.stage in ("proof: kernel", "proof: axioms", "proof: proof")


def test_there_are_at_least_sixty_attacks():
    assert len({*FORBIDDEN, *NOT_ONE_TACTIC, *TOO_LARGE, *HOSTILE}) >= 60


WORDS = """
exact rw simp omega intro cases induction have refine apply by fun => := ( ) [ ] ⟨ ⟩ a b h ?_ _ rfl Nat.add_comm Eq.symm False.elim
Classical.choice sorry lcProof at with | <;> ; · « » -- /- -/ " ` $ % ∀ ∃ ¬ → = + 0 1 2^64 @ . ▸ show from let rec match if then else do
open in decide Type Prop Sort theorem end set_option run_tac native
"""
TOKENS = ["\n", *WORDS.split()]


class Anything(Request, tag="step"):
    """A request whose fields may be of any type."""

    Reply = Message
    state: object
    tactic: object
    heartbeats: object


ANYTHING = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=9),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=5), inner))
SOUP = strategies.lists(strategies.sampled_from(TOKENS), max_size=25)


@settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(tactic=strategies.text(max_size=60) | SOUP.map(" ".join) | SOUP.map("".join), fields=strategies.tuples(ANYTHING, ANYTHING, ANYTHING))
def fuzz(gym: Gym, tactic: str, fields: tuple) -> None:
    assert not isinstance(gym.step(gym.start(FALSE), tactic, heartbeats=1000), Proved | Lost), tactic
    state, text, heartbeats = fields
    with contextlib.suppress(EngineRefused):
        gym._workspace.ask_once(Anything(state=state, tactic=text, heartbeats=heartbeats), 60)


@pytest.mark.slow
def test_five_minutes_of_random_requests_crash_nothing_and_prove_nothing(gym):
    deaths = gym._workspace.deaths
    end = time.monotonic() + 300
    while time.monotonic() < end:
        fuzz(gym)
    assert gym._workspace.deaths == deaths
    assert isinstance(gym.step(gym.start(COMMUTES), "omega"), Proved)
