"""The visible image in linear light: sky, sun, lamps and headlights on the surfaces of a scene."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imfuse.scenes.arrays import Field, floats
from imfuse.scenes.camera import Camera, Window
from imfuse.scenes.layout import Layout
from imfuse.scenes.objects import Light
from imfuse.scenes.reflections import wet_reflections
from imfuse.scenes.shadows import cast_shade, contact_shade
from imfuse.scenes.sky import ambient_level, sky_light, visible_sky
from imfuse.scenes.street import Street
from imfuse.scenes.surfaces import Surfaces
from imfuse.scenes.textures import smoothstep

_LIT_METRES = 22.0


def render_visible(layout: Layout, surfaces: Surfaces, camera: Camera, darkness: float) -> Field:
    """Radiance `(h, w, 3)`; 1 is a white surface under a bright day's sky."""
    across, up = camera.rays(camera.whole())
    ground = surfaces.ground
    open_sky = np.where(ground, contact_shade(camera, layout.things), 1)
    light = _from_sky(surfaces, darkness) * open_sky[..., None]
    light += _from_sun(layout, surfaces, camera, darkness, ground)
    on = lamps_on(darkness)
    if on > 0:
        light += on * _from_lamps(layout, surfaces, camera, ground)
    radiance = surfaces.albedo * light + on * surfaces.emission + 0.12 * (1 - on) * np.minimum(surfaces.emission, 1)
    radiance += _mirrored(surfaces, across, up, darkness) * (surfaces.gloss * open_sky)[..., None]
    if on > 0 and isinstance(layout.ground, Street) and layout.ground.wet > 0:
        radiance += on * wet_reflections(layout.lights, surfaces, camera, layout.ground.wet)
    sky = visible_sky(across, up, layout.weather, darkness)
    return (radiance + (1 - surfaces.solid)[..., None] * sky).astype(np.float32)


def lamps_on(darkness: float) -> float:
    """How far the lamps of the scene are on: off by day, on from dusk."""
    return float(smoothstep(0.15, 0.45, floats(darkness)))


def _from_sky(surfaces: Surfaces, darkness: float) -> Field:
    level = ambient_level(darkness)
    above = 0.58 + 0.42 * surfaces.normal[..., 1]
    tint = sky_light(floats([0.35]), darkness)[0]
    tint = 0.4 * tint / max(float(tint.mean()), 1e-9) + 0.6
    return (level * above)[..., None] * tint.astype(np.float32)


def _from_sun(
    layout: Layout, surfaces: Surfaces, camera: Camera, darkness: float, ground: NDArray[np.bool_]
) -> Field | float:
    strength = 1.9 * max(0.0, 1 - 2.2 * darkness) ** 2 * max(0.0, 1 - 1.25 * layout.weather.clouds)
    if strength == 0:
        return 0.0
    sun = floats(layout.weather.sun)
    facing = np.maximum(surfaces.normal @ sun, 0)
    facing *= np.where(ground, cast_shade(camera, layout.things, layout.weather.sun, far=True), 1)
    return (strength * facing)[..., None] * floats([1.0, 0.93, 0.82])


def _from_lamps(layout: Layout, surfaces: Surfaces, camera: Camera, ground: NDArray[np.bool_]) -> Field:
    """Sum over the lamps of their light on each surface, with distance, angle, beam and shadow."""
    across, up = camera.rays(camera.whole())
    depth = surfaces.depth
    place = (across * depth, up * depth + np.float32(camera.altitude), depth)
    total = np.zeros((*depth.shape, 3), np.float32)
    for light in layout.lights:
        window = _lit_window(light, camera)
        if window is None:
            continue
        share = _reaching(light, (place[0][window], place[1][window], depth[window]), surfaces.normal[window])
        if light.casts and light.position[2] < 40:
            shade = cast_shade(camera, layout.things, light.position, far=False)
            share = share * np.where(ground, shade, 1)[window]
        total[window] += share[..., None] * floats(light.colour)
    return total


def _lit_window(light: Light, camera: Camera) -> Window | None:
    """The part of the picture in which a light can matter: all of it for a near one."""
    x, y, z = light.position
    near = z - _LIT_METRES
    if near < 4:
        return camera.whole()
    corners = [(x + a * _LIT_METRES, y + b * _LIT_METRES, near) for a in (-1, 1) for b in (-1, 1)]
    outline = camera.project(floats(corners))
    left, top = np.maximum(outline.min(0), 0).astype(int)
    right, bottom = np.minimum(outline.max(0) + 1, (camera.width, camera.height)).astype(int)
    return (slice(top, bottom), slice(left, right)) if right > left and bottom > top else None


def _reaching(light: Light, place: tuple[Field, Field, Field], normal: Field) -> Field:
    """Irradiance that a light of intensity 1 gives to each surface, `(h, w)`."""
    x, y, z = (np.float32(at) - here for at, here in zip(light.position, place, strict=True))
    square = x * x + y * y + z * z + np.float32(0.15)
    inverse = 1 / np.sqrt(square)
    facing = (normal[..., 0] * x + normal[..., 1] * y + normal[..., 2] * z) * inverse
    # light that comes from the side still wraps a little round leaves, cloth and rough plaster
    share = np.maximum(facing * np.float32(0.88) + np.float32(0.12), 0) / square
    if light.aim is None:
        return share
    ahead = -(light.aim[0] * x + light.aim[1] * y + light.aim[2] * z) * inverse
    return share * smoothstep(light.spread, min(light.spread + 0.5, 0.995), ahead)


def _mirrored(surfaces: Surfaces, across: Field, up: Field, darkness: float) -> Field:
    """What shiny surfaces reflect of the sky: bright where they look up, dark where they look at the ground."""
    normal = surfaces.normal
    along = across * normal[..., 0] + up * normal[..., 1] + normal[..., 2]
    rise = up - 2 * along * normal[..., 1]
    run = np.hypot(across - 2 * along * normal[..., 0], 1 - 2 * along * normal[..., 2])
    slope = rise / np.maximum(run, 0.05)
    lower = smoothstep(-0.15, 0.12, slope)[..., None]
    return sky_light(np.clip(slope, 0, 1), darkness) * (0.22 + 0.78 * lower)
