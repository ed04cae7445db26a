"""A small evaluation with pictures on the disk, and values that are chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imfuse.images.files import write_image
from imfuse.lab.bench.evaluation import REFERENCES, Evaluation, Method, Scene
from imfuse.lab.bench.scores import TaskRow, TaskScores
from imfuse.lab.bench.timings import SpeedRow, SpeedTable

HEIGHT, WIDTH, SCENES = 48, 80, 5
METRICS = ("EN", "MI", "VIF", "SSIM", "MSE")
MARKUP = 'A&<b>"one"</b>'
"""A method's name that would be markup if it were not escaped."""


def _picture(seed: int, channels: int | None = None) -> np.ndarray:
    generator = np.random.default_rng(seed)
    shape = (HEIGHT // 8, WIDTH // 8) if channels is None else (HEIGHT // 8, WIDTH // 8, channels)
    coarse = generator.integers(0, 256, shape, dtype=np.uint8)
    return coarse.repeat(8, axis=0).repeat(8, axis=1)


@pytest.fixture(scope="session")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """Two methods, one of which lacks its image of the last scene, and both references, on five scenes."""
    folder: Path = tmp_path_factory.mktemp("pictures")
    stems = [f"s{index}" for index in range(SCENES)]
    for index, stem in enumerate(stems):
        write_image(folder / "ir" / f"{stem}.png", _picture(index))
        write_image(folder / "vis" / f"{stem}.png", _picture(100 + index, 3))
        write_image(folder / "first" / f"{stem}.png", _picture(200 + index))
        if index < SCENES - 1:
            write_image(folder / "second" / f"{stem}.png", _picture(300 + index, 3))
    first, second = (
        {s: path for s in stems if (path := folder / n / f"{s}.png").exists()} for n in ("first", "second")
    )
    generator = np.random.default_rng(0)
    values = generator.uniform(0.2, 0.8, (4, len(METRICS), SCENES)) + np.arange(4)[:, None, None] * 0.1
    values[1, :, SCENES - 1] = np.nan
    return Evaluation(
        title='Night & "day" <set>',
        source_names=("infrared", "visible"),
        scenes=tuple(Scene(stem, (folder / "ir" / f"{stem}.png", folder / "vis" / f"{stem}.png")) for stem in stems),
        methods=(
            Method(MARKUP, "folder", first),
            Method("second", "model", second, dict.fromkeys(second, 12.5)),
            *(Method(name, "reference") for name in REFERENCES),
        ),
        metrics=METRICS,
        ranked=METRICS[:4],
        values=values,
        conventions={"MI": "nats"},
        problems=("second: the image of 1 scene is missing: s4 <really>",),
    )


@pytest.fixture(scope="session")
def tasks() -> tuple[TaskScores, ...]:
    rows = [(MARKUP, 0.5), ("second", 0.7), ("Average", 0.4), ("Maximum", float("nan")), ("visible alone", 0.6)]
    return (
        TaskScores(
            "Detection by a detector",
            ("AP50", "AP"),
            tuple(TaskRow(n, (v, v / 2), (v - 0.1, v / 2 - 0.1), (v + 0.1, v / 2 + 0.1)) for n, v in rows),
            5,
            ("The detector has seen visible images only.",),
        ),
    )


@pytest.fixture(scope="session")
def speed() -> SpeedTable:
    def row(model: str, engine: str, width: int, milliseconds: float) -> SpeedRow:
        nan = float("nan")
        return SpeedRow(
            model, engine, width, 480, 1, milliseconds, 0.9 * milliseconds, 1.2 * milliseconds, nan, 90, 1000, 1e9, nan
        )

    return SpeedTable(
        "a processor, 2 cores",
        float("nan"),
        (
            row("second", "torch", 640, 30.0),
            row("second", "onnxruntime", 640, 20.0),
            row("average", "numpy", 640, 1.0),
            row("second", "torch", 1280, 120.0),
            row("another", "torch", 640, 5.0),
        ),
    )
