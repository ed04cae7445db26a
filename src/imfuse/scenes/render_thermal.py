"""The thermal image: apparent temperature of each surface, as a long-wave infrared camera shows it."""

from __future__ import annotations

import cv2
import numpy as np

from imfuse.scenes.arrays import Field
from imfuse.scenes.camera import Camera
from imfuse.scenes.labels import Label
from imfuse.scenes.layout import Layout
from imfuse.scenes.sky import thermal_sky
from imfuse.scenes.surfaces import Surfaces

_HAZE_METRES = 900.0


def render_thermal(layout: Layout, surfaces: Surfaces, camera: Camera) -> Field:
    """Signal `(h, w)`: 0 for the coldest and 1 for the hottest that the camera is set to show; may leave [0, 1]."""
    across, up = camera.rays(camera.whole())
    weather = layout.weather
    sky = thermal_sky(across, up, weather)
    reflected = weather.air + 0.5 * (weather.zenith - weather.air) * np.clip(
        0.45 + 0.55 * surfaces.normal[..., 1], 0, 1
    )
    apparent = surfaces.emissivity * surfaces.temperature + (1 - surfaces.emissivity) * reflected
    apparent += _warm_ground(layout, surfaces, camera)
    haze = np.exp(-surfaces.depth / _HAZE_METRES)
    apparent = weather.air + haze * (apparent - weather.air)
    apparent = sky + surfaces.solid * (apparent - sky)
    signal = (apparent - layout.coldest) / (layout.hottest - layout.coldest)
    return _lens(signal.astype(np.float32), camera)


def _warm_ground(layout: Layout, surfaces: Surfaces, camera: Camera) -> Field | float:
    """Warmth that running cars give to the road under them."""
    glow = np.zeros(surfaces.depth.shape, np.uint8)
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    for thing in layout.things:
        if (
            thing.label != Label.CAR
            or thing.foot is None
            or thing.parts[0].material.temperature < layout.weather.air + 5
        ):
            continue
        x, z, wide, long = thing.foot
        rim = np.stack([x + 0.95 * wide * np.cos(angle), 0 * angle, z + long * np.sin(angle)], 1).astype(np.float32)
        if float(rim[:, 2].min()) > 0.5:
            cv2.fillPoly(glow, [np.rint(camera.project(rim) * 16).astype(np.int32)], 255, shift=4)
    soft = cv2.GaussianBlur(glow, (0, 0), max(camera.focal / 130, 0.3)).astype(np.float32) / np.float32(255)
    return 7.0 * soft * surfaces.ground


def _lens(signal: Field, camera: Camera) -> Field:
    """A soft lens with a little flare round hot things; then the camera lifts local contrast and holds the blacks."""
    toe = 0.11 * np.logaddexp(0, np.clip(signal, -3, 3) / np.float32(0.11))
    soft = cv2.GaussianBlur(toe, (0, 0), max(camera.focal / 620, 0.25))
    base = cv2.GaussianBlur(np.minimum(toe, 0.6), (0, 0), max(camera.focal / 28, 0.5))
    hot = cv2.GaussianBlur(np.maximum(toe - 0.55, 0), (0, 0), max(camera.focal / 60, 0.5))
    return soft + 0.45 * (np.minimum(soft, 0.6) - base) + 0.10 * hot
