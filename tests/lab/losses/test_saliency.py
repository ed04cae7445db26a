"""Saliency maps against the definition in a plain loop, and what must hold of weights."""

from __future__ import annotations

import pytest
import torch

from imfuse.lab.losses.saliency import saliency_map, saliency_weights


@pytest.fixture
def sources() -> torch.Tensor:
    return torch.rand(2, 3, 9, 11, generator=torch.Generator().manual_seed(0))


def plain(image: torch.Tensor) -> torch.Tensor:
    levels = [int(255 * value + 0.5) for value in image.flatten().tolist()]
    contrast = [sum(abs(level - other) for other in levels) for level in levels]
    return torch.tensor([value / (max(contrast) or 1) for value in contrast]).view(image.shape)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("levels", [256, 3])
def test_a_map_is_the_mean_distance_to_all_other_pixels(sources, dtype, levels):
    images = ((sources * (levels - 1)).round() / (levels - 1)).to(dtype)
    maps = saliency_map(images)
    expected = torch.stack([plain(image) for image in images.flatten(0, 1)]).view(images.shape)
    assert maps.dtype == dtype
    torch.testing.assert_close(maps, expected.to(dtype), rtol=1e-6 if dtype != torch.float16 else 1e-3, atol=0)


def test_a_small_bright_thing_before_a_dark_ground_stands_out():
    scene = torch.full((1, 1, 8, 8), 0.1)
    scene[..., 2:4, 2:4] = 0.9
    thing = saliency_map(scene) == 1
    assert thing.sum() == 4
    assert saliency_map(scene)[~thing].unique().item() == pytest.approx(4 / 60)


def test_weights_are_the_formula_for_two_sources_and_sum_to_one(sources):
    first, second = saliency_map(sources[:, :2]).split(1, dim=1)
    weights = saliency_weights(sources[:, :2])
    torch.testing.assert_close(weights[:, :1], first.exp() / (first.exp() + second.exp()))
    torch.testing.assert_close(saliency_weights(sources).sum(1), torch.ones(2, 9, 11))


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(1, 2, 1, 1), (2, 3, 1, 7), (1, 4, 6, 5)])
def test_constant_sources_have_no_saliency_and_weigh_alike(level, shape):
    constant = torch.full(shape, level)
    assert (saliency_map(constant) == 0).all()
    torch.testing.assert_close(saliency_weights(constant), torch.full(shape, 1 / shape[1]))


def test_what_is_out_of_range_counts_as_black_or_white_and_not_a_number_does_no_harm():
    torch.testing.assert_close(
        saliency_map(torch.tensor([[[[-0.2, 0.5, 1.2]]]])), saliency_map(torch.tensor([[[[0, 0.5, 1]]]]))
    )
    assert torch.isfinite(saliency_weights(torch.full((1, 2, 3, 3), torch.nan))).all()


def test_images_are_looked_at_one_by_one_and_their_order_does_not_matter(sources):
    alone = torch.stack([saliency_map(image[None])[0] for image in sources])
    torch.testing.assert_close(saliency_map(sources), alone, rtol=0, atol=0)
    torch.testing.assert_close(saliency_weights(sources.flip(1)), saliency_weights(sources).flip(1))


def test_the_weights_have_no_gradient_and_the_compiled_path_is_the_same(sources):
    compiled = torch.compile(saliency_weights, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(sources), saliency_weights(sources))
    assert not saliency_weights(sources.requires_grad_()).requires_grad


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_stays_finite_under_autocast(sources, dtype):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        weights = saliency_weights(sources.to(dtype))
    assert torch.isfinite(weights).all()
    torch.testing.assert_close(weights.float(), saliency_weights(sources), atol=5e-3, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same(sources):
    torch.testing.assert_close(saliency_weights(sources.cuda()).cpu(), saliency_weights(sources))
