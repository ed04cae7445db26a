"""The losses of TIM against their formulas with another library's SSIM, and images that learn by them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from imfuse.errors import ModelError
from imfuse.lab.losses.saliency import saliency_weights
from imfuse.lab.losses.tim import TIMLoss, VisualLoss, tim_loss, visual_loss


@pytest.fixture
def fused() -> Tensor:
    return torch.rand(2, 1, 24, 20, generator=torch.Generator().manual_seed(0), dtype=torch.double)


@pytest.fixture
def sources(fused) -> Tensor:
    noise = torch.rand(2, 2, 24, 20, generator=torch.Generator().manual_seed(1), dtype=torch.double)
    return (fused + noise) / 2


def similarity(first: Tensor, second: Tensor) -> float:
    from skimage.metrics import structural_similarity

    # Another library leaves the border out of the mean; of its map nothing is left out here.
    images = (np.pad(image.numpy(), 5, mode="edge") for image in (first, second))
    options = {"gaussian_weights": True, "use_sample_covariance": False, "data_range": 1.0}
    return structural_similarity(*images, **options, full=True)[1][5:-5, 5:-5].mean()


def learnt(loss, sources: Tensor, steps: int = 150) -> Tensor:
    image = torch.rand(sources[:, :1].shape, generator=torch.Generator().manual_seed(3)).requires_grad_()
    optimiser = torch.optim.Adam([image], 0.05)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(image, sources).backward()
        optimiser.step()
    return image.detach()


def smooth(seed: int, size: int = 24) -> Tensor:
    coarse = torch.rand(1, 1, 5, 5, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)


def test_the_fusion_loss_is_its_formula(fused, sources):
    weights = torch.tensor([[0.3, 0.7], [0.9, 0.1]]).double()
    losses = tim_loss(fused, sources, weights, mu=0.5, reduction="none")
    for scene in range(2):
        expected = 0.0
        for weight, source in zip(weights[scene], sources[scene], strict=True):
            error = (fused[scene, 0] - source).square().mean()
            expected += weight * (error + 0.5 * (1 - similarity(source, fused[scene, 0])))
        assert losses[scene].item() == pytest.approx(float(expected), rel=1e-6)


def test_the_visual_loss_is_its_formula(fused, sources):
    weights = saliency_weights(sources)
    losses = visual_loss(fused, sources, weights, mu=0.5, reduction="none")
    for scene in range(2):
        expected = 0.0
        for weight, source in zip(weights[scene], sources[scene], strict=True):
            error = (weight * (fused[scene, 0] - source)).square().mean()
            expected += error + 0.5 * (1 - similarity(weight * source, weight * fused[scene, 0]))
        assert losses[scene].item() == pytest.approx(float(expected), rel=1e-6)


def test_weights_default_to_equal_ones_and_the_modules_are_the_functions(fused, sources):
    half = torch.full((2, 2), 0.5).double()
    torch.testing.assert_close(tim_loss(fused, sources), tim_loss(fused, sources, half))
    torch.testing.assert_close(TIMLoss(mu=0.2)(fused, sources), tim_loss(fused, sources, mu=0.2))
    torch.testing.assert_close(visual_loss(fused, sources), visual_loss(fused, sources, half[:, :, None, None]))
    torch.testing.assert_close(VisualLoss()(fused, sources), visual_loss(fused, sources, saliency_weights(sources)))


def test_the_order_of_the_sources_does_not_matter(fused, sources):
    for loss in (TIMLoss(), VisualLoss()):
        torch.testing.assert_close(loss(fused, sources.flip(1)), loss(fused, sources))


def test_an_image_approaches_the_source_that_has_all_the_weight():
    sources = torch.cat([smooth(0), smooth(1)], dim=1)
    for place in range(2):
        weights = torch.eye(2)[place][None]
        image = learnt(lambda fused, sources, weights=weights: tim_loss(fused, sources, weights), sources)
        assert (image - sources[:, place : place + 1]).abs().mean() < 0.02


def test_an_image_approaches_each_source_where_its_weight_is():
    sources = torch.cat([smooth(0), smooth(1)], dim=1)
    weights = torch.zeros_like(sources)
    weights[:, 0, :, :12] = 1
    weights[:, 1, :, 12:] = 1
    image = learnt(lambda fused, sources: visual_loss(fused, sources, weights), sources)
    expected = torch.where(weights[:, :1] == 1, sources[:, :1], sources[:, 1:])
    assert (image - expected).abs().mean() < 0.02


def test_a_salient_thing_comes_through_stronger_than_by_equal_weights():
    sources = torch.full((1, 2, 24, 24), 0.2)
    sources[:, 1] = smooth(2)
    sources[:, 0, 8:14, 8:14] = 0.95
    thing = learnt(VisualLoss(mu=0), sources)[..., 8:14, 8:14].mean()
    assert thing > learnt(VisualLoss("equal", mu=0), sources)[..., 8:14, 8:14].mean() + 0.02


def test_what_does_not_fit_is_refused(fused, sources):
    with pytest.raises(ValueError, match=r"weights of the shape \(2, 3\) for 2 sources .*: expected \(2, 2\)"):
        tim_loss(fused, sources, torch.ones(2, 3))
    with pytest.raises(ValueError, match=r"expected \(2, 2, 24, 20\) or \(2, 2, 1, 1\)"):
        visual_loss(fused, sources, torch.ones(2, 1, 24, 20))
    with pytest.raises(ValueError, match="expected equal or features"):
        TIMLoss("saliency")
    with pytest.raises(ValueError, match="expected equal, features or saliency"):
        VisualLoss("depth")
    with pytest.raises(ModelError, match="absent"):
        TIMLoss("features", network_weights="absent.pth")
