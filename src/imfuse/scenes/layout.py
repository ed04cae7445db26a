"""The plan of a scene: ground, things, lights and weather, before any pixel is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from imfuse.scenes.camera import View
from imfuse.scenes.labels import Label
from imfuse.scenes.meadow import Meadow
from imfuse.scenes.objects import Colour, Light, Thing
from imfuse.scenes.street import Street

BACKDROP = 140.0
"""Metres from which a thing stands behind all buildings."""

LAMP_TINTS: tuple[Colour, ...] = ((1.0, 0.62, 0.28), (1.0, 0.80, 0.55), (0.88, 0.97, 1.0))


@dataclass(frozen=True)
class Weather:
    """What holds for the whole scene.

    Attributes:
        air: degrees Celsius.
        zenith: apparent temperature of the sky overhead.
        clouds: 0 for a clear to 1 for a covered sky.
        sun: direction from the ground to the sun, of length 1.
        place: offset into the noise, so that each scene has its own clouds.
    """

    air: float
    zenith: float
    clouds: float
    sun: Colour
    place: float


@dataclass(frozen=True, eq=False)
class Layout:
    """Everything that the two renderers read.

    Attributes:
        ground: what lies below the horizon.
        things: from far to near.
        lights: lamps and headlights.
        weather: air, sky and sun.
        view: where the camera stands.
        coldest: apparent temperature that the thermal camera shows black.
        hottest: apparent temperature that it shows white.
    """

    ground: Street | Meadow
    things: tuple[Thing, ...]
    lights: tuple[Light, ...]
    weather: Weather
    view: View
    coldest: float
    hottest: float


def draw_weather(rng: np.random.Generator) -> Weather:
    """Air, sky and sun by chance."""
    high, turn = np.radians(rng.uniform(22, 50)), np.radians(rng.uniform(-70, 70))
    side = 1 if rng.random() < 0.7 else -1
    level = float(np.cos(high))
    sun = (level * float(np.sin(turn)), float(np.sin(high)), -side * level * float(np.cos(turn)))
    clouds, air = rng.uniform(0, 1), rng.uniform(6, 15)
    return Weather(float(air), float(air - 36 + 22 * clouds), float(clouds), sun, float(rng.uniform()))


def assemble(
    rng: np.random.Generator,
    ground: Street | Meadow,
    things: Iterable[Thing],
    lights: Iterable[Light],
    *,
    weather: Weather,
    view: View,
) -> Layout:
    """Put the plan together: things sorted from far to near, the thermal range around the air's temperature."""
    ordered = tuple(sorted(things, key=_painting_order))
    coldest = weather.air - rng.uniform(-1.0, 15.0)
    return Layout(ground, ordered, tuple(lights), weather, view, float(coldest), float(rng.uniform(34.0, 38.0)))


def _painting_order(thing: Thing) -> tuple[int, float]:
    """The far edge of the world, then the buildings, then what stands before them; each from far to near.

    A wall runs through many depths, but nothing of the street is ever behind the line of the fronts.
    """
    layer = 0 if thing.depth > BACKDROP else 1 if thing.label == Label.BUILDING else 2
    return layer, -thing.depth


def spread(rng: np.random.Generator, start: float, stop: float, step: float, jitter: float) -> list[float]:
    """Places from `start` to `stop` about `step` apart, each moved by up to `jitter`."""
    places = np.arange(start, stop, step)
    return [float(place) for place in places + rng.uniform(-jitter, jitter, len(places))]
