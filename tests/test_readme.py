"""What README.md and docs/ tell a reader to type does run, in a folder that holds what a reader would have."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from imfuse import list_models
from imfuse.images.files import write_image
from imfuse.scenes import simulate

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

NOT_RUN = {
    "pip install imfuse": "installs from a package index; the tests already run in an installed imfuse",
    "pip install 'imfuse[medical]'": "as above",
    "pip install 'imfuse[train]'": "as above",
    "pip install 'imfuse[eval]'": "as above",
    "make demo": "makes an environment of its own; .ci/run and tests/cli/test_demo.py see to it",
    "make test": "would run this very test",
    "torchrun": "waits for a second machine",
    "tensorboard": "serves until it is stopped",
}
"""Beginnings of commands that are shown and not run, with the reason."""

SMALLER = {
    "imfuse train": "--optimiser.steps 3 --data.patch 64 --data.batch 2 --machine.accelerator cpu",
    "imfuse search": "--space.resolutions [4] --space.widths [4] --space.cells [1] --space.kinds [csc] "
    "--space.operators [conv_3,spatial_3] --latency.target.height 64 --latency.target.width 64 --data.patch 64 "
    "--data.batch 2 --trials.candidates 2 --trials.steps 2 --trials.validation 1 --latency.budget_ms 1000 "
    "--training '{data: {patch: 64, batch: 2}, optimiser: {steps: 3}}' --machine.accelerator cpu",
    "python benchmarks/align.py": "--pairs 1 --shift 3 --rotation 1",
    "imfuse bench": "--size 96x64 --repeat 2 --threads 1 --no-yardstick",
}
"""Options that make a command short, put behind what the reader types."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    """The commands of a shell block, lines that are continued joined, comments left out."""
    lines = block.replace("\\\n", " ").splitlines()
    return [command for line in lines if (command := re.sub(r"(^|\s+)#.*", "", line).strip())]


def runnable(block: str) -> list[str]:
    return [_smaller(command) for command in commands(block) if not command.startswith(tuple(NOT_RUN))]


def _smaller(command: str) -> str:
    return " ".join([command, *(extra for start, extra in SMALLER.items() if command.startswith(start))])


SHELL = [
    pytest.param(lines, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(blocks(page, "bash"))
    if (lines := runnable(block))
]
PYTHON = [pytest.param(text, id=page.stem) for page in PAGES if (text := "\n".join(blocks(page, "python")))]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the pages name: pairs, folders of pairs, a stack and videos."""
    folder = tmp_path_factory.mktemp("reader")
    scenes = [simulate(144, 192, seed=seed, darkness=0.2) for seed in (1, 2)]
    first = scenes[0]
    _write(folder, {"ir.png": first.infrared, "vis.png": first.visible, "small_ir.png": first.infrared[::2, ::2]})
    _write(folder, {"shifted_ir.png": np.roll(first.infrared, 5, axis=1)})
    _write(folder, {"thermal.png": (first.infrared.astype(np.uint16) * 12 + 7000).astype(np.uint16)})
    for number, scene in enumerate(scenes):
        for place in ("", "my/"):
            _write(folder, {f"{place}infrared/{number}.png": scene.infrared})
            _write(folder, {f"{place}visible/{number}.jpg": scene.visible})
        _write(folder, {f"flight/{number}_ir.png": scene.infrared, f"flight/{number}_vis.png": scene.visible})
        _write(folder, {f"my/fused/{number}.png": np.asarray(cv2.blur(scene.visible, (3, 3)), np.uint8)})
        _write(folder, {f"their/fused/{number}.png": np.maximum(scene.infrared, scene.visible[..., 1])})
    for name, sigma in (("near", 0.5), ("middle", 1.0), ("far", 2.0)):
        _write(folder, {f"{name}.jpg": np.asarray(cv2.GaussianBlur(first.visible, (0, 0), sigma), np.uint8)})
    registered = simulate(240, 320, seed=3, darkness=0.2)
    _write(folder, {"registered/ir/1.png": registered.infrared, "registered/vis/1.png": registered.visible})
    _write_video(folder / "ir.mp4", cv2.cvtColor(first.infrared, cv2.COLOR_GRAY2BGR))
    _write_video(folder / "vis.mp4", cv2.cvtColor(first.visible, cv2.COLOR_RGB2BGR))
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """A fresh copy of the reader's files, with the benchmarks of the checkout in it."""
    copy = Path(shutil.copytree(template, tmp_path / "reader"))
    (copy / "benchmarks").symlink_to(ROOT / "benchmarks")
    return copy


def _write(folder: Path, pictures: dict[str, np.ndarray]) -> None:
    for name, pixels in pictures.items():
        write_image(folder / name, pixels)


def _write_video(path: Path, picture: np.ndarray) -> None:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (picture.shape[1], picture.shape[0]))
    for _ in range(4):
        writer.write(picture)
    writer.release()


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("lines", SHELL)
def test_the_commands_of_a_block_run_one_after_another(lines, folder):
    done = _run(["bash", "-euo", "pipefail", "-c", "\n".join(lines)], folder)
    assert done.returncode == 0, f"{lines}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("text", PYTHON)
def test_the_python_of_a_page_runs_from_top_to_bottom(text, folder):
    done = _run([sys.executable, "-W", "error", "-c", text], folder)
    assert done.returncode == 0, f"{text}\n{done.stderr}"


def test_only_what_is_on_a_page_is_left_out():
    shown = [command for page in PAGES for block in blocks(page, "bash") for command in commands(block)]
    for beginning in (*NOT_RUN, *SMALLER):
        assert any(command.startswith(beginning) for command in shown), f"no page shows {beginning!r} any more"


def test_the_pictures_of_the_readme_are_made_by_a_script_that_runs(tmp_path):
    done = _run([sys.executable, str(ROOT / "docs" / "pictures.py"), "--model", "average", "--folder", "."], tmp_path)
    assert done.returncode == 0, done.stderr
    shown = re.findall(r"docs/images/(.+?)\)", PAGES[0].read_text(encoding="utf-8"))
    assert {path.name for path in tmp_path.glob("*.jpg")} == set(shown)


def test_the_readme_names_every_model_and_no_other():
    head = PAGES[0].read_text(encoding="utf-8").partition("## Install")[0]
    assert set(re.findall(r"`([a-z-]+)`", head)) == set(list_models())


def test_every_link_to_a_file_leads_somewhere():
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"
