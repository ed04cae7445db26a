"""Elementary functions and filters that OpenCV computes several times faster than PyTorch on a CPU.

Each is PyTorch's own on another device, in half precision and while compiling, and the functions also where a gradient
is asked for; the values are the same to the rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from cv2.typing import MatLike


def is_plain(*tensors: Tensor) -> bool:
    """Whether another library may compute: on the CPU, in single or double precision, and without gradient."""
    wants_gradient = torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
    return not wants_gradient and is_usual(*tensors)


def is_usual(*tensors: Tensor) -> bool:
    """Whether another library may compute what has a gradient of its own: on the CPU, in single or double precision."""
    usual = all(t.device.type == "cpu" and t.dtype in (torch.float32, torch.float64) for t in tensors)
    return usual and not torch.compiler.is_compiling()


def logarithm(image: Tensor) -> Tensor:
    """Natural logarithm of each value, all of them positive."""
    return _on_rows(cv2.log, image) if is_plain(image) else torch.log(image)


def square_root(image: Tensor) -> Tensor:
    """Root of each value, none of them negative."""
    return _on_rows(cv2.sqrt, image) if is_plain(image) else torch.sqrt(image)


def logistic(image: Tensor, top: float, slope: float, centre: float) -> Tensor:
    """Of each value x, top / (1 + exp(slope (x - centre))); a negative slope rises."""
    if not is_plain(image):
        return top * torch.sigmoid((centre - image) * slope)
    return _on_rows(lambda rows: _logistic(rows, top, slope, centre), image)


def filter_planes(image: Tensor, column: Tensor, row: Tensor) -> Tensor:
    """What `filter_separable` of `_images` says, for images that are usual and not smaller than the window.

    It has derivatives of any order in the image, none in the windows.
    """
    filtered: Tensor = _FilterPlanes.apply(image, column.detach(), row.detach())  # pyright: ignore[reportAssignmentType]
    return filtered


class _FilterPlanes(torch.autograd.Function):
    """Filtering is linear: its derivative is the filter by the flipped windows on what is padded by zeros."""

    @staticmethod
    def forward(image: Tensor, column: Tensor, row: Tensor) -> Tensor:
        return _filter_planes(image, column, row)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:  # noqa: ARG004
        ctx.column, ctx.row = inputs[1:]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        sides = [len(ctx.row) - 1] * 2 + [len(ctx.column) - 1] * 2
        return filter_planes(F.pad(gradients[0], sides), ctx.column.flip(0), ctx.row.flip(0)), None, None


def _filter_planes(image: Tensor, column: Tensor, row: Tensor) -> Tensor:
    batch, channels, height, width = image.shape
    inside = (
        slice(len(column) // 2, len(column) // 2 + height - len(column) + 1),
        slice(len(row) // 2, len(row) // 2 + width - len(row) + 1),
    )
    planes, weights = image.detach().flatten(0, 1).numpy(), (row.detach().numpy(), column.detach().numpy())
    # Plane by plane, because one stays in the cache while all would not.
    filtered = [cv2.sepFilter2D(plane, -1, *weights, borderType=cv2.BORDER_REPLICATE)[inside] for plane in planes]
    # Views are taken in NumPy, for autograd forbids to change one of PyTorch's in place.
    if len(filtered) == 1:
        return torch.from_numpy(filtered[0][None, None])
    return torch.from_numpy(np.stack(filtered).reshape(batch, channels, *filtered[0].shape))


def _on_rows(function: Callable[[MatLike], MatLike], image: Tensor) -> Tensor:
    rows = image.detach().reshape(-1, image.shape[-1]).numpy()
    return torch.from_numpy(function(rows)).view(image.shape)


def _logistic(rows: MatLike, top: float, slope: float, centre: float) -> MatLike:
    exponent = rows * slope
    exponent -= slope * centre
    power = cv2.exp(exponent, dst=exponent)
    power += 1
    return cv2.divide(top, power, dst=power)
