"""What stands between the scene and the file: fog, glare, exposure, noise and misalignment."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from imfuse.scenes.arrays import Field, floats
from imfuse.scenes.controls import Controls
from imfuse.scenes.sky import ambient_level, sky_light

_CLEAREST_FOG = 400.0
_DENSEST_FOG = 11.0


def add_fog(radiance: Field, depth: Field, fog: float, darkness: float) -> Field:
    """Koschmieder's law: what is far fades into the light that the fog scatters.

    Args:
        radiance: `(h, w, 3)` linear light.
        depth: `(h, w)` metres.
        fog: 0 for none to 1 for an optical depth of 1 after 11 m.
        darkness: sets how much light the fog has to scatter.
    """
    if fog == 0:
        return radiance
    reach = _CLEAREST_FOG * (_DENSEST_FOG / _CLEAREST_FOG) ** fog
    clear = np.exp(-depth / reach)[..., None]
    veil = 0.8 * sky_light(floats([0.1]), darkness)[0].mean() * floats([1.0, 1.0, 1.02])
    # lamps light the fog as well: it glows like a wide blur of the scene
    lit = _wide_blur(np.minimum(radiance, 4), 0.10) if min(depth.shape) > 1 else radiance
    return radiance * clear + (1 - clear) * (veil + 0.5 * lit)


def expose(radiance: Field, darkness: float, glare: float) -> Field:
    """Bring linear light into [0, 1] display values, with glare round what is brighter than white.

    Args:
        radiance: `(h, w, 3)` linear light.
        darkness: a camera opens up at dusk, though not by as much as the light falls; at night even lit places
            are under-exposed.
        glare: 0 for a clean lens to 1 for blinding lights and burnt-out highlights.
    """
    opened = 1.15 * ambient_level(min(darkness, 0.6)) ** -0.56
    gain = opened * (1 - 1.6 * max(darkness - 0.6, 0)) * (1 + 1.3 * glare**1.5)
    exposed = radiance * np.float32(gain)
    exposed = exposed + _bloom(exposed, glare)
    return (1 - np.exp(-1.25 * exposed)) ** np.float32(1 / 2.2)


def _bloom(exposed: Field, glare: float) -> Field:
    over = np.minimum(np.maximum(exposed - 0.9, 0), 30 + 120 * glare)
    near, middle, wide = (_wide_blur(over, share) for share in (0.006, 0.025, 0.11))
    return (0.10 + 0.25 * glare) * near + (0.03 + 0.22 * glare) * middle + (0.008 + 0.16 * glare) * wide


def _wide_blur(picture: Field, share: float) -> Field:
    """Gaussian blur with a deviation of `share` of the picture's height, done small for speed."""
    height, width = picture.shape[:2]
    sigma = share * max(height, 0.75 * width)
    step = max(1, int(sigma / 3))
    small = cv2.resize(picture, (max(width // step, 1), max(height // step, 1)), interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), max(sigma / step, 0.2))
    return cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR)


def visible_noise(picture: Field, controls: Controls, rng: np.random.Generator) -> Field:
    """Shot and read noise of a colour camera; both grow with the gain that darkness asks for."""
    if controls.noise == 0:
        return picture
    strength = controls.noise * (0.018 + 0.045 * controls.darkness)
    grain = rng.standard_normal(picture.shape, np.float32)
    blotch = cv2.GaussianBlur(rng.standard_normal(picture.shape, np.float32), (0, 0), 1.2) * 2.0
    signal = 0.55 + 0.45 * np.sqrt(np.maximum(picture, 0))
    return picture + np.float32(strength) * signal * (0.7 * grain + 0.6 * blotch)


def thermal_noise(signal: Field, noise: float, rng: np.random.Generator) -> Field:
    """Random noise of each pixel, and the fixed stripes of an uncooled detector's columns."""
    if noise == 0:
        return signal
    grain = rng.standard_normal(signal.shape, np.float32)
    stripes = rng.standard_normal((1, signal.shape[1]), np.float32)
    return signal + np.float32(0.035 * noise) * grain + np.float32(0.016 * noise) * stripes


def misalign(height: int, width: int, reach: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A Euclidean matrix 3x3 from infrared to visible pixels that moves no pixel by more than `reach`.

    A rotation about the centre takes up to a third of the reach at the corners, the shift the rest.
    """
    if reach == 0:
        return np.eye(3)
    radius = max(np.hypot(height - 1, width - 1) / 2, 1.0)
    turn = rng.uniform(-1, 1) * min(reach / 3 / radius, 0.2)
    way, step = rng.uniform(0, 2 * np.pi), reach * rng.uniform(0.45, 0.66)
    cos, sin = np.cos(turn), np.sin(turn)
    cx, cy = (width - 1) / 2, (height - 1) / 2
    x = cx - cos * cx + sin * cy + step * np.cos(way)
    y = cy - sin * cx - cos * cy + step * np.sin(way)
    return np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1]])


def see_through(signal: Field, matrix: NDArray[np.float64], margin: int, size: tuple[int, int]) -> Field:
    """The infrared picture `(h, w)`: at each of its pixels, what the visible frame holds where the matrix leads.

    Args:
        signal: thermal signal in the visible frame with `margin` pixels more at each side.
        matrix: from infrared to visible pixels.
        margin: rows and columns of reserve.
        size: height and width of the picture.
    """
    shifted = np.array([[1, 0, margin], [0, 1, margin], [0, 0, 1.0]]) @ matrix
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpPerspective(signal, shifted, (size[1], size[0]), flags=flags, borderMode=cv2.BORDER_REPLICATE)
