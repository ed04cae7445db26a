"""Which weights an option gives."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from imfuse.lab.losses.feature_weights import feature_weights
from imfuse.lab.losses.saliency import saliency_weights
from imfuse.lab.losses.source_weights import SourceWeights, whole_weights
from imfuse.lab.nn.feature_extractor import FeatureExtractor


@pytest.fixture
def sources() -> torch.Tensor:
    return torch.rand(2, 3, 8, 9, generator=torch.Generator().manual_seed(0))


def test_each_option_gives_its_weights_with_a_sum_of_one(sources):
    extractor = FeatureExtractor(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), ["1"])
    expected = {
        "equal": torch.full((2, 3, 1, 1), 1 / 3),
        "features": feature_weights(sources, extractor, 10)[:, :, None, None],
        "saliency": saliency_weights(sources),
    }
    for option, weights in expected.items():
        found = SourceWeights(option, extractor, temperature=10)(sources)
        torch.testing.assert_close(found, weights)
        torch.testing.assert_close(found.sum(1), torch.ones_like(found[:, 0]))


def test_only_features_need_a_network():
    assert SourceWeights("saliency", "no network").extractor is None
    assert SourceWeights("features", "mobilenet_v2", "random").extractor is not None


def test_weights_of_another_shape_are_refused(sources):
    assert whole_weights(sources, None).shape == (2, 3)
    with pytest.raises(ValueError, match=r"\(3, 2\) for 3 sources in a batch of 2: expected \(2, 3\)"):
        whole_weights(sources, torch.ones(3, 2))
    with pytest.raises(ValueError, match="expected equal, features or saliency"):
        SourceWeights("depth")
