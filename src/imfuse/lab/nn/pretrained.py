"""torchvision's networks without their classifiers, and the weights that go into them."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file as load_safetensors
from torch import Tensor, nn

from imfuse.errors import ModelError

NETWORKS = {"vgg16": "VGG16_Weights", "vgg19": "VGG19_Weights", "mobilenet_v2": "MobileNet_V2_Weights"}
"""torchvision's names of the networks and of their weights."""


def named_network(name: str, weights: str | Path, seed: int = 0) -> nn.Module:
    """A network of `NETWORKS` whose `features` have weights and whose classifier is left out.

    Args:
        name: of the network.
        weights: `imagenet`, `random`, or the path of a state dict.
        seed: of random weights.

    Raises:
        ModelError: no such network, or weights that are missing, damaged or of another network.
    """
    from torchvision import models

    if name not in NETWORKS:
        raise ModelError(f"no network {name!r}: expected {', '.join(NETWORKS)} or a module")
    with torch.device("meta"):  # VGG's classifier, 124 million values, is never made
        network = models.get_model(name, weights=None)
        network.classifier = nn.Identity()
    network = network.to_empty(device="cpu")
    if str(weights) == "random":
        _initialise(network, seed)
    elif str(weights) == "imagenet":
        checkpoint = getattr(models, NETWORKS[name]).IMAGENET1K_V1
        _fit(network, _cached(checkpoint, name), f"torchvision's weights {_file(checkpoint)}")
    else:
        load_file(network, Path(weights))
    return network


def load_file(network: nn.Module, file: Path) -> None:
    """Fill a network from a state dict in a .safetensors file, or in a .pth file that holds tensors only.

    Raises:
        ModelError: a file that is missing, damaged or of another network.
    """
    if not file.is_file():
        raise ModelError(
            f"no file of weights {file}: expected a state dict (.pth or .safetensors); "
            "give its path, or weights='imagenet' for those of torchvision"
        )
    try:
        if file.suffix == ".safetensors":
            state = load_safetensors(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise ModelError(f"{file} is damaged, or no state dict of tensors alone: {error}") from error
    _fit(network, state, str(file))


def _file(checkpoint: Any) -> str:
    return checkpoint.url.rsplit("/", 1)[-1]


def _cached(checkpoint: Any, name: str) -> dict[str, Tensor]:
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    try:
        return checkpoint.get_state_dict(map_location="cpu", check_hash=True, weights_only=True)
    except OSError as error:  # URLError is one
        raise ModelError(
            f"the weights of {name} are not in {folder} and cannot be fetched ({error}); put {_file(checkpoint)} "
            "there, set TORCH_HOME to the folder above hub/checkpoints that has it, or give its path as weights (of a "
            "loss: network_weights)"
        ) from error
    except (UnpicklingError, RuntimeError, EOFError) as error:
        raise ModelError(
            f"{folder / _file(checkpoint)} is damaged ({error}); remove it, and it is fetched anew"
        ) from error


def _fit(network: nn.Module, state: Any, origin: str) -> None:
    """Load a state dict of the network, with its classifier, without it, or of its `features` alone."""
    expected = network.state_dict()
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ModelError(f"{origin}: expected a state dict, names and tensors alone; found {type(state).__name__}")
    if not set(state) & set(expected) and {f"features.{key}" for key in state} & set(expected):
        state = {f"features.{key}": value for key, value in state.items()}
    if isinstance(getattr(network, "classifier", None), nn.Identity):
        state = {key: value for key, value in state.items() if not key.startswith("classifier.")}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(f"{origin} does not fit {type(network).__name__}: {error}") from error


@torch.no_grad()
def _initialise(network: nn.Module, seed: int) -> None:
    """Kaiming's weights for rectifiers, biases of zero, and normalisations that have seen nothing."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
