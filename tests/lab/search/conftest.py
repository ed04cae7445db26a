"""A search among sixteen tiny networks, its images and its times, which runs in a moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from imfuse.lab.search.haf_space import HAFSpace
from imfuse.lab.search.latency import FUSER
from imfuse.lab.search.recipe import GradientRecipe, LatencyRecipe, SearchRecipe, Stage, TrialsRecipe
from imfuse.lab.search.record import TIMES
from imfuse.lab.search.space import Space
from imfuse.lab.search.target import Target
from imfuse.lab.search.terms import space_parts
from imfuse.lab.training.recipe import DataRecipe, DataSet, MachineRecipe, OptimiserRecipe

SPACE = Space(("csc", "cdc"), ("conv_3", "dil_3"), 1, cells=(1,), widths=(2, 4), heads=("blend",))
"""Macro: width and kind of the cell; micro: an operator for each kind."""

MILLISECONDS = {"conv_3": 1.0, "dil_3": 3.0}


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `ir` and `vis`, four pairs of smooth random pictures in each."""
    folder, generator = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for source in ("ir", "vis"):
        (folder / source).mkdir()
        for stem in "abcd":
            coarse = generator.integers(0, 256, (5, 7), dtype=np.uint8)
            cv2.imwrite(str(folder / source / f"{stem}.png"), cv2.resize(coarse, (40, 24)))
    return folder


@pytest.fixture(scope="session")
def tiny(images: Path) -> SearchRecipe:
    """Two updates of the weights alone, four of the macro choices, four of the micro ones."""
    stages = (Stage("macro", 4), Stage("micro", 4))
    return SearchRecipe(
        name="tiny",
        task="infrared and visible",
        sources=("infrared", "visible"),
        objective={"max_intensity": 1.0},
        space=SPACE,
        gradient=GradientRecipe(warmup=2, stages=stages, architecture_rate=0.1),
        trials=TrialsRecipe(candidates=4, steps=2, validation=2, population=2, tournament=2),
        latency=LatencyRecipe(Target("torch", threads=1, height=32, width=32)),
        data=DataRecipe(str(images), (DataSet("smooth", ("ir", "vis"), "public domain"),), patch=16, batch=2),
        optimiser=OptimiserRecipe(learning_rate=1e-2, warmup=1),
        training={"optimiser": {"steps": 3}},
        checkpoint_every=3,
        log_every=1,
        machine=MachineRecipe("cpu", 1),
    )


@pytest.fixture(scope="session")
def change() -> Callable[..., SearchRecipe]:
    """Replaces values of the parts of a recipe: `change(tiny, gradient={"warmup": 0}, seed=1)`."""

    def change(recipe: SearchRecipe, **values: Any) -> SearchRecipe:
        return replace(recipe, **{name: _changed(getattr(recipe, name), value) for name, value in values.items()})

    return change


def _changed(part: Any, value: Any) -> Any:
    return replace(part, **value) if is_dataclass(part) and isinstance(value, dict) else value


@pytest.fixture(scope="session")
def pretended() -> Callable[..., dict[str, float]]:
    """The times of a space that nobody measured: of an operator its own, of the Fuser 1 ms, of other parts 0.1 ms."""

    def pretended(space: Space | HAFSpace = SPACE) -> dict[str, float]:
        return {str(part): MILLISECONDS.get(part.name, 0.1) for part in space_parts(space)} | {FUSER: 1.0}

    return pretended


@pytest.fixture(scope="session")
def pretend(pretended: Callable[..., dict[str, float]]) -> Callable[..., Path]:
    """Writes such times into the folder of a search, so that nothing is measured."""

    def pretend(folder: Path, space: Space | HAFSpace = SPACE) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TIMES).write_text(json.dumps(pretended(space)))
        return folder

    return pretend
