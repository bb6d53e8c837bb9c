"""The tables of a corpus and of a harvest: their rows as structs. The Arrow schema of a table is derived from its struct."""

import msgspec


class Theorem(msgspec.Struct, frozen=True, kw_only=True):
    """A theorem of the libraries or of what they import. docstring, position (a line, from 1): None where the
    library does not carry them."""

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
    """A mutated theorem that the kernel accepts and that reads back from its text. parents: the ids of the variants
    between the target and this one, whether or not they are in the table themselves; lemma, site and direction are those of
    the last step. near_key: equal for statements that a reader takes for the same. score: see `mutation.score`."""

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
    """A statement that looks like a variant and is false, and the theorem of its negation. lemma, direction: None where
    it was changed without a lemma. statement_key: of the false statement; theorem_key: of its negation."""

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
    """What a tactic of a proof did. variant_id: of the variant that is proved, or None; theorem: the name of the original theorem, or None.
    target: what is kept out with it. form: of a variant `proof`, as it stands in the corpus, `goal-directed` or
    `inlined`; of a theorem `harvest`, `written` or `traced`. step: from 0. state_before,
    state_after: all goals as Lean prints them, the last one `no goals`. premises: theorems and definitions that the tactic names."""

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
    """A proof of a theorem of the library. round: from 1; a proof uses theorems of its own module only where these were proved in an
    earlier round. line: of the portfolio; `written` or `traced` of a person's. text: the theorem and its proof, under a name of its own; of
    a traced one as its source has it. premises: theorems and definitions that the tactics name."""

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
    """What was tried and not kept. Attempts that Lean refused, and targets set aside, have no lemma: n counts them."""

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
