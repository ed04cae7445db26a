"""Perceptual loss (Johnson, Alahi and Fei-Fei 2016): images that a network for recognition sees alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.losses._features import FeatureLoss, Features, LayerWeights, feature_dtype, layer_pairs
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._shapes import check_equal_shapes


def perceptual_loss(
    features: Features, targets: Features, weights: LayerWeights | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """sum_j w_j / (C_j H_j W_j) |V_j(Y) - V_j(Y')|^2 over layers V_j (equation 2).

    Args:
        features: V_j(Y), in one order or by name.
        targets: V_j(Y'), of the same layers and shapes.
        weights: w_j in the order of the features or by name; 1 each if None.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: layers or shapes that differ, or no such reduction.

    Example:
        >>> perceptual_loss([torch.ones(1, 2, 4, 4)], [torch.zeros(1, 2, 4, 4)], weights=[0.5]).item()
        0.5
    """
    return reduced(feature_distance(features, targets, weights), reduction).to(feature_dtype(features))


class PerceptualLoss(FeatureLoss):
    """`perceptual_loss` of images `(b, 1 or 3, h, w)` in [0, 1] by a network.

    Args:
        network: `vgg16`, `vgg19`, `mobilenet_v2`, a module, or a `FeatureExtractor`.
        layers: of the network; None for five levels, of VGG the last rectifier before each pooling.
        network_weights: see the `weights` of `FeatureExtractor`.
        layer_weights: w_j, in the order of the layers or by name; 1 each if None.
        reduction: over the images; `none` gives `(b,)`.
    """

    def __init__(
        self,
        network: str | nn.Module = "vgg16",
        layers: Sequence[str] | None = None,
        network_weights: str | Path = "imagenet",
        layer_weights: LayerWeights | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(network, layers, network_weights)
        self.layer_weights = layer_weights
        self.reduction: Reduction = reduction

    def forward(self, image: Float[Tensor, "b c h w"], target: Float[Tensor, "b c h w"]) -> Tensor:
        """The loss of images."""
        distance = feature_distance(self.features(image), self.features(target), self.layer_weights)
        return reduced(distance, self.reduction).to(image.dtype)


def feature_distance(features: Features, targets: Features, weights: LayerWeights | None) -> Float[Tensor, " b"]:
    """`perceptual_loss` of each image, in float32 at least."""
    distances = []
    for values, others, weight in layer_pairs(features, targets, weights):
        check_equal_shapes(features=values, targets=others)
        distances.append(weight * (values - others).square().mean(dim=(1, 2, 3)))
    return torch.stack(distances).sum(0)
