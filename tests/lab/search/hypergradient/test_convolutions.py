"""Every method beside the exact hypergradient of two mixed convolutions, which is the problem of the benchmark."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from imfuse.lab.search.hypergradient import Bilevel, Tensors, hypergradient

BENCHMARKS = Path(__file__).resolve().parents[4] / "benchmarks"
SEEDS = range(2)


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        import _bilevel_problems

        yield _bilevel_problems


@pytest.fixture(scope="module", params=SEEDS)
def problem(request: pytest.FixtureRequest, benchmark: ModuleType) -> Bilevel:
    return benchmark.convolutional_problem(request.param).whole


@pytest.fixture(scope="module")
def exact(problem: Bilevel, benchmark: ModuleType) -> Tensors:
    return benchmark.exact_hypergradient(problem)


@pytest.fixture(scope="module")
def rate(problem: Bilevel, benchmark: ModuleType) -> float:
    return 1 / benchmark.steepest_curvature(problem)


def found(problem: Bilevel, name: str, **options: Any) -> Tensors:
    return hypergradient(name, problem, **options).architecture


def test_the_exact_one_is_the_slope_along_weights_that_are_trained_anew(problem, exact, benchmark):
    direction = torch.randn(2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.double)

    def outer(step: float) -> float:
        moved = (problem.architecture[0] + step * direction,)
        return problem.outer(benchmark.descended(problem.inner, problem.weights, moved, 60), moved).item()

    slope = (outer(1e-3) - outer(-1e-3)) / 2e-3
    assert (exact[0] * direction).sum().item() == pytest.approx(slope, rel=1e-3, abs=1e-7)


def test_conjugate_gradients_reach_it(problem, exact, benchmark):
    ten = found(problem, "conjugate_gradient")
    assert benchmark.cosine(ten, exact) > 0.99
    assert benchmark.relative_error(ten, exact) < 0.01


def test_terms_of_the_series_bring_it_nearer_than_the_first_order(problem, exact, rate, benchmark):
    series = [found(problem, "neumann", rate=rate, terms=terms) for terms in (1, 10, 100)]
    errors = [benchmark.relative_error(gradient, exact) for gradient in series]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < benchmark.relative_error(found(problem, "first_order"), exact)
    assert benchmark.cosine(series[-1], exact) > 0.99


def test_unrolled_steps_from_the_optimum_are_terms_of_the_series(problem, rate):
    for count in (1, 10):
        series = found(problem, "neumann", rate=rate, terms=count)
        torch.testing.assert_close(found(problem, "unrolled", rate=rate, steps=count), series, rtol=1e-3, atol=1e-6)


def test_gauss_newton_is_bounded_by_its_eps(problem):
    direct, pulled = (found(problem, name, **options) for name, options in [("first_order", {}), ("gauss_newton", {})])
    faded = found(problem, "gauss_newton", eps=1.0)
    correction = (faded[0] - direct[0]).norm()
    assert correction < (pulled[0] - direct[0]).norm()
    assert correction < 1e-3 * direct[0].norm()


def test_the_benchmark_prints_a_row_for_each_method(benchmark, monkeypatch, capsys):
    import hypergradients

    monkeypatch.setattr(benchmark, "IMAGES", 16)
    monkeypatch.setattr(sys, "argv", ["hypergradients.py", "--seeds", "1", "--rounds", "1"])
    hypergradients.main()
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row.split()[1].rstrip(",") for row in rows] == [
        "method",
        "first_order",
        "gauss_newton",
        "neumann",
        "conjugate_gradient",
        "conjugate_gradient",
        "unrolled",
        "unrolled",
    ]
    assert "| first_order |" in rows[1]
    assert all(row.count("|") == rows[0].count("|") for row in rows)
