"""The registration matrix is the true way from infrared to visible pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from imfuse.scenes import simulate

SIZE = (180, 240)


def _aligned(scene):
    """The infrared, moved into the visible frame by the scene's own matrix."""
    return cv2.warpPerspective(scene.infrared, scene.registration, SIZE[::-1], flags=cv2.INTER_CUBIC)


def test_no_misalignment_is_the_identity():
    np.testing.assert_array_equal(simulate(*SIZE).registration, np.eye(3))


@pytest.mark.parametrize("seed", range(4))
def test_warping_by_the_matrix_undoes_the_misalignment(seed):
    straight = simulate(*SIZE, seed=seed, noise=0)
    shifted = simulate(*SIZE, seed=seed, noise=0, misalignment=12)
    np.testing.assert_array_equal(straight.visible, shifted.visible)
    np.testing.assert_array_equal(straight.labels, shifted.labels)
    inner = (slice(16, -16), slice(16, -16))
    expected = straight.infrared[inner].astype(float)
    before = np.abs(shifted.infrared[inner] - expected).mean()
    after = np.abs(_aligned(shifted)[inner] - expected).mean()
    assert after < 1.0
    assert after < before / 5


@pytest.mark.parametrize("reach", [0.5, 4, 30])
@pytest.mark.parametrize("seed", range(5))
def test_the_matrix_is_euclidean_and_moves_nothing_farther_than_asked(reach, seed):
    height, width = 64, 96
    matrix = simulate(height, width, seed=seed, misalignment=reach).registration
    np.testing.assert_allclose(matrix[:2, :2] @ matrix[:2, :2].T, np.eye(2), atol=1e-12)
    assert np.linalg.det(matrix[:2, :2]) == pytest.approx(1)
    corners = np.array([[0, 0, 1], [width - 1, 0, 1], [0, height - 1, 1], [width - 1, height - 1, 1]])
    moved = np.linalg.norm((corners @ matrix.T - corners)[:, :2], axis=1)
    assert moved.max() <= reach
    assert moved.max() > 0.4 * reach


def test_the_infrared_has_real_content_up_to_its_borders():
    scene = simulate(*SIZE, seed=1, noise=0.3, misalignment=25)
    for border in (scene.infrared[0], scene.infrared[-1], scene.infrared[:, 0], scene.infrared[:, -1]):
        assert np.unique(border).size > 5
