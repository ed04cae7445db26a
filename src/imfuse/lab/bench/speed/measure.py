"""Speed of models x sizes x engines x threads, each row in a process of its own, beside a yardstick of the machine."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from imfuse.classical import METHODS
from imfuse.errors import EvaluationError
from imfuse.lab.bench.measuring.machine import machine
from imfuse.lab.bench.speed.child import ONNX, OPENCV, TORCH, Job, Timing
from imfuse.lab.bench.timings import SpeedRow, SpeedTable
from imfuse.runtime.card import ModelCard
from imfuse.runtime.models import model_folder
from imfuse.scenes import simulate

ENGINES = (ONNX, TORCH)
YARDSTICK_CALLS = 7


def measure_speed(
    models: Sequence[str],
    *,
    sizes: Sequence[tuple[int, int]] = ((640, 480),),
    engines: Sequence[str] = (ONNX,),
    threads: Sequence[int] = (1,),
    repeat: int = 50,
    yardstick: bool = True,
    advance: Callable[[], None] = lambda: None,
) -> SpeedTable:
    """Time whole calls of the Fuser, 8-bit grey and colour in, colour out.

    Args:
        models: names or model folders.
        sizes: `(width, height)` of the sources.
        engines: `onnxruntime` or `torch`, for the networks; classical methods run in OpenCV.
        threads: of one inference.
        repeat: timed calls a row, after a warm-up.
        yardstick: measure the yardstick convolution, before and after the rows.
        advance: called after each row.

    Raises:
        ModelError: no such model.
        EvaluationError: a row cannot be measured.
    """
    jobs = speed_jobs(models, sizes=sizes, engines=engines, threads=threads, repeat=repeat)
    cards = {model: _card(model) for model in models}
    before = _yardstick() if yardstick else math.nan
    timings = []
    with TemporaryDirectory() as folder:
        for job in jobs:
            timings.append(_time(_with_sources(job, Path(folder))))
            advance()
    unit = min(before, _yardstick()) if yardstick else math.nan
    rows = (_row(job, timing, cards[job.model], unit) for job, timing in zip(jobs, timings, strict=True))
    return SpeedTable(_machine(), unit * 1e3, tuple(rows))


def speed_jobs(
    models: Sequence[str],
    *,
    sizes: Sequence[tuple[int, int]],
    engines: Sequence[str],
    threads: Sequence[int],
    repeat: int,
) -> list[Job]:
    """The rows of a table; classical methods have one engine, whatever was asked for."""
    return [
        Job(model, engine, width, height, count, repeat, sources="")
        for width, height in sizes
        for model in models
        for engine in ((OPENCV,) if model in METHODS else engines)
        for count in threads
    ]


def _with_sources(job: Job, folder: Path) -> Job:
    """Pictures of a scene, because noise is slower; made here, so that they are not in the peak of the memory."""
    path = folder / f"{job.width}x{job.height}.npz"
    if not path.exists():
        scene = simulate(job.height, job.width, seed=0)
        np.savez(path, grey=scene.infrared, colour=scene.visible)
    return replace(job, sources=str(path))


def _time(job: Job) -> Timing:
    command = [sys.executable, "-m", "imfuse.lab.bench.speed.child"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(job.threads)}
    done = subprocess.run(
        command, input=json.dumps(asdict(job)), env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        row = f"{job.model} on {job.engine}, {job.width}x{job.height}, {job.threads} threads"
        raise EvaluationError(f"{row}: it cannot be timed ({reason})")
    return Timing(**json.loads(done.stdout.splitlines()[-1]))  # libraries may print before


def _row(job: Job, timing: Timing, card: ModelCard | None, unit: float) -> SpeedRow:
    low, median, high = np.percentile(timing.seconds, (10, 50, 90))
    pixels = math.nan
    if card:
        height, width = (-(-side // card.size_multiple) * card.size_multiple for side in (job.height, job.width))
        pixels = height * width
    return SpeedRow(
        model=card.name if card else job.model,
        engine=job.engine,
        width=job.width,
        height=job.height,
        threads=job.threads,
        milliseconds=float(median) * 1e3,
        low=float(low) * 1e3,
        high=float(high) * 1e3,
        yardsticks=float(median) / unit,
        megabytes=timing.megabytes,
        parameters=card.parameters if card else 0,
        macs=card.macs_per_pixel * pixels if card else math.nan,
        joules=timing.joules,
    )


def _card(model: str) -> ModelCard | None:
    return None if model in METHODS else ModelCard.read(model_folder(model))


def _yardstick() -> float:
    """Seconds of one convolution 64 -> 64, 3x3, on 1x64x480x640, one thread."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    convolution, image = torch.nn.Conv2d(64, 64, 3, padding=1), torch.rand(1, 64, 480, 640)
    seconds = []
    with torch.inference_mode():
        for _ in range(YARDSTICK_CALLS + 1):
            start = time.perf_counter()
            convolution(image)
            seconds.append(time.perf_counter() - start)
    torch.set_num_threads(threads)
    return float(np.median(seconds[1:]))


def _machine() -> str:
    """Processor, cores and the versions that matter, in words."""
    import onnxruntime

    return f"{machine()}, {platform.system()}, ONNX Runtime {onnxruntime.__version__}"
