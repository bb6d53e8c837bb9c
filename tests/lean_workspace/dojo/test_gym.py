"""LeanDojo's Dojo with the interface of our gym."""

import sys
import time
from pathlib import Path

import psutil
import pytest
from dojo_fixtures import needs_dojo

from lean_alchemy.lean_workspace.dojo.gym import DojoFailed, DojoGym, DojoStatement, forbidden
from lean_alchemy.lean_workspace.dojo.messages import UNKNOWN
from lean_alchemy.lean_workspace.gym import Advanced, NotOpened, Proved, Refused, proves
from lean_alchemy.lean_workspace.workspace import Lost

pytestmark = needs_dojo


@pytest.fixture
def gym(traced, on_path):
    with DojoGym(traced, deadline_s=20) as gym:
        yield gym


def test_a_proof_is_played_step_by_step(gym):
    both = gym.theorem("Pears.both", "Pears/Basic.lean")
    start = gym.start(both)
    assert start.goals == ("h : 1 = 1\n⊢ 1 = 1 ∧ 1 = 1",) and start.statement == both
    played = list(gym.play(start, ["constructor", "rfl", "rfl", "never"]))
    assert proves(played) and len(played) == 3
    assert played[0].outcome.state.goals == ("case left\nh : 1 = 1\n⊢ 1 = 1", "case right\nh : 1 = 1\n⊢ 1 = 1")
    proved = played[-1].outcome
    assert proved.theorem == "lemma both (h : 1 = 1) : 1 = 1 ∧ 1 = 1 := by\n  constructor\n  rfl\n  rfl"
    assert proved.axioms == UNKNOWN and [move.tactic for move in proved.moves] == ["constructor", "rfl", "rfl"]
    assert "lean_dojo" not in sys.modules


def test_an_error_of_lean_is_reported_and_the_state_stays(gym):
    start = gym.start(gym.theorem("Pears.both", "Pears/Basic.lean"))
    refused = gym.step(start, "linarith")
    assert isinstance(refused, Refused) and refused.stage == "error" and "unknown tactic" in refused.message
    assert gym.step(start, "exact h?").stage == "sorry"
    spoken = gym.step(start, "speak")
    assert isinstance(spoken, Advanced) and spoken.messages == ("it speaks",)
    assert isinstance(gym.step(start, "constructor"), Advanced)


def test_a_forbidden_tactic_is_not_sent_to_lean(gym):
    start = gym.start(gym.theorem("Pears.add_zero", "Pears/Basic.lean"))
    for tactic in ("sorry", "exact sorry", "admit", "native_decide", "decide +native", "exact?", "rw?", "exact sorryAx _ _", "run_tac foo",
                   "exact Lean.ofReduceBool a b c", "set_option maxRecDepth 9 in simp"):
        assert gym.step(start, tactic).stage == "forbidden", tactic


def test_words_similar_to_forbidden_ones_are_allowed():
    assert not [t for t in ("exact sorry'", "rw [admittance]", "exact h.sleepy", "apply foo", "rw [nonstop]") if forbidden(t)]


def test_a_tactic_that_is_too_long_for_a_terminal_is_refused(gym):
    start = gym.start(gym.theorem("Pears.add_zero", "Pears/Basic.lean"))
    assert gym.step(start, f"exact {'α' * 2000}").stage == "size"
    assert gym.step(start, f"exact {'a' * 3900}").stage == "error" and isinstance(gym.step(start, "rfl"), Proved)


def test_after_a_timeout_the_states_are_restored(traced, on_path):
    with DojoGym(traced, deadline_s=2) as gym:
        split = gym.step(gym.start(gym.theorem("Pears.both", "Pears/Basic.lean")), "constructor").state
        began = time.monotonic()
        assert gym.step(split, "loop") == Lost("deadline") and time.monotonic() - began < 10
        assert not [process for process in running(on_path) if process.is_running()]
        assert [type(step.outcome) for step in gym.play(split, ["rfl", "rfl"])] == [Advanced, Proved]
    assert not running(on_path)


def test_a_lean_that_dies_is_restarted_once(gym, on_path):
    start = gym.start(gym.theorem("Pears.add_zero", "Pears/Basic.lean"))
    assert isinstance(gym.step(start, "die once"), Proved)
    assert gym.step(start, "die") == Lost("ended")
    assert isinstance(gym.step(start, "rfl"), Proved)


def test_states_of_two_theorems_can_be_used_in_turn(gym):
    one = gym.start(gym.theorem("Pears.both", "Pears/Basic.lean"))
    other = gym.start(gym.theorem("Pears.add_zero", "Pears/Basic.lean"))
    assert isinstance(gym.step(one, "constructor"), Advanced) and isinstance(gym.step(other, "rfl"), Proved)


def test_a_missing_theorem_is_an_error(gym):
    for name, file, said in (("Pears.none", "Pears/Basic.lean", "no theorem"), ("Pears.lost", "Pears/Broken.lean", "not a traced file")):
        with pytest.raises(NotOpened, match=said):
            gym.theorem(name, file)
    with pytest.raises(NotOpened, match="LeanDojo: DojoInitError"):
        gym.start(DojoStatement("Pears/Basic.lean", "Pears.none", "theorem none :="))


def test_a_whole_proof_is_checked_by_compiling_its_file(gym):
    both = gym.theorem("Pears.both", "Pears/Basic.lean")
    assert gym.check(both, "⟨h, h⟩") and not gym.check(both, "wrong")
    with pytest.raises(DojoFailed, match="sorry"):
        gym.check(both, "by sorry")


def running(folder: Path) -> list[psutil.Process]:
    """The processes of the fake Lean that are alive."""
    numbers = [int(line.split()[0]) for line in (folder / "called").read_text(encoding="utf-8").splitlines()]
    alive = [psutil.Process(number) for number in numbers if psutil.pid_exists(number)]
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
