"""Which item to blame when a worker process dies. (What kills an engine is found by the worker itself.)

From the second attempt on a worker notes the item that it begins. A note whose process died, while its node lived, names an item that is
left out in the next attempt.
"""

from lean_alchemy.pipelines.runtime.stage import History
from lean_alchemy.pipelines.runtime.storage import Location, make, write_whole


class Blame:
    """Of one shard. blamed: items that killed a worker process."""

    def __init__(self, work: Location, key: str, history: History):
        self._folder, self._key, self._attempt = work / "blame", key.replace("/", "-"), history.attempt
        notes = [self._note(attempt) for attempt in history.died]
        self.blamed = frozenset(note.read_text(encoding="utf-8") for note in notes if note.is_file())

    def suspect(self, name: str) -> None:
        """This item is next."""
        if self._attempt:
            make(self._folder)
            write_whole(self._note(self._attempt), name.encode())

    def clear(self) -> None:
        """The shard is done."""
        for note in self._folder.glob(f"{self._key}-*"):
            note.unlink(missing_ok=True)

    def _note(self, attempt: int) -> Location:
        return self._folder / f"{self._key}-{attempt}"
