"""`Recipe`: everything that makes a trained network, as frozen dataclasses that never import torch.

It is read from YAML and overridden from the command line by `imfuse.lab.training.recipe_files`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from imfuse.lab.data.data_recipe import AugmentRecipe, DataRecipe, DataSet

__all__ = [
    "AugmentRecipe",
    "DataRecipe",
    "DataSet",
    "MachineRecipe",
    "ModelRecipe",
    "OptimiserRecipe",
    "Recipe",
    "recipe_sha256",
]


@dataclass(frozen=True)
class ModelRecipe:
    """Which network is trained.

    Attributes:
        name: key of the registry `imfuse.lab.models.MODELS`.
        options: keyword arguments of that network.

    Example:
        >>> print(ModelRecipe("learned_pyramid", {"levels": 5, "fuse": "add"}))
        learned_pyramid(levels=5, fuse='add')
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.options.items())})"


@dataclass(frozen=True)
class OptimiserRecipe:
    """AdamW with a warm-up, then half a cosine down to zero, and an average of the weights.

    Attributes:
        steps: number of updates.
        learning_rate: its highest value, reached after the warm-up.
        weight_decay: decoupled decay of AdamW, on weights with more than one dimension.
        warmup: updates over which the learning rate rises linearly from zero.
        gradient_clip: largest norm of the gradient of all weights; 0 leaves it as it is.
        ema: decay of the exponential moving average of the weights, which are exported; 0 averages nothing.
    """

    steps: int = 5000
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup: int = 100
    gradient_clip: float = 1.0
    ema: float = 0.995


@dataclass(frozen=True)
class MachineRecipe:
    """Where it runs; no part of the recipe's hash, because the same recipe may go on elsewhere.

    Attributes:
        accelerator: `auto` takes a GPU where there is one.
        devices: processes on each machine; `auto` takes every GPU, or one process on a CPU.
        nodes: number of machines (start the same command on each, for example by `torchrun` or Slurm).
    """

    accelerator: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    devices: int | Literal["auto"] = "auto"
    nodes: int = 1


@dataclass(frozen=True)
class Recipe:
    """The one root of configuration of a training.

    Attributes:
        name: name of the model that comes out.
        task: what it fuses, in words.
        sources: names of the sources in their order.
        model: the network.
        objective: weight of each term of the loss, by the names of `imfuse.lab.losses.registry`: a number, or a
            mapping of `weight`, which may be a schedule, and the options of the loss.
        data: the images and what is done to them.
        optimiser: the updates.
        precision: `bf16-mixed` is faster on recent GPUs; weights stay in 32 bits.
        seed: seed of the first weights and of every random draw.
        checkpoint_every: updates between two checkpoints.
        picture_every: updates between two example pictures.
        log_every: updates between two logged values of the loss terms.
        machine: where it runs.
        remark: how far this trains and what the model is for; goes into its card, and is no part of the hash.
    """

    name: str
    task: str
    sources: tuple[str, ...]
    model: ModelRecipe
    objective: dict[str, float | dict[str, Any]]
    data: DataRecipe = field(default_factory=DataRecipe)
    optimiser: OptimiserRecipe = field(default_factory=OptimiserRecipe)
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    seed: int = 0
    checkpoint_every: int = 500
    picture_every: int = 500
    log_every: int = 50
    machine: MachineRecipe = field(default_factory=MachineRecipe)
    remark: str = ""


def recipe_sha256(recipe: Recipe) -> str:
    """Hash of what decides the weights: all but the place of the data, the machine, the logging and the remark.

    >>> from dataclasses import replace
    >>> recipe = Recipe("x", "x", ("a", "b"), ModelRecipe("net"), {"intensity": 1.0})
    >>> recipe_sha256(recipe) == recipe_sha256(replace(recipe, log_every=1))
    True
    >>> recipe_sha256(recipe) == recipe_sha256(replace(recipe, seed=1))
    False
    """
    values = asdict(recipe)
    for name in ("machine", "checkpoint_every", "picture_every", "log_every", "remark"):
        del values[name]
    for name in ("root", "cache_mb", "workers"):
        del values["data"][name]
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
