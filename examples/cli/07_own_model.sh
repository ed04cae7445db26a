#!/usr/bin/env bash
# Train a network on two folders, export it, and fuse with it. Needs `pip install 'imfuse[train]'`.
#     bash examples/cli/07_own_model.sh [STEPS]
set -euo pipefail
steps=${1:-200}

python - <<'PYTHON'
from imfuse.images.files import write_image
from imfuse.scenes import simulate

for number in range(4):
    scene = simulate(240, 320, seed=number, darkness=0.2 + 0.2 * number)
    write_image(f"own_model/infrared/{number}.png", scene.infrared)
    write_image(f"own_model/visible/{number}.png", scene.visible)
PYTHON

# Every field of the recipe is an option. Stop it with Ctrl-C; the same command goes on.
imfuse train ivif --folders own_model/infrared own_model/visible -o own_model/run \
  --name mine --data.simulated 0 --data.patch 64 --data.batch 4 --optimiser.steps "$steps"
imfuse export own_model/run -o own_model/model --licence mine
imfuse fuse own_model/infrared own_model/visible -o own_model/fused --model own_model/model
