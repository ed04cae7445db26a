"""`Objective`: named, weighted loss terms; returns the total and each term, so that every run logs every term."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.errors import RecipeError
from imfuse.lab.losses import contrast, exposure, fidelity, gradient, halo, intensity

Loss = Callable[[Tensor, Tensor], Tensor]
"""From fused `(b, 1, h, w)` and sources `(b, n, h, w)` to a scalar; lower is better."""

LOSSES: dict[str, Loss] = {
    "ssim": fidelity.ssim_loss,
    "edge_transfer": fidelity.edge_transfer_loss,
    "visual_information": fidelity.visual_information_loss,
    "correlation_differences": fidelity.correlation_differences_loss,
    "correlation": fidelity.correlation_loss,
    "max_intensity": intensity.max_intensity_loss,
    "max_gradient": gradient.max_gradient_loss,
    "contrast": contrast.contrast_loss,
    "sharpness": contrast.sharpness_loss,
    "nearest_intensity": contrast.nearest_intensity_loss,
    "halo": halo.halo_loss,
    "mef_ssim": exposure.mef_ssim_loss,
    "exposedness": exposure.exposedness_loss,
    "out_of_range": intensity.out_of_range_loss,
}
"""Every loss that a recipe can name."""


class Objective:
    """A weighted sum of losses.

    Args:
        terms: weight of each loss of `LOSSES` by its name.

    Raises:
        RecipeError: no terms, or a name that is no loss.

    Example:
        >>> sources = torch.rand(2, 2, 48, 48)
        >>> total, terms = Objective({"ssim": 1.0, "max_intensity": 0.5})(sources[:, :1], sources)
        >>> sorted(terms)
        ['max_intensity', 'ssim']
    """

    def __init__(self, terms: Mapping[str, float]) -> None:
        if not terms:
            raise RecipeError("objective: no terms; name at least one of " + ", ".join(LOSSES))
        for name in terms:
            if name not in LOSSES:
                close = get_close_matches(name, LOSSES, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise RecipeError(f"objective: no loss {name!r}{hint} Known losses: {', '.join(LOSSES)}")
        self.terms = dict(terms)

    def __call__(
        self, fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]
    ) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
        """Total and the unweighted value of each term."""
        values = {name: LOSSES[name](fused, sources) for name in self.terms}
        total = torch.stack([weight * values[name] for name, weight in self.terms.items()]).sum()
        return total, values
