"""Benchmarks in LeanDojo's format: reading one, the splits, and building one from a harvest."""

import json
import shutil
from pathlib import Path

import pytest
from commands import alchemy, summary, table
from hypothesis import given
from hypothesis import strategies as st

from lean_alchemy.lean_workspace.gym import Gym, proves
from lean_alchemy.pipelines.benchmarks.leandojo import (
    CORE,
    PART_NAMES,
    Benchmark,
    Reference,
    TracedTactic,
    TracedTheorem,
    annotated,
    novel_premises_split,
    packed,
    random_split,
)
from lean_alchemy.pipelines.runtime.manifest import UsageError


@pytest.mark.parametrize(("tactic", "premises", "text", "named"), [
    ("rfl", [], "rfl", []),
    ("rw [Nat.add_comm, h]", ["Nat.add_comm"], "rw [<a>Nat.add_comm</a>, h]", ["Nat.add_comm"]),
    ("exact (Nat.le_of_lt h).trans k", ["Nat.le_of_lt"], "exact (<a>Nat.le_of_lt</a> h).trans k", ["Nat.le_of_lt"]),
    ("exact Nat.add_comm.symm", ["Nat.add_comm"], "exact <a>Nat.add_comm</a>.symm", ["Nat.add_comm"]),
    ("apply UInt8.toNat_inj.1", ["UInt8.toNat_inj"], "apply <a>UInt8.toNat_inj</a>.1", ["UInt8.toNat_inj"]),
    ("simp only [map_map, List.map_map']", ["List.map_map", "List.map_map'"],
     "simp only [<a>map_map</a>, <a>List.map_map'</a>]", ["List.map_map", "List.map_map'"]),
    ("rw [f, f]", ["A.f"], "rw [<a>f</a>, <a>f</a>]", ["A.f", "A.f"]),
    ("rw [_root_.f]", ["f"], "rw [<a>_root_.f</a>]", ["f"]),
    ("exact a.«b c»", ["a.«b c»"], "exact <a>a.«b c»</a>", ["a.«b c»"]),
    ("simp_all", ["simp"], "simp_all", [])])
def test_premises_are_marked_in_the_tactic(tactic, premises, text, named):
    assert annotated(tactic, premises) == (text, named)


def theorem(name: str, *premises: str) -> TracedTheorem:
    references = [Reference(premise, "src/A.lean", (1, 1), (1, 5)) for premise in premises]
    tactic = TracedTactic("t", ("t", references), "⊢ p", "no goals")
    return TracedTheorem(url="u", commit="c", file_path="src/A.lean", full_name=name, start=(1, 1), end=(1, 2), traced_tactics=[tactic])


THEOREMS = st.lists(st.sets(st.integers(0, 40), max_size=3), min_size=8, max_size=60).map(
    lambda sets: [theorem(f"t{i}", *(f"p{p}" for p in sorted(premises))) for i, premises in enumerate(sets)])


@given(THEOREMS, st.integers(0, 3), st.sampled_from([random_split, novel_premises_split]))
def test_a_split_has_every_theorem_once_and_depends_only_on_the_seed(theorems, seed, split):
    parts = split(theorems, 2, seed)
    names = [theorem.full_name for part in PART_NAMES for theorem in parts[part]]
    assert sorted(names) == sorted(theorem.full_name for theorem in theorems)
    assert split(theorems[::-1], 2, seed) == parts


@given(THEOREMS, st.integers(0, 3))
def test_held_out_theorems_use_a_premise_that_training_does_not(theorems, seed):
    parts = novel_premises_split(theorems, 2, seed)
    trained = set().union(*(theorem.premises for theorem in parts["train"]))
    assert all(theorem.premises - trained for part in ("val", "test") for theorem in parts[part])


def test_a_random_split_has_the_given_size():
    parts = random_split([theorem(f"t{i}") for i in range(50)], 7, 0)
    assert [len(parts[part]) for part in PART_NAMES] == [36, 7, 7]


# --- reading --------------------------------------------------------------------------------------------------------------------


PRELUDE = ".lake/packages/lean4/src/lean/Init/Prelude.lean"
MATHLIB = "https://github.com/leanprover-community/mathlib4"
LEANDOJO_4 = {
    "corpus.jsonl": [
        {"path": PRELUDE, "imports": [], "premises": [
            {"full_name": "id", "code": "def id {α : Sort u} (a : α) : α := a", "start": [33, 1], "end": [33, 38], "kind": "definition"}]},
        {"path": "Mathlib/A.lean", "imports": [PRELUDE], "premises": []}],
    "theorems": [
        {"url": MATHLIB, "commit": "29dcec07", "file_path": "Mathlib/A.lean", "full_name": "A.b", "start": [3, 1],
         "end": [5, 6], "traced_tactics": [
             {"tactic": "simp [id]", "state_before": "⊢ id 1 = 1", "state_after": "no goals", "annotated_tactic": [
                 "simp [<a>id</a>]", [{"full_name": "id", "def_path": PRELUDE, "def_pos": [33, 5], "def_end_pos": [33, 7]}]]}]}],
    "metadata.json": {"creation_time": "2024-01-01", "from_repo": {"url": MATHLIB, "commit": "29dcec07"}, "leandojo_version": "2.0.0"}}


@pytest.fixture
def leandojo_4(tmp_path: Path) -> Path:
    """A benchmark with the files of LeanDojo Benchmark 4."""
    folder = tmp_path / "leandojo_benchmark_4"
    for split in ("random", "novel_premises"):
        (folder / split).mkdir(parents=True)
        for part in PART_NAMES:
            (folder / split / f"{part}.json").write_text(json.dumps(LEANDOJO_4["theorems"]), encoding="utf-8")
    (folder / "corpus.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LEANDOJO_4["corpus.jsonl"]), encoding="utf-8")
    (folder / "metadata.json").write_text(json.dumps(LEANDOJO_4["metadata.json"]), encoding="utf-8")
    return folder


def test_leandojo_benchmark_4_is_read(leandojo_4):
    benchmark = Benchmark(leandojo_4)
    assert [file.path for file in benchmark.corpus()][1] == "Mathlib/A.lean" and benchmark.metadata()["leandojo_version"] == "2.0.0"
    (found,) = benchmark.part("novel_premises", "test")
    assert found.full_name == "A.b" and found.premises == {"id"} and found.statement is None
    assert found.traced_tactics[0].annotated_tactic[1][0].def_pos == (33, 5)


@pytest.mark.parametrize(("name", "content", "message"), [
    ("random/val.json", None, "it has no random/val.json"), ("random/val.json", "[{]", "random/val.json: not in LeanDojo's format"),
    ("random/val.json", '[{"url": 1}]', "random/val.json: not in LeanDojo's format")])
def test_a_damaged_benchmark_is_an_error(leandojo_4, name, content, message):
    (leandojo_4 / name).unlink()
    if content is not None:
        (leandojo_4 / name).write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        Benchmark(leandojo_4).part("random", "val")


def test_a_folder_without_a_benchmark_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="there is no benchmark"):
        Benchmark(tmp_path / "nothing")
    (tmp_path / "file").write_text("no archive", encoding="utf-8")
    with pytest.raises(UsageError, match="can't be read as a packed benchmark"):
        Benchmark(tmp_path / "file")


def test_a_packed_benchmark_reads_like_its_folder_and_is_the_same_bytes_each_time(leandojo_4, tmp_path):
    files = {str(file.relative_to(leandojo_4)): file.read_bytes() for file in leandojo_4.rglob("*") if file.is_file()}
    (tmp_path / "b.tar.xz").write_bytes(packed(files))
    assert packed(files) == packed(dict(reversed(files.items())))
    one, other = Benchmark(leandojo_4), Benchmark(tmp_path / "b.tar.xz")
    assert one.theorems() == other.theorems() and list(one.corpus()) == list(other.corpus())
    other.unpack(tmp_path / "again")
    assert {str(f.relative_to(tmp_path / "again")): f.read_bytes() for f in (tmp_path / "again").rglob("*") if f.is_file()} == files
    with pytest.raises(UsageError, match="name another folder"):
        other.unpack(tmp_path / "again")


# --- building -------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def built(harvested, tmp_path_factory) -> tuple[Path, dict]:
    out = Path(shutil.copytree(harvested[0], tmp_path_factory.mktemp("benchmark") / "harvest"))
    return out, build(out)


def build(out: Path) -> dict:
    return summary(alchemy("benchmark", "build", str(out), "--held-out", "4", "--pack", str(out / "b.tar.xz"), "--workers", "1", "--json"))


def test_every_proof_is_in_the_benchmark_with_its_steps(built):
    out, said = built
    proofs = {proof["theorem"]: proof for proof in table(out, "proofs")}
    theorems = {theorem.full_name: theorem for theorem in Benchmark(out / "benchmark").theorems()}
    assert set(theorems) == set(proofs) and len(proofs) >= 16 and said["unresolved"] == 0
    for name, found in theorems.items():
        proof = proofs[name]
        assert [traced.tactic for traced in found.traced_tactics] == proof["tactics"] and found.statement == proof["statement"]
        assert found.premises == set(proof["premises"])


def test_every_premise_is_in_the_corpus_where_the_proof_may_use_it(built):
    """In an imported file, or above the theorem in its own."""
    benchmark = Benchmark(built[0] / "benchmark")
    files = {file.path: file for file in benchmark.corpus()}
    paths = list(files)
    for file in files.values():
        assert all(paths.index(path) < paths.index(file.path) for path in file.imports)
        assert [premise.start[0] for premise in file.premises] == list(range(1, len(file.premises) + 1))
    for found in benchmark.theorems():
        for reference in (reference for traced in found.traced_tactics for reference in traced.annotated_tactic[1]):
            place = files[reference.def_path].premises[reference.def_pos[0] - 1]
            assert place.full_name == reference.full_name and place.end == reference.def_end_pos
            assert reference.def_path != found.file_path or reference.def_end_pos < found.start


def test_the_same_harvest_is_the_same_benchmark(built):
    out, said = built
    before = (out / "b.tar.xz").read_bytes()
    again = build(out)
    assert {**again, "seconds": 0} == {**said, "seconds": 0} and (out / "b.tar.xz").read_bytes() == before


def test_wrong_use_of_build_is_an_error(built, tmp_path):
    done = alchemy("benchmark", "build", str(built[0]), "--held-out", "4000")
    assert done.returncode == 2 and "too few to hold out 4000" in done.stderr
    done = alchemy("benchmark", "build", str(tmp_path))
    assert done.returncode == 2 and "holds no proofs" in done.stderr
    done = alchemy("steps", str(built[0]))
    assert done.returncode == 2 and "holds no variants, but targets, proofs" in done.stderr


# --- core -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def core() -> Benchmark:
    return Benchmark(CORE)


def test_core_contains_what_its_card_says(core):
    metadata = core.metadata()
    assert (metadata["name"], metadata["version"]) == ("core", 1) and CORE.stat().st_size <= 5_000_000
    for split, parts in metadata["theorems"].items():
        assert {part: len(core.part(split, part)) for part in PART_NAMES} == parts and parts["val"] >= 500 <= parts["test"]
    names = [theorem.full_name for theorem in core.theorems()]
    assert len(names) == len(set(names)) >= 5_000
    assert sum(bool(theorem.premises) for theorem in core.theorems()) >= len(names) / 2


def test_held_out_theorems_of_core_use_a_premise_that_training_does_not(core):
    trained = set().union(*(theorem.premises for theorem in core.part("novel_premises", "train")))
    assert all(theorem.premises - trained for part in ("val", "test") for theorem in core.part("novel_premises", part))


def test_premises_of_core_are_in_its_corpus(core):
    places = {(file.path, premise.start, premise.end): premise.full_name for file in core.corpus() for premise in file.premises}
    for theorem in core.theorems():
        assert places[theorem.file_path, theorem.start, theorem.end] == theorem.full_name
        for reference in (reference for traced in theorem.traced_tactics for reference in traced.annotated_tactic[1]):
            assert places[reference.def_path, reference.def_pos, reference.def_end_pos] == reference.full_name


def test_proofs_of_core_replay(core, engine):
    """A dozen theorems of Init, each in the environment before it."""
    gym = Gym(engine.workspace)
    of_init = [theorem for theorem in core.part("random", "test") if theorem.file_path.startswith("src/Init/") and theorem.round == 1]
    for theorem in of_init[:12]:
        start = gym.start(gym.theorem(engine.number(theorem.full_name), ()))
        played = list(gym.play(start, [traced.tactic for traced in theorem.traced_tactics]))
        assert proves(played), theorem.full_name
        assert [step.before.text for step in played] == [traced.state_before for traced in theorem.traced_tactics]
