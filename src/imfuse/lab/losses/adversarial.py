"""Adversarial losses on the logits of a discriminator, by softplus, never the logarithm of a probability.

Every loss has the part of the discriminator, `d_loss(real, fake)`, and that of the generator, `g_loss(fake)`, of
logits of any shape, such as `(b,)` or maps of patches `(b, 1, h, w)`. Lower is better for whom they belong to.
Reduction `none` gives the shape of the logits; `mean` and `sum` are of the real and of the fake ones, which are then
added and need not be as many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.lab.losses._reduction import Reduction, reduced

Logits = Tensor
CLIP = 0.01
PENALTY = 10.0


def minimax_d_loss(real: Logits, fake: Logits, reduction: Reduction = "mean") -> Tensor:
    """-log s(real) - log(1 - s(fake)), s the sigmoid (Goodfellow et al. 2014, equation 1); log 4 for logits of 0."""
    return reduced(F.softplus(-real), reduction) + reduced(F.softplus(fake), reduction)


def minimax_g_loss(fake: Logits, reduction: Reduction = "mean") -> Tensor:
    """log(1 - s(fake)) (Goodfellow et al. 2014); its gradient vanishes while the discriminator is sure."""
    return reduced(-F.softplus(fake), reduction)


def non_saturating_g_loss(fake: Logits, reduction: Reduction = "mean") -> Tensor:
    """-log s(fake) (Goodfellow et al. 2014, section 3): the same fixed point as minimax, and a gradient throughout."""
    return reduced(F.softplus(-fake), reduction)


def least_squares_d_loss(real: Logits, fake: Logits, reduction: Reduction = "mean") -> Tensor:
    """((real - 1)^2 + fake^2) / 2 (Mao et al. 2017, equation 9)."""
    return (reduced((real - 1).square(), reduction) + reduced(fake.square(), reduction)) / 2


def least_squares_g_loss(fake: Logits, reduction: Reduction = "mean") -> Tensor:
    """(fake - 1)^2 / 2 (Mao et al. 2017, equation 9)."""
    return reduced((fake - 1).square(), reduction) / 2


def wasserstein_d_loss(real: Logits, fake: Logits, reduction: Reduction = "mean") -> Tensor:
    """Fake less real (Arjovsky, Chintala and Bottou 2017); needs `clip_weights` or `gradient_penalty` beside it."""
    return reduced(fake, reduction) - reduced(real, reduction)


def wasserstein_g_loss(fake: Logits, reduction: Reduction = "mean") -> Tensor:
    """Minus fake (Arjovsky, Chintala and Bottou 2017)."""
    return reduced(-fake, reduction)


def relativistic_d_loss(real: Logits, fake: Logits, reduction: Reduction = "mean") -> Tensor:
    """(softplus(mean fake - real) + softplus(fake - mean real)) / 2 (Jolicoeur-Martineau 2019, relativistic average).

    Real should exceed the mean fake, and fake fall below the mean real.
    """
    above, below = F.softplus(fake.mean() - real), F.softplus(fake - real.mean())
    return (reduced(above, reduction) + reduced(below, reduction)) / 2


def relativistic_g_loss(fake: Logits, real: Logits, reduction: Reduction = "mean") -> Tensor:
    """Relativistic average for the generator, which sees both: the roles of real and fake exchanged."""
    return relativistic_d_loss(fake, real, reduction)


@torch.no_grad()
def clip_weights(parameters: Iterable[nn.Parameter], limit: float = CLIP) -> None:
    """Clamp a critic's weights to [-limit, limit] after each of its updates (Arjovsky, Chintala and Bottou 2017)."""
    for parameter in parameters:
        parameter.clamp_(-limit, limit)


def gradient_penalty(
    critic: Callable[[Tensor], Logits],
    real: Tensor,
    fake: Tensor,
    weight: float = PENALTY,
    *,
    share: Tensor | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """Weight times (|gradient of the critic| - 1)^2 between real and generated samples (Gulrajani et al. 2017, eq. 3).

    It differentiates the critic on its way, which `torch.compile` may not take whole: leave it uncompiled.

    Args:
        critic: from samples to logits; its gradient can be differentiated again.
        real: `(b, ...)`.
        fake: as `real`; no gradient flows into it.
        weight: of the penalty.
        share: `(b,)` in [0, 1], where between fake and real; drawn if None.
        reduction: over the samples; `none` gives `(b,)`.
    """
    share = torch.rand(len(real), device=real.device, dtype=real.dtype) if share is None else share
    share = share.view(-1, *[1] * (real.ndim - 1))
    between = (share * real.detach() + (1 - share) * fake.detach()).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    # Where the critic is flat the gradient of this norm is 0, that of a plain root is infinite.
    norm = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
    return reduced(weight * (norm - 1).square(), reduction)


@dataclass(frozen=True)
class AdversarialLoss:
    """The two losses of a game and what keeps its critic in bounds; it has no state, so that one of each kind serves.

    Attributes:
        discriminator: loss of the discriminator, from the logits of real and of generated samples and a reduction.
        generator: loss of the generator, from the logits of generated samples and a reduction, and if
            `generator_sees_real` those of real ones in between.
        generator_sees_real: whether `g_loss` needs them.
        critic_steps: updates of the discriminator for one of the generator, as the paper has it.
        clip: limit of the critic's weights; None: none.
        penalty: weight of `gradient_penalty`; 0: none.
    """

    discriminator: Callable[[Logits, Logits, Reduction], Tensor]
    generator: Callable[..., Tensor]
    generator_sees_real: bool = False
    critic_steps: int = 1
    clip: float | None = None
    penalty: float = 0.0

    def d_loss(self, real: Logits, fake: Logits, reduction: Reduction = "mean") -> Tensor:
        """Of the discriminator, from its logits of real and of generated samples."""
        return self.discriminator(real, fake, reduction)

    def g_loss(self, fake: Logits, real: Logits | None = None, reduction: Reduction = "mean") -> Tensor:
        """Of the generator; `real` may always be given, and most do without.

        Raises:
            ValueError: no logits of real samples where the loss needs them.
        """
        if not self.generator_sees_real:
            return self.generator(fake, reduction)
        if real is None:
            raise ValueError("g_loss(fake): this loss expected the logits of real samples too, g_loss(fake, real)")
        return self.generator(fake, real, reduction)

    def critic_penalty(self, critic: Callable[[Tensor], Logits], real: Tensor, fake: Tensor) -> Tensor:
        """What to add to `d_loss`, from samples: the gradient penalty, or 0 where the loss has none."""
        return gradient_penalty(critic, real, fake, self.penalty) if self.penalty else real.new_zeros(())

    def limit(self, critic: nn.Module) -> None:
        """What to do after each update of the critic: clip its weights, or nothing."""
        if self.clip is not None:
            clip_weights(critic.parameters(), self.clip)


ADVERSARIAL: dict[str, AdversarialLoss] = {
    "minimax": AdversarialLoss(minimax_d_loss, minimax_g_loss),
    "non_saturating": AdversarialLoss(minimax_d_loss, non_saturating_g_loss),
    "least_squares": AdversarialLoss(least_squares_d_loss, least_squares_g_loss),
    "wasserstein": AdversarialLoss(wasserstein_d_loss, wasserstein_g_loss, critic_steps=5, clip=CLIP),
    "wasserstein_gradient_penalty": AdversarialLoss(
        wasserstein_d_loss, wasserstein_g_loss, critic_steps=5, penalty=PENALTY
    ),
    "relativistic": AdversarialLoss(relativistic_d_loss, relativistic_g_loss, generator_sees_real=True),
}
"""Every adversarial loss by its name; all are called alike."""
