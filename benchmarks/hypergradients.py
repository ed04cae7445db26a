"""Hypergradients: what a step of each method costs, and how near it comes to the exact gradient.

    OMP_NUM_THREADS=1 python benchmarks/hypergradients.py

The problem is two layers of mixed convolutions, whose weights are at the optimum of all 64 training images. The exact
gradient is the implicit one at these weights, with the whole Hessian. Compared with it are the gradients of both losses
over all images, those of both over batches of 8 of them, as in a search, and the mean of these, which is what many
steps of a search go along. Cosine / length of the error over that of the exact gradient, medians over the seeds (and
over the batches), and in brackets the lowest cosine over the seeds. The methods take turns in every round, and times
are compared within the rounds; on a CPU they are those of the processor.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from time import perf_counter, process_time
from typing import Any, NamedTuple

import torch
from _bilevel_problems import (
    Problem,
    convolutional_problem,
    cosine,
    exact_hypergradient,
    relative_error,
    steepest_curvature,
)

from imfuse.lab.search.hypergradient import Bilevel, Tensors, hypergradient

Methods = dict[str, tuple[str, dict[str, Any]]]
"""By the heading of its row: the name of a method, and its options."""


class Agreement(NamedTuple):
    """Cosine to the exact gradient, and length of the error over that of the exact gradient."""

    cosine: float
    error: float


def main() -> None:
    arguments = parse()
    torch.set_num_threads(1)
    problems = [convolutional_problem(seed, device=arguments.device) for seed in range(arguments.seeds)]
    rate = 1 / max(steepest_curvature(problem.whole) for problem in problems)
    rows = methods(rate)
    times = milliseconds(rows, problems[0].batches[0], arguments.rounds)
    found = [agreements(rows, problem) for problem in problems]
    print(f"{arguments.seeds} seeds, {arguments.rounds} rounds, device {arguments.device}, rate {rate:.3f}")
    print("| method | ms a step | time / first_order | all images | a batch | mean of batches |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        ratio = statistics.median(own / first for own, first in zip(times[row], times["first_order"], strict=True))
        cells = (cell([one[row][place] for one in found]) for place in range(3))
        print(f"| {row} | {statistics.median(times[row]):.2f} | {ratio:.1f} | {' | '.join(cells)} |")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def methods(rate: float) -> Methods:
    """What is compared; `rate` is that of the series and of the inner steps."""
    return {
        "first_order": ("first_order", {}),
        "gauss_newton": ("gauss_newton", {}),
        "neumann, 10 terms": ("neumann", {"rate": rate}),
        "conjugate_gradient, 10 iterations": ("conjugate_gradient", {}),
        "conjugate_gradient, 10, damping 0.1": ("conjugate_gradient", {"damping": 0.1}),
        "unrolled, 1 step": ("unrolled", {"rate": rate}),
        "unrolled, 10 steps": ("unrolled", {"rate": rate, "steps": 10}),
    }


def milliseconds(rows: Methods, problem: Bilevel, rounds: int) -> dict[str, list[float]]:
    """Time of a step of each method in each round; another begins in each."""
    times: dict[str, list[float]] = {row: [] for row in rows}
    for name, options in rows.values():
        hypergradient(name, problem, **options)  # the first calls prepare
    for number in range(rounds):
        first = number % len(rows)
        for row in (*list(rows)[first:], *list(rows)[:first]):
            name, options = rows[row]
            start = now(problem)
            hypergradient(name, problem, **options)
            times[row].append((now(problem) - start) * 1e3)
    return times


def now(problem: Bilevel) -> float:
    """Seconds: of the processor for a problem that is there, else of the clock when the device has done all."""
    if not problem.weights[0].is_cuda:
        return process_time()
    torch.cuda.synchronize(problem.weights[0].device)
    return perf_counter()


def agreements(rows: Methods, problem: Problem) -> dict[str, list[Agreement]]:
    """Of each method: of all images, of a batch (the median of each figure), and of the mean over the batches."""
    exact = exact_hypergradient(problem.whole)
    found = {}
    for row, (name, options) in rows.items():
        whole = hypergradient(name, problem.whole, **options).architecture
        batches = [hypergradient(name, batch, **options).architecture for batch in problem.batches]
        each = [agreement(batch, exact) for batch in batches]
        found[row] = [agreement(whole, exact), median(each), agreement(mean(batches), exact)]
    return found


def agreement(found: Tensors, exact: Tensors) -> Agreement:
    return Agreement(cosine(found, exact), relative_error(found, exact))


def median(values: Sequence[Agreement]) -> Agreement:
    return Agreement(*(statistics.median(parts) for parts in zip(*values, strict=True)))


def mean(gradients: list[Tensors]) -> Tensors:
    return tuple(torch.stack(parts).mean(0) for parts in zip(*gradients, strict=True))


def cell(values: Sequence[Agreement]) -> str:
    middle = median(values)
    return f"{middle.cosine:.3f} / {middle.error:.2g} ({min(value.cosine for value in values):.3f})"


if __name__ == "__main__":
    main()
