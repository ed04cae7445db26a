"""Topology-aware loss for thin structures such as roads, vessels and cracks (Mosinska et al., CVPR 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.losses._features import FeatureLoss
from imfuse.lab.losses._precision import precise
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses.perceptual import feature_distance
from imfuse.lab.nn.feature_extractor import FeatureExtractor
from imfuse.lab.nn.vgg_names import CONVOLUTIONS, vgg_layer

MU = 0.1


def topology_loss(
    logits: Float[Tensor, "b 1 h w"],
    targets: Float[Tensor, "b 1 h w"],
    extractor: FeatureExtractor,
    *,
    mu: float = MU,
    layers: Sequence[str] | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """BCE + mu sum_{n,m} 1 / (M_n W_n H_n) |l_n^m(y) - l_n^m(f(x))|^2 (equations 1 to 3).

    The features l_n of a fixed network on the map of probabilities f(x), repeated to three channels, see that a line is
    broken where single pixels hardly count.

    Args:
        logits: of the structure; f(x) is their sigmoid.
        targets: y, 1 on the structure and 0 elsewhere.
        extractor: layers l_n, of M_n maps of W_n x H_n.
        mu: weight of the features; the paper takes 0.1 where both terms are means.
        layers: of those of the extractor; all if None.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: maps of more than one channel, or no such reduction.
    """
    if logits.shape[1] != 1 or targets.shape != logits.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)}: expected both (b, 1, h, w)")
    values, targets = precise(logits), precise(targets)
    per_pixel = F.binary_cross_entropy_with_logits(values, targets, reduction="none").mean(dim=(1, 2, 3))
    seen, wanted = extractor(torch.sigmoid(values)), extractor(targets)
    chosen = extractor.layers if layers is None else layers
    distance = feature_distance([seen[layer] for layer in chosen], [wanted[layer] for layer in chosen], None)
    return reduced(per_pixel + mu * distance, reduction).to(logits.dtype)


class TopologyLoss(FeatureLoss):
    """`topology_loss` with a network.

    Args:
        network: `vgg19` in the paper; `vgg16`, `mobilenet_v2`, a module, or a `FeatureExtractor`.
        layers: None for conv1_2, conv2_2 and the last convolution of the third block of VGG, before their rectifiers,
            and for the default levels of another network.
        network_weights: see the `weights` of `FeatureExtractor`.
        mu: weight of the features.
        reduction: over the images; `none` gives `(b,)`.
    """

    def __init__(
        self,
        network: str | nn.Module = "vgg19",
        layers: Sequence[str] | None = None,
        network_weights: str | Path = "imagenet",
        mu: float = MU,
        reduction: Reduction = "mean",
    ) -> None:
        if layers is None and isinstance(network, str) and network in CONVOLUTIONS:
            names = ("conv1_2", "conv2_2", f"conv3_{CONVOLUTIONS[network][2]}")
            layers = [vgg_layer(network, name) for name in names]
        super().__init__(network, layers, network_weights)
        self.mu = mu
        self.reduction: Reduction = reduction

    def forward(self, logits: Float[Tensor, "b 1 h w"], targets: Float[Tensor, "b 1 h w"]) -> Tensor:
        """The loss of logits."""
        return topology_loss(logits, targets, self.extractor, mu=self.mu, layers=self.layers, reduction=self.reduction)
