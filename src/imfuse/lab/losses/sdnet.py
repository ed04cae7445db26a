"""The loss of SDNet, the squeeze-and-decomposition network (Zhang and Ma, IJCV 2021)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from imfuse.lab.losses._choice import share_of_largest
from imfuse.lab.losses._module import LossModule
from imfuse.lab.losses._reduction import Reduction, reduced
from imfuse.lab.losses._shapes import check_equal_shapes
from imfuse.lab.metrics.functional._images import filter_separable, gaussian_window
from imfuse.lab.nn.gradients import image_gradient

ALPHA, BETA = 0.5, 10.0
BLUR_SIZE, BLUR_SIGMA = 3, 1.5


def sdnet_loss(
    fused: Float[Tensor, "b 1 h w"],
    sources: Float[Tensor, "b n h w"],
    decomposed: Float[Tensor, "b n h w"] | None = None,
    *,
    alpha: float = ALPHA,
    beta: float = BETA,
    reduction: Reduction = "mean",
) -> Tensor:
    """L_int + beta L_grad + L_dc, each a mean over the pixels.

    L_int = (F - I_1)^2 + alpha (F - I_2)^2; L_grad = S_1 (lap F - lap I_1)^2 + S_2 (lap F - lap I_2)^2, where S_k is 1
    for the source that `decide` finds livelier at the pixel; L_dc = (I'_1 - I_1)^2 + (I'_2 - I_2)^2.

    **Readings**: the Laplacian is that of the four neighbours; alpha and beta, which the paper sets for each task, are
    ours; of more than two sources, all after the first have the weight alpha.

    Args:
        fused: F, in [0, 1].
        sources: I_k, in [0, 1].
        decomposed: I'_k, the sources as a second network sees them in F; None leaves L_dc out.
        alpha: weight of the intensities of each source after the first; 1 where no source leads, as in focus.
        beta: weight of the gradients.
        reduction: over the images; `none` gives `(b,)`.

    Raises:
        ValueError: decomposed images of another shape than the sources, or no such reduction.

    Example:
        >>> sources = torch.tensor([[[[0.5]], [[0.3]]]])
        >>> round(sdnet_loss(sources[:, 1:], sources).item(), 4)
        0.04
    """
    squares = (fused - sources).square().mean((2, 3))
    intensity = squares[:, 0] + alpha * squares[:, 1:].sum(1)
    laplacians = laplacian(sources)
    gradient = (decide(laplacians) * (laplacian(fused) - laplacians).square()).sum(1).mean((1, 2))
    loss = intensity + beta * gradient
    if decomposed is not None:
        check_equal_shapes(decomposed=decomposed, sources=sources)
        loss = loss + (decomposed - sources).square().sum(1).mean((1, 2))
    return reduced(loss.to(fused.dtype), reduction)


def decide(laplacians: Float[Tensor, "b n h w"]) -> Float[Tensor, "b n h w"]:
    """The adaptive decision block: 1 for the source whose blurred gradient is largest at the pixel, 0 for the others.

    S_1 = sign(B(|lap I_1|) - min(B(|lap I_1|), B(|lap I_2|))) and S_2 = 1 - S_1, B a Gaussian blur. **Readings**: the
    blur is of 3 x 3 pixels with sigma 1.5, with a replicated border; magnitudes are taken before it; where several
    are largest they share, while S_1 and S_2 would choose the second.

    Returns:
        With a sum of 1 over the sources, and without gradient.
    """
    with torch.no_grad():
        padded = F.pad(laplacians.abs(), [BLUR_SIZE // 2] * 4, mode="replicate")
        return share_of_largest(filter_separable(padded, gaussian_window(BLUR_SIZE, BLUR_SIGMA, padded)))


def laplacian(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """The four neighbours less four times the centre."""
    return image_gradient(images, "laplacian4").squeeze(2)


class SDNetLoss(LossModule):
    """`sdnet_loss` as a module."""

    function = staticmethod(sdnet_loss)

    def __init__(self, alpha: float = ALPHA, beta: float = BETA, reduction: Reduction = "mean") -> None:
        super().__init__(alpha=alpha, beta=beta, reduction=reduction)
