"""Selects the theorems to mutate, their order, and their shards."""

import difflib
from collections.abc import Iterable

from lean_alchemy.mutation.policy.rules import Policy
from lean_alchemy.pipelines.corpus.catalogue import Catalogue, Entry
from lean_alchemy.pipelines.corpus.options import Options, TargetOptions
from lean_alchemy.pipelines.data.splits import draw_order
from lean_alchemy.pipelines.runtime.manifest import JobError, UsageError
from lean_alchemy.pipelines.runtime.stage import chunks

SHARD_TARGETS = 20
"""Targets per shard: a few seconds of work, which are lost in a crash."""


def draw_targets(options: TargetOptions, library: Catalogue) -> list[str]:
    """The targets in random order: they are sorted by a digest of seed and name, so that the first 300 are a subset of the first 1,000.
    Raises UsageError for an unknown name, and for a module without targets; JobError if no theorem of the library can be a target."""
    if options.target:
        for name in options.target:
            if not library.is_of_library(named_entry(name, library)):
                raise UsageError(f"{name} is not a theorem of {', '.join(options.library)}; add its library with --library")
        return list(dict.fromkeys(options.target))
    policy = _policy_of(options)
    entries = [e for e in library.theorems if library.is_of_library(e) and library.is_ordinary(e, policy)]
    if options.module is not None:
        entries = [e for e in entries if e.module == options.module or e.module.startswith(f"{options.module}.")]
        if not entries:
            raise UsageError(f"module {options.module} has no theorem of {', '.join(options.library)} that can be a target")
    if not entries:
        problems = "".join(f"\n{problem}" for problem in library.described.problems[:5])
        raise JobError(f"no theorem of {', '.join(options.library)} can be a target{problems}")
    names = sorted((e.name for e in entries), key=lambda name: draw_order(options.seed, name))
    return names[:options.targets]


def _policy_of(options: TargetOptions) -> Policy:
    """The policy that selects targets. `--keep-all` does not change the targets."""
    return options.policy if isinstance(options, Options) and not options.keep_all else Policy()


def chunks_of(targets: list[str], skipped: list[str], size: int = SHARD_TARGETS) -> list[list[str]]:
    """Splits the targets into chunks and removes the skipped ones. The chunks of the first hundred targets are the same in every larger
    job, and a skipped target changes only its own chunk."""
    left = ([name for name in chunk if name not in skipped] for chunk in chunks(targets, size))
    return [chunk for chunk in left if chunk]


def named_entry(name: str, library: Catalogue) -> Entry:
    """The theorem of this name. Raises UsageError if it does not exist or can't be mutated."""
    if name not in library.numbers:
        raise UsageError(unknown_theorem(name, library.numbers))
    entry = library.theorems[library.numbers[name]]
    if entry.term is None:
        raise UsageError(f"the statement of {name} is too large to be mutated")
    return entry


def unknown_theorem(name: str, known: Iterable[str]) -> str:
    """What to say of a name that no theorem has, with names that are close."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.7)
    return f"there is no theorem {name}" + (f"; did you mean {', '.join(close)}?" if close else " in this library")
