"""What the index finds for a target, beside what Lean accepts: each pair was once missed, or tried in vain."""

import pytest

from lean_alchemy.lean_workspace.workspace import Draft
from lean_alchemy.mutation.kinds import Reach, kinds_within
from lean_alchemy.mutation.search.candidates import Key, Lemmas
from lean_alchemy.mutation.search.classes import Classes


def candidates(engine, target: str, lemma: str, kind: str, at: str, backward: bool):
    """The prepared target, and what the index has of this lemma for it."""
    prepared, number = engine.workspace.target(engine.number(target)), engine.number(lemma)
    keys = [Key(*row) for row in engine.workspace.keys(number, 1).rows]
    index = Lemmas(keys, kinds_within(["rw", "apply"], Reach()), {number}, rules=(), classes=Classes(engine.workspace.instances()))
    names = {site.site: site.name for site in prepared.sites}
    found = index.candidates(engine.number(target), prepared.sites)
    return prepared, [c for c in found if (c.kind, names[c.site], c.backward) == (kind, at, backward)]


@pytest.mark.parametrize(("target", "lemma", "kind", "at", "backward"), [
    pytest.param("Int32.lt_trans", "decide_eq_true", "apply", "h", True, id="a comparison that unfolds to an equation of a decision"),
    pytest.param("Int32.lt_trans", "if_pos", "apply", "h", True, id="a decision is taken for an if"),
    pytest.param("UInt16.toUSize_shiftLeft_of_lt", "Nat.lt_succ_of_le", "apply", "hb", True, id="a closed term that is a number"),
    pytest.param("Int.le_emod_self_add_one_iff", "Int.lt_of_not_ge", "apply", "h", True, id="a numeral that rw and apply read in two ways"),
    pytest.param("UInt16.lt_asymm", "Fin.val_lt_of_le", "apply", "h", True, id="a field below + 1"),
    pytest.param("UInt16.toUSize_shiftLeft_of_lt", "Fin.val_add_one_le_of_lt", "apply", "hb", True, id="a field of what is known"),
    pytest.param("ite_then_self", "Lean.Grind.forall_imp_eq_or", "rw", "conclusion", False, id="a negation is taken for an implication"),
    pytest.param("List.zipIdx_map", "List.zip_map'", "rw", "conclusion", True, id="a function is taken for a fun"),
    pytest.param("Int64.mul_succ", "Id.ext", "apply", "conclusion", False, id="a definition that hands on its argument"),
    pytest.param("Nat.div_eq_iff_eq_mul_left", "Nat.le_add_pred_of_pos", "apply", "H", True, id="a sum of which a summand vanishes"),
    pytest.param("BEq.symm", "Lean.Grind.beq_eq_true_of_eq", "rw", "conclusion", False, id="an instance that is asked for by name"),
    pytest.param("List.head_append", "List.head_append_left", "rw", "conclusion", False, id="any proof stands for any other"),
    pytest.param("exists_idem", "exists_comm", "rw", "conclusion", True, id="a predicate that is no fun"),
    pytest.param("Small.contained", "Small.Box.has_head", "apply", "h", True, id="a Boolean function that hands on to another one"),
])
def test_the_index_finds_what_unification_accepts(engine, target, lemma, kind, at, backward):
    prepared, found = candidates(engine, target, lemma, kind, at, backward)
    assert found
    assert any(isinstance(outcome, Draft) for _, outcome in prepared.attempt(found))


@pytest.mark.parametrize(("target", "lemma", "kind", "at", "backward"), [
    pytest.param("Nat.div_eq_iff_eq_mul_left", "Nat.mul_pos", "apply", "H", True, id="a product is no variable"),
    pytest.param("Nat.div_eq_iff_eq_mul_left", "String.Pos.Raw.byteIdx_lt_byteIdx_next", "apply", "H", True,
                 id="a field of what a function makes is no variable"),
    pytest.param("Nat.div_eq_iff_eq_mul_left", "Nat.mod_lt", "apply", "H", True, id="what stands below + 1 is looked at"),
    pytest.param("Nat.lt_trans", "Nat.pow_lt_pow_left", "apply", "h₁", True, id="a power whose exponent is no number"),
    pytest.param("Nat.mul_pos", "Lean.Grind.Field.inv_zero", "rw", "conclusion", True, id="natural numbers are no field"),
    pytest.param("BEq.symm", "beq_iff_eq", "rw", "conclusion", False, id="a variable of which nothing is known"),
])
def test_the_index_does_not_try_what_cannot_fit(engine, target, lemma, kind, at, backward):
    _, found = candidates(engine, target, lemma, kind, at, backward)
    assert found == []


@pytest.mark.parametrize(("lemma", "uses"), [
    ("Nat.le_of_lt", {("backward", 0, False, 1), ("forward", 1, False, 0)}),
    ("Nat.lt_of_lt_of_le", {("backward", 0, True, 2), ("forward", 1, True, 1), ("forward", 2, True, 1)}),
])
def test_a_key_says_what_using_the_lemma_leaves_open(engine, lemma, uses):
    """Direction, antecedent, are variables left open, and how many antecedents: never the one that the target proves."""
    keys = [Key(*row) for row in engine.workspace.keys(engine.number(lemma), 1).rows]
    assert {(key.direction, key.occurrence, key.data, key.propositions) for key in keys if key.kind == "apply"} == uses


@pytest.mark.parametrize(("lemma", "needs"), [
    pytest.param("BitVec.isLt", "", id="its width stands in the type of a variable, where no token shows it"),
    pytest.param("Nat.lt_pow_self", "# ?0", id="its exponent stands on the other side"),
])
def test_a_power_is_anything_where_its_exponent_may_be_known(engine, lemma, needs):
    keys = [Key(*row) for row in engine.workspace.keys(engine.number(lemma), 1).rows]
    (wild,) = [key for key in keys if (key.kind, key.direction) == ("apply", "backward") and key.tokens.endswith("\t*")]
    assert wild.needs == needs


def test_an_instance_says_which_argument_of_which_class_it_asks_for(engine):
    """`[Pow α β] : HPow α β α`, where the last argument is an output; `[Trans α α α …]`, where a variable stands three times."""
    rows = engine.workspace.instances()
    assert ["HPow", [["Pow", 0]], [["Pow", 1]], "*"] in rows and ["HAppend", "c:Array", "c:List", "*"] in rows
    places = [[need for need in row[1] if need[0] == "Trans"] for row in rows if row[0] == "Trans" and isinstance(row[1], list)]
    assert [["Trans", 0], ["Trans", 1], ["Trans", 2]] in places


def test_an_instance_for_all_values_of_a_predicate_is_one_for_each(engine):
    def instances(name):
        return [row[0] for row in engine.workspace.sites(engine.number(name)).instances]

    assert instances("List.filter_congr") == []
    assert instances("Decidable.not_forall").count("Decidable") == 2
