"""Learned perceptual similarity LPIPS (Zhang et al. 2018) of the fused image to its sources, by AlexNet.

The backbone's weights are not part of imfuse and are never downloaded here: without their file there is no value. The
linear layers on top come with torchmetrics.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional._images import as_images

FILE_NAME = "alexnet-owt-7be5be79.pth"
"""As torchvision names its AlexNet of ImageNet."""
TAPS = (1, 4, 7, 9, 11)
"""Layers of AlexNet's features after which images are compared: its five rectifiers."""
SHIFT, SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)
"""Mean and deviation of the training images on [-1, 1]."""
SMALLEST_SIDE = 31
EPSILON = 1e-8


def perceptual_distance(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], weights: Path | str | None = None
) -> Float[Tensor, " b"]:
    """Mean over the sources of LPIPS(source, fused), from 0 (equal) up; lower is better.

    Version 0.1 with AlexNet, as torchmetrics has it; grey images are given to the network as three equal channels.
    Images below 31 pixels in a direction are continued by their border, because the network needs so many.

    Args:
        fused: uint8, or floats in [0, 1].
        sources: as `fused`.
        weights: file of torchvision's AlexNet; by default where torch.hub keeps it.

    Raises:
        MetricError: images that cannot be measured, or weights that are missing or not AlexNet's.
    """
    fused, sources = as_images(fused, sources)
    features, layers = _network(weights_file(weights), fused.device, fused.dtype)
    images = torch.cat([fused, sources], dim=1)
    distance = torch.zeros_like(sources[:, :, 0, 0])
    for layer, values in zip(layers, _compared(features, images.flatten(0, 1).unsqueeze(1)), strict=True):
        of_fused, of_sources = values.unflatten(0, images.shape[:2]).split([1, sources.shape[1]], dim=1)
        distance = distance + ((of_sources - of_fused).square() * layer).sum(2).mean(dim=(2, 3))
    return distance.mean(1)


def weights_file(weights: Path | str | None = None) -> Path:
    """The file of AlexNet's weights: the one given, or torchvision's in the checkpoints of torch.hub."""
    if weights is not None:
        return Path(weights)
    return Path(torch.hub.get_dir()) / "checkpoints" / FILE_NAME


def lpips_available(weights: Path | str | None = None) -> bool:
    """Whether LPIPS can be measured: the file of the weights is there. It is not opened."""
    return weights_file(weights).is_file()


@lru_cache(maxsize=2)
def _network(file: Path, device: torch.device, dtype: torch.dtype) -> tuple[nn.Sequential, list[Tensor]]:
    """AlexNet's features and the factors of each tap's channels, read once."""
    import torchmetrics.functional.image
    from torchvision.models import alexnet

    if not file.is_file():
        raise MetricError(
            f"LPIPS needs the weights of AlexNet in {file.name}, which is not in {file.parent}; put the file there, or "
            "let torchvision fetch it with "
            "python -c 'from torchvision.models import AlexNet_Weights as W; W.IMAGENET1K_V1.get_state_dict()'"
        )
    with torch.device("meta"):  # the classifier, 55 of 61 million values, is never made
        features = alexnet().features[: TAPS[-1] + 1]
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        convolutions = {key.removeprefix("features."): state[key] for key in state if key.startswith("features.")}
        features.load_state_dict(convolutions, assign=True)
    except Exception as error:
        raise MetricError(f"{file} does not hold the weights of torchvision's AlexNet: {error}") from error
    package = Path(torchmetrics.functional.image.__file__).parent
    linear = torch.load(package / "lpips_models" / "alex.pth", map_location="cpu", weights_only=True)
    layers = [linear[f"lin{index}.model.1.weight"][0].to(device, dtype) for index in range(len(TAPS))]
    return features.to(device, dtype).requires_grad_(False).eval(), layers


def _compared(features: nn.Sequential, grey: Tensor) -> list[Tensor]:
    """Activations of grey images `(b, 1, h, w)` in [0, 1] at each tap, of length 1 over the channels."""
    rows, columns = (max(SMALLEST_SIDE - side, 0) for side in grey.shape[2:])
    padded = F.pad(grey, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2], mode="replicate")
    shift, scale = (padded.new_tensor(values).view(1, 3, 1, 1) for values in (SHIFT, SCALE))
    values, taps = (2 * padded - 1 - shift) / scale, []
    for index, layer in enumerate(features):
        values = layer(values)
        if index in TAPS:
            taps.append(values / torch.sqrt(EPSILON + values.square().sum(1, keepdim=True)))
    return taps
