"""*eval*: problems and a prover go in; how each of the problems ended comes out.

A worker holds an engine and the prover, and has several searches open at once: the prover is asked for all of them in one go, which is what
a model wants. What is found is written out as a proof, played from the start, and played again in the end in a fresh engine; only then does
it count. What is done is kept, chunk by chunk, below `OUT/.work`.
"""

import hashlib
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from lean_alchemy.eval import first_states as places_
from lean_alchemy.eval import prover as prover_
from lean_alchemy.eval import search as search_
from lean_alchemy.eval.benchmarks import Problem, Suite
from lean_alchemy.eval.first_states import Place, Places, chunked
from lean_alchemy.eval.prover import Candidate, Context, Prover, Query, Spec, distinct, prover_of
from lean_alchemy.eval.search import Child, Found, Node, Search
from lean_alchemy.lean_workspace import file_proofs as written
from lean_alchemy.lean_workspace import gym, native, portfolio
from lean_alchemy.lean_workspace.gym import Advanced, Closed, NotOpened, NotReplayed, Proved, Refused, State, Statement, Written, proves
from lean_alchemy.lean_workspace.process import EngineDied, EngineRefused
from lean_alchemy.pipelines.data import tables
from lean_alchemy.pipelines.premises import suggestions as advice
from lean_alchemy.pipelines.proofs import written as record
from lean_alchemy.pipelines.runtime import pool
from lean_alchemy.pipelines.runtime.job import Job, stage_digest
from lean_alchemy.pipelines.runtime.lean import sized
from lean_alchemy.pipelines.runtime.stage import History, Report, Stage
from lean_alchemy.pipelines.runtime.storage import Location, make, remove, write_whole
from lean_alchemy.training import prompt

AT_ONCE = 8
"""Searches that a worker has open."""

CHUNK = 8
"""Problems that are lost where a worker dies."""

Ending = Literal["proved", "refuted", "stuck", "out of budget", "engine died", "not opened", "not verified"]
"""refuted: the negation was proved. stuck: nothing was left to try. not opened: the benchmark's statement does not read back here. not
verified: a proof was found, and does not hold as a text."""


class Budget(msgspec.Struct, frozen=True):
    """For one theorem. expansions: states that are taken up. candidates: tactics that are tried on each. heartbeats: thousands, for one
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


class Plan(msgspec.Struct, frozen=True):
    job: Job
    spec: Spec
    budget: Budget
    seed: int
    refute: bool
    folder: Location

    def place(self, problems: Sequence[Problem]) -> Location:
        return self.folder / f"{hashlib.blake2b(msgspec.json.encode(problems), digest_size=8).hexdigest()}.parquet"

    def checked(self, problems: Sequence[Problem]) -> Location:
        """What of these does not hold in a fresh engine."""
        place = self.place(problems)
        return place.parent / f"{place.name}.checked.json"

    def results_of(self, problems: Sequence[Problem]) -> list[Result]:
        return tables.read([self.place(problems)], Result)


def folder_of(job: Job, spec: Spec, budget: Budget, seed: int, refute: bool, model: str) -> Location:
    """Names what a run finds. model: a digest of it."""
    generate = str(Path(__file__).with_name("generate.py"))  # not imported: it needs torch
    modules = (places_, record, written, native, prover_, search_, gym, portfolio, advice, prompt)
    code = stage_digest(job.library, __file__, generate, *(module.__file__ for module in modules))
    what = hashlib.blake2b(msgspec.json.encode([code, spec, budget, seed, refute, model]), digest_size=8).hexdigest()
    return job.work / "eval" / what


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
        name=problem.name, module=problem.module, ending="engine died" if isinstance(error, EngineDied) else "not opened",
        message=str(error), statement=problem.statement, proof=None, tactics=[], axioms=[], expansions=0, tried=0, refused=0,
        unparsed=0, lean_seconds=round(seconds, 4), model_seconds=0.0, seconds=round(seconds, 4))


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

    def examine(self, problems: Sequence[Problem]) -> Iterator[Result]:
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
                    yield attempt.result(ended)

    def _begin(self, problem: Problem) -> Attempt | Result:
        clock = Clock()
        try:
            with clock.running():
                begun = self._place.start_of(problem)
                start = self._gym.start(begun)
        except (NotOpened, EngineDied, EngineRefused) as error:
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

    def _expand(self, attempt: Attempt, node: Node, candidates: Sequence[Candidate]) -> Ended | None:
        """Tries the candidates, the best first, until one closes the state. How the theorem ended by it, if it did."""
        try:
            attempt.search.expand(node, list(self._tried(attempt, node.state, candidates)))
            return self._written(attempt) if attempt.search.ending == "proved" else None
        except (EngineDied, NotReplayed) as error:
            return Ended("engine died", str(error))

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


class Prove:
    """A worker: engines, the prover, problem after problem."""

    def __init__(self, plan: Plan):
        self._plan, self._places = plan, Places(plan.job)
        self._prover = prover_of(plan.spec, Context(lambda: self._places.workspace, self._places.catalogue, plan.seed))

    def __call__(self, problems: list[Problem], history: History) -> list[str]:
        """The endings. The results are left on disk."""
        try:
            place = self._places.of(problems)
        except (EngineDied, EngineRefused) as error:
            results = [not_begun(problem, error, 0.0) for problem in problems]
        else:
            results = list(Examiner(place, self._prover, self._plan.budget).examine(problems))
            if self._plan.refute:
                by_name = {problem.name: problem for problem in problems}
                results = [self._refuted(result, by_name[result.name], place) for result in results]
        tables.write(tables.to_table(results, Result), self._plan.place(problems))
        return [result.ending for result in results]

    def close(self) -> None:
        self._prover.close()
        self._places.close()

    def _refuted(self, result: Result, problem: Problem, place: Place) -> Result:
        """The result, unless its negation is proved by a few decision procedures."""
        if result.ending not in ("stuck", "out of budget"):
            return result
        try:
            start = place.gym.start(negated(place, problem))
            outcome = place.gym.step(start, REFUTERS, self._plan.budget.heartbeats)
        except (NotOpened, EngineDied, EngineRefused):
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


class Verify:
    """Plays what counts as proved once more, in an engine that has found none of it."""

    def __init__(self, plan: Plan):
        self._plan, self._places = plan, Places(plan.job)

    def __call__(self, problems: list[Problem], history: History) -> list[str]:
        """The names of what does not hold; they are kept beside the results."""
        by_name = {problem.name: problem for problem in problems}
        found = [result for result in self._plan.results_of(problems) if result.ending in ("proved", "refuted")]
        try:
            place = self._places.of(problems) if found else None
            failed = [result.name for result in found if not self._holds(result, by_name[result.name], place)]
        except (EngineDied, EngineRefused):  # its source can't be read again
            failed = [result.name for result in found]
        write_whole(self._plan.checked(problems), msgspec.json.encode(failed))
        return failed

    def close(self) -> None:
        self._places.close()

    def _holds(self, result: Result, problem: Problem, place: Place) -> bool:
        try:
            start = place.gym.start(negated(place, problem) if result.ending == "refuted" else place.start_of(problem))
        except (NotOpened, EngineDied, EngineRefused):
            return False
        return proves(list(place.gym.play(start, result.tactics, self._plan.budget.heartbeats)))


PROVE = Stage(name="eval", worker=Prove, memory_gb=3.0)
VERIFY = Stage(name="verify", worker=Verify)


def prove(plan: Plan, suite: Suite, workers: int, report: Report) -> list[Result]:
    """How each problem of the suite ended, by name. In a cluster that is there (`pool.cluster`). Raises Unfinished."""
    make(plan.folder)
    chunks = chunked(plan.job.library, suite.problems, CHUNK)
    found = [(chunk, tables.is_whole(plan.place(chunk))) for chunk in chunks]
    endings = [result.ending for chunk, is_done in found if is_done for result in plan.results_of(chunk)]
    todo = [chunk for chunk, is_done in found if not is_done]
    for chunk in todo:
        remove(plan.place(chunk))  # one that can't be read

    def tell() -> None:
        proved = endings.count("proved")
        report("eval", len(endings), len(suite.problems), f"{proved:,} proved ({proved / max(1, len(endings)):.1%} so far)")

    tell()
    for event in pool.finish(sized(PROVE, plan.job.library), plan, todo, workers, _called):
        endings += event.summary
        tell()
    unchecked = [chunk for chunk in chunks if not plan.checked(chunk).is_file()]
    verified = pool.finish(sized(VERIFY, plan.job.library), plan, unchecked, workers, _called)
    for count, _ in enumerate(verified, len(chunks) - len(unchecked) + 1):
        report("verify", count, len(chunks), "")
    results = [result for chunk in chunks for result in _counted(plan, chunk)]
    return sorted(results, key=lambda result: result.name)


def _counted(plan: Plan, chunk: Sequence[Problem]) -> Iterator[Result]:
    """The results, without proofs that did not hold in the fresh engine."""
    failed = msgspec.json.decode(plan.checked(chunk).read_bytes(), type=list[str])
    for result in plan.results_of(chunk):
        yield msgspec.structs.replace(result, ending="not verified") if result.name in failed else result


def _called(problems: list[Problem]) -> str:
    return problems[0].name
