"""The extras of the package: parts of the project that need additional packages, such as training. `pyproject.toml` lists them."""

from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement

from lean_alchemy.lean_workspace.errors import Mistake

DISTRIBUTION = "lean-alchemy"

PURPOSES = {
    "report": "plots: `alchemy report`, `--plot`, `--out` of `alchemy bench`",
    "train": "`alchemy train`, `alchemy loop`, and a model as prover of `alchemy eval`",
    "hub": "`alchemy publish`",
    "cluster": "corpora on S3, and Ray's dashboard",
    "dojo": "`alchemy trace`, and LeanDojo behind the gym",
    "engine": "compiling the engine after its source was changed",
}
"""What each extra is for. Those for developers (`dev`, `docs`) are left out."""


def require_extra(extra: str, purpose: str) -> None:
    """Raises Mistake if a package of the extra is not installed. purpose: what needs it, such as `training`."""
    if missing := missing_packages(extra):
        raise Mistake(f"{purpose} needs {', '.join(missing)}: pip install '{DISTRIBUTION}[{extra}]' (in a checkout: make dev)")


def missing_packages(extra: str) -> list[str]:
    """The packages of the extra that are not installed, or not in a version that will do."""
    return sorted({need.name for need in _needs(extra) if not _is_installed(need)})


def fits_this_python(extra: str) -> bool:
    """False if no package of the extra is for this version of Python."""
    return any(_needs(extra))


def _needs(extra: str) -> Iterator[Requirement]:
    """The packages of an extra, with those of the extras that it includes."""
    if extra not in (metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or []):
        raise KeyError(extra)
    for text in metadata.requires(DISTRIBUTION) or []:
        need = Requirement(text)
        if need.marker is None or need.marker.evaluate({"extra": ""}) or not need.marker.evaluate({"extra": extra}):
            continue
        if need.name == DISTRIBUTION:
            for included in need.extras:
                yield from _needs(included)
        else:
            yield need


def _is_installed(need: Requirement) -> bool:
    try:
        return need.specifier.contains(metadata.version(need.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False
