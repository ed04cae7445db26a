"""From a training to a folder that the Fuser loads: `model.onnx`, `model.safetensors` and `card.json`."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from torch import nn

from imfuse.errors import TrainingError
from imfuse.images.storage import write_file
from imfuse.lab.nn.feature_fusion import count_parameters
from imfuse.lab.training.checkpoint import average_weights, load_tensors, save_tensors
from imfuse.lab.training.graph import check_identity, check_parity, to_onnx
from imfuse.lab.training.measure import check_margin, macs_per_pixel
from imfuse.lab.training.network import recipe_network
from imfuse.lab.training.recipe import Recipe, recipe_sha256
from imfuse.lab.training.recipe_files import read_recipe
from imfuse.lab.training.run_folder import RunFolder
from imfuse.runtime.card import ModelCard, file_sha256


class Traits(NamedTuple):
    """What a network says of itself.

    Attributes:
        multiple: height and width of its sources are multiples of this (`size_multiple`).
        margin: receptive radius in pixels; None where it depends on the whole picture.
        symmetric: whether it takes two or more sources in any order.
        keeps_equal: whether equal sources come back as they are; True where it does not say.
    """

    multiple: int
    margin: int | None
    symmetric: bool
    keeps_equal: bool


def export_run(
    run: Path,
    folder: Path,
    *,
    name: str | None = None,
    licence: str = "not stated",
    remark: str | None = None,
    half: bool = False,
    network: nn.Module | None = None,
) -> ModelCard:
    """Export what a training has reached: its finished weights, or the average of its last checkpoint.

    Args:
        run: folder of the training.
        folder: gets the model.
        name: of the model; that of the recipe if None.
        licence: terms of the weights; those of the data are added.
        remark: how far it was trained and what it is for; that of the recipe if None.
        half: as in `export_network`.
        network: that was given to `train` in place of the recipe's model.

    Raises:
        TrainingError: there is no training, or a check of the exported model fails.
        RecipeError: the training's recipe names no network that can be built.
        ImageWriteError: the model cannot be written.
    """
    files = RunFolder(run)
    if not files.recipe.is_file():
        raise TrainingError(f"{run}: no recipe.yaml; name the folder of a training, as `imfuse train -o` does")
    recipe = read_recipe(files.recipe)
    described = type(network).__name__ if network else str(recipe.model)
    network = copy.deepcopy(network) if network else recipe_network(recipe)
    weights = load_tensors(files.weights)[0] if files.weights.is_file() else average_weights(files.checkpoint)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise TrainingError(f"{run}: its weights do not fit the model of its recipe ({error})") from error
    said = {"name": name, "licence": licence, "remark": remark, "described": described}
    return export_network(network, folder, recipe, half=half, **said)


def export_network(
    network: nn.Module,
    folder: Path,
    recipe: Recipe,
    *,
    name: str | None = None,
    licence: str = "not stated",
    remark: str | None = None,
    described: str | None = None,
    half: bool = False,
    metrics: Mapping[str, Mapping[str, float]] | None = None,
) -> ModelCard:
    """Translate, measure and check a network, and write the model only when all of that went well.

    Args:
        network: has `size_multiple`, `margin` and `symmetric`, and `keeps_equal` if it does not give equal sources
            back; it is left as it is.
        folder: gets the model; files of a former model are replaced.
        recipe: that it was trained by.
        name: of the model; that of the recipe if None.
        licence: terms of the weights; those of the data are added.
        remark: how far it was trained and what it is for; that of the recipe if None.
        described: what the card calls the network; the name of its class if None.
        half: round the weights to 16 bits, and keep them so in `model.safetensors`, which is then half as large; the
            network computes in 32 bits all the same.
        metrics: `{test set: {metric: mean}}` for the card.

    Raises:
        TrainingError: the graph differs from the network, the network reaches farther than its margin, or equal
            sources do not come back as they are though it does not say so.
        ImageWriteError: the model cannot be written.
    """
    network = copy.deepcopy(network).cpu().eval()
    if half:
        network.half().float()
    multiple, margin, symmetric, keeps_equal = _traits(network)
    if margin is not None:
        check_margin(network, margin, multiple)
    graph = to_onnx(network, multiple=multiple, symmetric=symmetric)
    check_parity(network, graph, multiple=multiple, symmetric=symmetric)
    change = check_identity(graph, multiple=multiple, symmetric=symmetric, keeps_equal=keeps_equal)
    folder.mkdir(parents=True, exist_ok=True)
    write_file(folder / "model.onnx", graph)
    save_tensors(folder / "model.safetensors", (network.half() if half else network).state_dict())
    network.float()
    card = ModelCard(
        name=name or recipe.name,
        task=recipe.task,
        remark=recipe.remark if remark is None else remark,
        network=described or type(network).__name__,
        sources=recipe.sources,
        symmetric=symmetric,
        size_multiple=multiple,
        margin=margin,
        equal_sources_error=round(change * 255, 1),
        parameters=count_parameters(network),
        macs_per_pixel=macs_per_pixel(network, multiple),
        data=_data(recipe),
        licence=_licence(recipe, licence),
        recipe=f"{recipe.name}.yaml",
        recipe_sha256=recipe_sha256(recipe),
        metrics={name: dict(values) for name, values in (metrics or {}).items()},
        sha256=file_sha256(folder / "model.onnx"),
    )
    card.write(folder)
    return card


def _traits(network: nn.Module) -> Traits:
    try:
        margin = None if network.margin is None else int(network.margin)  # type: ignore[arg-type]
        keeps_equal = bool(getattr(network, "keeps_equal", True))
        return Traits(int(network.size_multiple), margin, bool(network.symmetric), keeps_equal)  # type: ignore[arg-type]
    except (AttributeError, TypeError) as error:
        raise TrainingError(
            f"{type(network).__name__}: needs size_multiple (int), margin (int, or None where it depends on the whole "
            f"picture) and symmetric (bool) ({error})"
        ) from error


def _data(recipe: Recipe) -> tuple[str, ...]:
    real = tuple(images.name for images in recipe.data.sets) if recipe.data.simulated < 1 else ()
    return (*real, "simulated scenes") if recipe.data.simulated > 0 else real


def _licence(recipe: Recipe, weights: str) -> str:
    sets = recipe.data.sets if recipe.data.simulated < 1 else ()
    data = "; ".join(f"{images.name}: {images.licence}" for images in sets)
    return f"weights: {weights}; data: {data or 'simulated scenes of imfuse'}"
