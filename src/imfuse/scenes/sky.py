"""The sky as both cameras see it."""

from __future__ import annotations

import numpy as np

from imfuse.scenes.arrays import Field, floats
from imfuse.scenes.layout import Weather
from imfuse.scenes.textures import noise, smoothstep


def sky_light(up: Field, darkness: float) -> Field:
    """Radiance `(..., 3)` of the clear sky by the slope of the view upwards: day, dusk or night.

    Args:
        up: Y/Z of the view, any shape; negative values give the horizon.
        darkness: 0 for day to 1 for night.
    """
    height = np.clip(up / 0.9, 0, 1)[..., None]
    day = _between((0.78, 0.84, 0.92), (0.16, 0.34, 0.70), height**0.55)
    dusk = _between((0.95, 0.50, 0.26), (0.16, 0.22, 0.42), height**0.45)
    night = _between((1.25, 0.95, 0.72), (0.10, 0.13, 0.24), height**0.40)
    if darkness < 0.5:
        return (day + 2 * darkness * (dusk - day)) * np.float32(ambient_level(darkness))
    share = 2 * darkness - 1
    return (dusk + share * (0.55 * night - dusk)) * np.float32(ambient_level(darkness))


def _between(low: tuple[float, ...], high: tuple[float, ...], share: Field) -> Field:
    return floats(low) + share * (floats(high) - floats(low))


def ambient_level(darkness: float) -> float:
    """Light of the open sky relative to that of a bright day."""
    return float(np.exp(np.log(0.0035) * darkness**0.9))


def cloud_cover(across: Field, up: Field, weather: Weather) -> Field:
    """Share of each view direction that is covered by clouds, in [0, 1]; they crowd towards the horizon."""
    far = 1 / (np.maximum(up, 0) + 0.10)
    field = noise(across * far * 0.07 + weather.place, far * 0.09 + weather.place, "cloud")
    low = 1.3 - 2.4 * weather.clouds
    return smoothstep(low, low + 1.3, field + 0 * across)


def visible_sky(across: Field, up: Field, weather: Weather, darkness: float) -> Field:
    """Radiance of the sky with its clouds, `(h, w, 3)`."""
    clear = sky_light(up + 0 * across, darkness)
    clouds = cloud_cover(across, up, weather)[..., None]
    pale = sky_light(floats([0.05]), darkness).mean() * floats([1.0, 0.98, 0.98])
    return clear + 0.75 * clouds * (0.92 * pale - clear)


def thermal_sky(across: Field, up: Field, weather: Weather) -> Field:
    """Apparent temperature of the sky, `(h, w)`: near that of the air at the horizon, far below it overhead."""
    height = np.clip(up / 0.6, 0, 1) ** 0.55
    clear = weather.air - 1.0 + height * (weather.zenith - weather.air)
    clouds = cloud_cover(across, up, weather)
    return (clear + clouds * 0.45 * (weather.air - 4.0 - clear)).astype(np.float32)
