"""Bring a shifted infrared picture onto the visible one, then fuse.

python examples/api/06_align_then_fuse.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from imfuse import Fuser
from imfuse.align import align
from imfuse.errors import AlignmentError
from imfuse.images.files import write_image
from imfuse.scenes import simulate

folder = Path("aligned")
scene = simulate(480, 640, seed=2, darkness=0.3, misalignment=12)

try:
    found = align(scene.infrared, scene.visible, motion="euclidean")
except AlignmentError as error:
    raise SystemExit(f"not aligned: {error}") from error
print(f"match {found.score_before:.3f} before, {found.score_after:.3f} after")

# The simulator knows the true map, so the error can be told in pixels.
corners = np.array([[0, 0, 1], [639, 0, 1], [0, 479, 1], [639, 479, 1]]).T
for name, matrix in (("before", np.eye(3)), ("after", found.matrix)):
    distance = np.hypot(*((matrix - scene.registration) @ corners)[:2]).mean()
    print(f"{name}: {distance:.2f} pixels off at the corners")

fuser = Fuser.load("ivif")
write_image(folder / "fused_unaligned.png", fuser(scene.infrared, scene.visible))
write_image(folder / "fused.png", fuser(found.warp(scene.infrared), scene.visible))
