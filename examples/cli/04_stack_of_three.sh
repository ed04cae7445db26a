#!/usr/bin/env bash
# Fuse three exposures of one scene. A stack of focus goes the same way, with --model focus.
#     bash examples/cli/04_stack_of_three.sh
set -euo pipefail

python - <<'PYTHON'
import numpy as np

from imfuse.images.files import write_image
from imfuse.scenes import simulate

light = (simulate(480, 640, seed=5, darkness=0.2).visible / 255.0) ** 2.2
for name, stops in (("short", -2.0), ("middle", 0.5), ("long", 2.0)):
    picture = 255 * np.clip(light * 2.0**stops, 0, 1) ** (1 / 2.2)
    write_image(f"exposures/{name}.jpg", np.rint(picture).astype(np.uint8))
PYTHON

# Two sources or more, in any order.
imfuse fuse exposures/short.jpg exposures/middle.jpg exposures/long.jpg -o exposures/fused.jpg --model exposure

# Without weights, to compare.
imfuse fuse exposures/short.jpg exposures/middle.jpg exposures/long.jpg -o exposures/mertens.jpg --model mertens
