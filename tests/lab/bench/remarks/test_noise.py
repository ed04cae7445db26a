from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imfuse import Fuser
from imfuse.images.colour import luma
from imfuse.images.files import list_images, read_image, write_image
from imfuse.lab.bench.evaluation import Evaluation, Method, Scene
from imfuse.lab.bench.remarks.noise import measure_noise, noise_levels
from imfuse.lab.bench.remarks.ranks import LEVELS, NOISIER

NAN = float("nan")


def noisy(image: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    """An image in [0, 1] with noise of so many levels of 255."""
    return image + np.random.default_rng(seed).normal(0, sigma / 255, image.shape)


@pytest.mark.parametrize("sigma", [0.5, 2.0, 8.0])
def test_white_noise_is_measured_as_it_is(sigma):
    flat = np.full((256, 320), 0.5)
    fused, sources = noise_levels(noisy(flat, sigma), [noisy(flat, 1.0, seed=1), noisy(flat, 0.1, seed=2)])
    assert fused == pytest.approx(sigma, rel=0.03)
    assert sources == pytest.approx(1.0, rel=0.15)


def test_structure_of_the_sources_is_no_noise():
    flat = np.full((128, 128), 0.5)
    edges = flat.copy()
    edges[:, 64:] = 0.9
    edges[20:60:2] += 0.1
    fused, sources = noise_levels(noisy(edges, 3.0), [noisy(edges, 1.0, seed=1), noisy(flat, 1.0, seed=2)])
    assert fused == pytest.approx(3.0, rel=0.15)
    assert sources == pytest.approx(1.0, rel=0.15)


def test_black_margins_do_not_hide_noise():
    inside = np.zeros((128, 128))
    inside[40:88, 40:88] = 0.5
    source = np.where(inside > 0, noisy(inside, 0.5), 0)
    fused, _ = noise_levels(np.where(inside > 0, noisy(inside, 5.0, seed=1), 0), [source, source])
    assert fused > 2


@pytest.mark.parametrize("shape", [(1, 1), (2, 9)])
def test_images_without_neighbourhoods_have_no_level(shape):
    assert np.isnan(noise_levels(np.zeros(shape), [np.zeros(shape)] * 2)).all()


@pytest.mark.parametrize("shape", [(3, 3), (5, 40), (17, 19)])
def test_images_smaller_than_blocks_are_measured(shape):
    assert noise_levels(np.zeros(shape), [np.zeros(shape)] * 2) == (0.0, 0.0)


def write_set(folder: Path, count: int) -> Evaluation:
    """A set with a method that adds noise of four levels, one that is the first source, and the average."""
    shade = np.tile(np.linspace(60, 180, 96), (64, 1))
    scenes, files = [], {"noisy": {}, "plain": {}}
    for index in range(count):
        stem = f"{index:02}"
        for name in ("a", "b", "plain"):
            write_image(folder / name / f"{stem}.png", shade.round().astype(np.uint8))
        rough = shade + np.random.default_rng(index).normal(0, 4, shade.shape)
        write_image(folder / "noisy" / f"{stem}.png", rough.round().astype(np.uint8))
        scenes.append(Scene(stem, (folder / "a" / f"{stem}.png", folder / "b" / f"{stem}.png")))
        for name, of_method in files.items():
            of_method[stem] = folder / name / f"{stem}.png"
    methods = (
        *(Method(name, "folder", of_method) for name, of_method in files.items()),
        Method("Average", "reference"),
    )
    values = np.ones((3, 1, count))
    return Evaluation("set", ("a", "b"), tuple(scenes), methods, ("EN",), ("EN",), values)


def test_noise_is_measured_in_some_scenes_of_each_method(tmp_path):
    levels = measure_noise(write_set(tmp_path, 12), scenes=5)
    assert levels.fused.shape == (3, 5)
    assert levels.fused[0] == pytest.approx([4] * 5, rel=0.15)
    assert (levels.fused[1] == levels.sources).all()
    assert np.isnan(levels.fused[2]).all()


def test_fewer_scenes_than_asked_for_are_each_measured_once(tmp_path):
    assert measure_noise(write_set(tmp_path, 2), scenes=10).fused.shape == (3, 2)


def test_what_is_missing_or_unreadable_is_left_out(tmp_path):
    evaluation = write_set(tmp_path, 4)
    evaluation.values[1, :, 0] = NAN
    (tmp_path / "noisy" / "01.png").write_bytes(b"no picture")
    (tmp_path / "a" / "02.png").unlink()
    noisy_method = evaluation.methods[0]
    files = {stem: path for stem, path in noisy_method.files.items() if stem != "03"}
    methods = (replace(noisy_method, files=files), *evaluation.methods[1:])
    levels = measure_noise(replace(evaluation, methods=methods))
    np.testing.assert_array_equal(np.isnan(levels.fused[0]), [False, True, True, True])
    np.testing.assert_array_equal(np.isnan(levels.fused[1]), [True, False, True, False])
    np.testing.assert_array_equal(np.isnan(levels.sources), [False, False, True, False])


@pytest.mark.parametrize("folder", ["infrared/RoadScene/test", "infrared/MSRS/test", "focus/Lytro/test"])
def test_fusion_of_real_images_stays_below_what_is_remarked_on_and_noise_does_not(shared_data, folder):
    first, second = (list_images(source)[:6] for source in sorted((shared_data / folder).iterdir())[-2:])
    for model in ("laplacian", "average", "ivif"):
        levels = []
        for paths in zip(first, second, strict=True):
            sources = [luma(read_image(path).pixels) for path in paths]
            fused = Fuser.load(model)(*sources) / 255
            unit = [source / 255 for source in sources]
            levels.append([*noise_levels(fused, unit), noise_levels(noisy(fused, 3.0), unit)[0]])
        clean, source, rough = np.median(levels, axis=0)
        assert not (clean > NOISIER * source and clean > LEVELS + source)
        assert rough > NOISIER * source
        assert rough > LEVELS + source
