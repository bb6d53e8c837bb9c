"""The extras of the package: parts of the project that need additional packages, such as training."""

import importlib.util

from lean_alchemy.lean_workspace.errors import Mistake

EXTRAS = {"train": ("torch", "transformers", "trl", "peft", "accelerate", "datasets")}


def require_extra(extra: str) -> None:
    """Raises Mistake if a package of the extra is not installed."""
    missing = [name for name in EXTRAS[extra] if importlib.util.find_spec(name) is None]
    if missing:
        raise Mistake(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed: pip install 'lean-alchemy[{extra}]'")
