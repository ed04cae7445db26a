"""A road between buildings: lamps, trees, parked and driving cars, people on the pavements and crossing."""

from __future__ import annotations

import numpy as np

from imfuse.scenes.animals_bicycles import cyclist
from imfuse.scenes.buildings import building
from imfuse.scenes.camera import View
from imfuse.scenes.cars import car
from imfuse.scenes.furniture import cone, sign, street_lamp
from imfuse.scenes.layout import LAMP_TINTS, Layout, Weather, assemble, draw_weather, spread
from imfuse.scenes.objects import Light, Thing
from imfuse.scenes.people import person
from imfuse.scenes.plants import bush, tree, treeline
from imfuse.scenes.street import Street


def plan_road(rng: np.random.Generator) -> Layout:
    """A street by chance."""
    weather = draw_weather(rng)
    street = Street(
        middle=rng.uniform(-2.6, -0.9),
        bend=rng.normal(0, 0.0009),
        half=rng.uniform(3.4, 4.4),
        pavement=rng.uniform(2.2, 3.6),
        crossing=rng.uniform(10, 17) if rng.random() < 0.55 else None,
        verge=bool(rng.random() < 0.4),
        wet=float(max(0.0, rng.uniform(-0.9, 0.9))),
    )
    view = View(rng.uniform(-0.07, 0.07), rng.uniform(0.40, 0.47), rng.uniform(1.5, 1.9))
    things = [treeline(rng, 190.0, 150.0, 16.0, weather.air)]
    things += _buildings(rng, street, weather) + _greenery(rng, street, weather)
    lamps, lights = _lamps(rng, street, weather)
    cars, beams = _cars(rng, street, weather)
    things += lamps + cars + _people(rng, street, weather) + _signs(rng, street, weather)
    return assemble(rng, street, things, lights + beams, weather=weather, view=view)


def _buildings(rng: np.random.Generator, street: Street, weather: Weather) -> list[Thing]:
    blocks = []
    for side in (-1.0, 1.0):
        z = rng.uniform(3.0, 9.0)
        while z < 130:
            length, height = rng.uniform(9, 20), rng.choice([rng.uniform(4, 7), rng.uniform(8, 19)], p=[0.3, 0.7])
            across = side * (
                street.half + street.pavement + rng.uniform(0.2 + 3.0 * street.verge, 3.0 + 4.0 * street.verge)
            )
            near, far = (street.x(across, z), z), (street.x(across, z + length), z + length)
            if rng.random() < 0.86:
                blocks.append(building(rng, near, far, float(height), weather.air))
            z += length + (rng.uniform(3, 14) if rng.random() < 0.4 else 0.3)
    return blocks


def _greenery(rng: np.random.Generator, street: Street, weather: Weather) -> list[Thing]:
    plants = []
    for side in (-1.0, 1.0):
        if rng.random() < 0.75:
            for z in spread(rng, rng.uniform(9, 20), 95, rng.uniform(9, 16), 1.5):
                across = side * (street.half + 0.7 * street.pavement + 2.0 * street.verge)
                plants.append(tree(rng, street.x(across, z), z, rng.uniform(5, 9), weather.air))
        if street.verge:
            for z in spread(rng, 8, 50, 3.5, 1.0):
                across = side * (street.half + street.pavement + rng.uniform(0.8, 2.0))
                plants.append(bush(rng, street.x(across, z), z, wide=1.1, tall=rng.uniform(0.8, 1.4), air=weather.air))
    return plants


def _lamps(rng: np.random.Generator, street: Street, weather: Weather) -> tuple[list[Thing], list[Light]]:
    tint, height, power = LAMP_TINTS[int(rng.integers(3))], rng.uniform(5.6, 7.2), rng.uniform(0.35, 1.1)
    sides = [(-1.0,), (1.0,), (-1.0, 1.0)][int(rng.integers(3))]
    things, lights = [], []
    for side in sides:
        for z in spread(rng, rng.uniform(10, 20), 110, rng.uniform(22, 32), 1.0):
            across = side * (street.half + 0.45)
            lamp, light = street_lamp(
                street.x(across, z), z, reach=-side * 1.7, height=height, tint=tint, power=power, air=weather.air
            )
            things.append(lamp)
            lights.append(light)
    return things, lights


def _cars(rng: np.random.Generator, street: Street, weather: Weather) -> tuple[list[Thing], list[Light]]:
    """Oncoming cars on the left, cars ahead on the right, parked ones at the kerbs."""
    places: list[tuple[float, float, float, bool]] = []
    oncoming = rng.uniform(17, 34)
    places.append((-0.5 * street.half, oncoming, rng.normal(0, 0.03), True))
    if rng.random() < 0.6:
        places.append((-0.5 * street.half, oncoming + rng.uniform(12, 30), 0.0, True))
    if rng.random() < 0.75:
        places.append((0.5 * street.half, rng.uniform(22, 45), np.pi, True))
    side = 1.0 if rng.random() < 0.6 else -1.0
    for z in spread(rng, rng.uniform(9, 15), 60, rng.uniform(6.5, 11), 0.6):
        free = street.crossing is None or abs(z - street.crossing) > 5
        if free and rng.random() < 0.6 and not (side < 0 and abs(z - oncoming) < 6):
            places.append((side * (street.half - 0.75), z, np.pi if side > 0 else 0.0, False))
    things, lights = [], []
    for across, z, heading, drives in places:
        warm = drives or bool(rng.random() < 0.25)
        turn = heading - 2 * street.bend * z
        thing, beams = car(rng, street.x(across, z), z, turn, weather.air, warm=warm, lit=drives)
        things.append(thing)
        lights += beams if z < 70 else ()
    return things, lights


def _people(rng: np.random.Generator, street: Street, weather: Weather) -> list[Thing]:
    people = []
    for _ in range(int(rng.integers(3, 7))):
        side = 1.0 if rng.random() < 0.5 else -1.0
        z, across = rng.uniform(7.5, 30), side * (street.half + rng.uniform(0.5, street.pavement - 0.3))
        heading = (0.0 if rng.random() < 0.5 else np.pi) + rng.normal(0, 0.4)
        people.append(person(rng, street.x(across, z), z, heading, weather.air))
        if rng.random() < 0.3:
            people.append(person(rng, street.x(across + side * 0.55, z), z + 0.2, heading, weather.air))
    z = street.crossing or rng.uniform(9, 16)
    for _ in range(int(rng.integers(1, 3))):
        across = rng.uniform(-0.9, 0.9) * street.half
        heading = (1 if rng.random() < 0.5 else -1) * np.pi / 2 + rng.normal(0, 0.15)
        people.append(person(rng, street.x(across, z), z + rng.uniform(-1.2, 1.2), heading, weather.air))
    if rng.random() < 0.45:
        z = rng.uniform(9, 24)
        heading = float(rng.choice([0.3, 2.9, 1.5]))
        people += cyclist(rng, street.x(0.72 * street.half, z), z, heading, weather.air)
    return people


def _signs(rng: np.random.Generator, street: Street, weather: Weather) -> list[Thing]:
    things = []
    for side in (-1.0, 1.0):
        across = side * (street.half + 0.35)
        places = spread(rng, rng.uniform(8, 22), 60, 21, 4)
        things += [sign(rng, street.x(across, z), z, weather.air) for z in places]
    if rng.random() < 0.4:
        start = rng.uniform(8, 14)
        things += [
            cone(street.x(street.half - 0.3, z), z, weather.air) for z in spread(rng, start, start + 9, 2.2, 0.2)
        ]
    return things
