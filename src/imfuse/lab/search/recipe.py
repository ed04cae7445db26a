"""`SearchRecipe`: everything that decides a search, as frozen dataclasses that never import torch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from imfuse.lab.search.choices import Choice, Level
from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.space import Space
from imfuse.lab.search.target import Target
from imfuse.lab.training.recipe import DataRecipe, MachineRecipe, OptimiserRecipe

HYPERGRADIENT_NAMES = ("first_order", "gauss_newton", "neumann", "conjugate_gradient", "unrolled")
"""Names of `imfuse.lab.search.hypergradient.HYPERGRADIENTS`, known here without torch."""


@dataclass(frozen=True)
class Stage:
    """Updates of one part of the architecture; the weights are updated beside it throughout.

    Attributes:
        level: `macro` for what the network is (beta: cells, resolution, width, head), `micro` for the operators in its
            cells (alpha), `both` at once.
        steps: number of updates.
        parts: of the network, whose choices are updated: what their names begin with, such as `[target, detail]` of
            HAF; empty for all.
        image: name of the image whose terms of the objective count, such as `first_fused` of HAF; empty for all.
    """

    level: Literal["macro", "micro", "both"]
    steps: int
    parts: tuple[str, ...] = ()
    image: str = ""

    @property
    def levels(self) -> tuple[Level, ...]:
        """`macro`, `micro`, or both."""
        return ("macro", "micro") if self.level == "both" else (self.level,)

    def decides(self, choice: Choice) -> bool:
        """Whether a choice is among those that are updated."""
        return choice.level in self.levels and (not self.parts or choice.part in self.parts)


@dataclass(frozen=True)
class GradientRecipe:
    """A search by gradients on a supernet.

    Attributes:
        hypergradient: how the gradient of the architecture is estimated, of `imfuse.lab.search.hypergradient`.
        options: of that method, such as `{rate: 0.01, steps: 1}` of `unrolled`.
        relaxation: `two_paths` draws one path a step, and compares each of its options with another one when the
            architecture is updated; `gumbel` draws one path and compares nothing, in the least memory; `softmax` runs
            every path, weighted.
        temperature: of the relaxation.
        warmup: updates of the weights alone before the first stage.
        stages: what is decided, one after the other; by default macro a fifth of the time, then micro (TIM's schedule
            of 20 and 80 epochs).
        architecture_rate: learning rate of the architecture (Adam).
    """

    hypergradient: str = "gauss_newton"
    options: dict[str, Any] = field(default_factory=dict)
    relaxation: Literal["softmax", "gumbel", "two_paths"] = "two_paths"
    temperature: float = 1.0
    warmup: int = 100
    stages: tuple[Stage, ...] = (Stage("macro", 200), Stage("micro", 800))
    architecture_rate: float = 0.02

    @property
    def steps(self) -> int:
        """Updates of the whole search."""
        return self.warmup + sum(stage.steps for stage in self.stages)

    def stage(self, step: int) -> tuple[int, Stage | None]:
        """The stage that update number `step` belongs to, counted from 0; -1 and None during the warm-up."""
        begin = self.warmup
        if step < begin:
            return -1, None
        for number, stage in enumerate(self.stages):
            begin += stage.steps
            if step < begin:
                return number, stage
        raise ValueError(f"step {step}: the search has {self.steps}")


@dataclass(frozen=True)
class TrialsRecipe:
    """A search by short trainings of single networks.

    Attributes:
        candidates: how many networks are tried.
        steps: updates of each.
        validation: batches on which each is judged, and the network that a search by gradients ends with.
        population: networks that evolution keeps.
        tournament: networks that a parent is the best of.
    """

    candidates: int = 32
    steps: int = 100
    validation: int = 8
    population: int = 8
    tournament: int = 3


@dataclass(frozen=True)
class LatencyRecipe:
    """How time enters the search.

    Attributes:
        target: the device, the engine and the size at which operators are measured.
        budget_ms: milliseconds that a whole call of the Fuser may take; None for no limit.
        weight: loss for each millisecond; of the whole network without a budget, of what lies above it with one. A
            list runs one search for each, and shows the front of loss and time.
    """

    target: Target = field(default_factory=Target)
    budget_ms: float | None = None
    weight: float | list[float] = 0.0


@dataclass(frozen=True)
class SearchRecipe:
    """The one root of configuration of a search.

    Attributes:
        name: name of the model that comes out.
        task: what it fuses, in words.
        sources: names of the two sources in their order.
        objective: of the weights and of the architecture, as in the recipe of a training.
        space: the networks that are looked among.
        haf: the networks of HAF in place of `space`.
        strategy: `gradient` on a supernet; or `random` or `evolution` by short trainings.
        gradient: how the first goes about it.
        trials: how the other two do.
        latency: how time counts.
        data: the images; half of the scenes of each set fit the weights, the other half judge the architecture.
            `workers` count in the training of the winner only.
        optimiser: of the weights. During the search its steps follow from the stages, or from the trials, and its
            `ema` does not count; the training of the winner takes both.
        training: changes of these values for the training of the winner, such as `{optimiser: {steps: 3000}}`.
        seed: of the first weights and of every draw.
        checkpoint_every: updates between two checkpoints.
        log_every: updates between two logged values.
        machine: where it runs.
    """

    name: str
    task: str
    sources: tuple[str, str]
    objective: dict[str, float | dict[str, Any]]
    space: Space = field(default_factory=Space)
    haf: HAFSpace | None = None
    strategy: Literal["gradient", "random", "evolution"] = "gradient"
    gradient: GradientRecipe = field(default_factory=GradientRecipe)
    trials: TrialsRecipe = field(default_factory=TrialsRecipe)
    latency: LatencyRecipe = field(default_factory=LatencyRecipe)
    data: DataRecipe = field(default_factory=DataRecipe)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    training: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    checkpoint_every: int = 100
    log_every: int = 10
    machine: MachineRecipe = field(default_factory=MachineRecipe)


def search_sha256(recipe: SearchRecipe) -> str:
    """Hash of what decides the winner: all but the place of the data, the machine, the logging and the training."""
    values = asdict(recipe)
    for name in ("machine", "checkpoint_every", "log_every", "training"):
        del values[name]
    for name in ("root", "cache_mb", "workers"):
        del values["data"][name]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
