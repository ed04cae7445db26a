"""Feature weights against the formula in plain convolutions, and what they prefer."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from imfuse.lab.losses.feature_weights import UNIT, feature_activity, feature_weights
from imfuse.lab.nn.feature_extractor import FeatureExtractor

EIGHT = torch.tensor([[1.0, 1, 1], [1, -8, 1], [1, 1, 1]]) / 8


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU())
    return FeatureExtractor(network, ["1", "4"])


@pytest.fixture
def sources() -> torch.Tensor:
    """Noise, and the same noise with a third of its contrast."""
    noise = torch.rand(3, 1, 20, 24, generator=torch.Generator().manual_seed(1))
    return torch.cat([noise, (noise + 1) / 3], dim=1)


def test_the_activity_is_the_mean_square_of_the_laplacian_of_each_level_in_grey_levels(extractor, sources):
    expected = torch.zeros(3, 2)
    for scene in range(3):
        for source in range(2):
            for features in extractor(sources[scene, source][None, None]).values():
                padded = F.pad(255 * 0.226 * features, [1] * 4, mode="replicate").transpose(0, 1)
                expected[scene, source] += F.conv2d(padded, EIGHT[None, None]).square().mean() / 2
    torch.testing.assert_close(feature_activity(sources, extractor), expected, rtol=1e-4, atol=0)


def test_the_unit_makes_a_linear_network_see_grey_levels_of_8_bits():
    identity = FeatureExtractor(nn.Sequential(nn.Identity()), ["0"])
    image = torch.rand(1, 1, 8, 8)
    features = UNIT * identity(image)["0"].mean(1)
    assert (features.max() - features.min()).item() == pytest.approx(
        255 * (image.max() - image.min()).item(), rel=0.001
    )


def test_weights_are_the_softmax_of_the_activity_over_the_temperature(extractor, sources):
    first, second = (feature_activity(sources, extractor) / 3500).exp().unbind(1)
    torch.testing.assert_close(feature_weights(sources, extractor)[:, 0], first / (first + second))


def test_the_source_in_which_more_happens_weighs_more_and_all_of_it_at_a_low_temperature(extractor, sources):
    mild, sharp = (feature_weights(sources, extractor, temperature)[:, 0] for temperature in (3500, 1))
    assert ((mild > 0.5) & (mild < sharp)).all()
    torch.testing.assert_close(sharp, torch.ones(3))


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("shape", [(1, 2, 1, 1), (2, 3, 1, 9), (1, 2, 9, 1), (1, 2, 12, 12)])
def test_equal_constant_sources_weigh_alike(extractor, level, shape):
    weights = feature_weights(torch.full(shape, level), extractor)
    torch.testing.assert_close(weights, torch.full(shape[:2], 1 / shape[1]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_come_back_as_they_went_in(extractor, sources, dtype):
    weights = feature_weights(sources.to(dtype), extractor)
    assert weights.dtype == dtype
    torch.testing.assert_close(weights.float(), feature_weights(sources, extractor), atol=0.02, rtol=0)


def test_there_is_no_gradient_and_autocast_and_compilation_change_little(extractor, sources):
    expected = feature_weights(sources, extractor)
    compiled = torch.compile(feature_weights, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(sources, extractor), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(feature_weights(sources, extractor), expected, atol=0.02, rtol=0)
    assert not feature_weights(sources.requires_grad_(), extractor).requires_grad


def test_a_temperature_of_nothing_is_refused(extractor, sources):
    with pytest.raises(ValueError, match="temperature 0: expected a number above 0"):
        feature_weights(sources, extractor, 0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same(extractor, sources):
    expected = feature_weights(sources, extractor)
    weights = feature_weights(sources.cuda(), extractor.cuda()).cpu()
    extractor.cpu()
    torch.testing.assert_close(weights, expected, atol=1e-3, rtol=0)
