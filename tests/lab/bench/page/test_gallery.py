"""Which scenes the page shows, and that it shows their pixels."""

from __future__ import annotations

import base64
from dataclasses import replace

import cv2
import numpy as np
import pytest

from imfuse.images.files import read_image, write_image
from imfuse.lab.bench.evaluation import Scene
from imfuse.lab.bench.page import write_page
from imfuse.lab.bench.page.gallery import LOSSLESS, choose_scenes, data_uri, embed_scenes
from imfuse.lab.bench.statistics import summarise


def pixels_of(uri: str) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(uri.partition("base64,")[2]), np.uint8)
    bgr = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    assert bgr is not None
    return bgr if bgr.ndim == 2 else bgr[..., ::-1]


def test_pictures_without_loss_hold_the_pixels_of_the_files(evaluation):
    gallery = embed_scenes(evaluation, 5)
    assert gallery.is_lossless
    assert gallery.left_out == 0
    for scene, shown in zip(evaluation.scenes, gallery.scenes, strict=True):
        infrared, visible, first, second, average, maximum = shown.pictures
        paths = [*scene.sources, evaluation.methods[0].files[scene.stem]]
        for uri, path in zip((infrared, visible, first), paths, strict=True):
            np.testing.assert_array_equal(pixels_of(uri), read_image(path).pixels)
        assert pixels_of(average).shape == pixels_of(maximum).shape == (48, 80)
        assert (second is None) == (scene.stem == "s4")
        assert (shown.width, shown.height, shown.coloured) == (80, 48, 1)


def test_each_picture_is_in_the_page_once(tmp_path, evaluation):
    write_page(tmp_path / "report.html", evaluation, summarise(evaluation, resamples=50), ())
    html = (tmp_path / "report.html").read_text()
    pictures = [uri for shown in embed_scenes(evaluation, 12).scenes for uri in shown.pictures if uri]
    assert len(pictures) == 29
    assert all(html.count(uri) == 1 for uri in pictures)


def test_the_page_says_how_many_scenes_it_leaves_out(tmp_path, evaluation):
    write_page(tmp_path / "report.html", evaluation, summarise(evaluation, resamples=50), (), gallery=2)
    html = (tmp_path / "report.html").read_text()
    assert "2 of 5 images are in this file" in html
    assert "3 are not shown" in html


def test_no_gallery_leaves_the_section_out(tmp_path, evaluation):
    write_page(tmp_path / "report.html", evaluation, summarise(evaluation, resamples=50), (), gallery=0)
    assert 'id="pictures"' not in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("count", [1, 3, 6, 12, 20, 50])
def test_the_worst_images_and_an_even_spread_are_chosen(make_evaluation, count):
    values = np.random.default_rng(0).normal(size=(1, 2, 20)) + 10
    values[0, 0, 13] = 0  # the worst of a metric where higher is better
    values[0, 1, 7] = 99  # and of one where lower is better
    chosen = choose_scenes(make_evaluation({"mine": values[0]}, ("VIF", "MSE")), count)
    assert len(chosen) == len(set(chosen)) == min(count, 20)
    assert chosen[0] == 13
    assert count < 3 or chosen[1] == 7
    rest = sorted(chosen[2:])
    if 3 < count < 20:
        assert (rest[0], rest[-1]) == (0, 19)
        assert max(np.diff(rest)) <= 2 * 20 / len(rest)


def test_a_budget_costs_quality_first_and_scenes_then(evaluation):
    whole = sum(len(uri) for shown in embed_scenes(evaluation, 5).scenes for uri in shown.pictures if uri)
    assert embed_scenes(evaluation, 5, whole).quality == LOSSLESS
    tight = embed_scenes(evaluation, 5, 1)
    assert not tight.is_lossless
    assert (len(tight.scenes), tight.left_out) == (1, 4)


def test_noisy_pictures_are_compressed_rather_than_left_out(tmp_path, evaluation):
    noise = np.random.default_rng(0).integers(0, 256, (2, 200, 200), dtype=np.uint8)
    for name, pixels in zip("ab", noise, strict=True):
        write_image(tmp_path / f"{name}.png", pixels)
    noisy = replace(
        evaluation, scenes=(Scene("n", (tmp_path / "a.png", tmp_path / "b.png")),), values=evaluation.values[..., :1]
    )
    whole = sum(len(uri) for uri in embed_scenes(noisy, 1).scenes[0].pictures if uri)
    gallery = embed_scenes(noisy, 1, whole - 1)
    assert gallery.quality == 95
    assert len(gallery.scenes) == 1


def test_scenes_that_cannot_be_read_any_more_are_left_out(tmp_path, evaluation):
    gone = Scene("gone", (tmp_path / "a.png", tmp_path / "b.png"))
    gallery = embed_scenes(replace(evaluation, scenes=(gone, *evaluation.scenes[1:])), 5)
    assert [shown.scene for shown in gallery.scenes] == [1, 2, 3, 4]
    assert gallery.left_out == 1


def test_raw_thermal_sources_are_stretched(tmp_path, evaluation):
    raw = np.arange(48 * 80, dtype=np.uint16).reshape(48, 80) + 20000
    write_image(tmp_path / "ir.png", raw)
    scene = Scene("s0", (tmp_path / "ir.png", evaluation.scenes[0].sources[1]))
    gallery = embed_scenes(replace(evaluation, scenes=(scene,), values=evaluation.values[..., :1]), 1)
    shown = pixels_of(gallery.scenes[0].pictures[0])
    assert gallery.is_stretched
    assert (shown.min(), shown.max(), shown.dtype) == (0, 255, np.uint8)


@pytest.mark.parametrize("folder", ["ir", "thermal"])
def test_two_sources_of_16_bits_are_shown_as_measured_whatever_their_folder_is_called(tmp_path, evaluation, folder):
    deep = (np.arange(48 * 80, dtype=np.uint16).reshape(48, 80) + 20000) // 257 * 257
    for name in (folder, "vis"):
        write_image(tmp_path / name / "s0.png", deep)
    scene = Scene("s0", (tmp_path / folder / "s0.png", tmp_path / "vis" / "s0.png"))
    gallery = embed_scenes(replace(evaluation, scenes=(scene,), values=evaluation.values[..., :1]), 1)
    assert not gallery.is_stretched
    np.testing.assert_array_equal(pixels_of(gallery.scenes[0].pictures[0]), deep // 257)


def test_pictures_too_long_for_webp_are_png():
    assert data_uri(np.zeros((2, 20000, 3), np.uint8), 95).startswith("data:image/png")
