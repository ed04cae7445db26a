"""`search`: find a network as a recipe says, by whatever strategy, and go on where an earlier search stopped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.utilities.rank_zero import rank_zero_only
from rich.console import Console

from imfuse.errors import RecipeError
from imfuse.lab.search.collapse import collapse
from imfuse.lab.search.derive import derive
from imfuse.lab.search.gradient_run import GradientRun
from imfuse.lab.search.latency import measure_call
from imfuse.lab.search.material import Material, make_material
from imfuse.lab.search.networks import make_network
from imfuse.lab.search.page import write_page
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.record import PAGE, WINNER, Found, Winner
from imfuse.lab.search.retraining import space_of
from imfuse.lab.search.search_folder import is_done, open_folder, sweep
from imfuse.lab.search.times import Times, search_times
from imfuse.lab.search.trials_run import TrialsRun
from imfuse.lab.search.working import only_process, writing_in


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
        folder: gets the resolved recipe, the times, the course of the search, `winner.json` and `search.html`.
        restart: begin again whatever the folder holds.
        cache: file of measured times; that of the user if None.

    Raises:
        RecipeError: the recipe, or the data that it names, is not as it must be.
        SearchError: the folder holds another search, cannot be written or is at work by another process, or no
            network keeps the budget.
        TrainingError: a value is not finite.
    """
    if not restart and is_done(recipe, folder):
        if getattr(rank_zero_only, "rank", 0) == 0 and not (folder / PAGE).exists():
            show_page(folder)
        return Outcome(Winner.read(folder), known=True)
    fabric = _launched(recipe)
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        material = make_material(recipe, fabric)
        with only_process(folder, first=fabric.is_global_zero), writing_in(folder):
            if restart:
                with TemporaryDirectory() as scratch:  # so that a search that is refused loses nothing
                    _check_budget(recipe, search_times(recipe, Path(scratch), fabric, cache))
            if fabric.is_global_zero:
                _ = restart or is_done(recipe, folder)  # raises of what another process left in the meantime
                open_folder(recipe, folder, restart=restart)
            fabric.barrier()
            times = search_times(recipe, folder, fabric, cache)
            _check_budget(recipe, times)
            winner = _Searches(folder, fabric, material, times).best(recipe)
    fabric.barrier()  # what the first process wrote is there when any of them goes on
    return Outcome(winner)


def _launched(recipe: SearchRecipe) -> Fabric:
    """The processes of the recipe's machine.

    Raises:
        RecipeError: many of them, for a strategy that works in one.
    """
    machine = recipe.machine
    fabric = Fabric(accelerator=machine.accelerator, devices=machine.devices, num_nodes=machine.nodes)
    if recipe.strategy != "gradient" and fabric.world_size > 1:
        raise RecipeError(
            f"search {recipe.name!r}, field machine: {fabric.world_size} processes; strategy {recipe.strategy!r} runs "
            "in one, so set devices and nodes to 1"
        )
    fabric.launch()
    return fabric


def _check_budget(recipe: SearchRecipe, times: Times) -> None:
    """See that some network keeps the budget, before anything is trained.

    Raises:
        SearchError: none does; names the fastest.
    """
    space = space_of(recipe)
    uniform = {choice.name: [1.0] * len(choice.options) for choice in space.choices}
    derive(space, uniform, times.call_ms, recipe.latency.budget_ms)


@dataclass(frozen=True)
class _Searches:
    """One process of the searches of a recipe, of which there is one for each weight of the time."""

    folder: Path
    fabric: Fabric
    material: Material
    times: Times

    def best(self, recipe: SearchRecipe) -> Winner | None:
        """The winner of the lowest loss; None where somebody asked to stop."""
        found = []
        for one, folder in sweep(recipe, self.folder):
            winner = self._winner(one, folder)
            if winner is None:
                return None
            found.append(winner)
        best = min(found, key=lambda winner: winner.loss)
        if self.fabric.is_global_zero:
            best.write(self.folder)
            show_page(self.folder)
        return best

    def _winner(self, recipe: SearchRecipe, folder: Path) -> Winner | None:
        if (folder / WINNER).is_file():
            return Winner.read(folder)
        folder.mkdir(parents=True, exist_ok=True)
        common: dict[str, Any] = {"material": self.material, "kept": partial(show_page, self.folder)}
        if recipe.strategy == "gradient":
            run = GradientRun(recipe, folder, self.fabric, self.times, **common)
        else:
            run = TrialsRun(recipe, folder, self.times, str(self.fabric.device), **common)
        found = run.finish()
        if found is None:
            return None
        winner = None
        if self.fabric.is_global_zero:  # measured by one process, because others beside it would slow it down
            winner = _measured(recipe, found, self.times)
            winner.write(folder)
        return self.fabric.broadcast(winner)


def show_page(folder: Path) -> None:
    """Write the page; a search of hours does not end for the sake of one."""
    try:
        write_page(folder)
    except Exception as error:
        _say(f"{folder / PAGE}: not written ({type(error).__name__}: {error})")


def _measured(recipe: SearchRecipe, found: Found, times: Times) -> Winner:
    """The network, measured; what is to be said of it is said."""
    latency, predicted = recipe.latency, times.call_ms(found.genotype)
    assert not isinstance(latency.weight, list)
    measured = measure_call(make_network(found.genotype), latency.target)
    notes = list(found.notes)
    counts = latency.weight > 0 or latency.budget_ms is not None
    if counts and (note := collapse(space_of(recipe), found.genotype, times.call_ms)):
        notes.append(note)
    if latency.budget_ms is not None and measured > latency.budget_ms:
        notes.append(
            f"above the budget: {measured:.3g} ms measured, {predicted:.3g} ms predicted, {latency.budget_ms:g} ms "
            "allowed. Measure again on a machine that does nothing else, or search for a lower budget"
        )
    for note in notes:
        _say(note)
    return Winner(
        genotype=str(found.genotype),
        loss=found.loss,
        predicted_ms=predicted,
        measured_ms=measured,
        weight=latency.weight,
        seconds=found.seconds,
        strategy=recipe.strategy,
        notes=tuple(notes),
    )


def _say(text: str) -> None:
    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)
