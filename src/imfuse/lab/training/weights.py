"""The network of an exported model as a PyTorch module, from its recipe and its weights."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from imfuse.errors import ModelError, RecipeError
from imfuse.lab.training.network import recipe_network
from imfuse.lab.training.recipe_files import find_recipe, read_recipe
from imfuse.runtime.card import ModelCard
from imfuse.runtime.models import model_folder


def load_network(model: str | Path) -> nn.Module:
    """Build the network of a bundled or exported model, with its weights, in evaluation mode.

    Args:
        model: a name that `imfuse models` shows, or a model folder; its recipe is the one of the card's name, beside
            the weights or among those that come with imfuse.

    Raises:
        ModelError: no such model, no such recipe, or weights that do not fit it.

    Example:
        >>> sum(parameter.numel() for parameter in load_network("ivif").parameters())
        286055
    """
    folder = model_folder(model)
    card, weights = ModelCard.read(folder), folder / "model.safetensors"
    try:
        beside = folder / card.recipe
        network = recipe_network(read_recipe(beside if beside.is_file() else find_recipe(Path(card.recipe).stem)))
        network.load_state_dict(load_file(weights))
    except RecipeError as error:
        raise ModelError(f"{folder}: its network cannot be built from {card.recipe}: {error}") from error
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ModelError(f"{weights}: not the weights of {card.recipe} ({error})") from error
    return network.eval()
