"""`search`: find a network as a recipe says, by whatever strategy, and go on where an earlier search stopped."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from imfuse.errors import RecipeError, SearchError
from imfuse.lab.search.expected_latency import ExpectedLatency
from imfuse.lab.search.gradient_run import Found, GradientRun
from imfuse.lab.search.latency import LatencyTable
from imfuse.lab.search.networks import make_network
from imfuse.lab.search.recipe import SearchRecipe, search_sha256
from imfuse.lab.search.recipe_files import read_search, save_search
from imfuse.lab.search.record import CHECKPOINT, COURSE, LOGS, PAGE, RECIPE, TRIALS, WINNER, Winner
from imfuse.lab.search.retraining import space_of
from imfuse.lab.search.times import Times
from imfuse.lab.search.trials_run import TrialsRun


@dataclass(frozen=True)
class Outcome:
    """How a search ended.

    Attributes:
        winner: the network that was found; None where the search was stopped before.
        known: whether it had been found before this call.
    """

    winner: Winner | None
    known: bool = False


def search(recipe: SearchRecipe, folder: Path, *, restart: bool = False, cache: Path | None = None) -> Outcome:
    """Search as the recipe says, going on from what `folder` holds.

    Args:
        recipe: everything that decides the winner, but the times, which are the machine's.
        folder: gets the resolved recipe, the course of the search, `winner.json` and `search.html`.
        restart: begin again whatever the folder holds.
        cache: file of measured times; that of the user if None.

    Raises:
        RecipeError: the recipe, or the data that it names, is not as it must be.
        SearchError: the folder holds another search, or no network keeps the budget.
        TrainingError: a value is not finite.
    """
    known = not restart and _is_done(recipe, folder)
    if known:
        return Outcome(Winner.read(folder), known=True)
    machine = recipe.machine
    fabric = Fabric(accelerator=machine.accelerator, devices=machine.devices, num_nodes=machine.nodes)
    fabric.launch()
    if recipe.strategy != "gradient" and fabric.world_size > 1:
        raise RecipeError(
            f"search {recipe.name!r}, field machine: {fabric.world_size} processes; strategy {recipe.strategy!r} runs "
            "in one, so set devices and nodes to 1"
        )
    if fabric.is_global_zero:
        _prepare(recipe, folder, restart=restart)
    fabric.barrier()
    times = measured_times(recipe, fabric, cache)
    found = []
    for one, its_folder in sweep(recipe, folder):
        winner = _search_one(one, its_folder, fabric, times)
        if winner is None:
            return Outcome(None)
        found.append(winner)
    best = min(found, key=lambda winner: winner.loss)
    if fabric.is_global_zero:
        best.write(folder)
    return Outcome(best)


def sweep(recipe: SearchRecipe, folder: Path) -> Iterator[tuple[SearchRecipe, Path]]:
    """The searches of a recipe, one for each weight of the time, and their folders."""
    weight = recipe.latency.weight
    if not isinstance(weight, list):
        yield recipe, folder
        return
    for each in weight:
        latency = dataclasses.replace(recipe.latency, weight=each)
        yield dataclasses.replace(recipe, latency=latency), folder / f"weight-{each:g}"


def measured_times(recipe: SearchRecipe, fabric: Fabric, cache: Path | None) -> Times:
    """The times of the space's networks on the device that will run them, measured by the first process."""
    space, table = space_of(recipe), LatencyTable(recipe.latency.target, cache)
    if fabric.is_global_zero:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            bar = progress.add_task("measuring operators", total=table.missing(space))
            table.measure_all(space, lambda: progress.advance(bar))
        table.fuser_overhead()
    table.cache.times.update(fabric.broadcast(table.cache.times))
    return Times(table.predict, fabric.to_device(ExpectedLatency(space, table)), table.fuser_overhead())


def _search_one(recipe: SearchRecipe, folder: Path, fabric: Fabric, times: Times) -> Winner | None:
    """The winner for one weight of the time; None where somebody asked to stop."""
    if (folder / WINNER).is_file():
        return Winner.read(folder)
    folder.mkdir(parents=True, exist_ok=True)
    run: Any = (
        GradientRun(recipe, folder, fabric, times)
        if recipe.strategy == "gradient"
        else TrialsRun(recipe, folder, times, str(fabric.device))
    )
    found = run.finish()
    if found is None:
        return None
    winner = _winner(recipe, found, times)
    if fabric.is_global_zero:
        winner.write(folder)
    return winner


def _winner(recipe: SearchRecipe, found: Found, times: Times) -> Winner:
    from imfuse.lab.search.latency import measure_call

    return Winner(
        genotype=str(found.genotype),
        loss=found.loss,
        predicted_ms=times.call_ms(found.genotype),
        measured_ms=measure_call(make_network(found.genotype), recipe.latency.target),
        weight=float(recipe.latency.weight),  # type: ignore[arg-type]
        seconds=found.seconds,
        strategy=recipe.strategy,
        notes=found.notes,
    )


def _is_done(recipe: SearchRecipe, folder: Path) -> bool:
    """Whether the folder holds the winner of this search.

    Raises:
        SearchError: it holds another search.
    """
    if not (folder / RECIPE).is_file():
        if (folder / CHECKPOINT).exists() or (folder / TRIALS).exists():
            raise SearchError(f"{folder}: a search without {RECIPE}; choose another folder")
        return False
    if search_sha256(read_search(folder / RECIPE)) != search_sha256(recipe):
        raise SearchError(
            f"{folder}: holds a search with another recipe; choose another folder, or --restart to begin again and "
            "lose it"
        )
    return (folder / WINNER).is_file()


def _prepare(recipe: SearchRecipe, folder: Path, *, restart: bool) -> None:
    """Make the folder and save the recipe; under `restart`, remove what a former search left."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, *folder.glob("weight-*")) if restart else ():
        for name in (CHECKPOINT, COURSE, TRIALS, WINNER, PAGE):
            (path / name).unlink(missing_ok=True)
        shutil.rmtree(path / LOGS, ignore_errors=True)
    save_search(recipe, folder / RECIPE)
