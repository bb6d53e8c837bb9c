"""The folder of a run: it belongs to one recipe, and one process at a time works in it."""

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
def exclusive(out: Path, recipe: Recipe) -> Iterator[None]:
    """Locks the folder for this run, and removes its `.work` when the run is done. Raises Mistake if the folder holds something else or a
    finished run, Trouble if another process is using it."""
    require_usable(out, recipe)
    (out / ".work").mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(out / ".work" / "lock", blocking=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise Trouble(f"another process is using {out}: wait for it or stop it") from None
    try:
        yield
    finally:
        lock.release()
        if (out / "run.json").is_file():
            shutil.rmtree(out / ".work", ignore_errors=True)


def require_usable(out: Path, recipe: Recipe) -> None:
    """Raises Mistake if this recipe can neither start nor resume a run in the folder."""
    file = out / "recipe.json"
    if out.exists() and not (out.is_dir() and (file.is_file() or {entry.name for entry in out.iterdir()} <= {".work"})):
        raise Mistake(f"{out} exists and holds no training run: name another folder")
    if (out / "run.json").is_file():
        raise Mistake(f"{out} holds a run that is done: name another folder, or remove this one")
    if not file.is_file():
        return
    try:
        old = msgspec.json.decode(file.read_bytes(), type=Recipe)
    except msgspec.MsgspecError as error:
        raise Mistake(f"{file} can't be read ({error}): name another folder") from None
    if changed := differences(old, recipe):
        raise Mistake(f"{out} was started with another recipe (setting: there, now): {'; '.join(changed)}. Use the same recipe, or another "
                      "folder")


def save_recipe(out: Path, recipe: Recipe) -> None:
    """From now on the folder belongs to this recipe. Called once its data and base model could be read."""
    write_whole(out / "recipe.json", msgspec.json.format(msgspec.json.encode(recipe), indent=2))
