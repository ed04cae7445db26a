"""Adversarial losses against closed forms, and a generator that learns by each of them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from imfuse.lab.losses import adversarial
from imfuse.lab.losses.adversarial import ADVERSARIAL, clip_weights, gradient_penalty


def logits(seed: int) -> torch.Tensor:
    return torch.randn(6, 1, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def test_minimax_is_binary_cross_entropy():
    real, fake = logits(0), logits(1)
    ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
    expected = F.binary_cross_entropy_with_logits(real, ones) + F.binary_cross_entropy_with_logits(fake, zeros)
    torch.testing.assert_close(adversarial.minimax_d_loss(real, fake), expected)
    torch.testing.assert_close(adversarial.minimax_g_loss(fake), -F.binary_cross_entropy_with_logits(fake, zeros))
    torch.testing.assert_close(adversarial.non_saturating_g_loss(fake), F.binary_cross_entropy_with_logits(fake, ones))
    assert adversarial.minimax_d_loss(0 * real, 0 * fake).item() == pytest.approx(math.log(4))


def test_least_squares_and_wasserstein_in_closed_form():
    real, fake = torch.tensor([2.0, 0.0]), torch.tensor([1.0, 3.0])
    assert adversarial.least_squares_d_loss(real, fake).item() == pytest.approx((1 + 5) / 2)
    assert adversarial.least_squares_g_loss(fake).item() == pytest.approx(1)
    assert adversarial.wasserstein_d_loss(real, fake).item() == pytest.approx(1)
    assert adversarial.wasserstein_g_loss(fake).item() == pytest.approx(-2)


def test_the_relativistic_loss_depends_on_differences_alone_and_exchanges_roles():
    real, fake = logits(0), logits(1)
    loss = adversarial.relativistic_d_loss(real, fake)
    torch.testing.assert_close(loss, adversarial.relativistic_d_loss(real + 5, fake + 5))
    torch.testing.assert_close(loss, adversarial.relativistic_g_loss(real, fake))


@pytest.mark.parametrize("name", ADVERSARIAL)
@pytest.mark.parametrize("size", [0.0, 1e4])
def test_sure_discriminators_have_finite_losses_and_gradients(name, size):
    real, fake = (torch.full((2, 1), sign * size, requires_grad=True) for sign in (-1, 1))
    loss = ADVERSARIAL[name]
    total = loss.d_loss(real, fake) + loss.g_loss(fake, real)
    total.backward()
    assert torch.isfinite(total)
    assert torch.isfinite(real.grad).all()
    assert torch.isfinite(fake.grad).all()


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_the_gradient_is_that_of_the_value(name):
    real, fake = logits(0).requires_grad_(), logits(1).requires_grad_()
    assert torch.autograd.gradcheck(ADVERSARIAL[name].d_loss, (real, fake))
    assert torch.autograd.gradcheck(ADVERSARIAL[name].g_loss, (fake, real))


def test_only_the_saturating_generator_stops_where_the_discriminator_is_sure():
    fake = torch.tensor([-20.0], requires_grad=True)
    (flat,) = torch.autograd.grad(adversarial.minimax_g_loss(fake), fake)
    (steep,) = torch.autograd.grad(adversarial.non_saturating_g_loss(fake), fake)
    assert abs(flat.item()) < 1e-6
    assert abs(steep.item()) > 0.9


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_reductions_agree_and_real_and_fake_need_not_be_as_many(name):
    real, fake, loss = logits(0), logits(1), ADVERSARIAL[name]
    for call in (loss.d_loss, lambda a, b, reduction="mean": loss.g_loss(b, a, reduction)):
        each = call(real, fake, reduction="none")
        assert each.shape == real.shape
        torch.testing.assert_close(call(real, fake), each.mean())
        torch.testing.assert_close(call(real, fake, reduction="sum"), each.sum())
        twice = torch.cat([real, real]), fake
        torch.testing.assert_close(call(*twice), call(real, fake))
    with pytest.raises(ValueError, match="expected mean, sum or none"):
        loss.d_loss(real, fake, "median")


def test_only_the_relativistic_generator_needs_the_real_logits():
    fake = logits(1)
    for name, loss in ADVERSARIAL.items():
        if name != "relativistic":
            torch.testing.assert_close(loss.g_loss(fake), loss.g_loss(fake, logits(0)))
    with pytest.raises(ValueError, match="expected the logits of real samples"):
        ADVERSARIAL["relativistic"].g_loss(fake)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_they_compile_whole_and_stay_finite_in_half_precision(name):
    real, fake, loss = logits(0).float(), logits(1).float(), ADVERSARIAL[name]
    for call in (loss.d_loss, lambda a, b: loss.g_loss(b, a)):
        compiled = torch.compile(call, backend="aot_eager", fullgraph=True)
        torch.testing.assert_close(compiled(real, fake), call(real, fake))
        half = call(real.bfloat16(), fake.bfloat16())
        assert half.dtype == torch.bfloat16
        torch.testing.assert_close(half.float(), call(real, fake), rtol=0.03, atol=0.03)


def test_each_wasserstein_critic_is_kept_in_bounds_its_way():
    critic, samples = nn.Linear(2, 1), (torch.randn(4, 2), torch.randn(4, 2))
    before = critic.weight.detach().clone()
    for name, loss in ADVERSARIAL.items():
        bounded = name == "wasserstein_gradient_penalty"
        assert (loss.critic_penalty(critic, *samples).item() > 0) == bounded
        if name != "wasserstein":
            loss.limit(critic)
    torch.testing.assert_close(critic.weight.detach(), before)
    ADVERSARIAL["wasserstein"].limit(critic)
    assert critic.weight.abs().max().item() == pytest.approx(0.01)


def test_the_penalty_is_zero_for_a_critic_of_slope_one_and_known_for_others():
    real, fake = torch.randn(4, 3), torch.randn(4, 3)
    direction = F.normalize(torch.ones(3), dim=0)
    assert gradient_penalty(lambda x: x @ direction, real, fake).item() == pytest.approx(0, abs=1e-6)
    assert gradient_penalty(lambda x: 3 * x @ direction, real, fake).item() == pytest.approx(40, rel=1e-5)


def test_the_penalty_of_each_sample_and_its_gradient():
    real, fake = torch.randn(4, 3).double(), torch.randn(4, 3).double()
    share = torch.tensor([0.0, 0.3, 0.7, 1.0]).double()
    weights = torch.randn(3, 3, generator=torch.Generator().manual_seed(0)).double().requires_grad_()

    def penalty(weights: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
        return gradient_penalty(lambda x: (x @ weights).tanh().sum(1), real, fake, share=share, reduction=reduction)

    assert torch.autograd.gradcheck(penalty, weights)
    between = share[:, None] * real + (1 - share)[:, None] * fake
    slope = (1 - (between @ weights).tanh().square()) @ weights.T
    torch.testing.assert_close(penalty(weights, "none"), 10 * (slope.norm(dim=1) - 1).square())
    torch.testing.assert_close(penalty(weights, "sum"), 4 * penalty(weights))


def test_the_penalty_teaches_the_critic_and_is_finite_where_it_is_flat():
    critic = nn.Linear(3, 1, bias=False)
    nn.init.zeros_(critic.weight)
    penalty = gradient_penalty(critic, torch.randn(4, 3), torch.randn(4, 3))
    penalty.backward()
    assert torch.isfinite(critic.weight.grad).all()


def test_clipped_weights_lie_within_the_limit():
    critic = nn.Linear(5, 5)
    clip_weights(critic.parameters(), 0.05)
    assert max(parameter.abs().max().item() for parameter in critic.parameters()) == pytest.approx(0.05)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_a_generator_learns_where_the_samples_are(name):
    torch.manual_seed(0)
    shift = nn.Parameter(torch.zeros(2))
    critic = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    steps = {
        "generator": torch.optim.Adam([shift], 0.05, betas=(0.5, 0.9), fused=True),
        "critic": torch.optim.Adam(critic.parameters(), 0.02, betas=(0.5, 0.9), fused=True),
    }
    goal, places = torch.tensor([2.0, -1.0]), []
    for _ in range(200):
        real, fake = goal + 0.5 * torch.randn(64, 2), shift + 0.5 * torch.randn(64, 2)
        loss = ADVERSARIAL[name]
        d_loss = loss.d_loss(critic(real), critic(fake.detach())) + loss.critic_penalty(critic, real, fake)
        _step(steps["critic"], d_loss)
        loss.limit(critic)
        _step(steps["generator"], loss.g_loss(critic(fake), critic(real)))
        places.append(shift.detach().clone())
    # The two circle round the goal rather than rest there.
    assert torch.linalg.vector_norm(torch.stack(places[100:]).mean(0) - goal) < 0.5


def _step(optimiser: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
