"""*eval*: problems and a prover go in; how each of the problems ended comes out.

A worker holds an engine and the prover, and has several searches open at once: the prover is asked for all of them together, which is what
a model wants. What is found is written out as a proof, played from the start, and played again in the end in a fresh engine; only then does
it count. A problem whose engine died is a failure, and no result.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import msgspec

from lean_alchemy.eval.benchmarks import Problem, Suite
from lean_alchemy.eval.first_states import Place, Places, chunked
from lean_alchemy.eval.prover import Candidate, Prover, Query, Spec, distinct
from lean_alchemy.eval.provers.choose import prover_of
from lean_alchemy.eval.provers.context import Context
from lean_alchemy.eval.search import Child, Found, Node, Search
from lean_alchemy.lean_workspace.gym import Advanced, Closed, NotOpened, NotReplayed, Proved, Refused, State, Statement, Written, proves
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.pipelines.runtime import runner
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.lean import sized
from lean_alchemy.pipelines.runtime.runner import Retries
from lean_alchemy.pipelines.runtime.stage import Failure, Report, Shard, Stage, Sums

AT_ONCE = 8
"""Searches that a worker has open."""

SHARD = 8
"""Problems that are lost where a worker dies."""

Ending = Literal["proved", "refuted", "stuck", "out of budget", "not opened", "not verified"]
"""refuted: the negation was proved. stuck: nothing was left to try. not opened: the benchmark's statement does not read back here. not
verified: a proof was found, and does not hold as a text."""


class Budget(msgspec.Struct, frozen=True):
    """For one theorem. expansions: states that are expanded. candidates: tactics that are tried on each. heartbeats: thousands, for one
    tactic."""

    expansions: int
    candidates: int
    heartbeats: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a problem ended. statement: what was to be proved. proof: the whole text; tactics: one after the other. tried: tactics;
    refused: of these, by Lean; unparsed: of these, what is no tactic. lean_seconds, model_seconds: what the search spent there, its share
    of what was asked for several at once; seconds: in all."""

    name: str
    module: str
    ending: str
    message: str | None
    statement: str | None
    proof: str | None
    tactics: list[str]
    axioms: list[str]
    expansions: int
    tried: int
    refused: int
    unparsed: int
    lean_seconds: float
    model_seconds: float
    seconds: float


class Settings(msgspec.Struct, frozen=True):
    """What the results of a problem depend on. model: a digest of the prover's files."""

    job: Job
    spec: Spec
    budget: Budget
    seed: int
    refute: bool
    model: str


class Clock:
    """Seconds, while it runs."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - start


class Attempt:
    """The search for one proof, and what it spent: `lean` and `prover` are parts of `all`."""

    def __init__(self, problem: Problem, statement: str | None, start: State):
        self.problem, self.statement, self.start = problem, statement, start
        self.search = Search(_child(start))
        self.tried = self.refused = self.unparsed = 0
        self.lean, self.prover, self.all = Clock(), Clock(), Clock()

    def result(self, ended: "Ended") -> Result:
        return Result(
            name=self.problem.name, module=self.problem.module, ending=ended.ending, message=ended.message, statement=self.statement,
            proof=ended.proved.theorem if ended.proved else None, tactics=ended.tactics,
            axioms=list(ended.proved.axioms) if ended.proved else [], expansions=self.search.expansions, tried=self.tried,
            refused=self.refused, unparsed=self.unparsed, lean_seconds=round(self.lean.seconds, 4),
            model_seconds=round(self.prover.seconds, 4), seconds=round(self.all.seconds, 4))


def not_begun(problem: Problem, error: Exception, seconds: float) -> Result:
    """Of a problem that has no first state."""
    return Result(
        name=problem.name, module=problem.module, ending="not opened", message=str(error), statement=problem.statement, proof=None,
        tactics=[], axioms=[], expansions=0, tried=0, refused=0, unparsed=0, lean_seconds=round(seconds, 4), model_seconds=0.0,
        seconds=round(seconds, 4))


class Died(msgspec.Struct, frozen=True):
    """A search whose engine died; it has no result."""

    problem: Problem
    error: Exception


class Ended(msgspec.Struct, frozen=True):
    ending: Ending
    message: str | None = None
    proved: Proved | None = None
    tactics: list[str] = []


def _child(state: State) -> Child:
    """States that read alike are one, unless they hold metavariables: what these stand for is not to be read."""
    return Child(state.goals if state.apart else None, state)


class Examiner:
    """Puts a prover to problems in a gym."""

    def __init__(self, place: Place, prover: Prover, budget: Budget):
        self._place, self._gym, self._prover, self._budget = place, place.gym, prover, budget
        self._expansions = min(budget.expansions, prover.expansions or budget.expansions)

    def examine(self, problems: Sequence[Problem]) -> Iterator[Result | Died]:
        """A result for each, as they end."""
        waiting, running = deque(problems), list[Attempt]()
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                begun = self._begin(waiting.popleft())
                if isinstance(begun, Attempt):
                    running.append(begun)
                else:
                    yield begun
            taken = []
            for attempt in list(running):
                with attempt.all.running():
                    node = attempt.search.next() if attempt.search.expansions < self._expansions else None
                if node is not None:
                    taken.append((attempt, node))
                    continue
                running.remove(attempt)
                yield attempt.result(Ended("stuck" if attempt.search.ending == "stuck" else "out of budget"))
            for (attempt, node), candidates in zip(taken, self._proposed(taken), strict=True):
                with attempt.all.running():
                    ended = self._expand(attempt, node, distinct(candidates))
                if ended is not None:
                    running.remove(attempt)
                    yield ended if isinstance(ended, Died) else attempt.result(ended)

    def _begin(self, problem: Problem) -> Attempt | Result | Died:
        clock = Clock()
        try:
            with clock.running():
                begun = self._place.start_of(problem)
                start = self._gym.start(begun)
        except EngineDied as error:
            return Died(problem, error)
        except (NotOpened, EngineRefused) as error:
            return not_begun(problem, error, clock.seconds)
        attempt = Attempt(problem, self._place.text_of(problem, begun), start)
        attempt.lean.seconds = attempt.all.seconds = clock.seconds
        return attempt

    def _proposed(self, taken: Sequence[tuple[Attempt, Node]]) -> list[list[Candidate]]:
        """For all in one go; each attempt bears its share of the time."""
        if not taken:
            return []
        clock = Clock()
        with clock.running():
            queries = [Query(attempt.problem, node.state, self._gym) for attempt, node in taken]
            proposed = self._prover.propose(queries, self._budget.candidates)
        for attempt, _ in taken:
            attempt.prover.seconds += clock.seconds / len(taken)
            attempt.all.seconds += clock.seconds / len(taken)
        return proposed

    def _expand(self, attempt: Attempt, node: Node, candidates: Sequence[Candidate]) -> Ended | Died | None:
        """Tries the candidates, the best first, until one closes the state. How the theorem ended by it, if it did."""
        try:
            attempt.search.expand(node, list(self._tried(attempt, node.state, candidates)))
            return self._written(attempt) if attempt.search.ending == "proved" else None
        except (EngineDied, NotReplayed) as error:
            return Died(attempt.problem, error)

    def _tried(self, attempt: Attempt, state: State, candidates: Sequence[Candidate]) -> Iterator[Found]:
        for candidate in candidates:
            attempt.tried += 1
            with attempt.lean.running():
                outcome = self._gym.step(state, candidate.tactic, self._budget.heartbeats)
                children = self._parts(outcome.state) if isinstance(outcome, Advanced) else []
            if isinstance(outcome, Advanced | Proved | Closed):
                yield Found(candidate.tactic, candidate.log_prob, children)
            else:
                attempt.refused += 1
                attempt.unparsed += isinstance(outcome, Refused) and outcome.stage == "parse"
            if isinstance(outcome, Proved | Closed):
                return

    def _parts(self, state: State) -> list[Child]:
        """Goals that know nothing of each other, each by itself."""
        if not state.apart or len(state.goals) == 1:
            return [_child(state)]
        return [_child(self._gym.focus(state, number)) for number in range(len(state.goals))]

    def _written(self, attempt: Attempt) -> Ended:
        """The proof as it will stand, played from the start."""
        tactics = attempt.search.proof()
        with attempt.lean.running():
            played = list(self._gym.play(attempt.start, tactics, self._budget.heartbeats))
        if not proves(played):
            return Ended("not verified", str(played[-1].outcome), tactics=tactics)
        return Ended("proved", proved=played[-1].outcome, tactics=tactics)


class EvalTally(Sums):
    """results: of problems, by ending."""

    endings: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def note(self) -> str:
        proved, results = self.endings.get("proved", 0), sum(self.endings.values())
        return f"{proved:,} of {results:,} proved ({proved / max(1, results):.1%})"


class Solver:
    """Holds engines and the prover; works on problems of one place."""

    def __init__(self, settings: Settings):
        self._settings, self._places = settings, Places(settings.job)
        self._prover = prover_of(settings.spec, Context(lambda: self._places.workspace, self._places.catalogue, settings.seed))

    def __call__(self, items: Sequence[Problem]) -> Iterator[Result | EvalTally]:
        """items: problems that begin in the same place. Raises EngineDied, NotReplayed where an engine died of a problem twice."""
        for result in self._results(items):
            yield result
            yield EvalTally(endings={result.ending: 1})

    def close(self) -> None:
        self._prover.close()
        self._places.close()

    def _results(self, problems: Sequence[Problem]) -> Iterator[Result]:
        try:
            place = self._places.of(problems)
        except EngineRefused as error:
            yield from (not_begun(problem, error, 0.0) for problem in problems)
            return
        examiner = Examiner(place, self._prover, self._settings.budget)
        by_name = {problem.name: problem for problem in problems}
        for found in examiner.examine(problems):
            if isinstance(found, Died):  # once more, alone
                (found,) = examiner.examine([found.problem])
            if isinstance(found, Died):
                raise found.error
            yield self._refuted(found, by_name[found.name], place) if self._settings.refute else found

    def _refuted(self, result: Result, problem: Problem, place: Place) -> Result:
        """The result, unless its negation is proved by a few decision procedures."""
        if result.ending not in ("stuck", "out of budget"):
            return result
        try:
            start = place.gym.start(negated(place, problem))
            outcome = place.gym.step(start, REFUTERS, self._settings.budget.heartbeats)
        except (NotOpened, EngineRefused):
            return result
        if not isinstance(outcome, Proved):
            return result
        return msgspec.structs.replace(result, ending="refuted", proof=outcome.theorem, axioms=list(outcome.axioms), tactics=[REFUTERS])


def negated(place: Place, problem: Problem) -> Statement:
    """Raises NotOpened: what stands in a source has no words of its own."""
    statement = place.start_of(problem)
    if isinstance(statement, Written):
        raise NotOpened("a theorem in its source has no negation")
    return place.gym.negation(statement)


REFUTERS = "first | decide | omega | simp_all | grind"


PROVE = Stage(name="eval", version=1, worker=Solver, tally=EvalTally, tables={"results": Result}, memory_gb=3.0,
              name_of=lambda problem: problem.name)


class Claim(msgspec.Struct, frozen=True):
    """A proof that was found, to be played once more."""

    problem: Problem
    tactics: list[str]
    is_refutation: bool


class NotVerified(msgspec.Struct, frozen=True):
    """A proof that does not hold in a fresh engine."""

    name: str


class Checker:
    """Plays proofs in an engine that has found none of them."""

    def __init__(self, settings: Settings):
        self._settings, self._places = settings, Places(settings.job)

    def __call__(self, items: Sequence[Claim]) -> Iterator[NotVerified]:
        """items: of problems that begin in the same place."""
        try:
            place = self._places.of([claim.problem for claim in items])
        except EngineRefused:  # its source can't be read again
            yield from (NotVerified(claim.problem.name) for claim in items)
            return
        for claim in items:
            if not self._holds(claim, place):
                yield NotVerified(claim.problem.name)

    def close(self) -> None:
        self._places.close()

    def _holds(self, claim: Claim, place: Place) -> bool:
        try:
            start = place.gym.start(negated(place, claim.problem) if claim.is_refutation else place.start_of(claim.problem))
        except (NotOpened, EngineRefused):
            return False
        return proves(list(place.gym.play(start, claim.tactics, self._settings.budget.heartbeats)))


CHECK = Stage(name="eval-check", version=1, worker=Checker, tables={"not_verified": NotVerified}, name_of=lambda claim: claim.problem.name)


def prove(settings: Settings, suite: Suite, workers: int, report: Report, retries: Retries) -> tuple[list[Result], list[Failure]]:
    """How each problem of the suite ended, by name, and the problems that have no result because engines died. In a cluster that is there
    (`pool.cluster`)."""
    job = settings.job
    what = (settings.spec, settings.budget, settings.seed, settings.refute, settings.model)
    chunks = chunked(job.library, suite.problems, SHARD)
    shards = [Shard(job.key(PROVE, *what, chunk), chunk) for chunk in chunks]
    ran = runner.run(job, sized(PROVE, job.library), settings, shards, workers, report, retries=retries, note=lambda tally: tally.note)
    found = [runner.rows(job, PROVE, shard, "results") for shard in shards]
    claims = [_claims(chunk, results) for chunk, results in zip(chunks, found, strict=True)]
    checks = [Shard(job.key(CHECK, settings.budget, some), some) for some in claims if some]
    checked = runner.run(job, sized(CHECK, job.library), settings, checks, workers, report, retries=retries, label="verify")
    not_verified = {row.name for shard in checks for row in runner.rows(job, CHECK, shard, "not_verified")}
    unchecked = {failure.item for failure in checked.failures}
    results = [_checked(result, not_verified) for results in found for result in results if result.name not in unchecked]
    return sorted(results, key=lambda result: result.name), ran.failures + checked.failures


def _claims(problems: Sequence[Problem], results: Sequence[Result]) -> list[Claim]:
    by_name = {problem.name: problem for problem in problems}
    return [Claim(by_name[result.name], result.tactics, result.ending == "refuted")
            for result in results if result.ending in ("proved", "refuted")]


def _checked(result: Result, not_verified: set[str]) -> Result:
    return msgspec.structs.replace(result, ending="not verified") if result.name in not_verified else result
