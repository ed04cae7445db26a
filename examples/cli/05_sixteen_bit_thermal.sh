#!/usr/bin/env bash
# Fuse the raw counts of a thermal camera: 14 bits in a 16-bit file, of which a scene uses a small part.
#     bash examples/cli/05_sixteen_bit_thermal.sh
set -euo pipefail

python - <<'PYTHON'
import numpy as np

from imfuse.images.files import write_image
from imfuse.scenes import simulate

scene = simulate(480, 640, seed=8, darkness=0.9)
write_image("thermal/counts.png", (7000 + 6 * scene.infrared.astype(np.uint16)).astype(np.uint16))
write_image("thermal/vis.png", scene.visible)
PYTHON

# A 16-bit infrared source is stretched between its 0.5 and 99.5 percentiles; the result is as deep as it.
imfuse fuse thermal/counts.png thermal/vis.png -o thermal/fused16.png

# For the screen. `minmax` for the infrared keeps its extremes, such as a flame.
imfuse fuse thermal/counts.png thermal/vis.png -o thermal/fused8.jpg --depth 8 --range minmax,dtype
