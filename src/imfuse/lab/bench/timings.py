"""How fast models are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SpeedRow:
    """One model at one size on one engine.

    Attributes:
        model: its name.
        engine: such as `onnxruntime` or `torch`.
        width: of the sources in pixels.
        height: of the sources in pixels.
        threads: of the inference.
        milliseconds: median of the whole call.
        low: tenth percentile of the milliseconds.
        high: ninetieth percentile of the milliseconds.
        yardsticks: the median in units of the yardstick convolution; NaN where it was not measured.
        megabytes: peak memory of a process of its own; NaN where the system does not tell.
        parameters: trained values of the model; 0 for classical methods.
        macs: multiply-accumulates of one call.
        joules: energy of one call; NaN where the machine does not tell.
    """

    model: str
    engine: str
    width: int
    height: int
    threads: int
    milliseconds: float
    low: float
    high: float
    yardsticks: float
    megabytes: float
    parameters: int
    macs: float
    joules: float

    @property
    def fps(self) -> float:
        """Calls a second at the median time."""
        return 1e3 / self.milliseconds


@dataclass(frozen=True)
class SpeedTable:
    """Speeds measured side by side in one run.

    Attributes:
        machine: processor, cores and versions in words.
        yardstick: milliseconds of a convolution 64 -> 64, 3x3, on 1x64x480x640 on one thread; NaN if not measured.
        rows: in the order of the measurement.
    """

    machine: str
    yardstick: float
    rows: tuple[SpeedRow, ...]
