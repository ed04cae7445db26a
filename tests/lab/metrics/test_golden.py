"""The metrics on real pairs equal the independent implementation's values."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from imfuse.images.files import list_images, read_image
from imfuse.lab.metrics.registry import METRICS

CONVENTIONS = {"SSIM_L1": ("SSIM", "unit_range")}
GOLDEN = ("EN", "SD", "SF", "AG", "MI", "SCD", "VIF", "Qabf", "SSIM", "SSIM_L1", "CC", "MSE", "PSNR")


def tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float64))[None, None] / 255


@pytest.fixture(scope="module")
def golden(shared_data) -> dict[str, dict[str, float]]:
    return json.loads((shared_data.parent / "spec" / "metrics_golden.json").read_text())["values"]


@pytest.fixture(scope="module")
def pairs(shared_data, golden) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    folder = shared_data / "infrared" / "RoadScene" / "test"
    infrared, visible = ({path.stem: path for path in list_images(folder / kind)} for kind in ("ir", "vis"))
    found = {}
    for stem in golden:
        luma = np.floor(read_image(visible[stem]).pixels @ np.array([0.299, 0.587, 0.114]) + 0.5)
        fused = read_image(shared_data / "results" / "CDDFuse" / "RoadScene" / f"{stem}.png").pixels
        sources = torch.cat([tensor(read_image(infrared[stem]).pixels), tensor(luma)], dim=1)
        found[stem] = tensor(fused), sources
    return found


@pytest.mark.parametrize("key", GOLDEN)
def test_golden_values(key, golden, pairs):
    name, convention = CONVENTIONS.get(key, (key, "imfuse"))
    for stem, expected in golden.items():
        assert METRICS[name](*pairs[stem], convention).item() == pytest.approx(expected[key], rel=1e-4)


@pytest.mark.parametrize("key", GOLDEN)
def test_single_precision_keeps_three_digits(key, golden, pairs):
    name, convention = CONVENTIONS.get(key, (key, "imfuse"))
    for stem, expected in golden.items():
        fused, sources = (images.float() for images in pairs[stem])
        assert METRICS[name](fused, sources, convention).item() == pytest.approx(expected[key], rel=1e-3)


def test_every_golden_value_is_tested(golden):
    assert {key for values in golden.values() for key in values} == set(GOLDEN)


def test_the_off_centre_window_raises_vif_by_what_is_said(pairs):
    for fused, sources in pairs.values():
        ratio = METRICS["VIF"](fused, sources, "off_centre") / METRICS["VIF"](fused, sources)
        assert 1 < ratio.item() < 1.4
