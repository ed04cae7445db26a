"""Every example runs from an empty folder, with little to train, and writes pictures; each has its twin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from imfuse.images.files import read_image

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
API = sorted((EXAMPLES / "api").glob("*.py"))
CLI = sorted((EXAMPLES / "cli").glob("*.sh"))
STEPS = {"07_own_model": ["3"], "10_search": ["2"]}
API_ONLY = {"08_custom_engine"}


@pytest.mark.parametrize("example", [*API, *CLI], ids=lambda path: path.name)
def test_an_example_runs_anywhere_and_writes_a_fused_picture(example, tmp_path):
    runner = [sys.executable, "-W", "error"] if example.suffix == ".py" else ["bash"]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    command = [*runner, str(example), *STEPS.get(example.stem, [])]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stdout.strip(), "an example says what it made"
    if example.stem == "03_video":
        assert cv2.VideoCapture(str(tmp_path / "video" / "fused.mp4")).read()[0]
        return
    written = [path for path in tmp_path.rglob("*.*") if path.suffix in (".png", ".jpg")]
    fused = [path for path in written if "fused" in str(path.relative_to(tmp_path)) or "custom" in path.parts]
    assert fused
    for path in fused:
        assert read_image(path).pixels.std() > 1, f"{path} shows nothing"


def test_every_example_of_one_side_has_its_twin_on_the_other():
    assert {path.stem for path in API} - API_ONLY == {path.stem for path in CLI}
