"""The loss of FusionDN, the densely connected fusion network (Xu et al., AAAI 2020); see `elastic_weights` too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.losses._module import LossModule
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._similarity import mean_similarity
from imfuse.lab.losses.feature_weights import INTENSITY_TEMPERATURE, UNIT, feature_weights
from imfuse.lab.losses.perceptual import feature_distance
from imfuse.lab.losses.source_weights import Whole, whole_weights
from imfuse.lab.nn.feature_extractor import FeatureExtractor, as_extractor
from imfuse.lab.nn.gradients import image_gradient

PERCEPTUAL_WEIGHT, GRADIENT_WEIGHT = 4e-5, 1800.0


def fusiondn_loss(
    fused: Float[Tensor, "b 1 h w"],
    sources: Float[Tensor, "b n h w"],
    extractor: FeatureExtractor | None,
    weights: Float[Tensor, "b n"] | None = None,
    *,
    perceptual_weight: float = PERCEPTUAL_WEIGHT,
    gradient_weight: float = GRADIENT_WEIGHT,
    reduction: Reduction = "mean",
) -> Tensor:
    """sum_k w_k (1 - SSIM(F, I_k) + perceptual_weight * perceptual(F, I_k) + gradient_weight * gradient(F, I_k)).

    perceptual: the mean squared difference of features, in grey levels of 0..255 as in `feature_activity`, and over the
    levels of the extractor; gradient: the mean squared difference of the Laplacians by eight neighbours.

    **Readings**: the scale of the features, to which 4e-5 fits; several levels rather than one. The paper weighs the
    sources by image quality and entropy; here any weights do, `feature_weights` as in its successor U2Fusion.

    Args:
        fused: F, in [0, 1].
        sources: I_k, in [0, 1].
        extractor: of the features; None leaves the perceptual term out.
        weights: w_k, with a sum of 1 over the sources; equal if None.
        perceptual_weight: how much features count beside structure.
        gradient_weight: how much gradients count beside structure.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: not one weight a source, or no such reduction.

    Example:
        >>> sources = torch.full((1, 2, 8, 8), 0.5)
        >>> fusiondn_loss(sources[:, :1], sources, None).item()
        0.0
    """
    weights = whole_weights(sources, weights)
    gradient = image_gradient(fused - sources, "laplacian8").square().mean((2, 3, 4))
    costs = 1 - mean_similarity(fused, sources) + gradient_weight * gradient
    if extractor is not None:
        costs = costs + perceptual_weight * _feature_difference(fused, sources, extractor)
    return reduced((weights * costs).sum(1).to(fused.dtype), reduction)


def _feature_difference(fused: Tensor, sources: Tensor, extractor: FeatureExtractor) -> Float[Tensor, "b n"]:
    with torch.no_grad():
        of_sources = extractor(sources.flatten(0, 1)[:, None])
    count = sources.shape[1]
    of_fused = {layer: values.repeat_interleave(count, dim=0) for layer, values in extractor(fused).items()}
    levels = dict.fromkeys(of_fused, UNIT**2 / len(of_fused))
    return feature_distance(of_fused, of_sources, levels).unflatten(0, sources.shape[:2])


class FusionDNLoss(LossModule):
    """`fusiondn_loss` as a module, which makes its own features and weighs the sources itself.

    Args:
        weights: `equal`, or `features`.
        network: of the features, as for `FeatureExtractor`; or an extractor, which losses can share.
        layers: of the network, as for `FeatureExtractor`; None for its five levels.
        network_weights: of that network: `imagenet`, or the path of a file.
        temperature: of `feature_weights`.
        perceptual_weight: how much features count beside structure.
        gradient_weight: how much gradients count beside structure.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: no such weights.
        ModelError: no such network, layers or weights of it.
    """

    function = staticmethod(fusiondn_loss)

    def __init__(
        self,
        weights: Whole = "equal",
        *,
        network: str | FeatureExtractor = "vgg16",
        layers: Sequence[str] | None = None,
        network_weights: str = "imagenet",
        temperature: float = INTENSITY_TEMPERATURE,
        perceptual_weight: float = PERCEPTUAL_WEIGHT,
        gradient_weight: float = GRADIENT_WEIGHT,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(perceptual_weight=perceptual_weight, gradient_weight=gradient_weight, reduction=reduction)
        if weights not in ("equal", "features"):
            raise ValueError(f"weights {weights!r}: expected equal or features")
        self.weights: Whole = weights
        self.temperature = temperature
        self.extractor = as_extractor(network, layers, network_weights)

    def forward(self, fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], **more: Any) -> Tensor:
        """The loss of fused images."""
        weights = None
        if self.weights == "features":
            weights = feature_weights(sources, self.extractor, self.temperature)
        return super().forward(fused, sources, self.extractor, weights, **more)
