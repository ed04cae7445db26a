"""From the logits of a choice to the weights of its options in one step: all of them, or one that is drawn.

Softmax weights are those of DARTS (Liu, Simonyan and Yang, ICLR 2019). The drawn option with a straight-through
gradient is that of GDAS (Dong and Yang, CVPR 2019), after Jang, Gu and Poole, ICLR 2017. Two paths, of which one counts
and both have a gradient, are an idea of ProxylessNAS (Cai, Zhu and Han, ICLR 2019); how they are weighed is ours.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Relaxation = Literal["softmax", "gumbel", "two_paths"]
RELAXATIONS: tuple[Relaxation, ...] = ("softmax", "gumbel", "two_paths")


def softmax_weights(logits: Float[Tensor, " options"], temperature: float = 1.0) -> Float[Tensor, " options"]:
    """softmax(logits / temperature): every option counts.

    Args:
        logits: of one choice.
        temperature: above 0; lower is nearer to the most likely option alone.

    Example:
        >>> softmax_weights(torch.tensor([0.0, 0.0]))
        tensor([0.5000, 0.5000])
    """
    return (logits / temperature).softmax(0)


def gumbel_weights(
    logits: Float[Tensor, " options"], noise: Float[Tensor, " options"], temperature: float = 1.0
) -> Float[Tensor, " options"]:
    """Exactly 1 for the option of the largest logit + noise and exactly 0 for the others.

    The gradient is that of softmax((logits + noise) / temperature). With `gumbel_noise`, each option is drawn as often
    as softmax(logits) says, whatever the temperature.

    Args:
        logits: of one choice.
        noise: of the step; zeros take the most likely option.
        temperature: above 0; lower makes the gradient less biased and more noisy.

    Example:
        >>> gumbel_weights(torch.tensor([0.0, 1.0]), torch.tensor([3.0, 0.0]))
        tensor([1., 0.])
    """
    noisy = logits + noise
    soft = (noisy / temperature).softmax(0)
    drawn = F.one_hot(noisy.detach().argmax(), len(noisy)).to(soft.dtype)
    return drawn + (soft - soft.detach())  # in these brackets, so that no rounding is left: zero must be zero


def paired_weights(
    logits: Float[Tensor, " options"], drawn: int, rival: int | None = None, share: float = 0.5
) -> Float[Tensor, " options"]:
    """Exactly 1 for the drawn option and exactly 0 for the others.

    With gains g of the weights, the gradient of the drawn logit is share (g_drawn - g_rival), that of the rival its
    negative, and that of others zero. So the two are compared, while a single drawn option only tells whether more of
    it would help. The weights of ProxylessNAS have the softmax of the pair in the place of the share, which pulls
    towards the mixture that is best, not towards the option that is.

    Options are drawn with probabilities p = softmax(logits), and rivals among the others by the same p. With
    share = (1 - p_drawn) / 2 the mean over the draws is the gradient of the expected loss sum_i p_i L_i, by the
    trapezoidal rule between each two options: exact where the loss is quadratic in what the options compute.

    Args:
        logits: of one choice.
        drawn: which option counts.
        rival: which other one it is compared with; None for weights without a gradient.
        share: factor of the gradient.

    Example:
        >>> paired_weights(torch.tensor([0.0, 1.0, 2.0]), 1, 0)
        tensor([0., 1., 0.])
    """
    alone = F.one_hot(torch.tensor(drawn, device=logits.device), len(logits)).to(logits.dtype)
    if rival is None:
        return alone
    lead = share * (logits[drawn] - logits[rival])
    change = torch.zeros_like(logits)
    change[drawn], change[rival] = 1, -1
    return alone + change * (lead - lead.detach())


def gumbel_noise(count: int, seed: int) -> Float[Tensor, " count"]:
    """Independent draws of the standard Gumbel distribution, in 64 bits, the same for the same seed on any device."""
    waiting = torch.empty(count, dtype=torch.float64).exponential_(generator=torch.Generator().manual_seed(seed))
    return -waiting.log()
