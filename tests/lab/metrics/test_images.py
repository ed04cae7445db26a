"""What the metrics share: how images are taken, and how they are filtered."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import correlate2d
from torch.nn import functional as F

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional import _images
from imfuse.lab.metrics.functional._images import as_fused, as_images, filter_separable, gaussian_window, grey_levels


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("size", [1, 2, 3, 8, 17])
def test_opencv_filters_as_pytorch_and_scipy_do(dtype, size):
    image, column, row = noise(2, 3, 24, 31, dtype=dtype), noise(size, dtype=dtype), noise(3, dtype=dtype)
    by_opencv = filter_separable(image, column, row)
    by_pytorch = F.conv2d(image.flatten(0, 1)[:, None], torch.outer(column, row)[None, None]).view_as(by_opencv)
    expected = correlate2d(image[1, 2].numpy(), np.outer(column.numpy(), row.numpy()), mode="valid")
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    torch.testing.assert_close(by_opencv, by_pytorch, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(by_opencv[1, 2].numpy(), expected, rtol=tolerance, atol=tolerance)


def test_a_window_of_the_size_of_the_image_leaves_one_pixel():
    image, window = noise(1, 1, 5, 5), noise(5)
    expected = window @ image[0, 0] @ window
    torch.testing.assert_close(filter_separable(image, window).squeeze(), expected)


def test_images_of_any_layout_are_filtered():
    image, window = noise(1, 2, 20, 30).transpose(2, 3)[..., ::2, 3:], noise(5)
    torch.testing.assert_close(filter_separable(image, window), filter_separable(image.contiguous(), window))


def test_opencv_leaves_half_precision_and_compiling_to_pytorch(monkeypatch):
    calls = []

    def filter_planes(image, column, row):
        calls.append(image)
        return image

    monkeypatch.setattr(_images, "filter_planes", filter_planes)
    image, window = noise(1, 1, 9, 9), noise(3)
    filter_separable(image.half(), window.half())
    torch.compile(filter_separable, backend="aot_eager", fullgraph=True)(image, window)
    assert not calls
    filter_separable(image, window)
    filter_separable(image.requires_grad_(), window)
    assert len(calls) == 2


@pytest.mark.parametrize("sizes", [(5, 5), (4, 2), (1, 3)])
def test_filters_have_the_derivatives_of_pytorch_of_any_order(sizes):
    image, (column, row) = noise(2, 2, 7, 8).requires_grad_(), (noise(size) for size in sizes)
    by_opencv = filter_separable(image, column, row)
    by_pytorch = F.conv2d(image.flatten(0, 1)[:, None], torch.outer(column, row)[None, None]).view_as(by_opencv)
    slopes = [torch.autograd.grad(values.pow(3).sum(), image)[0] for values in (by_opencv, by_pytorch)]
    torch.testing.assert_close(*slopes)
    assert torch.autograd.gradgradcheck(lambda x: filter_separable(x, column, row).square(), image)


def test_what_was_filtered_may_be_changed_in_place():
    image, window = noise(1, 1, 7, 8).requires_grad_(), noise(3)
    for images in (image, image.expand(2, 3, -1, -1)):
        filter_separable(images, window).mul_(2).sum().backward()
    assert torch.isfinite(image.grad).all()


def test_a_window_that_does_not_fit_is_refused():
    with pytest.raises(RuntimeError, match="Kernel size"):
        filter_separable(noise(1, 1, 4, 9), noise(5))


def test_the_gaussian_window_is_that_of_its_formula():
    expected = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    np.testing.assert_allclose(gaussian_window(11, 1.5, noise(1)).numpy(), expected / expected.sum(), rtol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_level_of_eight_bits_comes_back(dtype):
    levels = torch.arange(256).view(1, 1, 16, 16)
    assert torch.equal(grey_levels(levels.to(dtype) / 255), levels.flatten(1))


def test_levels_are_rounded_half_up_and_kept_in_range():
    image = torch.tensor([-0.2, 0.4999 / 255, 0.5 / 255, 1.5 / 255, 1.2], dtype=torch.float64).view(1, 1, 1, 5)
    assert grey_levels(image).tolist() == [[0, 0, 1, 2, 255]]


def test_uint8_beside_float64_keeps_its_digits():
    fused, sources = torch.full((1, 1, 2, 2), 51, dtype=torch.uint8), noise(1, 2, 2, 2)
    assert as_images(fused, sources)[0].dtype == torch.float64
    assert as_images(fused, sources)[0][0, 0, 0, 0].item() == 0.2


def test_values_are_not_looked_at_in_training():
    fused, sources = torch.full((1, 1, 2, 2), torch.nan, requires_grad=True), noise(1, 2, 2, 2) * 255
    as_images(fused, sources)


@pytest.mark.parametrize(
    ("fused", "words"),
    [
        (torch.zeros(2, 2), r"shape \(2, 2\); expected \(b, 1, h, w\)"),
        (torch.zeros(1, 1, 0, 4), r"shape \(1, 1, 0, 4\)"),
        (torch.zeros(1, 1, 2, 2, dtype=torch.int64), "int64; expected uint8"),
        (torch.full((1, 1, 2, 2), torch.inf), "inf"),
        (torch.full((1, 1, 2, 2), 2.5), "from 2.5 to 2.5"),
    ],
)
def test_what_is_no_fused_image_is_refused(fused, words):
    with pytest.raises(MetricError, match=words):
        as_fused(fused)


def test_sources_of_another_size_are_refused_with_both_shapes():
    with pytest.raises(MetricError, match=r"\(1, 2, 4, 5\) beside fused \(1, 1, 4, 4\)"):
        as_images(torch.zeros(1, 1, 4, 4), torch.zeros(1, 2, 4, 5))


def test_images_in_minus_one_to_one_are_refused_with_advice():
    with pytest.raises(MetricError, match=r"bring \[-1, 1\] to it by \(x \+ 1\) / 2"):
        as_fused(torch.linspace(-1, 1, 64).view(1, 1, 8, 8))
