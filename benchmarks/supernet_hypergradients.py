"""Hypergradients on the supernet of a search: what an update by each costs, and how far each turns from first order.

    OMP_NUM_THREADS=1 python benchmarks/supernet_hypergradients.py benchmarks/search.yaml --root data

The weights are first updated alone, so that they are about where a search has them. Then all methods find the gradient
of the same logits on the same batches, in turns; for those of operators, networks without cells are left out. No exact
gradient is known here; the cosine is to first order, and to the derivative through five updates of the weights, which
is the nearest to what the search really does. Medians over the batches, and in brackets the lowest and the highest
cosine.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
from pathlib import Path
from time import process_time
from typing import Any

import torch
from _bilevel_problems import cosine
from lightning_fabric import Fabric

from imfuse.lab.search.gradient_run import GradientRun
from imfuse.lab.search.gradient_search import active_logits
from imfuse.lab.search.hypergradient import HyperGradient, hypergradient
from imfuse.lab.search.recipe import SearchRecipe, Stage
from imfuse.lab.search.recipe_files import find_search, read_search
from imfuse.lab.search.times import search_times

FIRST, REFERENCE = "first_order", "unrolled, 5 steps"


def main() -> None:
    arguments = parse()
    torch.set_num_threads(1)
    changes = {"data": {"root": str(arguments.root)}, "latency": {"weight": 0.0, "budget_ms": arguments.budget}}
    recipe = read_search(find_search(arguments.recipe), changes)
    print(
        f"{recipe.name}, {recipe.gradient.relaxation}, {arguments.warmup} updates before, {arguments.batches} batches"
    )
    print("| logits | method | s a step | time / first_order | cosine to first_order | cosine to unrolled, 5 |")
    print("|---|---|---|---|---|---|")
    for level in ("macro", "micro"):
        rows = compared(recipe, Stage(level, 1), arguments)
        for name, (seconds, to_first, to_reference) in rows.items():
            ratios = [own / first for own, first in zip(seconds, rows[FIRST][0], strict=True)]
            numbers = f"{statistics.median(seconds):.2f} | {statistics.median(ratios):.1f}"
            print(f"| {level} | {name} | {numbers} | {spread(to_first)} | {spread(to_reference)} |", flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="of a search by gradients")
    parser.add_argument("--root", type=Path, default=Path("data"), help="folder that the recipe's data lie in")
    parser.add_argument("--warmup", type=int, default=50, help="updates of the weights alone before")
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--budget", type=float, metavar="MS", help="of the networks that are drawn; without it, any")
    return parser.parse_args()


def compared(
    recipe: SearchRecipe, stage: Stage, arguments: argparse.Namespace
) -> dict[str, tuple[list[float], list[float], list[float]]]:
    """By method: seconds, cosines to first order, and cosines to the reference, one for each batch."""
    gradient = dataclasses.replace(recipe.gradient, warmup=arguments.warmup, stages=(stage,))
    cells = tuple(count for count in recipe.space.cells if count or stage.level == "macro")
    recipe = dataclasses.replace(recipe, gradient=gradient, space=dataclasses.replace(recipe.space, cells=cells))
    fabric = Fabric(accelerator="cpu", devices=1)
    fabric.launch()
    with tempfile.TemporaryDirectory() as folder:
        run = GradientRun(recipe, Path(folder), fabric, search_times(recipe, Path(folder), fabric))
        for step in range(arguments.warmup):
            run.search.update(step)
        batches = [found(run, stage, arguments.warmup + number) for number in range(arguments.batches)]
    return {name: rows(name, batches) for name in batches[0]}


def found(run: GradientRun, stage: Stage, step: int) -> dict[str, tuple[float, HyperGradient]]:
    """By method: seconds, and the gradient on the batches of a step."""
    search = run.search
    search.supernet.draw(step, search.budget)
    names = active_logits(search.supernet, stage)
    problem = search.problem(
        names, search.batches.training[step], search.batches.validation[step], search.objectives[""]
    )
    gradients = {}
    for name, (method, options) in methods(run.recipe.optimiser.learning_rate).items():
        start = process_time()
        gradient = hypergradient(method, problem, **options)
        gradients[name] = (process_time() - start, gradient)
    return gradients


def methods(rate: float) -> dict[str, tuple[str, dict[str, Any]]]:
    return {
        FIRST: ("first_order", {}),
        "gauss_newton": ("gauss_newton", {}),
        "neumann, 3 terms": ("neumann", {"rate": rate, "terms": 3}),
        "conjugate_gradient, 3, damping 1": ("conjugate_gradient", {"iterations": 3, "damping": 1.0}),
        "unrolled, 1 step": ("unrolled", {"rate": rate}),
        REFERENCE: ("unrolled", {"rate": rate, "steps": 5}),
    }


def rows(
    name: str, batches: list[dict[str, tuple[float, HyperGradient]]]
) -> tuple[list[float], list[float], list[float]]:
    def cosines(other: str) -> list[float]:
        return [cosine(batch[name][1].architecture, batch[other][1].architecture) for batch in batches]

    return [batch[name][0] for batch in batches], cosines(FIRST), cosines(REFERENCE)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
