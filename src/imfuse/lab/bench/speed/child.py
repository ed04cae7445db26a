"""One row of a speed table in a process of its own: fresh memory, its own number of threads, nothing else imported.

Run as `python -m imfuse.lab.bench.speed.child`, with a `Job` as JSON on standard input; prints JSON.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from imfuse.runtime.fuser import Fuser

ONNX, TORCH, OPENCV = "onnxruntime", "torch", "opencv"
WARM_UP = 5


@dataclass(frozen=True)
class Job:
    """What to time.

    Attributes:
        model: name or folder.
        engine: `onnxruntime` or `torch` for networks, `opencv` for classical methods.
        width: of the sources in pixels.
        height: of the sources in pixels.
        threads: of the inference.
        repeat: timed calls.
        sources: an `.npz` file with `grey` and `colour` of that size.
    """

    model: str
    engine: str
    width: int
    height: int
    threads: int
    repeat: int
    sources: str


@dataclass(frozen=True)
class Timing:
    """What was measured.

    Attributes:
        seconds: of each call.
        megabytes: peak of the process; NaN where the system does not tell.
        joules: of one call; NaN where the machine does not tell.
    """

    seconds: list[float]
    megabytes: float
    joules: float


def main() -> None:
    """Read a job, do it, print the timing."""
    print(json.dumps(asdict(time_job(Job(**json.load(sys.stdin))))))


def time_job(job: Job) -> Timing:
    """Time whole calls of the Fuser: a grey and a colour array of 8 bits in, a colour array out."""
    import cv2

    from imfuse.lab.bench.speed.energy import EnergyMeter

    cv2.setNumThreads(job.threads)
    fuser = _fuser(job)
    with np.load(job.sources) as sources:
        grey, colour = sources["grey"], sources["colour"]
    for _ in range(WARM_UP):
        fuser(grey, colour)
    meter, seconds = EnergyMeter(), []
    meter.start()
    for _ in range(job.repeat):
        start = time.perf_counter()
        fuser(grey, colour)
        seconds.append(time.perf_counter() - start)
    return Timing(seconds, _peak_megabytes(), meter.joules() / job.repeat)


def _fuser(job: Job) -> Fuser:
    from imfuse.runtime.fuser import Fuser

    if job.engine != TORCH:
        return Fuser.load(job.model, threads=job.threads)
    import torch

    from imfuse.lab.engine import torch_fuser
    from imfuse.lab.training.weights import load_network

    torch.set_num_threads(job.threads)
    return torch_fuser(load_network(job.model))


def _peak_megabytes() -> float:
    if sys.platform == "darwin":
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    try:  # on Linux `ru_maxrss` would be that of the parent, if it was more
        peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    except OSError:
        peak = None
    return int(peak.group(1)) / 1024 if peak else math.nan


if __name__ == "__main__":
    main()
