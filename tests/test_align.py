"""Known warps are found, hopeless pairs are refused, and the map warps pixels of every kind."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.align import Alignment, align
from imfuse.align.ecc import refine_by_ecc
from imfuse.align.edges import make_levels, oriented_edges, turned
from imfuse.align.geometry import overlap, rotation, shift
from imfuse.align.phase import correlate
from imfuse.errors import AlignmentError, SourceError
from imfuse.images.files import read_image

SIZE = (240, 320)


def scene(size=SIZE, seed=0) -> np.ndarray:
    """Overlapping bright and dark polygons on a slope, slightly blurred; uint8."""
    height, width = size
    rng = np.random.default_rng(seed)
    image = np.tile(np.linspace(60, 160, width, dtype=np.float32), (height, 1))
    for _ in range(60):
        centre, reach = rng.uniform(0, (width, height)), rng.uniform(0.02, 0.12) * width
        polygon = (centre + rng.uniform(-reach, reach, (4, 2))).astype(np.int32)
        cv2.fillConvexPoly(image, cv2.convexHull(polygon), float(rng.uniform(0, 255)))
    return np.clip(cv2.GaussianBlur(image, (0, 0), 0.8) + rng.normal(0, 1, size), 0, 255).astype(np.uint8)


def thermal(image: np.ndarray) -> np.ndarray:
    """Another modality of the same scene: contrast bent and in parts reversed, half the sharpness, other noise."""
    values = np.sin(np.linspace(0, 5, 256)) * 0.5 + 0.5
    bent = cv2.GaussianBlur((values[image] * 200).astype(np.float32), (0, 0), 1.5)
    return np.clip(bent + np.random.default_rng(9).normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def moved(image: np.ndarray, matrix: np.ndarray, size=None) -> np.ndarray:
    """The picture from which `matrix` leads back to `image`, with a black frame."""
    return cv2.warpPerspective(image, np.linalg.inv(matrix), (size or image.shape[:2])[::-1], flags=cv2.INTER_CUBIC)


def distance(first, second, size=SIZE) -> float:
    x, y = np.meshgrid(np.linspace(0, size[1] - 1, 9), np.linspace(0, size[0] - 1, 9))
    grid = np.stack([x.ravel(), y.ravel(), np.ones(81)])
    a, b = first @ grid, second @ grid
    return float(np.hypot(*(a[:2] / a[2] - b[:2] / b[2])).mean())


WARPS = {
    "translation": shift(21.4, -13.7),
    "euclidean": shift(-17.2, 9.6) @ rotation(np.deg2rad(4.3), SIZE),
    "affine": shift(6.1, -8.3) @ np.array([[1.03, 0.02, -4], [-0.03, 0.98, 5], [0, 0, 1]]),
    "homography": np.array([[1.01, 0.02, -9], [-0.02, 0.99, 6], [5e-5, -4e-5, 1]]),
}


@pytest.mark.parametrize("motion", WARPS)
def test_a_known_warp_between_modalities_is_found_by_ecc(motion):
    visible = scene()
    alignment = align(moved(thermal(visible), WARPS[motion]), visible, motion=motion)
    assert distance(alignment.matrix, WARPS[motion]) < 0.5
    assert alignment.score_after > alignment.score_before + 0.2


@pytest.mark.parametrize("motion", ["translation", "euclidean"])
def test_a_known_warp_between_modalities_is_found_by_phase_correlation(motion):
    visible = scene(seed=1)
    alignment = align(moved(thermal(visible), WARPS[motion]), visible, motion=motion, method="phase")
    assert distance(alignment.matrix, WARPS[motion]) < 1


@given(dx=st.floats(-30, 30), dy=st.floats(-30, 30), degrees=st.floats(-5, 5), seed=st.integers(0, 20))
@settings(max_examples=10, deadline=None)
def test_shifts_to_30_pixels_with_rotations_to_5_degrees_are_found(dx, dy, degrees, seed):
    size = (360, 480)
    visible = scene(size, seed)
    warp = shift(dx, dy) @ rotation(np.deg2rad(degrees), size)
    assert distance(align(moved(thermal(visible), warp), visible).matrix, warp, size) < 1


def test_a_euclidean_map_is_rigid():
    visible = scene()
    linear = align(moved(visible, WARPS["affine"]), visible).matrix[:2, :2]
    np.testing.assert_allclose(linear @ linear.T, np.eye(2), atol=1e-9)


@pytest.mark.parametrize("method", ["ecc", "phase"])
def test_pictures_that_match_already_stay(method):
    visible = scene(seed=2)
    alignment = align(thermal(visible), visible, method=method)
    assert distance(alignment.matrix, np.eye(3)) < 0.3
    assert alignment.score_after >= alignment.score_before


@pytest.mark.parametrize("size", [(120, 160), (360, 480), (481, 641)])
def test_the_scale_follows_the_ratio_of_sizes(size):
    visible = scene()
    warp = WARPS["euclidean"]
    infrared = cv2.resize(moved(visible, warp), size[::-1], interpolation=cv2.INTER_AREA)
    scaling = np.diag([SIZE[1] / size[1], SIZE[0] / size[0], 1])
    truth = warp @ shift(-0.5, -0.5) @ scaling @ shift(0.5, 0.5)
    assert distance(align(infrared, visible).matrix, truth, size) < 1


def test_a_sensor_of_another_shape_that_sees_the_same_width_is_placed():
    visible = scene((360, 640))
    infrared = cv2.resize(scene((360, 640))[20:340, 5:], (320, 160), interpolation=cv2.INTER_AREA)
    alignment = align(infrared, visible, motion="affine")
    assert distance(alignment.matrix, np.array([[635 / 320, 0, 5.5], [0, 2, 20.5], [0, 0, 1]]), (160, 320)) < 1.5


def test_a_picture_beyond_the_working_size_is_aligned_to_a_pixel():
    visible = scene((1600, 2600), seed=3)
    warp = shift(40, -25) @ rotation(np.deg2rad(2), (1600, 2600))
    assert distance(align(moved(visible, warp), visible).matrix, warp, (1600, 2600)) < 1


def test_raw_16_bit_thermal_and_colour_are_taken_as_they_are():
    visible = scene(seed=4)
    raw = moved((7000 + thermal(visible).astype(np.uint16) * 3), WARPS["translation"])
    raw[raw == 0] = 7000
    colour = np.dstack([visible, visible // 2, 255 - visible // 3])
    assert distance(align(raw, colour, motion="translation").matrix, WARPS["translation"]) < 0.5
    assert distance(align(visible / 255, colour).matrix, np.eye(3)) < 0.3


@pytest.mark.parametrize("method", ["ecc", "phase"])
def test_unrelated_pictures_are_refused_with_the_reason(method):
    with pytest.raises(AlignmentError, match=r"not aligned; are these pictures of one scene"):
        align(scene(seed=5), scene(seed=6), method=method)


def test_noise_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(AlignmentError):
        align(rng.random(SIZE), rng.random(SIZE))


def test_less_than_half_in_common_is_refused():
    wide = scene((400, 560), seed=7)
    with pytest.raises(AlignmentError):
        align(wide[:240, :320], wide[110:350, 150:470])


def test_a_constant_picture_is_refused_by_name():
    visible = scene()
    with pytest.raises(AlignmentError, match="the moving picture is empty or constant"):
        align(np.full(SIZE, 7, np.uint8), visible)
    with pytest.raises(AlignmentError, match="the fixed picture is empty or constant"):
        align(visible, np.zeros((1, 1), np.uint8))


def test_values_that_are_not_finite_are_refused():
    broken = scene().astype(np.float32) / 255
    broken[3, 4] = np.nan
    with pytest.raises(AlignmentError, match="the moving picture holds values that are not finite"):
        align(broken, scene())


@pytest.mark.parametrize("size", [(1, 2), (2, 2), (3, 40), (15, 15), (1, 3000)])
def test_pictures_too_small_to_align_are_refused(size):
    rng = np.random.default_rng(1)
    with pytest.raises(AlignmentError):
        align(rng.random(size), rng.random(size))


def test_unknown_options_are_refused_with_the_choices():
    visible = scene()
    with pytest.raises(AlignmentError, match="translation, euclidean, affine, homography"):
        align(visible, visible, motion="elastic")  # type: ignore[arg-type]
    with pytest.raises(AlignmentError, match="ecc, phase"):
        align(visible, visible, method="sift")  # type: ignore[arg-type]
    with pytest.raises(AlignmentError, match="use method 'ecc'"):
        align(visible, visible, motion="affine", method="phase")


def test_stripes_do_not_slide_along_themselves():
    column = np.random.default_rng(2).random((1, 80)).repeat(4, axis=1)
    stripes = np.ascontiguousarray(np.broadcast_to(column, SIZE)).astype(np.float32)
    [level] = make_levels(np.roll(stripes, 1, axis=1), stripes, 1)
    _, matrix = refine_by_ecc(level, np.eye(3), "translation")
    np.testing.assert_allclose(matrix[:2, 2], [-1, 0], atol=0.2)


def test_edges_forget_the_sign_and_the_contrast():
    image = scene().astype(np.float32) / 255
    edges = oriented_edges(image)
    np.testing.assert_allclose(oriented_edges(1 - image), edges, atol=1e-3)
    fainter = oriented_edges(0.5 + image / 4)
    assert np.sum(edges * fainter) / np.sqrt(np.sum(edges**2) * np.sum(fainter**2)) > 0.95


def test_edges_turn_with_the_picture():
    image = scene().astype(np.float32) / 255
    quarter = oriented_edges(np.ascontiguousarray(np.rot90(image)))
    expected = turned(np.ascontiguousarray(np.rot90(oriented_edges(image))), -np.pi / 2)
    np.testing.assert_allclose(quarter, expected, atol=1e-3)


def test_the_correlation_peak_agrees_with_a_circular_shift():
    edges = oriented_edges(scene().astype(np.float32) / 255)
    peak = correlate(np.roll(edges, (5, -9), axis=(0, 1)), edges)
    assert (peak.dx, peak.dy) == pytest.approx((-9, 5), abs=0.1)


@pytest.mark.parametrize(("dx", "dy", "expected"), [(0, 0, 1), (80, 0, 0.75), (160, 120, 0.25), (400, 0, 0)])
def test_overlap_of_shifted_pictures_is_that_of_rectangles(dx, dy, expected):
    assert overlap(shift(dx, dy), SIZE, SIZE) == pytest.approx(expected, abs=1e-4)


def test_overlap_is_measured_against_the_smaller_picture():
    assert overlap(shift(10, 10), (100, 100), SIZE) == pytest.approx(1)
    assert overlap(np.diag([-1.0, 1.0, -0.1]), SIZE, SIZE) == 0


def whole_shift() -> Alignment:
    return Alignment(shift(7, -4), 0, 1, 1, SIZE, (200, 330))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_warping_by_whole_pixels_moves_them_and_keeps_the_type(dtype, channels):
    rng = np.random.default_rng(8)
    white = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    pixels = (rng.random((*SIZE, *channels)) * white).astype(dtype)
    warped = whole_shift().warp(pixels)
    assert warped.dtype == dtype
    assert warped.shape == (200, 330, *channels)
    np.testing.assert_allclose(warped[:, 7:327], pixels[4:204], rtol=1e-6)
    np.testing.assert_array_equal(warped[:, :7], np.repeat(warped[:, 7:8], 7, axis=1))


def test_covered_tells_where_the_moving_picture_reaches_but_for_a_rim():
    covered = whole_shift().covered()
    assert covered[:, 9:325].all()
    assert not covered[:, :9].any()
    assert not covered[:, 325:].any()
    assert Alignment(np.eye(3), 0, 1, 1, SIZE, SIZE).covered().all()


@pytest.mark.parametrize(("dtype", "low", "high"), [("uint8", 100, 150), ("uint16", 7400, 7600), ("float32", 0.4, 0.6)])
@pytest.mark.parametrize("step", [(3.5, 2.5), (-4.3, 6.8)])
def test_no_bright_line_is_drawn_along_the_edge_of_the_moved_picture(dtype, low, high, step):
    ramp = np.linspace(low, high, SIZE[1])
    pixels = np.broadcast_to(ramp, SIZE).astype(dtype)
    alignment = Alignment(shift(*step), 0, 1, 1, SIZE, SIZE)
    warped = alignment.warp(pixels)
    assert pixels.min() <= warped.min() <= warped.max() <= pixels.max()
    covered = alignment.covered()
    wanted = np.broadcast_to(ramp - step[0] * (ramp[1] - ramp[0]), SIZE)
    np.testing.assert_allclose(warped[covered], wanted[covered], atol=2 if dtype != "float32" else 1e-4)
    assert covered.mean() > 0.9


def test_warping_floats_stays_within_their_range():
    checks = np.kron(np.indices((24, 32)).sum(0) % 2, np.ones((10, 10))).astype(np.float32)
    warped = Alignment(shift(0.5, 0.5), 0, 1, 1, SIZE, SIZE).warp(checks)
    assert warped.min() >= 0
    assert warped.max() <= 1


def test_warping_to_a_much_smaller_picture_takes_means():
    noise = np.random.default_rng(3).random((800, 800)).astype(np.float32)
    alignment = Alignment(np.diag([0.1, 0.1, 1.0]), 0, 1, 1, (800, 800), (80, 80))
    assert alignment.warp(noise)[5:-5, 5:-5].std() < 0.06


def test_warping_a_picture_of_another_size_is_refused():
    with pytest.raises(SourceError, match="320x240"):
        whole_shift().warp(np.zeros((5, 5), np.uint8))


def test_real_road_scenes_are_aligned_to_about_their_own_accuracy(shared_data):
    folder = shared_data / "infrared" / "RoadScene" / "test"
    errors = []
    for index, path in enumerate(sorted((folder / "ir").iterdir())[::5]):
        infrared = read_image(path).pixels
        visible = read_image(next((folder / "vis").glob(f"{path.stem}.*"))).pixels
        size = infrared.shape[:2]
        warp = shift(20 - 8 * index, 9 * index - 16) @ rotation(np.deg2rad(4 - 2 * index), size)
        errors.append(distance(align(moved(infrared, warp), visible).matrix, warp, size))
    assert np.median(errors) < 1.5
    assert max(errors) < 5
