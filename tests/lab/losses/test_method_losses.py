"""What the losses of TIM, HAF, SDNet, CrossFuse and FusionDN keep: finite, differentiable, of their type, learnt."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from imfuse.lab.losses.crossfuse import CrossFuseLoss
from imfuse.lab.losses.fusiondn import FusionDNLoss
from imfuse.lab.losses.haf import HAFLoss
from imfuse.lab.losses.sdnet import SDNetLoss
from imfuse.lab.losses.tim import TIMLoss, VisualLoss
from imfuse.lab.nn.feature_extractor import FeatureExtractor


def extractor() -> FeatureExtractor:
    generator = torch.random.get_rng_state()
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Softplus(), nn.AvgPool2d(2), nn.Conv2d(4, 6, 3))
    torch.random.set_rng_state(generator)
    return FeatureExtractor(network.double(), ["1", "3"])


LOSSES: dict[str, Callable[..., nn.Module]] = {
    "tim": TIMLoss,
    "tim, features": lambda **more: TIMLoss("features", network=extractor(), **more),
    "visual": VisualLoss,
    "visual, equal": lambda **more: VisualLoss("equal", **more),
    "visual, features": lambda **more: VisualLoss("features", network=extractor(), **more),
    "haf": HAFLoss,
    "haf, features": lambda **more: HAFLoss("features", network=extractor(), **more),
    "sdnet": SDNetLoss,
    "crossfuse": CrossFuseLoss,
    "fusiondn": lambda **more: FusionDNLoss(network=extractor(), **more),
    "fusiondn, features": lambda **more: FusionDNLoss("features", network=extractor(), **more),
}


def images(count: int = 3, height: int = 13, width: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    sources = torch.rand(2, count, height, width, generator=generator, dtype=torch.double)
    return torch.rand(2, 1, height, width, generator=generator, dtype=torch.double), sources


def value_and_gradient(loss: Callable[..., Tensor], fused: Tensor, sources: Tensor) -> tuple[Tensor, Tensor]:
    fused = fused.clone().requires_grad_()
    value = loss(fused, sources)
    value.backward()
    assert fused.grad is not None
    return value.detach(), fused.grad


@pytest.mark.parametrize("name", LOSSES)
def test_reductions_are_over_images_each_looked_at_by_itself(name):
    fused, sources = images()
    loss, each = LOSSES[name](), LOSSES[name](reduction="none")(fused, sources)
    alone = [loss(one[None], of[None]) for one, of in zip(fused, sources, strict=True)]
    torch.testing.assert_close(each, torch.stack(alone))
    torch.testing.assert_close(loss(fused, sources), each.mean())
    torch.testing.assert_close(LOSSES[name](reduction="sum")(fused, sources), each.sum())
    with pytest.raises(ValueError, match="expected mean, sum or none"):
        LOSSES[name](reduction="median")(fused, sources)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (8, 8)])
def test_constant_images_of_any_shape_have_no_loss_and_a_finite_gradient(name, level, shape):
    sources = torch.full((2, 2, *shape), level)
    value, gradient = value_and_gradient(LOSSES[name](), sources[:, :1], sources)
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (8, 8)])
def test_black_before_white_has_a_finite_loss_and_gradient(name, shape):
    sources = torch.cat([torch.zeros(1, 1, *shape), torch.ones(1, 1, *shape)], dim=1)
    loss = LOSSES[name]()
    for fused in sources.split(1, dim=1):
        value, gradient = value_and_gradient(loss, fused, sources)
        assert torch.isfinite(value)
        assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", LOSSES)
def test_the_fused_image_that_equals_all_sources_is_the_best(name):
    image, _ = images(1)
    sources = image.expand(-1, 2, -1, -1)
    loss = LOSSES[name]()
    best, gradient = value_and_gradient(loss, image, sources)
    assert best.item() == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-9, rtol=0)
    assert loss(image + 0.01 * torch.rand_like(image), sources) > best


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_that_of_the_value(name):
    fused, sources = images(2, 6, 5)
    loss = LOSSES[name]()
    assert torch.autograd.gradcheck(lambda image: loss(image, sources), fused.requires_grad_())


@pytest.mark.parametrize("name", ["tim", "visual", "haf", "sdnet", "crossfuse", "fusiondn, features"])
def test_it_compiles_whole(name):
    fused, sources = images()
    loss = LOSSES[name]()
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    for ours, expected in zip(
        value_and_gradient(compiled, fused, sources), value_and_gradient(loss, fused, sources), strict=True
    ):
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_autocast_stays_near_the_value_and_the_type_is_that_of_the_image(name, dtype):
    fused, sources = (tensor.to(dtype) for tensor in images())
    loss = LOSSES[name]().to(torch.float32)
    expected = loss(fused.float(), sources.float()).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value, gradient = value_and_gradient(loss, fused, sources)
    assert value.dtype == dtype
    assert value.item() == pytest.approx(expected, rel=0.05)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("name", LOSSES)
def test_inputs_stay_as_they_are_and_nothing_flows_into_weights_of_networks(name):
    fused, sources = images()
    before = fused.clone(), sources.clone()
    loss = LOSSES[name]()
    value_and_gradient(loss, fused, sources)
    torch.testing.assert_close((fused, sources), before, atol=0, rtol=0)
    assert not any(parameter.requires_grad for parameter in loss.parameters())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", LOSSES)
def test_a_gpu_gives_the_same(name):
    fused, sources = images()
    loss = LOSSES[name]()
    expected = value_and_gradient(loss, fused, sources)
    value, gradient = value_and_gradient(loss.cuda(), fused.cuda(), sources.cuda())
    torch.testing.assert_close((value.cpu(), gradient.cpu()), expected)
