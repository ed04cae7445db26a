"""Losses of images that no gradient is asked of, measured as in a training."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from imfuse.lab.training.loop import Objective
from imfuse.lab.training.network import Images


def judged(objective: Objective, images: Images, targets: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """An objective of images and targets, also where the images leave [0, 1].

    Losses that are metrics refuse such images unless a gradient is asked for, and networks in training make them. So
    each image asks for one here; what made it is not part of the graph if it was not before.

    Args:
        objective: total and terms.
        images: the fused image, or a NamedTuple of images.
        targets: what they are compared with.

    Example:
        >>> from imfuse.lab.losses.objective import Objective
        >>> objective, fused = Objective({"ssim": 1.0}), torch.full((1, 1, 16, 16), 1.3)
        >>> with torch.no_grad():
        ...     total, _ = judged(objective, fused, torch.rand(1, 2, 16, 16))
        >>> bool(total > 0)
        True
    """
    with torch.enable_grad():
        asking: Any = type(images)(*map(_asking, images)) if hasattr(images, "_fields") else _asking(images)
        return objective(asking, targets)


def _asking(image: Tensor) -> Tensor:
    return image if image.requires_grad else image.detach().requires_grad_()
