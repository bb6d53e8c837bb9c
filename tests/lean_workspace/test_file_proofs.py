"""Proofs in a user's files: how they are read, and that the gym reaches the states of the file."""

from pathlib import Path

import pytest
from commands import alchemy, summary
from places import LIBRARIES

from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.file_proofs import NotPlayed, proofs_in, replay
from lean_alchemy.lean_workspace.gym import Advanced, Gym, InSource, NotOpened, Proved, Refused
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.process import EngineRefused
from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.pipelines.data.schema import Reject, Step
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.manifest import manifest_at

LIBRARY = LIBRARIES / "files"
FILES = [str(LIBRARY / name) for name in ("Shelf/Laws.lean", "Structured.lean", "Notations.lean", "Shelf/Basic.lean", "Small.lean")]


@pytest.fixture(scope="module")
def shelf(lean):
    """Five files: structured proofs, custom notation, and one that imports a file that is named after it."""
    with Workspace(install.launch, Library(("Init",), tuple(FILES), proofs=True)) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def proofs(shelf):
    return proofs_in(shelf)


def test_an_error_is_reported_with_its_line(shelf):
    (problem,) = shelf.opened.problems
    lines = Path(FILES[1]).read_text(encoding="utf-8").splitlines()
    assert problem.file.endswith("Structured.lean") and "unsolved" in problem.message
    assert lines[problem.line - 1].startswith("theorem wrong")
    assert shelf.find("Structured.wrong", "Structured.after_it", "Shelf.Box.add_comm")[0] is None


def test_every_proof_is_replayed_with_the_states_of_its_file(shelf, proofs):
    """Except one by pattern matching, which has no tactics."""
    gym, not_played = Gym(shelf), {}
    for name, written in proofs.items():
        try:
            assert isinstance(replay(gym, written)[-1].outcome, Proved)
        except NotPlayed as reason:
            not_played[name] = str(reason)
    assert not_played == {"fold_unit": "equations"} and len(proofs) > 40
    assert sum(len(written.proof.steps) for written in proofs.values()) > 60


def test_blocks_are_separate_steps(proofs):
    steps = proofs["Structured.total_append"].proof.steps
    assert [step.tactic for step in steps] == [
        "induction xs with\n| nil => ?_\n| cons x xs ih =>\n  ?_", "simp", "rw [List.cons_append, total_cons, ih]",
        "rw [total_cons, Nat.add_assoc]"]
    assert len(steps[0].after) == 2 and steps[1].before == steps[0].after[:1] and steps[2].before == steps[0].after[1:]
    assert steps[1].after == () and steps[2].premises == ("List.cons_append", "Structured.total_cons")
    assert [step.tactic for step in proofs["Structured.pair"].proof.steps] == [
        "constructor", "constructor", "exact hp", "exact hq", "left", "exact hq"]
    assert [step.tactic for step in proofs["Structured.by_name"].proof.steps][1:3] == ["case' inr k => skip", "exact hq k"]
    assert proofs["Structured.total_reverse"].proof.steps[2].tactic == "have h : total [x] = x := by\n  simp"


def test_the_context_of_a_theorem_is_used(shelf, proofs):
    """Namespaces, `open … in`, variables, notation and attributes of the file."""
    gym = Gym(shelf)
    assert proofs["LeftUnital.exists_unit"].proof.statement.strip() == ": ∃ e : M, ∀ a : M, e ⋆ a = a"
    state = gym.start(InSource(proofs["LeftUnital.exists_unit"].number))
    assert state.goals == ("M : Type u\ninst✝ : LeftUnital M\n⊢ ∃ e, ∀ (a : M), e ⋆ a = a",)
    assert isinstance(gym.step(state, "refine ⟨𝟙, fun a => ?_⟩"), Advanced)
    assert isinstance(gym.step(gym.start(InSource(proofs["double_pos"].number)), "unfold double"), Advanced)
    assert "double" in proofs["double_double"].proof.steps[0].before[0] and proofs["double_double"].proof.steps[0].premises == ("hidden",)


def test_a_theorem_is_not_available_in_its_own_proof(shelf, proofs):
    """Later theorems are not available either."""
    gym = Gym(shelf)
    state = gym.start(InSource(proofs["Structured.total_append"].number))
    for name in ("total_append", "total_reverse"):
        outcome = gym.step(state, f"exact {name} xs ys")
        assert isinstance(outcome, Refused) and name in outcome.message
    assert isinstance(gym.step(state, "exact sorry"), Refused)


def test_local_declarations_end_with_their_file(shelf):
    """Local notation, local simp lemmas, open namespaces, variables."""
    def holds(statement: str) -> bool:
        return shelf.check(f"theorem t {statement}").refused is None

    unit = "{M : Type} [LeftUnital M] (a : M) : LeftUnital.mul LeftUnital.unit a = a :="
    assert holds(f"{unit} LeftUnital.unit_mul a") and not holds(f"{unit} by simp")
    assert not holds("{M : Type} [LeftUnital M] (a : M) : LeftUnital.mul 𝟙 a = a := LeftUnital.unit_mul a")
    assert holds(": Nat.double 0 = 0 := rfl") and not holds(": double 0 = 0 := rfl")


def test_files_that_import_each_other_are_refused(lean, tmp_path):
    (tmp_path / "One.lean").write_text("import Two\n", encoding="utf-8")
    (tmp_path / "Two.lean").write_text("import One\n", encoding="utf-8")
    with pytest.raises(EngineRefused, match="import each other"):
        Workspace(install.launch, Library(("Init",), (str(tmp_path / "One.lean"), str(tmp_path / "Two.lean"))))


def test_a_missing_proof_is_an_error(shelf):
    with pytest.raises((EngineRefused, NotOpened)):
        Gym(shelf).start(InSource(10_000))


@pytest.mark.slow
def test_harvest_reads_a_folder_of_the_user(lean, tmp_path):
    """Every theorem is proved or rejected; the steps are those in the file."""
    said = summary(alchemy("harvest", str(tmp_path / "out"), "--library", f"{LIBRARY}/", "--targets", "all", "--workers", "1", "--json"))
    assert said["rejects"] == {"not written": 1, "equations": 1} and said["theorems"] == said["proved"] + 2 and said["leaks"] == 0
    steps = parquet.read(sorted((tmp_path / "out" / "steps").glob("*.parquet")), Step)
    assert {step.form for step in steps} == {"written"} and {step.module for step in steps} >= {"Laws.lean", "Notations.lean"}
    first = next(step for step in steps if step.theorem == "Structured.total_append" and step.step == 1)
    assert first.tactic == "simp" and first.state_after == "no goals" and first.state_before.count("⊢") == 1
    rejects = parquet.read(sorted((tmp_path / "out" / "rejects").glob("*.parquet")), Reject)
    assert {(row.target, row.reason) for row in rejects} == {("fold_unit", "equations"), ("LeftUnital.unit_mul", "not written")}
    assert manifest_at(tmp_path / "out", "proofs").counts["proofs"] == said["proved"]


def test_a_missing_folder_is_wrong_use(tmp_path):
    for library in (f"{tmp_path}/none/", f"{tmp_path}/"):
        wrong = alchemy("harvest", str(tmp_path / "out"), "--library", library)
        assert wrong.returncode == 2 and "Traceback" not in wrong.stderr


def test_section_variables_are_included_in_a_theorem(shelf, proofs):
    """Those that it mentions, instances about them, and those of `include`, also for a proof term."""
    gym = Gym(shelf)
    goals = {name: gym.start(InSource(proofs[name].number)).goals[0] for name in
             ("unit_of_variables", "default_of_variables", "with_a_hypothesis")}
    assert goals["unit_of_variables"].endswith("c : M\n⊢ 𝟙 ⋆ c = c") and "inst✝¹ : LeftUnital M" in goals["unit_of_variables"]
    assert "Inhabited M" in goals["default_of_variables"] and goals["default_of_variables"].endswith("⊢ ∃ x, True")
    assert goals["with_a_hypothesis"].endswith("a b : M\nh : a = b\n⊢ b = a")
    inside = gym.start(InSource(proofs["with_a_tactic_inside"].number)).goals[0]
    assert "i : Nat\n⊢ ∀ (j : Nat)" in inside and "hj :" not in inside.partition("⊢")[0]
    for name in (*goals, "with_a_tactic_inside"):
        assert isinstance(replay(gym, proofs[name])[-1].outcome, Proved)
