"""Losses that are one less a metric against scikit-image and the metrics, which have tests of their own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from imfuse.lab.losses import fidelity
from imfuse.lab.losses.fidelity import ssim_loss, ssim_pair_loss, visual_information_loss
from imfuse.lab.metrics import functional as metrics


def image(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def noisy(images: torch.Tensor) -> torch.Tensor:
    return (images + 0.3 * (image(*images.shape, seed=9) - 0.5)).clamp(0, 1)


def by_scikit_image(first: np.ndarray, second: np.ndarray) -> float:
    """The mean over all pixels of images that go on as they end; scikit-image alone mirrors them."""
    first, second = (np.pad(channel, 5, mode="edge") for channel in (first, second))
    options = {"data_range": 1.0, "gaussian_weights": True, "use_sample_covariance": False, "full": True}
    return structural_similarity(first, second, **options)[1][5:-5, 5:-5].mean()


@pytest.mark.parametrize("channels", [1, 3])
def test_the_ssim_of_pairs_is_that_of_scikit_image(channels):
    first = image(2, channels, 24, 20)
    second = noisy(first)
    values = [
        np.mean([by_scikit_image(*pair) for pair in zip(*pictures, strict=True)])
        for pictures in zip(first.numpy(), second.numpy(), strict=True)
    ]
    np.testing.assert_allclose(ssim_pair_loss(first, second, "none"), 1 - np.array(values), atol=1e-10)


def test_the_ssim_of_pairs_averages_to_that_of_a_fusion():
    sources, fused = image(2, 2, 24, 20), image(2, 1, 24, 20, seed=1)
    each = [ssim_pair_loss(fused, source, "none") for source in sources.split(1, dim=1)]
    torch.testing.assert_close(torch.stack(each).mean(0), ssim_loss(fused, sources, "none"))


@pytest.mark.parametrize(
    ("loss", "metric", "best"),
    [
        ("ssim_loss", "structural_similarity", 1),
        ("ms_ssim_loss", "multiscale_structural_similarity", 1),
        ("edge_transfer_loss", "edge_transfer", 1),
        ("correlation_loss", "correlation_coefficient", 1),
        ("correlation_differences_loss", "sum_of_correlation_differences", 3),
    ],
)
def test_a_loss_is_what_its_metric_lacks(loss, metric, best):
    fused, sources = image(2, 1, 24, 20), image(2, 3, 24, 20, seed=1)
    expected = best - getattr(metrics, metric)(fused, sources)
    torch.testing.assert_close(getattr(fidelity, loss)(fused, sources, "none"), expected)


@pytest.mark.parametrize("loss", ["ssim_loss", "ms_ssim_loss", "correlation_loss"])
def test_equal_images_cost_nothing(loss):
    picture = image(1, 1, 24, 20)
    assert getattr(fidelity, loss)(picture, picture.expand(-1, 2, -1, -1)).item() == pytest.approx(0, abs=1e-9)
    assert ssim_pair_loss(picture, picture).item() == pytest.approx(0, abs=1e-9)


def test_visual_information_counts_to_its_limit_and_costs_one_where_no_scale_fits():
    picture = image(2, 1, 41, 41)
    picture[1] = 0.5 + 0.02 * (picture[1] - 0.5)
    sources = picture.expand(-1, 2, -1, -1)
    torch.testing.assert_close(visual_information_loss(picture, sources, "none"), torch.full((2,), -0.5).double())
    unlike = visual_information_loss(image(2, 1, 41, 41, seed=1), sources, "none")
    expected = 1 - metrics.visual_information_fidelity(image(2, 1, 41, 41, seed=1), sources).clamp(max=1.5)
    torch.testing.assert_close(unlike, expected)
    small = image(1, 1, 16, 50).requires_grad_()
    loss = visual_information_loss(small, image(1, 2, 16, 50))
    loss.backward()
    assert loss == 1
    assert (small.grad == 0).all()
