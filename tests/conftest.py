"""Session fixtures: an engine with Lean's `Init` and a user's file, and a corpus made by `alchemy synthesize`."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import pytest
from commands import harvest, summary, synthesize
from hypothesis import settings
from places import LIBRARIES, TESTS

from lean_alchemy.lean_workspace.embedded import install
from lean_alchemy.lean_workspace.library import Library
from lean_alchemy.lean_workspace.protocol import Candidate, Refusal, Written
from lean_alchemy.lean_workspace.workspace import Draft, Lost, Useless, Workspace

settings.register_profile("house", deadline=None)  # a loaded machine must not make a property fail
settings.load_profile("house")


SMALL = str(LIBRARIES / "files" / "Small.lean")


# Ray's workers import the stages that are defined in tests.
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(TESTS / "support"), os.environ.get("PYTHONPATH")]))

# If a shell starts the tests in the background, they and their child processes ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


LONG = ("corpus/test_synthesize", "lean_workspace/test_lake", "lean_workspace/test_process", "eval/test_evaluate",
        "lean_workspace/test_gym_engines", "engine/test_whole_and_parts", "training/test_training_runs", "proofs/test_harvest",
        "proofs/test_steps", "corpus/test_refute", "commands/test_options", "benchmarks/test_benchmark")
"""Files of tests that take half a minute or more."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first, so that two processes end at nearly the same time."""
    items.sort(key=lambda item: next((i for i, name in enumerate(LONG) if item.path.as_posix().endswith(f"/{name}.py")), len(LONG)))


@pytest.fixture(scope="session")
def lean() -> None:
    """The embedded Lean, installed as by a user's first command."""
    install.setup()


@pytest.fixture(scope="session")
def engine(lean: None) -> Iterator["Studied"]:
    with Workspace(install.launch, Library(("Init",), (SMALL,))) as workspace:
        yield Studied(workspace)


@pytest.fixture(scope="session")
def corpus(lean: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """The folder and the summary of `synthesize` with one worker, without disturbances."""
    return made_once("corpus", tmp_path_factory, lambda out: summary(synthesize(out, "--targets", "60")))


@pytest.fixture(scope="session")
def harvested(lean: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """The folder and the summary of `harvest` with one worker, without disturbances. It is read by tests of two processes: a test that
    changes it makes a copy."""
    return made_once("harvest", tmp_path_factory, lambda out: summary(harvest(out)))


def made_once(name: str, folders: pytest.TempPathFactory, make: Callable[[Path], dict]) -> tuple[Path, dict]:
    """A folder that `make` fills, and the summary that it returns. The first process of pytest-xdist that needs it makes it."""
    folder = folders.getbasetemp()
    folder = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "shared"
    folder.mkdir(exist_ok=True)
    out, said = folder / name, folder / f"{name}.json"
    with filelock.FileLock(folder / f"{name}.lock"):
        if not said.exists():
            made = make(out)
            said.write_text(json.dumps(made), encoding="utf-8")
    return out, json.loads(said.read_text(encoding="utf-8"))


class Studied:
    """An engine with methods for the tests."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self._numbers: dict[str, int | None] = {}

    def number(self, name: str) -> int:
        """The number of a theorem. Cached, because the engine searches the whole library."""
        if name not in self._numbers:
            (self._numbers[name],) = self.workspace.find(name)
        number = self._numbers[name]
        assert number is not None, f"no theorem {name}"
        return number

    def draft(self, target: str, kind: str, lemma: str, at: str = "conclusion", backward: bool = False,
              occurrence: int = 0) -> tuple[object, Draft | Useless | Lost]:
        prepared = self.workspace.target(self.number(target))
        site = next(s.site for s in prepared.sites if s.name == at)
        candidate = Candidate(site, kind, self.number(lemma), backward, occurrence)
        ((_, outcome),) = prepared.attempt([candidate])
        return prepared, outcome

    def mutate(self, target: str, kind: str, lemma: str, **where) -> Written | Refusal | Useless | Lost:
        """One variant, written under the name `v`, or the reason why there is none."""
        prepared, outcome = self.draft(target, kind, lemma, **where)
        if not isinstance(outcome, Draft):
            return outcome
        ((_, written),) = prepared.write([(outcome, "v")])
        return written

    def refused(self, text: str) -> str | None:
        """The stage at which a text is rejected; None for a proved theorem."""
        verdict = self.workspace.check(text)
        return verdict.refused.stage if verdict.refused else None
