"""Proof states: start from a statement, apply a tactic, get new goals, a proof, or a reason why not.

A state stands for its start and the tactics that led to it. The engine keeps it under a number; when the engine is another one, because
it died or grew old, the tactics are replayed. So a tactic that kills an engine costs its deadline, and no state.

Proved means: the engine wrote the proof out as a text, elaborated it afresh as a whole command, compared the theorem with the statement
that was asked for, and its kernel accepted it, without `sorry`, without an axiom beyond the three standard ones, and without a constant
that was not available.
"""

import weakref
from collections.abc import Iterator, Sequence

import msgspec

from lean_alchemy.lean_workspace.errors import Mistake, OfOneItem, Trouble
from lean_alchemy.lean_workspace.gym_protocol import AskHints, Before, Begin, FindWords, Focus, Hints, Negate, Release, Start, Step, Stepped
from lean_alchemy.lean_workspace.process import EngineDied
from lean_alchemy.lean_workspace.workspace import KILLS, Lost, Workspace, patiently

HEARTBEATS = 5_000
"""Thousands, for one tactic: about a second."""

DEADLINE_S = 30.0

RELEASE_BATCH = 100
"""States that nobody holds any more are given back so many at a time."""


class NotOpened(Mistake, OfOneItem):
    """Lean can't read the statement, or reads another one; the message says why."""


class NotReplayed(Trouble, OfOneItem):
    """Tactics that led to a state once lead elsewhere in a fresh engine."""


class Statement(msgspec.Struct, frozen=True):
    """text: what stands between a theorem's name and `:=`: `{a b : Nat} (h : b < a) : ¬a = b`. theorem: the number of the theorem that
    it must state. without: constants that no proof may use, by name. before: the environment; None for the whole library, in which the
    theorem itself stands, but may not be used. opens: the namespaces that are open: `Nat Real`, one `open`
    a line."""

    text: str
    levels: tuple[str, ...] = ()
    theorem: int | None = None
    without: tuple[str, ...] = ()
    before: Before | None = None
    opens: str = ""


def text_of(goals: Sequence[str]) -> str:
    """Goals as Lean prints a tactic's state: an empty line between two."""
    return "\n\n".join(goals) or "no goals"


class InSource(msgspec.Struct, frozen=True):
    """The theorem of a proof in a user's file, by the proof's number: before its own command, in its namespace, with what is open there."""

    proof: int


class Move(msgspec.Struct, frozen=True):
    """A tactic, and what it may spend: thousands of heartbeats."""

    tactic: str
    heartbeats: int = HEARTBEATS


class Apart(msgspec.Struct, frozen=True):
    """From here on one goal alone. goal: from 0."""

    goal: int


class State:
    """goals: as Lean prints them, one text each. moves: what led here from the start. apart: no goal knows of another, so that each can be
    proved by itself. It is the engine's as long as somebody holds it."""

    def __init__(self, statement: Statement | InSource, moves: tuple[Move | Apart, ...], goals: tuple[str, ...], apart: bool = True):
        self.statement, self.moves, self.goals, self.apart = statement, moves, goals, apart

    @property
    def text(self) -> str:
        return text_of(self.goals)

    def __repr__(self) -> str:
        return f"<State after {list(self.moves)}: {self.text!r}>"


class Advanced(msgspec.Struct, frozen=True):
    """The tactic went well, and goals are left. premises: theorems and definitions that it names. said: messages of Lean's that are no
    errors (`simp?`: "Try this: …"). seconds: in Lean."""

    state: State
    premises: tuple[str, ...]
    said: tuple[str, ...]
    seconds: float


class Proved(msgspec.Struct, frozen=True):
    """theorem: the whole text, judged. axioms: of the standard ones, those behind it."""

    theorem: str
    moves: tuple[Move | Apart, ...]
    axioms: tuple[str, ...]
    premises: tuple[str, ...]
    said: tuple[str, ...]
    seconds: float


class Closed(msgspec.Struct, frozen=True):
    """No goal is left of a state that was a part of another: `Gym.focus`. Nothing is proved by that: the tactics, each part's in its place,
    are to be played from the start."""

    premises: tuple[str, ...]
    said: tuple[str, ...]
    seconds: float


class Refused(msgspec.Struct, frozen=True):
    """stage: `size`, `parse` (not one tactic), `forbidden`, `error` (Lean's), `sorry`, `budget`, `leak`, or `proof: ` and what is wrong
    with the proof that seemed to be complete."""

    stage: str
    message: str
    seconds: float


Outcome = Advanced | Proved | Closed | Refused | Lost
"""Lost: the tactic killed its engine, and the next one, or ran past its deadline. The state is as it was."""


class Played(msgspec.Struct, frozen=True):
    """A tactic on a state, and what came of it."""

    before: State
    tactic: str
    outcome: Outcome


def proves(played: Sequence[Played]) -> bool:
    """Do these tactics, one after the other, end in a proof?"""
    return bool(played) and isinstance(played[-1].outcome, Proved)


def outdented(tactic: str) -> str:
    """As far to the left as it goes: a tactic's lines belong where the first one stands, which may be anywhere."""
    lines = tactic.strip("\n").rstrip().split("\n")
    indent = len(lines[0]) - len(lines[0].lstrip(" "))
    return "\n".join(line[min(indent, len(line) - len(line.lstrip(" "))):] for line in lines)


class Gym:
    """Starts and steps in the library of a workspace."""

    def __init__(self, workspace: Workspace, deadline_s: float = DEADLINE_S):
        """deadline_s: for one step. Heartbeats end a tactic; the deadline is for what does not count them."""
        self._workspace, self._deadline_s = workspace, deadline_s
        self._numbers: weakref.WeakKeyDictionary[State, tuple[int, int]] = weakref.WeakKeyDictionary()
        """The engine that a state is kept in, and its number there."""
        self._unheld: list[tuple[int, int]] = []
        """Likewise, of states that nobody holds any more."""

    def theorem(self, number: int, available: Sequence[str] | None = None) -> Statement:
        """A theorem of the library, in words that read back as itself. available: theorems of its own module that a proof may use, by
        name, beside those that the statement itself needs; it is then proved in the environment before it, in which it is not. None: in
        the whole library. Raises NotOpened where there are no such words."""
        words = self._workspace.ask(FindWords(theorem=number))
        if words.statement is None:
            raise NotOpened("there are no words that read back as this theorem")
        before = None
        if available is not None:
            before = Before(self._workspace.opened.modules[words.module], sorted({*available, *words.mentions}))
        return Statement(words.statement, tuple(words.levels), number, before=before)

    def negation(self, statement: Statement) -> Statement:
        """What is to be proved to refute a statement. Raises NotOpened."""
        negated = self._workspace.ask(Negate(statement=statement.text, levels=statement.levels))
        if negated.statement is None:
            raise NotOpened(negated.refused)
        return msgspec.structs.replace(statement, text=negated.statement, theorem=None)

    def start(self, statement: Statement | InSource) -> State:
        """The variables and hypotheses before the colon are introduced. Raises NotOpened."""
        self._workspace.retire()
        state = State(statement, (), ())
        started = self._workspace.ask(self._start(statement))
        if started.refused is not None:
            raise NotOpened(started.refused)
        state.goals = tuple(started.goals)
        self._keep(state, started.state)
        return state

    def step(self, state: State, tactic: str, heartbeats: int = HEARTBEATS) -> Outcome:
        """One tactic on all goals of a state, which stays as it is. heartbeats: thousands."""
        self._workspace.retire()
        move = Move(outdented(tactic), heartbeats)
        for is_last in (False, True):  # what went before may have brought the first engine down
            try:
                return self._outcome(state, move, self._ask(state, move))
            except EngineDied as died:
                if is_last or died.cause == "deadline":
                    return Lost(died.cause)
        raise AssertionError("the second try returns")

    def focus(self, state: State, goal: int) -> State:
        """The state with one of its goals alone (from 0), to be closed by itself. What closes it proves that goal in the state, too, where
        the state's goals are apart."""
        part = State(state.statement, (*state.moves, Apart(goal)), (state.goals[goal],))
        number = patiently(KILLS, lambda: self._workspace.ask_once(Focus(state=self._number(state), goal=goal), self._deadline_s)).state
        self._keep(part, number)
        return part

    def play(self, state: State, tactics: Sequence[str], heartbeats: int = HEARTBEATS) -> Iterator[Played]:
        """Tactics one after the other. Ends with the first that does not advance."""
        for tactic in tactics:
            outcome = self.step(state, tactic, heartbeats)
            yield Played(state, tactic, outcome)
            if not isinstance(outcome, Advanced):
                return
            state = outcome.state

    def hints(self, state: State, premises: int = 0, heartbeats: int = HEARTBEATS) -> Hints:
        """What a search may want to know of the first goal. premises: how many theorems to look for (0.2 to 1 s). Raises EngineRefused
        where that fails."""
        self._workspace.retire()
        request = AskHints(state=self._number(state), premises=premises, heartbeats=heartbeats)
        return self._workspace.ask_once(request, self._deadline_s)

    def _ask(self, state: State, move: Move) -> Stepped:
        def once() -> Stepped:
            request = Step(state=self._number(state), tactic=move.tactic, heartbeats=move.heartbeats)
            return self._workspace.ask_once(request, self._deadline_s)

        self._release()
        return patiently(KILLS, once)

    def _outcome(self, state: State, move: Move, stepped: Stepped) -> Outcome:
        moves, seconds, premises = (*state.moves, move), stepped.micros / 1e6, tuple(stepped.premises)
        if stepped.refused is not None:
            return Refused(stepped.refused.stage, stepped.refused.message, seconds)
        if stepped.theorem is not None:
            return Proved(stepped.theorem, moves, tuple(stepped.axioms), premises, tuple(stepped.said), seconds)
        if stepped.closed:
            return Closed(premises, tuple(stepped.said), seconds)
        after = State(state.statement, moves, tuple(stepped.goals), stepped.apart)
        self._keep(after, stepped.state)
        return Advanced(after, premises, tuple(stepped.said), seconds)

    def _start(self, statement: Statement | InSource) -> Start | Begin:
        if isinstance(statement, InSource):
            return Begin(proof=statement.proof)
        return Start(statement=statement.text, levels=statement.levels, theorem=statement.theorem, without=statement.without,
                     before=statement.before, opens=statement.opens)

    def _number(self, state: State) -> int:
        """Of the state in the engine; where that is another one than the state was made in, its moves are made again."""
        engine, number = self._numbers[state]
        return number if engine == self._workspace.generation else self._replay(state)

    def _replay(self, state: State) -> int:
        started = self._workspace.ask_once(self._start(state.statement), self._deadline_s)
        number, goals = started.state, started.goals
        for move in state.moves:
            self._unheld.append((self._workspace.generation, number))  # on the way only
            if isinstance(move, Apart):
                number = self._workspace.ask_once(Focus(state=number, goal=move.goal), self._deadline_s).state
                goals = (goals[move.goal],)
            else:
                stepped = self._workspace.ask_once(Step(state=number, tactic=move.tactic, heartbeats=move.heartbeats), self._deadline_s)
                if stepped.state is None:
                    raise NotReplayed(f"{move.tactic!r} made a step once, and makes none now: {stepped.refused}")
                number, goals = stepped.state, stepped.goals
        if tuple(goals) != state.goals:
            raise NotReplayed(f"{list(state.moves)} leads elsewhere now: {goals} instead of {list(state.goals)}")
        self._keep(state, number)
        return number

    def _keep(self, state: State, number: int) -> None:
        self._numbers[state] = kept = (self._workspace.generation, number)
        weakref.finalize(state, self._unheld.append, kept).atexit = False

    def _release(self) -> None:
        if len(self._unheld) < RELEASE_BATCH:
            return
        unheld, self._unheld[:] = list(self._unheld), []
        if numbers := [number for engine, number in unheld if engine == self._workspace.generation]:
            self._workspace.ask(Release(states=numbers))
