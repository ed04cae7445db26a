"""One scene at a time: what is measured is what the metrics say of the lumas, and what cannot be measured is said."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from imfuse.images.colour import luma
from imfuse.images.files import read_image, write_image
from imfuse.lab.bench.evaluation import Method, Scene
from imfuse.lab.bench.measuring import processes, workers
from imfuse.lab.bench.measuring.measure import Task, measure_scene
from imfuse.lab.bench.measuring.methods import references
from imfuse.lab.bench.measuring.processes import measure
from imfuse.lab.bench.pictures import fused_picture, in_colour, read_sources, source_ranges, unit_luma
from imfuse.lab.metrics import functional
from imfuse.scenes import simulate

VIF, MI, EN, HUE = ("VIF", "imfuse"), ("MI", "nats"), ("EN", "imfuse"), ("hue error", "imfuse")


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A grey infrared and a coloured visible picture."""
    return write_scene(tmp_path, "0", 0)


def write_scene(folder: Path, stem: str, seed: int, fused: str = "mine") -> Scene:
    made = simulate(72, 96, seed=seed)
    write_image(folder / "ir" / f"{stem}.png", made.infrared)
    write_image(folder / "vis" / f"{stem}.png", made.visible)
    write_image(
        folder / fused / f"{stem}.png", cv2.addWeighted(cv2.merge([made.infrared] * 3), 0.6, made.visible, 0.4, 0)
    )
    return Scene(stem, (folder / "ir" / f"{stem}.png", folder / "vis" / f"{stem}.png"))


def mine(scene: Scene) -> Method:
    return Method("mine", "folder", {scene.stem: scene.sources[0].parents[1] / "mine" / f"{scene.stem}.png"})


def values_of(scene: Scene, *columns) -> dict:
    return measure_scene(Task(scene, ((mine(scene), columns),))).values["mine"]


def test_values_are_those_of_the_metrics_on_lumas_of_eight_bits(scene):
    pictures = [fused_picture(mine(scene), scene, read_sources(scene)), *read_sources(scene)]
    fused, *sources = (torch.from_numpy(luma(picture))[None, None].double() / 255 for picture in pictures)
    values = values_of(scene, VIF, MI, EN)
    assert values[VIF] == functional.visual_information_fidelity(fused, torch.cat(sources, 1)).item()
    assert values[MI] == functional.mutual_information(fused, torch.cat(sources, 1), convention="nats").item()
    assert values[EN] == functional.entropy(fused).item()


def test_references_are_the_mean_and_the_maximum_of_the_lumas(scene):
    infrared, visible = (luma(source).astype(float) for source in read_sources(scene))
    average, maximum = (fused_picture(method, scene, read_sources(scene)) for method in references())
    assert np.abs(average - (infrared + visible) / 2).max() <= 0.5
    assert np.array_equal(maximum, np.maximum(infrared, visible))


def test_sixteen_bits_measure_as_eight_where_they_hold_the_same(scene, tmp_path):
    before = values_of(scene, VIF, EN)
    for path in (*scene.sources, mine(scene).files["0"]):
        write_image(path, luma(read_image(path).pixels).astype(np.uint16) * 257)
    after = values_of(scene, VIF, EN)
    assert after[VIF] == pytest.approx(before[VIF], rel=1e-9)
    assert after[EN] == pytest.approx(before[EN], rel=1e-9)


def test_raw_thermal_images_are_stretched_and_the_reference_is_made_of_the_same(scene):
    grey = cv2.imread(str(scene.sources[0]), 0)
    write_image(scene.sources[0], grey.astype(np.uint16) * 12 + 7000)
    sources = read_sources(scene)
    assert source_ranges(sources) == ["percentile", "dtype"]
    measured = measure_scene(Task(scene, tuple((method, (VIF,)) for method in references())))
    assert measured.stretched == (0,)
    thermal = unit_luma(sources[0], "percentile")
    assert (thermal.min(), thermal.max()) == (0, 1)
    maximum = fused_picture(references()[1], scene, sources) / 65535
    assert np.abs(maximum - np.maximum(thermal, unit_luma(sources[1]))).max() < 1e-4


def test_two_grey_sources_of_sixteen_bits_are_taken_as_they_are():
    assert source_ranges([np.zeros((2, 2), np.uint16)] * 2) == ["dtype", "dtype"]


def test_transparency_is_ignored(scene):
    before = values_of(scene, VIF)
    path = mine(scene).files["0"]
    picture = cv2.imread(str(path))
    cv2.imwrite(str(path), np.dstack([picture, np.full(picture.shape[:2], 7, np.uint8)]))
    assert values_of(scene, VIF) == before


def test_colour_is_measured_where_fused_image_and_a_source_have_it(scene):
    assert 0 <= values_of(scene, HUE)[HUE] < 90
    path = mine(scene).files["0"]
    write_image(path, luma(cv2.imread(str(path))))
    assert math.isnan(values_of(scene, HUE)[HUE])


def test_an_image_of_another_size_is_said_and_the_rest_is_measured(scene):
    write_image(mine(scene).files["0"], np.zeros((10, 20), np.uint8))
    measured = measure_scene(Task(scene, ((mine(scene), (VIF,)), (references()[0], (VIF,)))))
    assert list(measured.values) == ["Average"]
    assert len(measured.problems) == 1
    assert "0.png is 20 x 10, and its sources are 96 x 72" in measured.problems[0]


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"no picture"])
def test_a_damaged_image_is_said_and_the_rest_is_measured(scene, damage):
    path = mine(scene).files["0"]
    path.write_bytes(damage(path.read_bytes()))
    measured = measure_scene(Task(scene, ((mine(scene), (VIF,)), (references()[0], (VIF,)))))
    assert list(measured.values) == ["Average"]
    assert str(path) in measured.problems[0]


def test_sources_of_unequal_size_are_said_once_for_all_methods(scene):
    write_image(scene.sources[1], np.zeros((10, 20, 3), np.uint8))
    measured = measure_scene(Task(scene, tuple((method, (VIF,)) for method in references())))
    assert measured.values == {}
    assert len(measured.problems) == 1
    assert "unequal sizes" in measured.problems[0]


def test_floats_on_another_scale_are_said_with_the_file(scene):
    write_image(scene.sources[0].with_suffix(".tif"), np.full((72, 96), 300, np.float32))
    scene = Scene("0", (scene.sources[0].with_suffix(".tif"), scene.sources[1]))
    (problem,) = measure_scene(Task(scene, ((references()[0], (VIF,)),))).problems
    assert "0.tif holds floats from 300 to 300, and [0, 1] was expected" in problem


def test_a_metric_that_fails_leaves_the_others(scene, monkeypatch):
    from imfuse.lab.metrics.registry import METRICS

    def broken(*_):
        raise RuntimeError("kernel size\nand a trace")

    monkeypatch.setitem(METRICS, "VIF", type("Broken", (), {"inputs": "sources", "__call__": broken})())
    measured = measure_scene(Task(scene, ((mine(scene), (VIF, EN)),)))
    assert list(measured.values["mine"]) == [EN]
    assert measured.problems == ("mine, 0: VIF cannot be measured: kernel size",)


def test_several_processes_give_the_same_values_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "SECONDS_TO_BEGIN", 1e-3)
    scenes = [write_scene(tmp_path, str(number), number) for number in range(9)]
    tasks = [
        Task(scene, ((mine(scene), (VIF, MI)), *((method, (VIF,)) for method in references()))) for scene in scenes
    ]
    alone = {measured.scene.stem: measured for measured in measure(tasks, 1)}
    before = dict(os.environ)
    assert workers.count_workers(tasks, 2) == 2
    together = {measured.scene.stem: measured for measured in measure(tasks, 2)}
    assert alone == together
    assert dict(os.environ) == before
    assert len(alone) == 9


def test_processes_inherit_that_libraries_are_to_use_one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    code = "import os; print(os.environ['OMP_NUM_THREADS'], os.environ['OPENBLAS_NUM_THREADS'])"
    with processes._one_thread_in_children():
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 1\n"
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_threads_of_pytorch_are_as_before(scene):
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        values_of(scene, EN)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the children of a process are read from /proc")
def test_a_killed_parent_leaves_no_process_behind(tmp_path):
    code = f"""
from pathlib import Path
from imfuse.lab.bench.evaluation import Scene
from imfuse.lab.bench.measuring.measure import Task
from imfuse.lab.bench.measuring.processes import measure
from imfuse.lab.bench.measuring.methods import references
if __name__ == "__main__":
    scene = Scene("0", (Path({str(tmp_path)!r}, "ir", "0.png"), Path({str(tmp_path)!r}, "vis", "0.png")))
    for measured in measure([Task(scene, tuple((m, (("VIF", "imfuse"),)) for m in references()))] * 5000, 2):
        print(measured.problems, flush=True)
"""
    write_scene(tmp_path, "0", 0)
    (tmp_path / "script.py").write_text(code)
    parent = subprocess.Popen([sys.executable, tmp_path / "script.py"], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "()\n"
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    assert len(children) >= 2
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and any(Path("/proc", child).exists() for child in children):
        time.sleep(0.05)
    assert not [child for child in children if Path("/proc", child).exists()]


def test_chroma_is_given_to_grey_fused_images_of_any_depth(scene):
    sources = read_sources(scene)
    grey = fused_picture(references()[0], scene, sources)
    eight = in_colour(grey, sources)
    assert eight.shape == (72, 96, 3)
    deep = in_colour(grey.astype(np.uint16) * 257, sources)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - eight).max() < 2
    assert in_colour(eight, sources) is eight
    assert in_colour(grey, (grey, grey)) is grey
