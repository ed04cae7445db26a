"""The loss of the fused image of HAF (Liu et al., ACM MM 2021): brightness of one source, structure of the other."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor

from imfuse.lab.losses._module import LossModule
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._similarity import mean_similarity
from imfuse.lab.losses.feature_weights import INTENSITY_TEMPERATURE
from imfuse.lab.losses.source_weights import SourceWeights, Whole, whole_weights
from imfuse.lab.nn.feature_extractor import FeatureExtractor


def haf_loss(
    fused: Float[Tensor, "b 1 h w"],
    sources: Float[Tensor, "b n h w"],
    weights: Float[Tensor, "b n"] | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """s_1 L_int(F, A) + s_2 L_ssim(F, B): s_1 mean (F - A)^2 + s_2 (1 - SSIM(F, B)).

    A is the source of targets, such as infrared, and B that of details, such as visible. **Reading**: of more than two
    sources, all after the first count as B does, each with its own weight.

    Args:
        fused: F, in [0, 1].
        sources: A and B, in [0, 1]; their order matters.
        weights: s_k, with a sum of 1 over the sources, such as `feature_weights`; equal if None.
        reduction: over the images; `none` gives `(b,)`.

    Returns:
        From 0, where all images are equal.

    Raises:
        ValueError: not one weight a source, or no such reduction.

    Example:
        >>> import torch
        >>> A, B = torch.full((1, 1, 8, 8), 0.7), torch.full((1, 1, 8, 8), 0.5)
        >>> round(haf_loss(B, torch.cat([A, B], 1)).item(), 4)
        0.02
    """
    weights = whole_weights(sources, weights)
    intensity = (fused - sources[:, :1]).square().mean((2, 3))
    structure = 1 - mean_similarity(fused, sources[:, 1:])
    loss = weights[:, :1] * intensity + (weights[:, 1:] * structure).sum(1, keepdim=True)
    return reduced(loss[:, 0].to(fused.dtype), reduction)


class HAFLoss(LossModule):
    """`haf_loss` as a module, which weighs the sources itself.

    Args:
        weights: `equal`, or `features` as in the paper.
        network: of the features, as for `FeatureExtractor`; or an extractor, which losses can share.
        network_weights: of that network: `imagenet`, or the path of a file.
        temperature: of `feature_weights`.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: no such weights.
        ModelError: no such network or weights of it.
    """

    function = staticmethod(haf_loss)

    def __init__(
        self,
        weights: Whole = "equal",
        *,
        network: str | FeatureExtractor = "vgg16",
        network_weights: str = "imagenet",
        temperature: float = INTENSITY_TEMPERATURE,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        if weights not in ("equal", "features"):
            raise ValueError(f"weights {weights!r}: expected equal or features")
        self.source_weights = SourceWeights(weights, network, network_weights, temperature=temperature)

    def forward(self, fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], **more: Any) -> Tensor:
        """The loss of fused images."""
        return super().forward(fused, sources, self.source_weights(sources)[:, :, 0, 0], **more)
