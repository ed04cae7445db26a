"""The error of hue is an angle that sees wrong and lost colour, and nothing else."""

from __future__ import annotations

import cmath
import math

import cv2
import numpy as np
import pytest
import torch

from imfuse.errors import MetricError
from imfuse.images.colour import colourise
from imfuse.lab.metrics.functional import hue_error
from imfuse.lab.metrics.registry import METRICS


def colours(seed: int, height: int = 9, width: int = 11, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 3, height, width, dtype=torch.float64, generator=generator)


def plain(*rgb: float) -> torch.Tensor:
    return torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1).expand(1, 3, 4, 5)


def by_the_rule(fused: torch.Tensor, colour: torch.Tensor) -> float:
    """Pixel by pixel, with OpenCV's chroma and complex numbers for angles."""
    planes = []
    for image in (fused, colour):
        pixels = np.ascontiguousarray(image.permute(1, 2, 0).numpy().astype(np.float32))
        ycc = cv2.cvtColor(pixels, cv2.COLOR_RGB2YCrCb).astype(float)
        planes.append(((ycc[..., 2] - 0.5) / 0.564 / 1.772 + 1j * (ycc[..., 1] - 0.5) / 0.713 / 1.402).ravel())
    above = below = 0.0
    for mine, theirs in zip(*planes, strict=True):
        if abs(theirs) >= 0.5 / 255:
            lost = abs(mine) < 0.5 / 255
            above += abs(theirs) * (90 if lost else abs(math.degrees(cmath.phase(mine / theirs))))
            below += abs(theirs)
    return above / below


def test_it_is_the_rule_pixel_by_pixel():
    fused, colour = colours(0), colours(1)
    fused[:, :, :2] = fused[:, :1, :2]  # grey rows
    colour[:, :, 1:3] = colour[:, :1, 1:3]
    expected = [by_the_rule(f, c) for f, c in zip(fused, colour, strict=True)]
    np.testing.assert_allclose(hue_error(fused, colour), expected, rtol=2e-3)


def test_equal_colours_at_any_luma_and_saturation_have_no_error():
    colour = colours(1)
    torch.testing.assert_close(hue_error(colour, colour), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-5)
    paler = 0.2 + 0.5 * colour
    torch.testing.assert_close(hue_error(paler, colour), torch.zeros(2, dtype=torch.float64), rtol=0, atol=1e-5)


def test_opposite_colours_have_180_degrees():
    assert hue_error(plain(0, 1, 1), plain(1, 0, 0)).item() == pytest.approx(180)
    assert hue_error(plain(0, 0, 1), plain(1, 1, 0)).item() == pytest.approx(180)


def test_angles_are_counted_the_short_way_round():
    angles = torch.deg2rad(torch.tensor([170.0, -170.0], dtype=torch.float64))
    blue, red = 0.1 * torch.cos(angles) * 1.772, 0.1 * torch.sin(angles) * 1.402
    green = -(0.114 * blue + 0.299 * red) / 0.587
    first, second = (0.5 + torch.stack([red, green, blue])).T.view(2, 1, 3, 1, 1)
    assert hue_error(first, second).item() == pytest.approx(20)
    assert hue_error(second, first).item() == pytest.approx(20)


def test_lost_colour_counts_as_ninety_degrees():
    colour = colours(1)
    grey = colour.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    torch.testing.assert_close(hue_error(grey, colour), torch.full((2,), 90.0, dtype=torch.float64))
    half = colour.clone()
    half[..., :5, :] = grey[..., :5, :]
    assert ((hue_error(half, colour) > 20) & (hue_error(half, colour) < 70)).all()
    assert hue_error(torch.zeros_like(colour), colour).tolist() == [90, 90], "black has no hue either"


def test_pixels_weigh_as_much_as_the_colour_that_they_had():
    colour = torch.cat([plain(1, 0, 0), plain(0.6, 0.5, 0.5)], dim=3)  # ten times the chroma
    fused = torch.cat([plain(1, 0, 0), plain(0.5, 0.6, 0.6)], dim=3)
    assert hue_error(fused, colour).item() == pytest.approx(180 / 11)


def test_a_colour_source_without_colour_has_no_error():
    grey = torch.rand(1, 1, 6, 7).expand(-1, 3, -1, -1)
    assert hue_error(colours(0, 6, 7, 1), grey).item() == 0
    bytes_ = (grey * 255).round().to(torch.uint8)
    assert hue_error((colours(0, 6, 7, 1) * 255).to(torch.uint8), bytes_).item() == 0


def test_chroma_carried_over_by_imfuse_keeps_the_hue():
    rng = np.random.default_rng(0)
    colour = rng.random((20, 30, 3), np.float32)
    fused = colourise(0.2 + 0.6 * rng.random((20, 30), np.float32), [colour])
    tensors = [torch.from_numpy(image).permute(2, 0, 1)[None] for image in (fused, colour)]
    assert hue_error(*tensors).item() < 0.1
    assert hue_error(tensors[0].flip(1), tensors[1]).item() > 30


def test_a_batch_gives_the_value_of_each_image_in_degrees_of_a_half_turn():
    fused, colour = colours(0), colours(1)
    value = hue_error(fused, colour)
    alone = torch.cat([hue_error(fused[i : i + 1], colour[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(value, alone)
    assert ((value > 45) & (value < 135)).all(), "hues at random are 90 degrees apart on average"


def test_one_pixel_has_a_value():
    assert hue_error(plain(1, 0.5, 0)[..., :1, :1], plain(1, 0, 0)[..., :1, :1]).item() == pytest.approx(30.3, abs=0.1)


def test_eight_bits_and_single_precision_agree_with_double():
    fused, colour = ((image * 255).round() / 255 for image in (colours(0), colours(1)))
    expected = hue_error(fused, colour)
    single = hue_error(fused.float(), colour.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, rtol=1e-5, atol=0)
    bytes_ = [(image * 255).round().to(torch.uint8) for image in (fused, colour)]
    torch.testing.assert_close(hue_error(*bytes_), single, rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("fused", "colour", "text"),
    [
        (
            torch.rand(1, 1, 4, 4),
            torch.rand(1, 3, 4, 4),
            r"fused has the shape \(1, 1, 4, 4\); expected \(b, 3, h, w\)",
        ),
        (torch.rand(3, 4, 4), torch.rand(1, 3, 4, 4), "fused has the shape"),
        (torch.rand(1, 3, 0, 4), torch.rand(1, 3, 0, 4), "fused has the shape"),
        (torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 5), r"colour source has the shape \(1, 3, 4, 5\); expected that"),
        (torch.rand(1, 3, 4, 4), torch.rand(1, 2, 4, 4), "the colour source has the shape"),
        (torch.full((1, 3, 4, 4), torch.nan), torch.rand(1, 3, 4, 4), "fused holds values from nan"),
        (torch.rand(1, 3, 4, 4), torch.full((1, 3, 4, 4), 200.0), "the colour source holds values from 200"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.int32), torch.rand(1, 3, 4, 4), "fused is torch.int32; expected uint8"),
    ],
)
def test_images_that_cannot_be_measured_are_refused(fused, colour, text):
    with pytest.raises(MetricError, match=text):
        hue_error(fused, colour)


def test_its_gradient_is_right_and_finite_for_grey_images():
    fused, colour = colours(0, 3, 4, 1).requires_grad_(), colours(1, 3, 4, 1).requires_grad_()
    assert torch.autograd.gradcheck(hue_error, (fused, colour))
    for level in (0.0, 0.5, 1.0):
        grey = torch.full((1, 3, 3, 4), level, dtype=torch.float64, requires_grad=True)
        for first, second in ((grey, colour), (fused, grey), (grey, grey)):
            hue_error(first, second).sum().backward()
        assert torch.isfinite(grey.grad).all()


def test_the_tables_know_it_as_a_metric_of_colour():
    metric = METRICS["hue error"]
    assert metric(colours(0), colours(1)).tolist() == hue_error(colours(0), colours(1)).tolist()
    assert (metric.inputs, metric.higher_is_better, metric.is_differentiable) == ("colour", False, True)
