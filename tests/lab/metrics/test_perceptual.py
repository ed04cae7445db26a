"""LPIPS is torchmetrics' for the same weights, and says what is missing where the weights are not there."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlparse

import pytest
import torch
from torch import nn
from torchmetrics.functional.image import lpips as torchmetrics_lpips
from torchvision.models import AlexNet_Weights, alexnet

from imfuse.errors import MetricError
from imfuse.lab.metrics.functional import lpips_available, perceptual, perceptual_distance
from imfuse.lab.metrics.registry import METRICS


@pytest.fixture(scope="module")
def features() -> nn.Sequential:
    """AlexNet's features with seeded values in place of the trained ones."""
    with torch.device("meta"):
        layers = alexnet().features
    layers.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    for value in layers.parameters():
        fan_in = value[0].numel()
        value.data = (
            torch.randn(value.shape, generator=generator) * (2 / fan_in) ** 0.5
            if value.ndim > 1
            else (0.1 * torch.randn(value.shape, generator=generator))
        )
    return layers


@pytest.fixture(scope="module")
def weights(features, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "alexnet.pth"
    torch.save({f"features.{key}": value for key, value in features.state_dict().items()}, file)
    return file


def images(channels: int, seed: int, height: int = 40, width: int = 52, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, channels, height // 4 + 1, width // 4 + 1, generator=generator)
    return nn.functional.interpolate(coarse, size=(height, width), mode="bilinear")


@pytest.mark.parametrize("count", [2, 3])
def test_it_is_that_of_torchmetrics(count, features, weights, monkeypatch):
    monkeypatch.setattr(torchmetrics_lpips, "_get_tv_model_features", lambda *_, **__: features)
    fused, sources = images(1, 0), images(count, 1)
    expected = torch.stack(
        [
            torchmetrics_lpips.learned_perceptual_image_patch_similarity(
                fused.expand(-1, 3, -1, -1),
                source.unsqueeze(1).expand(-1, 3, -1, -1),
                net_type="alex",
                reduction="none",
                normalize=True,
            )
            for source in sources.unbind(1)
        ]
    ).mean(0)
    ours = perceptual_distance(fused, sources, weights)
    assert ours.min() > 1e-3
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-6)


def test_missing_weights_are_named_with_their_folder_and_nothing_is_fetched(monkeypatch, tmp_path):
    def refuse(*arguments, **options):
        raise AssertionError("a download was begun")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert not lpips_available()
    with pytest.raises(MetricError) as caught:
        perceptual_distance(images(1, 0), images(2, 1))
    assert "alexnet-owt-7be5be79.pth" in str(caught.value)
    assert str(tmp_path / "checkpoints") in str(caught.value)
    assert "torchvision" in str(caught.value)


def test_the_weights_are_found_where_torch_hub_keeps_them(monkeypatch, tmp_path, weights):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    file = tmp_path / "checkpoints" / Path(urlparse(AlexNet_Weights.IMAGENET1K_V1.url).path).name
    file.parent.mkdir()
    file.write_bytes(weights.read_bytes())
    assert lpips_available()
    fused, sources = images(1, 0), images(2, 1)
    torch.testing.assert_close(perceptual_distance(fused, sources), perceptual_distance(fused, sources, weights))


def test_availability_of_a_file_of_ones_own(weights, tmp_path):
    assert lpips_available(weights)
    assert lpips_available(str(weights))
    assert not lpips_available(tmp_path / "absent.pth")


@pytest.mark.parametrize("content", ["text", "other", "tensor"])
def test_a_file_of_something_else_is_refused(content, tmp_path):
    file = tmp_path / "alexnet.pth"
    if content == "text":
        file.write_text("not weights")
    else:
        torch.save({"features.0.weight": torch.zeros(3)} if content == "other" else torch.zeros(3), file)
    with pytest.raises(MetricError, match="does not hold the weights of torchvision's AlexNet"):
        perceptual_distance(images(1, 0), images(2, 1), file)


def test_the_network_is_read_once(weights, monkeypatch):
    fused, sources = images(1, 0), images(2, 1)
    first = perceptual_distance(fused, sources, weights)
    monkeypatch.setattr(torch, "load", None)
    torch.testing.assert_close(perceptual_distance(fused, sources, weights), first)


def test_equal_images_have_no_distance_and_order_and_batch_do_not_matter(weights):
    fused, sources = images(1, 0), images(3, 1)
    assert perceptual_distance(fused, fused.expand(-1, 2, -1, -1), weights).max() < 1e-9
    value = perceptual_distance(fused, sources, weights)
    assert value.shape == (2,)
    torch.testing.assert_close(perceptual_distance(fused, sources.flip(1), weights), value)
    alone = [perceptual_distance(fused[i : i + 1], sources[i : i + 1], weights) for i in range(2)]
    torch.testing.assert_close(torch.cat(alone), value)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (1, 60), (30, 31)])
def test_tiny_and_constant_images_have_a_value(height, width, weights):
    value = perceptual_distance(images(1, 0, height, width), images(2, 1, height, width), weights)
    assert (torch.isfinite(value) & (value > 0)).all()
    flat = torch.full((1, 1, height, width), 0.5)
    assert perceptual_distance(flat, flat.expand(-1, 2, -1, -1), weights).item() < 1e-9


def test_eight_bits_and_single_precision_agree_with_double(weights):
    fused, sources = ((image * 255).round() / 255 for image in (images(1, 0), images(2, 1)))
    single = perceptual_distance(fused, sources, weights)
    double = perceptual_distance(fused.double(), sources.double(), weights)
    assert (single.dtype, double.dtype) == (torch.float32, torch.float64)
    torch.testing.assert_close(single.double(), double, rtol=1e-3, atol=0)
    bytes_ = [(image * 255).round().to(torch.uint8) for image in (fused, sources)]
    torch.testing.assert_close(perceptual_distance(*bytes_, weights), single, rtol=1e-4, atol=0)


def test_nan_is_refused(weights):
    sources = images(2, 1)
    sources[0, 0, 0, 0] = torch.nan
    with pytest.raises(MetricError, match="sources hold"):
        perceptual_distance(images(1, 0), sources, weights)


def test_its_gradient_is_right_and_finite_for_constant_images(weights):
    sources = images(2, 1, 31, 31, 1).double()
    fused = images(1, 0, 31, 31, 1).double().requires_grad_()

    def distance(image: torch.Tensor) -> torch.Tensor:
        return perceptual_distance(image, sources, weights)

    assert torch.autograd.gradcheck(distance, fused, fast_mode=True)
    for level in (0.0, 0.5, 1.0):
        flat = torch.full((1, 1, 31, 31), level, dtype=torch.float64, requires_grad=True)
        distance(flat).sum().backward()
        assert torch.isfinite(flat.grad).all()
    assert perceptual._network.cache_info().maxsize == 2, "the cache must not hold a network for each file"


def test_the_tables_know_it_as_lpips():
    metric = METRICS["LPIPS"]
    assert metric.function is perceptual_distance
    assert (metric.inputs, metric.higher_is_better, metric.is_differentiable) == ("sources", False, True)
