"""Feature mutual information FMI (Haghighat, Aghagolzadeh and Seyedarabi 2011; Haghighat and Razian 2014).

The mean over the sources, and over all 3 x 3 windows inside the features, of 2 I(F; S) / (H(F) + H(S)); up is better.
The joint distribution of two windows is Nelsen's, as in the authors' fmi.m; the head of `_nelsen` tells of it. A window
that is equal in F and S has 1, and one that is constant in either has 0 otherwise. As in fmi.m, the share of the
extreme dependence is not kept below 1, so that single windows can leave [0, 1] by a little. 1 for F = A = B.

The features are those of fmi.m, on the 0..255 scale: pixels; `gradient`, of which MATLAB's function returns the
horizontal part alone to fmi.m; `dct`, the cosine transform of the whole image; `wavelet`, the four bands of one level
of the discrete Meyer transform side by side, each image's stretched to one range. Coefficients count as equal where
they differ by the rounding of the largest one alone; fmi.m measures the rounding there. A widespread copy of fmi.m
takes edge maps where no feature is named, and its values are not those of pixels.

Constant images that differ have 0 of pixels and (nearly) 1 of the other features, which do not tell them apart. A
feature below three values in a direction is continued by its border to three.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional._features import cosine_transform, horizontal_gradient, meyer_bands
from imfuse.lab.metrics.functional._images import as_images, to_peak
from imfuse.lab.metrics.functional._nelsen import SIDE, shared_information

Feature = Literal["pixel", "gradient", "wavelet", "dct"]


@torch.no_grad()
def feature_mutual_information(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], *, feature: Feature = "pixel"
) -> Float[Tensor, " b"]:
    """FMI of one feature; see the head of this file. It has no gradient, and is computed on the CPU.

    Args:
        fused: uint8, or floats in [0, 1].
        sources: as `fused`.
        feature: `pixel`, `gradient`, `wavelet` or `dct`.

    Raises:
        MetricError: images that cannot be measured, or no such feature.
    """
    fused, sources = as_images(fused, sources)
    images = to_peak(torch.cat([fused, sources], dim=1)).cpu()
    features = _at_least_a_window(_features(images, feature))
    real = np.float64 if fused.dtype == torch.float64 else np.float32
    values = [shared_information(each.numpy(), real).mean() for each in features]
    return torch.tensor(values, dtype=fused.dtype, device=fused.device)


def _features(images: Tensor, feature: str) -> Tensor:
    if feature == "pixel":
        return images
    if feature == "gradient":
        return horizontal_gradient(images)
    if feature == "dct":
        coefficients = cosine_transform(images)
        return _grained(coefficients, coefficients.abs().amax(dim=(1, 2, 3), keepdim=True))
    if feature == "wavelet":
        # In double precision, because flat regions hold the ripples of far edges, a millionth of these.
        bands = meyer_bands(images.double())
        low, high = torch.aminmax(bands.flatten(2), dim=2)
        return _grained(bands.sub_(low[..., None, None]), 2**8 * (high - low)[..., None, None])
    raise MetricError(f"no feature {feature!r}; expected pixel, gradient, wavelet or dct")


def _grained(features: Tensor, extent: Tensor) -> Tensor:
    """Whole multiples of the rounding of `extent`, so that values are equal that differ by rounding alone."""
    precision = torch.finfo(features.dtype)
    return features.div_((precision.eps * extent).clamp_min_(precision.tiny)).round_()


def _at_least_a_window(features: Tensor) -> Tensor:
    missing = [max(SIDE - side, 0) for side in features.shape[2:]]
    return F.pad(features, [0, missing[1], 0, missing[0]], mode="replicate") if any(missing) else features


pixel_mutual_information = partial(feature_mutual_information, feature="pixel")
"""FMI of pixels."""
gradient_mutual_information = partial(feature_mutual_information, feature="gradient")
"""FMI of horizontal gradients."""
wavelet_mutual_information = partial(feature_mutual_information, feature="wavelet")
"""FMI of wavelet bands."""
cosine_mutual_information = partial(feature_mutual_information, feature="dct")
"""FMI of the cosine transform."""
