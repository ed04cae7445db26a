"""Box means and guided filters on maps against SciPy, the classical filter and the equations window by window."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate
from torch.utils._python_dispatch import TorchDispatchMode

from imfuse.classical.guided import guided_filter as classical_guided_filter
from imfuse.lab.nn.guided_filter import box_mean, guided_filter, guided_filters


def maps(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def mean_of_what_exists(image: np.ndarray, radius: int) -> np.ndarray:
    box = np.ones((2 * radius + 1, 2 * radius + 1))
    return correlate(image, box, mode="constant") / correlate(np.ones_like(image), box, mode="constant")


@pytest.mark.parametrize("radius", [0, 1, 3, 8, 40])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (6, 5), (17, 20)])
def test_a_box_mean_is_that_of_the_pixels_that_exist(radius, size):
    x = maps(2, 3, *size)
    for made, image in zip(box_mean(x, radius).flatten(0, 1), x.flatten(0, 1), strict=True):
        np.testing.assert_allclose(made.numpy(), mean_of_what_exists(image.numpy(), radius), atol=1e-12)


def test_a_large_map_far_from_zero_keeps_its_small_differences():
    x = 1000 + maps(1, 1, 1200, 1000).float()
    found = (box_mean(x, 4) - 1000)[0, 0].double().numpy()
    expected = mean_of_what_exists((x - 1000)[0, 0].double().numpy(), 4)
    assert np.abs(found - expected).max() < 1e-4  # a 32-bit number near 1000 is known to 6e-5


@pytest.mark.parametrize("radius", [2, 4, 8])
@pytest.mark.parametrize("epsilon", [1e-3, 1e-4])
def test_the_filter_is_the_classical_one_away_from_the_border(radius, epsilon):
    guide, x = maps(1, 1, 48, 40), maps(1, 2, 48, 40, seed=1)
    inside = np.s_[2 * radius : 48 - 2 * radius, 2 * radius : 40 - 2 * radius]
    for made, image in zip(guided_filter(guide, x, radius, epsilon)[0], x[0], strict=True):
        expected = classical_guided_filter(
            guide[0, 0].numpy().astype(np.float32), image.numpy().astype(np.float32), radius, epsilon
        )
        np.testing.assert_allclose(made.numpy()[inside], expected[inside], atol=1e-5)


@pytest.mark.parametrize("radius", [1, 3, 9])
def test_each_window_at_the_border_takes_the_line_nearest_the_map(radius):
    guide, x, epsilon = maps(1, 1, 7, 6), maps(1, 1, 7, 6, seed=1), 1e-2
    g, p = guide[0, 0].numpy(), x[0, 0].numpy()
    slopes, offsets = np.zeros_like(g), np.zeros_like(g)
    for row, column in np.ndindex(g.shape):
        window = np.s_[max(row - radius, 0) : row + radius + 1, max(column - radius, 0) : column + radius + 1]
        a, b = g[window].ravel(), p[window].ravel()
        slopes[row, column] = np.cov(a, b, bias=True)[0, 1] / (a.var() + epsilon)
        offsets[row, column] = b.mean() - slopes[row, column] * a.mean()
    expected = mean_of_what_exists(slopes, radius) * g + mean_of_what_exists(offsets, radius)
    np.testing.assert_allclose(guided_filter(guide, x, radius, epsilon)[0, 0].numpy(), expected, atol=1e-10)


def test_several_strengths_together_are_those_one_by_one_and_the_weaker_keeps_more():
    guide, x = maps(2, 1, 20, 24), maps(2, 3, 20, 24, seed=1)
    strengths = (1e-1, 1e-3)
    together = guided_filters(guide, x, 3, strengths)
    for epsilon, filtered in zip(strengths, together, strict=True):
        assert torch.equal(filtered, guided_filter(guide, x, 3, epsilon))
    strong, weak = guided_filters(guide, guide, 3, strengths)
    assert (weak - guide).square().mean() < (strong - guide).square().mean()


@pytest.mark.parametrize("offset", [8.0, 1024.0])
def test_a_guide_far_from_zero_filters_as_one_near_it(offset):
    # Steps of 2^-13, so that the shifted guide holds the same differences in 32 bits. The flat part varies less than
    # the rounding of its square: in 32 bits its variance would be noise, or negative.
    guide = (maps(1, 1, 40, 40) * torch.where(torch.arange(40) < 20, 1, 2**-8) * 2**13).round().float() / 2**13
    x = maps(1, 2, 40, 40, seed=1).float()
    near, far = (guided_filter(g, x, 4, 1e-4) for g in (guide, guide + offset))
    torch.testing.assert_close(far, near, atol=1e-5, rtol=0)


def test_constant_maps_come_back_and_flat_guides_give_two_means():
    guide, x = maps(1, 1, 12, 12).float(), maps(1, 1, 12, 12, seed=1).float()
    constant = torch.full((1, 3, 12, 12), 5.0)
    torch.testing.assert_close(guided_filter(guide, constant, 4, 1e-4), constant)
    flat = guided_filter(torch.full_like(guide, 0.3), x, 2, 1e-4)
    torch.testing.assert_close(flat, box_mean(box_mean(x, 2), 2))


def test_work_does_not_grow_with_the_radius():
    guide, x = maps(1, 1, 16, 16), maps(1, 4, 16, 16, seed=1)
    small, large = (operations(lambda r=radius: guided_filter(guide, x, r, 1e-3)) for radius in (1, 60))
    assert small == large
    assert not [name for name in small if "conv" in name or "pool" in name]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_the_type_of_the_maps_is_kept(dtype):
    guide, x = maps(1, 1, 9, 9), maps(1, 2, 9, 9, seed=1)
    made = guided_filter(guide.to(dtype), x.to(dtype), 2, 1e-3)
    assert made.dtype == box_mean(x.to(dtype), 2).dtype == dtype
    tolerance = {torch.bfloat16: 0.1, torch.float16: 0.02}.get(dtype, 1e-5)
    torch.testing.assert_close(made.double(), guided_filter(guide, x, 2, 1e-3), atol=tolerance, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (3, 4)])
def test_the_gradient_is_that_of_the_value_twice(size):
    guide, x = maps(1, 1, *size).requires_grad_(), maps(1, 2, *size, seed=1).requires_grad_()
    function = lambda g, p: guided_filter(g, p, 2, 1e-1)  # noqa: E731
    assert torch.autograd.gradcheck(function, (guide, x))
    assert torch.autograd.gradgradcheck(function, (guide, x))


def test_a_flat_guide_in_32_bits_has_a_finite_gradient():
    guide, x = torch.full((1, 1, 8, 8), 100.0, requires_grad=True), maps(1, 1, 8, 8).float().requires_grad_()
    guided_filter(guide, x, 2, 1e-4).square().sum().backward()
    assert torch.isfinite(guide.grad).all()
    assert torch.isfinite(x.grad).all()


def operations(function) -> Counter[str]:
    """Names of the tensor operations of a call, and how often each is done."""
    counts: Counter[str] = Counter()

    class Count(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            counts[str(func)] += 1
            return func(*args, **(kwargs or {}))

    with Count():
        function()
    return counts
