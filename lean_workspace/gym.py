"""Proof states: start from a statement, apply a tactic, get new goals, a proof, or a reason why not.

A state is defined by its start and the tactics that led to it. The engine keeps it under a number; if the engine was replaced, because it
died or was retired, the tactics are replayed. So a tactic that kills an engine costs its deadline, but no state.

Proved means: the engine wrote the proof out as text, elaborated that text afresh as a whole command, and the theorem has the requested
statement and is accepted by the kernel, without `sorry`, with no axiom beyond the three standard ones, and with no constant that was not
available.
"""

import weakref
from collections.abc import Iterator, Sequence

import msgspec

from lean_alchemy.lean_workspace.errors import Mistake, OfOneItem, Trouble
from lean_alchemy.lean_workspace.gym_protocol import (
    AskHints,
    Before,
    Begin,
    FindStatementText,
    Focus,
    Hints,
    Negate,
    Release,
    RunStep,
    Start,
    Stepped,
)
from lean_alchemy.lean_workspace.process import EngineDied
from lean_alchemy.lean_workspace.workspace import KILLS, Lost, Workspace, patiently

TACTIC_HEARTBEATS = 5_000
"""Thousands, for one tactic: about a second."""

TACTIC_DEADLINE_S = 30.0

RELEASE_BATCH = 100
"""States that are no longer referenced are released in the engine in batches of this size."""


class NotOpened(Mistake, OfOneItem):
    """Lean can't read the statement, or reads it as another one; the message says why."""


class NotReplayed(Trouble, OfOneItem):
    """In a fresh engine the tactics that led to a state lead to another one."""


class GymStatement(msgspec.Struct, frozen=True):
    """A statement to prove. text: between a theorem's name and `:=`: `{a b : Nat} (h : b < a) : ¬a = b`. levels: universe parameters.
    theorem: the number of the theorem that it must state. without: constants that no proof may use, by name. before: the environment;
    None: the whole library; the theorem itself may not be used there. opens: the namespaces to open, such as `Nat Real`, one `open` per
    line."""

    text: str
    levels: tuple[str, ...] = ()
    theorem: int | None = None
    without: tuple[str, ...] = ()
    before: Before | None = None
    opens: str = ""


def text_of(goals: Sequence[str]) -> str:
    """Goals as Lean prints a tactic state, separated by empty lines."""
    return "\n\n".join(goals) or "no goals"


class InSource(msgspec.Struct, frozen=True):
    """A theorem to prove in its source: right before its own command, in its namespace, with the namespaces that are open there. proof: the
    number of its proof among those of the user's files (`file_proofs.py`)."""

    proof: int


class OtherStart(msgspec.Struct, frozen=True):
    """What another gym starts from (`dojo/gym.py`)."""


class Move(msgspec.Struct, frozen=True):
    """A tactic and its budget, in thousands of heartbeats."""

    tactic: str
    heartbeats: int = TACTIC_HEARTBEATS


class FocusGoal(msgspec.Struct, frozen=True):
    """A move that keeps one goal only. goal: counted from 0."""

    goal: int


class State:
    """A proof state. goals: as Lean prints them, one text each. moves: what led here from the start. independent: no two goals share a
    metavariable, so each can be proved by itself. The engine keeps the state as long as this object lives."""

    def __init__(self, statement: GymStatement | InSource | OtherStart, moves: tuple[Move | FocusGoal, ...], goals: tuple[str, ...],
                 independent: bool = True):
        self.statement, self.moves, self.goals, self.independent = statement, moves, goals, independent

    @property
    def text(self) -> str:
        return text_of(self.goals)

    def __repr__(self) -> str:
        return f"<State after {list(self.moves)}: {self.text!r}>"


class Advanced(msgspec.Struct, frozen=True):
    """The tactic succeeded, and goals are left. premises: the theorems and definitions that it names. messages: Lean's, without errors
    (`simp?`: "Try this: …"). seconds: in Lean."""

    state: State
    premises: tuple[str, ...]
    messages: tuple[str, ...]
    seconds: float


class Proved(msgspec.Struct, frozen=True):
    """The proof is complete. theorem: its text, which was elaborated. axioms: the standard axioms that it uses. Else as in `Advanced`."""

    theorem: str
    moves: tuple[Move | FocusGoal, ...]
    axioms: tuple[str, ...]
    premises: tuple[str, ...]
    messages: tuple[str, ...]
    seconds: float


class Closed(msgspec.Struct, frozen=True):
    """No goal is left in a state made by `Gym.focus`. That alone proves nothing: to get a `Proved`, play the tactics of all goals from the
    start."""

    premises: tuple[str, ...]
    messages: tuple[str, ...]
    seconds: float


class Refused(msgspec.Struct, frozen=True):
    """The tactic was rejected. stage: `size`, `parse` (not a single tactic), `forbidden`, `error` (Lean's), `sorry`, `budget`, `leak` (it
    uses something that is not available), or `proof: ` and what is wrong with the complete proof."""

    stage: str
    message: str
    seconds: float


Outcome = Advanced | Proved | Closed | Refused | Lost
"""Lost: the tactic killed two engines in a row, or ran past its deadline. The state can still be used."""


class Played(msgspec.Struct, frozen=True):
    """A tactic applied to a state, with the outcome."""

    before: State
    tactic: str
    outcome: Outcome


def proves(played: Sequence[Played]) -> bool:
    """Does this sequence of tactics end in a proof?"""
    return bool(played) and isinstance(played[-1].outcome, Proved)


def dedented(tactic: str) -> str:
    """The tactic moved to the left by the indentation of its first line: it may have been cut out of any place of a proof."""
    lines = tactic.strip("\n").rstrip().split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip(" "))
    return "\n".join(line[min(indent, len(line) - len(line.lstrip(" "))):] for line in lines)


class Gym:
    """Starts proofs and applies tactics in the library of a workspace."""

    def __init__(self, workspace: Workspace, deadline_s: float = TACTIC_DEADLINE_S):
        """deadline_s: for one step. Heartbeats limit a tactic; the deadline stops code that does not count them."""
        self._workspace, self._deadline_s = workspace, deadline_s
        self._numbers: weakref.WeakKeyDictionary[State, tuple[int, int]] = weakref.WeakKeyDictionary()
        """(generation of the engine, number of the state in it)"""
        self._unreferenced: list[tuple[int, int]] = []
        """The same pairs for states that are no longer referenced."""

    def theorem(self, number: int, available: Sequence[str] | None = None) -> GymStatement:
        """The statement of a library theorem, as text that reads back as the same statement. available: theorems of its own module that a
        proof may use, by name, besides those that the statement mentions; the theorem is then proved in the environment before its
        module. None: in the whole library. Raises NotOpened if no printed form reads back."""
        found = self._workspace.ask(FindStatementText(theorem=number))
        if found.statement is None:
            raise NotOpened("no way of printing this theorem reads back as its statement")
        before = None
        if available is not None:
            before = Before(self._workspace.opened.modules[found.module], sorted({*available, *found.mentions}))
        return GymStatement(found.statement, tuple(found.levels), number, before=before)

    def negation(self, statement: GymStatement) -> GymStatement:
        """The negation of a statement, whose proof refutes it. Raises NotOpened."""
        negated = self._workspace.ask(Negate(statement=statement.text, levels=statement.levels))
        if negated.statement is None:
            raise NotOpened(negated.refused)
        return msgspec.structs.replace(statement, text=negated.statement, theorem=None)

    def start(self, statement: GymStatement | InSource) -> State:
        """The first state: the variables and hypotheses before the colon are introduced. Raises NotOpened."""
        self._workspace.retire()
        state = State(statement, (), ())
        started = self._workspace.ask(self._start(statement))
        if started.state is None:
            raise NotOpened(started.refused)
        state.goals = tuple(started.goals)
        self._keep(state, started.state)
        return state

    def step(self, state: State, tactic: str, heartbeats: int = TACTIC_HEARTBEATS) -> Outcome:
        """Applies one tactic to a state, which is not changed by that. heartbeats: in thousands."""
        self._workspace.retire()
        move = Move(dedented(tactic), heartbeats)
        for is_last in (False, True):  # the first engine may have died because of earlier requests
            try:
                return self._outcome(state, move, self._ask(state, move))
            except EngineDied as died:
                if is_last or died.cause == "deadline":
                    return Lost(died.cause)
        raise AssertionError("the second try returns")

    def focus(self, state: State, goal: int) -> State:
        """A state with only one of the goals (counted from 0). If the goals are independent, the tactics that close it also close that goal
        in the original state."""
        part = State(state.statement, (*state.moves, FocusGoal(goal)), (state.goals[goal],))
        number = patiently(KILLS, lambda: self._workspace.ask_once(Focus(state=self._number(state), goal=goal), self._deadline_s)).state
        self._keep(part, number)
        return part

    def play(self, state: State, tactics: Sequence[str], heartbeats: int = TACTIC_HEARTBEATS) -> Iterator[Played]:
        """Applies tactics in order, up to the first whose outcome is not Advanced."""
        for tactic in tactics:
            outcome = self.step(state, tactic, heartbeats)
            yield Played(state, tactic, outcome)
            if not isinstance(outcome, Advanced):
                return
            state = outcome.state

    def hints(self, state: State, premises: int = 0, heartbeats: int = TACTIC_HEARTBEATS) -> Hints:
        """Facts about the first goal that help a search. premises: how many theorems to select with MePo, which takes 0.2 to 1 s. Raises
        EngineRefused if that fails."""
        self._workspace.retire()
        request = AskHints(state=self._number(state), premises=premises, heartbeats=heartbeats)
        return self._workspace.ask_once(request, self._deadline_s)

    def _ask(self, state: State, move: Move) -> Stepped:
        def once() -> Stepped:
            request = RunStep(state=self._number(state), tactic=move.tactic, heartbeats=move.heartbeats)
            return self._workspace.ask_once(request, self._deadline_s)

        self._release()
        return patiently(KILLS, once)

    def _outcome(self, state: State, move: Move, stepped: Stepped) -> Outcome:
        moves, seconds, premises = (*state.moves, move), stepped.micros / 1e6, tuple(stepped.premises)
        if stepped.refused is not None:
            return Refused(stepped.refused.stage, stepped.refused.message, seconds)
        if stepped.theorem is not None:
            return Proved(stepped.theorem, moves, tuple(stepped.axioms), premises, tuple(stepped.messages), seconds)
        if stepped.closed:
            return Closed(premises, tuple(stepped.messages), seconds)
        assert stepped.state is not None, "neither refused, nor proved, nor closed"
        after = State(state.statement, moves, tuple(stepped.goals), stepped.independent)
        self._keep(after, stepped.state)
        return Advanced(after, premises, tuple(stepped.messages), seconds)

    def _start(self, statement: GymStatement | InSource) -> Start | Begin:
        if isinstance(statement, InSource):
            return Begin(proof=statement.proof)
        return Start(statement=statement.text, levels=statement.levels, theorem=statement.theorem, without=statement.without,
                     before=statement.before, opens=statement.opens)

    def _number(self, state: State) -> int:
        """The state's number in the engine. If the engine is not the one that made the state, the moves are replayed."""
        engine, number = self._numbers[state]
        return number if engine == self._workspace.generation else self._replay(state)

    def _replay(self, state: State) -> int:
        assert not isinstance(state.statement, OtherStart), "a state of another gym"
        started = self._workspace.ask_once(self._start(state.statement), self._deadline_s)
        if started.state is None:
            raise NotReplayed(f"replay failed: the statement was opened before, and now it is not: {started.refused}")
        number, goals = started.state, started.goals
        for move in state.moves:
            self._unreferenced.append((self._workspace.generation, number))  # intermediate states are not kept
            if isinstance(move, FocusGoal):
                number = self._workspace.ask_once(Focus(state=number, goal=move.goal), self._deadline_s).state
                goals = (goals[move.goal],)
            else:
                stepped = self._workspace.ask_once(RunStep(state=number, tactic=move.tactic, heartbeats=move.heartbeats), self._deadline_s)
                if stepped.state is None:
                    raise NotReplayed(f"replay failed: {move.tactic!r} succeeded before, and now Lean rejects it: {stepped.refused}")
                number, goals = stepped.state, stepped.goals
        if tuple(goals) != state.goals:
            raise NotReplayed(f"replaying {list(state.moves)} gave other goals: {goals} instead of {list(state.goals)}")
        self._keep(state, number)
        return number

    def _keep(self, state: State, number: int) -> None:
        self._numbers[state] = kept = (self._workspace.generation, number)
        weakref.finalize(state, self._unreferenced.append, kept).atexit = False

    def _release(self) -> None:
        if len(self._unreferenced) < RELEASE_BATCH:
            return
        unheld, self._unreferenced[:] = list(self._unreferenced), []
        if numbers := [number for engine, number in unheld if engine == self._workspace.generation]:
            self._workspace.ask(Release(states=numbers))
