"""The weights of a step against what they are by definition."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.search.relaxation import gumbel_noise, gumbel_weights, paired_weights, softmax_weights

LOGITS = torch.tensor([0.3, -1.2, 0.9], dtype=torch.double)
NOISE = torch.tensor([0.1, 0.2, -2.0], dtype=torch.double)
GAIN = torch.tensor([2.0, -3.0, 5.0], dtype=torch.double)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
def test_drawn_weights_are_exactly_zero_and_one(temperature):
    for seed in range(50):
        weights = gumbel_weights(LOGITS.float(), gumbel_noise(3, seed).float(), temperature)
        assert sorted(weights.tolist()) == [0.0, 0.0, 1.0]


def test_options_are_drawn_as_often_as_the_softmax_says():
    draws = 20_000
    drawn = (LOGITS + gumbel_noise(3 * draws, seed=0).view(draws, 3)).argmax(1)
    often = torch.bincount(drawn, minlength=3) / draws
    torch.testing.assert_close(often.double(), LOGITS.softmax(0), rtol=0, atol=4 * (0.25 / draws) ** 0.5)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_the_gradient_of_a_drawn_weight_is_that_of_the_noisy_softmax(temperature):
    logits = LOGITS.clone().requires_grad_()
    (found,) = torch.autograd.grad((gumbel_weights(logits, NOISE, temperature) * GAIN).sum(), logits)
    soft = ((LOGITS + NOISE) / temperature).softmax(0)
    torch.testing.assert_close(found, soft * (GAIN - (soft * GAIN).sum()) / temperature)


def test_a_low_temperature_leaves_the_most_likely_option():
    torch.testing.assert_close(softmax_weights(LOGITS, 1e-3), torch.tensor([0.0, 0.0, 1.0]).double())
    torch.testing.assert_close(softmax_weights(LOGITS), LOGITS.exp() / LOGITS.exp().sum())


def test_the_same_seed_gives_the_same_noise_and_another_seed_another():
    torch.testing.assert_close(gumbel_noise(5, 3), gumbel_noise(5, 3), rtol=0, atol=0)
    assert not torch.equal(gumbel_noise(5, 3), gumbel_noise(5, 4))


def test_of_a_pair_one_counts_and_the_gradient_compares_it_with_the_other():
    logits = LOGITS.clone().requires_grad_()
    weights = paired_weights(logits, 2, 0, share=0.25)
    assert weights.tolist() == [0, 0, 1]
    (found,) = torch.autograd.grad((weights * GAIN).sum(), logits)
    assert found.tolist() == [-0.25 * (5 - 2), 0, 0.25 * (5 - 2)]


def test_without_a_rival_the_drawn_weight_is_constant():
    weights = paired_weights(LOGITS.clone().requires_grad_(), 1)
    assert weights.tolist() == [0, 1, 0]
    assert not weights.requires_grad


@pytest.mark.parametrize("values", [(1.0, 3.0), (1.0, 3.0, 2.4, -1.0)])
def test_the_mean_over_draws_of_pairs_is_the_gradient_of_the_expected_loss(values):
    """Where options are numbers and the loss is quadratic; of uneven chances, and with the best option unlikely."""
    options = torch.tensor(values, dtype=torch.double)
    logits = torch.tensor([2.0, -0.2, -1.0, 0.4], dtype=torch.double)[: len(values)].requires_grad_()
    (expected,) = torch.autograd.grad((logits.softmax(0) * (options - 2.6).square()).sum(), logits)
    mean, p = torch.zeros_like(expected), logits.softmax(0).detach()
    for drawn in range(len(values)):
        for rival in set(range(len(values))) - {drawn}:
            weights = paired_weights(logits, drawn, rival, float(1 - p[drawn]) / 2)
            (found,) = torch.autograd.grad(((weights * options).sum() - 2.6).square(), logits)
            mean += p[drawn] * p[rival] / (1 - p[drawn]) * found
    torch.testing.assert_close(mean, expected)
