"""The loss of FusionDN against its formula in plain terms, and an image that learns by it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from imfuse.errors import ModelError
from imfuse.lab.losses.feature_weights import feature_weights
from imfuse.lab.losses.fusiondn import FusionDNLoss, fusiondn_loss
from imfuse.lab.metrics.functional import structural_similarity
from imfuse.lab.nn.feature_extractor import FeatureExtractor


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3))
    return FeatureExtractor(network, ["1", "3"])


@pytest.fixture
def fused() -> Tensor:
    return torch.rand(2, 1, 16, 12, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def sources() -> Tensor:
    return torch.rand(2, 3, 16, 12, generator=torch.Generator().manual_seed(1))


def plain(fused: Tensor, source: Tensor, extractor: FeatureExtractor) -> tuple[Tensor, Tensor, Tensor]:
    """Structure, features and gradients of one image and one source, each `(1, 1, h, w)`."""
    structure = 1 - structural_similarity(fused, source.expand(-1, 2, -1, -1))[0]
    pairs = zip(extractor(fused).values(), extractor(source).values(), strict=True)
    features = torch.stack([(255 * 0.226) ** 2 * F.mse_loss(ours, theirs) for ours, theirs in pairs]).mean()
    kernel = torch.tensor([[1.0, 1, 1], [1, -8, 1], [1, 1, 1]])[None, None] / 8
    gradient = F.conv2d(F.pad(fused - source, [1] * 4, mode="replicate"), kernel)
    return structure, features, gradient.square().mean()


def test_the_loss_is_its_formula(fused, sources, extractor):
    weights = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.4, 0.0]])
    losses = fusiondn_loss(fused, sources, extractor, weights, reduction="none")
    for scene in range(2):
        expected = torch.tensor(0.0)
        for place in range(3):
            terms = plain(fused[[scene]], sources[scene, place][None, None], extractor)
            expected += weights[scene, place] * (terms[0] + 4e-5 * terms[1] + 1800 * terms[2])
        torch.testing.assert_close(losses[scene], expected, rtol=1e-4, atol=0)


def test_without_an_extractor_the_features_are_left_out(fused, sources, extractor):
    torch.testing.assert_close(
        fusiondn_loss(fused, sources, None), fusiondn_loss(fused, sources, extractor, perceptual_weight=0)
    )


def test_the_module_weighs_by_its_own_features(fused, sources, extractor):
    weights = feature_weights(sources, extractor, 10)
    torch.testing.assert_close(
        FusionDNLoss("features", network=extractor, temperature=10)(fused, sources),
        fusiondn_loss(fused, sources, extractor, weights),
    )


@pytest.mark.parametrize("place", [0, 1])
def test_an_image_approaches_the_source_that_has_all_the_weight(extractor, place):
    coarse = torch.rand(1, 2, 5, 5, generator=torch.Generator().manual_seed(2))
    sources = F.interpolate(coarse, size=(20, 20), mode="bicubic").clamp(0, 1)
    image = torch.rand(1, 1, 20, 20, generator=torch.Generator().manual_seed(3)).requires_grad_()
    optimiser = torch.optim.Adam([image], 0.03)
    for _ in range(300):
        optimiser.zero_grad()
        fusiondn_loss(image, sources, extractor, torch.eye(2)[[place]]).backward()
        optimiser.step()
    assert (image - sources[:, place]).abs().mean().item() < 0.05


def test_what_does_not_fit_is_refused(fused, sources, extractor):
    with pytest.raises(ValueError, match=r"expected \(2, 3\)"):
        fusiondn_loss(fused, sources, None, torch.ones(2, 2))
    with pytest.raises(ValueError, match="expected equal or features"):
        FusionDNLoss("saliency", network=extractor)
    with pytest.raises(ModelError, match="absent"):
        FusionDNLoss(network_weights="absent.pth")
