"""What every loss on pixels, gradients, structure and exposure has to keep: finite, differentiable, of its type."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from imfuse.lab.losses import contrast, exposure, fidelity, gradient, halo, intensity, pixel

Case = tuple[nn.Module, Tensor, Tensor]
PAIR_LOSSES: dict[str, Callable[..., nn.Module]] = {
    "mse": pixel.MSELoss,
    "mae": pixel.MAELoss,
    "smooth_l1": pixel.SmoothL1Loss,
    "charbonnier": pixel.CharbonnierLoss,
    "intensity": intensity.IntensityLoss,
    "gradient": gradient.GradientLoss,
    "edge_preserving": gradient.EdgePreservingLoss,
    "ssim_pair": fidelity.SSIMPairLoss,
}
FUSION_LOSSES: dict[str, Callable[..., nn.Module]] = {
    "max_intensity": intensity.MaxIntensityLoss,
    "out_of_range": intensity.OutOfRangeLoss,
    "joint_gradient": gradient.JointGradientLoss,
    "max_gradient": gradient.MaxGradientLoss,
    "ssim": fidelity.SSIMLoss,
    "ms_ssim": fidelity.MSSSIMLoss,
    "edge_transfer": fidelity.EdgeTransferLoss,
    "visual_information": fidelity.VisualInformationLoss,
    "correlation_differences": fidelity.CorrelationDifferencesLoss,
    "correlation": fidelity.CorrelationLoss,
    "contrast": contrast.ContrastLoss,
    "sharpness": contrast.SharpnessLoss,
    "nearest_intensity": contrast.NearestIntensityLoss,
    "halo": halo.HaloLoss,
    "mef_ssim": exposure.MEFSSIMLoss,
    "exposedness": exposure.ExposednessLoss,
}
LOSSES = PAIR_LOSSES | FUSION_LOSSES
OF_PIXELS = ("mse", "mae", "smooth_l1", "charbonnier", "max_intensity", "out_of_range")
"""Losses that give a value a pixel when nothing is reduced."""


def image(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.double)


def images(name: str, height: int = 18, width: int = 17) -> tuple[Tensor, Tensor]:
    """An image, a little beyond [0, 1] and faint, and what the loss compares it with."""
    fused = 0.6 * image(2, 1, height, width) - 0.05
    return fused, image(2, 1 if name in PAIR_LOSSES else 3, height, width, seed=1)


def value_and_gradient(loss: Callable[..., Tensor], fused: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    fused = fused.clone().requires_grad_()
    value = loss(fused, others)
    value.backward()
    assert fused.grad is not None
    return value.detach(), fused.grad


@pytest.mark.parametrize("name", LOSSES)
def test_the_reductions_are_of_the_same_values(name):
    fused, others = images(name)
    values = LOSSES[name](reduction="none")(fused, others)
    assert values.shape == (fused.shape if name in OF_PIXELS else (2,))
    torch.testing.assert_close(LOSSES[name]()(fused, others), values.mean())
    torch.testing.assert_close(LOSSES[name](reduction="sum")(fused, others), values.sum())
    with pytest.raises(ValueError, match="expected mean, sum or none"):
        LOSSES[name](reduction="median")(fused, others)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in OF_PIXELS])
def test_an_image_has_its_value_whatever_lies_beside_it_in_the_batch(name):
    fused, others = images(name)
    values = LOSSES[name](reduction="none")(fused, others)
    for number in range(2):
        alone = LOSSES[name]()(fused[number : number + 1], others[number : number + 1])
        torch.testing.assert_close(values[number], alone)


@pytest.mark.parametrize("name", LOSSES)
def test_the_module_has_the_options_and_defaults_of_its_function(name):
    module = LOSSES[name]()
    options = list(inspect.signature(module.function).parameters.values())[2:]
    assert module.options == {option.name: option.default for option in options}
    assert options[-1].name == "reduction"
    fused, others = images(name)
    assert torch.equal(module(fused, others), module.function(fused, others))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [(1, 1), (5, 1), (1, 5), (20, 1), (2, 2), (40, 41)])
def test_degenerate_images_of_any_size_have_finite_values_and_gradients(name, size):
    channels = 1 if name in PAIR_LOSSES else 2
    flat = [torch.full((1, channels, *size), level) for level in (0.0, 0.5, 1.0)]
    busy = image(1, 1, *size).float().expand(-1, channels, -1, -1)
    equal = [(picture, picture) for picture in (*flat, busy)]
    for fused, others in [*equal, *((busy, level) for level in flat), (flat[0], busy)]:
        value, slope = value_and_gradient(LOSSES[name](), fused[:, :1], others)
        assert torch.isfinite(value)
        assert torch.isfinite(slope).all()


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_that_of_the_value(name):
    fused, others = images(name)
    assert torch.autograd.gradcheck(lambda x: LOSSES[name]()(x, others), fused.requires_grad_(), fast_mode=True)


@pytest.mark.parametrize("name", LOSSES)
def test_the_images_stay_as_they_are(name):
    fused, others = images(name)
    before = fused.clone(), others.clone()
    value_and_gradient(LOSSES[name](), fused, others)
    assert torch.equal(fused, before[0])
    assert torch.equal(others, before[1])


@pytest.mark.parametrize("name", LOSSES)
def test_it_compiles_whole(name):
    torch.compiler.reset()
    fused, others = (x[:, :2] for x in images(name))
    compiled = torch.compile(LOSSES[name](), backend="aot_eager", fullgraph=True)
    expected = value_and_gradient(LOSSES[name](), fused, others)
    torch.testing.assert_close(value_and_gradient(compiled, fused, others), expected)


@pytest.mark.parametrize("name", LOSSES)
def test_autocast_changes_nothing_in_single_precision(name):
    fused, others = (x.float() for x in images(name))
    expected = value_and_gradient(LOSSES[name](), fused, others)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(value_and_gradient(LOSSES[name](), fused, others), expected)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("cast", [False, True])
def test_the_loss_has_the_type_of_the_images_and_about_the_value_of_single_precision(name, dtype, cast):
    if cast and dtype == torch.float16:
        pytest.skip("PyTorch does not concatenate float16 under autocast on a CPU")
    fused, others = (x.to(dtype) for x in images(name))
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=cast):
        value, slope = value_and_gradient(LOSSES[name](), fused, others)
    assert cast or value.dtype == dtype
    assert torch.isfinite(slope).all()
    expected = LOSSES[name]()(fused.double(), others.double())
    assert value.item() == pytest.approx(expected.item(), rel=3 * torch.finfo(dtype).eps, abs=torch.finfo(dtype).eps)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", LOSSES)
def test_a_gpu_gives_the_same(name):
    fused, others = images(name)
    expected = value_and_gradient(LOSSES[name](), fused, others)
    found = value_and_gradient(LOSSES[name](), fused.cuda(), others.cuda())
    torch.testing.assert_close(tuple(x.cpu() for x in found), expected)
