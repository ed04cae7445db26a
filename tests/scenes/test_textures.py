"""Noise tiles, stripes and outlines against closed forms."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from imfuse.scenes.camera import Camera, View, stand_camera
from imfuse.scenes.raster import cover
from imfuse.scenes.shapes import ellipse, limb
from imfuse.scenes.textures import noise, noise_pair, noise_tile, stripe


@pytest.mark.parametrize("roughness", ["cloud", "grain"])
@pytest.mark.parametrize("level", range(4))
def test_a_tile_is_standardised_and_periodic(roughness, level):
    tile = noise_tile(roughness, level)
    assert tile[:-1, :-1].mean() == pytest.approx(0, abs=1e-5)
    assert tile[:-1, :-1].std() == pytest.approx(1, abs=1e-4)
    np.testing.assert_array_equal(tile[0], tile[-1])


def test_each_level_has_less_fine_detail():
    steps = [np.abs(np.diff(noise_tile("grain", level), axis=0)).mean() for level in range(5)]
    assert steps == sorted(steps, reverse=True)


def test_a_pair_is_the_two_noises():
    at = np.linspace(0, 3, 40, dtype=np.float32)[:, None]
    grain, cloud = noise_pair(at, at.T, 1)
    np.testing.assert_allclose(grain, noise(at, at.T, "grain", 1), atol=0.02)
    np.testing.assert_allclose(cloud, noise(at, at.T, "cloud", 1), atol=0.02)


def test_stripes_cover_as_much_as_they_are_wide():
    pixel = np.float32(0.1)
    centres = (np.arange(-200, 200, dtype=np.float32) + 0.3) * pixel
    assert float((stripe(centres, 0.83, pixel) * pixel).sum()) == pytest.approx(1.66, rel=1e-3)


@pytest.mark.parametrize("radius", [0.8, 5.0, 30.0])
def test_the_cover_of_a_disc_has_its_centre_and_its_area_to_a_quarter_of_a_pixel(radius):
    window = (slice(10, 90), slice(20, 110))
    share = cover([ellipse(64.3, 49.6, radius, radius, 200)], window)
    rows, columns = np.mgrid[10:90, 20:110]
    assert np.pi * radius**2 <= share.sum() <= np.pi * (radius + 0.25) ** 2
    assert (share * columns).sum() / share.sum() == pytest.approx(64.3, abs=0.15)
    assert (share * rows).sum() / share.sum() == pytest.approx(49.6, abs=0.15)


def test_a_limb_of_one_radius_is_a_capsule():
    area = cv2.contourArea(limb((0, 0), (3, 4), 1, 1, 60))
    assert area == pytest.approx(2 * 5 + np.pi, rel=1e-3)


def test_projection_and_rays_are_inverse():
    camera = stand_camera(120, 160, 0, View(0.03, 0.45, 1.6))
    across, up = camera.rays(camera.whole())
    depth = 7.0
    x, y = np.broadcast_arrays(across * depth, up * depth + camera.altitude)
    points = np.stack([x.ravel(), y.ravel(), np.full(x.size, depth)], 1)
    rows, columns = np.mgrid[0:120, 0:160]
    np.testing.assert_allclose(camera.project(points)[:, 0], columns.ravel(), atol=1e-3)
    np.testing.assert_allclose(camera.project(points)[:, 1], rows.ravel(), atol=1e-3)


def test_the_ground_is_at_its_depth():
    camera = Camera(100, 100, 80.0, (50.0, 40.0), 1.6)
    depth = camera.ground_depth()
    assert depth[80, 0] == pytest.approx(1.6 * 80 / 40)
    assert (depth[:40] == 400).all()
