"""Held-out theorems: reading the file, and what is excluded."""

import pytest

from lean_alchemy.pipelines.data.held_out import HeldOut
from lean_alchemy.pipelines.runtime.manifest import UsageError

KEY, OTHER = "0123456789abcdef" * 2, "f" * 32
KEYS_OF = {"Nat.add_comm": KEY, "Nat.add_zero": OTHER}


def read(tmp_path, text: str | bytes, **how) -> HeldOut:
    file = tmp_path / "held_out.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return HeldOut.read(file, KEYS_OF, **how)


def test_a_name_excludes_the_theorem_and_its_statement(tmp_path):
    assert read(tmp_path, "\n  Nat.add_comm \n\n") == HeldOut(frozenset({"Nat.add_comm"}), frozenset({KEY}), frozenset())


def test_a_key_excludes_a_statement(tmp_path):
    assert read(tmp_path, f"{KEY}\n{OTHER}\n") == HeldOut(frozenset(), frozenset({KEY, OTHER}), frozenset())


def test_with_premises_the_names_are_excluded_as_lemmas(tmp_path):
    assert read(tmp_path, f"Nat.add_comm\n{OTHER}\n", premises=True).premises == {"Nat.add_comm"}


@pytest.mark.parametrize("line", ["Nat.nothing", "0" * 31, "0" * 33, "g" * 32, KEY.upper()])
def test_an_invalid_line_is_reported_with_its_file(tmp_path, line):
    with pytest.raises(UsageError, match=f"held_out.txt: '{line}' is neither a theorem of the library nor a statement key"):
        read(tmp_path, f"Nat.add_comm\n{line}\n")


def test_a_file_that_is_not_text_is_an_error(tmp_path):
    with pytest.raises(UsageError, match=r"held_out.txt is not a UTF-8 text file"):
        read(tmp_path, b"\xff\xfe\x00")


@pytest.mark.parametrize(("target", "key", "lemma", "why"), [
    ("Nat.add_comm", OTHER, "Nat.sub_self", "held out"),
    ("Nat.other", KEY, "Nat.add_comm", "states what is held out"),
    ("Nat.other", OTHER, "Nat.add_comm", "held-out premise"),
    ("Nat.other", OTHER, "Nat.sub_self", None),
    ("Nat.other", None, None, None),
])
def test_the_reason_to_exclude_a_variant(target, key, lemma, why):
    held_out = HeldOut(frozenset({"Nat.add_comm"}), frozenset({KEY}), frozenset({"Nat.add_comm"}))
    assert held_out.objection(target, key, lemma) == why


def test_without_premises_a_held_out_theorem_may_be_used_as_a_lemma():
    assert HeldOut(frozenset({"Nat.add_comm"}), frozenset({KEY})).objection("Nat.other", OTHER, "Nat.add_comm") is None
