"""Texts are checked in parts; elaborating the whole command must give the same verdict, for valid and invalid texts."""

import random
from collections import Counter
from collections.abc import Iterator

import pytest

from lean_alchemy.lean_workspace.protocol import Refusal
from lean_alchemy.lean_workspace.workspace import PreparedTarget, Workspace
from lean_alchemy.pipelines.corpus import mutate
from lean_alchemy.pipelines.corpus.extract import extracted
from lean_alchemy.pipelines.corpus.mutate import MutateTally, Mutator
from lean_alchemy.pipelines.corpus.options import Options
from lean_alchemy.pipelines.data.schema import Reject, Variant
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.stage import Failure

TARGETS = [
    "Nat.sub_add_cancel", "Int.natCast_pos", "List.map_map", "List.Sublist.count_le", "Array.idxOf_lt_length_of_mem",
    "BitVec.toNat_add"]
"""Casts, numerals, instances, binders that occur in proofs; the rewritten terms are in conclusions and in hypotheses."""


@pytest.fixture(scope="module")
def mutator(corpus, tmp_path_factory) -> Iterator[Mutator]:
    """A Mutator that also elaborates every text as a whole command, and fails if the verdicts differ."""
    job = Job(tmp_path_factory.mktemp("parity"), Options(library=["Init"], kinds=["rw", "apply"], targets=1))
    with pytest.MonkeyPatch.context() as patch, job.begin():
        patch.setattr(mutate, "AUDITED", 1)
        extracted(job, 2)
        mutator = Mutator(job)
        yield mutator
        mutator.close()


@pytest.fixture(scope="module")
def variants(mutator) -> list[Variant]:
    tally = MutateTally()
    rows = [row for name in TARGETS for row in rows_of(mutator, name, tally) if isinstance(row, Variant)]
    assert tally.audited >= tally.elaborated >= len(rows)
    return rows


def rows_of(mutator: Mutator, name: str, tally: MutateTally) -> list[Variant | Reject]:
    """The rows of a target; asserts that the whole command agrees with every verdict."""
    rows = list(mutator.variants_of(name, tally))
    assert not (failures := [row for row in rows if isinstance(row, Failure)]), failures
    return rows


def test_texts_accepted_in_parts_are_accepted_as_whole_commands(variants):
    assert len(variants) >= 300
    ways = Counter((row.kind, row.site == "conclusion") for row in variants)
    assert len(ways) == 4 and min(ways.values()) >= 10, ways
    assert sum(bool(row.print_options) for row in variants) >= 5


def wrong(text: str, other: str) -> dict[str, str]:
    """Texts that do not prove the statement of `text`; `other` proves another statement."""
    begin = " := by\n"
    head, _, proof = text.partition(begin)
    lines = proof.splitlines()
    return {
        "sorry": f"{head}{begin}  sorry",
        "a line is missing": "\n".join([f"{head} := by", *lines[:-1]]) if len(lines) > 1 else f"{head}{begin}  skip",
        "a proof of something else": f"{head}{begin}{other.partition(begin)[2]}",
        "only the kernel refuses it": f"{head}{begin}  exact lcProof"}


def refused(workspace: Workspace, text: str, parts: bool) -> bool:
    return workspace.check(text, parts=parts).refused is not None


def test_wrong_proofs_are_refused_by_both(variants, mutator):
    workspace, draw = mutator._workspace, random.Random(0)
    said: Counter[str] = Counter()
    for row in draw.sample(variants, 80):
        assert not refused(workspace, row.theorem, parts=True)
        for what, text in wrong(row.theorem, draw.choice(variants).theorem).items():
            by_parts = refused(workspace, text, parts=True)
            assert by_parts == refused(workspace, text, parts=False), text
            said[what] += by_parts
    assert len(said) == 4 and min(said.values()) >= 60, said


@pytest.mark.parametrize("signature", [
    "{α : Type} {o : Option α} (hf : ∀ (x : α) (k : o = some x), (Subtype.mk x k).val = x) : True",
    "{α : Type} {o : Option α} : (∀ (x : α) (k : o = some x), (Subtype.mk x k).val = x) → True"])
def test_unification_is_as_strict_as_in_a_command(mutator, signature):
    """The predicate of the subtype would be a guess, `fun y => o = some y`."""
    for parts in (True, False):
        assert refused(mutator._workspace, f"theorem v {signature} := by simp", parts=parts)


CHAINED = ("Nat.pos_of_ne_zero", "List.Sublist.count_le")


@pytest.mark.slow
def test_the_common_start_of_a_chain_is_elaborated_once_with_the_same_verdict(mutator, tmp_path, monkeypatch):
    monkeypatch.setattr(mutator, "_job", Job(tmp_path, Options(library=["Init"], kinds=["rw", "apply"], targets=1, depth=2)))
    tally = MutateTally()
    rows = [row for name in CHAINED for row in rows_of(mutator, name, tally) if isinstance(row, Variant) and row.depth == 2]
    assert len(rows) >= 100 and tally.audited >= tally.elaborated
    workspace = mutator._workspace
    for row in random.Random(0).sample(rows, 20):
        statement, step, first, *rest = row.theorem.splitlines()
        assert step.startswith("  have step₁ ") and first.startswith("    ")
        assert not refused(workspace, row.theorem, parts=True)
        for text in ([statement, step, "    sorry", *rest], [statement, step, first, *rest[:-1], "  skip"],
                     [statement, "  have step₁ : 1 = 2 := by", "    exact lcProof", "  exact absurd step₁ (by decide)"]):
            text = "\n".join(text)
            assert refused(workspace, text, parts=True) and refused(workspace, text, parts=False), text


def test_a_disagreement_is_a_failure(mutator, monkeypatch):
    """The whole command is made to reject the text."""
    def disagreeing(self, drafts, audited=()):
        for draft, name in drafts:
            yield draft, Refusal(stage="audit", message=f"proof: {name in audited}")

    monkeypatch.setattr(PreparedTarget, "write", disagreeing)
    rows = list(mutator.variants_of("Nat.mul_pos", MutateTally()))
    assert not any(isinstance(row, Variant) for row in rows)
    failures = [row for row in rows if isinstance(row, Failure)]
    assert failures and all(row.stage == "mutate" and row.item == "Nat.mul_pos" and "reports proof: True" in row.what for row in failures)
