"""A park: a path through grass, trees, benches, lanterns, people, dogs and bicycles."""

from __future__ import annotations

import numpy as np

from imfuse.scenes.animals_bicycles import cyclist, dog
from imfuse.scenes.camera import View
from imfuse.scenes.furniture import bench, park_lamp
from imfuse.scenes.layout import LAMP_TINTS, Layout, Weather, assemble, draw_weather, spread
from imfuse.scenes.meadow import Meadow
from imfuse.scenes.objects import Light, Thing
from imfuse.scenes.people import person
from imfuse.scenes.plants import bush, tree, treeline


def plan_park(rng: np.random.Generator) -> Layout:
    """A park by chance."""
    weather = draw_weather(rng)
    meadow = Meadow(
        start=rng.uniform(-1.2, 1.2),
        slope=rng.uniform(-0.06, 0.06),
        swing=rng.uniform(-2.2, 2.2),
        turn=rng.uniform(7, 13),
        half=rng.uniform(1.2, 2.0),
        paved=bool(rng.random() < 0.5),
        dry=float(rng.uniform(0.1, 0.7)),
    )
    view = View(rng.uniform(-0.07, 0.07), rng.uniform(0.38, 0.46), rng.uniform(1.5, 1.8))
    things = [treeline(rng, 120.0, 100.0, 14.0, weather.air), treeline(rng, 70.0, 62.0, 8.0, weather.air)]
    lamps, lights = _lamps(rng, meadow, weather)
    things += _trees(rng, meadow, weather) + lamps + _benches(rng, meadow, weather)
    things += _people(rng, meadow, weather)
    return assemble(rng, meadow, things, lights, weather=weather, view=view)


def _away(rng: np.random.Generator, meadow: Meadow, z: float, near: float, far: float) -> float:
    """World X at a depth, on either side of the path, between two distances from its edge."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    return float(meadow.x(side * (meadow.half + rng.uniform(near, far)), z))


def _trees(rng: np.random.Generator, meadow: Meadow, weather: Weather) -> list[Thing]:
    plants = [
        tree(rng, _away(rng, meadow, z, 1.6, 4 + 0.45 * z), z, rng.uniform(6, 12), weather.air)
        for z in spread(rng, 11, 62, 3.2, 1.2)
    ]
    for z in spread(rng, 9, 45, 4.5, 2.0):
        x = _away(rng, meadow, z, 1.5, 3 + 0.4 * z)
        plants.append(bush(rng, x, z, wide=rng.uniform(0.8, 1.8), tall=rng.uniform(0.8, 1.7), air=weather.air))
    return plants


def _lamps(rng: np.random.Generator, meadow: Meadow, weather: Weather) -> tuple[list[Thing], list[Light]]:
    tint = LAMP_TINTS[int(rng.integers(3))]
    things, lights = [], []
    for index, z in enumerate(spread(rng, rng.uniform(9, 13), 60, rng.uniform(11, 15), 1.0)):
        side = 1.0 if index % 2 else -1.0
        lamp, light = park_lamp(float(meadow.x(side * (meadow.half + 0.6), z)), z, tint, weather.air)
        things.append(lamp)
        lights.append(light)
    return things, lights


def _benches(rng: np.random.Generator, meadow: Meadow, weather: Weather) -> list[Thing]:
    places = spread(rng, rng.uniform(8, 12), 40, 9, 2)
    return [bench(rng, _away(rng, meadow, z, 0.9, 1.5), z, weather.air) for z in places]


def _people(rng: np.random.Generator, meadow: Meadow, weather: Weather) -> list[Thing]:
    things = []
    for _ in range(int(rng.integers(3, 6))):
        z, across = rng.uniform(7, 26), rng.uniform(-0.8, 0.8) * meadow.half
        x, heading = float(meadow.x(across, z)), (0.0 if rng.random() < 0.6 else np.pi) + rng.normal(0, 0.5)
        things.append(person(rng, x, z, heading, weather.air))
        if rng.random() < 0.35:
            things.append(dog(rng, x + rng.choice([-0.8, 0.8]), z - 0.2, weather.air))
    for _ in range(int(rng.integers(1, 4))):
        z = rng.uniform(8, 24)
        things.append(person(rng, _away(rng, meadow, z, 0.8, 4.5), z, rng.uniform(0, 2 * np.pi), weather.air))
    if rng.random() < 0.6:
        z = rng.uniform(8, 20)
        things += cyclist(
            rng, float(meadow.x(0.4 * meadow.half, z)), z, float(rng.choice([0.4, 2.8, 1.4, -1.4])), weather.air
        )
    return things
