"""What every one of the metrics of the common families does, under each of its conventions."""

from __future__ import annotations

import math

import pytest
import torch
from torch.autograd import gradcheck

from imfuse.errors import MetricError
from imfuse.lab.metrics import functional
from imfuse.lab.metrics.registry import METRICS

NAMES = ["EN", "SD", "SF", "AG", "CE", "MI", "NMI", "SCD", "CC", "VIF", "Qabf", "LABF", "Nabf", "SSIM", "MS_SSIM"]
NAMES += ["MSE", "PSNR", "MEF-SSIM"]
CASES = [(name, convention) for name in NAMES for convention in METRICS[name].conventions]
OF_SOURCES = [(name, convention) for name, convention in CASES if METRICS[name].inputs == "sources"]
DIFFERENTIABLE = [(name, convention) for name, convention in CASES if METRICS[name].is_differentiable]
every_case = pytest.mark.parametrize(("name", "convention"), CASES)
every_case_of_sources = pytest.mark.parametrize(("name", "convention"), OF_SOURCES)
every_differentiable_case = pytest.mark.parametrize(("name", "convention"), DIFFERENTIABLE)


def images(channels: int, seed: int = 0, size: int = 64, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, channels, size // 4, size // 4, generator=generator, dtype=torch.float64)
    return torch.nn.functional.interpolate(coarse, scale_factor=4, mode="bicubic").clamp(0, 1)


@every_case
def test_there_is_one_finite_value_an_image_in_the_type_of_the_images(name, convention):
    for dtype in (torch.float32, torch.float64):
        value = METRICS[name](images(1).to(dtype), images(2, seed=1).to(dtype), convention)
        assert value.shape == (2,)
        assert value.dtype == dtype
        assert torch.isfinite(value).all()


@every_case_of_sources
@pytest.mark.parametrize("count", [2, 3])
def test_the_order_of_the_sources_does_not_matter(name, convention, count):
    fused, sources = images(1), images(count, seed=1)
    torch.testing.assert_close(
        METRICS[name](fused, sources, convention), METRICS[name](fused, sources.flip(1), convention)
    )


@every_case
def test_a_batch_gives_the_value_of_each_image(name, convention):
    fused, sources = images(1), images(2, seed=1)
    fused[1], sources[1] = 0.25, 0.5  # a constant image must not change what its neighbour gets
    fused[1, :, 20:, :30] = 0.75
    each = [METRICS[name](fused[i : i + 1], sources[i : i + 1], convention) for i in range(2)]
    torch.testing.assert_close(METRICS[name](fused, sources, convention), torch.cat(each))


@every_case
def test_images_of_eight_bits_are_the_floats_that_they_stand_for(name, convention):
    fused, sources = ((image * 255).round().to(torch.uint8) for image in (images(1), images(2, seed=1)))
    as_floats = METRICS[name](fused.float() / 255, sources.float() / 255, convention)
    torch.testing.assert_close(METRICS[name](fused, sources, convention), as_floats, rtol=0, atol=0)


@every_case
def test_single_precision_keeps_three_digits(name, convention):
    fused, sources = images(1), images(2, seed=1)
    single = METRICS[name](fused.float(), sources.float(), convention).double()
    torch.testing.assert_close(single, METRICS[name](fused, sources, convention), rtol=1e-3, atol=1e-6)


@every_case
def test_half_precision_is_measured_in_single(name, convention):
    fused, sources = images(1).half(), images(2, seed=1).half()
    in_single = METRICS[name](fused.float(), sources.float(), convention)
    torch.testing.assert_close(METRICS[name](fused, sources, convention), in_single, rtol=0, atol=0)


@every_case
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3), (10, 5), (16, 12), (17, 40)])
def test_tiny_images_have_a_value(name, convention, size):
    fused, sources = images(1)[..., : size[0], : size[1]], images(2, seed=1)[..., : size[0], : size[1]]
    assert torch.isfinite(METRICS[name](fused, sources, convention)).all()


@every_case
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("level", [0.0, 0.3, 0.7, 1.0])
def test_constant_images_have_a_value(name, convention, dtype, level):
    constant, sources = torch.full((1, 1, 48, 48), level, dtype=dtype), images(2, seed=1, size=48, batch=1).to(dtype)
    for value in (
        METRICS[name](constant, sources, convention),
        METRICS[name](constant, constant.expand(-1, 2, -1, -1) * 0.9, convention),
        METRICS[name](sources[:, :1], constant.expand(-1, 2, -1, -1), convention),
    ):
        assert torch.isfinite(value).all() or name == "PSNR"  # which is infinite for equal images
        assert not torch.isnan(value).any()


KEPT_EDGE = 0.9994 / (1 + math.exp(-7.5)) * 0.9879 / (1 + math.exp(-4.4))
KEPT_KUMAR_EDGE = math.sqrt(0.9999 / (1 + math.exp(-9.5)) * 0.9995 / (1 + math.exp(-11)))


@pytest.mark.parametrize(
    ("name", "convention", "structured", "constant"),
    [
        ("CE", "imfuse", 0, 0),
        ("NMI", "imfuse", 2, 0),
        ("SCD", "imfuse", 0, 0),
        ("CC", "imfuse", 1, 0),
        ("VIF", "imfuse", 2, 2),
        ("VIF", "off_centre", 2, None),
        ("Qabf", "imfuse", KEPT_EDGE, None),
        ("Qabf", "atan2", KEPT_EDGE, None),
        ("LABF", "imfuse", 1 - KEPT_EDGE, None),
        ("LABF", "kumar", 1 - KEPT_KUMAR_EDGE, None),
        ("Nabf", "imfuse", 0, 0),
        ("Nabf", "petrovic", 0, 0),
        ("Nabf", "kumar", 0, 0),
        ("SSIM", "imfuse", 1, 1),
        ("SSIM", "sum", 2, 2),
        ("SSIM", "unit_range", 1, 1),
        ("MS_SSIM", "imfuse", 1, 1),
        ("MS_SSIM", "sum", 2, 2),
        ("MSE", "imfuse", 0, 0),
        ("PSNR", "imfuse", math.inf, math.inf),
        ("MEF-SSIM", "imfuse", 1, 1),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_images_have_the_value_that_is_said(name, convention, structured, constant, dtype):
    for fused, expected in ((images(1), structured), (torch.full((2, 1, 48, 48), 0.7), constant)):
        if expected is not None:
            value = METRICS[name](fused.to(dtype), fused.to(dtype).expand(-1, 2, -1, -1), convention)
            torch.testing.assert_close(value, torch.full_like(value, expected), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["EN", "SD", "SF", "AG", "MI", "NMI", "SCD", "CC"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("level", [0.1, 0.3, 0.7])
def test_a_constant_fused_image_has_nothing(name, dtype, level):
    constant = torch.full((1, 1, 47, 51), level, dtype=dtype)
    sources = images(2, size=52, batch=1)[..., :47, :51].to(dtype)
    if name == "SCD":  # what the fused image lacks of one source is the other
        sources = constant.expand(-1, 2, -1, -1)
    assert METRICS[name](constant, sources).item() == pytest.approx(0, abs=1e-6)


@every_differentiable_case
def test_the_gradient_is_that_of_finite_differences(name, convention):
    generator = torch.Generator().manual_seed(0)
    fused, sources = (
        torch.rand(1, 3, 20, 24, generator=generator, dtype=torch.float64).mul(0.8).add(0.1).split([1, 2], 1)
    )
    # Noise has no two equal gradients, between which a step of the differences could change the order.
    fused = fused.clone().requires_grad_()
    assert gradcheck(lambda image: METRICS[name](image, sources, convention), (fused,), eps=1e-7, fast_mode=True)


@every_differentiable_case
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_constant_images_have_finite_gradients(name, convention, level):
    if name == "PSNR":
        pytest.skip("infinite for equal images by definition")
    for sources in (torch.full((1, 2, 48, 48), level), images(2, size=48, batch=1).float()):
        fused = torch.full((1, 1, 48, 48), level, requires_grad=True)
        METRICS[name](fused, sources, convention).sum().backward()
        assert torch.isfinite(fused.grad).all()


@every_differentiable_case
def test_gradients_change_no_value(name, convention):
    fused, sources = images(1), images(2, seed=1)
    for dtype in (torch.float32, torch.float64):
        with_gradient = METRICS[name](fused.to(dtype).requires_grad_(), sources.to(dtype), convention).detach()
        torch.testing.assert_close(with_gradient, METRICS[name](fused.to(dtype), sources.to(dtype), convention))


@pytest.mark.parametrize("name", ["SSIM", "VIF", "Qabf", "CC"])
def test_metrics_can_be_compiled_whole(name):
    fused, sources = images(1), images(2, seed=1)
    compiled = torch.compile(METRICS[name].function, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(fused, sources), METRICS[name](fused, sources))


@every_case
def test_what_is_measured_is_left_as_it_was(name, convention):
    fused, sources = images(1), images(2, seed=1)
    METRICS[name](fused, sources, convention)
    torch.testing.assert_close(fused, images(1), rtol=0, atol=0)
    torch.testing.assert_close(sources, images(2, seed=1), rtol=0, atol=0)


@every_case
def test_images_that_cannot_be_measured_are_refused(name, convention):
    metric, fused, sources = METRICS[name], images(1), images(2, seed=1)
    broken = fused.clone()
    broken[0, 0, 3, 4] = math.nan
    with pytest.raises(MetricError, match="NaN"):
        metric(broken, sources, convention)
    with pytest.raises(MetricError, match=r"to 255; expected floats in \[0, 1\]"):
        metric(fused * 255 / fused.max(), sources, convention)
    with pytest.raises(MetricError, match=r"shape \(2, 3, 64, 64\)"):
        metric(fused.expand(-1, 3, -1, -1), sources, convention)
    if metric.inputs == "sources":
        with pytest.raises(MetricError, match=r"shape \(2, 1, 64, 64\)"):
            metric(fused, sources[:, :1], convention)


@pytest.mark.parametrize(
    "function",
    [
        functional.entropy,
        functional.spatial_frequency,
        functional.average_gradient,
        functional.mutual_information,
        functional.visual_information_fidelity,
        functional.edge_transfer,
        functional.edge_loss,
        functional.edge_artefacts,
        functional.structural_similarity,
        functional.multiscale_structural_similarity,
        functional.peak_signal_noise_ratio,
    ],
)
def test_an_unknown_convention_is_refused_with_the_known_ones(function):
    of_fused = function.__name__ in {"entropy", "spatial_frequency", "average_gradient"}
    arguments = (images(1),) if of_fused else (images(1), images(2))
    with pytest.raises(MetricError, match="no convention 'matlab'; expected one of imfuse, "):
        function(*arguments, convention="matlab")
