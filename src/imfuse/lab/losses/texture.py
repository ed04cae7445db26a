"""Texture loss (Gatys, Ecker and Bethge 2015): which features go together, wherever in the image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.losses._features import FeatureLoss, Features, LayerWeights, feature_dtype, layer_pairs
from imfuse.lab.losses._precision import precise
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.nn.vgg_names import CONVOLUTIONS, vgg_layer

NAMES = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


def gram_matrix(features: Float[Tensor, "b n h w"]) -> Float[Tensor, "b n n"]:
    """G_ij = sum_k F_ik F_jk over the pixels k of n maps (equation 2), not normalised.

    In float32 at least, also under autocast: the sums are too long for half precision.

    Example:
        >>> gram_matrix(torch.tensor([[[[1.0, 2.0]], [[0.0, 1.0]]]])).tolist()
        [[[5.0, 2.0], [2.0, 1.0]]]
    """
    with torch.autocast(features.device.type, enabled=False):
        maps = precise(features).flatten(2)
        return maps @ maps.mT


def texture_loss(
    features: Features, targets: Features, weights: LayerWeights | None = None, reduction: Reduction = "mean"
) -> Tensor:
    """sum_l w_l E_l with E_l = 1 / (4 N_l^2 M_l^2) sum (G_l - A_l)^2 (equations 3 and 4).

    G_l and A_l are the Gram matrices of the N_l maps of a layer. Where image and target differ in size, each matrix is
    divided by its own number of pixels M_l, which for equal sizes is the same: the loss compares means over the image,
    so that a texture may come from a picture of any size.

    Args:
        features: of the image, in one order or by name.
        targets: of the texture, of the same layers and of as many images, or of one for all.
        weights: w_l in the order of the features or by name; 1 each if None.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: layers or numbers of maps that differ, or no such reduction.
    """
    return reduced(texture_distance(features, targets, weights), reduction).to(feature_dtype(features))


class TextureLoss(FeatureLoss):
    """`texture_loss` of images `(b, 1 or 3, h, w)` in [0, 1] by a network.

    Args:
        network: `vgg16`, `vgg19`, `mobilenet_v2`, a module, or a `FeatureExtractor`.
        layers: of the network; None for the first rectifier of each block of VGG (the layers that the paper's style
            transfer names conv1_1 to conv5_1), and for the default levels of another network.
        network_weights: see the `weights` of `FeatureExtractor`.
        layer_weights: w_l, in the order of the layers or by name; 1 each if None.
        reduction: over the images; `none` gives `(b,)`.
    """

    def __init__(
        self,
        network: str | nn.Module = "vgg19",
        layers: Sequence[str] | None = None,
        network_weights: str | Path = "imagenet",
        layer_weights: LayerWeights | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        if layers is None and isinstance(network, str) and network in CONVOLUTIONS:
            layers = [vgg_layer(network, name) for name in NAMES]
        super().__init__(network, layers, network_weights)
        self.layer_weights = layer_weights
        self.reduction: Reduction = reduction

    def forward(self, image: Float[Tensor, "b c h w"], texture: Float[Tensor, "b c y x"]) -> Tensor:
        """The loss of images, each with its texture or all with one."""
        distance = texture_distance(self.features(image), self.features(texture), self.layer_weights)
        return reduced(distance, self.reduction).to(image.dtype)


def texture_distance(features: Features, targets: Features, weights: LayerWeights | None) -> Float[Tensor, " b"]:
    """`texture_loss` of each image, in float32 at least."""
    distances = []
    for values, others, weight in layer_pairs(features, targets, weights):
        if values.shape[1] != others.shape[1] or len(others) not in {1, len(values)}:
            raise ValueError(
                f"features {tuple(values.shape)} and targets {tuple(others.shape)}: expected equal numbers of maps, "
                "and targets of one image or of as many"
            )
        difference = gram_matrix(values) / values[0, 0].numel() - gram_matrix(others) / others[0, 0].numel()
        distances.append(weight / (4 * values.shape[1] ** 2) * difference.square().sum(dim=(1, 2)))
    return torch.stack(distances).sum(0)
