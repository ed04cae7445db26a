"""Adversarial losses on the logits of a discriminator, by softplus, never the logarithm of a probability.

Every loss has the part of the discriminator, `d_loss(real, fake)`, and that of the generator, `g_loss(fake)`, of
logits of any shape, such as `(b,)` or maps of patches `(b, 1, h, w)`. Both are means, and lower is better for whom they
belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Logits = Tensor
CLIP = 0.01
PENALTY = 10.0


@dataclass(frozen=True)
class AdversarialLoss:
    """A pair of losses.

    Attributes:
        d_loss: of the discriminator, from logits of real and of generated samples.
        g_loss: of the generator, from logits of generated samples.
        critic_steps: updates of the discriminator for one of the generator, as its paper has it.
    """

    d_loss: Callable[[Logits, Logits], Tensor]
    g_loss: Callable[[Logits], Tensor]
    critic_steps: int = 1


def minimax_d_loss(real: Logits, fake: Logits) -> Tensor:
    """-log s(real) - log(1 - s(fake)), s the sigmoid (Goodfellow et al. 2014, equation 1); log 4 for logits of 0."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def minimax_g_loss(fake: Logits) -> Tensor:
    """log(1 - s(fake)) (Goodfellow et al. 2014); its gradient vanishes while the discriminator is sure."""
    return -F.softplus(fake).mean()


def non_saturating_g_loss(fake: Logits) -> Tensor:
    """-log s(fake) (Goodfellow et al. 2014, section 3): the same fixed point as minimax, and a gradient throughout."""
    return F.softplus(-fake).mean()


def least_squares_d_loss(real: Logits, fake: Logits) -> Tensor:
    """((real - 1)^2 + fake^2) / 2 (Mao et al. 2017, equation 9)."""
    return ((real - 1).square().mean() + fake.square().mean()) / 2


def least_squares_g_loss(fake: Logits) -> Tensor:
    """(fake - 1)^2 / 2 (Mao et al. 2017, equation 9)."""
    return (fake - 1).square().mean() / 2


def wasserstein_d_loss(real: Logits, fake: Logits) -> Tensor:
    """Mean of fake less mean of real (Arjovsky et al. 2017); needs `clip_weights` or `gradient_penalty` beside it."""
    return fake.mean() - real.mean()


def wasserstein_g_loss(fake: Logits) -> Tensor:
    """Minus the mean of fake (Arjovsky, Chintala and Bottou 2017)."""
    return -fake.mean()


def relativistic_d_loss(real: Logits, fake: Logits) -> Tensor:
    """Relativistic average (Jolicoeur-Martineau 2019): real should exceed the mean fake, fake fall below real."""
    return (F.softplus(fake.mean() - real).mean() + F.softplus(fake - real.mean()).mean()) / 2


def relativistic_g_loss(real: Logits, fake: Logits) -> Tensor:
    """Relativistic average for the generator, which sees both: the roles of real and fake exchanged."""
    return relativistic_d_loss(fake, real)


ADVERSARIAL: dict[str, AdversarialLoss] = {
    "minimax": AdversarialLoss(minimax_d_loss, minimax_g_loss),
    "non_saturating": AdversarialLoss(minimax_d_loss, non_saturating_g_loss),
    "least_squares": AdversarialLoss(least_squares_d_loss, least_squares_g_loss),
    "wasserstein": AdversarialLoss(wasserstein_d_loss, wasserstein_g_loss, critic_steps=5),
}
"""Those whose generator sees its own samples alone; the relativistic one sees both."""


@torch.no_grad()
def clip_weights(parameters: Iterable[nn.Parameter], limit: float = CLIP) -> None:
    """Clamp a critic's weights to [-limit, limit] after each of its updates (Arjovsky, Chintala and Bottou 2017)."""
    for parameter in parameters:
        parameter.clamp_(-limit, limit)


def gradient_penalty(
    critic: Callable[[Tensor], Logits], real: Tensor, fake: Tensor, weight: float = PENALTY, share: Tensor | None = None
) -> Tensor:
    """Weight times (|gradient of the critic| - 1)^2 between real and generated samples (Gulrajani et al. 2017, eq. 3).

    Args:
        critic: from samples to logits; its gradient can be differentiated again.
        real: `(b, ...)`.
        fake: as `real`; no gradient flows into it.
        weight: of the penalty.
        share: `(b,)` in [0, 1], where between fake and real; drawn if None.
    """
    share = torch.rand(len(real), device=real.device, dtype=real.dtype) if share is None else share
    share = share.view(-1, *[1] * (real.ndim - 1))
    between = (share * real.detach() + (1 - share) * fake.detach()).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    # The root of zero has no finite gradient, and a critic may be flat.
    norm = torch.sqrt(gradient.flatten(1).square().sum(1) + 1e-12)
    return weight * (norm - 1).square().mean()
