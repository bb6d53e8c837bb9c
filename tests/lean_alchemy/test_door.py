"""The door for Python: `import lean_alchemy as la`."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from places import LIBRARIES

import lean_alchemy as la
from lean_alchemy.lean_workspace.errors import Mistake
from lean_alchemy.lean_workspace.gym import Advanced, Proved, Refused
from lean_alchemy.pipelines.data.schema import Variant
from lean_alchemy.pipelines.runtime import parquet
from lean_alchemy.pipelines.runtime.manifest import UsageError

SMALL = LIBRARIES / "files" / "Small.lean"
LIBRARY = "Init.Data.Nat.Basic"


@pytest.fixture(scope="module")
def library(lean: None) -> Iterator[la.OpenLibrary]:
    with la.open(LIBRARY) as opened:
        yield opened


def test_nothing_is_imported_before_it_is_used():
    code = "import sys, lean_alchemy as la; assert 'open' in dir(la); print([m for m in ('ray', 'pyarrow', 'rich') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8").stdout == "[]\n"
    with pytest.raises(AttributeError, match="no attribute nope"):
        _ = la.nope  # pyright: ignore[reportAttributeAccessIssue]
    assert all(getattr(la, name).__doc__ for name in la.__all__)


# --- theorems and variants ------------------------------------------------------------------------------------------------------


def test_a_theorem_and_its_variants(library):
    theorem = library.theorem("Nat.mul_pos")
    assert repr(theorem) == "theorem Nat.mul_pos {n m : Nat} (hn : 0 < n) (hm : 0 < m) : 0 < n * m"
    variants = theorem.mutate()
    assert len(variants) > 10 and variants.rejects and variants.statement == theorem.statement
    assert isinstance(variants[0], Variant) and variants[0].kernel_checked and variants[:3] == list(variants)[:3]
    assert f"{len(variants)} variants of Nat.mul_pos" in repr(variants) and str(variants[0]) in repr(variants)
    assert "-- Nat.mul_pos {n m : Nat}" in str(variants[0]) and str(variants[0]).endswith(variants[0].theorem)
    page = variants._repr_html_()
    assert page.count("<mark") >= 5 and "<details>" in page


def test_the_texts_of_variants_pass_the_check(library):
    variant = library.theorem("Nat.mul_pos").mutate(kinds=["apply"])[0]
    assert variant.kind == "apply"
    assert library.check(variant.theorem).name == f"variant_{variant.variant_id}"


def test_variants_are_made_once_and_only_when_they_are_looked_at(library, monkeypatch):
    calls = []
    mutate = la.OpenLibrary.mutate
    monkeypatch.setattr(la.OpenLibrary, "mutate", lambda *args: calls.append(args) or mutate(*args))
    variants = library.theorem("Nat.mul_pos").mutate(lemma="Nat.lt_of_lt_of_le")
    assert not calls
    assert {variant.lemma for variant in variants} == {"Nat.lt_of_lt_of_le"} and len(variants) and repr(variants)
    assert len(calls) == 1


def test_variants_to_other_tables(library):
    variants = library.theorem("Nat.mul_pos").mutate(lemma="Nat.lt_of_lt_of_le")
    assert variants.to_arrow().schema == parquet.schema_of(Variant)
    assert list(variants.to_pandas()["lemma"]) == variants.to_dataset()["lemma"][:] == ["Nat.lt_of_lt_of_le"] * len(variants)
    assert msgspec.convert(variants.to_arrow().to_pylist()[0], Variant).theorem == variants[0].theorem


def test_names_that_do_not_exist(library):
    with pytest.raises(UsageError, match=r"no theorem Nat\.mul_poss; did you mean Nat\.mul_pos"):
        library.theorem("Nat.mul_poss")
    with pytest.raises(UsageError, match="no kind simp; there are rw, apply"):
        library.theorem("Nat.mul_pos").mutate(kinds=["simp"])
    with pytest.raises(UsageError, match="nope"):
        library.theorem("Nat.mul_pos").mutate(without=["nope"])
    with pytest.raises(UsageError, match="no theorem nope"):
        library.theorem("Nat.mul_pos").mutate(lemma="nope")
    with pytest.raises(Mistake, match="no module Nope"):
        la.open("Nope")
    with pytest.raises(UsageError, match="no file"):
        la.open(Path("nope") / "Nope.lean")
    assert "Nat.mul_pos" in library and "Nat.mul_poss" not in library and len(library) > 1000


# --- texts and proofs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "place", "message"), [
    ("theorem t (n : Nat) : n = n + 0 := by\n  exact nope", (2, 8), "Unknown identifier `nope`"),
    ("theorem t (n : Nat) : n = n + 0 := by\r\n  skip\r\n  exact nope", (3, 8), "Unknown identifier `nope`"),
    ("theorem t : 1 + = 3 := rfl", (1, 16), "expected term"),
    ("theorem t : 1 + nope = 3 := rfl", (1, 16), "Unknown identifier `nope`"),
    ("theorem t : 1 = 1 := by\n  sorry", None, "the proof is not complete"),
    ("theorem Nat.mul_pos : 1 = 1 := rfl", None, "the name Nat.mul_pos is taken"),
    ("def x := 3", None, "not one theorem")])
def test_what_lean_does_not_accept_is_an_error_with_its_place(library, text, place, message):
    with pytest.raises(la.LeanError) as caught:
        library.check(text)
    assert (caught.value.line, caught.value.column) == (place or (None, None)) and message in caught.value.message
    if place:
        assert f"line {place[0]}, column {place[1]}: " in str(caught.value) and str(caught.value).endswith(f"\n  {' ' * place[1]}^")


def test_a_proof_step_by_step(library):
    episode = library.gym("(n m : Nat) (h : n = m) : m + 0 = n")
    assert repr(episode) == "n m : Nat\nh : n = m\n⊢ m + 0 = n"
    assert isinstance(episode.step("rw [nope]"), Refused)
    assert isinstance(episode.step("simp"), Advanced)
    assert episode.goals == ("n m : Nat\nh : n = m\n⊢ m = n",)
    episode.undo()
    assert isinstance(episode.step("exact h.symm"), Proved)
    assert episode.proved and repr(episode).startswith("theorem ") and library.check(repr(episode))
    with pytest.raises(UsageError, match="complete"):
        episode.step("rfl")


def test_a_theorem_is_not_its_own_proof(library):
    episode = library.gym("Nat.add_comm")
    assert isinstance(episode.step("exact Nat.add_comm _ _"), Refused)
    with pytest.raises(la.LeanError) as caught:
        library.gym("(n : Nat) :\n n = nope")
    assert (caught.value.line, caught.value.column) == (2, 5)
    with pytest.raises(UsageError, match="did you mean"):
        library.gym("Nat.add_com")


# --- files, and the end ---------------------------------------------------------------------------------------------------------


def test_a_users_file_by_a_relative_path_a_link_and_with_spaces_and_crlf(lean, tmp_path, monkeypatch):
    folder = tmp_path / "my files"
    folder.mkdir()
    (folder / "Real.lean").write_bytes(b"theorem mine (n : Nat) : n + 0 = n := by\r\n  simp\r\n\r\ntheorem bad : 1 = 2 := by\r\n  rfl\r\n")
    (folder / "Link.lean").symlink_to(folder / "Real.lean")
    monkeypatch.chdir(folder)
    with pytest.warns(UserWarning, match=r"skipped: .*Real\.lean:5: "), la.open("Link.lean") as library:
        assert repr(library.theorem("mine")) == "theorem mine (n : Nat) : n + 0 = n"
        assert "bad" not in library and len(library.problems) == 1
    with pytest.raises(UsageError, match="is closed; open it again"):
        library.check("theorem t : 1 = 1 := rfl")
    library.close()


def test_an_open_library_ends_with_python(lean):
    code = ("import lean_alchemy as la, psutil; library = la.open('Init.Core'); "
            "print(' '.join(str(p.pid) for p in psutil.Process().children(recursive=True)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stderr
    psutil = pytest.importorskip("psutil")
    assert done.stdout.split() and not any(psutil.pid_exists(int(pid)) for pid in done.stdout.split())


# --- corpora --------------------------------------------------------------------------------------------------------------------


def test_a_corpus(corpus, monkeypatch):
    out, summary = corpus
    monkeypatch.chdir(out.parent)
    found = la.corpus(out.name)
    assert f"{summary['variants']:,} variants of 60 targets" in repr(found)
    everything = found.variants()
    assert len(everything) == summary["variants"] == everything.to_arrow().num_rows == found.table("variants").count_rows()
    assert everything[0].score >= everything[1].score and everything[0].target_statement and everything[-1] == list(everything)[-1]
    target = everything[0].target
    of_target = found.variants(target=target, kind="rw")
    assert {(row.target, row.kind) for row in of_target} == {(target, "rw")} and len(of_target.sample(2)) == min(2, len(of_target))
    assert repr(of_target).startswith(f"{len(of_target)} variants of ") and "<mark" in of_target._repr_html_()
    with pytest.raises(UsageError, match=r"no variant in .* has the lemma nope"):
        found.variants(lemma="nope")
    with pytest.raises(UsageError, match="alchemy steps"):
        of_target.steps()


def test_no_corpus(tmp_path):
    with pytest.raises(UsageError, match="Run `alchemy synthesize"):
        la.corpus(tmp_path / "nothing")
