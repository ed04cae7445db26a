"""`simulate`: a pair of a visible and an infrared image of one invented scene, with everything known about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from imfuse.errors import SourceError
from imfuse.scenes.arrays import Field
from imfuse.scenes.camera import Camera, stand_camera
from imfuse.scenes.controls import Controls, check_whole
from imfuse.scenes.degradations import add_fog, expose, misalign, see_through, thermal_noise, visible_noise
from imfuse.scenes.labels import Box, find_boxes
from imfuse.scenes.layout import Layout
from imfuse.scenes.park import plan_park
from imfuse.scenes.raster import paint_layout
from imfuse.scenes.render_thermal import render_thermal
from imfuse.scenes.render_visible import render_visible
from imfuse.scenes.road import plan_road
from imfuse.scenes.surfaces import Surfaces

Kind = Literal["road", "park"]

LONGEST_SIDE = 8192

_Plan = Callable[[np.random.Generator], Layout]
_PLANS: dict[str, _Plan] = {"road": plan_road, "park": plan_park}


@dataclass(frozen=True, eq=False)
class Scene:
    """A simulated pair. Masks, boxes and depth are given in the visible frame.

    Attributes:
        visible: RGB uint8 `(h, w, 3)`.
        infrared: grey uint8 `(h, w)`; warm is bright.
        labels: uint8 `(h, w)`, the `Label` of each pixel.
        instances: uint16 `(h, w)`, the id of each person, car, bicycle and animal; 0 elsewhere.
        boxes: the tight box of each instance, in the order of the ids.
        depth: float32 `(h, w)`, metres along the view axis; 400 for the sky.
        registration: float64 3x3 Euclidean matrix that maps infrared pixels (column, row, 1) to visible ones.
    """

    visible: NDArray[np.uint8]
    infrared: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    instances: NDArray[np.uint16]
    boxes: tuple[Box, ...]
    depth: NDArray[np.float32]
    registration: NDArray[np.float64]


def simulate(
    height: int = 480,
    width: int = 640,
    *,
    seed: int = 0,
    kind: Kind = "road",
    darkness: float = 0.75,
    glare: float = 0.25,
    fog: float = 0.0,
    noise: float = 0.25,
    misalignment: float = 0.0,
) -> Scene:
    """Invent a scene and look at it with a visible and a thermal camera.

    The same arguments give the same pixels; the size changes the sampling, not the scene.

    Args:
        height: rows, 1 to 8192.
        width: columns, 1 to 8192.
        seed: chooses the scene, from 0.
        kind: a road between buildings, or a park.
        darkness: 0 for day over dusk to 1 for a dark night; the infrared does not depend on it.
        glare: 0 to 1, blinding lights and burnt-out highlights in the visible.
        fog: 0 to 1, fades the visible with distance.
        noise: 0 to 1, of both cameras.
        misalignment: the farthest that a pixel of the infrared lies from its place in the visible, 0 to 100 pixels.

    Raises:
        SourceError: a control is out of its range.

    Example:
        >>> scene = simulate(64, 96, seed=1)
        >>> scene.visible.shape, scene.infrared.shape
        ((64, 96, 3), (64, 96))
    """
    check_whole("height", height, 1, LONGEST_SIDE)
    check_whole("width", width, 1, LONGEST_SIDE)
    check_whole("seed", seed, 0, None)
    if kind not in _PLANS:
        raise SourceError(f"kind is {kind!r}; expected one of {', '.join(_PLANS)}")
    controls = Controls(darkness, glare, fog, noise, misalignment)
    return _look(_PLANS[kind], (int(height), int(width)), int(seed), controls)


def _look(plan: _Plan, size: tuple[int, int], seed: int, controls: Controls) -> Scene:
    # each use of chance has its own stream, so that no control changes what another one draws
    planning, grain, heat, shift = (np.random.default_rng([seed, stream]) for stream in range(4))
    layout = plan(planning)
    camera = stand_camera(*size, 0, layout.view)
    surfaces = paint_layout(layout, camera)
    matrix = misalign(*size, controls.misalignment, shift)
    signal = _sense(layout, surfaces, camera, matrix, controls.misalignment)
    return Scene(
        visible=_to_bytes(visible_noise(_expose(layout, surfaces, camera, controls), controls, grain)),
        infrared=_to_bytes(thermal_noise(signal, controls.noise, heat)),
        labels=surfaces.labels,
        instances=surfaces.instances,
        boxes=find_boxes(surfaces.labels, surfaces.instances),
        depth=surfaces.depth,
        registration=matrix,
    )


def _sense(layout: Layout, surfaces: Surfaces, camera: Camera, matrix: NDArray[np.float64], reach: float) -> Field:
    """The thermal signal in the infrared frame; a misaligned camera sees past the visible frame's border."""
    if reach == 0:
        return render_thermal(layout, surfaces, camera)
    margin, size = ceil(reach) + 2, (camera.height, camera.width)
    wider = stand_camera(*size, margin, layout.view)
    return see_through(render_thermal(layout, paint_layout(layout, wider), wider), matrix, margin, size)


def _expose(layout: Layout, surfaces: Surfaces, camera: Camera, controls: Controls) -> Field:
    light = render_visible(layout, surfaces, camera, controls.darkness)
    hazy = add_fog(light, surfaces.depth, controls.fog, controls.darkness)
    return expose(hazy, controls.darkness, controls.glare)


def _to_bytes(picture: Field) -> NDArray[np.uint8]:
    return np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)
