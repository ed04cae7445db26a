"""Mixtures and masks of channels, without a network round them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from imfuse.lab.search.mixture import ChannelMask, Mixture, Step


class Times(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor, self.calls = factor, 0

    def forward(self, x):
        self.calls += 1
        return self.factor * x


def mixture():
    step = Step()
    return Mixture("pick", {"one": Times(1), "ten": Times(10), "many": Times(100)}, step), step


def calls(mixed):
    return [option.calls for option in mixed.options.values()]


def test_options_are_summed_by_their_weights():
    mixed, step = mixture()
    with step.of({"pick": torch.tensor([0.5, 0.3, 0.2])}):
        torch.testing.assert_close(mixed(torch.ones(2)), torch.full((2,), 23.5))
    assert calls(mixed) == [1, 1, 1]


@pytest.mark.parametrize("option", [0, 1, 2])
def test_options_of_weight_zero_are_not_computed(option):
    mixed, step = mixture()
    with step.of({"other": torch.tensor([0.0, 1.0]), "pick": torch.eye(3)[option]}):
        assert mixed(torch.ones(1)).item() == 10**option
    assert calls(mixed) == torch.eye(3)[option].tolist()


def test_outside_a_pass_a_mixture_says_what_to_call_even_after_an_error():
    mixed, step = mixture()
    with pytest.raises(ZeroDivisionError), step.of({"pick": torch.ones(3)}):
        raise ZeroDivisionError
    with pytest.raises(RuntimeError, match=r"'pick': call the whole supernet"):
        mixed(torch.ones(1))


@pytest.mark.parametrize(("channels", "factor"), [(6, 1), (12, 2), (24, 4)])
def test_a_mask_keeps_of_each_channel_the_weight_of_the_widths_that_have_it(channels, factor):
    step = Step()
    mask = ChannelMask((6, 2, 4), channels, step)
    with step.of({"width": torch.tensor([0.5, 0.2, 0.3])}):
        kept = mask(torch.ones(1, channels, 1, 1)).flatten()
    expected = torch.tensor([1.0, 1.0, 0.8, 0.8, 0.5, 0.5]).repeat_interleave(factor)
    torch.testing.assert_close(kept, expected)


def test_a_mask_and_a_mixture_keep_the_type_of_the_features():
    mixed, step = mixture()
    mask = ChannelMask((2, 4), 4, step)
    with step.of({"pick": torch.ones(3) / 3, "width": torch.ones(2) / 2}):
        assert mixed(mask(torch.ones(1, 4, 2, 2, dtype=torch.bfloat16))).dtype == torch.bfloat16


def test_a_rival_is_computed_for_the_gradient_of_its_weight_alone():
    mixed, step = mixture()
    weights = torch.tensor([0.0, 1.0, 0.0])
    with step.of({"pick": weights}, {"pick": 2}):
        assert mixed(torch.ones(1)).item() == 10
    assert calls(mixed) == [0, 1, 0]
    with step.of({"pick": weights.requires_grad_()}, {"pick": 2}):
        fused = mixed(torch.ones(1))
    assert fused.item() == 10
    assert calls(mixed) == [0, 2, 1]
    assert torch.autograd.grad(fused, weights)[0].tolist() == [0, 10, 100]


def test_inside_of_a_rival_there_are_no_others():
    inner, step = mixture()
    outer = Mixture("outer", {"plain": Times(1), "mixed": inner}, step)
    weights = {"outer": torch.tensor([1.0, 0.0]), "pick": torch.tensor([1.0, 0.0, 0.0])}
    weights = {name: weight.requires_grad_() for name, weight in weights.items()}
    with step.of(weights, {"outer": 1, "pick": 2}):
        outer(torch.ones(1))
        assert calls(inner) == [1, 0, 0]
        inner(torch.ones(1))
    assert calls(inner) == [2, 0, 1]
