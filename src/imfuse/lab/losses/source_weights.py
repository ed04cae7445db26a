"""How much each source counts in a fusion loss, by an option that a recipe can name."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imfuse.lab.losses.feature_weights import INTENSITY_TEMPERATURE, feature_weights
from imfuse.lab.losses.saliency import saliency_weights
from imfuse.lab.nn.feature_extractor import FeatureExtractor, as_extractor

Whole = Literal["equal", "features"]
"""One weight a source."""
Weights = Literal["equal", "features", "saliency"]


class SourceWeights(nn.Module):
    """Weights of the sources, with a sum of 1 and without gradient.

    Args:
        weights: `equal`; `features`: `feature_weights`, one a source; `saliency`: `saliency_weights`, one a pixel.
        network: of the features, as for `FeatureExtractor`; or an extractor, which losses can share.
        network_weights: of the network, as for `FeatureExtractor`.
        temperature: of the features, as for `feature_weights`.

    Raises:
        ValueError: no such weights.
        ModelError: no such network or weights of it, if features are asked for.

    Example:
        >>> SourceWeights("equal")(torch.rand(1, 2, 8, 8)).shape
        torch.Size([1, 2, 1, 1])
    """

    def __init__(
        self,
        weights: Weights = "equal",
        network: str | FeatureExtractor = "vgg16",
        network_weights: str = "imagenet",
        *,
        temperature: float = INTENSITY_TEMPERATURE,
    ) -> None:
        super().__init__()
        if weights not in ("equal", "features", "saliency"):
            raise ValueError(f"weights {weights!r}: expected equal, features or saliency")
        self.weights: Weights = weights
        self.temperature = temperature
        self.extractor = as_extractor(network, weights=network_weights) if weights == "features" else None

    def forward(self, sources: Float[Tensor, "b n h w"]) -> Float[Tensor, "b n h2 w2"]:
        """Of each pixel `(b, n, h, w)`, or of each source `(b, n, 1, 1)`."""
        if self.weights == "saliency":
            return saliency_weights(sources)
        if self.extractor is not None:
            return feature_weights(sources, self.extractor, self.temperature)[:, :, None, None]
        return equal_weights(sources)[:, :, None, None]

    def extra_repr(self) -> str:
        """The options, for printing."""
        return f"weights={self.weights!r}, temperature={self.temperature!r}"


def equal_weights(sources: Float[Tensor, "b n h w"]) -> Float[Tensor, "b n"]:
    """1 / n of each of n sources."""
    return torch.full_like(sources[:, :, 0, 0], 1 / sources.shape[1], requires_grad=False)


def whole_weights(sources: Float[Tensor, "b n h w"], weights: Float[Tensor, "b n"] | None) -> Float[Tensor, "b n"]:
    """Weights of whole sources as they were given, or equal ones.

    Raises:
        ValueError: not one weight a source.
    """
    if weights is None:
        return equal_weights(sources)
    if weights.shape != sources.shape[:2]:
        raise ValueError(
            f"weights of the shape {tuple(weights.shape)} for {sources.shape[1]} sources in a batch of "
            f"{sources.shape[0]}: expected {tuple(sources.shape[:2])}"
        )
    return weights
