"""Every example of the losses runs from an empty folder, with little to learn, and writes pictures and figures."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from imfuse.images.files import read_image

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples" / "losses").glob("*.py"))
NETWORK = {"style_transfer", "texture_synthesis", "thin_structures"}


def run(example: Path, folder: Path, *arguments: str) -> str:
    weights = ["--weights", "random"] if example.stem in NETWORK else []
    command = [sys.executable, "-W", "error", str(example), "--steps", "2", *weights, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_anywhere_and_writes_pictures_and_figures(example, tmp_path):
    said = run(example, tmp_path)
    assert re.search(r"\d\.\d\d", said), "an example says what it measured"
    pictures = list((tmp_path / example.stem).glob("*.png"))
    assert pictures
    for path in pictures:
        assert read_image(path).pixels.std() > 1, f"{path} shows nothing"
    assert [path.name for path in tmp_path.iterdir()] == [example.stem]
