"""The times of all networks of a space, from those of their parts, which stay with the search."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
from rich.console import Console
from torch import Tensor

from imfuse.errors import SearchError
from imfuse.images.storage import write_file
from imfuse.lab.search.expected_latency import ExpectedLatency
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.latency import FUSER, LatencyTable
from imfuse.lab.search.parts import Part, parts
from imfuse.lab.search.recipe import SearchRecipe
from imfuse.lab.search.record import TIMES
from imfuse.lab.search.space import Space
from imfuse.lab.search.target import Target
from imfuse.lab.search.terms import space_parts
from imfuse.lab.training.logbook import progress_bar


@dataclass(frozen=True)
class Times:
    """What a search asks of the times of parts.

    Attributes:
        network_ms: milliseconds of the network of a genotype.
        expected: from the probabilities of all options to the expected milliseconds of the network, differentiable.
        overhead_ms: of a call of the Fuser round any network.
    """

    network_ms: Callable[[Any], float]
    expected: Callable[[Mapping[str, Tensor]], Tensor]
    overhead_ms: float

    def call_ms(self, genotype: Any) -> float:
        """Milliseconds of a whole call of the Fuser."""
        return self.network_ms(genotype) + self.overhead_ms


@dataclass(frozen=True)
class PartTimes:
    """Milliseconds by the texts of parts, and of the Fuser by its own name; a table for `ExpectedLatency`."""

    known: Mapping[str, float]

    def milliseconds(self, part: Part) -> float:
        """Of one part."""
        return self.known[str(part)]

    def predict(self, genotype: Any) -> float:
        """Of the network of a genotype: the sum over its parts."""
        return sum(map(self.milliseconds, parts(genotype)))


def search_times(recipe: SearchRecipe, folder: Path, fabric: Fabric, cache: Path | None = None) -> Times:
    """The times of the recipe's space on the device that will run its networks.

    The first process measures what is not in the user's cache, once: a search that goes on, even on another machine,
    takes the times that it began with.

    Args:
        recipe: of the search.
        folder: of the search; gets `times.json`.
        fabric: the processes.
        cache: file of measured times; that of the user if None.

    Raises:
        SearchError: the device is not there, or `times.json` is damaged.
    """
    space = recipe.space if recipe.haf is None else recipe.haf
    path, found = folder / TIMES, {}
    if fabric.is_global_zero:
        found = _read(path, space) if path.is_file() else _measured(space, recipe.latency.target, cache)
        write_file(path, (json.dumps(found, indent=2) + "\n").encode())
    table = PartTimes(fabric.broadcast(found))
    return Times(table.predict, fabric.to_device(ExpectedLatency(space, table)), table.known[FUSER])


def _measured(space: Space | HAFSpace, target: Target, cache: Path | None) -> dict[str, float]:
    table, console = LatencyTable(target, cache), Console(stderr=True)
    missing = table.missing(space)
    if missing and not console.is_terminal:
        console.print(f"measuring {missing} operators and other parts of networks", highlight=False)
    with progress_bar(console) as progress:
        bar = progress.add_task("measuring operators", total=missing)
        table.measure_all(space, lambda: progress.advance(bar))
    found = {str(part): table.milliseconds(part) for part in space_parts(space)}
    return {**found, FUSER: table.fuser_overhead()}


def _read(path: Path, space: Space | HAFSpace) -> dict[str, float]:
    """The times that a search began with.

    Raises:
        SearchError: the file is damaged, or lacks a part.
    """
    try:
        times = {str(name): float(time) for name, time in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SearchError(f"{path}: not what a search wrote ({error}); search with --restart") from error
    wanted = [*map(str, space_parts(space)), FUSER]
    if lacking := [name for name in wanted if name not in times]:
        raise SearchError(f"{path}: no time of {lacking[0]!r}; search with --restart")
    return times
