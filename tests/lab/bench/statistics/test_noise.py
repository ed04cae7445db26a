"""That a noisier copy of a method gains in the mean rank, and not in the one without metrics that reward noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from imfuse import Fuser
from imfuse.images.files import list_images, read_image, write_image
from imfuse.lab.bench.evaluate import evaluate
from imfuse.lab.bench.statistics import Summary, summarise
from imfuse.lab.metrics.registry import METRICS, RANKED
from imfuse.scenes import simulate

METHODS = ("laplacian", "average")


def measure(folder: Path, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> Summary:
    """Summary of each of `METHODS` and a copy of it with noise of five levels."""
    generator = np.random.default_rng(0)
    for index, pair in enumerate(pairs):
        pictures = dict(zip(("ir", "vis"), pair, strict=True))
        for name in METHODS:
            fused = np.asarray(Fuser.load(name)(*pair))
            noise = generator.normal(0, 5, fused.shape)
            pictures[name], pictures[f"noisy {name}"] = fused, (fused + noise).round().clip(0, 255).astype(np.uint8)
        for name, pixels in pictures.items():
            write_image(folder / name / f"{index}.png", pixels)
    fused = {name: folder / name for method in METHODS for name in (method, f"noisy {method}")}
    evaluation = evaluate([folder / "ir", folder / "vis"], fused, folder / "report", metrics=RANKED)
    return summarise(evaluation, resamples=20)


def check(summary: Summary) -> None:
    for place in range(len(METHODS)):
        clean, noisy = 2 * place, 2 * place + 1
        assert summary.mean_ranks_without_noise[noisy] > summary.mean_ranks_without_noise[clean]
        quiet = [column for column, name in enumerate(RANKED) if not METRICS[name].rewards_noise]
        assert (summary.ranks[noisy] < summary.ranks[clean]).sum() == len(RANKED) - len(quiet)


def test_noise_on_the_images_does_not_better_the_mean_rank_without_it(tmp_path):
    scenes = [simulate(120, 160, seed=seed) for seed in range(3)]
    check(measure(tmp_path, [(scene.infrared, scene.visible) for scene in scenes]))


def test_nor_does_it_on_images_of_roads(shared_data, tmp_path):
    folder = shared_data / "infrared" / "RoadScene" / "test"
    if not folder.is_dir():
        pytest.skip("RoadScene is not on this machine")
    first, second = (list_images(folder / name)[:4] for name in ("ir", "vis"))
    pairs = [(read_image(a).pixels, read_image(b).pixels) for a, b in zip(first, second, strict=True)]
    check(measure(tmp_path, pairs))
