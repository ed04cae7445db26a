#!/usr/bin/env bash
# Fuse folders: by equal names, then by patterns within one folder. A second run skips what is done.
#     bash examples/cli/02_folders.sh
set -euo pipefail

python - <<'PYTHON'
from imfuse.images.files import write_image
from imfuse.scenes import simulate

for number in range(3):
    scene = simulate(240, 320, seed=number)
    write_image(f"folders/infrared/{number}.png", scene.infrared)
    write_image(f"folders/visible/{number}.jpg", scene.visible)
    write_image(f"folders/flight/{number}_ir.png", scene.infrared)
    write_image(f"folders/flight/{number}_vis.png", scene.visible)
PYTHON

imfuse fuse folders/infrared folders/visible -o folders/fused
imfuse fuse folders/infrared folders/visible -o folders/fused   # 3 done before
imfuse fuse folders/flight --pattern '{id}_ir.png' '{id}_vis.png' -o folders/flight_fused --format jpg

# For scripts: one JSON object on standard output.
imfuse fuse folders/infrared folders/visible -o folders/again --json > folders/summary.json
python -c 'import json; print(len(json.load(open("folders/summary.json"))["fused"]), "fused")'
