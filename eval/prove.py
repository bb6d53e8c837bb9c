"""*eval*: problems and a prover in; a result for each problem out.

A worker holds an engine and the prover and runs several searches at once, so that a model gets batches of states. A proof that is found is
written out and replayed from the start, and at the end replayed again in a fresh engine. Only then does it count. A problem whose engine
died has a failure instead of a result.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import msgspec

from lean_alchemy.eval.benchmarks import Problem, Suite
from lean_alchemy.eval.first_states import Environment, Environments, chunked
from lean_alchemy.eval.prover import Prover, Query, ScoredTactic, Spec, distinct
from lean_alchemy.eval.provers.choose import prover_of
from lean_alchemy.eval.provers.context import Context
from lean_alchemy.eval.search import Child, Node, Search, TacticResult
from lean_alchemy.lean_workspace.gym import Advanced, Closed, GymStatement, InSource, NotOpened, NotReplayed, Proved, Refused, State, proves
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.pipelines.runtime import runner
from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.open_lean import sized
from lean_alchemy.pipelines.runtime.runner import Retries
from lean_alchemy.pipelines.runtime.stage import Failure, Report, Shard, Stage, Sums

SEARCHES_AT_ONCE = 8
"""Searches that a worker runs at once: the largest batch of states for the prover."""

PROBLEMS_PER_SHARD = 8
"""Problems in a shard: what is lost when a worker dies."""

Ending = Literal["proved", "refuted", "stuck", "out of budget", "not opened", "not verified"]
"""refuted: the negation was proved. stuck: no state was left to expand. not opened: Lean can't read the statement here. not verified: a
proof was found, but its replay failed."""


class Budget(msgspec.Struct, frozen=True):
    """The budget for one theorem. expansions: states to expand. candidates: tactics to try on each. heartbeats: thousands, per tactic."""

    expansions: int
    candidates: int
    heartbeats: int


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one problem. ending: see `Ending`. message: why, where there is a reason. statement: what to prove. proof: the text of
    the theorem with its proof. tactics: of the proof, in order. tried: number of tactics tried; refused: of these, rejected by Lean;
    unparsed: of these, with syntax errors. lean_seconds, model_seconds: time in Lean and in the prover, of a batch its share; seconds: in
    all."""

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


class SearchSettings(msgspec.Struct, frozen=True):
    """The settings that a result depends on. model: see `eval.evaluate.model_digest`."""

    job: Job
    spec: Spec
    budget: Budget
    seed: int
    negate: bool
    model: str


class Clock:
    """A stopwatch: sums the seconds of all `running` blocks."""

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
    """A running search and its statistics. The clocks `lean` and `prover` measure parts of `all`."""

    def __init__(self, problem: Problem, statement: str | None, start: State):
        self.problem, self.statement, self.start = problem, statement, start
        self.search = Search(_child(start))
        self.tried = self.refused = self.unparsed = 0
        self.lean, self.prover, self.all = Clock(), Clock(), Clock()

    def result(self, end: "SearchEnd") -> Result:
        return Result(
            name=self.problem.name, module=self.problem.module, ending=end.ending, message=end.message, statement=self.statement,
            proof=end.proved.theorem if end.proved else None, tactics=end.tactics,
            axioms=list(end.proved.axioms) if end.proved else [], expansions=self.search.expansions, tried=self.tried,
            refused=self.refused, unparsed=self.unparsed, lean_seconds=round(self.lean.seconds, 4),
            model_seconds=round(self.prover.seconds, 4), seconds=round(self.all.seconds, 4))


def not_opened(problem: Problem, error: Exception, seconds: float) -> Result:
    """The result of a problem without a first state. error: why. seconds: spent in Lean."""
    return Result(
        name=problem.name, module=problem.module, ending="not opened", message=str(error), statement=problem.statement, proof=None,
        tactics=[], axioms=[], expansions=0, tried=0, refused=0, unparsed=0, lean_seconds=round(seconds, 4), model_seconds=0.0,
        seconds=round(seconds, 4))


class FailedSearch(msgspec.Struct, frozen=True):
    """A search without a result, because its engine died."""

    problem: Problem
    error: Exception


class SearchEnd(msgspec.Struct, frozen=True):
    """How a search ended. proved, tactics: of the proof, where there is one."""

    ending: Ending
    message: str | None = None
    proved: Proved | None = None
    tactics: list[str] = []


def _child(state: State) -> Child:
    """States with the same text are one, unless goals share metavariables: the text does not show what these depend on."""
    return Child(state.goals if state.independent else None, state)


class Examiner:
    """Runs a prover on problems of one environment."""

    def __init__(self, environment: Environment, prover: Prover, budget: Budget):
        self._environment, self._gym, self._prover, self._budget = environment, environment.gym, prover, budget
        self._expansions = min(budget.expansions, prover.expansions or budget.expansions)

    def examine(self, problems: Sequence[Problem]) -> Iterator[Result | FailedSearch]:
        """A result for each problem, in the order in which they end."""
        waiting, running = deque(problems), list[Attempt]()
        while waiting or running:
            while waiting and len(running) < SEARCHES_AT_ONCE:
                started = self._start(waiting.popleft())
                if isinstance(started, Attempt):
                    running.append(started)
                else:
                    yield started
            batch = []
            for attempt in list(running):
                with attempt.all.running():
                    node = attempt.search.next() if attempt.search.expansions < self._expansions else None
                if node is not None:
                    batch.append((attempt, node))
                    continue
                running.remove(attempt)
                yield attempt.result(SearchEnd("stuck" if attempt.search.ending == "stuck" else "out of budget"))
            for (attempt, node), candidates in zip(batch, self._proposed(batch), strict=True):
                with attempt.all.running():
                    end = self._expand(attempt, node, distinct(candidates))
                if end is not None:
                    running.remove(attempt)
                    yield end if isinstance(end, FailedSearch) else attempt.result(end)

    def _start(self, problem: Problem) -> Attempt | Result | FailedSearch:
        clock = Clock()
        try:
            with clock.running():
                statement = self._environment.start_of(problem)
                state = self._gym.start(statement)
        except EngineDied as error:
            return FailedSearch(problem, error)
        except (NotOpened, EngineRefused) as error:
            return not_opened(problem, error, clock.seconds)
        attempt = Attempt(problem, self._environment.text_of(problem, statement), state)
        attempt.lean.seconds = attempt.all.seconds = clock.seconds
        return attempt

    def _proposed(self, batch: Sequence[tuple[Attempt, Node]]) -> list[list[ScoredTactic]]:
        """The prover's candidates for each node. Each attempt is charged an equal share of the time."""
        if not batch:
            return []
        clock = Clock()
        with clock.running():
            queries = [Query(attempt.problem, node.state, self._gym) for attempt, node in batch]
            proposed = self._prover.propose(queries, self._budget.candidates)
        for attempt, _ in batch:
            attempt.prover.seconds += clock.seconds / len(batch)
            attempt.all.seconds += clock.seconds / len(batch)
        return proposed

    def _expand(self, attempt: Attempt, node: Node, candidates: Sequence[ScoredTactic]) -> SearchEnd | FailedSearch | None:
        """Tries the candidates, the best first, until one closes the state. None if the search goes on."""
        try:
            attempt.search.expand(node, list(self._results(attempt, node.state, candidates)))
            return self._replayed(attempt) if attempt.search.ending == "proved" else None
        except (EngineDied, NotReplayed) as error:
            return FailedSearch(attempt.problem, error)

    def _results(self, attempt: Attempt, state: State, candidates: Sequence[ScoredTactic]) -> Iterator[TacticResult]:
        for candidate in candidates:
            attempt.tried += 1
            with attempt.lean.running():
                outcome = self._gym.step(state, candidate.tactic, self._budget.heartbeats)
                children = self._children(outcome.state) if isinstance(outcome, Advanced) else []
            if isinstance(outcome, Advanced | Proved | Closed):
                yield TacticResult(candidate.tactic, candidate.log_prob, children)
            else:
                attempt.refused += 1
                attempt.unparsed += isinstance(outcome, Refused) and outcome.stage == "parse"
            if isinstance(outcome, Proved | Closed):
                return

    def _children(self, state: State) -> list[Child]:
        """One child for each goal if the goals are independent; else one for the whole state."""
        if not state.independent or len(state.goals) == 1:
            return [_child(state)]
        return [_child(self._gym.focus(state, number)) for number in range(len(state.goals))]

    def _replayed(self, attempt: Attempt) -> SearchEnd:
        """Replays the proof from the start, in the form in which it is written out."""
        tactics = attempt.search.proof()
        with attempt.lean.running():
            played = list(self._gym.play(attempt.start, tactics, self._budget.heartbeats))
        last = played[-1].outcome
        if not isinstance(last, Proved):
            return SearchEnd("not verified", str(last), tactics=tactics)
        return SearchEnd("proved", proved=last, tactics=tactics)


class EvalTally(Sums):
    """endings: number of results by ending."""

    endings: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def note(self) -> str:
        proved, results = self.endings.get("proved", 0), sum(self.endings.values())
        return f"{proved:,} of {results:,} proved ({proved / max(1, results):.1%})"


class Solver:
    """A worker of *eval*: holds engines and the prover."""

    def __init__(self, settings: SearchSettings):
        self._settings, self._environments = settings, Environments(settings.job)
        self._prover = prover_of(settings.spec, Context(lambda: self._environments.workspace, self._environments.catalogue, settings.seed))

    def __call__(self, items: Sequence[Problem]) -> Iterator[Result | EvalTally]:
        """items: problems of one environment. Raises EngineDied or NotReplayed if a problem kills its engine twice."""
        for result in self._results(items):
            yield result
            yield EvalTally(endings={result.ending: 1})

    def close(self) -> None:
        self._prover.close()
        self._environments.close()

    def _results(self, problems: Sequence[Problem]) -> Iterator[Result]:
        try:
            environment = self._environments.of(problems)
        except EngineRefused as error:
            yield from (not_opened(problem, error, 0.0) for problem in problems)
            return
        examiner = Examiner(environment, self._prover, self._settings.budget)
        by_name = {problem.name: problem for problem in problems}
        for result in examiner.examine(problems):
            if isinstance(result, FailedSearch):  # retry it alone
                (result,) = examiner.examine([result.problem])
            if isinstance(result, FailedSearch):
                raise result.error
            yield self._refuted(result, by_name[result.name], environment) if self._settings.negate else result

    def _refuted(self, result: Result, problem: Problem, environment: Environment) -> Result:
        """The result `refuted` if decision procedures prove the negation of what was not proved; else the same result."""
        if result.ending not in ("stuck", "out of budget"):
            return result
        try:
            start = environment.gym.start(negated(environment, problem))
            outcome = environment.gym.step(start, REFUTERS, self._settings.budget.heartbeats)
        except (NotOpened, EngineRefused):
            return result
        if not isinstance(outcome, Proved):
            return result
        return msgspec.structs.replace(result, ending="refuted", proof=outcome.theorem, axioms=list(outcome.axioms), tactics=[REFUTERS])


def negated(environment: Environment, problem: Problem) -> GymStatement:
    """The negation of a problem's statement. Raises NotOpened, also for a theorem in its source, of which there is no closed statement."""
    statement = environment.start_of(problem)
    if isinstance(statement, InSource):
        raise NotOpened("the negation of a theorem in its source can't be stated")
    return environment.gym.negation(statement)


REFUTERS = "first | decide | omega | simp_all | grind"


PROVE = Stage(name="eval", version=1, worker=Solver, tally=EvalTally, tables={"results": Result}, memory_gb=3.0,
              name_of=lambda problem: problem.name)


class Claim(msgspec.Struct, frozen=True):
    """A proof that was found, to be verified in a fresh engine."""

    problem: Problem
    tactics: list[str]
    is_refutation: bool


class NotVerified(msgspec.Struct, frozen=True):
    """A problem whose proof fails in a fresh engine."""

    name: str


class Checker:
    """A worker that verifies proofs, in an engine that found none of them."""

    def __init__(self, settings: SearchSettings):
        self._settings, self._environments = settings, Environments(settings.job)

    def __call__(self, items: Sequence[Claim]) -> Iterator[NotVerified]:
        """items: proofs of problems of one environment."""
        try:
            environment = self._environments.of([claim.problem for claim in items])
        except EngineRefused:  # the source can't be read any more
            yield from (NotVerified(claim.problem.name) for claim in items)
            return
        for claim in items:
            if not self._holds(claim, environment):
                yield NotVerified(claim.problem.name)

    def close(self) -> None:
        self._environments.close()

    def _holds(self, claim: Claim, environment: Environment) -> bool:
        try:
            statement = negated(environment, claim.problem) if claim.is_refutation else environment.start_of(claim.problem)
            start = environment.gym.start(statement)
        except (NotOpened, EngineRefused):
            return False
        return proves(list(environment.gym.play(start, claim.tactics, self._settings.budget.heartbeats)))


CHECK = Stage(name="eval-check", version=1, worker=Checker, tables={"not_verified": NotVerified}, name_of=lambda claim: claim.problem.name)


def prove(settings: SearchSettings, suite: Suite, workers: int, report: Report, retries: Retries) -> tuple[list[Result], list[Failure]]:
    """The results of a suite, sorted by name, and a failure for each problem without one, because engines died. Call it inside
    `pool.cluster`."""
    job = settings.job
    identity = (settings.spec, settings.budget, settings.seed, settings.negate, settings.model)
    chunks = chunked(job.library, suite.problems, PROBLEMS_PER_SHARD)
    shards = [Shard(job.key(PROVE, *identity, chunk), chunk) for chunk in chunks]
    ran = runner.run(job, sized(PROVE, job.library), settings, shards, workers, report, retries=retries, note=lambda tally: tally.note)
    failures = ran.failures
    results_by_shard = [runner.rows(job, PROVE, shard, "results", failures) for shard in shards]
    claims_by_shard = [_claims(chunk, results) for chunk, results in zip(chunks, results_by_shard, strict=True)]
    checks = [Shard(job.key(CHECK, settings.budget, claims), claims) for claims in claims_by_shard if claims]
    checked = runner.run(job, sized(CHECK, job.library), settings, checks, workers, report, retries=retries, label="verify")
    failures += checked.failures
    not_verified = {row.name for shard in checks for row in runner.rows(job, CHECK, shard, "not_verified", failures)}
    unchecked = {failure.item for failure in failures if failure.stage == CHECK.name}
    results = [_checked(result, not_verified) for results in results_by_shard for result in results if result.name not in unchecked]
    return sorted(results, key=lambda result: result.name), failures


def _claims(problems: Sequence[Problem], results: Sequence[Result]) -> list[Claim]:
    by_name = {problem.name: problem for problem in problems}
    return [Claim(by_name[result.name], result.tactics, result.ending == "refuted")
            for result in results if result.ending in ("proved", "refuted")]


def _checked(result: Result, not_verified: set[str]) -> Result:
    return msgspec.structs.replace(result, ending="not verified") if result.name in not_verified else result
