"""Whom to blame when a worker dies: its engine's deaths are found out by the worker itself, its own are not.

From the second attempt on a worker notes the target that it is at. A note whose worker died, and not with its whole node, names a
target that is set aside in the next attempt.
"""

from lean_alchemy.pipelines.runtime.job import Job
from lean_alchemy.pipelines.runtime.stage import History
from lean_alchemy.pipelines.runtime.storage import Location, make, write_whole


class Suspects:
    """Of one item of work. blamed: the targets that killed a worker."""

    def __init__(self, job: Job, key: str, history: History):
        self._folder, self._key, self._attempt = job.work / "suspects", key, history.attempt
        notes = [self._note(attempt) for attempt in history.died]
        self.blamed = frozenset(note.read_text() for note in notes if note.is_file())

    def suspect(self, name: str) -> None:
        """This target is next."""
        if self._attempt:
            make(self._folder)
            write_whole(self._note(self._attempt), name.encode())

    def clear(self) -> None:
        """The item is done."""
        for note in self._folder.glob(f"{self._key}-*"):
            note.unlink(missing_ok=True)

    def _note(self, attempt: int) -> Location:
        return self._folder / f"{self._key}-{attempt}"
