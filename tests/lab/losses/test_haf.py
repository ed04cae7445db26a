"""The loss of HAF against its formula with another library's SSIM, and images that learn by it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from imfuse.errors import ModelError
from imfuse.lab.losses.feature_weights import feature_weights
from imfuse.lab.losses.haf import HAFLoss, haf_loss
from imfuse.lab.nn.feature_extractor import FeatureExtractor


def images(count: int = 2) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    fused = torch.rand(2, 1, 24, 20, generator=generator, dtype=torch.double)
    return fused, (fused + torch.rand(2, count, 24, 20, generator=generator, dtype=torch.double)) / 2


def similarity(first: Tensor, second: Tensor) -> float:
    from skimage.metrics import structural_similarity

    # Another library leaves the border out of the mean; of its map nothing is left out here.
    padded = (np.pad(image.numpy(), 5, mode="edge") for image in (first, second))
    options = {"gaussian_weights": True, "use_sample_covariance": False, "data_range": 1.0}
    return structural_similarity(*padded, **options, full=True)[1][5:-5, 5:-5].mean()


def test_the_loss_is_its_formula():
    fused, sources = images()
    weights = torch.tensor([[0.3, 0.7], [0.9, 0.1]]).double()
    losses = haf_loss(fused, sources, weights, reduction="none")
    for loss, F, (A, B), (first, second) in zip(losses, fused[:, 0], sources, weights, strict=True):
        expected = first * (F - A).square().mean() + second * (1 - similarity(F, B))
        assert loss.item() == pytest.approx(float(expected), rel=1e-6)


def test_weights_default_to_equal_ones_and_can_be_those_of_features():
    fused, sources = (tensor.float() for tensor in images())
    half = torch.full((2, 2), 0.5)
    torch.testing.assert_close(haf_loss(fused, sources), haf_loss(fused, sources, half))
    torch.testing.assert_close(HAFLoss()(fused, sources), haf_loss(fused, sources, half))
    extractor = FeatureExtractor("mobilenet_v2", ["features.1"], weights="random")
    weights = feature_weights(sources, extractor, 50)
    assert not torch.allclose(weights, half)
    module = HAFLoss("features", network=extractor, temperature=50)
    torch.testing.assert_close(module(fused, sources), haf_loss(fused, sources, weights))


def test_an_image_takes_its_brightness_from_the_first_and_its_structure_from_the_second_source():
    stripes = 0.3 + 0.1 * (torch.arange(24) % 4 < 2).float().expand(1, 1, 24, 24)
    sources = torch.cat([torch.full_like(stripes, 0.7), stripes], 1)
    image = torch.full_like(stripes, 0.5).requires_grad_()
    optimiser = torch.optim.Adam([image], 0.02)
    for _ in range(150):
        optimiser.zero_grad()
        haf_loss(image, sources, torch.tensor([[0.9, 0.1]])).backward()
        optimiser.step()
    fused = image.detach()
    assert abs(fused.mean() - 0.7) < 0.1
    assert torch.corrcoef(torch.stack([fused.flatten(), stripes.flatten()]))[0, 1] > 0.95


def test_of_more_sources_all_after_the_first_give_structure():
    fused, sources = images(3)
    weights = torch.tensor([[0.2, 0.5, 0.3]] * 2).double()
    alone = [haf_loss(fused, sources[:, [0, place]], weights[:, [0, place]], "none") for place in (1, 2)]
    intensity = haf_loss(fused, sources[:, :2], torch.tensor([[0.2, 0.0]] * 2).double(), "none")
    torch.testing.assert_close(haf_loss(fused, sources, weights, "none"), sum(alone) - intensity)


def test_what_does_not_fit_is_refused():
    fused, sources = images()
    with pytest.raises(ValueError, match=r"weights of the shape \(2, 3\) for 2 sources .*: expected \(2, 2\)"):
        haf_loss(fused, sources, torch.ones(2, 3))
    with pytest.raises(ValueError, match="expected equal or features"):
        HAFLoss("saliency")
    with pytest.raises(ModelError, match="absent"):
        HAFLoss("features", network_weights="absent.pth")
