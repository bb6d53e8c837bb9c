"""Whose a run's folder is: the recipe that is followed in it, and one process at a time."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import msgspec

from lean_alchemy.lean_workspace.errors import Mistake, Trouble
from lean_alchemy.pipelines.runtime.storage import write_whole
from lean_alchemy.training.recipe import Recipe, differences


@contextmanager
def claimed(out: Path, recipe: Recipe) -> Iterator[None]:
    """The folder is this run's while the block lasts. When the run is done, what it worked with goes. Raises Mistake where the folder holds
    something else or a run that is done, Trouble while another process is at work there."""
    check(out, recipe)
    (out / ".work").mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(out / ".work" / "lock", blocking=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise Trouble(f"another run is at work on {out}; wait for it or stop it") from None
    try:
        yield
    finally:
        lock.release()
        if (out / "run.json").is_file():
            shutil.rmtree(out / ".work", ignore_errors=True)


def check(out: Path, recipe: Recipe) -> None:
    """Raises Mistake where this recipe can't be followed there."""
    mine = out / "recipe.json"
    if out.exists() and not (out.is_dir() and (mine.is_file() or {file.name for file in out.iterdir()} <= {".work"})):
        raise Mistake(f"{out} is there and no run of ours: name another folder")
    if (out / "run.json").is_file():
        raise Mistake(f"{out} holds a run that is done: name another folder, or remove this one")
    if not mine.is_file():
        return
    try:
        old = msgspec.json.decode(mine.read_bytes(), type=Recipe)
    except msgspec.MsgspecError as error:
        raise Mistake(f"{mine} can't be read ({error}): name another folder") from None
    if told := differences(old, recipe):
        raise Mistake(f"{out} was begun with another recipe: {'; '.join(told)}. Use the same, or another folder")


def own(out: Path, recipe: Recipe) -> None:
    """From here on the folder is this recipe's: it was found to make sense."""
    write_whole(out / "recipe.json", msgspec.json.format(msgspec.json.encode(recipe), indent=2))
