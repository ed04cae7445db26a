"""From the logits of a choice to the weights of its options in one step: all of them, or one that is drawn.

Softmax weights are those of DARTS (Liu, Simonyan and Yang, ICLR 2019). The drawn option with a straight-through
gradient is that of GDAS (Dong and Yang, CVPR 2019), after Jang, Gu and Poole, ICLR 2017.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

Relaxation = Literal["softmax", "gumbel"]
RELAXATIONS: tuple[Relaxation, ...] = ("softmax", "gumbel")


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


def gumbel_noise(count: int, seed: int) -> Float[Tensor, " count"]:
    """Independent draws of the standard Gumbel distribution, in 64 bits, the same for the same seed on any device."""
    waiting = torch.empty(count, dtype=torch.float64).exponential_(generator=torch.Generator().manual_seed(seed))
    return -waiting.log()
