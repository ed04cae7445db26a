"""Cars of several makes, built from a side profile that is swept across their width."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from imfuse.scenes.arrays import Field, floats
from imfuse.scenes.car_makes import MAKES, Finish, Make, choose_finish
from imfuse.scenes.labels import Label
from imfuse.scenes.objects import Colour, Light, Material, Part, Points, Thing
from imfuse.scenes.shapes import Outline, box, ellipse, smooth


@dataclass(frozen=True)
class _Frame:
    """Car coordinates (left of the car, up, behind the nose) to the world."""

    x: float
    z: float
    cos: float
    sin: float

    def place(self, points: Field) -> Points:
        side, up, back = points[:, 0], points[:, 1], points[:, 2]
        x = self.x + side * self.cos + back * self.sin
        return np.stack([x, up, self.z - side * self.sin + back * self.cos], 1).astype(np.float32)

    def turn(self, normal: tuple[float, float, float]) -> tuple[float, float, float]:
        side, up, back = normal
        return side * self.cos + back * self.sin, up, -side * self.sin + back * self.cos


def car(
    rng: np.random.Generator, x: float, z: float, heading: float, air: float, *, warm: bool, lit: bool
) -> tuple[Thing, tuple[Light, ...]]:
    """A car whose middle stands at ground point (x, z), and the lights of its lamps.

    Args:
        rng: chooses make and colour.
        x: metres to the right.
        z: metres ahead.
        heading: 0 comes towards the camera, pi goes away from it.
        air: degrees Celsius.
        warm: whether the engine runs or ran.
        lit: whether the lamps are on.
    """
    make = MAKES[int(rng.integers(len(MAKES)))]
    finish = choose_finish(rng, air, warm=warm, lit=lit)
    half_length = make.length / 2
    cos, sin = float(np.cos(heading)), float(np.sin(heading))
    frame = _Frame(x - half_length * sin, z - half_length * cos, cos, sin)
    faces = _shell(make, finish, frame)
    faces += _side(make, finish, frame, 1.0) + _side(make, finish, frame, -1.0)
    parts = tuple(_underneath(make, finish, frame)) + tuple(_visible(faces))
    corners = _corners(make, frame)
    foot = (x, z, abs(make.half * cos) + half_length * abs(sin), half_length * abs(cos) + make.half * abs(sin))
    thing = Thing(Label.CAR, parts, z - 0.8 * half_length * abs(cos), (corners,), foot)
    return thing, _beams(make, frame) if lit else ()


_Face = tuple[list[Part], Points]


def _visible(faces: list[_Face]) -> list[Part]:
    """The faces that look towards the camera, the far ones first."""

    def sees(face: _Face) -> bool:
        centre = face[1].mean(0) - floats([0, 1.5, 0])
        return float(np.dot(centre, face[0][0].normal)) < 0

    shown = sorted((face for face in faces if sees(face)), key=lambda face: -float(np.linalg.norm(face[1].mean(0))))
    return [part for face in shown for part in face[0]]


def _half_width(make: Make, back: float, up: float) -> float:
    """The body narrows towards the roof and at the corners of its plan."""
    length = make.length
    roof = make.roof
    lean = max(0.0, up - make.belt) / (roof - make.belt)
    corner = min(back, length - back, 0.5)
    return make.half * (1 - 0.26 * lean) * (0.84 + 0.16 * float(np.sqrt(corner / 0.5)))


def _shell(make: Make, finish: Finish, frame: _Frame) -> list[_Face]:
    """Strips across the car from the front bumper over bonnet, glass and roof to the rear bumper."""
    path = smooth(make.profile, 2, closed=False)
    faces: list[_Face] = []
    for (z0, y0), (z1, y1) in pairwise(path):
        w0, w1 = _half_width(make, z0, y0), _half_width(make, z1, y1)
        strip = floats([[-w0, y0, z0], [w0, y0, z0], [w1, y1, z1], [-w1, y1, z1]])
        length = float(np.hypot(z1 - z0, y1 - y0)) + 1e-6
        normal = frame.turn((0.0, float(z1 - z0) / length, float(y0 - y1) / length))
        points = frame.place(strip)
        faces.append(([Part((points,), _strip_material(make, finish, (z0 + z1) / 2, (y0 + y1) / 2), normal)], points))
    return [*faces, _end(make, finish, frame, True), _end(make, finish, frame, False)]


def _strip_material(make: Make, finish: Finish, back: float, up: float) -> Material:
    if up > make.belt + 0.03 and any(start <= back <= stop for start, stop in make.panes):
        return finish.glass
    if back < make.panes[0][0] and up > 0.5:
        return finish.hood
    return finish.body


def _end(make: Make, finish: Finish, frame: _Frame, front: bool) -> _Face:
    """Lamps, grille, bumper and plate, on a plane just before the nose or behind the tail."""
    length = make.length
    back = -0.02 if front else length + 0.02
    wide, low = 0.80 * make.half, 0.62 * make.belt

    def part(outlines: list[Outline], material: Material) -> Part:
        contours = [np.insert(outline, 2, back, axis=1) for outline in outlines]
        return Part(
            tuple(frame.place(c.astype(np.float32)) for c in contours), material, frame.turn((0, 0, -1 if front else 1))
        )

    lamp = finish.front_lamp if front else finish.rear_lamp
    lamps = [smooth(_lamp(sign * wide, low, front), 1) for sign in (-1.0, 1.0)]
    plate = box(-0.26, 0.42, 0.26, 0.53) if front else box(-0.26, low + 0.02, 0.26, low + 0.13)
    grille = [smooth([(-0.42, low - 0.06), (0.42, low - 0.06), (0.46, low + 0.08), (-0.46, low + 0.08)], 1)]
    intake = [smooth([(-0.6, 0.30), (0.6, 0.30), (0.55, 0.40), (-0.55, 0.40)], 1)]
    parts = [part(intake, finish.dark)] + ([part(grille, finish.dark)] if front else [])
    parts += [part([plate], finish.plate), part(lamps, lamp)]
    return parts, parts[0].contours[0]


def _lamp(x: float, y: float, front: bool) -> list[tuple[float, float]]:
    inwards = -np.sign(x)
    reach, tall = (0.30, 0.13) if front else (0.17, 0.20)
    return [(x, y + tall), (x, y - 0.03), (x + inwards * reach, y), (x + inwards * reach, y + 0.8 * tall)]


def _side(make: Make, finish: Finish, frame: _Frame, sign: float) -> list[_Face]:
    """One flank: body, side windows, wheels."""
    path = smooth(make.profile, 2, closed=False)
    roof = float(path[:, 1].max())

    def part(outline: Outline, material: Material, out: float = 0.0) -> Part:
        widths = [_half_width(make, float(z), float(y)) for z, y in outline]
        points = np.stack([sign * (floats(widths) + out), outline[:, 1], outline[:, 0]], 1)
        return Part((frame.place(points.astype(np.float32)),), material, frame.turn((sign, 0.0, 0.0)))

    (start, crest), (fall, stop) = make.panes
    glass = [
        (start + 0.12, make.belt),
        (crest + 0.02, roof - 0.10),
        (fall - 0.1, roof - 0.11),
        (stop - 0.28, make.belt),
    ]
    middle = 0.5 * (crest + fall) - 0.05
    pillar = box(middle - 0.04, make.belt - 0.02, middle + 0.04, roof - 0.05)
    parts = [part(path, finish.body), part(floats(glass), finish.glass), part(pillar, finish.body)]
    parts.append(part(box(0.5, 0.22, float(path[:, 0].max()) - 0.5, 0.30), finish.dark))
    for axle in make.wheels:
        parts += [
            part(ellipse(axle, 0.33, 0.38, 0.40), finish.dark),
            part(ellipse(axle, 0.31, 0.31, 0.31), finish.tyre),
        ]
        parts += [part(ellipse(axle, 0.31, 0.20, 0.20), finish.rim), part(ellipse(axle, 0.31, 0.06, 0.06), finish.dark)]
    return [(parts, parts[0].contours[0])]


def _underneath(make: Make, finish: Finish, frame: _Frame) -> list[Part]:
    """The dark space under the body and the ends of the tyres, seen between car and road."""
    length = make.length
    parts = []
    for back in sorted(
        (make.wheels[0] - 0.2, make.wheels[1] + 0.2), key=lambda b: -frame.place(floats([[0, 0, b]]))[0, 2]
    ):
        inner = 0.62 * make.half
        floor = np.insert(box(-0.8 * make.half, 0.12, 0.8 * make.half, 0.42), 2, back, axis=1).astype(np.float32)
        tyres = [np.insert(box(s * inner, 0.0, s * 0.92 * make.half, 0.5), 2, back, axis=1) for s in (-1, 1)]
        normal = frame.turn((0.0, 0.0, -1.0 if back < length / 2 else 1.0))
        parts.append(Part((frame.place(floor),), finish.dark, normal))
        parts.append(Part(tuple(frame.place(t.astype(np.float32)) for t in tyres), finish.tyre, normal))
    return parts


def _corners(make: Make, frame: _Frame) -> Points:
    """The outline of the car from the side, in its middle plane: what blocks light."""
    path = smooth(make.profile, 1, closed=False)
    return frame.place(np.stack([np.zeros(len(path)), path[:, 1], path[:, 0]], 1).astype(np.float32))


def _beams(make: Make, frame: _Frame) -> tuple[Light, ...]:
    """Two headlamps that shine ahead and a little down, and a red glow behind."""
    low, length = 0.66 * make.belt, make.length
    ahead, behind = frame.turn((0.0, -0.10, -0.995)), frame.turn((0.0, 0.0, 1.0))
    spots = frame.place(floats([[-0.62, low, -0.25], [0.62, low, -0.25], [0.0, low, length + 0.3]]))
    lamps = [Light(_spot(spot), (9.0, 8.6, 7.8), ahead, 0.86) for spot in spots[:2]]
    return (*lamps, Light(_spot(spots[2]), (0.10, 0.004, 0.003), behind, 0.2))


def _spot(point: Field) -> Colour:
    x, y, z = (float(value) for value in point)
    return x, y, z
