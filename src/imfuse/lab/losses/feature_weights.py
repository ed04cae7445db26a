"""Weights of sources by the activity of their features (U2Fusion, Xu et al. 2020; TIM, Liu et al. 2024)."""

from __future__ import annotations

from statistics import mean

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.losses._precision import precise
from imfuse.lab.nn.feature_extractor import DEVIATION, FeatureExtractor
from imfuse.lab.nn.gradients import image_gradient

INTENSITY_TEMPERATURE, FOCUS_TEMPERATURE = 3500.0, 100.0
UNIT = 255 * mean(DEVIATION)
"""A unit of normalised values in grey levels of 0..255, the scale that the temperatures are meant for."""


def feature_activity(sources: Float[Tensor, "b n h w"], extractor: FeatureExtractor) -> Float[Tensor, "b n"]:
    """Mean over the levels of the mean squared Laplacian of the features: g_k of each source.

    **Reading**: the Laplacian is FusionDN's, by the same authors (`laplacian8`: mean of eight neighbours less the
    centre). And the features count in grey levels: theirs came from a VGG-16 on 0..255 less the mean, ours from one
    whose input is divided by the deviation besides, so ours are multiplied by 255 times the mean deviation (57.6),
    which would make them equal if the network were linear; g_k grows by its square, 3321.

    Args:
        sources: in [0, 1].
        extractor: five levels of VGG-16 in the papers.

    Returns:
        From 0 up, 0 for a constant source but for what the border of a network adds; without gradient.
    """
    with torch.no_grad():
        features = extractor(sources.flatten(0, 1)[:, None]).values()
        levels = [image_gradient(UNIT * precise(level), "laplacian8").square().mean((1, 2, 3, 4)) for level in features]
        return torch.stack(levels).mean(0).view(sources.shape[:2])


def feature_weights(
    sources: Float[Tensor, "b n h w"], extractor: FeatureExtractor, temperature: float = INTENSITY_TEMPERATURE
) -> Float[Tensor, "b n"]:
    """Softmax over the sources of g_k / temperature: more of the source in which more happens.

    Args:
        sources: in [0, 1].
        extractor: five levels of VGG-16 in the papers. Another network has features of another size, and wants
            another temperature.
        temperature: c, above 0; smaller makes the choice sharper. The papers take 3000 to 3500 for modalities and
            exposures, and 100 for focus, where nearly all should go to one.

    Returns:
        In [0, 1], with a sum of 1 over the sources, and without gradient.

    Raises:
        ValueError: a temperature that is not above 0.

    Example:
        >>> features = FeatureExtractor("vgg16", weights="random")
        >>> sources = torch.stack([torch.rand(16, 16), torch.full((16, 16), 0.5)])[None]
        >>> noise, constant = feature_weights(sources, features)[0]
        >>> bool(noise > constant)
        True
    """
    if temperature <= 0:
        raise ValueError(f"temperature {temperature!r}: expected a number above 0")
    return torch.softmax(feature_activity(sources, extractor) / temperature, dim=1).to(sources.dtype)
