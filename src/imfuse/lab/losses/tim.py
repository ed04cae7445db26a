"""The losses of TIM for fusion and for enhancement (Liu et al., TPAMI 2024, arXiv 2305.15862)."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor

from imfuse.lab.losses._module import LossModule
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._similarity import mean_similarity
from imfuse.lab.losses.feature_weights import INTENSITY_TEMPERATURE
from imfuse.lab.losses.source_weights import SourceWeights, Weights, Whole, equal_weights, whole_weights
from imfuse.lab.nn.feature_extractor import FeatureExtractor

MU = 0.75


def tim_loss(
    fused: Float[Tensor, "b 1 h w"],
    sources: Float[Tensor, "b n h w"],
    weights: Float[Tensor, "b n"] | None = None,
    mu: float = MU,
    reduction: Reduction = "mean",
) -> Tensor:
    """L_F = L_int + mu L_ssim: sum_k w_k mean (F - I_k)^2 + mu sum_k w_k (1 - SSIM(F, I_k)).

    Args:
        fused: F, in [0, 1].
        sources: I_k, in [0, 1].
        weights: w_k, with a sum of 1 over the sources, such as `feature_weights`; equal if None.
        mu: how much structure counts beside intensity.
        reduction: over the images; `none` gives `(b,)`.

    Returns:
        From 0, where all images are equal.

    Raises:
        ValueError: not one weight a source, or no such reduction.

    Example:
        >>> import torch
        >>> sources = torch.full((1, 2, 8, 8), 0.5)
        >>> tim_loss(sources[:, :1], sources).item()
        0.0
    """
    weights = whole_weights(sources, weights)
    intensity = (fused - sources).square().mean((2, 3))
    structure = 1 - mean_similarity(fused, sources)
    return reduced((weights * (intensity + mu * structure)).sum(1).to(fused.dtype), reduction)


def visual_loss(
    fused: Float[Tensor, "b 1 h w"],
    sources: Float[Tensor, "b n h w"],
    weights: Float[Tensor, "b n h2 w2"] | None = None,
    mu: float = MU,
    reduction: Reduction = "mean",
) -> Tensor:
    """L_Vint + mu L_Vssim: sum_k mean (M_k (F - I_k))^2 + mu sum_k (1 - SSIM(M_k I_k, M_k F)).

    The loss of the enhancement networks, which take from each source where it matters.

    Args:
        fused: F, in [0, 1].
        sources: I_k, in [0, 1].
        weights: M_k of each pixel `(b, n, h, w)`, such as `saliency_weights`, or of each source `(b, n, 1, 1)`; in
            [0, 1], with a sum of 1 over the sources; equal if None.
        mu: how much structure counts beside intensity.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: weights that do not fit the sources, or no such reduction.
    """
    weights = equal_weights(sources)[:, :, None, None] if weights is None else weights
    if weights.shape not in (sources.shape, (*sources.shape[:2], 1, 1)):
        raise ValueError(
            f"weights of the shape {tuple(weights.shape)} for sources {tuple(sources.shape)}: "
            f"expected {tuple(sources.shape)} or {(*sources.shape[:2], 1, 1)}"
        )
    weighted_fused, weighted_sources = weights * fused, weights * sources
    intensity = (weighted_fused - weighted_sources).square().mean((2, 3)).sum(1)
    pairs = (images.flatten(0, 1)[:, None] for images in (weighted_fused, weighted_sources))
    structure = (1 - mean_similarity(*pairs)).view(sources.shape[:2]).sum(1)
    return reduced((intensity + mu * structure).to(fused.dtype), reduction)


class TIMLoss(LossModule):
    """`tim_loss` as a module, which weighs the sources itself.

    Args:
        weights: `equal`, or `features` as in the paper.
        network: of the features, as for `FeatureExtractor`; or an extractor, which losses can share.
        network_weights: of that network: `imagenet`, or the path of a file.
        temperature: of `feature_weights`: about 3500 for intensities, 100 for focus.
        mu: how much structure counts beside intensity.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: no such weights.
        ModelError: no such network or weights of it.
    """

    function = staticmethod(tim_loss)

    def __init__(
        self,
        weights: Whole = "equal",
        *,
        network: str | FeatureExtractor = "vgg16",
        network_weights: str = "imagenet",
        temperature: float = INTENSITY_TEMPERATURE,
        mu: float = MU,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(mu=mu, reduction=reduction)
        if weights not in ("equal", "features"):
            raise ValueError(f"weights {weights!r}: expected equal or features")
        self.source_weights = SourceWeights(weights, network, network_weights, temperature=temperature)

    def forward(self, fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], **more: Any) -> Tensor:
        """The loss of fused images."""
        return super().forward(fused, sources, self.source_weights(sources)[:, :, 0, 0], **more)


class VisualLoss(LossModule):
    """`visual_loss` as a module, which weighs the sources itself.

    Args:
        weights: `saliency` of the pixels, `features` of the sources, or `equal`.
        network: of the features, as for `FeatureExtractor`; or an extractor, which losses can share.
        network_weights: of that network: `imagenet`, or the path of a file.
        temperature: of `feature_weights`.
        mu: how much structure counts beside intensity.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: no such weights.
        ModelError: no such network or weights of it.
    """

    function = staticmethod(visual_loss)

    def __init__(
        self,
        weights: Weights = "saliency",
        *,
        network: str | FeatureExtractor = "vgg16",
        network_weights: str = "imagenet",
        temperature: float = INTENSITY_TEMPERATURE,
        mu: float = MU,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(mu=mu, reduction=reduction)
        self.source_weights = SourceWeights(weights, network, network_weights, temperature=temperature)

    def forward(self, fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], **more: Any) -> Tensor:
        """The loss of fused images."""
        return super().forward(fused, sources, self.source_weights(sources), **more)
