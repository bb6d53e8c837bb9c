"""Which item to blame when a worker process dies. (An item that only kills the engine is found by the worker itself.)

From the second attempt on, a worker writes down the item that it begins: the note. If a worker process dies and its node is alive, the
item in its note is skipped in the next attempt.
"""

from lean_alchemy.pipelines.runtime.stage import History
from lean_alchemy.pipelines.runtime.storage import Location, make, write_whole


class Blame:
    """The notes about one shard. blamed: the names of the items that killed a worker process."""

    def __init__(self, work: Location, key: str, history: History):
        self._folder, self._key, self._attempt = work / "blame", key.replace("/", "-"), history.attempt
        notes = [self._note(attempt) for attempt in history.died]
        self.blamed = frozenset(note.read_text(encoding="utf-8") for note in notes if note.is_file())

    def suspect(self, name: str) -> None:
        """Notes that the worker begins this item."""
        if self._attempt:
            make(self._folder)
            write_whole(self._note(self._attempt), name.encode())

    def clear(self) -> None:
        """Removes the notes; call it when the shard is done."""
        for note in self._folder.glob(f"{self._key}-*"):
            note.unlink(missing_ok=True)

    def _note(self, attempt: int) -> Location:
        return self._folder / f"{self._key}-{attempt}"
