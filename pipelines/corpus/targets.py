"""Which theorems are mutated, in which order, and in which shards."""

import difflib
import hashlib

from lean_alchemy.mutation.policy.rules import Policy
from lean_alchemy.pipelines.corpus.catalogue import Catalogue, Entry
from lean_alchemy.pipelines.corpus.options import Options, TargetOptions
from lean_alchemy.pipelines.runtime.manifest import UsageError

SHARD_TARGETS = 20
"""Targets a shard: some seconds of work, which is what a crash costs."""


def draw_targets(options: TargetOptions, library: Catalogue) -> list[str]:
    """The targets in the order in which they are drawn: by digest of seed and name, so that 300 are a subset of 1,000. Raises UsageError
    for a name that no theorem has, and where nothing is left."""
    if options.target:
        for name in options.target:
            if not library.is_of_library(named_entry(name, library)):
                raise UsageError(f"{name} does not stand in {', '.join(options.library)}; name its library with --library")
        return list(dict.fromkeys(options.target))
    policy = _policy_of(options)
    entries = [e for e in library.theorems if library.is_of_library(e) and library.is_ordinary(e, policy)]
    if options.module is not None:
        entries = [e for e in entries if e.module == options.module or e.module.startswith(f"{options.module}.")]
        if not entries:
            raise UsageError(f"no ordinary theorem of {', '.join(options.library)} stands in a module {options.module}")
    names = sorted((e.name for e in entries), key=lambda name: hashlib.blake2b(f"{options.seed}\0{name}".encode()).digest())
    return names[:options.targets]


def _policy_of(options: TargetOptions) -> Policy:
    """With `--keep-all` the targets stay the same."""
    return options.policy if isinstance(options, Options) and not options.keep_all else Policy()


def chunks_of(targets: list[str], skipped: list[str], size: int = SHARD_TARGETS) -> list[list[str]]:
    """Fixed chunks of the order, without the targets to skip: the first hundred targets make the same chunks in every larger job, and one
    that is skipped changes its own chunk alone."""
    chunks = (targets[i:i + size] for i in range(0, len(targets), size))
    left = ([name for name in chunk if name not in skipped] for chunk in chunks)
    return [chunk for chunk in left if chunk]


def named_entry(name: str, library: Catalogue) -> Entry:
    """The theorem that a user names. Raises UsageError where there is none, or none that can be mutated."""
    if name not in library.numbers:
        raise UsageError(_unknown_theorem(name, library))
    entry = library.theorems[library.numbers[name]]
    if entry.term is None:
        raise UsageError(f"the statement of {name} is too large to be mutated")
    return entry


def _unknown_theorem(name: str, library: Catalogue) -> str:
    close = difflib.get_close_matches(name, library.numbers, n=3, cutoff=0.7)
    return f"there is no theorem {name}" + (f"; did you mean {', '.join(close)}?" if close else " in this library")
