"""The metrics on real pairs equal the independent implementation's values."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from imfuse.images.files import list_images, read_image
from imfuse.lab.metrics.registry import METRICS

GOLDEN = [name for name in METRICS if name != "MEF-SSIM"]


def tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float64))[None, None] / 255


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_values(name, shared_data):
    golden = json.loads((shared_data.parent / "spec" / "metrics_golden.json").read_text())["values"]
    folder = shared_data / "infrared" / "RoadScene" / "test"
    infrared, visible = ({p.stem: p for p in list_images(folder / kind)} for kind in ("ir", "vis"))
    for stem, expected in golden.items():
        luma = np.floor(read_image(visible[stem]).pixels @ np.array([0.299, 0.587, 0.114]) + 0.5)
        fused = read_image(shared_data / "results" / "CDDFuse" / "RoadScene" / f"{stem}.png").pixels
        sources = torch.cat([tensor(read_image(infrared[stem]).pixels), tensor(luma)], dim=1)
        assert METRICS[name](tensor(fused), sources).item() == pytest.approx(expected[name], rel=1e-4)
