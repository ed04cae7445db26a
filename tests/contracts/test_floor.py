"""The runtime floor: importing imfuse and fusing with it never imports the learning floor."""

from __future__ import annotations

import subprocess
import sys

import pytest

LEARNING = ("torch", "lightning_fabric", "jaxtyping", "matplotlib", "imfuse.lab")


def _imported(code: str) -> list[str]:
    """Modules of the learning floor that are loaded after the code has run in a Python of its own."""
    report = f"\nimport sys\nprint([name for name in {LEARNING} if name in sys.modules])"
    command = [sys.executable, "-c", code + report]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return eval(done.stdout.splitlines()[-1])


def test_importing_imfuse_is_light():
    assert _imported("import imfuse, sys; assert 'numpy' not in sys.modules") == []


@pytest.mark.parametrize("model", ["laplacian", "ivif"])
def test_fusing_arrays_never_imports_torch(model):
    code = f"""
import imfuse, numpy as np
assert {model!r} in imfuse.list_models()
fused = imfuse.fuse(np.zeros((40, 50), np.uint8), np.full((40, 50, 3), 90, np.uint8), model={model!r})
assert fused.shape == (40, 50, 3)"""
    assert _imported(code) == []


@pytest.mark.parametrize("model", ["laplacian", "ivif"])
def test_the_command_line_never_imports_torch(tmp_path, model):
    code = f"""
import cv2, numpy as np
from imfuse.cli import main
folder = {str(tmp_path)!r}
cv2.imwrite(folder + "/ir.png", np.zeros((40, 50), np.uint8))
cv2.imwrite(folder + "/vis.png", np.full((40, 50, 3), 90, np.uint8))
assert main(["fuse", folder + "/ir.png", folder + "/vis.png", "-o", folder + "/out.png", "--model", {model!r}]) == 0"""
    assert _imported(code) == []


def test_the_models_and_the_scenes_never_import_torch(tmp_path):
    code = f"""
from imfuse.cli import main
assert main(["models"]) == 0
assert main(["demo", "-o", {str(tmp_path)!r}, "--model", "average"]) == 0"""
    assert _imported(code) == []
