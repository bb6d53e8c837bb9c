"""What a larger library would cost: extrapolated from known figures, and the command."""

import pytest
from commands import bench

from lean_alchemy.pipelines.bench.scale import Growth, Measured, Range, TargetCost, extrapolate

ALIKE = [TargetCost(candidates=80, variants=30, prepare_s=0.05, attempts_s=0.05, write_s=0.2, python_s=0.05)] * 40
"""Targets of 0.35 s."""


def measured(growth: float, costs: list[TargetCost] = ALIKE) -> Measured:
    """Measurements of a library of 1,000 theorems; the number of candidates grows with this power of its size."""
    sizes = [250, 500, 1000]
    candidates = [[round(100_000 * (n / 1000) ** growth) for n in sizes]] * 40
    return Measured(["L"], 1000, 600, Growth(sizes, candidates), costs, extract_s=0.004, start_s=10.0)


def run_of(scale, workers: int, slower: float = 1.0):
    (found,) = (run for run in scale.runs if (run.workers, run.slower) == (workers, slower))
    return found


def test_the_same_library_takes_the_measured_time():
    scale = extrapolate(measured(1.0), 1000, 600, [1], [1.0])
    assert run_of(scale, 1).core_hours.median == pytest.approx((600 * 0.35 + 1000 * 0.004 + 10) / 3600)
    assert run_of(scale, 1).hours == run_of(scale, 1).core_hours
    assert (scale.candidates.median, scale.variants.median) == pytest.approx((80, 30))


def test_more_workers_take_less_time_and_the_same_work():
    scale = extrapolate(measured(1.0), 1000, 6000, [1, 10], [1.0, 3.0])
    alone, ten = run_of(scale, 1), run_of(scale, 10)
    assert ten.hours.median == pytest.approx(alone.hours.median / 10, rel=0.05)
    assert ten.core_hours.median == pytest.approx(alone.core_hours.median, rel=0.05)
    assert run_of(scale, 10, 3.0).core_hours.median == pytest.approx(3 * ten.core_hours.median, rel=0.2), "Python is not slower"


@pytest.mark.parametrize(("growth", "low"), [(1.0, 1.0), (0.5, 0.5)])
def test_candidates_grow_between_the_librarys_order_and_the_linear(growth, low):
    scale = extrapolate(measured(growth), 16_000, 600, [4], [1.0])
    assert low - 1e-3 <= scale.growth.low <= scale.growth.high <= 1.0
    assert scale.candidates.median == pytest.approx(80 * 16 ** scale.growth.median, rel=0.05)
    assert scale.growth.high > low + 0.3 or low == 1.0


def test_more_different_targets_give_a_wider_range():
    costs = [ALIKE[0], TargetCost(candidates=800, variants=300, prepare_s=0.5, attempts_s=0.5, write_s=20.0, python_s=0.5)] * 20
    spread = run_of(extrapolate(measured(1.0, costs), 1000, 600, [1], [1.0]), 1).core_hours
    assert spread.low < 0.9 * spread.median and spread.high > 1.1 * spread.median
    alike = run_of(extrapolate(measured(1.0), 1000, 600, [1], [1.0]), 1).core_hours
    assert alike.low == pytest.approx(alike.high)


def test_a_range_contains_90_percent():
    assert Range.of([float(n) for n in range(100)]) == Range(49.5, 5.0, 94.0)


@pytest.mark.slow
def test_the_command_extrapolates_a_library(lean, tmp_path):
    said = bench("scale", "--targets", "20", "--to-theorems", "50000", "--to-targets", "10000", "--cores", "2,16", "--slower", "1",
                "--out", str(tmp_path))
    two, sixteen = said["runs"]
    assert two["hours"]["median"] > 4 * sixteen["hours"]["median"] > 0 and said["mean"]["candidates"] > 5
    assert said["measured"]["extract_s"] > 0 and (tmp_path / "bench-scale.json").is_file()
