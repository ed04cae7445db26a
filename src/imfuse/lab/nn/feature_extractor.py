"""Features of a fixed network at chosen layers, for losses and weights that look deeper than at pixels."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.errors import ModelError
from imfuse.lab.nn.cut_network import cut_network
from imfuse.lab.nn.pretrained import load_file, named_network
from imfuse.lab.nn.vgg_names import vgg_layer

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the channels of ImageNet's images in [0, 1]."""
CHANNELS = (1, 3)
SIDES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
DEFAULT_LAYERS = {
    "vgg16": tuple(vgg_layer("vgg16", name) for name in ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")),
    "vgg19": tuple(vgg_layer("vgg19", name) for name in ("relu1_2", "relu2_2", "relu3_4", "relu4_4", "relu5_4")),
    "mobilenet_v2": tuple(f"features.{block}" for block in (1, 3, 6, 13, 17)),
}
"""Five levels of each network: the last layer (of MobileNetV2: bottleneck) of each resolution."""


class FeatureExtractor(nn.Module):
    """The values of some layers of a fixed network on images.

    The network never changes: its weights take no gradient, and it stays in evaluation mode. A gradient flows to the
    images. It computes nothing beyond the deepest layer, and rectifiers do not overwrite the layer before them.

    Args:
        network: `vgg16`, `vgg19`, `mobilenet_v2`, or a module from `(b, 3, h, w)`, which is copied.
        layers: names as `named_modules` gives them, such as `features.3` (see `vgg_layer` for the names of the
            literature); None for five levels of a named network. Of a layer that is used twice, the first use.
        weights: `imagenet` for torchvision's, which it keeps under TORCH_HOME; the path of a state dict (.pth or
            .safetensors), with or without classifier; or `random`. A module keeps its own weights unless a path is
            given.
        seed: of random weights.

    Raises:
        ModelError: no such network or layer, weights that are missing or do not fit, or a module that cannot be traced.

    Example:
        >>> features = FeatureExtractor("mobilenet_v2", ["features.1", "features.3"], weights="random")
        >>> {name: tuple(values.shape) for name, values in features(torch.rand(1, 1, 32, 48)).items()}
        {'features.1': (1, 16, 16, 24), 'features.3': (1, 24, 8, 12)}
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        network: str | nn.Module = "vgg16",
        layers: Sequence[str] | None = None,
        weights: str | Path = "imagenet",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if isinstance(network, str):
            whole = named_network(network, weights, seed)
        else:
            whole = copy.deepcopy(network)
            if str(weights) not in {"imagenet", "random"}:
                load_file(whole, Path(weights))
        self.layers = _known(whole, network, layers)
        self.network = cut_network(whole.eval().requires_grad_(False), self.layers)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)
        first = next(self.network.parameters(), self.mean)
        self.to(first.device, first.dtype)
        self.smallest_side = _smallest_side(self.network, self.mean)
        super().train(False)

    def forward(self, images: Float[Tensor, "b c h w"]) -> dict[str, Tensor]:
        """Features in the order of `layers`, each `(b, channels, rows, columns)`, in the dtype of the weights.

        Args:
            images: in [0, 1]; of three channels, or of one that is repeated. Images smaller than the network can take
                are continued by their border.

        Raises:
            ValueError: another number of channels.
        """
        if images.shape[1] not in CHANNELS:
            raise ValueError(f"images of {images.shape[1]} channels: expected 1 or 3")
        values = (images.to(self.mean.dtype).expand(-1, 3, -1, -1) - self.mean) / self.deviation
        rows, columns = (max(self.smallest_side - side, 0) for side in images.shape[2:])
        if rows or columns:
            padding = [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2]
            values = F.pad(values, padding, mode="replicate")
        return self.network(values)

    def train(self, mode: bool = True) -> FeatureExtractor:  # noqa: ARG002
        """Nothing: the network stays in evaluation mode, also when a module around it is trained."""
        return self

    def extra_repr(self) -> str:
        """The layers, for printing."""
        return f"layers={list(self.layers)}"


def as_extractor(
    network: str | nn.Module, layers: Sequence[str] | None = None, weights: str | Path = "imagenet"
) -> FeatureExtractor:
    """An extractor as it is, or one made of a network.

    Raises:
        ModelError: an extractor without the layers that are asked for, or as `FeatureExtractor`.
    """
    if not isinstance(network, FeatureExtractor):
        return FeatureExtractor(network, layers, weights)
    missing = [layer for layer in layers or () if layer not in network.layers]
    if missing:
        raise ModelError(
            f"the extractor gives {', '.join(network.layers)}, not {', '.join(missing)}: "
            "make it with these layers too, or ask for none"
        )
    return network


def _known(whole: nn.Module, network: str | nn.Module, layers: Sequence[str] | None) -> tuple[str, ...]:
    if layers is None and isinstance(network, str):
        return DEFAULT_LAYERS[network]
    names = [name for name, _ in whole.named_modules() if name]
    kind = network if isinstance(network, str) else type(network).__name__
    outer = ", ".join(name for name in names if name.count(".") <= 1) + ", and those inside them"
    if isinstance(layers, str) or not layers:
        raise ModelError(f"layers {layers!r} of {kind}: expected a list of at least one of {outer}")
    for layer in layers:
        if layer not in names:
            close = get_close_matches(layer, names, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ModelError(f"{kind} has no layer {layer!r}{hint} Its layers: {outer}")
    return tuple(dict.fromkeys(layers))


def _smallest_side(network: nn.Module, like: Tensor) -> int:
    """The smallest power of two whose squares pass through every layer."""
    for side in SIDES:
        if _takes(network, like.new_zeros(1, 3, side, side)):
            return side
    raise ModelError(f"the network takes no images of 3 channels and up to {SIDES[-1]} pixels a side")


@torch.no_grad()
def _takes(network: nn.Module, images: Tensor) -> bool:
    try:
        network(images)
    except RuntimeError:  # a pooling that leaves nothing, or a first layer for other channels
        return False
    return True
