"""Harvest: proofs of the library's theorems, found in the environment before each theorem, and recorded step by step."""

import shutil
from itertools import pairwise
from pathlib import Path

import golden
import pytest
from commands import HARVESTED, alchemy, harvest, summary, table

from lean_alchemy.lean_workspace.gym_protocol import Hints, LocalDecl
from lean_alchemy.lean_workspace.portfolio import (
    LINES,
    Line,
    SuggestedTheorems,
    alternatives,
    idiomatic_forms,
    scripts,
    suggesting_form,
    suggestions,
)
from lean_alchemy.pipelines.proofs.harvest import HARVEST
from lean_alchemy.pipelines.publishing.harvest_areas import areas_of, as_table

HINTS = Hints(
    context=[LocalDecl("α", False, ""), LocalDecl("xs", False, "List"), LocalDecl("n", False, "Nat"), LocalDecl("h", True, "Or"),
             LocalDecl("wf", True, "Map.WF"), LocalDecl("m", False, "Map"), LocalDecl("k", False, "Map")],
    conclusion="Eq", definitions=["List.map", "Not"], premises=["List.map_map", "List.map_id"])
SUGGESTED = SuggestedTheorems(namesakes=["Array.f"], rewrites=["a", "← b"], applies=["c"], injections=["T.x_inj", "T.y_inj"],
                      principles=["Map.inductionOn", "Set.inductionOn"])
CLOSERS = "first | assumption | exact wf.1 | exact m.2 | exact k.2 | omega | simp_all"


@pytest.mark.parametrize(("script", "expected"), [
    (("simp_all",), [("simp_all",)]),
    (("cases {x} <;> rfl",), [("cases k <;> rfl",), ("cases m <;> rfl",), ("cases n <;> rfl",)]),
    (("{inductions}", "apply {apply}"), [("induction m using Map.inductionOn <;> induction k using Map.inductionOn", "apply c")]),
    (("rw [{premise}]", "omega"), [("rw [List.map_map]", "omega"), ("rw [List.map_id]", "omega")]),
    (("rw [{rewrite}] <;> {close}",), [(f"rw [a] <;> {CLOSERS}",), (f"rw [← b] <;> {CLOSERS}",)]),
    (("apply {injection}.1", "apply {namesake}"), [("apply T.x_inj.1", "apply Array.f"), ("apply T.y_inj.1", "apply Array.f")]),
    (("grind [{premises}]",), [("grind [List.map_map, List.map_id]",)]),
    (("grind [{lemmas}]",), [("grind [a, c]",)]),
    (("simp_all [{definitions}]",), [("simp_all [List.map]",)])])
def test_a_line_gives_a_script_for_each_value_of_its_placeholder(script, expected):
    assert list(scripts(Line("line", script), HINTS, SUGGESTED)) == expected


def test_a_script_without_a_value_for_a_placeholder_is_skipped():
    nothing = Hints(context=[], conclusion="", definitions=[], premises=[])
    lines = [*LINES, *(Line(name, (f"simp [{{{name}}}]",)) for name in ("definitions", "lemmas", "premises", "rewrite"))]
    found = [script for line in lines for script in scripts(line, nothing)]
    assert ("simp_all",) in found and not any("{" in tactic or "[]" in tactic for script in found for tactic in script)


def test_each_closing_tactic_is_tried_in_an_idiomatic_form():
    assert alternatives(CLOSERS) == ["assumption", "exact wf.1", "exact m.2", "exact k.2", "omega", "simp_all"]
    assert alternatives("omega") == ["omega"]
    assert idiomatic_forms("eq_refl") == ["rfl", "eq_refl"] and idiomatic_forms("omega") == ["omega"]


def test_the_lemmas_that_a_tactic_used_are_read_from_leans_suggestion():
    assert suggesting_form("simp_all [f]") == "simp_all? [f]" and suggesting_form("grind") == "grind?" and suggesting_form("omega") is None
    assert suggestions(["Try this:\n  [apply] simp only [a,\n    b]"]) == ["simp only [a, b]"]
    assert suggestions(["Try these:\n"]) == []
    assert suggestions(["Try this:\n  [apply] grind only [#9426]\n  [apply] grind only [f]", "other"]) == ["grind only [f]"]


def test_harvest_results_match_the_golden_ones(harvested):
    """On 30 theorems."""
    golden.check(HARVEST, *(table(harvested[0], name) for name in ("proofs", "steps", "rejects")))


def test_every_theorem_is_proved_or_rejected_with_a_reason(harvested):
    out, said = harvested
    proofs, rejects = table(out, "proofs"), table(out, "rejects")
    assert said["theorems"] == 30 and said["proved"] == len(proofs) == sum(said["proved_by_round"]) >= 5 and said["leaks"] == 0
    assert len({proof["theorem"] for proof in proofs}) == len(proofs)
    assert len(proofs) + len(rejects) == len({row["theorem"] for row in proofs} | {row["target"] for row in rejects}) == 30
    assert sum(said["rejects"].values()) == len(rejects)
    assert {proof["round"] for proof in proofs} <= {1, 2} and {proof["module"] for proof in proofs} == {HARVESTED}


def test_a_proof_is_valid_in_the_whole_library_and_does_not_name_its_theorem(harvested, engine):
    for proof in table(harvested[0], "proofs"):
        assert engine.refused(proof["text"]) is None, proof
        assert proof["theorem"] not in proof["premises"] and not any(proof["theorem"] in tactic for tactic in proof["tactics"])


def test_a_proof_uses_only_theorems_proved_before(harvested):
    """Theorems of its own module; those of imported modules are always available."""
    proofs = {proof["theorem"]: proof for proof in table(harvested[0], "proofs")}
    for proof in proofs.values():
        for premise in proof["premises"]:
            if premise in proofs:
                assert proofs[premise]["round"] < proof["round"]


def test_the_steps_of_a_proof_are_its_tactics(harvested):
    steps = table(harvested[0], "steps")
    for proof in table(harvested[0], "proofs"):
        mine = sorted((row for row in steps if row["theorem"] == proof["theorem"]), key=lambda row: row["step"])
        assert [row["tactic"] for row in mine] == proof["tactics"] and mine[-1]["state_after"] == "no goals"
        assert all(before["state_after"] == after["state_before"] for before, after in pairwise(mine))


def test_the_areas_of_a_harvest_add_up(harvested):
    out, said = harvested
    (area,) = areas_of(out)
    assert (area.name, area.theorems, list(area.proved.values())) == ("Init.Data.List", 30, [n for n in said["proved_by_round"] if n])
    shown = [list(column.cells) for column in as_table([area, area]).columns]
    assert shown[0] == ["Init.Data.List"] * 2 + ["all"] and shown[1] == ["30", "30", "60"]


@pytest.mark.slow
def test_a_harvest_resumes(harvested, tmp_path):
    out, said = Path(shutil.copytree(harvested[0], tmp_path / "out")), harvested[1]
    before = [table(out, name) for name in ("proofs", "steps", "rejects")]
    done = sorted(out.glob(".work/harvest/*/proofs.parquet"))
    done[0].write_bytes(done[0].read_bytes()[:40])
    again = summary(harvest(out, workers=2))
    assert {**again, "seconds": 0} == {**said, "seconds": 0}
    assert [table(out, name) for name in ("proofs", "steps", "rejects")] == before


@pytest.mark.slow
def test_known_proofs_are_used_without_a_search(harvested, tmp_path):
    """In the same rounds. Theorems without a known proof stay open."""
    out, said = harvested
    again = summary(harvest(tmp_path / "again", "--portfolio", "none", "--known", str(out)))
    assert (again["proved"], again["proved_by_round"], again["leaks"]) == (said["proved"], said["proved_by_round"], 0)
    assert table(tmp_path / "again", "proofs") == table(out, "proofs")


@pytest.mark.parametrize(("arguments", "message"), [
    (["--portfolio", "quack"], "'quack' is not one of"), (["--known", "nowhere"], "nowhere holds no proofs")])
def test_wrong_use_of_harvest_is_an_error(arguments, message, tmp_path):
    done = alchemy("harvest", str(tmp_path / "out"), *arguments)
    assert done.returncode == 2 and message in done.stderr
