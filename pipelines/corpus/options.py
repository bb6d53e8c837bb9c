"""The options of `synthesize` that a corpus depends on."""

from collections.abc import Sequence

import msgspec

from lean_alchemy.mutation.kinds import BY_NAME, Reach
from lean_alchemy.mutation.policy.rules import EVERYTHING, Policy, policy_without
from lean_alchemy.pipelines.runtime.job import JobOptions
from lean_alchemy.pipelines.runtime.manifest import UsageError


class TargetOptions(JobOptions, frozen=True, kw_only=True):
    """Which theorems are the targets. targets: their number; None: all. target: their names, instead of a random sample. skip_target:
    names that are always skipped."""

    targets: int | None
    seed: int = 0
    target: list[str] = msgspec.field(default_factory=list)
    module: str | None = None
    skip_target: list[str] = msgspec.field(default_factory=list)

    def may_differ(self) -> set[str]:
        return {"targets", "skip_target"}

    def require_growth(self, counts: dict[str, int]) -> None:
        if self.targets is not None and counts["targets"] > self.targets + len(self.skip_target):
            raise UsageError(f"OUT has {counts['targets']} targets already; give --targets at least that number, or use another folder")


class Options(TargetOptions, frozen=True, kw_only=True):
    """forward, side_conditions, occurrences, new_variables: mutations beyond the paper, see `mutation.kinds.Reach`. without: parts of the
    policy that are switched off, see `mutation.policy.rules.POLICY_PARTS`. held_out: digest of the held-out file. held_out_premises: are
    the held-out theorems also excluded as lemmas? refute: also make the table `refuted`; the other tables do not change."""

    kinds: list[str]
    forward: bool = True
    side_conditions: bool = True
    occurrences: bool = True
    new_variables: bool = True
    depth: int = 1
    keep_all: bool = False
    without: list[str] = msgspec.field(default_factory=list)
    target_cap: int | None = Policy().target_cap
    foreign_cap: int | None = Policy().foreign_cap
    lemma_cap: int | None = Policy().lemma_cap
    held_out: str | None = None
    held_out_premises: bool = False
    refute: bool = False

    def may_differ(self) -> set[str]:
        return super().may_differ() | ({"refute"} if self.refute else set())

    @property
    def reach(self) -> Reach:
        return Reach(forward=self.forward, side_conditions=self.side_conditions, occurrences=self.occurrences,
                     new_variables=self.new_variables)

    @property
    def policy(self) -> Policy:
        """The quality rules and caps. Raises UsageError for a rule that does not exist."""
        if self.keep_all:
            return EVERYTHING
        try:
            return policy_without(self.without, Policy(
                target_cap=self.target_cap, foreign_cap=self.foreign_cap, lemma_cap=self.lemma_cap))
        except ValueError as error:
            raise UsageError(str(error)) from None

    def of_variants(self) -> dict[str, object]:
        """The options on which the variants of a target depend."""
        return {"kinds": sorted(self.kinds), "reach": msgspec.structs.asdict(self.reach), "keep_all": self.keep_all,
                "without": sorted(self.without), "target_cap": self.target_cap, "foreign_cap": self.foreign_cap, "depth": self.depth}


def named_kinds(names: Sequence[str]) -> list[str]:
    """The kinds of these names, in the order in which they are defined. Raises UsageError for a name that is none."""
    unknown = [name for name in names if name not in BY_NAME]
    if unknown or not names:
        raise UsageError(f"there is no kind {', '.join(unknown) or repr('')}; there are {', '.join(BY_NAME)}")
    return [name for name in BY_NAME if name in names]
