"""Paint the parts of things onto the surfaces, from far to near, with smooth edges and exact masks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from imfuse.scenes.arrays import Field, floats
from imfuse.scenes.camera import FAR, Camera, Window
from imfuse.scenes.labels import COUNTED
from imfuse.scenes.layout import Layout
from imfuse.scenes.meadow import lay_meadow
from imfuse.scenes.objects import Part, Thing
from imfuse.scenes.street import Street, lay_street
from imfuse.scenes.surfaces import Surfaces, appearance, empty_surfaces, stamp
from imfuse.scenes.textures import noise_pair

_SUBPIXELS = 4
_SMALL = 160
_PLAIN = 50


def paint_layout(layout: Layout, camera: Camera) -> Surfaces:
    """Everything that the camera sees of a layout; counted things are numbered from 1 in the order of the layout."""
    surfaces = empty_surfaces(camera.height, camera.width, layout.weather.air)
    if isinstance(layout.ground, Street):
        lay_street(surfaces, camera, layout.ground, layout.weather.air)
    else:
        lay_meadow(surfaces, camera, layout.ground, layout.weather.air)
    instance = 0
    for thing in layout.things:
        counted = thing.label in COUNTED
        instance += counted
        paint_thing(surfaces, camera, thing, instance if counted else 0)
    return surfaces


def paint_thing(surfaces: Surfaces, camera: Camera, thing: Thing, instance: int) -> None:
    """Paint every part of a thing."""
    for part in thing.parts:
        paint_part(surfaces, camera, part, int(thing.label), instance)


def paint_part(surfaces: Surfaces, camera: Camera, part: Part, label: int, instance: int) -> None:
    """Paint one part: blend its look by the share of each pixel that it covers; it owns those of half and more."""
    outlines = [camera.project(contour) for contour in part.contours]
    reach = float(np.mean([contour[:, 2].mean() for contour in part.contours]))
    bend = part.round * camera.focal / max(reach, 0.5)
    window = _window_of(outlines, surfaces.labels.shape, margin=2 if part.ragged == 0 else 2 + int(bend))
    if window is None:
        return
    mask = cover(outlines, window)
    depth = _depth_on_plane(camera, part, window)
    fine, slow = _textures(camera, part, window, depth)
    if part.ragged:
        mask = _leaves(mask, fine, bend, part.ragged)
    normal = _rounded_normal(mask, bend, part.normal) if part.round and mask.size >= _PLAIN else floats(part.normal)
    region = surfaces.blend[window]
    region += mask[..., None] * (appearance(part.material, normal, fine, slow) - region)
    owned = mask >= 0.5
    surfaces.depth[window][owned] = depth[owned]
    stamp(surfaces, window, owned, label, instance)


def cover(outlines: Sequence[Field], window: Window) -> Field:
    """Share of each pixel of the window that lies in any of the outlines (columns, rows), in [0, 1].

    Outlines grow by half a subpixel, as OpenCV fills them, which closes the seams between neighbours.
    """
    height, width = window[0].stop - window[0].start, window[1].stop - window[1].start
    fine = _SUBPIXELS if max(height, width) <= _SMALL else 2
    canvas = np.zeros((height * fine, width * fine), np.uint8)
    corner = floats([window[1].start, window[0].start])
    for outline in outlines:
        # pixel centres are at whole numbers here, and at (i + 0.5) * fine - 0.5 on the fine canvas
        points = (outline - corner + 0.5) * fine - 0.5
        cv2.fillPoly(canvas, [np.rint(points * 16).astype(np.int32)], 255, shift=4)
    share = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    return share.astype(np.float32) / np.float32(255)


def _window_of(outlines: Sequence[Field], size: tuple[int, ...], margin: int) -> Window | None:
    points = np.concatenate(outlines)
    low, high = points.min(0) - margin, points.max(0) + margin + 1
    left, top = np.maximum(low, 0).astype(int)
    right, bottom = np.minimum(np.ceil(high), (size[1], size[0])).astype(int)
    return (slice(top, bottom), slice(left, right)) if right > left and bottom > top else None


def _depth_on_plane(camera: Camera, part: Part, window: Window) -> Field:
    across, up = camera.rays(window)
    contour = np.concatenate(part.contours)
    x, y, z = contour.mean(0)
    nx, ny, nz = part.normal
    facing = nx * across + ny * up + nz
    reach = (nx * x + ny * (y - camera.altitude) + nz * z) / np.where(np.abs(facing) < 1e-3, -1e-3, facing)
    return np.clip(reach, contour[:, 2].min(), min(contour[:, 2].max(), FAR)).astype(np.float32)


def _textures(camera: Camera, part: Part, window: Window, depth: Field) -> tuple[Field, Field]:
    """Noise that is fixed to the part's surface: a busy one for its colour, a soft one for its heat."""
    if depth.size < _PLAIN:
        return np.zeros(depth.shape, np.float32), np.zeros(depth.shape, np.float32)
    across, up = camera.rays(window)
    nx, _, nz = part.normal
    size = part.material.grain_size
    # each part reads another place of the tile, so that no two of them look alike
    first = part.contours[0][0]
    start = float(first[0] * 0.37 + first[1] * 0.11 + first[2] * 0.23)
    u = (across * depth * abs(nz) + depth * (abs(nx) + 0.01)) / size + start
    v = (up * depth + (0 if abs(nx) + abs(nz) > 0.5 else 1) * depth) / size + start
    texels = 512 * float(depth.mean()) / camera.focal / size
    level = int(np.log2(max(texels, 1.0)))
    return noise_pair(u, v, level)


def _leaves(mask: Field, fine: Field, reach: float, ragged: float) -> Field:
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.45 * reach, 0.3))
    crisp = 2.2 + 0.12 * min(reach, 20.0)
    return np.clip(0.5 + crisp * (soft - 0.42 + 0.22 * ragged * fine), 0, 1) * (soft > 0.02)


def _rounded_normal(mask: Field, bend: float, normal: Sequence[float]) -> Field:
    """Normals of a pillow that has the mask as its outline: they lean outwards near the edge."""
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.5 * bend, 0.3))
    slope = 2.5 * max(0.5 * bend, 0.3)
    lean = np.empty((*mask.shape, 3), np.float32)
    lean[..., 0] = normal[0] - slope * cv2.Sobel(soft, cv2.CV_32F, 1, 0, scale=1 / 8)
    lean[..., 1] = normal[1] + slope * cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=1 / 8)
    lean[..., 2] = normal[2]
    return lean / np.linalg.norm(lean, axis=2, keepdims=True)
