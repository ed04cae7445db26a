#!/usr/bin/env bash
# Bring a shifted infrared picture onto the visible one, then fuse.
#     bash examples/cli/06_align_then_fuse.sh
set -euo pipefail

python - <<'PYTHON'
from imfuse.images.files import write_image
from imfuse.scenes import simulate

scene = simulate(480, 640, seed=2, darkness=0.3, misalignment=12)
write_image("aligned/ir.png", scene.infrared)
write_image("aligned/ir_small.png", scene.infrared[::2, ::2])
write_image("aligned/vis.png", scene.visible)
PYTHON

# Shift and turn, the default; the scores before and after are printed.
imfuse fuse aligned/ir.png aligned/vis.png -o aligned/fused.png --align

# Another size too: the scale sets out from the ratio of the sizes, and `affine` lets it change.
imfuse fuse aligned/ir_small.png aligned/vis.png -o aligned/fused_small.png --align affine
