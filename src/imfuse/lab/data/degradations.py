"""Photometric changes of patches, one function each: what the training scenes lack, made from what they have.

Each takes one source `(h, w)` in [0, 1] and a generator, and returns a new float32 `(h, w)` in [0, 1].
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Source = NDArray[np.float32]


def gamma(source: Source, generator: Generator) -> Source:
    """Another gamma between 1/2 and 2, as of another camera or display."""
    return source ** np.float32(np.exp(generator.uniform(-0.7, 0.7)))


def contrast(source: Source, generator: Generator) -> Source:
    """Contrast between 0.6 and 1.4 of what it was about mid-grey, and brightness shifted by up to 0.15."""
    gain, shift = generator.uniform(0.6, 1.4), generator.uniform(-0.15, 0.15)
    changed = source * np.float32(gain) + np.float32(0.5 - 0.5 * gain + shift)
    return np.clip(changed, 0, 1, out=changed)


def haze(source: Source, generator: Generator) -> Source:
    """Airlight by the scattering model J t + A (1 - t), the transmission t a plane over the patch.

    Koschmieder's law as in Narasimhan and Nayar, "Vision and the atmosphere", 2002; A in [0.7, 1], t in [0.3, 0.9].
    """
    airlight = np.float32(generator.uniform(0.7, 1.0))
    corners = generator.uniform(0.3, 0.9, 3).astype(np.float32)
    height, width = source.shape
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(0, 1, width, dtype=np.float32)
    plane = corners[0] + (corners[1] - corners[0]) * rows + (corners[2] - corners[0]) * columns
    transmission = np.clip(plane, 0.3, 0.9)
    return airlight + (source - airlight) * transmission


def overexposure(source: Source, generator: Generator) -> Source:
    """Exposed so long, up to 4 times, that the brightest 5 to 60 % are clipped at white, but never everything."""
    clipped = float(np.quantile(source, 1 - generator.uniform(0.05, 0.6)))
    gain = np.clip(1 / max(clipped, 1e-3), 1, 4)
    return np.minimum(source * np.float32(gain), 1)


def darkness(source: Source, generator: Generator) -> Source:
    """A scene at night: 15 to 60 % of the light, shadows deepened by a gamma of 1 to 1.8."""
    gain, exponent = generator.uniform(0.15, 0.6), generator.uniform(1.0, 1.8)
    return np.float32(gain) * source ** np.float32(exponent)


def noise(source: Source, generator: Generator) -> Source:
    """Sensor noise: Gaussian with a variance that grows with the light (Foi et al. 2008), clipped.

    The standard deviation in the dark is between 0.004 and 0.03; the shot noise adds up to 0.03 at white.
    """
    read, shot = generator.uniform(0.004, 0.03) ** 2, generator.uniform(0, 0.03) ** 2
    deviation = np.sqrt(np.float32(read) + np.float32(shot) * source)
    noisy = source + deviation * generator.standard_normal(source.shape, dtype=np.float32)
    return np.clip(noisy, 0, 1, out=noisy)


def invert(source: Source) -> Source:
    """White-hot infrared as black-hot, and back."""
    return 1 - source
