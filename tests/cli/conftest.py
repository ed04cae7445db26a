"""Pictures on which the commands are tried, and the commands themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from imfuse.cli import main


def infrared(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def visible(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(1000 + seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A grey infrared and a coloured visible picture, `ir/1.png` and `vis/1.png`."""
    return _write_pair(tmp_path, "1", 1)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Folders `ir` and `vis` of the pairs 0 to 5."""
    for index in range(6):
        _write_pair(tmp_path, str(index), index)
    return tmp_path / "ir", tmp_path / "vis"


def _write_pair(folder: Path, name: str, seed: int) -> tuple[Path, Path]:
    paths = folder / "ir" / f"{name}.png", folder / "vis" / f"{name}.png"
    for path, pixels in zip(paths, (infrared(seed), visible(seed)), strict=True):
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), pixels)
    return paths


@pytest.fixture
def imfuse() -> Callable[..., int]:
    """Calls the command line with words of any type and returns its exit status."""
    return lambda *words: main([str(word) for word in words])


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python in a process of its own."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    return run
