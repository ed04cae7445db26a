#!/usr/bin/env bash
# Search a network under a budget of time, train and export it, and fuse with it. Needs `pip install 'imfuse[train]'`.
#     bash examples/cli/10_search.sh [STEPS]
# The space is small, so that it takes a minute or two; without the `--space` options it holds millions of networks.
set -euo pipefail
steps=${1:-100}

python - <<'PYTHON'
from imfuse.images.files import write_image
from imfuse.scenes import simulate

for number in range(4):
    scene = simulate(240, 320, seed=number, darkness=0.2 + 0.2 * number)
    write_image(f"searched/infrared/{number}.png", scene.infrared)
    write_image(f"searched/visible/{number}.png", scene.visible)
PYTHON

# Every field of the recipe is an option. Stop it with Ctrl-C; the same command goes on.
imfuse search ivif-10ms --folders searched/infrared searched/visible -o searched/run --then-train --licence mine \
  --name mine --space.kinds [csc] --space.operators [conv_3,spatial_3] --space.cells [1] --space.resolutions [4] \
  --space.widths [4,8] --space.heads [pyramid] --latency.target.height 240 --latency.target.width 320 \
  --latency.budget_ms 200 --data.patch 64 --strategy gradient --gradient.warmup 1 \
  --gradient.stages "[{level: macro, steps: $steps}, {level: micro, steps: $steps}]" \
  --training "{data: {patch: 64, simulated: 0}, optimiser: {steps: $((2 * steps))}}"
imfuse fuse searched/infrared searched/visible -o searched/fused --model searched/run/zoo/mine
