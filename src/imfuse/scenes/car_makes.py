"""Body styles of cars, their side profiles, and what they are painted with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imfuse.scenes.objects import Material
from imfuse.scenes.textures import rgb

_PAINTS = ["c9ccd0", "8b9096", "1b1d21", "e8e8e6", "5a1618", "1c2c4a", "46505a", "2d3a33", "a89f8c", "7c1d1d"]


@dataclass(frozen=True)
class Make:
    """A body style: its side profile from the front bumper over the roof to the rear one.

    Attributes:
        profile: (metres behind the nose, metres up).
        half: half of the width at the belt line.
        belt: height of the lower edge of the side windows.
        panes: spans of the windscreen and of the rear window along the car.
        wheels: metres behind the nose of the axles.
    """

    profile: tuple[tuple[float, float], ...]
    half: float
    belt: float
    panes: tuple[tuple[float, float], tuple[float, float]]
    wheels: tuple[float, float]

    @property
    def length(self) -> float:
        """Metres from the nose to the tail."""
        return max(point[0] for point in self.profile)

    @property
    def roof(self) -> float:
        """Metres from the ground to the top."""
        return max(point[1] for point in self.profile)


SEDAN = Make(
    (
        (0.08, 0.22),
        (0.0, 0.38),
        (0.02, 0.60),
        (0.18, 0.76),
        (1.10, 0.93),
        (1.85, 1.40),
        (2.35, 1.46),
        (2.95, 1.42),
        (3.70, 1.04),
        (4.25, 1.02),
        (4.42, 0.90),
        (4.45, 0.45),
        (4.38, 0.22),
    ),
    0.89,
    0.93,
    ((1.15, 1.90), (2.95, 3.70)),
    (0.88, 3.52),
)
HATCH = Make(
    (
        (0.06, 0.22),
        (0.0, 0.40),
        (0.03, 0.66),
        (0.20, 0.82),
        (0.85, 1.00),
        (1.55, 1.48),
        (2.20, 1.55),
        (3.25, 1.50),
        (3.75, 1.05),
        (3.88, 0.95),
        (3.92, 0.45),
        (3.86, 0.22),
    ),
    0.86,
    0.97,
    ((0.90, 1.58), (3.25, 3.75)),
    (0.78, 3.20),
)
SUV = Make(
    (
        (0.06, 0.28),
        (0.0, 0.48),
        (0.02, 0.80),
        (0.20, 0.98),
        (1.00, 1.12),
        (1.65, 1.66),
        (2.30, 1.74),
        (3.95, 1.68),
        (4.40, 1.15),
        (4.50, 1.05),
        (4.54, 0.50),
        (4.46, 0.28),
    ),
    0.94,
    1.12,
    ((1.05, 1.68), (3.95, 4.40)),
    (0.92, 3.66),
)
MAKES = (SEDAN, HATCH, SUV)


@dataclass(frozen=True)
class Finish:
    """The materials of one car."""

    body: Material
    glass: Material
    tyre: Material
    rim: Material
    dark: Material
    hood: Material
    plate: Material
    front_lamp: Material
    rear_lamp: Material


def choose_finish(rng: np.random.Generator, air: float, *, warm: bool, lit: bool) -> Finish:
    """A colour by chance; a running engine warms bonnet, bumper and wheels, and the panes stay cold."""
    paint = rgb(str(rng.choice(_PAINTS)))
    skin = air + (3.0 if warm else -0.5)
    rubber = air + (15.0 if warm else 0.5)
    front = (7.0, 6.6, 5.8) if lit else (0.0, 0.0, 0.0)
    rear = (0.9, 0.03, 0.02) if lit else (0.0, 0.0, 0.0)
    return Finish(
        body=Material(paint, skin, 0.86, gloss=0.16, grain=0.02, heat_grain=0.4),
        glass=Material((0.02, 0.024, 0.026), air + 0.5, 0.80, gloss=0.34, grain=0.05, heat_grain=0.2),
        tyre=Material((0.014, 0.014, 0.015), rubber, 0.96, grain=0.1),
        rim=Material((0.28, 0.28, 0.30), rubber - 4 * warm, 0.80, gloss=0.2, grain=0.05),
        dark=Material((0.010, 0.010, 0.011), air + (9.0 if warm else 0.0), 0.95, grain=0.05),
        hood=Material(paint, air + (11.0 if warm else -0.5), 0.90, gloss=0.18, grain=0.02, heat_grain=1.2),
        plate=Material((0.62, 0.62, 0.58), skin, 0.8, grain=0.03),
        front_lamp=Material((0.55, 0.56, 0.58), air + (12.0 if lit else 1.0), 0.9, front, 0.3, 0.02),
        rear_lamp=Material((0.30, 0.015, 0.012), air + (4.0 if lit else 0.5), 0.9, rear, 0.1, 0.02),
    )
