"""Edge transfer Qabf (Xydeas and Petrovic 2000): how much of the sources' edges the fused image keeps."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from imfuse.lab.metrics.functional._images import to_peak

STRENGTH = (0.9994, -15.0, 0.5)
ORIENTATION = (0.9879, -22.0, 0.8)
UPRIGHT = 1e-4
EPSILON = 1e-12


def edge_transfer(fused: Float[Tensor, "b 1 h w"], sources: Float[Tensor, "b n h w"]) -> Float[Tensor, " b"]:
    """Qabf in [0, 1]: edge strength and orientation kept, weighted by the sources' edge strength.

    Sobel with zero border, exponent 1 on the weights, orientation by atan in (-pi / 2, pi / 2] with the rows counted
    upwards, so that a horizontal edge has pi / 2 and its close neighbours lie on both sides, as in the reference.
    0 where no source has an edge.
    """
    strength_f, angle_f = _edges(to_peak(fused))
    strength_s, angle_s = _edges(to_peak(sources))
    quality = edge_preservation(strength_f, angle_f, strength_s, angle_s)
    weight = strength_s.sum(dim=(1, 2, 3))
    return (quality * strength_s).sum(dim=(1, 2, 3)) / weight.clamp_min(EPSILON)


def edge_preservation(strength_f: Tensor, angle_f: Tensor, strength_s: Tensor, angle_s: Tensor) -> Tensor:
    """Q of each pixel for each source, from edge strengths and angles in radians."""
    larger = torch.maximum(strength_s, strength_f)
    ratio = torch.minimum(strength_s, strength_f) / larger.clamp_min(EPSILON)
    alignment = 1 - (angle_s - angle_f).abs() * 2 / math.pi
    return _sigmoid(ratio, STRENGTH) * _sigmoid(alignment, ORIENTATION)


def _edges(image: Tensor) -> tuple[Tensor, Tensor]:
    kernel = image.new_tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
    kernels = torch.stack([kernel, -kernel.T]).unsqueeze(1)
    flat = image.flatten(0, 1).unsqueeze(1)
    gx, gy = torch.nn.functional.conv2d(flat, kernels, padding=1).split(1, dim=1)
    strength = torch.sqrt(gx**2 + gy**2 + EPSILON)
    upright = gx.abs() < UPRIGHT  # the slope would overflow, and its gradient be undefined
    slope = gy / torch.where(upright, torch.ones_like(gx), gx)
    angle = torch.where(upright, torch.full_like(gx, math.pi / 2), torch.atan(slope))
    return strength.view_as(image), angle.view_as(image)


def _sigmoid(value: Tensor, constants: tuple[float, float, float]) -> Tensor:
    top, slope, centre = constants
    return top / (1 + torch.exp(slope * (value - centre)))
