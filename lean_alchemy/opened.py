"""A library opened in a Lean: its theorems, their variants, verdicts on texts, and proofs step by step."""

import re
import warnings
import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Self

import msgspec

from lean_alchemy.lean_workspace.errors import Mistake
from lean_alchemy.lean_workspace.gym import TACTIC_HEARTBEATS, Advanced, Gym, GymStatement, NotOpened, Outcome, Proved, State
from lean_alchemy.lean_workspace.protocol import Checked, Refusal, TheoremRow
from lean_alchemy.lean_workspace.workspace import Workspace
from lean_alchemy.pipelines.corpus.catalogue import Catalogue
from lean_alchemy.pipelines.corpus.extract import install_if_missing, is_kept, on_library, require_modules
from lean_alchemy.pipelines.corpus.mutate import Mutator
from lean_alchemy.pipelines.corpus.one_theorem import VariantsOfOne, variants_by
from lean_alchemy.pipelines.corpus.options import Options, named_kinds
from lean_alchemy.pipelines.corpus.targets import unknown_theorem
from lean_alchemy.pipelines.runtime.job import Job, library_of, named_libraries
from lean_alchemy.pipelines.runtime.manifest import JobError, UsageError
from lean_alchemy.pipelines.runtime.open_lean import opened, workers_that_fit
from lean_alchemy.pipelines.runtime.progress import progress
from lean_alchemy.tables import Variants


class LeanError(Mistake):
    """Lean does not accept a text. message: Lean's. line, column: where in the text; lines count from 1, columns from 0, as in Lean. None
    if Lean names no place. stage: what was being checked, such as `parse` or `proof`."""

    def __init__(self, message: str, text: str = "", stage: str = "", place: tuple[int, int] | None = None):
        self.message, self.text, self.stage = message, text, stage
        self.line, self.column = place or (None, None)
        super().__init__(message)

    def __str__(self) -> str:
        if self.line is None or self.column is None:
            return self.message
        lines = self.text.splitlines()
        shown = f"\n  {lines[self.line - 1]}\n  {' ' * self.column}^" if self.line <= len(lines) else ""
        return f"line {self.line}, column {self.column}: {self.message}{shown}"


class Episode:
    """A proof, tactic by tactic. It prints as the goals that are left."""

    def __init__(self, gym: Gym, start: State):
        self._gym, self._states = gym, [start]
        self.proved: Proved | None = None
        """The complete proof, once there is one: `.proved.theorem` is its text."""

    @property
    def state(self) -> State:
        return self._states[-1]

    @property
    def goals(self) -> tuple[str, ...]:
        """What is left to prove, as Lean prints it."""
        return () if self.proved else self.state.goals

    def step(self, tactic: str, heartbeats: int = TACTIC_HEARTBEATS) -> Outcome:
        """Applies a tactic. Advanced: goals are left, and this episode goes on with them. Proved: the whole text was elaborated and
        checked. Refused, Lost: nothing has changed. heartbeats: in thousands."""
        if self.proved:
            raise UsageError("the proof is complete; `undo()` goes back")
        outcome = self._gym.step(self.state, tactic, heartbeats)
        if isinstance(outcome, Advanced):
            self._states.append(outcome.state)
        elif isinstance(outcome, Proved):
            self.proved = outcome
        return outcome

    def undo(self) -> None:
        """Takes the last tactic back. Raises UsageError at the start."""
        if self.proved:
            self.proved = None
        elif len(self._states) > 1:
            self._states.pop()
        else:
            raise UsageError("there is no tactic to take back")

    def __repr__(self) -> str:
        return self.proved.theorem if self.proved else self.state.text


class LibraryTheorem:
    """A theorem of an open library. It prints as Lean."""

    def __init__(self, library: "OpenLibrary", number: int, row: TheoremRow):
        self._library, self._number, self._row = library, number, row

    @property
    def name(self) -> str:
        return self._row.name

    @property
    def statement(self) -> str:
        """What stands between its name and `:=`."""
        return self._row.statement or ""

    @property
    def docstring(self) -> str | None:
        """None also where the library comes without docstrings, as the embedded Lean does."""
        return self._row.docstring

    @property
    def tags(self) -> Sequence[str]:
        """Attributes, such as `simp`."""
        return self._row.tags

    def mutate(self, *, kinds: Sequence[str] = ("rw", "apply"), lemma: str | None = None, keep_all: bool = False,
               without: Sequence[str] = (), forward: bool = True, side_conditions: bool = True, occurrences: bool = True,
               new_variables: bool = True, depth: int = 1) -> Variants:
        """Its variants, which are made when they are first looked at. The first time the library is extracted (about a minute for Init,
        kept for all later uses). lemma: only variants made with it. The others are the options of `alchemy synthesize`. Raises UsageError
        for an unknown lemma, kind or rule; what Lean does not accept is a LeanError when the variants are made."""
        options = Options(
            library=list(self._library.names), workspace=self._library.workspace_folder, kinds=named_kinds(kinds), targets=None,
            target=[self.name], keep_all=keep_all, without=sorted(without), forward=forward, side_conditions=side_conditions,
            occurrences=occurrences, new_variables=new_variables, depth=depth)
        assert options.policy  # names an unknown rule now, not when the variants are made
        if lemma is not None:
            self._library.theorem(lemma)
        return Variants(self.name, lambda: self._library.mutate(self.name, options), lemma)

    def gym(self, available: Sequence[str] | None = ()) -> Episode:
        """A proof of it, step by step, in the environment before its module. available: theorems of its own module that may be used as
        well; None: the whole library except the theorem itself."""
        return self._library.gym_of(self._number, available)

    def __repr__(self) -> str:
        return f"theorem {self.name} {self.statement}"


class OpenLibrary:
    """A library open in an engine, made by `open`. Use it in a `with` block, or let it close by itself when Python exits. Not for several
    threads at once. An engine that dies is replaced."""

    def __init__(self, names: Sequence[str], workspace: str | None):
        self.names, self.workspace_folder = tuple(names), workspace
        self._library = library = library_of(names, workspace)
        with progress() as report:
            install_if_missing(workspace, report)
        require_modules(library)
        self._stack = ExitStack()
        self._workspace = self._stack.enter_context(opened(library))
        self.close = weakref.finalize(self, self._stack.close)
        """Ends the engine. Afterwards all other methods raise UsageError."""
        self._mutators: dict[bytes, Mutator] = {}
        self.problems = [f"{problem.file}:{problem.line}: {problem.message}" for problem in self._workspace.opened.problems]
        """Errors in the user's files. The theorems with these errors are not in the library."""

    @property
    def _engine(self) -> Workspace:
        if not self.close.alive:
            raise UsageError(f"{self} is closed; open it again")
        return self._workspace

    # --- theorems and their variants --------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """The number of theorems, those of imported modules included."""
        return self._engine.opened.count

    def __contains__(self, name: str) -> bool:
        return self._engine.find(name) != [None]

    def theorem(self, name: str) -> LibraryTheorem:
        """The theorem of this name. Raises UsageError if there is none, with names that are close where the library was extracted."""
        (number,) = self._engine.find(name)
        if number is None:
            known = self._extracted[1].numbers if "_extracted" in self.__dict__ or is_kept(self._library) else ()
            raise UsageError(unknown_theorem(name, known))
        (row,) = self._engine.theorems(number, 1)
        return LibraryTheorem(self, number, row)

    def mutate(self, name: str, options: Options) -> VariantsOfOne:
        """What `LibraryTheorem.mutate` looks at. Raises LeanError if Lean can't mutate the theorem, JobError if something failed."""
        found = variants_by(self._mutator(options), name, self._extracted[1])
        if found.set_aside:
            raise LeanError(f"{name} can't be mutated: {found.set_aside}", stage="target")
        if found.failures:
            raise JobError(f"{name}: {found.failures[0].what}")
        return found

    @cached_property
    def _extracted(self) -> tuple[Job[Options], Catalogue]:
        """A job on the library, and the library's theorems and index keys. The first time Lean has to read them."""
        with progress() as report:
            return self._stack.enter_context(on_library(
                list(self.names), ["rw", "apply"], report, workers_that_fit(self.workspace_folder), workspace=self.workspace_folder,
                targets=None))

    def _mutator(self, options: Options) -> Mutator:
        """Of the last options, as each holds an index of its own."""
        engine, key = self._engine, msgspec.json.encode(options.of_variants())
        if key not in self._mutators:
            job, catalogue = self._extracted
            self._mutators = {key: Mutator(Job(job.out, options), catalogue, lambda: engine)}
        return self._mutators[key]

    # --- texts and proofs -------------------------------------------------------------------------------------------------------

    def check(self, text: str) -> Checked:
        """The theorem that a text proves: its name, and the axioms behind it. The text is one command, `theorem NAME … := …`. Raises
        LeanError, with message and place, if it does not prove one: an error, a `sorry`, a name that is taken, an axiom of its own."""
        text = _newlines(text)
        checked = self._engine.check(text)
        if checked.refused:
            raise _lean_error(checked.refused, text)
        return checked

    def gym(self, what: str) -> Episode:
        """A proof step by step. what: a theorem of the library, which is proved in the environment before its module, or a statement such
        as `(n : Nat) : 0 + n = n`, for which all of the library may be used. Raises LeanError if Lean can't read it."""
        text = _newlines(what.strip())
        if text and ":" not in text:
            return self.theorem(text).gym()
        gym = Gym(self._engine)
        try:
            return Episode(gym, gym.start(GymStatement(text)))
        except NotOpened as error:
            raise self._why(text, str(error)) from None

    def gym_of(self, number: int, available: Sequence[str] | None) -> Episode:
        """What `LibraryTheorem.gym` returns, by the theorem's number."""
        gym = Gym(self._engine)
        try:
            return Episode(gym, gym.start(gym.theorem(number, available)))
        except NotOpened as error:
            raise LeanError(str(error)) from None

    def _why(self, statement: str, message: str) -> LeanError:
        """Why Lean can't read a statement, with the place: that of the error in a theorem which states it."""
        before = "theorem alchemy_statement "
        refused = self._engine.check(f"{before}{statement} := sorry").refused
        if refused is None or refused.stage == "sorry":
            return LeanError(message, statement)
        error = _lean_error(refused, statement)
        if error.line == 1 and error.column is not None:
            error.column = max(0, error.column - len(before))
        return error

    # --- its end ----------------------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        named = ", ".join(repr(name) for name in self.names)
        return f"<Lean library {named}{f' in {self.workspace_folder}' if self.workspace_folder else ''}>"


def open(*libraries: str | Path, workspace: str | Path | None = None) -> OpenLibrary:
    """Opens modules (`"Init"`, `"Std"`), `.lean` files, and folders of `.lean` files (with a `/`, as in `"./Foo"`) in one Lean. Without
    any: `Init`.

    The embedded Lean is installed if it is missing. workspace: the folder of a lake project, whose own Lean is used. An engine takes some
    seconds to start and 1.3 to 2 GB of memory, until the library is closed. Raises UsageError for what does not exist. Errors in files are
    warned of, and stand in `.problems`.
    """
    names = named_libraries([str(Path(name).expanduser()) if isinstance(name, Path) or name.startswith("~") else name
                             for name in libraries or ("Init",)])
    library = OpenLibrary(names, None if workspace is None else str(Path(workspace).expanduser().resolve()))
    for problem in library.problems:
        warnings.warn(f"skipped: {problem}", stacklevel=2)
    return library


def _newlines(text: str) -> str:
    """Lean counts lines by line feeds."""
    return text.replace("\r\n", "\n")


_PARSE_PLACE = re.compile(r"<text>:(\d+):(\d+): ")


def _lean_error(refused: Refusal, text: str) -> LeanError:
    place, message = refused.place, refused.message
    if at := _PARSE_PLACE.match(message):  # of Lean's parser, which puts the place into the message
        place, message = (int(at[1]), int(at[2])), message[at.end():]
    return LeanError(message, text, refused.stage, place)
