"""Which theorems of a library are targets, and in which order."""

from types import SimpleNamespace

import pytest

from lean_alchemy.pipelines.corpus.options import TargetOptions
from lean_alchemy.pipelines.corpus.targets import chunks_of, draw_targets, named_entry
from lean_alchemy.pipelines.runtime.manifest import JobError, UsageError


def library(*names: str, module: str = "My.Basic", terms: str | None = "c\tTrue\t0") -> SimpleNamespace:
    """A library without Lean. Its theorems can all be targets, but for those that begin with `_`."""
    theorems = [SimpleNamespace(name=name, module=module, term=terms) for name in names]
    return SimpleNamespace(theorems=theorems, numbers={name: i for i, name in enumerate(names)}, is_of_library=lambda entry: True,
                           described=SimpleNamespace(problems=["My.lean:3: type mismatch"]),
                           is_ordinary=lambda entry, policy: not entry.name.startswith("_"))


def options(**fields) -> TargetOptions:
    return TargetOptions(**{"library": ["My"], "targets": None, "seed": 0, **fields})


NAMES = [f"t{i}" for i in range(40)]


def test_fewer_targets_are_the_first_of_more_and_the_seed_orders_them():
    every = draw_targets(options(), library(*NAMES))
    assert sorted(every) == sorted(NAMES) != every
    assert draw_targets(options(targets=7), library(*NAMES)) == every[:7]
    assert draw_targets(options(), library(*reversed(NAMES))) == every, "the order in the library does not matter"
    assert draw_targets(options(seed=1), library(*NAMES)) != every


def test_a_library_without_targets_is_an_error():
    for empty in (library(), library("_internal")):
        with pytest.raises(JobError, match=r"no theorem of My can be a target\nMy\.lean:3"):
            draw_targets(options(), empty)


def test_a_module_without_targets_is_an_error():
    assert draw_targets(options(module="My"), library("t")) == ["t"]
    with pytest.raises(UsageError, match=r"module My\.Bas has no theorem of My"):
        draw_targets(options(module="My.Bas"), library("t"))


def test_a_named_theorem_must_be_there():
    assert draw_targets(options(target=["t2", "t1", "t2"]), library(*NAMES)) == ["t2", "t1"]
    with pytest.raises(UsageError, match="there is no theorem t99; did you mean"):
        named_entry("t99", library(*NAMES))
    with pytest.raises(UsageError, match="too large"):
        named_entry("t", library("t", terms=None))


def test_a_skipped_target_changes_only_its_own_chunk():
    assert chunks_of(NAMES[:5], ["t3", "t4"], 2) == [["t0", "t1"], ["t2"]]
    assert chunks_of(NAMES[:5], ["t0", "t1"], 2) == [["t2", "t3"], ["t4"]]
