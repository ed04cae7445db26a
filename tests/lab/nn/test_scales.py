"""Steps between scales: filters by SciPy and by hand, constants kept up to the border, shapes and reach."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from torch import nn

from imfuse.lab.nn.feature_fusion import count_parameters
from imfuse.lab.nn.scales import BlurPool, Down, Up

BINOMIAL = np.outer([1, 2, 1], [1, 2, 1]) / 16


def maps(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.double)


@pytest.mark.parametrize("size", [(8, 6), (7, 5), (2, 2)])
def test_blur_pool_is_a_binomial_filter_with_a_mirrored_border_at_every_other_pixel(size):
    x = maps(2, 3, *size)
    found = BlurPool(3).double()(x)
    for made, image in zip(found.flatten(0, 1).numpy(), x.flatten(0, 1).numpy(), strict=True):
        np.testing.assert_allclose(made, correlate(image, BINOMIAL, mode="mirror")[::2, ::2], atol=1e-12)


@pytest.mark.parametrize("size", [(2, 2), (4, 16), (33, 31)])
def test_blur_pool_keeps_a_constant_exactly_with_no_dark_border(size):
    level = torch.tensor([0.75, -3.5])[None, :, None, None]
    x = level.expand(1, 2, *size)
    assert torch.equal(BlurPool(2)(x), level.expand(1, 2, -(-size[0] // 2), -(-size[1] // 2)))


def test_the_filter_is_no_weight_and_no_part_of_a_checkpoint():
    pool = BlurPool(4)
    assert not list(pool.parameters())
    assert not pool.state_dict()
    assert pool.half().kernel.dtype == torch.half


@pytest.mark.parametrize("size", [(2, 2), (4, 6), (16, 10)])
def test_down_halves_and_doubles_and_up_takes_it_back(size):
    x = maps(2, 4, *size).float()
    down = Down(4)(x)
    assert down.shape == (2, 8, size[0] // 2, size[1] // 2)
    assert Up(8)(down).shape == x.shape


def test_steps_have_the_sizes_of_their_formulas():
    # conv 1, two PReLUs, conv 3, two conv 1 that change the channels.
    assert count_parameters(Down(48)) == 48**2 + 2 + 9 * 48**2 + 2 * 48 * 96
    assert count_parameters(Up(96)) == 96**2 + 2 + 9 * 96**2 + 2 * 96 * 48
    for step in (Down(4), Up(4)):
        assert not [name for name, _ in step.named_parameters() if name.endswith("bias")]


@torch.no_grad()
def test_down_is_the_sum_of_its_two_paths(awake):
    down = awake(Down(3))
    x = maps(1, 3, 6, 8)
    first, wide, last = (layer.weight for layer in down.main if isinstance(layer, nn.Conv2d))
    slopes = [layer.weight for layer in down.main if isinstance(layer, nn.PReLU)]
    y = prelu(torch.einsum("oi,bihw->bohw", first[..., 0, 0], x), slopes[0])
    padded = np.pad(y.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = torch.from_numpy(np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3)).copy())
    y = prelu(torch.einsum("oikl,bihwkl->bohw", wide, windows), slopes[1])
    short = down.short[1].weight[..., 0, 0]
    expected = torch.einsum("oi,bihw->bohw", last[..., 0, 0], blurred(y)) + torch.einsum(
        "oi,bihw->bohw", short, blurred(x)
    )
    torch.testing.assert_close(down(x), expected)


@torch.no_grad()
def test_up_is_the_sum_of_its_two_paths(awake):
    up = awake(Up(4))
    x = maps(1, 4, 3, 5)
    first, wide, last = (layer.weight for layer in up.main if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)))
    slopes = [layer.weight for layer in up.main if isinstance(layer, nn.PReLU)]
    y = prelu(torch.einsum("oi,bihw->bohw", first[..., 0, 0], x), slopes[0])
    spread = torch.zeros(1, 4, 2 * 3 + 1, 2 * 5 + 1, dtype=torch.double)
    for row in range(3):
        for column in range(5):  # each pixel adds its kernel round the pixel of twice its place
            spread[..., 2 * row : 2 * row + 3, 2 * column : 2 * column + 3] += torch.einsum(
                "bi,iokl->bokl", y[..., row, column], wide
            )
    y = prelu(spread[..., 1:, 1:], slopes[1])
    expected = torch.einsum("oi,bihw->bohw", last[..., 0, 0], y)
    expected += torch.einsum("oi,bihw->bohw", up.short[1].weight[..., 0, 0], raised(x))
    torch.testing.assert_close(up(x), expected)


@torch.no_grad()
def test_raising_keeps_a_constant_up_to_the_border():
    short = Up(2).short
    made = short(torch.full((1, 2, 4, 4), 0.3))
    assert torch.equal(made, made[..., :1, :1].expand_as(made))


def test_how_far_steps_reach(awake, reach):
    # Down: conv 3 and blur-pool, a pixel each; the pixel of half size covers two.
    assert reach(awake(Down(4)), (1, 4, 24, 24), scale=2) == 3
    # Up: an even pixel sees the one of half size before its own, whose middle lies two pixels before it.
    assert reach(nn.Sequential(awake(Down(4)), awake(Up(8), 1)), (1, 4, 32, 32), period=2) == 4


def test_steps_learn_and_can_be_differentiated_twice(awake):
    x = maps(1, 2, 4, 4).requires_grad_()
    steps = nn.Sequential(awake(Down(2)), awake(Up(4), 1))
    assert torch.autograd.gradcheck(steps, x)
    assert torch.autograd.gradgradcheck(steps, x)


def prelu(x: torch.Tensor, slope: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, slope * x)


def blurred(x: torch.Tensor) -> torch.Tensor:
    images = [correlate(image, BINOMIAL, mode="mirror")[::2, ::2] for image in x[0].numpy()]
    return torch.from_numpy(np.stack(images))[None]


def raised(x: torch.Tensor) -> torch.Tensor:
    """Twice the size: each new pixel lies a quarter of an old one from its nearest, whatever lies beyond repeated."""
    for axis in (2, 3):
        near = x.repeat_interleave(2, axis)
        length = near.shape[axis]
        places = torch.arange(length)
        other = (places // 2 + torch.where(places % 2 == 0, -1, 1)).clamp(0, length // 2 - 1)
        x = 0.75 * near + 0.25 * x.index_select(axis, other)
    return x
