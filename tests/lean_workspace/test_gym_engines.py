"""The gym with engines that die, are replaced, or free states."""

import gc

import pytest

from lean_alchemy.lean_workspace import gym as gym_
from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.gym import Advanced, Closed, Gym, GymStatement, Proved, State
from lean_alchemy.lean_workspace.gym_protocol import Release
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.workspace import Lost, Retirement, Workspace

COMMUTES = GymStatement("(a b : Nat) : a + b = b + a")
POSITIVE = GymStatement("{n m : Nat} (hn : 0 < n) (hm : 0 < m) : 0 < n * m")


def after(gym: Gym, statement: GymStatement, *tactics: str) -> State:
    state = gym.start(statement)
    for tactic in tactics:
        state = gym.step(state, tactic).state
    return state


@pytest.fixture(scope="module")
def fragile(lean) -> Workspace:
    """A separate engine for tests that kill it."""
    with Workspace(install.launch, Library(("Init",)), retirement=Retirement(requests=60)) as workspace:
        yield workspace


def test_a_state_is_restored_in_a_new_engine(fragile):
    gym = Gym(fragile)
    state = after(gym, POSITIVE, "rw [Nat.mul_comm]", "apply Nat.mul_pos")
    fragile.close()
    assert isinstance(gym.step(state, "assumption"), Advanced)
    generation = fragile.generation
    for _ in range(20):  # and again with an engine that is replaced
        assert isinstance(gym.step(state, "skip"), Advanced)
        assert isinstance(gym.step(gym.start(COMMUTES), "omega"), Proved)
    assert fragile.generation > generation


def test_a_part_is_restored_in_a_new_engine(fragile):
    gym = Gym(fragile)
    part = gym.focus(after(gym, GymStatement("(p q : Prop) (hp : p) (hq : q) : p ∧ (q ∧ p)"), "constructor"), 1)
    deeper = gym.step(part, "constructor").state
    last = gym.focus(deeper, 1)
    fragile.close()
    assert isinstance(gym.step(last, "exact hp"), Closed) and isinstance(gym.step(gym.focus(deeper, 0), "exact hq"), Closed)


def test_after_a_tactic_that_never_ends_the_states_are_restored(fragile):
    gym = Gym(fragile, deadline_s=5)
    state = gym.start(GymStatement("(h : ((2 ^ 250) ^ 250) ^ 250 = 1) : False"))
    generation = fragile.generation
    assert gym.step(state, "simp at h") == Lost("deadline") or fragile.generation == generation
    assert isinstance(gym.step(state, "skip"), Advanced)
    assert isinstance(gym.step(gym.start(COMMUTES), "omega"), Proved)


def test_unreferenced_states_are_freed(fragile, monkeypatch):
    monkeypatch.setattr(gym_, "RELEASE_BATCH", 20)
    released = []
    ask = fragile.ask
    fragile.ask = lambda request, *rest: (released.extend(request.states) if isinstance(request, Release) else None, ask(request, *rest))[1]
    try:
        gym = Gym(fragile)
        state = gym.start(POSITIVE)
        for _ in range(60):
            gym.step(state, "skip")
            gc.collect(0)
        assert len(released) >= 20 and isinstance(gym.step(state, "skip"), Advanced)
    finally:
        fragile.ask = ask


def test_a_replayed_state_is_kept_while_it_is_referenced(fragile, monkeypatch):
    """The intermediate states of a replay are freed; the last one is kept."""
    monkeypatch.setattr(gym_, "RELEASE_BATCH", 1)
    gym = Gym(fragile)
    state = after(gym, POSITIVE, "rw [Nat.mul_comm]", "apply Nat.mul_pos")
    fragile.close()
    for _ in range(3):
        assert isinstance(gym.step(state, "assumption"), Advanced)
