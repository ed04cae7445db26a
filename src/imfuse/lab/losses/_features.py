"""What losses on features share: pairs of layers with their weights, and the module with an extractor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from imfuse.lab.losses._precision import precise
from imfuse.lab.nn.feature_extractor import as_extractor

Features = Sequence[Tensor] | Mapping[str, Tensor]
"""`(b, channels, rows, columns)` of each layer, in one order or by name."""
LayerWeights = Sequence[float] | Mapping[str, float]


def layer_pairs(
    features: Features, targets: Features, weights: LayerWeights | None
) -> list[tuple[Tensor, Tensor, float]]:
    """Features, those of the target and the weight of each layer; in float32 at least, because squares are summed.

    Args:
        features: of at least one layer.
        targets: of the same layers.
        weights: in the order of the features or by name; 1 each if None.

    Raises:
        ValueError: features, targets and weights of different layers, or of none.
    """
    values, others = _by_name(features), _by_name(targets)
    if not values:
        raise ValueError("features of no layer: expected at least one")
    if isinstance(weights, Mapping) or weights is None:
        shares: dict[Any, float] = dict.fromkeys(values, 1.0) if weights is None else dict(weights)
    else:
        if len(weights) != len(values):
            raise ValueError(
                f"{len(weights)} weights of layers: expected one for each of {', '.join(map(str, values))}"
            )
        shares = dict(zip(values, weights, strict=True))
    for what, given in (("targets", others), ("weights", shares)):
        if set(given) != set(values):
            raise ValueError(f"{what} of layers {list(given)}: expected those of the features, {list(values)}")
    return [(precise(values[name]), precise(others[name]), float(shares[name])) for name in values]


def feature_dtype(features: Features) -> torch.dtype:
    """The dtype of the features of the first layer."""
    return next(iter(_by_name(features).values())).dtype


class FeatureLoss(nn.Module):
    """A loss with an extractor; the features of a target that needs no gradient have none.

    Args:
        network: a name, a module, or an extractor; see `FeatureExtractor`.
        layers: of the network; None for all that an extractor gives by default.
        network_weights: see the `weights` of `FeatureExtractor`.
    """

    def __init__(
        self, network: str | nn.Module, layers: Sequence[str] | None = None, network_weights: str | Path = "imagenet"
    ) -> None:
        super().__init__()
        self.extractor = as_extractor(network, layers, network_weights)
        self.layers = self.extractor.layers if layers is None else tuple(layers)

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """The features of images at the layers of this loss."""
        values = self.extractor(images)
        return {layer: values[layer] for layer in self.layers}


def _by_name(values: Features) -> dict[Any, Tensor]:
    return dict(values) if isinstance(values, Mapping) else dict(enumerate(values))
