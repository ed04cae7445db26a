"""Search: strategies at several budgets of time and seeds, each winner trained alike, as a Markdown table.

    python benchmarks/search.py benchmarks/search.yaml --root data --test MSRS=ir,vis TNO=ir,vis -o OUT
    python benchmarks/search.py ivif-10ms --root data --test MSRS=ir,vis -o OUT --strategies random gauss_newton
    python benchmarks/search.py benchmarks/search.yaml --root data -o OUT --table

Strategies are `hand-made` (the learned pyramid of the largest width that keeps the budget; nothing is searched),
`random`, `evolution`, and the hypergradients of a search by gradients, such as `first_order` and `gauss_newton`. Each
search and training goes on where it stopped, and what is done is not done again; several of these commands may share
OUT with different seeds. Times are whole calls of the Fuser at the recipe's size, measured anew side by side at the
end, because the machine may have been busy before.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from imfuse import Fuser
from imfuse.images.colour import luma
from imfuse.lab.bench.measuring.measure import measure_picture, unit_lumas
from imfuse.lab.bench.measuring.methods import find_scenes
from imfuse.lab.bench.measuring.threads import one_thread
from imfuse.lab.bench.pictures import read_sources
from imfuse.lab.metrics.registry import IMFUSE
from imfuse.lab.models import LearnedPyramid
from imfuse.lab.nn.genotype import Genotype
from imfuse.lab.search.chain import train_winner
from imfuse.lab.search.judging import judged
from imfuse.lab.search.latency import LatencyTable, measure_call
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.recipe_files import find_search, read_search
from imfuse.lab.search.record import ZOO
from imfuse.lab.search.retraining import candidate, retraining, space_of
from imfuse.lab.search.search import search
from imfuse.lab.training.export import export_run
from imfuse.lab.training.loop import train
from imfuse.lab.training.recipe import ModelRecipe
from imfuse.lab.training.recipe_files import save_recipe
from imfuse.lab.training.recipe_objective import recipe_objective
from imfuse.lab.training.weights import load_network

HAND_MADE, WIDTHS = "hand-made", (32, 24, 16, 12, 8, 4)
METRICS = ("VIF", "Qabf", "SSIM", "SCD")


@dataclass(frozen=True)
class Job:
    """One cell of the table."""

    strategy: str
    budget: float
    seed: int

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.strategy}-{self.budget:g}ms-{self.seed}"


def main() -> None:
    arguments = parse()
    recipe = read_search(find_search(arguments.recipe), {"data": {"root": str(arguments.root)}})
    jobs = [Job(s, b, seed) for seed in arguments.seeds for b in arguments.budgets for s in arguments.strategies]
    for job in jobs if not arguments.table else ():
        print(job.name, flush=True)
        run(job, recipe, arguments)
    done = [job for job in jobs if (arguments.output / job.name / "result.json").is_file()]
    results = {job: json.loads((arguments.output / job.name / "result.json").read_text()) for job in done}
    print_table(results, measured_again(results, recipe) if arguments.table else {})


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="of a search")
    parser.add_argument("--root", type=Path, default=Path("data"), help="folder that the recipe's data lie in")
    parser.add_argument("--test", nargs="+", metavar="NAME=DIR,DIR", default=[], help="sets of pairs to measure on")
    parser.add_argument("--scenes", type=int, default=40, help="of each set, evenly taken, to measure on")
    parser.add_argument("--budgets", nargs="+", type=float, default=[14.0, 18.0, 23.0], metavar="MS")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument(
        "--strategies", nargs="+", default=[HAND_MADE, "random", "evolution", "first_order", "gauss_newton"]
    )
    parser.add_argument("--table", action="store_true", help="run nothing; measure the times again and print")
    parser.add_argument("-o", "--output", type=Path, required=True)
    return parser.parse_args()


def run(job: Job, recipe: SearchRecipe, arguments: argparse.Namespace) -> None:
    """Search, train, measure; a result that is there already stays."""
    folder = arguments.output / job.name
    if (folder / "result.json").is_file():
        return
    its_recipe = recipe_of(job, recipe)
    if job.strategy == HAND_MADE:
        model, found = hand_made(job, its_recipe, folder)
    else:
        outcome = search(its_recipe, folder)
        if outcome.winner is None:
            raise SystemExit(f"{folder}: interrupted")
        train_winner(its_recipe, folder)
        model, found = folder / ZOO / its_recipe.name, dataclasses.asdict(outcome.winner)
    tested = {
        name: measured_set(model, its_recipe, sources, arguments.scenes) for name, sources in test_sets(arguments.test)
    }
    (folder / "result.json").write_text(json.dumps({**found, "model": str(model), "sets": tested}, indent=2))


def recipe_of(job: Job, recipe: SearchRecipe) -> SearchRecipe:
    latency = dataclasses.replace(recipe.latency, budget_ms=job.budget)
    gradient = recipe.gradient
    strategy: Any = job.strategy
    if job.strategy not in ("random", "evolution", HAND_MADE):
        strategy, gradient = "gradient", dataclasses.replace(gradient, hypergradient=job.strategy)
    if job.strategy == HAND_MADE:
        strategy = recipe.strategy
    return dataclasses.replace(recipe, strategy=strategy, gradient=gradient, latency=latency, seed=job.seed)


def hand_made(job: Job, recipe: SearchRecipe, folder: Path) -> tuple[Path, dict[str, Any]]:
    """The learned pyramid, as wide as the budget allows by the times that searches go by, trained as winners are."""
    table = LatencyTable(recipe.latency.target)
    times = {width: table.predict(Genotype.parse(f"x4 w{width} pyramid")) + table.fuser_overhead() for width in WIDTHS}
    width = next((width for width in WIDTHS if times[width] <= job.budget), None)
    if width is None:
        raise SystemExit(f"{job.name}: no width of {WIDTHS} keeps the budget; leave out {HAND_MADE} there")
    final = dataclasses.replace(
        retraining(recipe, some_genotype(recipe)), model=ModelRecipe("learned_pyramid", {"width": width})
    )
    model = folder / ZOO / final.name
    train(final, folder / "training")
    save_recipe(final, model / export_run(folder / "training", model).recipe)
    measured = measure_call(LearnedPyramid(width=width), recipe.latency.target)
    genotype = f"learned pyramid, width {width}"
    return model, {"genotype": genotype, "measured_ms": measured, "seconds": 0.0}


def test_sets(texts: list[str]) -> Iterator[tuple[str, list[Path]]]:
    for text in texts:
        name, folders = text.split("=", 1)
        yield name, [Path(folder) for folder in folders.split(",")]


def measured_set(model: Path, recipe: SearchRecipe, folders: list[Path], count: int) -> dict[str, float]:
    """Means over pairs of a set: the objective of the recipe, and the metrics."""
    scenes, _ = find_scenes(folders)
    scenes = scenes[:: max(1, len(scenes) // count)][:count]
    fuser, values = Fuser.load(model), defaultdict(list)
    network, objective = load_network(model), recipe_objective(candidate(recipe, some_genotype(recipe)))
    with one_thread():
        for scene in scenes:
            sources = read_sources(scene)
            lumas = unit_lumas(scene.sources, sources)
            fused = fuser(*map(luma, sources))
            measured, _ = measure_picture(fused, sources, lumas, [(metric, IMFUSE) for metric in METRICS])
            for (metric, _), value in measured.items():
                values[metric].append(value)
            values["objective"].append(objective_of(network, objective, sources))
    return {name: float(np.mean(each)) for name, each in values.items()}


def some_genotype(recipe: SearchRecipe) -> Any:
    return space_of(recipe).genotype({choice.name: 0 for choice in space_of(recipe).choices})


@torch.no_grad()
def objective_of(network: torch.nn.Module, objective: Any, sources: Any) -> float:
    """The objective on the middle of a pair, cut to a multiple of 32."""
    planes = [torch.from_numpy(luma(source).astype(np.float32) / 255) for source in sources]
    height, width = (side // 32 * 32 for side in planes[0].shape)
    batch = torch.stack([plane[:height, :width] for plane in planes])[None]
    return float(judged(objective, network(batch), batch)[0].detach())


def measured_again(results: dict[Job, Any], recipe: SearchRecipe) -> dict[Job, float]:
    """Times of all models, one after the other in this process."""
    return {job: measure_call(load_network(Path(r["model"])), recipe.latency.target) for job, r in results.items()}


def print_table(results: dict[Job, Any], again: dict[Job, float]) -> None:
    """A row for each strategy and budget: mean and spread over the seeds; the metrics are means over the sets."""
    groups: dict[tuple[str, float], list[Job]] = defaultdict(list)
    for job in results:
        groups[job.strategy, job.budget].append(job)
    sets = list(next(iter(results.values()))["sets"]) if results else []
    heads = ("budget", "strategy", "seeds", "ms", "search s", *(f"objective {name}" for name in sets), *METRICS)
    print("|".join(["", *heads, "found", ""]))
    print("|---" * (len(heads) + 1) + "|")
    for (strategy, budget), jobs in sorted(groups.items(), key=lambda item: (item[0][1], item[0][0])):
        rows = [results[job] for job in jobs]
        cells = [f"{budget:g}", strategy, str(len(jobs))]
        cells.append(spread([again[job] if job in again else results[job]["measured_ms"] for job in jobs], 1))
        cells.append(spread([row["seconds"] for row in rows], 0))
        cells += [spread([row["sets"][name]["objective"] for row in rows], 3) for name in sets]
        means = [
            {metric: float(np.mean([row["sets"][name][metric] for name in sets])) for metric in METRICS} for row in rows
        ]
        cells += [spread([mean[metric] for mean in means], 3) for metric in METRICS]
        cells.append("; ".join(dict.fromkeys(row["genotype"] for row in rows)))
        print("|".join(["", *cells, ""]))


def spread(values: list[float], digits: int) -> str:
    text = f"{np.mean(values):.{digits}f}"
    return text if len(values) < 2 else f"{text} ±{np.std(values, ddof=1):.{digits}f}"


if __name__ == "__main__":
    main()
