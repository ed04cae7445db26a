"""Halos: slow changes of brightness in the fused image that no source has, as round a roof before a clear sky."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._module import PlainLoss
from imfuse.lab.losses._per_image import reduced_images
from imfuse.lab.losses._reduction import Reduction, reduced

SCALES = 5


def halo_loss(
    fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"], reduction: Reduction = "mean"
) -> Tensor:
    """Coarse gradient that exceeds the largest of the sources', summed over s scales of 4 to 64 pixels, over s + 1.

    At each scale the images are means over cells; where the fused mean changes from cell to cell by more than that of
    any source does, the change was invented by the choice between them. Images in [0, 1]; in [0, 1]; 0 for a source,
    and for a fixed mixture of all. Scales that leave fewer than two cells are left out. `none` gives `(b,)`.
    """
    images = torch.cat([fused, sources], dim=1)
    terms = [reduced(fused.flatten(1)[:, :0].sum(1), reduction)]  # 0 that has a gradient, for small images
    for scale in range(2, 2 + SCALES):
        if min(images.shape[2:]) < 2 * 2**scale:
            break
        cells = F.avg_pool2d(images, 2**scale)
        change = torch.cat([cells.diff(dim=2).flatten(2), cells.diff(dim=3).flatten(2)], dim=2).abs()
        terms.append(reduced_images(F.relu(change[:, 0] - change[:, 1:].amax(1)), reduction))
    return torch.stack(terms).mean(0)


class HaloLoss(PlainLoss):
    """`halo_loss` as a module."""

    function = staticmethod(halo_loss)
