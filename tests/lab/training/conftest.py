"""A small network, its recipe and its images, which train in a moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from imfuse.lab.training.recipe import (
    AugmentRecipe,
    DataRecipe,
    DataSet,
    MachineRecipe,
    ModelRecipe,
    OptimiserRecipe,
    Recipe,
)


class TinyNetwork(nn.Module):
    """Two convolutions at half resolution, as a weight between two sources."""

    size_multiple = 2
    margin = 9
    symmetric = False

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(8, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 4, 3, padding=1)

    def forward(self, sources: Tensor) -> Tensor:
        small = nn.functional.pixel_unshuffle(sources, 2)
        weight = torch.sigmoid(self.second(torch.relu(self.first(small))))
        weight = nn.functional.pixel_shuffle(weight, 2)
        return weight * sources[:, :1] + (1 - weight) * sources[:, 1:]


def tiny_objective(fused: Tensor, sources: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Two terms against the brighter source."""
    difference = fused - sources.amax(dim=1, keepdim=True)
    terms = {"near": difference.abs().mean(), "square": difference.square().mean()}
    return terms["near"] + 2 * terms["square"], terms


@pytest.fixture(scope="session")
def make_network() -> Callable[[], nn.Module]:
    """Makes the small network with the same first weights each time."""

    def make() -> nn.Module:
        torch.manual_seed(0)
        return TinyNetwork()

    return make


@pytest.fixture(scope="session")
def objective() -> Callable[[Tensor, Tensor], tuple[Tensor, dict[str, Tensor]]]:
    """The small network's objective."""
    return tiny_objective


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `ir` and `vis`, three pairs of smooth random pictures in each."""
    folder = tmp_path_factory.mktemp("images")
    generator = np.random.default_rng(0)
    for source in ("ir", "vis"):
        (folder / source).mkdir()
        for stem in ("a", "b", "c"):
            coarse = generator.integers(0, 256, (9, 12), dtype=np.uint8)
            cv2.imwrite(str(folder / source / f"{stem}.png"), cv2.resize(coarse, (96, 72)))
    return folder


@pytest.fixture(scope="session")
def recipe(image_folder: Path) -> Recipe:
    """A recipe of 12 updates with every change of the patches."""
    return Recipe(
        name="tiny",
        task="infrared and visible",
        sources=("infrared", "visible"),
        model=ModelRecipe("learned_pyramid", {"levels": 3, "width": 4}),
        objective={"max_intensity": 1.0},
        data=DataRecipe(
            root=str(image_folder),
            sets=(DataSet("smooth", ("ir", "vis"), "public domain"),),
            patch=32,
            batch=4,
            augment=AugmentRecipe(0.5, 0.3, 0.3, False, 0.3, 0.3, 0.3, 0.3, 0.3),
        ),
        optimiser=OptimiserRecipe(steps=12, learning_rate=1e-2, warmup=2),
        checkpoint_every=4,
        picture_every=6,
        log_every=3,
        machine=MachineRecipe("cpu", 1),
    )
