"""Behaviour of `simulate`: what the same seed, each control and each mask promise."""

from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imfuse.errors import SourceError
from imfuse.scenes import Label, Scene, simulate

KINDS = ("road", "park")
COUNTED = (Label.PERSON, Label.CAR, Label.BICYCLE, Label.ANIMAL)


@pytest.fixture(scope="module", params=KINDS)
def night(request: pytest.FixtureRequest) -> Scene:
    return simulate(240, 320, seed=3, kind=request.param)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_arguments_give_the_same_pixels(kind):
    first, second = (simulate(60, 80, seed=5, kind=kind, misalignment=3) for _ in range(2))
    for name in ("visible", "infrared", "labels", "instances", "depth", "registration"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.boxes == second.boxes


def test_the_pixels_do_not_depend_on_what_was_simulated_before():
    alone = "from imfuse.scenes import simulate; print(int(simulate(60, 80, seed=8).visible.astype(int).sum()))"
    printed = subprocess.run([sys.executable, "-c", alone], capture_output=True, text=True, check=True).stdout
    simulate(40, 40, seed=1, kind="park")
    assert int(printed) == int(simulate(60, 80, seed=8).visible.astype(int).sum())


@pytest.mark.parametrize("kind", KINDS)
def test_another_seed_gives_another_scene(kind):
    one, other = (simulate(60, 80, seed=seed, kind=kind, noise=0) for seed in (1, 2))
    assert (one.labels != other.labels).mean() > 0.05
    assert np.abs(one.visible.astype(int) - other.visible).mean() > 5


def test_the_two_kinds_are_different_places():
    road, park = (simulate(60, 80, seed=1, kind=kind) for kind in KINDS)
    assert Label.ROAD in road.labels
    assert Label.ROAD not in park.labels
    assert Label.GRASS in park.labels


@settings(max_examples=20, deadline=None)
@given(
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32),
    misalignment=st.sampled_from([0.0, 2.5]),
)
def test_any_size_gives_arrays_of_that_size(size, kind, seed, misalignment):
    scene = simulate(*size, seed=seed, kind=kind, misalignment=misalignment)
    assert (scene.visible.shape, scene.visible.dtype) == ((*size, 3), np.uint8)
    assert (scene.infrared.shape, scene.infrared.dtype) == (size, np.uint8)
    assert (scene.labels.shape, scene.labels.dtype) == (size, np.uint8)
    assert (scene.instances.shape, scene.instances.dtype) == (size, np.uint16)
    assert (scene.depth.shape, scene.depth.dtype) == (size, np.float32)
    assert set(np.unique(scene.labels)) <= set(Label)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_the_thinnest_sizes_survive_every_control(size, kind):
    scene = simulate(*size, kind=kind, darkness=0.3, glare=1, fog=1, noise=1, misalignment=9)
    assert scene.visible.shape[:2] == scene.infrared.shape == size


def test_a_larger_picture_shows_the_same_scene():
    small, large = simulate(120, 160, seed=4), simulate(240, 320, seed=4)
    shrunk = large.labels[::2, ::2]
    assert (shrunk == small.labels).mean() > 0.93


def test_the_boxes_are_those_of_the_instance_mask(night):
    assert night.boxes
    seen = {box.instance for box in night.boxes}
    assert seen == set(np.unique(night.instances)) - {0}
    for box in night.boxes:
        mask = night.instances == box.instance
        left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
        assert box.xyxy == (left, top, left + width, top + height)
        assert set(night.labels[mask]) == {box.label}


def test_only_people_cars_bicycles_and_animals_are_counted(night):
    np.testing.assert_array_equal(night.instances > 0, np.isin(night.labels, COUNTED))


def test_depth_is_nearest_at_the_bottom_and_farthest_in_the_sky(night):
    assert (night.depth > 0).all()
    assert (night.depth[night.labels == Label.SKY] == night.depth.max()).all()
    assert night.depth[-1].mean() < 10


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_people_are_brighter_in_the_infrared_than_what_surrounds_them(kind, seed):
    scene = simulate(240, 320, seed=seed, kind=kind)
    people = (scene.labels == Label.PERSON).astype(np.uint8)
    assert people.sum() > 60
    around = cv2.dilate(people, np.ones((9, 9))) - people
    warm = np.isin(scene.labels, COUNTED)
    surroundings = scene.infrared[(around > 0) & ~warm]
    assert scene.infrared[people > 0].mean() > surroundings.mean() + 40


def test_the_sky_is_the_coldest_thing(night):
    sky, rest = night.labels == Label.SKY, night.labels != Label.SKY
    assert night.infrared[sky].mean() < night.infrared[rest].mean() - 15


def test_signs_are_seen_in_the_visible_but_hardly_in_the_infrared():
    scene = simulate(480, 640, seed=0, darkness=0, noise=0)
    sign = (scene.labels == Label.SIGN).astype(np.uint8)
    ring = (cv2.dilate(sign, np.ones((7, 7))) - sign).astype(bool)
    saturation = cv2.cvtColor(scene.visible, cv2.COLOR_RGB2HSV)[..., 1]
    assert saturation[sign > 0].mean() > saturation[ring].mean() + 20
    warmth = scene.infrared.astype(float)
    people = warmth[scene.labels == Label.PERSON].mean()
    assert abs(warmth[sign > 0].mean() - warmth[ring].mean()) < 0.25 * (people - warmth[ring].mean())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_darkness_dims_the_visible_and_leaves_the_infrared_alone(kind, seed):
    scenes = [simulate(90, 120, seed=seed, kind=kind, darkness=darkness) for darkness in (0.0, 0.4, 0.7, 1.0)]
    means = [scene.visible.mean() for scene in scenes]
    assert means == sorted(means, reverse=True)
    assert means[0] > means[-1] + 40
    for scene in scenes[1:]:
        np.testing.assert_array_equal(scene.infrared, scenes[0].infrared)


@pytest.mark.parametrize("darkness", [0.0, 0.85])
def test_fog_takes_contrast_and_takes_more_of_it_far_away(darkness):
    clear, misty, thick = (simulate(240, 320, seed=2, noise=0, darkness=darkness, fog=fog) for fog in (0, 0.5, 1))
    near, far = clear.depth < 8, (clear.depth > 40) & (clear.labels != Label.SKY)

    def detail(scene: Scene, where: np.ndarray) -> float:
        luma = cv2.cvtColor(scene.visible, cv2.COLOR_RGB2GRAY).astype(np.float32)
        return float(np.abs(luma - cv2.GaussianBlur(luma, (0, 0), 2))[where].mean())

    assert detail(clear, far) > detail(misty, far) > detail(thick, far)
    assert detail(thick, far) / detail(clear, far) < detail(thick, near) / detail(clear, near)


def test_glare_burns_out_more_of_the_visible():
    shares = [(simulate(120, 160, seed=0, glare=glare, noise=0).visible > 250).mean() for glare in (0, 0.5, 1)]
    assert shares == sorted(shares)
    assert shares[-1] > shares[0]


def test_noise_is_absent_at_zero_and_grows():
    clean, little, much = (simulate(120, 160, seed=0, noise=noise) for noise in (0, 0.3, 1))
    for picture in ("visible", "infrared"):
        reference = getattr(clean, picture).astype(float)
        small, large = (np.abs(getattr(s, picture) - reference).mean() for s in (little, much))
        assert 0.2 < small < large


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("height", 0),
        ("width", 8193),
        ("height", 2.5),
        ("width", True),
        ("seed", -1),
        ("kind", "harbour"),
        ("darkness", 1.1),
        ("glare", -0.1),
        ("fog", float("nan")),
        ("noise", "loud"),
        ("misalignment", 101),
    ],
)
def test_a_bad_control_is_refused_by_its_name_and_value(control, value):
    with pytest.raises(SourceError, match=rf"{control} is .*{value}.*expected"):
        simulate(**{control: value})


def test_torch_is_not_imported():
    script = "import sys; from imfuse.scenes import simulate; simulate(8, 8); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
