"""Statistics of results: the pass rate with its interval, how problems ended, and the comparison of two runs."""

from collections import Counter
from collections.abc import Sequence
from math import comb

import msgspec
import numpy as np

from lean_alchemy.eval.prove import Result

RESAMPLES = 10_000
RESAMPLES_AT_ONCE = 100
"""Resamples in memory."""


class Interval(msgspec.Struct, frozen=True, array_like=True):
    """A 95 % confidence interval by the percentile bootstrap (Efron)."""

    low: float
    high: float


class Score(msgspec.Struct, frozen=True):
    """theorems: of the benchmark, including those that can't be run here. attempted: without those; the denominator of the pass rate,
    however an attempt ended. endings: number of theorems by ending. expansions, tried, refused, unparsed, lean_seconds, model_seconds,
    seconds: sums over all theorems (see `Result`)."""

    theorems: int
    attempted: int
    proved: int
    pass_rate: float
    interval: Interval
    endings: dict[str, int]
    expansions: int
    tried: int
    refused: int
    unparsed: int
    lean_seconds: float
    model_seconds: float
    seconds: float

    @property
    def search_share(self) -> float:
        """The share of the time that neither the model nor Lean took."""
        return 1 - (self.lean_seconds + self.model_seconds) / self.seconds if self.seconds else 0.0


def score_results(results: Sequence[Result], not_run: int, seed: int = 0) -> Score:
    """not_run: number of problems that can't be run here. seed: of the bootstrap."""
    proved = np.asarray([result.ending == "proved" for result in results], bool)
    model, lean = (sum(getattr(result, name) for result in results) for name in ("model_seconds", "lean_seconds"))
    return Score(
        theorems=len(results) + not_run, attempted=len(results), proved=int(proved.sum()),
        pass_rate=float(proved.mean()) if len(proved) else 0.0, interval=interval(proved, seed),
        endings=dict(Counter(result.ending for result in results).most_common()), expansions=sum(r.expansions for r in results),
        tried=sum(r.tried for r in results), refused=sum(r.refused for r in results), unparsed=sum(r.unparsed for r in results),
        lean_seconds=round(lean, 3), model_seconds=round(model, 3), seconds=round(sum(r.seconds for r in results), 3))


def interval(values: Sequence[float] | np.ndarray, seed: int = 0) -> Interval:
    """The interval of the mean of the values; (0, 0) if there are none."""
    if not len(values):
        return Interval(0.0, 0.0)
    rng, array = np.random.default_rng(seed), np.asarray(values, float)
    size = (RESAMPLES_AT_ONCE, len(array))
    means = np.concatenate([array[rng.integers(len(array), size=size)].mean(axis=1) for _ in range(RESAMPLES // RESAMPLES_AT_ONCE)])
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(low), float(high))


class Comparison(msgspec.Struct, frozen=True):
    """Two runs on the same theorems. only_first, only_second: theorems proved by one of them only. p_value: McNemar's exact test,
    two-sided. difference: the second pass rate minus the first. interval: of the difference, by a paired bootstrap."""

    theorems: int
    both: int
    only_first: int
    only_second: int
    neither: int
    p_value: float
    difference: float
    interval: Interval


def compare(first: Sequence[Result], second: Sequence[Result], seed: int = 0) -> Comparison:
    """Raises ValueError if the runs are not on the same theorems."""
    a, b = ({result.name: result.ending == "proved" for result in results} for results in (first, second))
    if a.keys() != b.keys():
        raise ValueError(f"{len(a.keys() ^ b.keys())} theorems are in only one of the runs")
    pairs = Counter((a[name], b[name]) for name in a)
    only_first, only_second = pairs[True, False], pairs[False, True]
    difference = np.asarray([b[name] - a[name] for name in sorted(a)], float)
    return Comparison(len(a), pairs[True, True], only_first, only_second, pairs[False, False], mcnemar(only_first, only_second),
                      float(difference.mean()) if len(difference) else 0.0, interval(difference, seed))


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of McNemar's exact test: the probability of a split at least this uneven if both runs were equally good."""
    n = only_first + only_second
    tail = sum(comb(n, k) for k in range(min(only_first, only_second) + 1)) / 2**n
    return min(1.0, 2 * tail)


def by_budget(results: Sequence[Result]) -> list[tuple[int, float]]:
    """(expansions, pass rate): the pass rate that each smaller budget would have had, from 0 on."""
    spent = Counter(max(1, result.expansions) for result in results if result.ending == "proved")
    rate, points = 0.0, [(0, 0.0)]
    for expansions in range(1, 1 + max((result.expansions for result in results), default=0)):
        rate += spent[expansions] / len(results)
        points.append((expansions, rate))
    return points
