"""`Target`: what a network is to run on, and how large its images are (no torch)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from imfuse.errors import RecipeError
from imfuse.runtime.backends.onnx import MOST_THREADS
from imfuse.runtime.cores import usable_cores

Engine = Literal["onnx", "torch"]
Device = Literal["cpu", "cuda"]

MULTIPLE = 32
"""Sides of the measured images are multiples of this, which every network of a genotype takes."""


@dataclass(frozen=True)
class Target:
    """Engine, device and size for which a search measures latency.

    Attributes:
        engine: `onnx` for ONNX Runtime, as the Fuser runs exported models, or `torch`.
        device: `cpu` or `cuda`.
        threads: of one inference on a CPU; 0 takes the usable cores, at most four, as the Fuser does.
        height: of the sources in pixels.
        width: of the sources in pixels.

    Raises:
        RecipeError: an unknown engine or device, or a number out of its range.

    Example:
        >>> target = Target(height=500, width=640)
        >>> target.rows, target.columns
        (512, 640)
    """

    engine: Engine = "onnx"
    device: Device = "cpu"
    threads: int = 0
    height: int = 480
    width: int = 640

    def __post_init__(self) -> None:
        _check_known("engine", self.engine, ("onnx", "torch"))
        _check_known("device", self.device, ("cpu", "cuda"))
        _check_least("threads", self.threads, 0)
        _check_least("height", self.height, 1)
        _check_least("width", self.width, 1)

    @property
    def rows(self) -> int:
        """Height at which parts are measured: all at one, so that they can be added up."""
        return -(-self.height // MULTIPLE) * MULTIPLE

    @property
    def columns(self) -> int:
        """Width at which parts are measured."""
        return -(-self.width // MULTIPLE) * MULTIPLE

    @property
    def used_threads(self) -> int:
        """Threads of one inference, at least one."""
        return self.threads or min(usable_cores(), MOST_THREADS)


def _check_known(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise RecipeError(f"target: {field} {value!r}; expected {' or '.join(known)}")


def _check_least(field: str, value: int, least: int) -> None:
    if not isinstance(value, int) or value < least:
        raise RecipeError(f"target: {field} {value!r}; expected a whole number from {least} up")
