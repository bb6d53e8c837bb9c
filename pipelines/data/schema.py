"""The tables of a corpus and of a harvest. Each struct is a row, and the Arrow schema of the table is derived from it."""

import msgspec


class Theorem(msgspec.Struct, frozen=True, kw_only=True):
    """A theorem of the libraries or of their imports. position: a line, from 1. docstring and position are None if the library does not
    contain them."""

    name: str
    library: str
    module: str
    module_index: int
    statement: str | None
    level_params: list[str]
    tags: list[str]
    statement_key: str | None
    docstring: str | None
    position: int | None


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """A mutated theorem. The kernel accepts its proof, and its text elaborates to the same statement. parents: the ids of the variants
    between the target and this one, whether or not they are in the table; lemma, site and direction are those of the last step. near_key:
    equal for statements that are the same up to notation and symmetry, see `mutation.terms.near_key`. score: see
    `mutation.policy.score`."""

    variant_id: str
    target: str
    library: str
    module: str
    toolchain: str
    kind: str
    site: str
    lemma: str
    direction: str
    occurrence: int
    depth: int
    parents: list[str]
    statement: str
    proof: str
    theorem: str
    statement_key: str
    kernel_checked: bool
    elaborated: bool
    print_options: list[str]
    axioms: list[str]
    elapsed_ms: float
    near_key: str
    score: float


class Refuted(msgspec.Struct, frozen=True, kw_only=True):
    """A false statement that looks like a variant, and the theorem of its negation. lemma, direction: None if it was changed without a
    lemma. statement_key: the key of the false statement. theorem_key: the key of its negation."""

    refuted_id: str
    target: str
    library: str
    module: str
    toolchain: str
    kind: str
    site: str
    lemma: str | None
    direction: str | None
    occurrence: int
    change: str
    statement: str
    counterexample: str
    proof: str
    theorem: str
    statement_key: str
    theorem_key: str
    kernel_checked: bool
    print_options: list[str]
    axioms: list[str]
    elapsed_ms: float


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One tactic of a proof, with the goal states before and after it. variant_id: the variant that is proved, or None. theorem: the name
    of the library's theorem that is proved, or None. target: the theorem whose hold-out also excludes this row. form: of a variant `proof`
    (as in the table `variants`), `goal-directed` or `inlined`; of a theorem `harvest`, `written` or `traced`. step: from 0. state_before,
    state_after: all goals as Lean prints them; the last one is `no goals`. premises: theorems and definitions that the tactic names."""

    variant_id: str | None
    theorem: str | None
    target: str
    module: str
    form: str
    step: int
    state_before: str
    tactic: str
    state_after: str
    premises: list[str]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A proof of a theorem of the library. round: from 1; a proof may use theorems of its own module if they were proved in an earlier
    round. line: the line of the portfolio that found it; `written` or `traced` for a proof by a person. text: the theorem and its proof
    under a new name; for a traced proof, as in the source. premises: theorems and definitions that the tactics name."""

    theorem: str
    module: str
    round: int
    line: str
    statement: str
    level_params: list[str]
    tactics: list[str]
    text: str
    axioms: list[str]
    premises: list[str]


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """A rejected attempt, or `n` of them. Attempts that Lean refused, and rejected targets, have no lemma and are only counted."""

    target: str
    library: str
    module: str
    stage: str
    reason: str
    n: int = 1
    variant_id: str | None = None
    kind: str | None = None
    site: str | None = None
    lemma: str | None = None
    direction: str | None = None
    occurrence: int | None = None
    depth: int = 1
    message: str | None = None
